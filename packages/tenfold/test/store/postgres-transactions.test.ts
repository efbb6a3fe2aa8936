/** What only the Postgres store's transactions can do wrong: a connection that breaks, and bodies that end what is not theirs. */
import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import pg from "pg";
import type { PostgresTx } from "../../src/flow/index.ts";
import { openPostgres } from "../../src/store/postgres/open.ts";
import type { KeptResult, TransactAnswer, TransactedWork } from "../../src/store/transactions.ts";
import { TenfoldError } from "../../src/value/error.ts";
import { newDatabase, postgresServer } from "./postgres-server.ts";
import { joined } from "./sample.ts";
import { TcpProxy } from "./tcp-proxy.ts";
import { keptOf } from "./transacting.ts";

const TABLES = `
  create table parents (id text primary key);
  create table children (parent text not null references parents (id) deferrable initially deferred);`;

async function opened(t: TestContext) {
  const url = await newDatabase();
  const proxy = await TcpProxy.to(t, (await postgresServer()).port);
  const store = await openPostgres(proxy.url(url), { patienceMs: 4000 });
  const client = new pg.Client(url);
  await client.connect();
  t.after(() => Promise.all([store.close(), client.end()]));
  await client.query(TABLES);
  const lease = await joined(store, "a");
  let calls = 0;
  const transact = (key: string, act: (tx: PostgresTx) => Promise<unknown>): Promise<TransactAnswer> => {
    const body: TransactedWork["body"] = async (tx): Promise<KeptResult | null> => {
      calls++;
      return act(tx as PostgresTx).then(
        () => keptOf(`"${key}"`),
        () => null,
      );
    };
    return store.transactions.transact(lease, { run: "r", key, signal: new AbortController().signal, body });
  };
  const ids = async (table: string) => (await client.query<{ id: string }>(`select * from ${table}`)).rows.length;
  return { store, lease, proxy, client, transact, ids, called: () => calls };
}

const insert = (tx: PostgresTx, id: string) => tx.query("insert into parents (id) values ($1)", [id]);
const isCode = (code: string) => (thrown: unknown) => thrown instanceof TenfoldError && thrown.code === code;

test("a connection that is cut before the commit leaves nothing, and the work can be sent again", async (t) => {
  const { transact, proxy, ids, called } = await opened(t);
  const cut = transact("one", async (tx) => {
    await insert(tx, "a");
    proxy.cut();
  });
  await assert.rejects(cut, isCode("STORE_UNREACHABLE"));
  assert.equal(await ids("parents"), 0);
  assert.equal((await transact("one", (tx) => insert(tx, "a"))).kind, "written");
  assert.deepEqual([await ids("parents"), called()], [1, 2]);
});

test("a commit whose answer is lost is known when the work is sent again, and no body is called", async (t) => {
  const { transact, proxy, ids, called, client } = await opened(t);
  const watch = "select count(*)::int as n from tenfold.tx_results";
  const lost = transact("one", async (tx) => {
    await insert(tx, "a");
    // What is sent arrives, and no answer comes back in time.
    proxy.delayMs = 300;
  });
  const rejected = assert.rejects(lost, isCode("STORE_UNREACHABLE"));
  while ((await client.query<{ n: number }>(watch)).rows[0]!.n === 0)
    await new Promise((resolve) => setTimeout(resolve, 5));
  proxy.cut();
  await rejected;
  proxy.delayMs = 0;
  assert.deepEqual(await transact("one", (tx) => insert(tx, "b")), { kind: "known", result: keptOf(`"one"`) });
  assert.deepEqual([await ids("parents"), called()], [1, 1]);
});

test("a body that ends its transaction in the middle of several statements is found out, and its result not kept", async (t) => {
  const { transact, ids } = await opened(t);
  const ends = (tx: PostgresTx) => tx.query("insert into parents values ('a'); commit; begin; insert into parents values ('b')"); // prettier-ignore
  await assert.rejects(transact("one", ends), isCode("TX_ENDED"));
  assert.equal(await ids("parents"), 1, "what was committed before is, and the rest is not");
  assert.equal((await transact("one", (tx) => insert(tx, "c"))).kind, "written");
});

test("savepoints are a body's own, and a query that failed within one leaves the rest", async (t) => {
  const { transact, ids } = await opened(t);
  const tries = async (tx: PostgresTx) => {
    await insert(tx, "a");
    await tx.query("savepoint s");
    await assert.rejects(insert(tx, "a"));
    await tx.query("rollback to savepoint s");
    await tx.query({ text: "insert into parents (id) values ($1)", values: ["b"], name: "theirs" });
  };
  assert.equal((await transact("one", tries)).kind, "written");
  assert.equal(await ids("parents"), 2);
});

test("a constraint that is looked at when it commits refuses the work as the database says it", async (t) => {
  const { transact, ids } = await opened(t);
  const orphan = (tx: PostgresTx) => tx.query("insert into children (parent) values ('nobody')");
  await assert.rejects(transact("one", orphan), /foreign key constraint/);
  assert.equal(await ids("children"), 0);
  assert.equal((await transact("one", (tx) => insert(tx, "a"))).kind, "written");
});

test("a query that nobody waited for comes too late, and more bodies than connections take turns", async (t) => {
  const { transact, ids } = await opened(t);
  let late: Promise<unknown> = Promise.resolve();
  const leaves = async (tx: PostgresTx) => {
    late = new Promise((resolve) => setTimeout(resolve, 30)).then(() => insert(tx, "late"));
    late.catch(() => {});
  };
  assert.equal((await transact("leaves", leaves)).kind, "written");
  await assert.rejects(late, isCode("TX_ENDED"));
  const many = Array.from({ length: 40 }, (_, n) => transact(`many ${n}`, (tx) => insert(tx, `m${n}`)));
  assert.ok((await Promise.all(many)).every(({ kind }) => kind === "written"));
  assert.equal(await ids("parents"), 40);
});
