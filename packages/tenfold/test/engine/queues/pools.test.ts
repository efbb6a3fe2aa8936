/** Pools: which worker calls which bodies, and where a run is meanwhile. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Store } from "../../../src/store/store.ts";
import { seededRandom } from "../../../src/value/random.ts";
import { after, limit, schedule, script, sleep } from "../../../src/flow/index.ts";
import { open } from "../../../src/engine/open.ts";
import { ALL_POOLS, serves, type Pools } from "../../../src/engine/queues/pools.ts";
import { MINUTE, stepOf, withVerbs, workflowOf, World, type OpenedEngine } from "../world.ts";

const ONLY_HEAVY = { pools: { served: ["heavy"], except: [] } };
const EXCEPT_HEAVY = { pools: { served: null, except: ["heavy"] } };

/** A worker has code of its own, so that it shows which one calls a body. */
function coded(world: World, name: string, calls: string[], tookMs = 100) {
  const at = (step: string, options = {}) =>
    stepOf(
      step,
      async (n: number, ctx: { node: string }) => {
        calls.push(`${ctx.node} in ${name}`);
        await world.time.wait(tookMs);
        return n + 1;
      },
      options,
    );
  const light = at("light");
  const heavy = at("heavy", { queue: { pool: "heavy", concurrency: 2 } });
  const limited = at("limited", { queue: { concurrency: 2 } });
  return {
    at,
    light,
    heavy,
    limited,
    line: workflowOf("line", (n) => light.as("last")(heavy(light.as("first")(n)))),
    heavies: workflowOf("heavies", (n) => heavy.as("second")(heavy.as("first")(n))),
    both: workflowOf("both", (n) => [heavy(n), light(n), limited(n)]),
  };
}

async function twoKinds(world: World, calls: string[], workflow: "line" | "heavies" | "both") {
  const [plain, pool] = [coded(world, "plain", calls), coded(world, "pool", calls)];
  const other = await world.open([pool[workflow]], ONLY_HEAVY);
  const first = await world.open([plain[workflow]], EXCEPT_HEAVY);
  return { first, other, flow: plain[workflow] };
}

async function ended(world: World, { tenfold }: OpenedEngine, flow: any, input: unknown = 1): Promise<unknown> {
  const run = await world.happens(tenfold.start(flow, input));
  return world.happens(run.result());
}

test("the bodies of a pool's step are called by workers that serve it, all others by those that do not, and none twice", async () => {
  const world = new World();
  const calls: string[] = [];
  const { first, flow } = await twoKinds(world, calls, "line");
  assert.equal(await ended(world, first, flow), 4);
  assert.deepEqual(calls, ["first in plain", "heavy in pool", "last in plain"]);
});

test("a run whose next step is of the pool as well stays where it is", async () => {
  const world = new World();
  const calls: string[] = [];
  const { first, flow } = await twoKinds(world, calls, "heavies");
  const from = world.time.now;
  await ended(world, first, flow);
  assert.deepEqual(calls, ["first in pool", "second in pool"]);
  assert.ok(world.time.now - from < 3000, `it took ${world.time.now - from} ms`);
});

test("branches for different workers are each called where they may be", async () => {
  const world = new World();
  const calls: string[] = [];
  const { first, flow } = await twoKinds(world, calls, "both");
  await ended(world, first, flow);
  assert.deepEqual(calls.toSorted(), ["heavy in pool", "light in plain", "limited in plain"]);
});

test("a worker of a pool starts no run of those that are started through it, and none of a schedule", async () => {
  const world = new World();
  const calls: string[] = [];
  const code = coded(world, "pool", calls);
  const ticking = workflowOf("ticking", () => code.light(1), {
    triggers: [schedule("* * * * *", { timeZone: "UTC" })],
  });
  const pool = await world.open([code.line, ticking], ONLY_HEAVY);
  const run = await world.happens(pool.tenfold.start(code.line, 1));
  await world.passes(5 * MINUTE);
  assert.deepEqual(calls, []);
  assert.equal(world.records.length, 1);
  assert.equal(pool.engine.held, 0);
  await world.open([coded(world, "plain", calls).line], EXCEPT_HEAVY);
  await world.untilStatus(run.id, "completed");
  assert.deepEqual(calls, ["first in plain", "heavy in pool", "last in plain"]);
});

