/** A connection to Postgres whose way to the server breaks, falls silent, or is gone: what its callers get, and what comes after. */
import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { setTimeout } from "node:timers/promises";
import { Connection, type Statement } from "../../src/store/postgres/connection.ts";
import { pauseAfter } from "../../src/store/postgres/reconnect-pause.ts";
import type { ErrorCode, TenfoldError } from "../../src/value/error.ts";
import { newSchema, onServer, postgresServer } from "./postgres-server.ts";
import { way, type Way } from "./postgres-way.ts";

const PATIENCE_MS = 400;
const ONE: Statement = { sql: "select $1::integer as one", values: [1] };
const SLEEP: Statement = { sql: "select pg_sleep($1)", values: [60] };

function connect(t: TestContext, { url, purpose }: Way, patienceMs = 60_000): Connection {
  const connection = new Connection(url, { name: "the store", schema: "tenfold", purpose, patienceMs });
  t.after(() => connection.close());
  return connection;
}

/** How many sessions with `purpose` the server has, and waits until that is as told. */
async function sessionsAre({ direct, purpose }: Way, holds: (rows: any[]) => boolean): Promise<void> {
  const ask = `select state, wait_event from pg_stat_activity where application_name = 'tenfold ${purpose}'`;
  while (!holds(await onServer(direct, ask)));
}

const isBusy = (rows: any[]): boolean => rows.some(({ wait_event: event }) => event === "PgSleep");

async function rejectsWith(code: ErrorCode, call: Promise<unknown>): Promise<void> {
  await assert.rejects(call, (error: TenfoldError) => {
    assert.equal(error.code, code, error.message);
    return true;
  });
}

async function answers(connection: Connection): Promise<void> {
  assert.deepEqual(await connection.send([ONE]), [{ rows: [{ one: 1 }], count: 1 }]);
}

test("what is under way when the connection is cut is answered with STORE_UNREACHABLE, and the next call is answered", async (t) => {
  const by = await way(t);
  const connection = connect(t, by);
  await answers(connection);
  const calls = [connection.send([SLEEP]), connection.send([ONE]), connection.send([ONE, ONE])];
  const refused = calls.map((call) => rejectsWith("STORE_UNREACHABLE", call));
  await sessionsAre(by, isBusy);
  by.proxy.cut();
  await Promise.all(refused);
  await answers(connection);
});

test("calls made while the session is being opened go by that one session, in their order", async (t) => {
  const by = await way(t);
  by.proxy.delayMs = 20;
  const connection = connect(t, by);
  const order: number[] = [];
  await Promise.all([1, 2, 3, 4].map((place) => connection.send([ONE, ONE]).then(() => order.push(place))));
  assert.deepEqual(order, [1, 2, 3, 4]);
  assert.equal(by.proxy.arrivals, 1);
});

test("a session that broke is forgotten once: its late end takes nothing from the one after it", async (t) => {
  const by = await way(t);
  const connection = connect(t, by);
  await answers(connection);
  for (let round = 1; round <= 20; round++) {
    by.proxy.cut();
    // Some of these meet the broken session, before or after it is known to be broken, and some the new one.
    await Promise.allSettled(Array.from({ length: 5 }, () => connection.send([ONE])));
    await connection.send([ONE]).catch(() => answers(connection));
    assert.equal(by.proxy.open, 1);
  }
});

test("a transaction whose connection dies between two of its sends writes nothing, and the next one is served", async (t) => {
  const by = await way(t);
  const table = newSchema();
  await onServer(by.direct, `create table ${table} (n integer)`);
  const connection = connect(t, by);
  const write = { sql: `insert into ${table} values (1)`, values: [] };
  const broken = connection.transaction(async ({ send, commit }) => {
    await send([write]);
    by.proxy.cut();
    await commit([write]);
  });
  await rejectsWith("STORE_UNREACHABLE", broken);
  await connection.transaction(({ commit }) => commit([write]));
  assert.deepEqual(await onServer(by.direct, `select count(*)::integer as rows from ${table}`), [{ rows: 1 }]);
});

test("what is sent while a transaction is open on the same connection is none of it, and comes behind it", async (t) => {
  const connection = connect(t, await way(t));
  await connection.send([{ sql: "create temporary table told (what text)" }]);
  const tell = (what: string): Statement => ({ sql: "insert into told (what) values ($1)", values: [what] });
  let beside: Promise<unknown> | null = null;
  const undone = connection.transaction(async ({ send }) => {
    await send([tell("undone")]);
    beside = Promise.all([connection.send([tell("one"), tell("two")]), connection.send([tell("three")])]);
    await send([ONE]);
    throw new Error("thrown within");
  });
  await assert.rejects(undone, /thrown within/);
  await beside;
  const told = await connection.rows<{ what: string }>("select what from told");
  assert.deepEqual(
    told.map(({ what }) => what),
    ["one", "two", "three"],
  );
});

