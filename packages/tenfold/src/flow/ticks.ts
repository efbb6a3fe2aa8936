/**
 * When a schedule's ticks are: functions of its definition and of the moment that is asked from, and of nothing else.
 * Invariants: ticks are whole milliseconds since 1970, in order, each once; a tick that clocks never show is at the end
 * of their gap, and one that they show twice is the first of the two, unless the cron says "every".
 */
import { businessDaysOf, type BusinessDays } from "../value/business-days.ts";
import { readCron, type CronTimes } from "../value/cron.ts";
import { DAY_MS, dateOfDay, dayOf, dayOfDate, dayText, instantText, weekdayOf } from "../value/day.ts";
import { invariant, unreachable } from "../value/error.ts";
import { instantMs } from "../value/instant.ts";
import { zoneOf, type Zone } from "../value/zone.ts";
import type { BusinessPeriod, OnHoliday, ScheduleDefinition, Tick, When } from "./trigger.ts";

/** A schedule whose next tick is further away has none. */
const HORIZON_MS = 100 * 366 * DAY_MS;

export interface Ticks {
  /** The first tick after `instant`; null: none in a hundred years. */
  next(instant: number): number | null;
  /** The ticks after `after`, up to and with `until`; at most `limit` of them. */
  between(after: number, until: number, limit: number): readonly number[];
  /** The last tick after `after`, up to and with `until`: found without those before it. */
  last(after: number, until: number): number | null;
  /** What a run of the tick is told of it. */
  tick(at: number): Tick;
}

/** The ticks of a schedule that `schedule(…)` has checked; `zone` is its time zone, where that is at hand. */
export function ticksOf(definition: ScheduleDefinition, zone = zoneOf(definition.timeZone)): Ticks {
  invariant(zone !== undefined, "a defined schedule has a time zone");
  const next = nextOf(definition, zone);
  return {
    next,
    between: (after, until, limit) => takeFrom(next, after, until, limit),
    last: (after, until) => lastOf(next, after, until),
    tick: (at) => ({ at: instantText(at), schedule: definition.name, date: dayText(dayOf(zone.localOf(at))) }),
  };
}

/** The next `count` ticks after a moment (ms since 1970, or ISO 8601): `nextTicks(nightly, Date.now(), 5)`. */
export function nextTicks(schedule: ScheduleDefinition, after: number | string, count: number): readonly number[] {
  return ticksOf(schedule).between(instantMs(after, "`after`"), Infinity, count);
}

type Next = (instant: number) => number | null;

function takeFrom(next: Next, after: number, until: number, limit: number): readonly number[] {
  const ticks: number[] = [];
  for (let at = next(after); at !== null && at <= until && ticks.length < limit; at = next(at)) ticks.push(at);
  return ticks;
}

/** By halving: however many there are. */
function lastOf(next: Next, after: number, until: number): number | null {
  let last = next(after);
  if (last === null || last > until) return null;
  for (let behind = until; behind > last;) {
    const middle = Math.floor((last + behind) / 2);
    const found = next(middle);
    if (found !== null && found <= until) last = found;
    else behind = middle;
  }
  return last;
}

function nextOf({ when, calendar, onHoliday }: ScheduleDefinition, zone: Zone): Next {
  const days = calendar === null ? null : businessDaysOf(calendar);
  switch (when.kind) {
    case "cron": {
      const cron = readCron(when.expression, zone.name);
      invariant("next" in cron, "a defined schedule has a cron");
      return days === null ? cron.next : nextOnBusinessDay(cron, days, onHoliday, zone);
    }
    case "business-day":
      invariant(days !== null, "a schedule by business days has a calendar");
      return nextByBusinessDay(when, days, zone);
    default:
      return unreachable(when);
  }
}

/**
 * Day by day: all that comes on one business day, its own ticks and those that days off before or after it hand over,
 * is found together, so that it is in order.
 */
function nextOnBusinessDay(cron: CronTimes, days: BusinessDays, onHoliday: OnHoliday, zone: Zone): Next {
  const startOf = (day: number): number => zone.instantOf(day * DAY_MS);
  const firstFrom = (day: number): number | null => cron.next(startOf(day) - 1);
  const target = (day: number): number => (onHoliday === "previous" ? days.until(day) : days.from(day));
  /** The days whose ticks come on a business day. */
  const spanOf = (day: number): { readonly first: number; readonly last: number } => ({
    first: onHoliday === "next" ? days.until(day - 1) + 1 : day,
    last: onHoliday === "previous" ? days.from(day + 1) - 1 : day,
  });
  return (instant) => {
    const until = instant + HORIZON_MS;
    const today = target(dayOf(zone.localOf(instant)));
    for (let raw = firstFrom(spanOf(today).first); raw !== null && raw <= until;) {
      const local = zone.localOf(raw);
      const day = target(dayOf(local));
      if (onHoliday === "skip" && day !== dayOf(local)) {
        raw = firstFrom(day);
        continue;
      }
      const { first, last } = spanOf(day);
      const end = startOf(last + 1);
      if (first === last) {
        const found = raw > instant ? raw : cron.next(instant);
        if (found === null || found < end) return found;
      } else {
        const moved = ticksMoved(cron, { first, end, day }, zone).filter((at) => at > instant);
        if (moved.length > 0) return Math.min(...moved);
      }
      raw = cron.next(end - 1);
    }
    return null;
  };
}

interface Span {
  /** The first day whose ticks are moved, and the moment at which the last one ends. */
  readonly first: number;
  readonly end: number;
  /** The business day to which they are moved. */
  readonly day: number;
}

function ticksMoved(cron: CronTimes, { first, end, day }: Span, zone: Zone): number[] {
  const ticks: number[] = [];
  let raw = cron.next(zone.instantOf(first * DAY_MS) - 1);
  for (; raw !== null && raw < end; raw = cron.next(raw)) {
    const local = zone.localOf(raw);
    const timeOfDay = local - dayOf(local) * DAY_MS;
    ticks.push(dayOf(local) === day ? raw : zone.instantOf(day * DAY_MS + timeOfDay));
  }
  return ticks;
}

function nextByBusinessDay(
  { nth, of, atMs }: Extract<When, { kind: "business-day" }>,
  days: BusinessDays,
  zone: Zone,
): Next {
  return (instant) => {
    const until = instant + HORIZON_MS;
    for (let first = firstOfPeriod(dayOf(zone.localOf(instant)), of); first * DAY_MS <= until;) {
      const following = firstOfFollowing(first, of);
      const day = days.nth(first, following - 1, nth);
      const at = day === undefined ? null : zone.instantOf(day * DAY_MS + atMs);
      if (at !== null && at > instant) return at;
      first = following;
    }
    return null;
  };
}

const MONTHS: Readonly<Record<Exclude<BusinessPeriod, "week">, number>> = { month: 1, quarter: 3, year: 12 };

/** Weeks begin on Monday. */
function firstOfPeriod(day: number, of: BusinessPeriod): number {
  if (of === "week") return day - ((weekdayOf(day) + 6) % 7);
  const { year, month } = dateOfDay(day);
  return dayOfDate({ year, month: month - ((month - 1) % MONTHS[of]), date: 1 });
}

function firstOfFollowing(first: number, of: BusinessPeriod): number {
  if (of === "week") return first + 7;
  const { year, month } = dateOfDay(first);
  return dayOfDate({ year, month: month + MONTHS[of], date: 1 });
}