test("while nobody serves a pool its runs wait without memory, and go on once somebody does", async () => {
  const world = new World();
  const calls: string[] = [];
  const code = coded(world, "plain", calls);
  const plain = await world.open([code.line], EXCEPT_HEAVY);
  const run = await world.happens(plain.tenfold.start(code.line, 1));
  await world.passes(10 * MINUTE);
  assert.deepEqual(calls, ["first in plain"]);
  assert.equal(plain.engine.held, 0);
  const lines = world.journal(run.id).length;
  const pool = await world.open([coded(world, "pool", calls).line], ONLY_HEAVY);
  await world.untilStatus(run.id, "completed");
  assert.deepEqual(calls, ["first in plain", "heavy in pool", "last in plain"]);
  assert.ok(world.journal(run.id).length > lines);
  assert.equal(pool.engine.held, 0);
});

test("when a pool's worker dies another one of the pool goes on", async () => {
  const world = new World();
  const calls: string[] = [];
  const { first, other, flow } = await twoKinds(world, calls, "line");
  const run = await world.happens(first.tenfold.start(flow, 1));
  await world.until("the pool's body runs", () => calls.length === 2);
  other.clock.die();
  await world.open([coded(world, "another", calls).line], ONLY_HEAVY);
  await world.untilStatus(run.id, "completed");
  assert.deepEqual(calls, ["first in plain", "heavy in pool", "heavy in another", "last in plain"]);
});

test("a worker that serves all calls the bodies of a pool too, and hands no run to others", async () => {
  const world = new World();
  const calls: string[] = [];
  const code = coded(world, "all", calls);
  const opened = await world.open([code.line], { pools: ALL_POOLS });
  await ended(world, opened, code.line);
  assert.deepEqual(calls, ["first in all", "heavy in all", "last in all"]);
});

test("of many runs each body is called once, where it may be, and the pool's limit holds", async () => {
  const world = new World(2);
  const calls: string[] = [];
  const { first, flow } = await twoKinds(world, calls, "line");
  const runs = [];
  for (let n = 0; n < 40; n++) runs.push(await world.happens(first.tenfold.start(flow, n)));
  for (const run of runs) await world.untilStatus(run.id, "completed");
  assert.equal(calls.length, 120);
  assert.equal(calls.filter((call) => call === "heavy in pool").length, 40);
  assert.ok(calls.every((call) => call === "heavy in pool" || call.endsWith("in plain")));
});

test("a pool's step that only a script calls, which no worker knows of before, is called in the pool", async () => {
  const world = new World();
  const calls: string[] = [];
  const flowOf = (name: string) => {
    const { at, light, line } = coded(world, name, calls);
    const rare = at("rare", { queue: { pool: "heavy" } });
    const asking = script("asking", async (ctx: any, n: number) => ctx.call(light, await ctx.call(rare, n)));
    return [workflowOf("asked", (n) => (asking as any)(n)), line];
  };
  await world.open(flowOf("pool"), ONLY_HEAVY);
  const flows = flowOf("plain");
  const plain = await world.open(flows, EXCEPT_HEAVY);
  for (let nth = 1; nth <= 2; nth++) {
    assert.equal(await ended(world, plain, flows[0]), 3);
    const workers = calls.splice(0).map((call) => call.split(" in ")[1]);
    assert.deepEqual(workers, ["pool", "plain"]);
  }
});

test("a run that wants another worker while a body of the pool is at work goes there when that has settled", async () => {
  const world = new World();
  const calls: string[] = [];
  const flowOf = (name: string) => {
    const { heavy, light } = coded(world, name, calls, 6000);
    return workflowOf("late", (n) => [heavy(n), after([sleep("4s")], () => light(n))]);
  };
  await world.open([flowOf("pool")], ONLY_HEAVY);
  const flow = flowOf("plain");
  const plain = await world.open([flow], EXCEPT_HEAVY);
  await ended(world, plain, flow);
  assert.deepEqual(calls, ["heavy in pool", "light in plain"]);
});

test("an undo is called where its step is", async () => {
  const world = new World();
  const calls: string[] = [];
  const flowOf = (name: string) => {
    const { at } = coded(world, name, calls);
    const undo = () => void calls.push(`undo in ${name}`);
    const heavy = at("heavy", { queue: { pool: "heavy" }, undo });
    const fails = stepOf("fails", () => Promise.reject(new Error("no")), { retry: { attempts: 1 } });
    return workflowOf("undone", (n) => fails(heavy(n)));
  };
  await world.open([flowOf("pool")], ONLY_HEAVY);
  const flow = flowOf("plain");
  const plain = await world.open([flow], EXCEPT_HEAVY);
  await assert.rejects(ended(world, plain, flow));
  await world.until("it is undone", () => calls.length === 2);
  assert.deepEqual(calls, ["heavy in pool", "undo in pool"]);
});

