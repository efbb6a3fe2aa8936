/**
 * Which days are business days, and counting them.
 * Invariant: a calendar is plain data, so that it can stand in a graph; not every day of a week is a day off.
 */
import { DAY_MS, dayOf, readDay, weekdayOf } from "./day.ts";
import { invariant } from "./error.ts";
import { zoneOf } from "./zone.ts";

export const WEEKDAYS = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"] as const;
export type Weekday = (typeof WEEKDAYS)[number];

/** Where the days off are known: a pure value. */
export interface Calendar {
  readonly name: string | null;
  /** Where its days begin and end. */
  readonly timeZone: string;
  readonly weekend: readonly Weekday[];
  /** Days such as "2026-12-25", in order. */
  readonly holidays: readonly string[];
}

export interface BusinessDays {
  has(day: number): boolean;
  /** `day`, or the first business day after it. */
  from(day: number): number;
  /** `day`, or the last business day before it. */
  until(day: number): number;
  /** The `nth` business day after `day`; after 0 of them, `day` itself. */
  after(day: number, nth: number): number;
  /** The `nth` of those from one day until another, inclusive; the last is -1. Undefined: there are not so many. */
  nth(first: number, last: number, nth: number): number | undefined;
}

export function businessDaysOf({ weekend, holidays }: Calendar): BusinessDays {
  const off = new Set(weekend.map((name) => WEEKDAYS.indexOf(name)));
  const free = new Set(holidays.map((text) => readDay(text)!));
  const has = (day: number): boolean => !off.has(weekdayOf(day)) && !free.has(day);
  const walk = (day: number, step: 1 | -1): number => {
    let at = day;
    while (!has(at)) at += step;
    return at;
  };
  return {
    has,
    from: (day) => walk(day, 1),
    until: (day) => walk(day, -1),
    after(day, nth) {
      let at = day;
      for (let left = nth; left > 0; left--) at = walk(at + 1, 1);
      return at;
    },
    nth(first, last, nth) {
      const step = nth > 0 ? 1 : -1;
      let at = nth > 0 ? first - 1 : last + 1;
      for (let left = Math.abs(nth); left > 0; left--) {
        at = walk(at + step, step);
        if (at < first || at > last) return undefined;
      }
      return at;
    },
  };
}

/** The same time of day, `count` business days after the day of `instant` in the calendar's zone. */
export function businessDaysLater(calendar: Calendar, instant: number, count: number): number {
  const zone = zoneOf(calendar.timeZone);
  invariant(zone !== undefined, "a checked calendar has a time zone");
  const local = zone.localOf(instant);
  const day = dayOf(local);
  return zone.instantOf(local + (businessDaysOf(calendar).after(day, count) - day) * DAY_MS);
}

/** Whether `value` is a calendar as `calendar(…)` makes one: of data that comes from elsewhere. */
export function isCalendar(value: unknown): value is Calendar {
  if (typeof value !== "object" || value === null) return false;
  const { name, timeZone, weekend, holidays } = value as Readonly<Record<string, unknown>>;
  const isNamed = name === null || typeof name === "string";
  if (!isNamed || typeof timeZone !== "string" || zoneOf(timeZone) === undefined) return false;
  if (!Array.isArray(weekend) || !weekend.every((day) => WEEKDAYS.includes(day))) return false;
  if (new Set(weekend).size === WEEKDAYS.length || !Array.isArray(holidays)) return false;
  return holidays.every((day) => typeof day === "string" && readDay(day) !== undefined);
}
