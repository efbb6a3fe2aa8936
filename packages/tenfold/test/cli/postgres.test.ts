/** The command line on a store on Postgres: `tenfold migrate`, and that nothing it says has a password in it. */
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { newSchema, onServer, postgresServer } from "../store/postgres-server.ts";
import { answerOf, project, said } from "./project.ts";

const SECRET = "s3cr3t-Wort";

let server: string;
let base: string;

before(async () => {
  ({ url: server } = await postgresServer());
  await onServer(server, `create role kim login password '${SECRET}'`, "grant create on database postgres to kim");
  base = server.replace("tenfold:tenfold@", `kim:${SECRET}@`);
});

function newStore(): { readonly url: string; readonly schema: string } {
  const schema = newSchema();
  return { url: `${base}?tenfold_schema=${schema}`, schema };
}

test("migrate --dry-run prints a script and does nothing; migrate does it, once", async (t) => {
  const { call } = project(t);
  const { url, schema } = newStore();
  const isThere = async () =>
    (await onServer(server, `select 1 from pg_namespace where nspname = '${schema}'`)).length > 0;
  const dry = await call("migrate", "--dry-run", "--store", url);
  assert.match(dry.stdout, new RegExp(`^begin;\\n[^]*create schema "${schema}";[^]*\\ncommit;\\n$`));
  assert.match(dry.stderr, /Nothing was done/);
  assert.equal(await isThere(), false);
  const done = await call("migrate", "--store", url);
  assert.match(done.stdout, new RegExp(`^Made the store postgres://kim@.*${schema}, of format \\d+\\.\\n$`));
  assert.equal(await isThere(), true);
  const again = await call("migrate", "--store", url);
  assert.match(again.stderr, /nothing was done/);
  const json = JSON.parse((await call("migrate", "--dry-run", "--json", "--store", url)).stdout) as object;
  const { store, ...rest } = json as { store: string };
  assert.match(store, /^postgres:\/\/kim@/);
  assert.deepEqual(Object.keys(rest), ["from", "to", "dryRun", "sql"]);
  for (const { code, stdout, stderr } of [dry, done, again]) {
    assert.equal(code, 0, stderr);
    assert.ok(!(stdout + stderr).includes(SECRET));
  }
});

test("migrate is for stores on Postgres", async (t) => {
  const { code, stderr } = await project(t).call("migrate");
  assert.match(stderr, /runs\.db is no store on Postgres.*brought to its format when it is opened/);
  assert.equal(code, 4);
});

test("migrate takes the servers of a store on several one after the other", async (t) => {
  const { code, stderr } = await project(t).call("migrate", "--store", "postgres://a/leads,postgres://b/leads");
  assert.match(stderr, /on several servers; nothing was done\. Migrate one after the other/);
  assert.equal(code, 4);
});

test("what the commands say of a store names it without its password", async (t) => {
  const one = project(t);
  const { url } = newStore();
  const dev = one.begin("dev", "--store", url);
  t.after(() => dev.kill("SIGKILL"));
  const answer = answerOf(dev);
  await said(dev, "Working");
  const run = await one.call("run", "hello", `{"name":"Anna"}`, "--store", url);
  assert.equal(run.stdout, `"Hello Anna"\n`, run.stderr);
  dev.kill("SIGINT");
  const { stdout, stderr } = await answer;
  assert.match(stdout, /Working postgres:\/\/kim@127\.0\.0\.1/);
  const wrong = await one.call("runs", "--verbose", "--store", url.replace(SECRET, `${SECRET}x`));
  assert.match(wrong.stderr, /STORE_LOGIN_REFUSED/);
  for (const text of [stdout, stderr, run.stderr, wrong.stderr]) assert.ok(!text.includes(SECRET), text);
});
