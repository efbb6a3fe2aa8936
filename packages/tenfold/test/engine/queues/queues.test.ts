/** Laws of steps with queues: limits hold exactly, whoever asks, and whatever waits leaves memory and comes back. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { RateLimited } from "../../../src/flow/index.ts";
import { allCompleted, MINUTE, startMany, stepOf, withVerbs, workflowOf, World, type SettingsGiven } from "../world.ts";
import { mostPassed } from "../../../src/testing/effect-log.ts";
import { EffectLog } from "./effect-log.ts";

/** A workflow of one step with this queue, whose bodies take a while and note when they were at work. */
function noted(world: World, queue: object, tookMs = 100, name = "s") {
  const log = new EffectLog();
  const step = stepOf(
    name,
    async (n: number, { run, key }) => {
      const effect = log.begin(name, String(n % 4), key, world.time.now);
      await world.time.wait(tookMs);
      effect.ended = world.time.now;
      return `${run.id} ${n}`;
    },
    { queue },
  );
  return { log, step, flow: workflowOf(`w-${name}`, (n) => step(n)) };
}

test("of a step with a concurrency never more bodies are at work, and all are", async () => {
  const world = new World();
  const { log, flow } = noted(world, { concurrency: 3 });
  const opened = await world.open([flow]);
  const from = world.time.now;
  await startMany(world, opened, flow, 50);
  await allCompleted(world);
  log.keeps({ concurrency: 3 });
  assert.equal(log.atOnce(), 3, "no place stays empty");
  assert.equal(log.effects.length, 50, "each is called once");
  const tookMs = world.time.now - from;
  assert.ok(tookMs < 1.2 * (50 / 3) * 100, `${tookMs} ms`);
});

test("of a step with a rate no window has more starts than burst and rate allow, and hardly fewer", async () => {
  const world = new World();
  const { log, flow } = noted(world, { rate: "20/s burst 5" }, 300);
  const opened = await world.open([flow]);
  await startMany(world, opened, flow, 200);
  await allCompleted(world);
  log.keeps({ rate: { count: 20, perMs: 1000, burst: 5 } });
  const tookMs = log.effects.at(-1)!.began - log.effects[0]!.began;
  assert.ok(tookMs <= (195 / 20) * 1000 * 1.02, `${tookMs} ms`);
});

test("limits of a key, of its queue and shared with other queues hold at once", async () => {
  const world = new World();
  const shared = { name: "crm" };
  const limit = (await import("../../../src/flow/index.ts")).limit(shared.name, { concurrency: 5 });
  const per = { key: (n: number) => String(n % 4), concurrency: 2 };
  const [one, other] = [noted(world, { limit, per }, 100, "a"), noted(world, { limit, concurrency: 4 }, 70, "b")];
  const opened = await world.open([one.flow, other.flow]);
  await startMany(world, opened, one.flow, 60);
  await startMany(world, opened, other.flow, 60);
  await allCompleted(world);
  for (const key of ["0", "1", "2", "3"]) one.log.keeps({ concurrency: 2 }, (effect) => effect.key === key);
  other.log.keeps({ concurrency: 4 });
  const both = new EffectLog();
  both.effects.push(...one.log.effects, ...other.log.effects);
  both.keeps({ concurrency: 5 });
  assert.equal(both.effects.length, 120);
});

const FEW: SettingsGiven = { limits: { linedUpMax: 10 } };

test("runs that wait in a long line leave memory, and come back when their turns do, in order", async () => {
  const world = new World();
  const { log, flow } = noted(world, { concurrency: 2 });
  const opened = await world.open([flow], FEW);
  await startMany(world, opened, flow, 300);
  await world.passes(1000);
  assert.ok(opened.engine.held < 40, `${opened.engine.held} runs in memory`);
  await allCompleted(world);
  log.keeps({ concurrency: 2 });
  assert.equal(log.effects.length, 300, "each is called once");
  assert.equal(log.atOnce(), 2);
});

test("a key at its limit holds up no other, however many of it wait ahead", async () => {
  const world = new World();
  const per = { key: (n: number) => (n < 500 ? "large" : "small"), concurrency: 1 };
  const { log, flow } = noted(world, { per }, 50);
  const opened = await world.open([flow], FEW);
  await startMany(world, opened, flow, 500);
  await world.passes(1000);
  const from = world.time.now;
  const run = await world.happens(opened.tenfold.start(flow, 500));
  await world.untilStatus(run.id, "completed");
  assert.ok(world.time.now - from < 300, `${world.time.now - from} ms`);
  await allCompleted(world);
  assert.equal(log.effects.length, 501);
});

