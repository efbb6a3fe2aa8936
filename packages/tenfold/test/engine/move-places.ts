/** Places for stores that are moved, in files and in databases, and a move between two of them. */
import assert from "node:assert/strict";
import { copyFileSync } from "node:fs";
import { moveStore, openToMove, type MoveParts } from "../../src/engine/move.ts";
import type { MovingStore } from "../../src/store/moving.ts";
import { openPostgres } from "../../src/store/postgres/open.ts";
import { openSqlite } from "../../src/store/sqlite/sqlite.ts";
import type { Store } from "../../src/store/store.ts";
import { TenfoldError, type ErrorCode } from "../../src/value/error.ts";
import { newFile } from "../store/files.ts";
import { newDatabase } from "../store/postgres-server.ts";
import { NOW } from "../store/sample.ts";
import { pgCaller } from "../store/postgres-callers.ts";
import { sqliteCaller } from "../store/sqlite-caller.ts";
import type { Caller } from "../store/transaction-laws.ts";
import { fill, LANES } from "./moved-store.ts";

/** A place for a store, where none is yet. */
export interface Place {
  /** What a program is told to find it by. */
  readonly name: string;
  open(lanes?: number): Promise<Store>;
  /** `lanes`: of a store that is made now. */
  toMove(lanes: number | null): Promise<MovingStore>;
  /** Somebody with a client of their own on the store's database, once that is there. */
  caller(): Promise<Caller>;
}

export function inFile(file: string = newFile()): Place {
  return {
    name: file,
    open: (lanes) => openSqlite(file, lanes === undefined ? {} : { lanes }),
    toMove: (lanes) => openToMove(file, lanes),
    caller: async () => sqliteCaller(file),
  };
}

/** A file with the same in it, of a store that nobody has open. */
export function copyOf({ name }: Place): Place {
  const file = newFile();
  copyFileSync(name, file);
  return inFile(file);
}

export async function inPostgres(): Promise<Place> {
  const url = await newDatabase();
  return {
    name: url,
    open: (lanes) => openPostgres(url, lanes === undefined ? {} : { lanes }),
    toMove: (lanes) => openToMove(url, lanes),
    caller: () => pgCaller(url, "caller"),
  };
}

/** A clock on which waiting takes no time. */
export function partsOf(differs: Partial<MoveParts> = {}): MoveParts {
  let elapsed = 0;
  const clock = {
    now: () => NOW + 7,
    elapsed: () => elapsed,
    at: (at: number, callback: () => void) => {
      elapsed += at - clock.now();
      setImmediate(callback);
      return () => undefined;
    },
    soon: (callback: () => void) => void setImmediate(callback),
  };
  const host = { worker: "mover", host: "this machine", process: "1", isGone: () => true };
  return { clock, host, ...differs };
}

export async function using<T>(store: { close(): Promise<void> }, act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } finally {
    await store.close();
  }
}

export async function move(from: Place, to: Place, parts: MoveParts = partsOf()) {
  const source = await from.toMove(null);
  return using(source, async () => {
    const target = await to.toMove(source.lanes);
    return using(target, () => moveStore(source, target, parts));
  });
}

export async function filledAt(place: Place): Promise<void> {
  const store = await place.open(LANES);
  await using(store, () => fill(store));
}

export function refusal(code: ErrorCode, says: RegExp) {
  return (thrown: unknown) => {
    assert.ok(thrown instanceof TenfoldError);
    assert.equal(thrown.code, code, thrown.message);
    assert.match(thrown.message, says);
    return true;
  };
}
