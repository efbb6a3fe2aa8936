/** The measure of queues: what a line costs that does not bind, what waits in one, and how a spike drains. */
import { measure, quantile } from "./child.ts";
import type { Bench } from "./measures.ts";
import { FAIR } from "./fair-workflows.ts";
import { SPIKE_RATE } from "./queued-workflows.ts";
import type { Report, Row } from "./table.ts";

interface Cost {
  readonly cpuMicros: number;
  readonly perSecond: number;
  readonly peakMiB: number;
}

/** A lead of another customer. */
interface Single {
  readonly aloneMs: number;
  readonly amidMs: number;
  readonly amidP90Ms: number;
  readonly left: number;
}

export async function queued(bench: Bench): Promise<Report> {
  return {
    rows: [
      ...(await unbound(bench)),
      ...(await costs(bench)),
      ...(await inOrder(bench)),
      ...(await drained(bench)),
      ...(await fair(bench)),
    ],
  };
}

/** Five steps in a row with limits that never bind, beside the same without a queue, in turns; medians of the rounds. */
async function unbound({ target, scale, rounds, say }: Bench): Promise<readonly Row[]> {
  const runs = Math.round(100_000 * scale);
  const worked = async (workflow: string): Promise<number> => {
    const store = await target.newStore();
    const started = await measure<{ wallMs: number }>("start-runs.ts", { store, workflow, runs });
    const { wallMs } = await measure<{ wallMs: number }>("work-runs.ts", { store, workflow, runs });
    await target.dropStore(store);
    return (runs * 5 * 1000) / (started.wallMs + wallMs);
  };
  const [queued, free]: [number[], number[]] = [[], []];
  for (let round = 1; round <= rounds; round++) {
    say(`five queued steps in a row, and without queues: ${runs} runs, round ${round} of ${rounds}`);
    queued.push(await worked("five-queued"));
    free.push(await worked("five-in-a-row"));
  }
  const ratios = queued.map((value, nth) => value / free[nth]!);
  const [value, floor, ratio] = [queued, free, ratios].map((of) => quantile(of, 0.5)) as [number, number, number];
  return [{ name: "five queued steps in a row: start and work", value, unit: "steps/s", floor, ratio }];
}

/** What one run costs: with nobody and with very many ahead of it in another key, of one key and of many. */
async function costs({ target, scale, say }: Bench): Promise<readonly Row[]> {
  const [runs, many, few] = [100_000, 1_000_000, 5000].map((count) => Math.round(count * scale)) as [number, number, number]; // prettier-ignore
  const [empty, full] = [await target.newStore(), await target.newStore()];
  const cost = (store: string, keys: number, count: number): Promise<Cost> => {
    say(`${count} runs of ${keys} keys in a line in which ${store === full ? many : 0} wait in another key`);
    return measure<Cost>("queued-cost.ts", { store, keys, runs: count, isStrict: false });
  };
  say(`a line in which ${many} wait`);
  const line = await measure<{ perSecond: number }>("queued-line.ts", { store: full, waiting: many });
  const { peakMiB } = await cost(full, 1, few);
  const alone = await cost(empty, 1, runs);
  const behind = await cost(full, 1, runs);
  const keyed = await cost(empty, runs, runs);
  for (const store of [empty, full]) await target.dropStore(store);
  const rows = (name: string, { cpuMicros, perSecond }: Cost): Row[] => [
    { name, value: cpuMicros, unit: "us CPU", floor: alone.cpuMicros, ratio: cpuMicros / alone.cpuMicros, must: "flat, 1.2 x" }, // prettier-ignore
    { name: `${name}: start to end`, value: perSecond, unit: "runs/s", floor: alone.perSecond, ratio: perSecond / alone.perSecond }, // prettier-ignore
  ];
  return [
    ...rows(`a run of one queued step, ${many} waiting in another key`, behind),
    ...rows(`a run of one queued step, of ${runs} keys`, keyed),
    { name: `start and put in a line of ${many}`, value: line.perSecond, unit: "runs/s" },
    { name: `peak memory of a worker with ${many} in a line`, value: peakMiB, unit: "MiB", must: "200 MiB" },
  ];
}

/** Strict order: for whom a key waits is written before each body, and what came of it before the next of its key begins. */
async function inOrder({ target, scale, say }: Bench): Promise<readonly Row[]> {
  const rows: Row[] = [];
  for (const [keys, runs] of [
    [1000, 100_000],
    [1, 5000],
  ] as const) {
    const count = Math.max(keys, Math.round(runs * scale));
    say(`${count} runs of ${keys} keys in strict order`);
    const store = await target.newStore();
    const { perSecond: value } = await measure<Cost>("queued-cost.ts", { store, keys, runs: count, isStrict: true });
    await target.dropStore(store);
    rows.push({ name: `a run of one step in strict order, of ${keys} keys: start to end`, value, unit: "runs/s" });
  }
  return rows;
}

/** A spike before a step with a rate: what it lets begin, beside what is permitted. */
async function drained({ target, scale, say }: Bench): Promise<readonly Row[]> {
  const runs = Math.round(100_000 * scale);
  say(`a spike of ${runs} runs drains at ${SPIKE_RATE}/s`);
  const store = await target.newStore();
  await measure("start-runs.ts", { store, workflow: "spike", runs });
  const { perSecond: value, peakMiB } = await measure<Cost>("queued-spike.ts", { store, runs });
  await target.dropStore(store);
  const name = `a spike of ${runs} at a rate`;
  return [
    { name, value, unit: "starts/s", floor: SPIKE_RATE, ratio: value / SPIKE_RATE, must: "98 %" },
    { name: `${name}: peak memory of the worker`, value: peakMiB, unit: "MiB" },
  ];
}

/** One lead of another customer in the middle of a spike, beside the same alone: without queues, and with one. */
async function fair({ target, say }: Bench): Promise<readonly Row[]> {
  // As many at any scale: it has to last longer than those in its middle.
  const leads = 100_000;
  const rows: Row[] = [];
  for (const { name: workflow } of FAIR) {
    say(`${workflow}: a lead of another customer amid ${leads}`);
    const store = await target.newStore();
    const { aloneMs, amidMs, amidP90Ms, left } = await measure<Single>("fair-lead.ts", { store, workflow, leads });
    await target.dropStore(store);
    if (left <= 0) throw new Error("the spike was over before the leads in its middle were measured");
    const name = `${workflow}: a lead amid ${leads} of another customer`;
    const row = (of: string, value: number): Row => ({ name: `${name}, ${of}`, value, unit: "ms", floor: aloneMs, ratio: value / aloneMs, must: "2 x" }); // prettier-ignore
    rows.push(row("p50", amidMs), row("p90", amidP90Ms));
  }
  return rows;
}
