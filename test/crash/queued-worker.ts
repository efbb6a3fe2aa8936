/**
 * The program that the crash test of queues kills: `queued-worker.ts <store> <log> <lease, ms>`, one worker whose bodies take a
 * while and note when they began and ended in a file of this program's own, by the clock of the machine.
 */
import { closeSync, openSync, writeSync } from "node:fs";
import type { Socket } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { Tenfold } from "../../packages/tenfold/src/engine/client.ts";
import { DEFAULT_SETTINGS, Engine, type EngineSettings } from "../../packages/tenfold/src/engine/engine.ts";
import type { LogLevel } from "../../packages/tenfold/src/engine/ports.ts";
import { inlineExecutor, systemClock, systemHost } from "../../packages/tenfold/src/engine/system.ts";
import { openPostgres } from "../../packages/tenfold/src/store/postgres/open.ts";
import { openSqlite } from "../../packages/tenfold/src/store/sqlite/sqlite.ts";
import { machineMs, type QueueMark } from "./queue-log.ts";
import { queuedFlows, type QueuedBody } from "./queued-flows.ts";

/** Whoever is stopped within a transaction is waited for so long. */
const PATIENCE_MS = 2000;
const BODY_LEAST_MS = 10;
const BODY_MORE_MS = 40;

const [store = "", logPath = "", lease = ""] = process.argv.slice(2);
const file = openSync(logPath, "a");

function note(mark: QueueMark): void {
  // The line before may have been cut.
  writeSync(file, `\n${JSON.stringify(mark)}\n`);
}

const body: QueuedBody = async (queue, letter, { run, node, signal }) => {
  const call = { queue, key: letter.tenant, task: `${run.id}/${node}` };
  note({ kind: "began", at: machineMs(), ...call });
  await pause(BODY_LEAST_MS + Math.random() * BODY_MORE_MS, undefined, { signal }).catch(() => undefined);
  note({ kind: "ended", at: machineMs(), ...call });
  return letter;
};

const leaseMs = Number(lease);
const settings: EngineSettings = {
  ...DEFAULT_SETTINGS,
  leaseMs,
  beatMs: leaseMs / 4,
  drainMs: 3000,
  // Workers die of us here, and not of a run. Few wait in memory, so that most are parked.
  limits: { ...DEFAULT_SETTINGS.limits, deathsMax: 1_000_000, linedUpMax: 20 },
};
const write = (level: LogLevel, message: string): void => {
  if (level !== "debug") note({ kind: "log", at: machineMs(), level, message });
};
const ports = { clock: systemClock, random: Math.random, executor: inlineExecutor, log: { write } };
const opened = store.startsWith("postgres:")
  ? await openPostgres(store, { patienceMs: PATIENCE_MS })
  : await openSqlite(store);
const engine = new Engine(opened, Object.values(queuedFlows(body)), ports, systemHost(), settings);
await engine.open();
note({ kind: "opened", at: machineMs() });
const tenfold = new Tenfold(engine);
process.once("SIGTERM", () => void tenfold.close().then(() => closeSync(file)));
// Nobody is left to kill it once the test is gone.
process.stdin.resume().once("close", () => process.exit(1));
(process.stdin as Socket).unref();
