/** Child: prunes what was started before a time, as if it had ended an hour ago; tells how fast. */
import { DEFAULT_SETTINGS, Engine } from "../packages/tenfold/src/engine/engine.ts";
import type { Clock } from "../packages/tenfold/src/engine/ports.ts";
import { inlineExecutor, stderrLog, systemClock, systemHost } from "../packages/tenfold/src/engine/system.ts";
import { Tenfold } from "../packages/tenfold/src/engine/client.ts";
import { openPostgres } from "../packages/tenfold/src/store/postgres/open.ts";
import { openSqlite } from "../packages/tenfold/src/store/sqlite/sqlite.ts";
import { answer, asked } from "./child.ts";

const HOUR_MS = 3_600_000;

const { store: name, until } = asked<{ store: string; until: number }>();
const store = await (name.startsWith("postgres") ? openPostgres(name) : openSqlite(name));
const clock: Clock = {
  ...systemClock,
  now: () => systemClock.now() + HOUR_MS,
  at: (at, callback) => systemClock.at(at - HOUR_MS, callback),
};
const ports = { clock, random: Math.random, executor: inlineExecutor, log: stderrLog };
const tenfold = new Tenfold(new Engine(store, [], ports, systemHost(), { ...DEFAULT_SETTINGS, work: false }));
const from = performance.now();
const { pruned } = await tenfold.prune({ until }, { olderThan: "10m" });
answer({ pruned, wallMs: performance.now() - from });
