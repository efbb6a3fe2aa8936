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

async function opened(t: TestContext, { bodies = 10, patienceMs = 4000 } = {}) {
  const url = await newDatabase();
  const proxy = await TcpProxy.to(t, (await postgresServer()).port);
  const store = await openPostgres(`${proxy.url(url)}?tenfold_tx=${bodies}`, { patienceMs });
  const client = new pg.Client(url);
  await client.connect();
  t.after(() => Promise.all([store.close(), client.end()]));
  await client.query(TABLES);
  const lease = await joined(store, "a");
  let calls = 0;
  const transact = (
    key: string,
    act: (tx: PostgresTx) => Promise<unknown>,
    signal = new AbortController().signal,
  ): Promise<TransactAnswer> => {
    const body: TransactedWork["body"] = async (tx): Promise<KeptResult | null> => {
      calls++;
      return act(tx as PostgresTx).then(
        () => keptOf(`"${key}"`),
        () => null,
      );
    };
    return store.transactions.transact(lease, { run: "r", key, signal, body });
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

test("a transaction that its body leaves idle for too long is refused, and not begun again and again", async (t) => {
  const { transact, ids } = await opened(t);
  const idles = async (tx: PostgresTx) => {
    await insert(tx, "a");
    await tx.query("set local idle_in_transaction_session_timeout = '50ms'");
    await new Promise((resolve) => setTimeout(resolve, 400));
  };
  await assert.rejects(transact("one", idles), (thrown) => isCode("TX_UNDONE")(thrown) && /idle/.test(String(thrown)));
  assert.equal(await ids("parents"), 0);
});

test("a body that keeps its program busy for too long is refused as one that leaves its transaction idle", async (t) => {
  const { transact } = await opened(t);
  for (const fails of [false, true]) {
    const blocks = async (tx: PostgresTx) => {
      await tx.query("set local idle_in_transaction_session_timeout = '50ms'");
      for (const until = performance.now() + 1000; performance.now() < until;);
      if (fails) await insert(tx, "a");
    };
    await assert.rejects(transact("one", blocks), isCode("TX_UNDONE"));
  }
});

test("a body that answers although a query of its failed is told so, and how to go on after one", async (t) => {
  const { transact, ids } = await opened(t);
  const goesOn = async (tx: PostgresTx) => {
    await insert(tx, "a");
    await insert(tx, "a").catch(() => {});
  };
  const isTold = (thrown: unknown) => isCode("TX_UNDONE")(thrown) && /duplicate key.*savepoint/.test(String(thrown));
  await assert.rejects(transact("one", goesOn), isTold);
  assert.equal(await ids("parents"), 0);
});

test("whatever a trigger refuses when it commits is told as the database says it", async (t) => {
  const { transact, client } = await opened(t);
  await client.query(`
    create function refuse() returns trigger language plpgsql as $$ begin raise 'too much' using errcode = 'TM001'; end $$;
    create constraint trigger refuses after insert on parents deferrable initially deferred
      for each row execute function refuse()`);
  await assert.rejects(
    transact("one", (tx) => insert(tx, "a")),
    (thrown) => String(thrown).endsWith("too much"),
  );
});

test("bodies that were stopped and do not end keep no connection, and the store is closed without them", async (t) => {
  const { transact, store } = await opened(t, { bodies: 2 });
  const controller = new AbortController();
  const { promise: entered, resolve: enter } = Promise.withResolvers<void>();
  let left = 2;
  const hangs = (id: string) => async (tx: PostgresTx) => {
    await insert(tx, id);
    if (--left === 0) enter();
    await new Promise(() => {});
  };
  for (const key of ["one", "two"]) void transact(key, hangs(key), controller.signal);
  await entered;
  const waits = transact("three", (tx) => insert(tx, "c"), controller.signal);
  const other = transact("four", (tx) => insert(tx, "d"));
  controller.abort();
  assert.deepEqual([(await waits).kind, (await other).kind], ["undone", "written"]);
  await store.close();
});

test("what a body sets in its session, or makes there for a while, the next one does not find", async (t) => {
  const { transact } = await opened(t, { bodies: 1 });
  const sets = async (tx: PostgresTx) => {
    await tx.query("set app.tenant = 'north'");
    await tx.query("set role pg_monitor");
    await tx.query("create temp table scratch (id text)");
    await tx.query("select pg_advisory_lock(7)");
  };
  assert.equal((await transact("one", sets)).kind, "written");
  const finds = async (tx: PostgresTx) => {
    const { rows } = await tx.query(`
      select coalesce(current_setting('app.tenant', true), '') as tenant, current_user = session_user as "isItself",
        to_regclass('scratch') as scratch, (select count(*)::int from pg_locks where locktype = 'advisory') as locks`);
    assert.deepEqual(rows, [{ tenant: "", isItself: true, scratch: null, locks: 0 }]);
  };
  let failed: unknown;
  await transact("two", (tx) => finds(tx).catch((thrown: unknown) => (failed = thrown)));
  assert.equal(failed, undefined);
});

test("of two bodies that wait for each other the one that the database ends is to be called again", async (t) => {
  const { transact, ids, client } = await opened(t);
  await client.query("insert into parents values ('a'), ('b')");
  let inside = 0;
  const { promise: both, resolve } = Promise.withResolvers<void>();
  const locks = (first: string, second: string) => async (tx: PostgresTx) => {
    await tx.query("update parents set id = id where id = $1", [first]);
    if (++inside === 2) resolve();
    await both;
    await tx.query("update parents set id = id where id = $1", [second]);
  };
  const answers = await Promise.allSettled([transact("one", locks("a", "b")), transact("two", locks("b", "a"))]);
  const lost = answers.filter((answer) => answer.status === "rejected");
  assert.equal(lost.length, 1, "one of them goes through");
  assert.ok(isCode("STORE_BUSY")(lost[0]!.reason), String(lost[0]!.reason));
  assert.equal(await ids("parents"), 2);
});

test("a server that lets in and never answers is given up, so that it is asked again", async (t) => {
  const { transact, proxy } = await opened(t, { patienceMs: 2500 });
  proxy.swallow();
  await assert.rejects(transact("one", (tx) => insert(tx, "a")), isCode("STORE_UNREACHABLE")); // prettier-ignore
  proxy.pass();
  assert.equal((await transact("one", (tx) => insert(tx, "a"))).kind, "written");
});
