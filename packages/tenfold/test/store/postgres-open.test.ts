/** What cannot be a store on Postgres, or not for this user, is told with its code and the way out, and no password. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { createServer } from "node:net";
import path from "node:path";
import { before, test, type TestContext } from "node:test";
import { inspect } from "node:util";
import { Connection } from "../../src/store/postgres/connection.ts";
import { refuseUnsuitable } from "../../src/store/postgres/look.ts";
import { openPostgres, type PostgresOptions } from "../../src/store/postgres/open.ts";
import { readStoreUrl } from "../../src/store/postgres/store-url.ts";
import { TenfoldError, type ErrorCode } from "../../src/value/error.ts";
import { newSchema, onServer, postgresServer } from "./postgres-server.ts";

const SECRET = "s3cr3t-Wort";

let url: string;
let made = 0;

before(async () => {
  ({ url } = await postgresServer());
});

/** `url` for another role or database. */
function urlOf({ user, password, database }: { user?: string; password?: string; database?: string }): string {
  const other = new URL(url);
  if (user !== undefined) other.username = user;
  if (user !== undefined || password !== undefined) other.password = password ?? SECRET;
  if (database !== undefined) other.pathname = `/${database}`;
  return other.href;
}

/** A new role that may log in, with whatever `grants` give it (`{role}` stands for it); answers the URL by it. */
async function roleWith(...grants: readonly string[]): Promise<string> {
  const role = `role_${++made}`;
  await onServer(url, `create role ${role} login password '${SECRET}'`);
  await onServer(url, ...grants.map((grant) => grant.replaceAll("{role}", role)));
  return urlOf({ user: role });
}

async function databaseWith(options: string): Promise<string> {
  const database = `database_${++made}`;
  await onServer(url, `create database ${database} ${options}`);
  return database;
}

/** Refused with `code` and the words of `way`; nobody can read a password in the error, whichever way they look at it. */
async function refused(
  opening: Promise<unknown>,
  code: ErrorCode,
  way: readonly RegExp[],
  secrets: readonly string[] = [SECRET],
): Promise<void> {
  await assert.rejects(opening, (error: unknown) => {
    assert.ok(error instanceof TenfoldError, inspect(error));
    assert.equal(error.code, code, error.message);
    for (const words of [...way, /nothing was opened|Nothing of this call was written|sending it again is safe/]) {
      assert.match(error.message, words);
    }
    const everything = inspect(error, { depth: null }) + JSON.stringify(error.facts);
    for (const secret of secrets) assert.ok(!everything.includes(secret), everything);
    return true;
  });
}

/** A store that owner and schema are made for; answers its schema. */
async function madeStore(): Promise<string> {
  const schema = newSchema();
  await (await openPostgres(url, { schema })).close();
  return schema;
}

function open(by: string, options: PostgresOptions = {}) {
  return openPostgres(by, { schema: newSchema(), ...options });
}

for (const text of [
  `mysql://kim:${SECRET}@localhost/leads`,
  `postgres://kim:${SECRET}@/leads`,
  `postgres://kim:se/${SECRET}@localhost/leads`,
  `postgres://kim:12/${SECRET}@localhost/leads`,
  `postgres://kim:12?${SECRET}@localhost/leads`,
  `postgres://kim:12#${SECRET}@localhost/leads`,
  `postgres://kim:${SECRET}@localhost:port/leads`,
  `postgres://kim:${SECRET}@first,second:5432/leads`,
  `postgres://kim:${SECRET}@localhost/leads?sslrootcert=/no/such/file`,
  `postgres://kim:${SECRET}@localhost/leads?sslnegotiation=never`,
]) {
  test(`a URL that cannot be meant is refused: ${text.replace("postgres://kim:", "").replace(SECRET, "…")}`, async () => {
    await refused(open(text), "STORE_UNKNOWN", [/URL/]);
  });
}

test("what a URL asks of tenfold is taken out of it, and refused where it is mistyped", async () => {
  const plain = `postgres://kim:${SECRET}@localhost:5432/leads?sslmode=no-verify`;
  assert.deepEqual(readStoreUrl(plain), {
    url: plain,
    name: "postgres://kim@localhost:5432/leads",
    schema: "tenfold",
    listens: true,
    txMax: 10,
  });
  assert.deepEqual(readStoreUrl(`${plain}&tenfold_schema=sales_2&tenfold_listen=off&tenfold_tx=40`), {
    url: plain,
    name: "postgres://kim@localhost:5432/leads?tenfold_schema=sales_2",
    schema: "sales_2",
    listens: false,
    txMax: 40,
  });
  assert.equal(readStoreUrl(`${plain}&tenfold_schema=a`, { schema: "b", listens: false }).schema, "b");
  for (const [parameters, way] of [
    ["tenfold_shema=x", /no parameter `tenfold_shema`.*Did you mean `tenfold_schema`/],
    ["tenfold_listen=no", /Write `tenfold_listen=off`/],
    ["tenfold_tx=0", /from 1 to 9999/],
    ["tenfold_tx=many", /from 1 to 9999/],
    ["tenfold_schema=", /small letters, digits/],
    ["tenfold_schema=Sales", /small letters, digits/],
    ["tenfold_schema=pg_sales", /small letters, digits/],
    [`tenfold_schema=${"x".repeat(64)}`, /63 at most/],
    ['tenfold_schema=a";drop schema b;--', /small letters, digits/],
  ] as const) {
    await refused(open(`${plain}&${parameters}`, { schema: undefined } as object), "OPTION_UNSUPPORTED", [way]);
  }
});