test("a higher priority goes first, and a lower one is overtaken only by what comes within a minute", async () => {
  const world = new World();
  const order: number[] = [];
  const step = stepOf("s", async (n: number) => {
    order.push(n);
    await world.time.wait(1000);
  }, { queue: { concurrency: 1, priority: (n: number) => (n % 2 === 0 ? 1 : 0) } }); // prettier-ignore
  const flow = workflowOf("w", (n) => step(n));
  const opened = await world.open([flow]);
  await startMany(world, opened, flow, 10);
  await world.passes(500);
  assert.equal(order[0], 0);
  await allCompleted(world);
  assert.deepEqual(order.slice(0, 5).sort(), [0, 2, 4, 6, 8]);
  assert.deepEqual(order.slice(5).sort(), [1, 3, 5, 7, 9]);
});

test("what owned a line and died is taken over, and its runs go on; nothing is called beside what it called", async () => {
  const world = new World();
  const { log, flow } = noted(world, { concurrency: 2 }, 400);
  const [first, second] = [await world.open([flow], FEW), await world.open([flow], FEW)];
  await startMany(world, first, flow, 60);
  await world.passes(3000);
  const diedAt = world.time.now;
  first.clock.die();
  for (const effect of log.effects) if (effect.ended === Infinity) effect.ended = diedAt;
  await allCompleted(world, 60 * MINUTE);
  log.keeps({ concurrency: 2 });
  assert.ok(second.engine.held === 0);
});

test("one line has one owner: what two workers start in it keeps one limit", async () => {
  const world = new World();
  const { log, flow } = noted(world, { concurrency: 3, rate: "10/s burst 2" });
  const [first, second] = [await world.open([flow], FEW), await world.open([flow], FEW)];
  await startMany(world, first, flow, 50);
  await startMany(world, second, flow, 50);
  await allCompleted(world);
  log.keeps({ concurrency: 3, rate: { count: 10, perMs: 1000, burst: 2 } });
  assert.equal(log.effects.length, 100, "each is called once");
});

test("runs of all lanes wait in the line of one", async () => {
  const world = new World(3);
  const { log, flow } = noted(world, { concurrency: 3 });
  const opened = await world.open([flow], FEW);
  await startMany(world, opened, flow, 90);
  await allCompleted(world);
  log.keeps({ concurrency: 3 });
  assert.equal(log.effects.length, 90);
});

test("a body that is told to come later holds up its whole queue, and no other", async () => {
  const world = new World();
  const calls: number[] = [];
  const step = stepOf("s", (n: number) => {
    calls.push(world.time.now);
    if (calls.length === 1) throw new RateLimited(30_000);
    return n;
  }, { queue: { concurrency: 1 } }); // prettier-ignore
  const free = noted(world, { concurrency: 1 }, 10, "free");
  const flow = workflowOf("w", (n) => step(n));
  const opened = await world.open([flow, free.flow]);
  await startMany(world, opened, flow, 5);
  await startMany(world, opened, free.flow, 5);
  await allCompleted(world);
  assert.ok(calls[1]! - calls[0]! >= 30_000, `${calls[1]! - calls[0]!} ms`);
  assert.ok(free.log.effects.at(-1)!.began < calls[0]! + 1000);
});

test("a run that is cancelled while it waits in line leaves it, parked or not", async () => {
  const world = new World();
  const { log, flow } = noted(world, { concurrency: 1 }, 60_000);
  const opened = await world.open([flow], FEW);
  await startMany(world, opened, flow, 40);
  await world.passes(1000);
  const called = new Set(log.effects.map(({ task }) => task.split("/")[0]));
  const waiting = world.records.filter(({ id }) => !called.has(id));
  for (const { id } of waiting) await world.happens(opened.tenfold.cancel(id, { reason: "enough" }));
  await world.until("they are cancelled", () => waiting.every(({ id }) => world.record(id).status === "cancelled"));
  await world.until("the others end", () => world.records.every(({ status }) => status !== "running"));
  assert.equal(log.effects.length, 1);
});