test("a pool that no step has is refused with those that there are, and so is a worker that serves none, before a store is opened", async () => {
  const { line } = coded(new World(), "a", []);
  const refusedBy = (options: object): Promise<any> =>
    open({ store: "no-such-folder/runs.db", workflows: [line], ...options }).then(
      () => assert.fail("it was opened"),
      (thrown: unknown) => thrown,
    );
  const unknown = await refusedBy({ pools: ["havy"] });
  assert.equal(unknown.code, "POOL_UNKNOWN");
  assert.match(unknown.message, /no pool "havy"; nothing was opened\. Did you mean "heavy"\? .* default, heavy\./);
  assert.equal((await refusedBy({ exceptPools: ["gpu"] })).code, "POOL_UNKNOWN");
  assert.match((await refusedBy({ exceptPools: ["default", "heavy"] })).message, /would do nothing/);
  assert.match(
    (await refusedBy({ pools: ["heavy"], exceptPools: ["heavy"] })).message,
    /both `pools` and `exceptPools`/,
  );
  assert.match((await refusedBy({ pools: "heavy" })).message, /Give a list of pools/);
});

test("steps that share a limit are of one pool", () => {
  const world = new World();
  const shared = limit("crm", { concurrency: 1 });
  const [a, b] = ["a", "b"].map((name) =>
    stepOf(name, () => null, { queue: { limit: shared, ...(name === "a" ? { pool: "heavy" } : {}) } }),
  );
  assert.throws(() => world.engineOf([workflowOf("w", (n) => [a(n), b(n)])]), { code: "QUEUE_INVALID" });
});

test("whatever runs are made of, and whichever workers die, bodies are called where they may be, and runs are not passed to and fro", async () => {
  const STEPS = ["light", "limited", "heavy", "gpu"];
  const serving: Readonly<Record<string, Pools>> = {
    plain: { served: null, except: ["heavy", "gpu"] },
    heavy: { served: ["heavy"], except: [] },
    gpu: { served: ["gpu"], except: [] },
  };
  for (let seed = 0; seed < 30; seed++) {
    const random = seededRandom(`pools ${seed}`);
    const chosen = Array.from({ length: 6 }, () => STEPS[Math.floor(random() * STEPS.length)]!);
    const world = new World(1 + (seed % 2));
    const calls: string[] = [];
    let parks = 0;
    const commit: Store["commit"] = (lease, batch, now) => {
      parks += batch.filter(({ then }) => then.kind === "park").length;
      return world.store.commit(lease, batch, now);
    };
    const flowOf = (worker: string) => {
      const { at, light, heavy, limited } = coded(world, worker, calls, 1 + Math.floor(random() * 3000));
      const steps: Record<string, any> = { light, heavy, limited, gpu: at("gpu", { queue: { pool: "gpu" } }) };
      const draw = (nth: number, n: unknown) => steps[chosen[nth]!].as(`${chosen[nth]}-${nth}`)(n);
      // Two after each other, then two beside each other, then two after those.
      return workflowOf("random", (n) => {
        const first = draw(1, draw(0, n));
        return [
          draw(4, draw(2, first)),
          draw(5, draw(3, first)),
          Object.values(steps).map((step) => step.as(`${step.definition.name}-last`)(1)),
        ];
      });
    };
    const openAs = (worker: string) =>
      world.open([flowOf(worker)], { pools: serving[worker]! }, withVerbs(world.store, { commit }));
    const opened = new Map<string, OpenedEngine>();
    for (const worker of Object.keys(serving)) opened.set(worker, await openAs(worker));
    const runs = [];
    for (let n = 0; n < 4; n++) runs.push(await world.happens(opened.get("plain")!.tenfold.start(flowOf("plain"), n)));
    const deaths = seed % 3;
    for (let nth = 0; nth < deaths; nth++) {
      await world.passes(Math.floor(random() * 6000));
      const worker = Object.keys(serving)[Math.floor(random() * 3)]!;
      opened.get(worker)!.clock.die();
      opened.set(worker, await openAs(worker));
    }
    for (const run of runs) await world.untilStatus(run.id, "completed");
    for (const call of calls) {
      const [node, worker] = call.split(" in ") as [string, string];
      const step = STEPS.find((name) => node.startsWith(name))!;
      const pool = step === "heavy" || step === "gpu" ? step : null;
      assert.ok(serves(serving[worker]!, pool), `seed ${seed}: ${call}`);
    }
    if (deaths === 0) assert.equal(calls.length, 40, `seed ${seed}`);
    assert.ok(parks <= 4 * 2 * 10, `seed ${seed}: ${parks} parks`);
  }
});
