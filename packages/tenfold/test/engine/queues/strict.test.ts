/** Strict order: of a key one at a time, also where one is to be tried again, whoever decides. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { StepContext } from "../../../src/flow/definition.ts";
import { overtaken } from "../../../src/testing/effect-log.ts";
import { seededRandom } from "../../../src/value/random.ts";
import { after, sleep } from "../../../src/flow/index.ts";
import { joined, NOW } from "../../store/sample.ts";
import { allCompleted, Gate, MINUTE, stepOf, withVerbs, workflowOf, World, type OpenedEngine } from "../world.ts";
import { EffectLog } from "./effect-log.ts";

/** Most runs wait in the store. */
const FEW = { limits: { linedUpMax: 3 } };
const SEEDS = 60;
const EXCEPT_HEAVY = { pools: { served: null, except: ["heavy"] } };
/** With one more, a run that every one of them drove would be held. */
const DEATHS = 2;

test("in a strict order the next of a key waits for the retries of the one before, also while that is parked", async () => {
  const world = new World();
  const log = new EffectLog();
  const step = stepOf("s", async (n: number, { attempt, key }) => {
    const effect = log.begin("s", String(n % 2), String(n), world.time.now);
    await world.time.wait(100);
    effect.ended = world.time.now;
    if (n % 5 === 1 && attempt < 3) throw new Error(`not yet: ${key}`);
    return n;
  }, { retry: { attempts: 4, first: "30s", jitter: "none" }, queue: { per: { key: (n: number) => String(n % 2), order: "strict" } } }); // prettier-ignore
  const flow = workflowOf("w", (n) => step(n));
  for (const settings of [{}, FEW]) {
    log.effects.length = 0;
    const opened = await world.open([flow], settings);
    for (let n = 0; n < 30; n++) await world.happens(opened.tenfold.start(flow, n));
    await allCompleted(world, 60 * MINUTE);
    log.isInOrder(({ task }) => Number(task));
    log.keeps({ concurrency: 1 }, ({ key }) => key === "0");
    assert.equal(log.effects.length, 30 + 2 * 6);
    await world.happens(opened.tenfold.close());
  }
});

test("the next of a strict key begins once what came of the one before is durable: a crash before that has no other done first", async () => {
  const world = new World();
  const gate = new Gate();
  const called: number[] = [];
  const slow = withVerbs(world.store, {
    commit: async (lease, batch, now) => {
      if (batch.some(({ lines }) => lines.length > 0)) await gate.pass();
      return world.store.commit(lease, batch, now);
    },
  });
  const step = stepOf("s", (n: number) => void called.push(n), { queue: { per: { key: () => "", order: "strict" } } });
  const flow = workflowOf("w", (n) => step(n));
  const opened = await world.open([flow], {}, slow);
  for (const n of [0, 1]) await world.happens(opened.tenfold.start(flow, n));
  await world.until("the first is being written", () => gate.entered === 1);
  await world.passes(1000);
  assert.deepEqual(called, [0]);
  gate.open();
  await allCompleted(world);
  assert.deepEqual(called, [0, 1]);
});

test("what a strict order waits for and is cancelled lets the next go on", async () => {
  const world = new World();
  const step = stepOf("s", (n: number) => {
    if (n === 0) throw new Error("never");
    return n;
  }, { retry: { attempts: 9, first: "1h", jitter: "none" }, queue: { per: { key: () => "", order: "strict" } } }); // prettier-ignore
  const flow = workflowOf("w", (n) => step(n));
  const opened = await world.open([flow], FEW);
  const first = await world.happens(opened.tenfold.start(flow, 0));
  const next = await world.happens(opened.tenfold.start(flow, 1));
  await world.passes(10 * MINUTE);
  assert.equal(world.record(next.id).status, "running");
  await world.happens(opened.tenfold.cancel(first.id));
  await world.untilStatus(next.id, "completed");
});

