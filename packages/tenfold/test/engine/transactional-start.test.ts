/** `start` with a client of the caller's own, on real stores: after the commit the run goes its way. */
import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import pg from "pg";
import type { IfRunning } from "../../src/engine/start.ts";
import { open, step, workflow } from "../../src/index.ts";
import { newFile } from "../store/files.ts";
import { postgresServer } from "../store/postgres-server.ts";
import { rejects } from "./world.ts";

const double = step("double", { run: ({ n }: { n: number }) => n * 2 });
const lead = workflow<{ email: string; n: number }, number>("lead", {
  key: ({ email }) => email,
  flow: (given) => double(given),
});

test("on SQLite the run goes its way when the caller's transaction is committed, and is never when it is not", async () => {
  const file = newFile();
  const tenfold = await open({ store: file, workflows: [lead] });
  const database = new DatabaseSync(file);
  database.exec("begin immediate");
  const never = await tenfold.start(lead, { email: "a", n: 1 }, { with: database });
  database.exec("rollback");
  database.exec("begin immediate");
  const run = await tenfold.start(lead, { email: "a", n: 4 }, { with: database });
  await rejects(tenfold.start(lead, { email: "a", n: 5 }, { with: database }), "KEY_CONFLICT", run.id);
  database.exec("commit");
  assert.equal(await run.result(), 8);
  assert.equal(run.existing, false);
  await rejects(never.status(), "RUN_UNKNOWN", never.id);
  assert.equal((await tenfold.start(lead, { email: "a", n: 4 })).existing, true);
  database.close();
  await tenfold.close();
});

test("in a transaction a start joins the key's run that is not finished, or is skipped, and replaces none", async () => {
  const file = newFile();
  const tenfold = await open({ store: file, workflows: [lead], work: false });
  const first = await tenfold.start(lead, { email: "a", n: 1 });
  const database = new DatabaseSync(file);
  database.exec("begin immediate");
  const start = (ifRunning: IfRunning) => tenfold.start(lead, { email: "a", n: 2 }, { ifRunning, with: database });
  const [joined, skipped] = [await start("join"), await start("skip")];
  await rejects(start("replace"), "OPTION_UNSUPPORTED", "replaced within a transaction");
  database.exec("commit");
  assert.deepEqual([joined.id, joined.skipped, skipped.id, skipped.skipped], [first.id, false, first.id, true]);
  database.close();
  await tenfold.close();
});

test("on Postgres an open transaction on a key holds up nobody but those who start that key", async () => {
  const { url } = await postgresServer();
  const worker = await open({ store: url, workflows: [lead] });
  const other = await open({ store: url, workflows: [lead], work: false });
  const client = new pg.Client(url);
  await client.connect();
  await client.query("begin");
  const first = await worker.start(lead, { email: "held", n: 1 }, { with: client });

  const settled: string[] = [];
  const started = (name: string, run: Promise<{ readonly id: string; readonly existing: boolean }>) =>
    run.finally(() => settled.push(name));
  const held = [
    started("held", worker.start(lead, { email: "held", n: 1 })),
    started("held", other.start(lead, { email: "held", n: 1 })),
  ];
  const others = Array.from({ length: 1000 }, (_, n) => {
    return (n % 2 === 0 ? worker : other).start(lead, { email: `k${n}`, n });
  });
  const runs = await Promise.all(others);
  const some = runs.slice(0, 50);
  assert.deepEqual(await Promise.all(some.map((run) => run.result())), some.map((_, n) => n * 2)); // prettier-ignore
  assert.deepEqual(settled, [], "those who start its key wait");

  await client.query("commit");
  for (const run of await Promise.all(held)) assert.deepEqual([run.id, run.existing], [first.id, true]);
  assert.equal(await first.result(), 2);
  await client.end();
  await other.close();
  await worker.close();
});

test("`with` is for stores in a database, and for one start at a time", async () => {
  const tenfold = await open({ store: ":memory:", workflows: [lead] });
  const database = new DatabaseSync(":memory:");
  const input = { email: "a", n: 1 };
  await rejects(tenfold.start(lead, input, { with: database }), "OPTION_UNSUPPORTED", ":memory:", "`with`");
  const many = async () => {
    for await (const _ of tenfold.startMany(lead, [input], { with: database } as object)) assert.fail("answered");
  };
  await rejects(many(), "OPTION_UNSUPPORTED", "`start`");
  await rejects(tenfold.start(lead, input, { with: null } as never), "OPTION_UNSUPPORTED");
  assert.deepEqual(await tenfold.counts(), []);
  await tenfold.close();
});
