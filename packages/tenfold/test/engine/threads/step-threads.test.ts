/** Threads that call bodies: what goes in, what comes back, and how they end. */
import assert from "node:assert/strict";
import test from "node:test";
import { threadId } from "node:worker_threads";
import { StepThreads } from "../../../src/engine/threads/step-threads.ts";
import type { Step, StepContext } from "../../../src/flow/index.ts";
import { NotDone, RateLimited } from "../../../src/flow/index.ts";
import { testContext } from "../../../src/flow/test-context.ts";
import { TenfoldError } from "../../../src/value/error.ts";
import * as computing from "./computing.ts";

type AnyStep = Pick<Step, "definition">;

/** Threads that are ended when the test is. */
function threadsOf(t: { after(done: () => Promise<void>): void }, graceMs?: number): StepThreads {
  const threads = new StepThreads(graceMs);
  t.after(() => threads.close());
  return threads;
}

function call(threads: StepThreads, given: unknown, input: unknown, ctx: Partial<StepContext> = {}): Promise<any> {
  const { definition } = given as AnyStep;
  const context = { ...testContext(definition.name, ctx), ...ctx };
  return Promise.resolve(threads.execute(definition, input, context, null));
}

async function thrownBy(threads: StepThreads, step: unknown, input: unknown, ctx?: Partial<StepContext>): Promise<any> {
  return call(threads, step, input, ctx).then(
    () => assert.fail("it was answered"),
    (thrown: unknown) => thrown,
  );
}

test("a body that computes for 300 ms on a thread leaves the loop its turns", async (t) => {
  const threads = threadsOf(t);
  await call(threads, computing.block, 0);
  let ticks = 0;
  const timer = setInterval(() => ticks++, 10);
  const { isMain } = await call(threads, computing.block, 300);
  clearInterval(timer);
  assert.equal(isMain, false);
  assert.ok(ticks >= 5, `the loop has turned ${ticks} times`);
});

test("a thread is kept for the next body, and two bodies at once have two threads", async (t) => {
  const threads = threadsOf(t);
  const first = await call(threads, computing.block, 0);
  const again = await call(threads, computing.block, 0);
  assert.equal(again.thread, first.thread);
  const both = await Promise.all([call(threads, computing.block, 20), call(threads, computing.block, 20)]);
  assert.notEqual(both[0].thread, both[1].thread);
  assert.ok(!both.some(({ thread }) => thread === threadId));
});

test("a body that listens to its signal hears why it is to stop, and keeps its thread", async (t) => {
  const threads = threadsOf(t);
  const { thread } = await call(threads, computing.block, 0);
  const abort = new AbortController();
  const answer = call(threads, computing.heeding, null, { signal: abort.signal });
  abort.abort(new Error("enough"));
  assert.equal(await answer, `${thread} stopped: enough`);
  assert.equal((await call(threads, computing.block, 0)).thread, thread);
});

test("a body that does not listen has its thread ended, and another takes its place", async (t) => {
  const threads = threadsOf(t, 50);
  const { thread } = await call(threads, computing.block, 0);
  const abort = new AbortController();
  const thrown = thrownBy(threads, computing.endless, null, { signal: abort.signal });
  abort.abort(new Error("enough"));
  const error = await thrown;
  assert.equal(error.code, "THREAD_ENDED");
  assert.match(error.message, /endless has ended before its body did: it did not stop within 50 ms/);
  assert.notEqual((await call(threads, computing.block, 0)).thread, thread);
});

test("a body that is to stop before it is called is told at once", async (t) => {
  const signal = AbortSignal.abort(new Error("too late"));
  assert.match(await call(threadsOf(t), computing.heeding, null, { signal }), /stopped: too late/);
});

test("a body that ends its thread, or leaves it an error that nobody catches, fails its own call", async (t) => {
  const threads = threadsOf(t);
  const exited = await thrownBy(threads, computing.exits, "exit");
  assert.equal(exited.code, "THREAD_ENDED");
  assert.match(exited.message, /it exited with code 3\./);
  const broken = await thrownBy(threads, computing.exits, "throw later");
  assert.match(broken.message, /ended before its body did: nobody caught it\./);
  assert.equal(await call(threads, computing.exits, "exit", { attempt: 2 }), 2);
});

