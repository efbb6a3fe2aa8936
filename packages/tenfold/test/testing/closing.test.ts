/** The client of a user's test is the real one; and when a test is over, nothing of it is left. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { openTest, type TestEnvironment } from "../../src/testing/index.ts";
import { COLD, enrich, HOT, refuses, trial } from "./trial.ts";

test("keys, tenants, lists, filters, retry and later starts are the real client's", async () => {
  await using env = await openTest({ workflows: [trial], now: 0 });
  const { tenfold } = env;
  const first = await tenfold.start(trial, COLD, { key: "sam", tenant: "north" });
  assert.equal((await tenfold.start(trial, COLD, { key: "sam", tenant: "north" })).id, first.id);
  assert.notEqual((await tenfold.start(trial, COLD, { key: "sam", tenant: "south" })).id, first.id);
  await refuses(() => tenfold.start(trial, HOT, { key: "sam", tenant: "north" }), "KEY_CONFLICT");
  const many = [];
  for await (const answer of tenfold.startMany(trial, [HOT, HOT])) many.push(answer.kind);
  assert.deepEqual(many, ["started", "started"]);
  const later = await tenfold.start(trial, HOT, { at: 3_600_000 });
  await env.advance("59m");
  assert.deepEqual(env.journal(later), []);
  await env.advance("1m");
  assert.equal(await later.result(), "called kim@example.com");
  env.stub(enrich, () => Promise.reject(new Error("503")));
  const failed = await tenfold.start(trial, HOT);
  await refuses(() => env.finish(failed), "RUN_FAILED");
  env.stub(enrich, enrich.run);
  assert.deepEqual(await tenfold.retry({ workflow: "trial", status: "failed" }), { found: 1, changed: 1 });
  assert.equal(await env.finish(failed), "called kim@example.com");
  const found = [];
  for await (const { id } of tenfold.runs({ tenant: "north" })) found.push(id);
  assert.deepEqual(found, [first.id]);
  assert.equal((await tenfold.show(first.id)).entries.length, 2);
  await refuses(() => tenfold.run("nothing").result(), "RUN_UNKNOWN");
});

test("closing tells bodies to stop, answers who waits, and leaves what is open", async () => {
  const env = await openTest({ workflows: [trial], patience: "20ms" });
  const told: unknown[] = [];
  env.stub(enrich, (_lead, { signal }) => {
    signal.addEventListener("abort", () => told.push(signal.reason));
    return new Promise(() => {});
  });
  const run = await env.tenfold.start(trial, HOT);
  await refuses(() => env.settle(), "BODY_UNSETTLED");
  const result = run.result();
  await env.tenfold.close();
  assert.equal(told.length, 1);
  await refuses(() => result, "CLOSED");
  for (const act of [() => env.settle(), () => env.advance(1), () => env.finish(run), () => env.crash()]) {
    await refuses(act, "CLOSED", "This test was closed");
  }
  await refuses(() => run.result(), "CLOSED");
  await refuses(() => env.tenfold.start(trial, HOT), "CLOSED");
  await env.close();
});

test("a test that is over is closed by itself, also while no worker is there", async () => {
  let kept: TestEnvironment;
  {
    await using env = await openTest({ workflows: [trial] });
    kept = env;
    env.crashAfter(enrich, { downFor: "1h" });
    await env.tenfold.start(trial, HOT);
    await env.settle();
  }
  await refuses(() => kept.settle(), "CLOSED");
});

const ABANDONED = `
import { openTest } from "tenfold/testing";
import { sleep, step, workflow } from "tenfold";
const hangs = step("hangs", { run: () => new Promise(() => {}) });
const fails = step("fails", { retry: { attempts: 1 }, run: () => { throw new Error("no"); } });
const sleeps = workflow("sleeps", { flow: () => sleep("1h") });
const waits = workflow("waits", { flow: () => hangs() });
const breaks = workflow("breaks", { flow: () => fails() });
const test = await openTest({ workflows: [sleeps, waits, breaks], patience: "50ms" });
for (const workflow of [sleeps, waits, breaks]) {
  const run = await test.tenfold.start(workflow, null);
  void run.result();
  void run.outcome();
}
await new Promise((resolve) => setTimeout(resolve, 200));
const [left] = [await test.tenfold.start(sleeps, null)].map((run) => run.result());
await test.crash().catch(() => {});
await test.close();
console.log("over");
`;

test("what a test leaves unanswered ends no program, and keeps none from ending", async () => {
  // Inside of the repository, so that `tenfold` is this one; a folder that git and the linters pass over.
  const parent = path.join(import.meta.dirname, "../../../../.tenfold");
  await mkdir(parent, { recursive: true });
  const folder = await mkdtemp(path.join(parent, "test-"));
  try {
    await writeFile(path.join(folder, "abandoned.ts"), ABANDONED);
    const ran = await promisify(execFile)(process.execPath, ["abandoned.ts"], { cwd: folder, timeout: 20_000 });
    assert.deepEqual(ran, { stdout: "over\n", stderr: "" });
  } finally {
    await rm(folder, { recursive: true });
  }
});
