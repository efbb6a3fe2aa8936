/**
 * Starts what a schedule would have started in a range of time: one run for each tick that has none yet.
 * Invariant: a tick's run has the key that the schedule itself gives it, so neither starts what the other did.
 */
import { instantText, readDay, DAY_MS } from "../value/day.ts";
import { TenfoldError } from "../value/error.ts";
import { instantMs } from "../value/instant.ts";
import { wayToName } from "../value/nearest.ts";
import { zoneOf } from "../value/zone.ts";
import { checkOptions, CHECKED_APART, isFlag, optional, type OptionForm } from "./caller-checks.ts";
import type { Engine } from "./engine.ts";
import type { PreparedStart } from "./start.ts";
import { prepareTick, startTicks, type Scheduled } from "./tick-starts.ts";

export interface BackfillOptions {
  /** The first moment of the range: ms since 1970, a Date, ISO 8601, or a day in the schedule's zone ("2026-01-01"). */
  readonly from: Date | number | string;
  /** The first moment behind it, not later than now. */
  readonly until: Date | number | string;
  /** Only counts. Runs that were pruned are not found, and their ticks counted as if they had none. */
  readonly dryRun?: boolean;
  /** Is told now and then how far it is. */
  readonly onProgress?: (sofar: Backfilled) => void;
  /** Has it stop behind what is under way; what it answers tells how far it came. */
  readonly signal?: AbortSignal;
}

export interface Backfilled {
  /** Ticks of the range that were looked at: all of them, unless it was stopped. */
  readonly ticks: number;
  /** Runs that were started; in a dry run those that would be. */
  readonly started: number;
  /** Ticks that had their run. */
  readonly existing: number;
  /** Ticks whose input was refused, and why the first of them was. */
  readonly refused: number;
  readonly refusal: TenfoldError | null;
}

const OPTIONS: Readonly<Record<keyof BackfillOptions, OptionForm>> = {
  from: CHECKED_APART,
  until: CHECKED_APART,
  dryRun: optional(isFlag, "Give true or false."),
  onProgress: optional((value) => typeof value === "function", "Give a function."),
  signal: optional((value) => value instanceof AbortSignal, "Give the `signal` of an AbortController."),
};

/** Ticks that are started, or looked for, together. */
const TICKS_MAX = 500;

export async function backfill(
  engine: Engine,
  workflow: string,
  schedule: string,
  options: BackfillOptions,
): Promise<Backfilled> {
  checkOptions("`backfill`", options, OPTIONS, "nothing was started");
  const scheduled = scheduleNamed(engine, workflow, schedule);
  const { from, until } = rangeOf(scheduled, options, engine.ports.clock.now());
  let done: Backfilled = { ticks: 0, started: 0, existing: 0, refused: 0, refusal: null };
  // From behind the tick before on, up to the last moment of the range.
  for (let after = from - 1; options.signal?.aborted !== true;) {
    const ticks = scheduled.ticks.between(after, until - 1, TICKS_MAX);
    if (ticks.length === 0) break;
    done = sumOf(done, await fill(engine, scheduled, ticks, options.dryRun === true));
    options.onProgress?.(done);
    after = ticks.at(-1)!;
  }
  return done;
}

async function fill(
  engine: Engine,
  scheduled: Scheduled,
  ticks: readonly number[],
  isDry: boolean,
): Promise<Backfilled> {
  const prepared: PreparedStart[] = [];
  const refusals: TenfoldError[] = [];
  for (const at of ticks) {
    try {
      prepared.push(await prepareTick(scheduled, at, engine.starts));
    } catch (thrown) {
      if (!(thrown instanceof TenfoldError)) throw thrown;
      refusals.push(thrown);
    }
  }
  const started = isDry ? await missingOf(engine, prepared) : await startedOf(engine, prepared);
  const existing = prepared.length - started;
  return { ticks: ticks.length, started, existing, refused: refusals.length, refusal: refusals[0] ?? null };
}

async function startedOf({ starts }: Engine, prepared: readonly PreparedStart[]): Promise<number> {
  return (await startTicks(prepared, starts)).filter(({ isNew }) => isNew).length;
}

/** How many have no run; those that have one are found by its key. */
async function missingOf({ store }: Engine, prepared: readonly PreparedStart[]): Promise<number> {
  let missing = 0;
  for (const { lane, start } of prepared) {
    const { workflow, tenant, key } = start;
    const found = await store.list(lane, { workflow, tenant, key: key!.key }, { before: null, limit: 1 });
    if (found.length === 0) missing++;
  }
  return missing;
}

function sumOf(one: Backfilled, other: Backfilled): Backfilled {
  return {
    ticks: one.ticks + other.ticks,
    started: one.started + other.started,
    existing: one.existing + other.existing,
    refused: one.refused + other.refused,
    refusal: one.refusal ?? other.refusal,
  };
}

function scheduleNamed({ registry, schedules }: Engine, workflow: string, name: string): Scheduled {
  const { name: known } = registry.definition(workflow);
  const own = schedules.filter(({ definition }) => definition.name === known);
  const found = own.find(({ schedule }) => schedule.name === name);
  if (found !== undefined) return found;
  const names = own.map(({ schedule }) => schedule.name);
  const way = names.length === 0 ? "It has none: see its `triggers`." : wayToName(String(name), names, "It has");
  throw new TenfoldError(
    "SCHEDULE_UNKNOWN",
    `Workflow "${workflow}" has no schedule "${name}"; nothing was started. ${way}`,
    { facts: { workflow, schedule: name, known: names } },
  );
}

function rangeOf(scheduled: Scheduled, options: BackfillOptions, now: number): { from: number; until: number } {
  const from = momentOf(scheduled, options.from, "`from`");
  const until = momentOf(scheduled, options.until, "`until`");
  const refuse = (reason: string, way: string): TenfoldError =>
    new TenfoldError("TIME_INVALID", `${reason}; nothing was started. ${way}`, { facts: { from, until } });
  if (until > now) {
    const way = "Give a moment that is past: what comes, the schedule starts by itself.";
    throw refuse(`\`until\` is ${instantText(until)}, which is yet to come`, way);
  }
  if (from < until) return { from, until };
  const way = from === until ? "Give an `until` behind `from`, which is not part of the range." : "Exchange the two.";
  throw refuse(`\`from\` is ${instantText(from)}, which is not before \`until\`, ${instantText(until)}`, way);
}

function momentOf({ schedule }: Scheduled, given: Date | number | string, what: string): number {
  const day = typeof given === "string" ? readDay(given) : undefined;
  if (day !== undefined) return zoneOf(schedule.timeZone)!.instantOf(day * DAY_MS);
  return instantMs(given instanceof Date ? given.getTime() : given, what);
}
