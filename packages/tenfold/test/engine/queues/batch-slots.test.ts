/** Laws of who is in a batch that was permitted: whoever leaves it, or is called otherwise, takes no slot with it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { step as defineStep } from "../../../src/flow/index.ts";
import type { Store } from "../../../src/store/store.ts";
import { allCompleted, startMany, withVerbs, workflowOf, World } from "../world.ts";

const untyped = defineStep as unknown as (name: string, options: unknown) => (input: unknown) => unknown;

/** A workflow whose step notes how many it was called with. */
function batched(name: string, called: number[], queue: object = {}) {
  const run = (inputs: unknown[]) => {
    called.push(inputs.length);
    return inputs;
  };
  const step = untyped("s", { queue: { batch: { max: 4, wait: "200ms" }, ...queue }, run });
  return workflowOf(name, (n) => step(n));
}

function allEnded(world: World): boolean {
  return world.records.every(({ status }) => status !== "running");
}

test("two steps of one name, whose attempts are in one batch, are called each for itself with one slot", async () => {
  const world = new World();
  const [calledOfA, calledOfB]: [number[], number[]] = [[], []];
  const [a, b] = [batched("a", calledOfA), batched("b", calledOfB)];
  const { tenfold } = await world.open([a, b], { slots: 1 });
  for (let n = 0; n < 6; n++) await world.happens(Promise.all([tenfold.start(a, n), tenfold.start(b, n)]));
  await allCompleted(world);
  for (const called of [calledOfA, calledOfB]) assert.equal(called.reduce((sum, size) => sum + size), 6); // prettier-ignore
});

for (const [left, who] of [
  [1, "one"],
  [4, "all"],
] as const) {
  test(`a batch that ${who} of its runs leave before it begins has one slot, which is free in the end`, async () => {
    const world = new World();
    const called: number[] = [];
    const flow = batched("w", called, { rate: "6/min burst 4" });
    const { queues } = world.store;
    const mayKeep = Promise.withResolvers<void>();
    let isAsked = false;
    const keepBuckets: Store["queues"]["keepBuckets"] = async (...given) => {
      isAsked = true;
      await mayKeep.promise;
      return queues.keepBuckets(...given);
    };
    const slow = withVerbs(queues as unknown as Store, { keepBuckets } as unknown as Partial<Store>);
    const store = withVerbs(world.store, { queues: slow as unknown as Store["queues"] });
    const opened = await world.open([flow], { slots: 1 }, store);
    await startMany(world, opened, flow, 4);
    await world.until("its bucket is being kept", () => isAsked);
    for (const { id } of world.records.slice(0, left)) {
      await world.happens(opened.tenfold.cancel(id, { reason: "enough" }));
      await world.untilStatus(id, "cancelled");
    }
    mayKeep.resolve();
    await world.until("the rest has ended", () => allEnded(world));
    assert.deepEqual(called, left === 4 ? [] : [3]);
    await startMany(world, opened, flow, 4);
    await world.until("the others have ended", () => allEnded(world), 120_000);
    assert.equal(called.at(-1), 4);
  });
}
