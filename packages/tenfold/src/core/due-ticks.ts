/** Which ticks of a schedule are to be started now: what `missed` means, as a function of where the schedule stands. */
import type { Ticks } from "../flow/ticks.ts";
import type { Missed } from "../flow/trigger.ts";
import { unreachable } from "../value/error.ts";

/** A tick that is later than this is missed (ms); whatever is younger comes in time. */
export const LATE_MS = 60_000;

export interface DueTicks {
  /** Those to start, in order. */
  readonly start: readonly number[];
  /** The tick that is settled with them, and all before it. */
  readonly to: number;
  /** The first one that is passed over; null: none is. */
  readonly passedFrom: number | null;
}

/** What is due after the tick that was settled last, at most `limit` of them to start; null: nothing is. */
export function dueTicks(ticks: Ticks, missed: Missed, settled: number, now: number, limit: number): DueTicks | null {
  const first = ticks.next(settled);
  if (first === null || first > now) return null;
  if (missed === "all") {
    const start = ticks.between(settled, now, limit);
    return { start, to: start.at(-1)!, passedFrom: null };
  }
  const inTime = ticks.between(Math.max(settled, now - LATE_MS - 1), now, limit);
  const start = inTime.length > 0 ? inTime : missedOf(missed, ticks.last(settled, now)!);
  const to = inTime.at(-1) ?? ticks.last(settled, now)!;
  return { start, to, passedFrom: start[0] === first ? null : first };
}

function missedOf(missed: "skip" | "once", last: number): readonly number[] {
  switch (missed) {
    case "skip":
      return [];
    case "once":
      return [last];
    default:
      return unreachable(missed);
  }
}
