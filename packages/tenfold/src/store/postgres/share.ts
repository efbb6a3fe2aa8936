/** The part of a store that one server holds, where the store is spread over several. */
import { randomInt } from "node:crypto";
import { TenfoldError } from "../../value/error.ts";
import type { Connection } from "./connection.ts";
import { COUNT_LANES } from "./lane-row.ts";

/** What one of several servers has of their store. */
export interface Share {
  /** Names the store: servers of two stores are never mixed. */
  readonly store: number;
  /** The lanes that are made here with the tables. */
  readonly lanes: readonly number[];
}

export const NAME_STORE = `
  insert into tenfold.meta (name, value) values ('store', $1::bigint), ('server', $2::bigint)
  on conflict (name) do nothing`;

/** Names a store, or one server of it: another name than that of any other. */
export function newName(): number {
  return randomInt(1, 2 ** 48 - 1);
}

/** STORE_MIXED if a server that was named alone is only one of several. */
export async function mustHoldAll(connection: Connection, lanes: number): Promise<void> {
  const [here] = await connection.rows<{ count: number }>(COUNT_LANES);
  if (here!.count === lanes) return;
  const { name } = connection.options;
  throw new TenfoldError(
    "STORE_MIXED",
    `The store ${name} holds ${here!.count} of the ${lanes} lanes of its store, the others are on other servers; nothing ` +
      `was opened. Name them all: \`store: ["${name}", …]\`.`,
    { facts: { store: name, lanes, here: here!.count } },
  );
}