test("what a body throws is what it threw, with its class where that has a meaning, its texts, fields and cause", async (t) => {
  const threads = threadsOf(t);
  const thrown = (what: string) => thrownBy(threads, computing.throws, what);
  const own = await thrown("own");
  assert.ok(own instanceof Error);
  assert.deepEqual([own.name, own.message, (own as never)["status"]], ["OwnError", "of its own", 418]);
  assert.match(own.stack!, /computing\.ts/);
  assert.ok(own.cause instanceof RangeError);
  assert.ok((await thrown("type")) instanceof TypeError);
  const limited = await thrown("rate limited");
  assert.ok(limited instanceof RateLimited);
  assert.deepEqual([limited.retryAfterMs, limited.message], [70, "slow down"]);
  assert.ok((await thrown("not done")) instanceof NotDone);
  const refused = await thrown("tenfold");
  assert.ok(refused instanceof TenfoldError);
  assert.deepEqual([refused.code, refused.facts], ["FILE_UNKNOWN", { file: "a" }]);
  assert.equal(await thrown("text"), "just a text");
  assert.equal(typeof (await thrown("function")), "string");
});

test("a body has the context that it would have here: its chance, its time, its log, its progress", async (t) => {
  const told: unknown[] = [];
  const log = { ...testContext("telling", {}).log, info: (...given: unknown[]) => void told.push(given) };
  const ctx = {
    key: "a/telling",
    log,
    now: () => 5,
    progress: (...given: unknown[]) => void told.push(given),
    spent: (amount: number) => void told.push(amount),
  };
  const answer = await call(threadsOf(t), computing.telling, null, ctx);
  const inline = await computing.telling.run(null, { key: "a/telling", now: () => 5 });
  assert.deepEqual(answer, inline);
  assert.deepEqual(told, [["computing", { how: "hard", with: "() => 1" }], [1, 2], 7]);
});

test("an undo is called on a thread as well", async (t) => {
  const threads = threadsOf(t);
  const told: string[] = [];
  const log = { ...testContext("undone", {}).log, info: (message: string) => void told.push(message) };
  const ctx = { ...testContext("undone", {}), log };
  await threads.execute(computing.undone.definition, "a", ctx, { output: "A" });
  assert.deepEqual(told, ["a A on a thread"]);
});

test("a step is found by its own name among what its module exports, by the name of its export, or in an exported workflow", async (t) => {
  const threads = threadsOf(t);
  assert.equal(await call(threads, computing.named, undefined), "by its export");
  assert.equal(await call(threads, { definition: computing.drawing.steps.get("drawn") }, 1), 2);
});

test("a step that is not found in its module is told with the file, and why", async (t) => {
  const threads = threadsOf(t);
  const hidden = await thrownBy(threads, computing.hiding(), 1);
  assert.equal(hidden.code, "THREAD_STEP_MISSING");
  assert.match(hidden.message, /"hidden" was not found .*computing\.ts: it exports neither the step/);
  assert.match((await thrownBy(threads, computing.misnamed, null)).message, /it exports no step "misnamed" as `block`/);
  const elsewhere = { ...computing.named.definition, threads: { module: new URL("gone.ts", import.meta.url).href } };
  assert.match((await thrownBy(threads, { definition: elsewhere }, 1)).message, /it could not be imported/);
});

test("a module that opens a store as it is imported is refused by its thread", async (t) => {
  const module = new URL("opening-module.ts", import.meta.url).href;
  const definition = { ...computing.named.definition, name: "careless", threads: { module } };
  const { code, message } = await thrownBy(threadsOf(t), { definition }, undefined);
  assert.equal(code, "THREAD_STEP_MISSING");
  assert.match(message, /`open` was called by a module that a thread imports/);
});

test("an input or an answer that no message carries fails the call, and the thread goes on", async (t) => {
  const threads = threadsOf(t);
  const { thread } = await call(threads, computing.block, 0);
  const answered = await thrownBy(threads, computing.unsendable, null);
  assert.equal(answered.code, "NOT_JSON");
  assert.match(answered.message, /unsendable answered what is not JSON/);
  assert.throws(() => threads.execute(computing.block.definition, () => 1, testContext("block", {}), null), {
    code: "NOT_JSON",
  });
  assert.equal((await call(threads, computing.block, 0)).thread, thread);
});