test("what is sent again, because Postgres ended it, waits for a transaction that was begun meanwhile", async (t) => {
  const connection = connect(t, await way(t));
  await connection.send([{ sql: "create temporary sequence tries; create temporary table told (what text)" }]);
  const fails = `do $$ begin
    if nextval('tries') = 1 then perform pg_sleep(0.1); raise exception 'once' using errcode = '40P01'; end if;
  end $$`;
  const again = connection.send([{ sql: fails }, { sql: "insert into told (what) values ($1)", values: ["again"] }]);
  const undone = connection.transaction(async ({ send }) => {
    await send([{ sql: "insert into told (what) values ($1)", values: ["undone"] }]);
    await setTimeout(200);
    throw new Error("thrown within");
  });
  await assert.rejects(undone, /thrown within/);
  await again;
  assert.deepEqual(await connection.rows("select what from told"), [{ what: "again" }]);
});

test("a transaction for which no session can be opened is refused at once", { timeout: 30_000 }, async (t) => {
  const by = await way(t);
  by.proxy.refuse();
  const connection = connect(t, by);
  await rejectsWith(
    "STORE_UNREACHABLE",
    connection.transaction(({ commit }) => commit([ONE])),
  );
  by.proxy.pass();
  for (;;) if (await connection.transaction(({ commit }) => commit([ONE])).catch(() => null)) return;
});

test("where a statement fails, those behind it are not executed, the transaction is undone, and all of them go on to work", async (t) => {
  const by = await way(t);
  const table = newSchema();
  await onServer(by.direct, `create table ${table} (n integer unique)`);
  const connection = connect(t, by);
  const write = (n: number): Statement => ({ sql: `insert into ${table} values ($1) returning n`, values: [n] });
  const count: Statement = { sql: `select count(*)::integer as rows from ${table}`, values: [] };
  await connection.send([ONE, write(1)]);
  // The second refuses its row; what counts is prepared behind it, by calls that are under way together.
  const calls = [1, 2, 1, 3].map((n) => connection.send([write(10 * n), write(n), count]));
  const settled = await Promise.allSettled(calls);
  assert.deepEqual(
    settled.map(({ status }) => status),
    ["rejected", "fulfilled", "rejected", "fulfilled"],
  );
  const [, , counted] = await connection.send([ONE, { sql: "set local lock_timeout = 100" }, count]);
  assert.deepEqual(counted!.rows, [{ rows: 5 }]);
});

test("a connection for what is found by a key plans its statements once, and reads no table from end to end", async (t) => {
  const { url } = await postgresServer();
  const table = newSchema();
  await onServer(url, `create table ${table} as select n, n % 7 as m from generate_series(1, 50) as n`);
  await onServer(url, `create unique index on ${table} (n)`);
  const connection = new Connection(url, {
    ...{ name: "the store", schema: "tenfold", purpose: newSchema(), patienceMs: 60_000 },
    isByKey: true,
  });
  t.after(() => connection.close());
  const find = {
    sql: `select b.m from unnest($1::integer[]) as t (n) join ${table} b on b.n = t.n`,
    values: ["{7,9}"],
  };
  for (let times = 0; times < 8; times++) await connection.send([find, ONE]);
  const PLANS = "select custom_plans::integer as custom from pg_prepared_statements where statement = $1";
  assert.deepEqual(await connection.rows(PLANS, find.sql), [{ custom: 0 }]);
  const SCANS = "select coalesce(seq_scan, 0)::integer as scans from pg_stat_xact_user_tables where relname = $1";
  const [, scans] = await connection.send([find, { sql: SCANS, values: [table] }]);
  assert.deepEqual(scans!.rows, [{ scans: 0 }]);
});

test("a half-open connection is noticed once the patience is over, by whatever is called on it", async (t) => {
  const by = await way(t);
  const connection = connect(t, by, PATIENCE_MS);
  await answers(connection);
  by.proxy.swallow();
  await rejectsWith("STORE_UNREACHABLE", connection.send([ONE]));
  // A new session is not opened either.
  await rejectsWith("STORE_UNREACHABLE", connection.send([ONE]));
  by.proxy.pass();
  for (;;) if (await connection.send([ONE]).catch(() => null)) return;
});

