/** Migrations of a store on Postgres: once, whoever comes; under load; beside workers of the version before. */
import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import pg from "pg";
import { Tenfold } from "../../src/engine/client.ts";
import { DEFAULT_SETTINGS, Engine } from "../../src/engine/engine.ts";
import { inlineExecutor, stderrLog, systemClock, systemHost } from "../../src/engine/system.ts";
import { step, workflow } from "../../src/flow/index.ts";
import { MIGRATIONS, type Migration } from "../../src/store/postgres/migrations.ts";
import { migratePostgres, openPostgres } from "../../src/store/postgres/open.ts";
import type { TenfoldError } from "../../src/value/error.ts";
import { newSchema, onServer, postgresServer } from "./postgres-server.ts";

const FORMAT = MIGRATIONS.length;

/** A version that is not there yet: it adds, and what programs of this one write is still right. */
const ADDS: Migration = {
  least: FORMAT,
  sql: `
    alter table tenfold.runs add column color text not null default 'red';
    create table tenfold.colors (lane integer not null, color text not null, primary key (lane, color));
    create index colors_by_name on tenfold.colors (color);`,
};

/** A version beside which programs of this one would write what is wrong. */
const CHANGES: Migration = { least: FORMAT + 1, sql: "alter table tenfold.runs alter column tenant drop not null;" };

interface Place {
  readonly url: string;
  readonly schema: string;
  /** The server's, without the schema. */
  readonly server: string;
}

async function place(): Promise<Place> {
  const { url: server } = await postgresServer();
  const schema = newSchema();
  return { url: `${server}?tenfold_schema=${schema}`, schema, server };
}

async function metaOf({ server, schema }: Place): Promise<Record<string, number>> {
  const rows = await onServer(server, `select name, value::integer as value from ${schema}.meta`);
  return Object.fromEntries(rows.map(({ name, value }) => [name, value]));
}

/** All columns and indexes, without the schema's name. */
async function shapeOf({ server, schema }: Place): Promise<unknown> {
  const columns = await onServer(
    server,
    `select table_name, column_name, data_type, is_nullable, column_default, collation_name
     from information_schema.columns where table_schema = '${schema}' order by 1, 2`,
  );
  const indexes = await onServer(
    server,
    `select indexname, replace(indexdef, '${schema}.', '') as def from pg_indexes where schemaname = '${schema}' order by 1`,
  );
  const lanes = await onServer(server, `select lane from ${schema}.lanes order by lane`);
  return { columns, indexes, lanes };
}

async function refused(opening: Promise<unknown>, code: string, way: RegExp): Promise<void> {
  await assert.rejects(opening, (error: TenfoldError) => {
    assert.equal(error.code, code, error.message);
    assert.match(error.message, way);
    return true;
  });
}

test("many programs that make one store at once make it once", async () => {
  const at = await place();
  const stores = await Promise.all(Array.from({ length: 8 }, () => openPostgres(at.url, { lanes: 3 })));
  assert.deepEqual(await metaOf(at), { format: FORMAT, least: MIGRATIONS.at(-1)!.least, lanes: 3 });
  assert.deepEqual(
    stores.map(({ lanes }) => lanes),
    Array(8).fill(3),
  );
  await Promise.all(stores.map((store) => store.close()));
});

test("many programs that migrate one store at once migrate it once", async () => {
  const at = await place();
  await migratePostgres(at.url, { isDry: false });
  const next = [...MIGRATIONS, ADDS];
  const done = await Promise.all(Array.from({ length: 8 }, () => migratePostgres(at.url, { isDry: false }, next)));
  assert.equal(done.filter(({ from, to }) => from < to).length, 1);
  assert.deepEqual(await metaOf(at), { format: FORMAT + 1, least: FORMAT, lanes: 1 });
});

test("a dry run does nothing, and says what makes the same store", async () => {
  const [dry, done] = [await place(), await place()];
  const { sql, from, to } = await migratePostgres(dry.url, { isDry: true });
  assert.deepEqual([from, to], [0, FORMAT]);
  assert.deepEqual(await onServer(dry.server, `select 1 from pg_namespace where nspname = '${dry.schema}'`), []);
  await onServer(dry.server, sql);
  await migratePostgres(done.url, { isDry: false });
  assert.deepEqual(await shapeOf(dry), await shapeOf(done));
  assert.deepEqual(await metaOf(dry), await metaOf(done));
  assert.equal((await migratePostgres(dry.url, { isDry: true })).sql, "");
  // From there on only what it lacks.
  const next = [...MIGRATIONS, ADDS];
  const { sql: rest } = await migratePostgres(dry.url, { isDry: true }, next);
  assert.ok(!rest.includes("create schema") && rest.includes("add column color"), rest);
  await onServer(dry.server, rest);
  await migratePostgres(done.url, { isDry: false }, next);
  assert.deepEqual(await shapeOf(dry), await shapeOf(done));
});

test("a migration that fails leaves nothing of it behind", async () => {
  const at = await place();
  await migratePostgres(at.url, { isDry: false });
  const before = await shapeOf(at);
  const broken: Migration = { least: FORMAT, sql: `${ADDS.sql} alter table tenfold.nothing add column color text;` };
  await assert.rejects(migratePostgres(at.url, { isDry: false }, [...MIGRATIONS, broken]), /nothing/);
  assert.deepEqual(await shapeOf(at), before);
  assert.equal((await metaOf(at))["format"], FORMAT);
});

