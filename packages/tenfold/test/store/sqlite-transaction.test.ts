/** Runs started in a transaction of the caller's own on the store's file. */
import assert from "node:assert/strict";
import { DatabaseSync, type DatabaseSyncOptions } from "node:sqlite";
import { test } from "node:test";
import { openSqlite } from "../../src/store/sqlite/sqlite.ts";
import { newFile } from "./files.ts";
import { idMaker, keyOf, NOW, startOf, WORKFLOW } from "./sample.ts";
import { sqliteCaller } from "./sqlite-caller.ts";
import { transactionLaws } from "./transaction-laws.ts";

async function together(options: DatabaseSyncOptions = {}) {
  const path = newFile();
  const store = await openSqlite(path, { busyMs: 2000 });
  return { path, store, caller: sqliteCaller(path, options) };
}

transactionLaws("a DatabaseSync", together);
transactionLaws("a DatabaseSync that reads whole numbers as BigInt, and rows as lists", () =>
  together({ readBigInts: true, returnArrays: true }),
);

test("what a start cannot be made with is refused by what it is, with the way out", async () => {
  const { path, store, caller } = await together();
  const { database } = caller;
  const elsewhere = new DatabaseSync(newFile());
  const closed = new DatabaseSync(path, { open: false });
  const memory = new DatabaseSync(":memory:");
  elsewhere.exec("begin");
  const starts = [startOf(idMaker()())];
  const refused: readonly (readonly [unknown, RegExp])[] = [
    [null, /null.*new DatabaseSync\(/],
    [{ query: () => undefined }, /an object/],
    [new Map(), /a Map/],
    [elsewhere, /open on .*and the store is .*in the store's file/],
    [memory, /a database in memory/],
    [closed, /closed/],
    [database, /no transaction open.*begin immediate/],
  ];
  for (const [client, message] of refused) {
    await assert.rejects(store.startWith(client as never, 0, starts, NOW), { code: "OPTION_UNSUPPORTED", message });
  }
  assert.deepEqual(await store.tallies(0, null, null), []);
  await assert.rejects(store.startWith(database, 1, starts, NOW), { code: "INVARIANT_BROKEN" });
  elsewhere.close();
  memory.close();
  await caller.close();
  await store.close();
});

test("a transaction that looked before somebody else wrote is told to begin at once, and goes on", async () => {
  const { store, caller } = await together();
  const { database } = caller;
  const make = idMaker();
  database.exec("begin");
  database.prepare("select count(*) from orders").get();
  await store.start(0, [startOf(make())], NOW, null);
  await assert.rejects(store.startWith(database, 0, [startOf(make())], NOW), {
    code: "STORE_BUSY",
    message: /begin immediate.*timeout/,
  });
  assert.ok(database.isTransaction);
  database.exec("rollback");
  await caller.close();
  await store.close();
});

test("a start that fails half way leaves nothing of itself in a transaction that then commits", async () => {
  const { store, caller } = await together();
  const { database } = caller;
  const make = idMaker();
  // Its attributes are refused, after its run and its key were written.
  database.exec(`create trigger refuse before insert on attributes begin select raise(abort, 'no attributes'); end`);
  database.exec("begin immediate");
  await caller.write(database, "an order");
  const start = startOf(make(), { key: keyOf("a"), attributes: [{ name: "region", value: "eu" }] });
  await assert.rejects(store.startWith(database, 0, [start], NOW), /no attributes/);
  database.exec("commit");
  assert.deepEqual(await caller.written(), ["an order"]);
  assert.deepEqual(await store.list(0, {}, { before: null, limit: 9 }), []);
  assert.deepEqual(await store.start(0, [startOf(make(), { key: keyOf("a") })], NOW, null), [{ kind: "started" }]);
  assert.deepEqual(await store.tallies(0, null, null), [{ workflow: WORKFLOW, status: "waiting", runs: 1 }]);
  await caller.close();
  await store.close();
});
