/** Runs that workers die of: the one that kills them is found and held, those beside it go on. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { World, stepOf, workflowOf, type OpenedEngine } from "./world.ts";

test("a run that its workers die of is held, and none of those that were driven beside it", async () => {
  const world = new World();
  let alive: OpenedEngine;
  const pay = stepOf("pay", (order: number) => {
    const { clock } = alive;
    return new Promise((resolve) => {
      if (order === 3) clock.at(clock.now() + 200, () => clock.die());
      else clock.at(clock.now() + 1000, () => resolve(order));
    });
  });
  const orders = workflowOf("orders", (order) => pay(order));
  alive = await world.open([orders], { leaseMs: 1000, beatMs: 200 });
  const runs = await Promise.all([0, 1, 2, 3, 4, 5].map((order) => world.happens(alive.tenfold.start(orders, order))));
  const isOver = () => runs.every(({ id }) => ["completed", "held"].includes(world.record(id).status));
  for (let lives = 1; lives <= 12 && !isOver(); lives++) {
    await world.until("the worker dies, or all is over", () => alive.clock.isDead || isOver());
    if (!isOver()) alive = await world.open([orders], { leaseMs: 1000, beatMs: 200 });
  }
  const statuses = runs.map(({ id }) => world.record(id).status);
  assert.deepEqual(statuses, ["completed", "completed", "completed", "held", "completed", "completed"]);
});
