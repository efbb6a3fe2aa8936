/**
 * The program that the crash test kills: one worker on the store, with a starter inside.
 * `worker.ts <store> <log> <life> <orders, "1,2,5"> [--die-at <moment>:<number>] [--lease <ms>]`; on SIGTERM it drains and ends.
 */
import type { Socket } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { parseArgs } from "node:util";
import { Tenfold } from "../../packages/tenfold/src/engine/client.ts";
import { DEFAULT_SETTINGS, Engine, type EngineSettings } from "../../packages/tenfold/src/engine/engine.ts";
import { inlineExecutor, systemClock, systemHost } from "../../packages/tenfold/src/engine/system.ts";
import { openPostgres } from "../../packages/tenfold/src/store/postgres/open.ts";
import { openSqlite } from "../../packages/tenfold/src/store/sqlite/sqlite.ts";
import { EffectLog } from "./effect-log.ts";
import { FatalMoment, readAim } from "./fatal-moment.ts";
import { markedStore } from "./marked-store.ts";
import { keyOfOrder, orderOf, orderWorkflow, type Body } from "./orders.ts";

/**
 * A lease so long that its silence cannot be why somebody was taken over: a death has to be seen in the machine's
 * table of programs. Waits of retries are parked, so that parked runs are among those that are killed; commits are
 * small, so that there are two at once where the store takes two.
 */
const SETTINGS: EngineSettings = {
  ...DEFAULT_SETTINGS,
  runsMax: 160,
  leaseMs: 3_600_000,
  beatMs: 200,
  drainMs: 5000,
  // Workers die of us here, hundreds of times, and not of a run: none is suspected.
  limits: { ...DEFAULT_SETTINGS.limits, parkAfterMs: 40, deathsMax: 1_000_000, runsPerCommit: 20 },
};

/** Whoever is stopped within a transaction is waited for so long. */
const PATIENCE_MS = 5000;
/** Starts that are asked for at once. */
const ASKED_AT_ONCE = 8;
const BEFORE_EFFECT_MS = 160;
const AFTER_EFFECT_MS = 60;

const { values, positionals } = parseArgs({
  options: { "die-at": { type: "string" }, lease: { type: "string" } },
  allowPositionals: true,
});
const [file = "", logPath = "", life = "", orders = ""] = positionals;
const log = new EffectLog(logPath, Number(life));
const fatal = new FatalMoment(log, values["die-at"] === undefined ? null : readAim(values["die-at"]));

const body: Body = async (ctx, uses, value, flaw = "none") => {
  const call = log.newCall();
  const { key, attempt, node, run } = ctx;
  const used = uses.map((made) => made.call);
  log.write({ kind: "before", call, run: run.id, node, key, attempt, now: ctx.now(), uses: used });
  fatal.pass("before-effect");
  await pause(Math.random() * BEFORE_EFFECT_MS);
  if (flaw === "hangs" && !ctx.signal.aborted) {
    await new Promise((resolve) => ctx.signal.addEventListener("abort", resolve, { once: true }));
  }
  if (flaw !== "none") {
    log.write({ kind: "threw", call });
    throw new Error(`Attempt ${attempt} of ${node} was meant to fail.`);
  }
  log.write({ kind: "effect", call });
  fatal.pass("effect-to-commit");
  await pause(Math.random() * AFTER_EFFECT_MS);
  log.write({ kind: "after", call });
  return { value, call };
};

const workflow = orderWorkflow(body);
const ports = {
  clock: systemClock,
  random: Math.random,
  executor: inlineExecutor,
  log: {
    write: (level: "debug" | "info" | "warn" | "error", message: string) => log.write({ kind: "log", level, message }),
  },
};
const leaseMs = Number(values.lease ?? SETTINGS.leaseMs);
const settings = { ...SETTINGS, leaseMs, beatMs: Math.min(SETTINGS.beatMs, leaseMs / 4) };
const opened = file.startsWith("postgres:")
  ? await openPostgres(file, { patienceMs: PATIENCE_MS })
  : await openSqlite(file);
const engine = new Engine(markedStore(opened, log, fatal), [workflow], ports, systemHost(), settings);
await engine.open();
log.write({ kind: "opened" });
const tenfold = new Tenfold(engine);
process.once("SIGTERM", () => void tenfold.close());
// Nobody is left to kill it once the supervisor is gone.
process.stdin.resume().once("close", () => process.exit(1));
(process.stdin as Socket).unref();

const asked = orders === "" ? [] : orders.split(",").map(Number);
for (let first = 0; first < asked.length; first += ASKED_AT_ONCE) {
  await Promise.all(asked.slice(first, first + ASKED_AT_ONCE).map(ask));
}

async function ask(order: number): Promise<void> {
  log.write({ kind: "asked", order });
  const run = await tenfold.start(workflow, orderOf(order), { key: keyOfOrder(order) });
  log.write({ kind: "accepted", order, run: run.id, existing: run.existing });
}
