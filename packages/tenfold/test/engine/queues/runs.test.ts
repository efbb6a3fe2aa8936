/** Laws of workflows with queues: how many of their runs are active at once, how fast they begin, and whose. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  allCompleted,
  MINUTE,
  rejects,
  startMany,
  stepOf,
  untyped,
  workflowOf,
  World,
  type SettingsGiven,
} from "../world.ts";
import { EffectLog } from "./effect-log.ts";

const { after, call, sleep } = untyped;
const FEW: SettingsGiven = { limits: { linedUpMax: 5 } };

/** Two steps in a row, and what is between them; a run is active from the start of the first to the end of the second. */
function active(world: World, queue: object, tookMs = 100) {
  const log = new EffectLog();
  const body = async (n: number, { run, node }: { run: { id: string }; node: string }) => {
    const effect = log.begin(node, String(n % 3), run.id, world.time.now);
    await world.time.wait(tookMs);
    effect.ended = world.time.now;
    return n;
  };
  const step = stepOf("s", body);
  const flow = workflowOf("w", (n) => step.as("b")(step.as("a")(n)), { queue });
  return { log, step, flow };
}

test("of a workflow with a concurrency never more runs are active, and all are worked", async () => {
  for (const settings of [{}, FEW]) {
    const world = new World();
    const { log, flow } = active(world, { concurrency: 4 });
    const opened = await world.open([flow], settings);
    await startMany(world, opened, flow, 60);
    await allCompleted(world);
    log.keeps({ concurrency: 4 });
    assert.equal(log.effects.length, 120);
    assert.equal(log.atOnce(), 4);
  }
});

test("of a workflow with a rate no more runs begin than that, and what goes on is not held up by it", async () => {
  const world = new World();
  const { log, flow } = active(world, { rate: "10/s burst 2" });
  const opened = await world.open([flow], FEW);
  await startMany(world, opened, flow, 50);
  await allCompleted(world);
  log.keeps({ rate: { count: 10, perMs: 1000, burst: 2 } }, ({ queue }) => queue === "a");
  const first = log.effects.find(({ queue }) => queue === "a")!;
  const second = log.effects.find(({ queue, task }) => queue === "b" && task === first.task)!;
  assert.ok(second.began - first.ended < 50);
});

test("what holds for a key of a workflow holds for each, and a run of another key does not wait for it", async () => {
  const world = new World();
  const per = { key: (n: number) => String(n % 3), concurrency: 1 };
  const { log, flow } = active(world, { per });
  const opened = await world.open([flow], FEW);
  await startMany(world, opened, flow, 30);
  await allCompleted(world);
  for (const key of ["0", "1", "2"]) log.keeps({ concurrency: 1 }, (effect) => effect.key === key);
  assert.equal(log.atOnce(), 3);
});

test("a run that sleeps is not active: others are meanwhile, and it takes its place again when it goes on", async () => {
  const world = new World();
  const log = new EffectLog();
  const step = stepOf("s", async (n: number, { run, node }) => {
    const effect = log.begin(node, "", run.id, world.time.now);
    await world.time.wait(100);
    effect.ended = world.time.now;
    return n;
  });
  const flow = workflowOf("w", (n) => after(after(step.as("a")(n), () => sleep("1h")), () => step.as("b")(n)), { queue: { concurrency: 2 } }); // prettier-ignore
  const opened = await world.open([flow], FEW);
  await startMany(world, opened, flow, 20);
  await world.passes(10 * MINUTE);
  assert.equal(log.effects.filter(({ queue }) => queue === "a").length, 20, "all have begun");
  await allCompleted(world, 300 * MINUTE);
  log.keeps({ concurrency: 2 });
  assert.equal(log.effects.length, 40);
});

test("a parent that waits for its child is not active, so that a child of its own kind finds a place", async () => {
  const world = new World();
  const step = stepOf("s", (n: number) => n);
  const flow: any = workflowOf("w", (n: any) => untyped.when(untyped.gte(n, 3), () => step.as("leaf")(n), () => call(() => flow, step.as("next")(untyped.derive.as("more")(n, (value: number) => value + 1)))), { queue: { concurrency: 1 } }); // prettier-ignore
  const opened = await world.open([flow], FEW);
  await startMany(world, opened, flow, 3);
  await allCompleted(world);
});

test("active runs of a worker that died give their places back, and no others are called beside them", async () => {
  const world = new World();
  const { log, flow } = active(world, { concurrency: 2 }, 400);
  const first = await world.open([flow], FEW);
  await world.open([flow], FEW);
  await startMany(world, first, flow, 30);
  await world.passes(2000);
  first.clock.die();
  for (const effect of log.effects) if (effect.ended === Infinity) effect.ended = world.time.now;
  await allCompleted(world, 60 * MINUTE);
  log.keeps({ concurrency: 2 });
});

test("a run for which others wait in strict order goes on, though the active ones are those that wait for it", async () => {
  for (const [first, settings] of [
    ["20ms", {}],
    ["30s", FEW],
  ] as const) {
    const world = new World();
    const called: number[] = [];
    const body = (n: number, { attempt }: { attempt: number }) => {
      if (attempt === 1 && n % 5 === 0) throw new Error("busy");
      called.push(n);
      return n;
    };
    const queue = { per: { key: () => "", order: "strict" } };
    const step = stepOf("s", body, { retry: { first, jitter: "none" }, queue });
    const flow = workflowOf("w", (n) => step(n), { queue: { concurrency: 2 } });
    const opened = await world.open([flow], settings);
    await startMany(world, opened, flow, 20);
    await allCompleted(world, 20 * MINUTE);
    assert.equal(called.length, 20);
  }
});

test("who sets the queue of a workflow by the workflow's name is told what it is called", async () => {
  const world = new World();
  const { flow } = active(world, { concurrency: 2 });
  const { tenfold } = await world.open([flow]);
  const set = (name: string) => world.happens(tenfold.setQueue(name, { concurrency: 4 }));
  await rejects(set("w"), "QUEUE_UNKNOWN", "That of the workflow is named `runs of w`.");
  assert.deepEqual(await set("runs of w"), { concurrency: 4 });
});
