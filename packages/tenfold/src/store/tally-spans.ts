/**
 * The spans of time by which runs are counted: a run belongs to the minute of its start, and counts are kept by minute,
 * by day and in all, so that a sum over a year reads days.
 */
import { startedAtOfRun } from "../value/id.ts";

/** The grains, as the numbers that rows hold. Invariant: a number never changes its meaning. */
export const BY_MINUTE = 0;
export const BY_DAY = 1;
export const IN_ALL = 2;

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

/** The minute of a run's start (ms since 1970): the one that it is counted in. */
export function minuteOf(run: string): number {
  return Math.floor(startedAtOfRun(run) / MINUTE_MS) * MINUTE_MS;
}

export function dayOf(minute: number): number {
  return Math.floor(minute / DAY_MS) * DAY_MS;
}

/** The minutes that are [from, until), both taken to the minute; null: from the beginning, without end. */
export function minutesBetween(from: number | null, until: number | null): readonly [first: number, end: number] {
  const end = until === null ? Number.MAX_SAFE_INTEGER : ceilTo(until, MINUTE_MS);
  return [Math.max(0, ceilTo(from ?? 0, MINUTE_MS)), end];
}

export type Span = readonly [grain: number, first: number, end: number];

/** The slots of each grain that together are [from, until): days within, minutes at the ends. */
export function spansBetween(from: number | null, until: number | null): readonly Span[] {
  if (from === null && until === null) return [[IN_ALL, 0, 1]];
  const [first, end] = minutesBetween(from, until);
  const firstDay = ceilTo(first, DAY_MS);
  const endDay = dayOf(end);
  if (firstDay >= endDay) return [[BY_MINUTE, first, end]];
  return [
    [BY_MINUTE, first, firstDay],
    [BY_DAY, firstDay, endDay],
    [BY_MINUTE, endDay, end],
  ];
}

function ceilTo(ms: number, unit: number): number {
  return Math.min(Math.ceil(ms / unit) * unit, Number.MAX_SAFE_INTEGER);
}
