/** The measures of every store: throughput beside its floor, latency, claims beside a long queue, the command line. */
import { begin, measure, measured, quantile } from "./child.ts";
import type { Report, Row } from "./table.ts";
import type { Target } from "./target.ts";
import type { Floor, FloorOptions } from "./sqlite-floor.ts";

/** What a measure is taken with. */
export interface Bench<T extends Target = Target> {
  readonly target: T;
  /** By what the numbers of runs are multiplied. */
  readonly scale: number;
  readonly rounds: number;
  /** Tells progress. */
  readonly say: (text: string) => void;
}

/** What the floor writes of a run. */
type FloorRows = Pick<FloorOptions, "steps" | "stepsTogether" | "batch">;

/** A thousand lines and the list's own, 4,000 of them a transaction. */
const EACH_FLOOR: FloorRows = { steps: 1001, stepsTogether: 40, batch: 100 };

export async function throughput(bench: Bench): Promise<Report> {
  const rows = [
    ...(await worked(bench, "five-in-a-row", 100_000, 5, { steps: 5 })),
    ...(await worked(bench, "five-and-a-join", 60_000, 6, { steps: 6 })),
    ...(await worked(bench, "each-of-a-thousand", 300, 1000, EACH_FLOOR)),
  ];
  return { rows };
}

/** Starts, then works, then the floor, in turns; medians of the rounds. */
async function worked(
  { target, scale, rounds, say }: Bench,
  workflow: string,
  fullRuns: number,
  steps: number,
  floorRows: FloorRows,
): Promise<Row[]> {
  const runs = Math.round(fullRuns * scale);
  const engine: number[] = [];
  const work: number[] = [];
  const starts: number[] = [];
  const floors: number[] = [];
  const peaks: number[] = [];
  for (let round = 1; round <= rounds; round++) {
    say(`${workflow}: ${runs} runs, round ${round} of ${rounds}`);
    const store = await target.newStore();
    const started = await measure<{ wallMs: number }>("start-runs.ts", { store, workflow, runs });
    const worked = await measure<{ wallMs: number; peakMiB: number }>("work-runs.ts", { store, runs });
    const floor = await measure<Floor>("floor-runs.ts", { store, runs, ...floorRows });
    engine.push((runs * steps * 1000) / (started.wallMs + worked.wallMs));
    work.push((runs * steps * 1000) / worked.wallMs);
    starts.push((runs * 1000) / started.wallMs);
    floors.push(floor.runsPerSecond * steps);
    peaks.push(worked.peakMiB);
    await target.dropStore(store);
  }
  const median = (of: readonly number[]) => quantile(of, 0.5);
  const ratio = quantile(
    engine.map((value, index) => value / floors[index]!),
    0.5,
  );
  const rows: Row[] = [
    {
      name: `${workflow}: start and work`,
      value: median(engine),
      unit: "steps/s",
      floor: median(floors),
      ratio,
      must: target.asked.steps,
      aim: "50 %",
    },
    { name: `${workflow}: work alone`, value: median(work), unit: "steps/s" },
    { name: `${workflow}: peak memory of the worker`, value: median(peaks), unit: "MiB" },
  ];
  if (workflow === "five-in-a-row")
    rows.push({ name: "startMany", value: median(starts), unit: "runs/s", must: target.asked.starts });
  return rows;
}

export async function latency({ target, scale, say }: Bench): Promise<Report> {
  say("latency of one run while idle");
  const got = await measure<{ p50: number; p99: number; floorP50: number; floorP99: number }>("latency.ts", {
    store: await target.newStore(),
    runs: Math.round(1000 * scale),
  });
  const rows: Row[] = [
    {
      name: "idle, start to result, p50",
      value: got.p50,
      unit: "ms",
      floor: got.floorP50,
      ratio: got.p50 / got.floorP50,
      must: target.asked.p50,
      ...(target.asked.p50Aim === undefined ? {} : { aim: target.asked.p50Aim }),
    },
    {
      name: "idle, start to result, p99",
      value: got.p99,
      unit: "ms",
      floor: got.floorP99,
      ratio: got.p99 / got.floorP99,
      must: target.asked.p99,
    },
  ];
  return { rows };
}

/** One run with an `each` of ten thousand items, beside one of half as many: linear, and how long. */
export async function spread({ target, scale, say }: Bench): Promise<Report> {
  const items = 2 * Math.round(5000 * scale);
  say(`an each of ${items} items, one run at a time`);
  const store = await target.newStore();
  const { wholeMs, halfMs } = await measure<{ wholeMs: number; halfMs: number }>("spread.ts", { store, items });
  await target.dropStore(store);
  const rows: Row[] = [
    {
      name: `one each of ${items} items, start to result`,
      value: wholeMs,
      unit: "ms",
      floor: 2 * halfMs,
      ratio: wholeMs / (2 * halfMs),
      must: target.asked.spread ?? "linear",
    },
  ];
  return { rows };
}