test("a migration that has to wait for a lock lets others pass, and is done once it is free", async (t) => {
  const at = await place();
  await migratePostgres(at.url, { isDry: false });
  const reader = new pg.Client(at.server);
  await reader.connect();
  t.after(() => reader.end());
  await reader.query(`begin; select 1 from ${at.schema}.runs`);
  let isDone = false;
  const migrating = migratePostgres(at.url, { isDry: false }, [...MIGRATIONS, ADDS]).finally(() => (isDone = true));
  const waits = `select 1 from pg_stat_activity where application_name = 'tenfold migrates' and wait_event_type = 'Lock'`;
  for (let round = 1; round <= 3; round++) {
    while ((await onServer(at.server, waits)).length === 0);
    // This queues behind the migration, which would wait for as long as the reader reads.
    await onServer(at.server, `select 1 from ${at.schema}.runs`);
    assert.equal(isDone, false);
  }
  await reader.query("rollback");
  await migrating;
  assert.equal((await metaOf(at))["format"], FORMAT + 1);
});

test("a worker goes on beside a schema one version ahead, and is opened beside it again", async (t) => {
  const at = await place();
  const old = await openWorker(t, at);
  const runs = [];
  for (let n = 0; n < 20; n++) runs.push(await old.start(twice, n));
  await migratePostgres(at.url, { isDry: false }, [...MIGRATIONS, ADDS]);
  const [again, newer] = [await openWorker(t, at), await openWorker(t, at, [...MIGRATIONS, ADDS])];
  for (const worker of [old, again, newer]) for (let n = 20; n < 40; n++) runs.push(await worker.start(twice, n));
  const outputs = await Promise.all(runs.map((run) => run.result()));
  assert.deepEqual(new Set(outputs), new Set(Array.from({ length: 40 }, (_, n) => 4 * n)));
  assert.equal((await metaOf(at))["format"], FORMAT + 1);
});

test("a schema of a newer version, beside which this one may not work, is left as it is", async () => {
  const at = await place();
  await migratePostgres(at.url, { isDry: false }, [...MIGRATIONS, CHANGES]);
  const before = await shapeOf(at);
  await refused(openPostgres(at.url), "STORE_NEWER", /Use the newer tenfold/);
  await refused(migratePostgres(at.url, { isDry: false }), "STORE_NEWER", /Use the newer tenfold/);
  assert.deepEqual(await shapeOf(at), before);
  // The one after it is one version ahead of the newer.
  await migratePostgres(at.url, { isDry: false }, [...MIGRATIONS, CHANGES, { ...ADDS, least: FORMAT + 1 }]);
  await (await openPostgres(at.url, {}, [...MIGRATIONS, CHANGES])).close();
});

test("a user without rights on the schema is told that its owner has to migrate", async () => {
  const at = await place();
  await migratePostgres(at.url, { isDry: false });
  const role = newSchema();
  await onServer(
    at.server,
    `create role ${role} login password 'secret'`,
    `grant usage on schema ${at.schema} to ${role}`,
    `grant select, insert, update, delete on all tables in schema ${at.schema} to ${role}`,
  );
  const by = at.url.replace("tenfold:tenfold@", `${role}:secret@`);
  await (await openPostgres(by)).close();
  await refused(openPostgres(by, {}, [...MIGRATIONS, ADDS]), "STORE_PERMISSION", /owner run `tenfold migrate`/);
  assert.equal((await metaOf(at))["format"], FORMAT);
});

/** What of a migration would lock a table of the versions before for longer than the catalogue takes to change. */
function longLocks(sql: string): string[] {
  const own = new Set([...sql.matchAll(/create table tenfold\.(\w+)/g)].map(([, table]) => table));
  const indexes = [...sql.matchAll(/create (?:unique )?index \w+ on tenfold\.(\w+)[^;]*/g)];
  const onOthers = indexes.filter(([, table]) => !own.has(table)).map(([text]) => text);
  const rewrites = sql.match(/alter column \w+ (?:set data )?type[^;]*|set not null|vacuum full|cluster [^;]*/g) ?? [];
  const checks = sql.match(/add (?:constraint|check|unique|foreign key)(?:(?!not valid)[^;])*;/g) ?? [];
  return [...onOthers, ...rewrites, ...checks];
}

test("no migration after the first locks a table for long", () => {
  assert.deepEqual(longLocks(ADDS.sql), []);
  for (const breach of [
    "create index runs_by_color on tenfold.runs (color);",
    "alter table tenfold.runs alter column mail type bigint;",
    "alter table tenfold.runs alter column color set not null;",
    "alter table tenfold.runs add constraint known check (color <> '');",
  ]) {
    assert.equal(longLocks(breach).length, 1, breach);
  }
  for (const { sql } of MIGRATIONS.slice(1)) assert.deepEqual(longLocks(sql), []);
  for (const [index, { least }] of MIGRATIONS.entries()) assert.ok(least <= Math.max(1, index), "one version beside");
});

const double = step("double", { run: (n: number) => 2 * n });
const twice = workflow<number>("twice", { flow: (n) => double.as("again")(double(n)) });

async function openWorker(t: TestContext, { url }: Place, migrations = MIGRATIONS): Promise<Tenfold> {
  const store = await openPostgres(url, {}, migrations);
  const ports = { clock: systemClock, random: Math.random, executor: inlineExecutor, log: stderrLog };
  const engine = new Engine(store, [twice], ports, systemHost(), DEFAULT_SETTINGS);
  await engine.open();
  const tenfold = new Tenfold(engine);
  t.after(() => tenfold.close());
  return tenfold;
}
