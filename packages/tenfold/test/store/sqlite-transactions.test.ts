/** What only the SQLite store's transactions can do wrong: bodies share one, and one of them may spoil it. */
import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { test, type TestContext } from "node:test";
import type { SqliteTx } from "../../src/flow/index.ts";
import { EncodedTransactions } from "../../src/store/codec/encoded-transactions.ts";
import { openSqlite } from "../../src/store/sqlite/sqlite.ts";
import type { TransactAnswer, TransactedWork } from "../../src/store/transactions.ts";
import { TenfoldError } from "../../src/value/error.ts";
import { newFile } from "./files.ts";
import { joined } from "./sample.ts";
import { keptOf } from "./transacting.ts";

const TABLES = `
  create table parents (id text primary key);
  create table late (id text primary key, parent text references parents (id) deferrable initially deferred);
  create table children (parent text not null references parents (id), id text primary key on conflict rollback);`;

async function opened(t: TestContext, options: Parameters<typeof openSqlite>[1] = {}) {
  const file = newFile();
  const store = await openSqlite(file, options);
  t.after(() => store.close());
  const lease = await joined(store, "a");
  const database = new DatabaseSync(file);
  database.exec(TABLES);
  t.after(() => database.close());
  const calls: string[] = [];
  const transact = (key: string, act: (tx: SqliteTx) => unknown): Promise<TransactAnswer> => {
    const body: TransactedWork["body"] = (tx) => {
      calls.push(key);
      try {
        const answer = act(tx as SqliteTx);
        return answer instanceof Promise ? answer.then(() => keptOf(null)) : keptOf(null);
      } catch {
        return null;
      }
    };
    return store.transactions.transact(lease, { run: "r", key, signal: new AbortController().signal, body });
  };
  const ids = (table: string) => database.prepare(`select id from ${table} order by id`).all().map(({ id }) => id); // prettier-ignore
  return { store, transact, calls, ids };
}

const parent = (id: string) => (tx: SqliteTx) => tx.run("insert into parents (id) values (?)", id);
const child = (id: string, of: string) => (tx: SqliteTx) =>
  tx.run("insert into children (parent, id) values (?, ?)", of, id);
const kinds = (answers: readonly TransactAnswer[]) => answers.map(({ kind }) => kind);

test("of bodies that share a transaction one that throws undoes what it wrote, and nothing else", async (t) => {
  const { transact, ids, calls } = await opened(t);
  const throws = (tx: SqliteTx) => {
    parent("two")(tx);
    throw new Error("no");
  };
  const answers = [transact("1", parent("one")), transact("2", throws), transact("3", parent("three"))];
  assert.deepEqual(kinds(await Promise.all(answers)), ["written", "undone", "written"]);
  assert.deepEqual(ids("parents"), ["one", "three"]);
  assert.deepEqual(calls, ["1", "2", "3"]);
});

test("one that makes SQLite undo all of them has the others called again, by themselves", async (t) => {
  const { transact, ids, calls } = await opened(t);
  await transact("0", (tx) => (parent("p")(tx), child("c", "p")(tx)));
  const answers = [transact("1", parent("one")), transact("2", child("c", "p")), transact("3", parent("three"))];
  const [first, spoils, third] = await Promise.allSettled(answers);
  assert.equal(first!.status === "fulfilled" && first!.value.kind, "written");
  assert.equal(third!.status === "fulfilled" && third!.value.kind, "written");
  assert.equal(spoils!.status === "fulfilled" && spoils!.value.kind, "undone", "it threw, and is told no more");
  assert.deepEqual(ids("parents"), ["one", "p", "three"]);
  assert.equal(calls.filter((key) => key === "1").length, 2);
  const goesOn = (tx: SqliteTx) => {
    try {
      child("c", "p")(tx);
    } catch {
      // As if nothing had happened.
    }
  };
  await assert.rejects(
    transact("4", goesOn),
    (thrown) => thrown instanceof TenfoldError && thrown.code === "TX_UNDONE",
  );
});

test("a body that is not done when it returns is refused, and what it wrote is undone", async (t) => {
  const { transact, ids } = await opened(t);
  let late: unknown;
  const slow = transact("1", async (tx) => {
    parent("one")(tx);
    await new Promise((resolve) => setTimeout(resolve, 5));
    try {
      parent("late")(tx);
    } catch (thrown) {
      late = thrown;
    }
  });
  await assert.rejects(slow, (thrown) => thrown instanceof TenfoldError && thrown.code === "TX_ASYNC");
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.ok(late instanceof TenfoldError && late.code === "TX_ENDED");
  assert.deepEqual(ids("parents"), []);
  assert.equal((await transact("1", parent("two"))).kind, "written");
});