test("what is called at most once starts no faster than its rate, however long it takes to write that it was begun", async () => {
  const world = new World();
  const log = new EffectLog();
  const step = stepOf("s", async (n: number, { key }) => {
    const effect = log.begin("s", "", key, world.time.now);
    await world.time.wait(5);
    effect.ended = world.time.now;
    return n;
  }, { once: true, queue: { rate: "100/s burst 1" } }); // prettier-ignore
  const flow = workflowOf("w", (n) => step(n));
  let commits = 0;
  const slow = withVerbs(world.store, {
    commit: async (...given) => {
      // Every other commit takes as long as several starts are apart.
      if (commits++ % 2 === 0) await world.time.wait(37);
      return world.store.commit(...given);
    },
  });
  const opened = await world.open([flow], {}, slow);
  await startMany(world, opened, flow, 100);
  await allCompleted(world);
  log.keeps({ rate: { count: 100, perMs: 1000, burst: 1 } });
  assert.equal(log.effects.length, 100);
});

test("a slow rate outlives its owner: one that takes over, and one that is started anew, permit no more", async () => {
  for (const isKilled of [true, false]) {
    const world = new World();
    const { log, flow } = noted(world, { rate: "6/min burst 3" }, 10);
    const first = await world.open([flow], FEW);
    await startMany(world, first, flow, 20);
    await world.passes(21_000);
    assert.equal(log.effects.length, 5);
    if (isKilled) first.clock.die();
    else await world.happens(first.tenfold.close());
    await world.open([flow], FEW);
    await allCompleted(world, 60 * MINUTE);
    log.keeps({ rate: { count: 6, perMs: MINUTE, burst: 3 } });
    assert.equal(log.effects.length, 20);
  }
});

test("turns are shared between keys: nobody of one is passed more than twice by those of another, however many they are", async () => {
  const world = new World();
  const log = new EffectLog();
  const step = stepOf("s", async (n: number, { run }) => {
    const effect = log.begin("s", n < 200 ? "large" : `small ${n % 5}`, run.id, world.time.now);
    await world.time.wait(10);
    effect.ended = world.time.now;
    return n;
  }, { queue: { concurrency: 1, per: { key: (n: number) => (n < 200 ? "large" : `small ${n % 5}`), weight: () => 1 } } }); // prettier-ignore
  const flow = workflowOf("w", (n) => step(n));
  const opened = await world.open([flow]);
  await startMany(world, opened, flow, 250);
  await allCompleted(world);
  assert.ok(mostPassed(log.effects, () => log.effects[5]!.began) <= 2);
});

test("a body that goes on after its timeout keeps its place, and the next attempt has its own turn then", async () => {
  const world = new World();
  const calls: number[] = [];
  const step = stepOf("s", async (n: number) => {
    calls.push(world.time.now);
    if (calls.length === 1) await world.time.wait(20_000);
    return n;
  }, { queue: { concurrency: 1 }, timeout: "5s" }); // prettier-ignore
  const flow = workflowOf("w", (n) => step(n));
  const opened = await world.open([flow]);
  await startMany(world, opened, flow, 1);
  await allCompleted(world);
  assert.deepEqual(calls.map((at) => at - calls[0]!), [0, 20_000]); // prettier-ignore
});

test("of a run that is being parked no turn comes, also where one of its turns waited for another", async () => {
  const world = new World();
  const called: string[] = [];
  const per = { key: ({ of }: { of: string }) => of, rate: "60/min burst 20" };
  const step = stepOf("s", ({ of }, { node }) => (called.push(`${of} ${node}`), of), { queue: { per, cost: ({ n }: { n: number }) => n } }); // prettier-ignore
  const flow = workflowOf("w", (o) => [step.as("x")(o.x), step.as("y")(o.y)]);
  const { tenfold } = await world.open([flow], { limits: { linedUpMax: 1 } });
  const start = (of: string, x: number) => world.happens(tenfold.start(flow, { x: { of, n: x }, y: { of, n: 1 } }));
  for (const key of ["a", "b"]) await start(key, 19);
  await allCompleted(world);
  await world.passes(3000);
  // Those of another key wait in memory: there is no room for these.
  for (const key of ["a", "b"]) await start(key, 18);
  await allCompleted(world);
  assert.deepEqual(called.toSorted(), ["a x", "a x", "a y", "a y", "b x", "b x", "b y", "b y"]);
});
