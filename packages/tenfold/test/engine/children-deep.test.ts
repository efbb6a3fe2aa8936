/** Laws of calls one below the other: how deep they may go, and what is said where they go deeper. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { CALLS_DEEP_MAX } from "../../src/core/constructs/call.ts";
import { stepOf, untyped, workflowOf, World } from "./world.ts";

const { call, gt, when } = untyped;

const less = stepOf("less", (n: number) => n - 1);
const down: any = workflowOf("down", (n) => when(gt(n, 0), () => call(() => down, less(n)), () => less(n))); // prettier-ignore

test("a workflow calls itself as often as the data says, up to a hundred runs below the first", async () => {
  const world = new World(2);
  const { tenfold } = await world.open([down]);
  const run = await world.happens(tenfold.start(down, CALLS_DEEP_MAX));
  assert.equal(await world.happens(run.result()), -1);
  assert.equal(world.records.length, CALLS_DEEP_MAX + 1);
});

test("a recursion without an end fails at a hundred runs below the first, and the first one says why, at no great length", async () => {
  const world = new World(2);
  const { tenfold } = await world.open([down]);
  const run = await world.happens(tenfold.start(down, 1_000_000));
  const failed = await world.untilStatus(run.id, "failed");
  assert.equal(world.records.length, CALLS_DEEP_MAX + 1);
  assert.ok(world.records.every(({ status }) => status === "failed"));
  const { code, message } = JSON.parse(failed.error!) as { code: string; message: string };
  assert.equal(code, "CHILD_FAILED");
  assert.match(message, /Have the input end the recursion/);
  assert.ok(message.length < 1500, `${message.length} characters`);
  const last = world.records.filter(({ error }) => error!.includes("CALL_TOO_DEEP"));
  assert.equal(last.length, 1);
});

test("how deep a run stands outlives the workers that drive it", async () => {
  const world = new World(2);
  const first = await world.open([down]);
  const run = await world.happens(first.tenfold.start(down, 1_000_000));
  await world.until("half of the way", () => world.records.length >= CALLS_DEEP_MAX / 2);
  await world.happens(first.tenfold.close());
  await world.open([down]);
  await world.untilStatus(run.id, "failed");
  assert.equal(world.records.length, CALLS_DEEP_MAX + 1);
});
