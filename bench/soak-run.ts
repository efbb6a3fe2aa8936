/**
 * Child: a worker at full speed beside a reader that keeps one snapshot from start to end. Tells, for each slice of
 * the time, what a claim and a commit cost, and how large the tables are. Before the first slice, and the reader's
 * snapshot, it works for a while uncounted: compiled code, a filled backlog and warm caches are there from the start,
 * so that a cold first minute does not flatter the last.
 */
import { setTimeout } from "node:timers/promises";
import pg from "pg";
import { Engine, DEFAULT_SETTINGS } from "../packages/tenfold/src/engine/engine.ts";
import { inlineExecutor, stderrLog, systemClock, systemHost } from "../packages/tenfold/src/engine/system.ts";
import { openPostgres } from "../packages/tenfold/src/store/postgres/open.ts";
import type { Store } from "../packages/tenfold/src/store/store.ts";
import { Tenfold } from "../packages/tenfold/src/engine/client.ts";
import { answer, asked, peakMemoryMiB } from "./child.ts";
import { ALL, fiveInARow, orders } from "./workflows.ts";

/** How long the soak goes on, and in how many parts it is told. */
export interface SoakOptions {
  readonly store: string;
  readonly warmUpSeconds: number;
  readonly sliceSeconds: number;
  readonly slices: number;
}

export interface Slice {
  /** Since the reader took its snapshot. */
  readonly seconds: number;
  readonly runs: number;
  readonly tookMs: number;
  /** The sums of what calls of these verbs took, from the call to the answer. */
  readonly claimMs: number;
  readonly commitMs: number;
  readonly tablesMiB: number;
  readonly indexesMiB: number;
}

export interface Soaked {
  readonly slices: readonly Slice[];
  readonly peakMiB: number;
}

const { store: url, warmUpSeconds, sliceSeconds, slices } = asked<SoakOptions>();
/** Runs that wait at any time, about. */
const BACKLOG = 20_000;

/** What the reader's snapshot shows. */
const SEEN = "select count(*) as count from tenfold.runs";
interface Seen {
  readonly count: string;
}

const spent = { claimMs: 0, commitMs: 0 };
let ended = 0;
const real = await openPostgres(url);
const timed = (verb: "claim" | "commit", sum: "claimMs" | "commitMs") => {
  const call = real[verb].bind(real) as (...given: unknown[]) => Promise<unknown>;
  return async (...given: unknown[]) => {
    const from = performance.now();
    try {
      return await call(...given);
    } finally {
      spent[sum] += performance.now() - from;
    }
  };
};
const store = new Proxy(real, {
  get(target, name) {
    if (name === "claim") return timed("claim", "claimMs");
    if (name === "commit") return timed("commit", "commitMs");
    const member: unknown = Reflect.get(target, name, target);
    return typeof member === "function" ? (member.bind(target) as unknown) : member;
  },
}) as Store;
const ports = { clock: systemClock, random: Math.random, executor: inlineExecutor, log: stderrLog };
const engine = new Engine(store, ALL, ports, systemHost(), DEFAULT_SETTINGS);
engine.events.on("run", () => ended++);

const client = new pg.Client(url);
await client.connect();
const starter = new Tenfold(new Engine(real, ALL, ports, systemHost(), { ...DEFAULT_SETTINGS, work: false }));
let started = 0;
const over = new AbortController();
const starting = (async () => {
  while (!over.signal.aborted) {
    if (started - ended >= BACKLOG) {
      await setTimeout(20);
      continue;
    }
    for await (const { kind } of starter.startMany(fiveInARow, orders(2000))) if (kind === "started") started++;
  }
})();
await engine.open();
await setTimeout(warmUpSeconds * 1000);

const reader = new pg.Client(url);
await reader.connect();
await reader.query("begin isolation level repeatable read");
const { rows: seen } = await reader.query<Seen>(SEEN);
const beganAt = performance.now();
const measured: Slice[] = [];
for (let slice = 1; slice <= slices; slice++) {
  const before = { ...spent, ended, at: performance.now() };
  await setTimeout(beganAt + slice * sliceSeconds * 1000 - before.at);
  const now = { ...spent, ended, at: performance.now() };
  const part: Slice = {
    seconds: (now.at - beganAt) / 1000,
    runs: now.ended - before.ended,
    tookMs: now.at - before.at,
    claimMs: now.claimMs - before.claimMs,
    commitMs: now.commitMs - before.commitMs,
    ...(await sizes()),
  };
  measured.push(part);
  const figures = [part.claimMs, part.commitMs].map((ms) => ((ms * 1000) / part.runs).toFixed(0));
  process.stderr.write(
    `soak, ${part.seconds.toFixed(0)} s of ${slices * sliceSeconds}: ${part.runs} runs, claim ${figures[0]} us a run, ` +
      `commit ${figures[1]} us a run, ${(part.tablesMiB + part.indexesMiB).toFixed(0)} MiB\n`,
  );
}
over.abort();
await starting;
const { rows: seenAtTheEnd } = await reader.query<Seen>(SEEN);
if (seenAtTheEnd[0]!.count !== seen[0]!.count) throw new Error("the reader lost its snapshot");
await reader.query("commit");
answer({ slices: measured, peakMiB: peakMemoryMiB() } satisfies Soaked);

async function sizes(): Promise<Pick<Slice, "tablesMiB" | "indexesMiB">> {
  const { rows } = await client.query<{ tables: string; indexes: string }>(`
    select sum(pg_table_size(c.oid)) as tables, sum(pg_indexes_size(c.oid)) as indexes
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where n.nspname = 'tenfold' and c.relkind = 'r'`);
  const [row] = rows;
  return { tablesMiB: Number(row!.tables) / 2 ** 20, indexesMiB: Number(row!.indexes) / 2 ** 20 };
}
