/**
 * Child: a worker at full speed beside a reader that keeps one snapshot from start to end. Tells, for each slice of
 * the time, what a claim and a commit cost, and how large the tables are.
 */
import pg from "pg";
import { Engine, DEFAULT_SETTINGS } from "../packages/tenfold/src/engine/engine.ts";
import { inlineExecutor, stderrLog, systemClock, systemHost } from "../packages/tenfold/src/engine/system.ts";
import { openPostgres } from "../packages/tenfold/src/store/postgres/open.ts";
import type { Store } from "../packages/tenfold/src/store/store.ts";
import { Tenfold } from "../packages/tenfold/src/engine/client.ts";
import { answer, asked } from "./child.ts";
import { ALL, fiveInARow, orders } from "./workflows.ts";

export interface Slice {
  readonly second: number;
  readonly runs: number;
  /** What one run cost in claims and in commits (us), and the largest pause. */
  readonly claimUs: number;
  readonly commitUs: number;
  readonly tablesMiB: number;
  readonly indexesMiB: number;
}

const { store: url, seconds, slices } = asked<{ store: string; seconds: number; slices: number }>();
/** Runs that wait at any time, about. */
const BACKLOG = 20_000;

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
const reader = new pg.Client(url);
await reader.connect();
await reader.query("begin isolation level repeatable read");
await reader.query("select count(*) from tenfold.runs");

const starter = new Tenfold(new Engine(real, ALL, ports, systemHost(), { ...DEFAULT_SETTINGS, work: false }));
let started = 0;
const over = new AbortController();
const starting = (async () => {
  while (!over.signal.aborted) {
    if (started - ended >= BACKLOG) {
      await new Promise((resolve) => setTimeout(resolve, 20));
      continue;
    }
    for await (const { kind } of starter.startMany(fiveInARow, orders(2000))) if (kind === "started") started++;
  }
})();
await engine.open();
const measured: Slice[] = [];
for (let slice = 1; slice <= slices; slice++) {
  const before = { ...spent, ended };
  await new Promise((resolve) => setTimeout(resolve, (seconds / slices) * 1000));
  const runs = ended - before.ended;
  const { tables, indexes } = await sizes();
  measured.push({
    second: Math.round((slice * seconds) / slices),
    runs,
    claimUs: ((spent.claimMs - before.claimMs) * 1000) / runs,
    commitUs: ((spent.commitMs - before.commitMs) * 1000) / runs,
    tablesMiB: tables,
    indexesMiB: indexes,
  });
  process.stderr.write(`${JSON.stringify(measured.at(-1))}\n`);
}
over.abort();
await starting;
await reader.query("commit");
answer(measured);

async function sizes(): Promise<{ tables: number; indexes: number }> {
  const { rows } = await client.query<{ tables: string; indexes: string }>(`
    select sum(pg_table_size(c.oid)) as tables, sum(pg_indexes_size(c.oid)) as indexes
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where n.nspname = 'tenfold' and c.relkind = 'r'`);
  const [row] = rows;
  return { tables: Number(row!.tables) / 2 ** 20, indexes: Number(row!.indexes) / 2 ** 20 };
}
