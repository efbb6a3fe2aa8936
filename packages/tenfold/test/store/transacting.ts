/** Works whose bodies write a text, in the words of whichever store it is; and what is there of them. */
import type { PostgresTx, SqliteTx } from "../../src/flow/index.ts";
import type { MemoryTransaction } from "../../src/store/memory-transactions.ts";
import type { Lease, Store } from "../../src/store/store.ts";
import type { KeptResult, TransactedWork } from "../../src/store/transactions.ts";
import { NOW } from "./sample.ts";

const tables = new WeakMap<Store, string>();
let serial = 0;

/** Each store's own, since several may be in one database. */
function tableOf(store: Store): string {
  let table = tables.get(store);
  if (table === undefined) tables.set(store, (table = `effects_${process.pid}_${++serial}`));
  return table;
}

export function keptOf(output: string | null, attempt = 1): KeptResult {
  return { attempt, output, at: NOW };
}

/** Its body writes nothing; what it keeps is JSON, or nothing at all. */
export function workOf(run: string, kept: string | null): TransactedWork {
  const body = (): KeptResult | null => (kept === null ? null : keptOf(kept));
  return { run, key: `${run}/pay`, signal: new AbortController().signal, body };
}

/** Its body writes `text` and keeps `kept`. */
export function writing(
  store: Store,
  run: string,
  text: string,
  kept: KeptResult | null = keptOf(`"${text}"`),
  differs: Partial<TransactedWork> = {},
): TransactedWork {
  const body: TransactedWork["body"] = (transaction) => {
    const written = write(store, transaction, text);
    return written === undefined ? kept : written.then(() => kept);
  };
  return { run, key: `${run}/pay`, signal: new AbortController().signal, body, ...differs };
}

export function write(store: Store, transaction: unknown, text: string): Promise<unknown> | undefined {
  switch (store.transactions.kind) {
    case "memory":
      (transaction as MemoryTransaction).write(text);
      return undefined;
    case "sqlite":
      (transaction as SqliteTx).run(`insert into ${tableOf(store)} (text) values (?)`, text);
      return undefined;
    case "postgres":
      return (transaction as PostgresTx).query(`insert into ${tableOf(store)} (text) values ($1)`, [text]);
  }
}

/** Makes the table that they write to. */
export async function makeEffects(store: Store, lease: Lease): Promise<void> {
  const sql = `create table if not exists ${tableOf(store)} (text text not null)`;
  const make: TransactedWork["body"] = (transaction) => {
    if (store.transactions.kind === "sqlite") (transaction as SqliteTx).run(sql);
    if (store.transactions.kind !== "postgres") return keptOf(null);
    return (transaction as PostgresTx).query(sql).then(() => keptOf(null));
  };
  await store.transactions.transact(lease, {
    run: "none",
    key: "make",
    signal: new AbortController().signal,
    body: make,
  });
}

/** What is there. */
export async function effectsOf(store: Store, lease: Lease): Promise<readonly string[]> {
  const found: string[] = [];
  const read: TransactedWork["body"] = (transaction) => {
    const select = `select text from ${tableOf(store)} order by text`;
    if (store.transactions.kind === "memory") {
      found.push(...(transaction as MemoryTransaction).read());
      return null;
    }
    if (store.transactions.kind === "sqlite") {
      found.push(...(transaction as SqliteTx).all<{ text: string }>(select).map(({ text }) => text));
      return null;
    }
    return (transaction as PostgresTx).query<{ text: string }>(select).then(({ rows }) => {
      found.push(...rows.map(({ text }) => text));
      return null;
    });
  };
  await store.transactions.transact(lease, {
    run: "none",
    key: "read",
    signal: new AbortController().signal,
    body: read,
  });
  return found;
}