test("the store of a URL stands in its schema, whatever word that is", async () => {
  for (const schema of ["sales", "user", "select", newSchema()]) {
    const store = await openPostgres(`${url}?tenfold_schema=${schema}&tenfold_listen=off`);
    assert.deepEqual(await store.tallies(0, null, null), []);
    await store.close();
    assert.equal((await onServer(url, `select 1 from "${schema}".meta where name = 'format'`)).length, 1);
  }
});

test("a host that is not there, a port on which nobody listens, and one that is no Postgres are not reached", async (t) => {
  const other = createServer((socket) => socket.on("error", () => undefined).end("HTTP/1.1 400 Bad Request\r\n\r\n"));
  await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
  t.after(() => other.close());
  const { port } = other.address() as { port: number };
  for (const host of ["no-such-host.invalid", "127.0.0.1:1", "localhost:1", `127.0.0.1:${port}`]) {
    const way = [/is not reached/, /Check that the server runs/, new RegExp(host)];
    await refused(open(`postgres://kim:${SECRET}@${host}/leads`), "STORE_UNREACHABLE", way);
  }
});

test("a server that says nothing is given up on", async (t) => {
  const silent = createServer((socket) => socket.on("error", () => undefined));
  await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
  t.after(() => silent.close());
  const { port } = silent.address() as { port: number };
  const opening = open(`postgres://kim:${SECRET}@127.0.0.1:${port}/leads`, { patienceMs: 200 });
  await refused(opening, "STORE_UNREACHABLE", [/timeout/]);
});

test("a server without TLS is told so if the URL asks for it", async () => {
  await refused(open(`${url}?sslmode=verify-full`), "STORE_LOGIN_REFUSED", [/does not speak TLS/, /sslmode=disable/]);
});

test("a wrong password, none, and an unknown user are told apart from what is not there", async () => {
  const by = await roleWith();
  await refused(open(by.replace(SECRET, "wrong-Wort")), "STORE_LOGIN_REFUSED", [/%40/], [SECRET, "wrong-Wort"]);
  await refused(open(by.replace(`:${SECRET}`, "")), "STORE_LOGIN_REFUSED", [/%40/, /password/]);
  await refused(open(urlOf({ user: "nobody" })), "STORE_LOGIN_REFUSED", [/nobody/]);
});

test("a role that may not log in is told so", async () => {
  const by = await roleWith("alter role {role} nologin");
  await refused(open(by), "STORE_LOGIN_REFUSED", [/alter role <user> login/]);
});

test("a database that is not there is told so", async () => {
  await refused(open(urlOf({ database: "leeds" })), "STORE_UNKNOWN", [/createdb/, /leeds/]);
});

test("a user without the right to make the schema is told the grants", async () => {
  await refused(open(await roleWith()), "STORE_PERMISSION", [/tenfold migrate/, /grant create on database/]);
});

