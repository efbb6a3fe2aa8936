/**
 * `npm run bench`: the engine beside its floor, in one run on one machine; a table, and JSON with --json.
 * Absolute figures say what this machine does; the ratios say what the engine costs.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { cpus, tmpdir, totalmem } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { measure, quantile } from "./child.ts";
import { table, type Row } from "./table.ts";
import { embedded, postgres } from "./target.ts";
import type { Floor, FloorOptions } from "./sqlite-floor.ts";

const HELP = `Measures the engine, each figure beside its floor: the same rows by a bare loop.

  npm run bench                       everything, some minutes
  npm run bench -- --store postgres   the same on a Postgres that it starts beside itself
  npm run bench -- --quick            smaller numbers of runs, under a minute
  npm run bench -- --only latency     one of: throughput, latency, claims, cold-start
  npm run bench -- --json             one JSON document on stdout
`;

const { values } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    only: { type: "string" },
    store: { type: "string", default: "sqlite" },
    json: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});
const folder = mkdtempSync(join(tmpdir(), "tenfold-bench-"));
const scale = values.quick ? 0.2 : 1;
const rounds = values.quick ? 1 : 3;
const target = values.store === "postgres" ? await postgres(folder) : embedded(folder);
const say = (text: string): void => void process.stderr.write(`${text}\n`);

/** What the floor writes of a run. */
type FloorRows = Pick<FloorOptions, "steps" | "stepsTogether" | "batch">;

/** A thousand lines and the list's own, 4,000 of them a transaction. */
const EACH_FLOOR: FloorRows = { steps: 1001, stepsTogether: 40, batch: 100 };

const MEASURES: Readonly<Record<string, () => Promise<Row[]>>> = {
  throughput: async () => [
    ...(await throughput("five-in-a-row", Math.round(100_000 * scale), 5, { steps: 5 })),
    ...(await throughput("five-and-a-join", Math.round(60_000 * scale), 6, { steps: 6 })),
    ...(await throughput("each-of-a-thousand", Math.round(300 * scale), 1000, EACH_FLOOR)),
  ],
  latency,
  claims,
  ...(values.store === "postgres" ? {} : { "cold-start": coldStart }),
};

if (values.help) process.stdout.write(HELP);
else process.exitCode = await main();

async function main(): Promise<number> {
  const wanted = values.only === undefined ? Object.keys(MEASURES) : [values.only];
  for (const name of wanted) {
    if (MEASURES[name] !== undefined) continue;
    process.stderr.write(`There is no measure "${name}"; nothing was measured.\n\n${HELP}`);
    return 4;
  }
  try {
    const rows: Row[] = [];
    for (const name of wanted) rows.push(...(await MEASURES[name]!()));
    const machine = `${cpus().length} cores, ${cpus()[0]?.model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}`;
    const at = new Date().toISOString().slice(0, 10);
    process.stdout.write(
      values.json ? `${JSON.stringify({ at, machine, rows })}\n` : `\n${at}, ${machine}\n\n${table(rows)}\n`,
    );
  } finally {
    await target.close();
    rmSync(folder, { recursive: true, force: true });
  }
  return 0;
}

/** Starts, then works, then the floor, in turns; medians of the rounds. */
async function throughput(workflow: string, runs: number, steps: number, floorRows: FloorRows): Promise<Row[]> {
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

async function latency(): Promise<Row[]> {
  say("latency of one run while idle");
  const got = await measure<{ p50: number; p99: number; floorP50: number; floorP99: number }>("latency.ts", {
    store: await target.newStore(),
    runs: Math.round(1000 * scale),
  });
  return [
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
}

/** The same claims with few and with a million runs waiting; then lists, and a worker, on the large store. */
async function claims(): Promise<Row[]> {
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
  return [
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
}

async function coldStart(): Promise<Row[]> {
  say("cold start of the command line");
  const got = await measure<{ p50: number; first: number; bare: number }>("cold-start.ts", {
    times: values.quick ? 4 : 10,
  });
  return [
    {
      name: "command line, shell to first run done",
      value: got.p50,
      unit: "ms",
      floor: got.bare,
      ratio: got.p50 / got.bare,
      must: "400 ms",
    },
  ];
}
