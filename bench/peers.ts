/**
 * Other engines and queues on the same server, each in a process and on a database of its own, asked in one way
 * (`bench/peers/race.ts`). Their packages are no dependency of this repository: bench/peers has its own lock file.
 */
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import pg from "pg";
import { measure } from "./child.ts";
import type { Bench } from "./measures.ts";
import type { Raced, RaceOptions, Shape } from "./peers/race.ts";
import type { Floor } from "./sqlite-floor.ts";
import { figure, markdown, type Report, type Row } from "./table.ts";
import type { PostgresTarget } from "./target.ts";

interface Entry {
  readonly name: string;
  readonly script: string;
  readonly options?: Readonly<Record<string, unknown>>;
  /** What a run of five steps is called. */
  readonly five: string;
}

const CHAINS = "chains of five jobs";
const ENTRIES: readonly Entry[] = [
  { name: "tenfold", script: "tenfold.ts", five: "five in a row" },
  { name: "DBOS", script: "dbos.ts", five: "five in a row" },
  { name: "OpenWorkflow", script: "openworkflow.ts", five: "five in a row" },
  { name: "graphile-worker", script: "graphile-worker.ts", five: CHAINS },
  { name: "pg-boss per job", script: "pg-boss.ts", options: { batched: false }, five: CHAINS },
  { name: "pg-boss in batches", script: "pg-boss.ts", options: { batched: true }, five: CHAINS },
];
const FOLDER = join(import.meta.dirname, "peers");
/** No race takes longer, warm-up and all, and no race begins after so many seconds. */
const RACE_SECONDS_MAX = 75;
const SECONDS_MAX = 330;

/** Installs the peers where they are not and `may` be; otherwise answers why they cannot be measured. */
export function installPeers(may: boolean, say: (text: string) => void): string | undefined {
  if (existsSync(join(FOLDER, "node_modules", ".package-lock.json"))) return undefined;
  const line = "npm ci --ignore-scripts --prefix bench/peers";
  if (!may) {
    return (
      "The peers are not installed: `npm run bench -- --peers` installs them and measures, " +
      `\`${line}\` only installs.`
    );
  }
  say(`installing the peers: ${line}`);
  try {
    execFileSync("npm", ["ci", "--ignore-scripts", "--loglevel=error"], { cwd: FOLDER, stdio: ["ignore", 2, 2] });
    return undefined;
  } catch (error) {
    return `The peers could not be installed (${error instanceof Error ? error.message : String(error)}); \`${line}\` says why.`;
  }
}

export async function peers({ target, scale, say }: Bench<PostgresTarget>): Promise<Report> {
  const seconds = 12 * scale;
  const begunAt = performance.now();
  let failed = false;
  const rows: Row[] = [];
  const notes: string[] = [`server: ${await durability(target.url)}`];
  const floorRuns = Math.round(40_000 * scale);
  say("peers: the floor");
  const floorStore = await target.newStore();
  const floor = await measure<Floor>("floor-runs.ts", { store: floorStore, runs: floorRuns, steps: 5 });
  await target.dropStore(floorStore);
  const lines: string[][] = [["floor", "rows of five", figure(floor.stepsPerSecond), "", "", "", "", ""]];
  for (const { name, script, options, five } of ENTRIES) {
    const settings = new Set<string>();
    const raced: Partial<Record<Shape, Raced>> = {};
    for (const shape of ["five", "one"] satisfies Shape[]) {
      say(`peers: ${name}, ${shape === "five" ? five : "single"}`);
      if (performance.now() - begunAt > SECONDS_MAX * 1000) {
        notes.push(`${name}, ${shape}: not measured, ${SECONDS_MAX} seconds were over`);
        failed = true;
        continue;
      }
      const url = await target.newStore();
      const asked: RaceOptions = { url, shape, seconds, latencySeconds: shape === "one" ? Math.min(6, seconds) : 0 };
      try {
        const got = await measure<Raced>(
          `peers/${script}`,
          { ...options, ...asked },
          { atMostSeconds: RACE_SECONDS_MAX },
        );
        raced[shape] = got;
        settings.add(got.settings);
      } catch (error) {
        notes.push(`${name}, ${shape}: ${error instanceof Error ? error.message : String(error)}`);
        failed = true;
      }
      await target.dropStore(url);
    }
    const counted = [`${raced.five?.runs ?? 0} of five`, `${raced.one?.runs ?? 0} single`].join(", ");
    rows.push(...rowsOf(`${name}: ${five}`, "five", raced.five, floor), ...rowsOf(`${name}: single`, "one", raced.one));
    lines.push(lineOf(name, five, raced.five, raced.one));
    notes.push(...[...settings].map((one) => `${name}: ${one}. Ended by its tables: ${counted}`));
  }
  notes.push(
    '"in all": started and worked in one process, first all starts, then the work; "work": without the starts',
    '"peak": the most memory that process had, of both; "idle": one run of one step at a time',
  );
  return { rows, notes, told: markdown(HEAD, lines), failed };
}

const HEAD = [
  "five steps in a row",
  "as",
  "in all, steps/s",
  "work, steps/s",
  "single in all, a second",
  "single work, a second",
  "idle p50 / p99, ms",
  "peak, MiB",
];

/** Runs a second, or steps, with the starts and without them. */
function speeds(steps: number, { runs, startMs, workMs }: Raced): { readonly whole: number; readonly work: number } {
  return { whole: (runs * steps * 1000) / (startMs + workMs), work: (runs * steps * 1000) / workMs };
}

function lineOf(name: string, as: string, five: Raced | undefined, one: Raced | undefined): string[] {
  const told = (steps: number, raced: Raced | undefined) => {
    if (raced === undefined) return ["not measured", ""];
    const { whole, work } = speeds(steps, raced);
    return [figure(whole), raced.startsApart ? figure(work) : ""];
  };
  const idle = one === undefined || one.p50 === null ? "" : `${figure(one.p50)} / ${figure(one.p99!)}`;
  const peak = Math.max(five?.peakMiB ?? 0, one?.peakMiB ?? 0);
  return [name, as, ...told(5, five), ...told(1, one), idle, figure(peak)];
}

function rowsOf(name: string, shape: Shape, raced: Raced | undefined, floor?: Floor): Row[] {
  if (raced === undefined) return [];
  const [steps, unit] = shape === "five" ? [5, "steps/s"] : [1, "runs/s"];
  const { whole, work } = speeds(steps, raced);
  const beside = floor === undefined ? {} : { floor: floor.stepsPerSecond, ratio: whole / floor.stepsPerSecond };
  return [
    { name: `${name}, start and work`, value: whole, unit, ...beside },
    ...(raced.startsApart ? [{ name: `${name}, work alone`, value: work, unit }] : []),
    ...(raced.p50 === null ? [] : [{ name: `${name}, idle p50`, value: raced.p50, unit: "ms" }]),
    ...(raced.p99 === null ? [] : [{ name: `${name}, idle p99`, value: raced.p99, unit: "ms" }]),
    { name: `${name}, peak memory`, value: raced.peakMiB, unit: "MiB" },
  ];
}

/** What the server makes of every peer's commits, as it says itself. */
async function durability(url: string): Promise<string> {
  const client = new pg.Client(url);
  await client.connect();
  const { rows } = await client.query<{ name: string; setting: string }>(
    `select name, current_setting(name) as setting from pg_settings where name in
    ('server_version', 'synchronous_commit', 'fsync', 'full_page_writes', 'shared_buffers', 'max_wal_size')`,
  );
  await client.end();
  return rows.map(({ name, setting }) => `${name} ${setting}`).join(", ");
}