test("a user with rights on some tables only is told which it lacks, before it works", async () => {
  const schema = await madeStore();
  const some = await roleWith(
    `grant usage on schema ${schema} to {role}`,
    `grant select on all tables in schema ${schema} to {role}`,
    `grant insert, update, delete on ${schema}.runs to {role}`,
  );
  const way = [/\(attributes, .*\bjournal\b/, new RegExp(`grant select, insert, update, delete .* ${schema} to`)];
  await refused(open(some, { schema }), "STORE_PERMISSION", way);
  await refused(open(await roleWith(), { schema }), "STORE_PERMISSION", [/permission denied for schema/]);
});

test("a user who may only read and write rows works where the owner has migrated", async () => {
  const schema = await madeStore();
  const by = await roleWith(
    `grant usage on schema ${schema} to {role}`,
    `grant select, insert, update, delete on all tables in schema ${schema} to {role}`,
  );
  const store = await open(by, { schema });
  await store.putGraphs(0, [{ hash: "h", workflow: "w", graph: "{}" }]);
  assert.equal((await store.graph(0, "h"))!.workflow, "w");
  await store.close();
});

test("a schema that somebody made for the user is enough: it need not be allowed to make one", async () => {
  const schema = newSchema();
  const by = await roleWith(`create schema ${schema} authorization {role}`);
  await (await open(by, { schema })).close();
});

test("a schema with another program's tables is left as it is", async () => {
  const schema = newSchema();
  await onServer(url, `create schema ${schema}`, `create table ${schema}.runs (id text)`);
  await refused(open(url, { schema }), "STORE_FOREIGN", [/another program/, /tenfold_schema/]);
  assert.equal((await onServer(url, `select 1 from pg_tables where schemaname = '${schema}'`)).length, 1);
});

test("a database or user that is set to read-only is refused", async () => {
  const by = await roleWith("alter role {role} set default_transaction_read_only = on");
  await refused(open(by), "STORE_READ_ONLY", [/only reads/, /primary/]);
});

test("a database that is not UTF8 is refused", async () => {
  for (const encoding of ["LATIN1", "SQL_ASCII"]) {
    const database = await databaseWith(`encoding '${encoding}' locale 'C' template template0`);
    await refused(open(urlOf({ database })), "STORE_UNSUITABLE", [new RegExp(encoding), /encoding 'UTF8'/]);
  }
});

test("a server older than 14 is refused, and every later one is not", () => {
  const look = {
    encoding: "UTF8",
    isReadOnly: false,
    connectionsMax: null,
    hasSchema: true,
    hasMeta: true,
    denied: [],
  };
  for (const version of [90_624, 130_022]) {
    assert.throws(() => refuseUnsuitable({ ...look, version }, "the store"), {
      code: "STORE_UNSUITABLE",
      message: /Use Postgres 14 or newer/,
    });
  }
  for (const version of [140_000, 150_018, 180_001]) refuseUnsuitable({ ...look, version }, "the store");
});

test("a limit that one worker's connections do not fit in is refused, unless a pool shares them", async () => {
  const schema = await madeStore();
  const grants = [
    `grant usage on schema ${schema} to {role}`,
    `grant select, insert, update, delete on all tables in schema ${schema} to {role}`,
  ];
  const few = await roleWith(...grants, "alter role {role} connection limit 7");
  await refused(open(few, { schema }), "STORE_FULL", [/allows 7 connections/, /up to 8/, /connection limit/]);
  await (await open(few, { schema, listens: false })).close();
  const enough = await roleWith(...grants, "alter role {role} connection limit 8");
  await (await open(enough, { schema })).close();
});

test("who comes when all connections are taken is told what one worker needs", async (t: TestContext) => {
  const database = await databaseWith("connection limit 1");
  const by = await roleWith(`grant create on database ${database} to {role}`);
  const taken = new URL(by);
  taken.pathname = `/${database}`;
  const options = { name: "the store", schema: "tenfold", purpose: "first", patienceMs: 60_000 };
  const [first, second] = [new Connection(taken.href, options), new Connection(taken.href, options)];
  t.after(() => Promise.all([first.close(), second.close()]));
  await first.send([{ sql: "select 1", values: [] }]);
  const refusal = second.send([{ sql: "select 1", values: [] }]);
  await refused(refusal, "STORE_FULL", [
    /no connection left/,
    /A worker has seven/,
    /too many connections for database/,
  ]);
});

test("a pool that gives each transaction another session, and keeps no prepared statements, is told of", async (t) => {
  const options = { name: "the store", schema: "tenfold", purpose: "pooled", patienceMs: 60_000 };
  const connection = new Connection(url, options);
  t.after(() => connection.close());
  const one = { sql: "select $1::integer as one", values: [1] };
  await connection.send([one]);
  const forgetful = connection.send([{ sql: "deallocate all", values: [] }, one]);
  await refused(forgetful, "STORE_UNSUITABLE", [/PgBouncer 1\.21/, /max_prepared_statements/]);
});

test("a name that another client of a pool's session has taken is refused, and not taken over", async (t) => {
  const options = { name: "the store", schema: "tenfold", purpose: "pooled", patienceMs: 60_000 };
  const connection = new Connection(url, options);
  t.after(() => connection.close());
  // What another one has prepared on this session under the first names that this one gives.
  for (const name of ["tenfold_1", "tenfold_2"]) await connection.send([{ sql: `prepare ${name} as select 7 as one` }]);
  const one = { sql: "select $1::integer as one", values: [1] };
  for (let times = 0; times < 2; times++)
    await refused(connection.send([one]), "STORE_UNSUITABLE", [/PgBouncer 1\.21/]);
  await refused(connection.send([one, one]), "STORE_UNSUITABLE", [/max_prepared_statements/]);
});

test("a replica is refused, and is a store as soon as it is the primary", async () => {
  const server = await postgresServer();
  const schema = await madeStore();
  await server.crash();
  writeFileSync(path.join(server.folder, "standby.signal"), "");
  // It never says that it is ready to write, which is what its start waits for.
  server.restart().catch(() => undefined);
  while ((await onServer(url, "select 1").catch(() => [])).length === 0);
  await refused(open(url, { schema }), "STORE_READ_ONLY", [/replica/, /primary/]);
  await onServer(url, "select pg_promote()");
  const store = await open(url, { schema });
  await store.close();
});
