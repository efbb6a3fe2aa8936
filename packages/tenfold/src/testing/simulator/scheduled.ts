/** The schedule that some seeds have, and what must come of it: each of its ticks is one run, and none is two. */
import { schedule } from "../../flow/index.ts";
import { ticksOf } from "../../flow/ticks.ts";
import type { ScheduleDefinition } from "../../flow/trigger.ts";
import type { RunRecord } from "../../store/store.ts";
import { instantText } from "../../value/day.ts";
import { startedAtOfRun } from "../../value/id.ts";
import { answerOf } from "./answer.ts";
import { Violation } from "./violation.ts";

/** Every five seconds, until a quarter of a minute after the faults have ended. */
const CRON = "*/5 6,7 15 15 6 *";
/** When a worker that is awake starts each tick in time. */
const CALM_FROM = Date.UTC(2025, 5, 15, 15, 7, 41);
/** Milliseconds by which clocks may be apart. */
const CLOCK_SLACK_MS = 500;

/** Null: this seed has none. What it draws it draws from the number, so that the others stay the stories they were. */
export function scheduleOf(seed: number): ScheduleDefinition | null {
  if (seed % 4 !== 3) return null;
  const overlap = (["allow", "queue", "skip"] as const)[(seed >> 2) % 3]!;
  const missed = overlap === "queue" ? "all" : (["all", "once", "skip"] as const)[(seed >> 4) % 3]!;
  const input = ({ at }: { at: string }) => answerOf("tick", at);
  return schedule(CRON, { name: "ticks", timeZone: "UTC", overlap, missed, input });
}

/** Where a schedule stands, as the store has it. */
export interface Standing {
  readonly firstSeenAt: number;
  readonly settled: number;
}

/** Nothing of it is due. */
export function isSettled(definition: ScheduleDefinition, standing: Standing | null, now: number): boolean {
  if (standing === null) return false;
  const next = ticksOf(definition).next(standing.settled);
  return next === null || next > now;
}

/** `rows`: all runs that there ever were; nobody has those of a schedule go on once they have ended. */
export function checkTicks(
  definition: ScheduleDefinition,
  standing: Standing | null,
  rows: readonly RunRecord[],
  now: number,
): void {
  const { name, overlap, missed } = definition;
  if (standing === null) throw new Violation("a schedule is seen once a worker lives", { schedule: name });
  const ticks = ticksOf(definition);
  const runs = new Map<number, RunRecord>();
  for (const row of rows.filter(({ key }) => key?.startsWith(`schedule/${name}/`) ?? false)) {
    const at = Date.parse(row.key!.split("/")[2]!);
    if (runs.has(at)) throw new Violation("a tick is one run", { tick: row.key, run: row.id, other: runs.get(at)!.id });
    if (ticks.next(at - 1) !== at || at <= standing.firstSeenAt) {
      throw new Violation("a schedule starts runs for its ticks, and for nothing else", { run: row.id, tick: row.key });
    }
    runs.set(at, row);
  }
  for (const at of ticks.between(standing.firstSeenAt, now, Infinity)) {
    const mustRun = overlap === "queue" || (overlap === "allow" && (missed === "all" || at >= CALM_FROM));
    if (mustRun && !runs.has(at)) {
      throw new Violation("each tick that is to be started is a run", { tick: instantText(at), overlap, missed });
    }
  }
  if (overlap !== "allow") checkOverlaps(runs);
}

function checkOverlaps(runs: ReadonlyMap<number, RunRecord>): void {
  const inOrder = [...runs].sort(([one], [other]) => one - other);
  inOrder.forEach(([at, row], nth) => {
    const [, before] = inOrder[nth - 1] ?? [];
    if (before === undefined) return;
    if (before.endedAt !== null && startedAtOfRun(row.id) >= before.endedAt - CLOCK_SLACK_MS) return;
    const facts = { tick: instantText(at), run: row.id, before: before.id, endedAt: before.endedAt };
    throw new Violation("a tick is not started while the run of the one before goes on", facts);
  });
}