test("foreign keys are kept, and statements that are the store's are refused, however they are written", async (t) => {
  const { transact, ids } = await opened(t);
  assert.equal((await transact("1", child("orphan", "nobody"))).kind, "undone");
  const refusals: unknown[] = [];
  for (const sql of [
    "commit",
    " -- so\n  End",
    "/**/;release tenfold_body",
    "pragma foreign_keys = off",
    "attach 'x' as y",
  ]) {
    const ends = (tx: SqliteTx) => {
      try {
        tx.run(sql);
      } catch (thrown) {
        refusals.push((thrown as TenfoldError).code);
        throw thrown;
      }
    };
    assert.equal((await transact("1", ends)).kind, "undone", sql);
  }
  assert.deepEqual(
    refusals,
    Array.from({ length: 5 }, () => "TX_ENDED"),
  );
  const reads = (tx: SqliteTx) => {
    parent("p")(tx);
    assert.deepEqual(tx.all<{ id: string }>("select id from parents").map(({ id }) => id), ["p"]); // prettier-ignore
    assert.equal(tx.get<{ n: number }>("select count(*) as n from parents where id = ?", "p")!.n, 1);
  };
  assert.equal((await transact("1", reads)).kind, "written");
  assert.deepEqual(ids("children"), []);
});

test("a reference that is looked at when it commits refuses the body that left it, and no other", async (t) => {
  const { transact, ids } = await opened(t);
  const orphan = (tx: SqliteTx) => tx.run("insert into late (id, parent) values ('o', 'nobody')");
  const [first, bad, third] = await Promise.allSettled([
    transact("1", parent("one")),
    transact("2", orphan),
    transact("3", parent("three")),
  ]);
  assert.equal(first!.status === "fulfilled" && first!.value.kind, "written", JSON.stringify(first));
  assert.equal(third!.status === "fulfilled" && third!.value.kind, "written");
  const reason: unknown = bad!.status === "rejected" && bad!.reason;
  assert.ok(reason instanceof TenfoldError && reason.code === "TX_UNDONE", String(reason));
  assert.match(reason.message, /FOREIGN KEY/);
  assert.deepEqual([ids("parents"), ids("late")], [["one", "three"], []]);
});

test("a disk that is full is the store's to say, not a failure of the body", async (t) => {
  const { transact, ids } = await opened(t, { pagesMax: 120 });
  const writes = (tx: SqliteTx) => {
    for (let n = 0; n < 200; n++) tx.run("insert into parents (id) values (?)", `${n}`.padEnd(4000));
  };
  const answers = await Promise.allSettled([transact("1", writes), transact("2", parent("small"))]);
  const [full, beside] = answers;
  const reason: unknown = full!.status === "rejected" && full!.reason;
  assert.ok(reason instanceof TenfoldError && reason.code === "STORE_FULL", String(reason));
  assert.equal(beside!.status === "fulfilled" && beside!.value.kind, "written");
  assert.deepEqual(ids("parents"), ["small"]);
});

test("several statements as one are refused, and none of them is executed: SQLite would leave out all but the first", async (t) => {
  const { transact, ids } = await opened(t);
  let refusal: unknown;
  const writes = (sql: string) => (tx: SqliteTx) => {
    try {
      tx.run(sql);
    } catch (thrown) {
      refusal = thrown;
    }
  };
  await transact("1", writes("insert into parents (id) values ('a'); insert into parents (id) values ('b')"));
  assert.ok(refusal instanceof TenfoldError && refusal.code === "OPTION_UNSUPPORTED", String(refusal));
  await transact("2", writes("insert into parents (id) values ('c;d') ; -- that is all"));
  assert.deepEqual(ids("parents"), ["c;d"]);
});

test("a result that cannot be encoded is kept by none, and harms no other body", async (t) => {
  const { store, transact, ids } = await opened(t);
  const lease = { lane: 0, owner: "a" };
  const codec = {
    digests: (text: string) => [text],
    encode: () => assert.fail("the key is gone"),
    decode: (text: string) => text,
  };
  const encoded = new EncodedTransactions(store.transactions, codec);
  const body = (tx: unknown) => (parent("bad")(tx as SqliteTx), keptOf("1"));
  const work = { run: "r", key: "bad", signal: new AbortController().signal, body };
  const [bad, good] = await Promise.allSettled([encoded.transact(lease, work), transact("good", parent("good"))]);
  assert.match(String(bad!.status === "rejected" && bad!.reason), /the key is gone/);
  assert.equal(good!.status === "fulfilled" && good!.value.kind, "written");
  assert.deepEqual(ids("parents"), ["good"]);
});
