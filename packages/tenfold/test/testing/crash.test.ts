/** Crashes in a user's test: a worker dies without goodbye, another one goes on, and what is recorded is not done again. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { after, sleep, step, workflow, type Lifted } from "../../src/flow/index.ts";
import { openTest, takes } from "../../src/testing/index.ts";
import { MemoryStore } from "../../src/store/memory.ts";
import { storeByVerb } from "../../src/testing/store-by-verb.ts";
import { TestWorker } from "../../src/testing/test-worker.ts";
import { VirtualTime } from "../../src/testing/virtual-time.ts";
import { COLD, enrich, HOT, realMs, refuses, remind, trial } from "./trial.ts";

const pay = step("pay", { run: async (order: string) => `paid ${order}` });
const stock = step("stock", { run: (order: string) => `stocked ${order}` });
const ship = step("ship", { run: async (given: { paid: string; stocked: string }) => given });
const orders = workflow("orders", {
  flow: (order: Lifted<string>) => ship({ paid: pay(order), stocked: stock(order) }),
});

test("a run that sleeps goes on with the next worker, and a recorded result is not computed again", async () => {
  await using env = await openTest({ workflows: [trial] });
  const run = await env.tenfold.start(trial, COLD);
  await env.advance("1 day");
  await env.crash();
  assert.equal(await env.finish(run), "reminded sam@example.com");
  assert.deepEqual(env.journal(run).map(({ after }) => after), ["0s", "0s", "3d", "3d"]); // prettier-ignore
  assert.equal(env.calls(enrich).length, 1);
  assert.equal(env.calls(remind).length, 1);
});

test("a body whose work is done, and whose result is lost, is called again under the same key", async () => {
  const paid = new Map<string, number>();
  await using env = await openTest({ workflows: [orders] });
  env.stub(pay, async (order, { key }) => {
    paid.set(key, (paid.get(key) ?? 0) + 1);
    return `paid ${order}`;
  });
  env.crashAfter(pay);
  const run = await env.tenfold.start(orders, "A-1");
  assert.deepEqual(await env.finish(run), { paid: "paid A-1", stocked: "stocked A-1" });
  assert.deepEqual([...paid], [[`${run.id}/pay`, 2]]);
  assert.deepEqual(env.calls(pay).map(({ attempt }) => attempt), [1, 1]); // prettier-ignore
  assert.equal(env.calls(ship).length, 1);
  assert.deepEqual(env.path(run).toSorted(), ["pay", "ship", "stock"]);
});

test("so it is with a body that answers at once, one that fails, and one node of many", async () => {
  await using env = await openTest({ workflows: [orders] });
  env.crashAfter(stock);
  env.crashAfter(ship, { node: "ship" });
  assert.equal((await env.finish(await env.tenfold.start(orders, "A-1"))).stocked, "stocked A-1");
  assert.deepEqual([env.calls(stock).length, env.calls(ship).length], [2, 2]);
  env.stub(pay, () => Promise.reject(new Error("declined")));
  env.crashAfter(pay);
  const run = await env.tenfold.start(orders, "A-2");
  await refuses(() => env.finish(run), "RUN_FAILED", "declined");
  const attempts = env.calls(pay).flatMap((call) => (call.run === run.id ? [call.attempt] : []));
  assert.deepEqual(attempts, [1, 1, 2, 3]);
});

test("while no worker is there nothing happens, and what came due meanwhile is done by the next one", async () => {
  await using env = await openTest({ workflows: [trial], now: 0 });
  const slept = await env.tenfold.start(trial, COLD);
  await env.advance("1 day");
  const crash = env.crash({ downFor: "5 days" });
  const started = await env.tenfold.start(trial, HOT);
  assert.equal(env.tenfold.isReady, false);
  await crash;
  assert.equal(env.tenfold.isReady, true);
  await env.settle();
  assert.equal(await slept.result(), "reminded sam@example.com");
  assert.equal(await started.result(), "called kim@example.com");
  assert.deepEqual(env.calls(remind).map(({ after }) => after), ["6d"]); // prettier-ignore
  env.crashAfter(enrich, { downFor: "1h" });
  const run = await env.tenfold.start(trial, HOT);
  await env.advance("59m");
  assert.deepEqual(env.journal(run), []);
  await env.advance("1m");
  assert.equal(await run.result(), "called kim@example.com");
  assert.deepEqual(env.journal(run).map(({ after }) => after), ["1h", "1h", "1h"]); // prettier-ignore
});

test("a body of the worker that died goes no further than virtual time takes it, and its answer is nobody's", async () => {
  let finished = 0;
  await using env = await openTest({ workflows: [orders], patience: "50ms" });
  env.stub(
    pay,
    takes("1m", (order) => (finished++, `paid ${order} ${finished}`)),
  );
  const run = await env.tenfold.start(orders, "A-1");
  await env.advance("30s");
  await env.crash();
  await env.advance("59s");
  assert.equal(finished, 0);
  assert.deepEqual(await env.finish(run), { paid: "paid A-1 1", stocked: "stocked A-1" });
  assert.deepEqual(env.journal(run).map(({ after, node }) => `${after} ${node}`), [
    "0s stock",
    "1m 30s pay",
    "1m 30s ship",
  ]); // prettier-ignore
  const { promise: gate, resolve: open } = Promise.withResolvers<void>();
  env.stub(pay, async (order) => (await gate, `late ${order}`));
  const late = await env.tenfold.start(orders, "A-2");
  await refuses(() => env.settle(), "BODY_UNSETTLED");
  await refuses(() => env.crash(), "BODY_UNSETTLED", "pay (run");
  env.stub(pay, (order) => `in time ${order}`);
  open();
  await realMs(1);
  assert.equal((await env.finish(late)).paid, "late A-2");
});

test("handles and listeners outlive the worker", async () => {
  await using env = await openTest({ workflows: [trial] });
  const attempts: string[] = [];
  const stop = env.tenfold.on("attempt", ({ node, outcome }) => void attempts.push(`${node} ${outcome}`));
  const run = await env.tenfold.start(trial, COLD);
  const result = run.result();
  await env.settle();
  await env.crash();
  await env.advance("3 days");
  assert.equal(await result, "reminded sam@example.com");
  assert.deepEqual(attempts, ["enrich done", "match-tier/cold/remind done"]);
  stop();
  await env.crash();
  await env.finish(await env.tenfold.start(trial, HOT));
  assert.equal(attempts.length, 2);
});

test("what worked beside a crash is made again, and nobody is told of what was not recorded", async () => {
  const [left, right] = ["left", "right"].map((name) => step(name, { run: async (n: number) => n }));
  const [quick, quicker] = ["quick", "quicker"].map((name) => step(name, { run: (n: number) => n }));
  const four = workflow("four", { flow: (n: Lifted<number>) => [quick!(n), left!(n), right!(n), quicker!(n)] });
  await using env = await openTest({ workflows: [four] });
  const told: string[] = [];
  env.tenfold.on("attempt", ({ node, outcome }) => void told.push(`${node} ${outcome}`));
  const called = () => ["quick", "left", "right", "quicker"].map((name) => env.calls(name).length);
  env.crashAfter("left");
  await env.finish(await env.tenfold.start(four, 1));
  assert.deepEqual(called(), [1, 2, 2, 1]);
  assert.deepEqual(told.toSorted(), ["left done", "quick done", "quicker done", "right done"]);
  env.crashAfter("quick");
  await env.finish(await env.tenfold.start(four, 2));
  assert.deepEqual(called(), [3, 3, 3, 2], "a dead worker calls nobody");
  assert.equal(told.length, 8);
});

test("a dead worker sends the store nothing, and hears nothing of it", async () => {
  for (let last = 1; ; last++) {
    const memory = new MemoryStore();
    const verbs: string[] = [];
    const store = storeByVerb(memory, (verb, of) => async (...args) => {
      verbs.push(verb);
      const answer = of(memory)(...args);
      if (verbs.length === last) worker.die();
      return answer;
    });
    const world = {
      store,
      time: new VirtualTime(0),
      workflows: [trial],
      log: { write: () => {} },
      prepare: <T>(step: T) => step,
    };
    const worker: TestWorker = new TestWorker({ ...world, random: () => 0.5 }, 1, {
      execute: () => {},
      executeBatch: () => {},
    });
    let isOpen = false;
    void worker.open().then(() => (isOpen = true));
    await realMs(0);
    if (!worker.isDead) return assert.ok(isOpen && last > 3, "it died after each of its verbs");
    void worker.stop();
    await realMs(0);
    assert.equal(isOpen, false, `after ${verbs.at(-1)}`);
    assert.equal(verbs.length, last);
  }
});

test("crashes again and again lose nothing, at whatever moment they come", async () => {
  const one = step("one", { run: async (n: number) => n + 1 });
  const chain = workflow("chain", {
    flow(n: Lifted<number>) {
      const first = one.as("first")(n);
      const second = after(after(first, () => sleep("1h")), () => one.as("second")(first)); // prettier-ignore
      return one.as("third")(second);
    },
  });
  for (const node of ["first", "second", "third"]) {
    await using env = await openTest({ workflows: [chain] });
    const runs = await Promise.all([1, 2, 3].map((n) => env.tenfold.start(chain, n)));
    env.crashAfter(one, { node });
    await env.settle();
    await env.crash();
    await env.advance("30m");
    await env.crash({ downFor: "1h" });
    const results = await Promise.all(runs.map((run) => env.finish(run)));
    assert.deepEqual(results, [4, 5, 6], node);
    for (const run of runs) assert.deepEqual(env.path(run), ["first", "sleep-1h", "second", "third"]);
  }
});
