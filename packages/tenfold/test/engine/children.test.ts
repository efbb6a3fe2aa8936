/** Laws of calls: a child is one run, whatever crashes; what came of it, and what becomes of its parent, is told. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { MINUTE, stepOf, untyped, workflowOf, World } from "./world.ts";

const { call, each } = untyped;

test("a call is done with what its child puts out; the parent waits in no worker's memory", async () => {
  for (const lanes of [1, 2]) {
    const world = new World(lanes);
    const slow = stepOf("slow", async (n: number) => {
      await world.time.wait(10 * MINUTE);
      return n * 2;
    });
    const child = workflowOf("child", (n) => slow(n));
    const parent = workflowOf("parent", (n) => ({ got: call(child, n) }));
    const { tenfold, engine } = await world.open([parent]);
    const run = await world.happens(tenfold.start(parent, 21));
    await world.passes(5 * MINUTE);
    assert.equal(engine.held, 1, "only the child is at work");
    assert.deepEqual(await world.happens(run.result()), { got: 42 });
    assert.deepEqual(world.journal(run.id), ["called call-child", "returned call-child"]);
    const born = world.records.find(({ workflow }) => workflow === "child");
    assert.deepEqual(world.journal(born!.id), ["attached", "done slow"]);
  }
});

test("a call of each of 1,000 items", async () => {
  const world = new World(2);
  const child = workflowOf("child", (n) => stepOf("twice", (m: number) => m * 2)(n));
  const parent = workflowOf("parent", (items) => each(items, (n: unknown) => call(child, n)));
  const { tenfold } = await world.open([parent]);
  const items = Array.from({ length: 1000 }, (_, index) => index);
  const run = await world.happens(tenfold.start(parent, items));
  assert.deepEqual(await world.happens(run.result()), items.map((n) => n * 2)); // prettier-ignore
  assert.equal(world.records.length, 1001);
});
