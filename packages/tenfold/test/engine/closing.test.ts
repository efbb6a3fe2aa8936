/** Laws of closing: bodies finish within the limit, nothing new starts, and the rest is given back at once. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { TenfoldError } from "../../src/value/error.ts";
import { allCompleted, countedFlow, startMany, stepOf, untyped, withVerbs, workflowOf, World } from "./world.ts";

const { call } = untyped;

test("close lets running bodies finish within the limit, starts none, and another engine finishes the rest", async () => {
  const world = new World();
  const { flow, calls } = countedFlow(world, 1000);
  const first = await world.open([flow], { slots: 5, drainMs: 5000 });
  await startMany(world, first, flow, 20);
  await world.passes(500);
  const closed = await world.happens(first.tenfold.close());
  assert.deepEqual(closed, { stopped: 0 });
  assert.equal(calls.size, 5, "no body is started while it drains");
  assert.ok(world.records.every(({ owner, deaths }) => owner === null && deaths === 0));
  await world.open([flow]);
  await allCompleted(world);
  assert.ok(
    [...calls.values()].every((count) => count === 1),
    "what was done is not done again",
  );
});

test("a body that does not finish within the limit is stopped, its run is given back, and nothing of it is recorded", async () => {
  const world = new World();
  let isStubborn = true;
  let reason: unknown;
  const step = stepOf("s", (_n, { signal }) => {
    signal.addEventListener("abort", () => (reason = signal.reason));
    return isStubborn ? new Promise(() => {}) : "done";
  });
  const flow = workflowOf("w", (n) => step(n));
  const first = await world.open([flow], { drainMs: 3000 });
  const run = await world.happens(first.tenfold.start(flow, 1));
  await world.passes(100);
  const before = world.time.now;
  assert.deepEqual(await world.happens(first.tenfold.close()), { stopped: 1 });
  assert.ok(world.time.now - before >= 3000 && world.time.now - before < 4000);
  assert.match(String(reason), /shutting down/);
  assert.deepEqual(world.journal(run.id), []);
  isStubborn = false;
  await world.open([flow]);
  await world.untilStatus(run.id, "completed");
});

test("a wait between two attempts survives a close, and is waited for by the next engine", async () => {
  const world = new World();
  const starts: number[] = [];
  const step = stepOf("s", (_n, { attempt }) => {
    starts.push(world.time.now);
    return attempt === 1 ? Promise.reject(new Error("busy")) : "again";
  }, { retry: { first: "4s", jitter: "none" } }); // prettier-ignore
  const flow = workflowOf("w", (n) => step(n));
  const first = await world.open([flow]);
  const run = await world.happens(first.tenfold.start(flow, 1));
  await world.passes(1000);
  await world.happens(first.tenfold.close());
  await world.open([flow]);
  await world.untilStatus(run.id, "completed");
  assert.equal(starts.length, 2);
  assert.ok(starts[1]! - starts[0]! >= 4000 && starts[1]! - starts[0]! < 6000);
});

test("what waits for a slot when its worker closes is due at once elsewhere, although its run also waits for a retry", async () => {
  const world = new World();
  const called: string[] = [];
  const step = stepOf("s", async (_n, { node }) => {
    called.push(node);
    if (node === "busy") throw new Error("busy");
    await world.time.wait(node === "slow" ? 3000 : 10);
    return null;
  }, { retry: { first: "10m", jitter: "none" } }); // prettier-ignore
  const flow = workflowOf("w", (n) => [step.as("busy")(n), step.as("slow")(n), step.as("last")(n)]);
  const first = await world.open([flow], { slots: 1 });
  await world.happens(first.tenfold.start(flow, 1));
  await world.until("the slow body runs", () => called.length === 2);
  await world.passes(1000);
  await world.happens(first.tenfold.close());
  assert.deepEqual(called, ["busy", "slow"]);
  await world.open([flow]);
  await world.passes(3000);
  assert.deepEqual(called, ["busy", "slow", "last"]);
});

test("after a close nothing is planned any more, so that a program comes to its end: not for children that have ended, nor for such as could not be started", async () => {
  const child = workflowOf("child", (n) => n);
  const parent = workflowOf("parent", (n) => call(child, n));
  const world = new World();
  const ended = await world.open([parent]);
  const run = await world.happens(ended.tenfold.start(parent, 1));
  assert.equal(await world.happens(run.result()), 1);
  await world.happens(ended.tenfold.close());
  assert.equal(world.time.nextAt, undefined);
  let refused = 0;
  const send = () => Promise.reject(new TenfoldError("STORE_BUSY", `not now, for the ${++refused}. time`));
  const refusing = await world.open([parent], {}, withVerbs(world.store, { send }));
  await world.happens(refusing.tenfold.start(parent, 2));
  await world.until("a child is asked for again", () => refused > 1);
  await world.happens(refusing.tenfold.close());
  assert.equal(world.time.nextAt, undefined);
});
