/**
 * Workers whose server dies and comes back, or whose way to it is spoiled, under load: they go on by themselves, and
 * what their bodies did, logged outside of the store, is what the journals have, once.
 */
import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { Tenfold } from "../../src/engine/client.ts";
import { DEFAULT_SETTINGS, Engine } from "../../src/engine/engine.ts";
import { open } from "../../src/engine/open.ts";
import { inlineExecutor, systemClock, systemHost } from "../../src/engine/system.ts";
import { step, workflow, type StepContext } from "../../src/flow/index.ts";
import { openPostgres } from "../../src/store/postgres/open.ts";
import { TenfoldError } from "../../src/value/error.ts";
import { seededRandom } from "../../src/value/random.ts";
import { newSchema, postgresServer } from "../store/postgres-server.ts";
import { TcpProxy } from "../store/tcp-proxy.ts";

const PATIENCE_MS = 1000;
/** Not to be reached, or so slow that the server gave up first. */
const PASSING: readonly string[] = ["STORE_UNREACHABLE", "STORE_BUSY"];
/** So long that nobody is taken for dead: whatever was done twice was done so for want of an answer. */
const LONG_LEASE_MS = 600_000;
const SHORT_LEASE_MS = 3000;

interface Call {
  readonly run: string;
  readonly node: string;
  readonly key: string;
}

/** A result names the call of the body that made it. */
interface Made {
  readonly call: number;
  readonly uses: readonly number[];
}

/** A workflow of two steps side by side and one after both, whose bodies tell what they do. */
class Load {
  readonly calls: Call[] = [];
  readonly logs: string[] = [];
  #progress: (() => void)[] = [];

  readonly orders = workflow<{ readonly order: number }>("orders", {
    key: ({ order }) => `order ${order}`,
    flow: (input) => {
      const price = this.#step("price")([input.order]);
      const stock = this.#step("stock")([input.order]);
      return this.#step("ship")([price.call, stock.call]);
    },
  });

