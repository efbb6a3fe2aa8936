/** Laws of memory: runs in memory are bounded by bytes, the rest waits in the store, and all come to their end. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { each } from "../../src/flow/index.ts";
import { allCompleted, NOW, startMany, stepOf, workflowOf, World } from "./world.ts";

test("with little memory the rest waits in the store, and everything is completed all the same", async () => {
  const world = new World();
  const step = stepOf("s", async (given) => {
    await world.time.wait(1000);
    return given.n;
  });
  const flow = workflowOf("w", (n) => step({ n, text: "x".repeat(1000) }));
  const opened = await world.open([flow], { memoryMax: 50_000 });
  let most = 0;
  opened.tenfold.on("attempt", () => (most = Math.max(most, opened.engine.held)));
  await startMany(world, opened, flow, 200);
  await allCompleted(world);
  assert.ok(most > 1 && most < 30, `${most} runs were in memory at once`);
});

test("starts whose inputs are more than the memory are not all driven at once", async () => {
  const world = new World();
  const step = stepOf("s", async (given: string) => {
    await world.time.wait(1000);
    return given.length;
  });
  const flow = workflowOf("w", (text) => step(text));
  const opened = await world.open([flow], { memoryMax: 300_000 });
  await world.passes(100);
  const text = "x".repeat(20_000);
  const runs = await world.happens(Promise.all(Array.from({ length: 100 }, () => opened.tenfold.start(flow, text))));
  await world.passes(100);
  assert.ok(opened.engine.held > 1 && opened.engine.held < 20, `${opened.engine.held} runs of 20 kB in 300 kB`);
  await allCompleted(world);
  assert.equal(runs.length, 100);
});

test("with little memory, runs that wait for a retry make room for those that can go on", async () => {
  const world = new World();
  const step = stepOf("s", (n, { attempt }) => (n % 2 === 0 && attempt === 1 ? Promise.reject(new Error("busy")) : n), {
    retry: { first: "4s", jitter: "none" },
  });
  const flow = workflowOf("w", (n) => step(n));
  const opened = await world.open([flow], { memoryMax: 10_000 });
  await startMany(world, opened, flow, 100);
  await allCompleted(world);
  assert.equal(opened.attempts.length, 150);
  assert.ok(world.time.now - NOW < 12_000, "they wait for their retries beside each other, not one after the other");
});

test("a run that is larger than the memory is driven all the same, alone", async () => {
  const world = new World();
  const flow = workflowOf("w", (list) => each(list, (item) => stepOf("s", (given) => given)(item)));
  const opened = await world.open([flow], { memoryMax: 1000 });
  const runs = await world.happens(Promise.all([1, 2, 3].map((n) => opened.tenfold.start(flow, Array.from({ length: 300 }, () => "x".repeat(n)))))); // prettier-ignore
  for (const { id } of runs) await world.untilStatus(id, "completed");
});

test("runs that only wait for a retry take no place among those that may be worked on at once", async () => {
  const world = new World();
  const step = stepOf("s", (n, { attempt }) => (n < 20 && attempt === 1 ? Promise.reject(new Error("busy")) : n), {
    retry: { first: "4s", jitter: "none" },
  });
  const flow = workflowOf("w", (n) => step(n));
  const opened = await world.open([flow], { runsMax: 5 });
  await startMany(world, opened, flow, 40);
  const isDone = () => world.records.filter(({ status }) => status === "completed").length === 20;
  await world.until("the twenty that need no retry are completed", isDone);
  assert.ok(world.time.now - NOW < 10_000);
  await allCompleted(world);
});

test("however many only wait, what is behind them is worked without a pause", async () => {
  const world = new World();
  const step = stepOf("s", (n, { attempt }) => (n < 20 && attempt === 1 ? Promise.reject(new Error("busy")) : n), {
    retry: { first: "4s", jitter: "none" },
  });
  const flow = workflowOf("w", (n) => step(n));
  const opened = await world.open([flow], { runsMax: 10 });
  await startMany(world, opened, flow, 520);
  const completed = () => world.records.filter(({ status }) => status === "completed").length;
  await world.until("the five hundred that need no retry are completed", () => completed() === 500);
  const tookMs = world.time.now - NOW;
  assert.ok(tookMs < 500, `${tookMs} ms for fifty claims of ten`);
});