test("a transaction that a half-open connection leaves behind gives its locks back, though nobody tells the server", async (t) => {
  const by = await way(t);
  const table = newSchema();
  await onServer(by.direct, `create table ${table} as select 1 as n`);
  const connection = connect(t, by, PATIENCE_MS);
  const lock = { sql: `select n from ${table} for update`, values: [] };
  const left = connection.transaction(async ({ send, commit }) => {
    await send([lock]);
    by.proxy.swallow();
    await commit([]);
  });
  await rejectsWith("STORE_UNREACHABLE", left);
  // Without an end put to it by the server this waits for as long as the machine's keepalive does: hours.
  await onServer(by.direct, `select n from ${table} for update`);
});

test("a statement that waits too long for a lock is ended by the server: nothing is written, and the session lives", async (t) => {
  const by = await way(t);
  const table = newSchema();
  await onServer(by.direct, `create table ${table} as select 1 as n`);
  const other = connect(t, by);
  const connection = connect(t, by, PATIENCE_MS);
  const change = { sql: `update ${table} set n = n + 1`, values: [] };
  await other.transaction(async ({ send }) => {
    await send([change]);
    await rejectsWith("STORE_BUSY", connection.send([ONE, change]));
    await answers(connection);
  });
  assert.equal(by.proxy.arrivals, 2);
});

test("a slow way is only slow", async (t) => {
  const by = await way(t);
  const connection = connect(t, by, PATIENCE_MS * 10);
  by.proxy.delayMs = 50;
  await Promise.all(Array.from({ length: 20 }, () => connection.send([ONE, ONE])));
  assert.equal(by.proxy.arrivals, 1);
});

test("a server that is away is asked after growing pauses, however often it is called", async (t) => {
  const by = await way(t);
  const connection = connect(t, by);
  await answers(connection);
  by.proxy.refuse();
  const before = by.proxy.arrivals;
  for (let call = 0; call < 200; call++) await rejectsWith("STORE_UNREACHABLE", connection.send([ONE]));
  assert.ok(by.proxy.arrivals - before < 20, `${by.proxy.arrivals - before} arrivals of 200 calls`);
  by.proxy.pass();
  for (;;) if (await connection.send([ONE]).catch(() => null)) return;
});

test("pauses grow from 100 ms to 5 s, and a fleet's are spread", () => {
  const pauses = [0, 1, 2, 3, 6, 7, 100].map((failures) => pauseAfter(failures, 1));
  assert.deepEqual(pauses, [0, 100, 200, 400, 3200, 5000, 5000]);
  assert.equal(pauseAfter(2, 0), 100);
});

test("a statement that the call ahead failed to prepare is prepared again", async (t) => {
  const connection = connect(t, await way(t));
  await answers(connection);
  const fresh: Statement = { sql: "select $1::integer + 1 as two", values: [1] };
  const fails: Statement = { sql: "select 1 / $1::integer", values: [0] };
  const [failed, answered] = await Promise.allSettled([connection.send([fails, fresh]), connection.send([fresh])]);
  assert.equal(failed.status, "rejected");
  assert.equal(answered.status, "fulfilled", String((answered as PromiseRejectedResult).reason));
});

test("a session on a server that only reads now is given up, so that the next one may find another server", async (t) => {
  const by = await way(t);
  const connection = connect(t, by);
  const table = newSchema();
  await onServer(by.direct, `create table ${table} (n integer)`);
  const write: Statement = { sql: `insert into ${table} values ($1)`, values: [1] };
  await connection.send([{ sql: "set default_transaction_read_only = on", values: [] }]);
  await rejectsWith("STORE_READ_ONLY", connection.send([write]));
  await connection.send([write]);
});

test("closing lets what is under way be answered, and refuses what comes after", async (t) => {
  const connection = connect(t, await way(t));
  await answers(connection);
  const { promise: looked, resolve: look } = Promise.withResolvers<void>();
  const { promise: closes, resolve: close } = Promise.withResolvers<void>();
  const transaction = connection.transaction(async ({ send, commit }) => {
    await send([ONE]);
    look();
    await closes;
    return commit([ONE]);
  });
  const queued = connection.transaction(({ commit }) => commit([ONE]));
  await looked;
  const closing = connection.close();
  close();
  assert.equal((await transaction).length, 1);
  await rejectsWith("CLOSED", queued);
  await rejectsWith("CLOSED", connection.send([ONE]));
  await closing;
});

test("closing comes to its end on a half-open connection, on one that is being opened, and on none", async (t) => {
  const by = await way(t);
  const [used, idle, opening] = [connect(t, by), connect(t, by), connect(t, by)];
  await answers(used);
  await answers(idle);
  by.proxy.swallow();
  const lost = [used.send([ONE]), used.transaction(({ commit }) => commit([ONE])), opening.send([ONE])];
  const refused = lost.map((call) => assert.rejects(call));
  await Promise.all([used.close(), idle.close(), opening.close(), connect(t, by).close()]);
  await Promise.all(refused);
});