  #step(name: string) {
    return step(name, { run: (uses: readonly number[], ctx: StepContext) => this.#body(uses, ctx) });
  }

  async #body(uses: readonly number[], { run, node, key }: StepContext): Promise<Made> {
    const call = this.calls.push({ run: run.id, node, key }) - 1;
    for (const resolve of this.#progress.splice(0)) resolve();
    await pause(Math.random() * 10);
    return { call, uses };
  }

  /** Resolves after so many calls of bodies more. */
  async goesOn(calls: number): Promise<void> {
    for (const until = this.calls.length + calls; this.calls.length < until;)
      await new Promise<void>((resolve) => this.#progress.push(resolve));
  }

  async worker(t: TestContext, url: string, schema: string, leaseMs = LONG_LEASE_MS): Promise<Tenfold> {
    const store = await openPostgres(url, { schema, patienceMs: PATIENCE_MS });
    const log = { write: (_level: string, message: string) => void this.logs.push(message) };
    const ports = { clock: systemClock, random: Math.random, executor: inlineExecutor, log };
    // However often a busy machine is taken for a dead one, no run is held for it.
    const limits = { ...DEFAULT_SETTINGS.limits, deathsMax: 1000 };
    const settings = { ...DEFAULT_SETTINGS, leaseMs, beatMs: Math.min(leaseMs / 5, 1000), limits };
    const engine = new Engine(store, [this.orders], ports, systemHost(), settings);
    await engine.open();
    const tenfold = new Tenfold(engine);
    t.after(() => tenfold.close());
    return tenfold;
  }

  /** Starts orders until `isEnough`, some at once by each worker; what is refused for the store's sake is sent again. */
  async start(workers: readonly Tenfold[], isEnough: () => boolean): Promise<ReadonlyMap<number, string>> {
    const runs = new Map<number, string>();
    let orders = 0;
    const startSome = async (worker: Tenfold): Promise<void> => {
      while (!isEnough()) {
        const order = ++orders;
        while (!runs.has(order)) {
          try {
            const run = await worker.start(this.orders, { order });
            runs.set(order, run.id);
          } catch (error) {
            assert.ok(error instanceof TenfoldError && PASSING.includes(error.code), String(error));
          }
        }
      }
    };
    await Promise.all(workers.flatMap((worker) => Array.from({ length: 8 }, () => startSome(worker))));
    return runs;
  }

  /** Every accepted order is one run, whose journal has what the bodies did, and has it once. */
  async audit(
    t: TestContext,
    { url, schema }: { readonly url: string; readonly schema: string },
    runs: ReadonlyMap<number, string>,
    callsOfNode: number,
  ): Promise<void> {
    const worker = await open({ store: `${url}?tenfold_schema=${schema}`, workflows: [], work: false });
    t.after(() => worker.close());
    assert.equal(new Set(runs.values()).size, runs.size, "one run an order");
    const counts = await worker.counts();
    assert.deepEqual(counts, [{ workflow: "orders", status: "completed", runs: runs.size }]);
    const byNode = Map.groupBy(this.calls.keys(), (call) => `${this.calls[call]!.run} ${this.calls[call]!.node}`);
    assert.equal(byNode.size, 3 * runs.size, "nothing was called for a run that is none");
    for (const run of runs.values()) {
      const entries = (await worker.show(run)).entries.filter((entry) => entry.kind === "done");
      assert.equal(new Set(entries.map(({ node }) => node)).size, 3, "a result of each node");
      assert.equal(entries.length, 3, "and one of each");
      const made = new Map(entries.map(({ node, output }) => [node, output as unknown as Made]));
      for (const [node, { call }] of made) {
        const calls = byNode.get(`${run} ${node}`)!;
        assert.ok(calls.includes(call), "made by a call for this very node");
        assert.ok(calls.length <= callsOfNode, `${node} of ${run} was called ${calls.length} times`);
        assert.equal(new Set(calls.map((each) => this.calls[each]!.key)).size, 1, "under one key");
      }
      const used = [made.get("price")!.call, made.get("stock")!.call];
      assert.deepEqual(made.get("ship")!.uses, used, "the results that are recorded are those that were used");
    }
  }
}

async function finished(worker: Tenfold, runs: ReadonlyMap<number, string>): Promise<void> {
  await Promise.all([...runs.values()].map((run) => worker.run(run).result()));
}

test("Postgres dies and comes back under load: nothing is lost, and nothing is done twice", async (t) => {
  const server = await postgresServer();
  const load = new Load();
  const schema = newSchema();
  const workers = [await load.worker(t, server.url, schema), await load.worker(t, server.url, schema)];
  let isEnough = false;
  const starting = load.start(workers, () => isEnough);
  for (let death = 1; death <= 4; death++) {
    await load.goesOn(200);
    await server.crash();
    await server.restart();
  }
  await load.goesOn(200);
  isEnough = true;
  const runs = await starting;
  await finished(workers[0]!, runs);
  await load.audit(t, { url: server.url, schema }, runs, 1);
});

for (const seed of [1, 2]) {
  test(`the way is cut, falls silent and becomes slow under load (seed ${seed}): the same`, async (t) => {
    const random = seededRandom(seed);
    const { url, port } = await postgresServer();
    const load = new Load();
    const schema = newSchema();
    const proxies = [await TcpProxy.to(t, port), await TcpProxy.to(t, port)];
    const workers: Tenfold[] = [];
    for (const proxy of proxies) workers.push(await load.worker(t, proxy.url(url), schema));
    let isEnough = false;
    const starting = load.start(workers, () => isEnough);
    for (let fault = 1; fault <= 12; fault++) {
      await load.goesOn(40);
      const [spoiled, other] = random() < 0.5 ? proxies : proxies.toReversed();
      const kind = random();
      if (kind < 0.5) spoiled!.cut();
      else if (kind < 0.7) spoiled!.delayMs = 30;
      else {
        if (kind < 0.9) spoiled!.swallow();
        else spoiled!.refuse();
        // The other one's work is what time is told by.
        await load.goesOn(80);
        spoiled!.pass();
      }
      other!.delayMs = 0;
    }
    for (const proxy of proxies) proxy.delayMs = 0;
    isEnough = true;
    const runs = await starting;
    await finished(workers[0]!, runs);
    await load.audit(t, { url, schema }, runs, 1);
  });
}

test("a worker that falls silent for longer than its lease is taken over from, writes nothing then, and joins again", async (t) => {
  const { url, port } = await postgresServer();
  const load = new Load();
  const schema = newSchema();
  const proxy = await TcpProxy.to(t, port);
  const silent = await load.worker(t, proxy.url(url), schema, SHORT_LEASE_MS);
  let isEnough = false;
  const starting = load.start([silent], () => isEnough);
  await load.goesOn(50);
  const other = await load.worker(t, url, schema, SHORT_LEASE_MS);
  proxy.swallow();
  while (!load.logs.includes("took over the runs of a dead worker")) await pause(10);
  while (!load.logs.includes("the lease was lost; joining again")) await pause(10);
  proxy.pass();
  isEnough = true;
  const runs = await starting;
  await finished(other, runs);
  await load.audit(t, { url, schema }, runs, Infinity);
  const again = await silent.start(load.orders, { order: 0 });
  await again.result();
});