/** The same claims with few and with a million runs waiting; then lists, and a worker, on the large store. */
export async function claims({ target, scale, say }: Bench): Promise<Report> {
  const workflow = "five-in-a-row";
  const many = Math.round(1_000_000 * scale);
  const few = await target.newStore();
  const full = await target.newStore();
  say(`claims with ${many} runs waiting`);
  await measure("start-runs.ts", { store: few, workflow, runs: 5000 });
  await measure("start-runs.ts", { store: full, workflow, runs: many });
  const empty = await measure<{ p50: number }>("claims.ts", { store: few, workflow, claims: 40 });
  const crowded = await measure<{ p50: number }>("claims.ts", { store: full, workflow, claims: 40 });
  const worker = await measure<{ peakMiB: number }>("work-runs.ts", { store: full, runs: 5000 });
  const pages = await measure<Record<string, number>>("lists.ts", { store: full, workflow });
  for (const store of [few, full]) await target.dropStore(store);
  const rows: Row[] = [
    {
      name: `claim of 100 with ${many} waiting`,
      value: crowded.p50,
      unit: "ms",
      floor: empty.p50,
      ratio: crowded.p50 / empty.p50,
      must: "1.2 x the time with 5,000 waiting",
    },
    { name: `peak memory of a worker with ${many} waiting`, value: worker.peakMiB, unit: "MiB", must: "200 MiB" },
    ...Object.entries(pages).map(([name, value]): Row => ({
      name: `page of 50 by ${name}, ${many} runs`,
      value,
      unit: "ms",
      must: "5 ms",
    })),
  ];
  return { rows };
}

/** How fast what has ended is removed, and what that costs a worker beside it. */
export async function prune({ target, scale, say }: Bench): Promise<Report> {
  const workflow = "five-in-a-row";
  const [old, runs] = [200_000, 60_000].map((count) => Math.round(count * scale)) as [number, number];
  const store = await target.newStore();
  say(`pruning ${old} runs of five steps`);
  await measure("start-runs.ts", { store, workflow, runs: old });
  await measure("work-runs.ts", { store, runs: old });
  const until = Date.now() + 1;
  const worked = async (): Promise<number> => {
    const { wallMs } = await measure<{ wallMs: number }>("work-runs.ts", { store, runs });
    return (runs * 5 * 1000) / wallMs;
  };
  await measure("start-runs.ts", { store, workflow, runs });
  const alone = await worked();
  await measure("start-runs.ts", { store, workflow, runs });
  const pruning = measured<{ pruned: number; wallMs: number }>(
    begin("prune-runs.ts", { store, until }),
    "prune-runs.ts",
  );
  const beside = await worked();
  const { pruned, wallMs } = await pruning;
  if (pruned !== old) throw new Error(`${pruned} runs were pruned, not ${old}`);
  await target.dropStore(store);
  const rows: Row[] = [
    { name: "prune, a worker beside it for a part of the time", value: (pruned * 1000) / wallMs, unit: "runs/s" },
    { name: "work beside a prune", value: beside, unit: "steps/s", floor: alone, ratio: beside / alone },
  ];
  return { rows };
}

interface Slept {
  readonly parkMs: number;
  readonly wakeMs: number;
  readonly peakMiB: number;
}

/** What sleeping runs cost a worker, and those that wake all at once. */
export async function sleepers({ target, scale, say }: Bench): Promise<Report> {
  const [sleeping, waking] = [Math.round(1_000_000 * scale), Math.round(10_000 * scale)];
  const measured = async (asleep: number): Promise<Slept> => {
    say(`${asleep} runs asleep, ${waking} that wake at one instant`);
    const store = await target.newStore();
    const put = await measure<Slept>("sleepers.ts", { store, runs: asleep, wakes: false });
    const woke = await measure<Slept>("sleepers.ts", { store, runs: waking, wakes: true });
    await target.dropStore(store);
    return { ...woke, parkMs: put.parkMs };
  };
  const few = await measured(0);
  const many = await measured(sleeping);
  const rows: Row[] = [
    { name: "start and put to sleep", value: (sleeping * 1000) / many.parkMs, unit: "runs/s" },
    { name: `peak memory of a worker with ${sleeping} asleep`, value: many.peakMiB, unit: "MiB", must: "200 MiB" },
    {
      name: `${waking} that wake at once, ${sleeping} asleep`,
      value: many.wakeMs,
      unit: "ms",
      floor: few.wakeMs,
      ratio: many.wakeMs / few.wakeMs,
      must: "flat",
    },
  ];
  return { rows };
}

export async function coldStart({ scale, say }: Bench): Promise<Report> {
  say("cold start of the command line");
  const got = await measure<{ p50: number; first: number; bare: number }>("cold-start.ts", {
    times: scale < 1 ? 4 : 10,
  });
  const rows: Row[] = [
    {
      name: "command line, shell to first run done",
      value: got.p50,
      unit: "ms",
      floor: got.bare,
      ratio: got.p50 / got.bare,
      must: "400 ms",
    },
  ];
  return { rows };
}