test("of a strict key nobody goes while one is to be tried again, however often the one who decides dies or leaves", async () => {
  let retried = 0;
  for (let seed = 0; seed < SEEDS; seed++) {
    const world = new World();
    const random = seededRandom(`strict ${seed}`);
    const log = new EffectLog();
    const queue = { concurrency: 2, per: { key: (n: number) => String(n % 3), order: "strict" } };
    const workers: OpenedEngine[] = [];
    const settings = random() < 0.5 ? FEW : {};
    // Each worker has code of its own, which goes no further once it is dead.
    const opens = async () => {
      const lives = async (): Promise<void> => (worker.clock.isDead ? new Promise(() => {}) : undefined);
      const step = stepOf("s", async (n: number, { attempt, run }) => {
        await lives();
        const effect = log.begin("s", String(n % 3), run.id, world.time.now);
        await world.time.wait(Math.floor(random() * 3000));
        await lives();
        effect.ended = world.time.now;
        if (attempt < 4 && random() < 0.4) throw new Error("not yet");
        return n;
      }, { retry: { attempts: 4, first: "20s", jitter: "none" }, queue }); // prettier-ignore
      flow = workflowOf("w", (n) => step(n));
      const worker = world.engineOf([flow], settings);
      await world.happens(worker.engine.open());
      workers.push(worker);
    };
    let flow: ReturnType<typeof workflowOf>;
    for (let nth = 0; nth <= random() * 3; nth++) await opens();
    for (let n = 0; n < 18; n++) await world.happens(workers.at(-1)!.tenfold.start(flow!, n));
    for (let deaths = 0; deaths < DEATHS; deaths++) {
      await world.passes(random() * 45_000);
      const [worker] = workers.splice(Math.floor(random() * workers.length), 1);
      if (random() < 0.5) worker!.clock.die();
      else await world.happens(worker!.tenfold.close());
      if (workers.length === 0 || random() < 0.5) await opens();
    }
    await allCompleted(world, 60 * MINUTE);
    retried += log.effects.length - 18;
    assert.equal(overtaken(log.effects), null, `seed ${seed}`);
  }
  assert.ok(retried > 5 * SEEDS, "there is something to try again");
});

test("runs that wait for each other, each in a line of another owner, come to their ends", async () => {
  for (let seed = 0; seed < SEEDS; seed++) {
    const world = new World();
    const random = seededRandom(`crossed ${seed}`);
    const body = async (n: number, { attempt }: StepContext) => {
      await world.time.wait(Math.floor(random() * 2000));
      if (attempt < 6 && random() < 0.5) throw new Error("not yet");
      return n;
    };
    const retry = { attempts: 6, first: "5s", backoff: "constant" };
    const strict = { per: { key: () => "", order: "strict" } };
    const light = stepOf("light", body, { retry, queue: strict });
    const heavy = stepOf("heavy", body, { retry, queue: { ...strict, pool: "heavy" } });
    // Those that come first in the one line come last in the other.
    const crossed = (name: string, soon: any, late: any) =>
      workflowOf(name, (n) => [soon(n), after(sleep("2s"), () => late(n))]);
    const flows = [crossed("v", light, heavy), crossed("w", heavy, light)];
    const opened = [await world.open(flows, EXCEPT_HEAVY), await world.open(flows)];
    for (let n = 0; n < 6; n++) await world.happens(opened[n % 2]!.tenfold.start(flows[n % 2]!, n));
    await allCompleted(world, 30 * MINUTE);
  }
});

test("a new owner waits for none that was over when the one before died, or whose run has ended", async () => {
  const world = new World();
  const step = stepOf("s", (n: number) => n, { queue: { per: { key: (n: number) => String(n), order: "strict" } } });
  const flow = workflowOf("w", (n) => [step.as("once")(n), after(sleep("1h"), () => step.as("late")(n))]);
  const opened = await world.open([flow]);
  const asleep = await world.happens(opened.tenfold.start(flow, 1));
  const cancelled = await world.happens(opened.tenfold.start(flow, 2));
  await world.passes(MINUTE);
  await world.happens(opened.tenfold.cancel(cancelled.id));
  await world.untilStatus(cancelled.id, "cancelled");
  await world.happens(opened.tenfold.close());
  const lease = await joined(world.store, "died");
  await world.store.queues.own(lease, ["s"]);
  const waits = [asleep, cancelled].map(({ id }, nth) => ({
    scope: waitOf(`${nth + 1}`, `${id} once`),
    tat: NOW,
    at: NOW,
  }));
  await world.store.queues.keepBuckets(lease, "s", waits, []);
  await world.store.queues.release(lease, ["s"]);
  const again = await world.open([flow]);
  for (const n of [1, 2]) {
    const next = await world.happens(again.tenfold.start(flow, n));
    await world.until(`a body of key ${n}`, () => world.journal(next.id).includes("done once"), 5 * MINUTE);
  }
  assert.equal(world.record(asleep.id).status, "running");
  const { queues } = world.store;
  await world.passes(1000);
  await world.happens(again.tenfold.close());
  const [kept] = await queues.own(await joined(world.store, "next"), ["s"]);
  assert.deepEqual(kept!.buckets, []);
});

/** As an owner keeps that a key waits for an attempt. */
function waitOf(key: string, id: string): string {
  return JSON.stringify(["waits for", "s", key, id]);
}
