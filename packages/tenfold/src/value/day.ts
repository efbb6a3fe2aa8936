/**
 * Days of the calendar, counted from 1970-01-01, and how they are written: arithmetic that knows no time zone.
 * Invariant: a local time is told as the milliseconds since 1970 that a clock in UTC would show it at.
 */

export const DAY_MS = 86_400_000;

export interface CivilDate {
  readonly year: number;
  /** From 1. */
  readonly month: number;
  /** From 1. */
  readonly date: number;
}

const WRITTEN = /^(\d{4})-(\d{2})-(\d{2})$/;

/** The day that a text such as "2026-12-25" names; undefined: it is none, as 2026-02-30. */
export function readDay(text: string): number | undefined {
  const found = WRITTEN.exec(text);
  if (found === null) return undefined;
  const [year, month, date] = found.slice(1).map(Number) as [number, number, number];
  const day = dayOfDate({ year, month, date });
  return year >= 1000 && dayText(day) === text ? day : undefined;
}

/** "2026-12-25". */
export function dayText(day: number): string {
  const { year, month, date } = dateOfDay(day);
  return `${String(year).padStart(4, "0")}-${two(month)}-${two(date)}`;
}

/** A month or date beyond its range counts on: month 13 is January of the year after. */
export function dayOfDate({ year, month, date }: CivilDate): number {
  return Date.UTC(year, month - 1, date) / DAY_MS;
}

/** By H. Hinnant's `civil_from_days`: years begin in March, so that a leap day is the last of its year. */
export function dateOfDay(day: number): CivilDate {
  const shifted = day + 719_468;
  const era = Math.floor(shifted / 146_097);
  const dayOfEra = shifted - era * 146_097;
  const leaps = Math.floor(dayOfEra / 1460) - Math.floor(dayOfEra / 36_524) + Math.floor(dayOfEra / 146_096);
  const yearOfEra = Math.floor((dayOfEra - leaps) / 365);
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const shiftedMonth = Math.floor((5 * dayOfYear + 2) / 153);
  const date = dayOfYear - Math.floor((153 * shiftedMonth + 2) / 5) + 1;
  const month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9;
  return { year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, date };
}

/** From 0, which is Sunday. */
export function weekdayOf(day: number): number {
  return (((day + 4) % 7) + 7) % 7;
}

/** The day of a local time. */
export function dayOf(local: number): number {
  return Math.floor(local / DAY_MS);
}

/** "2026-12-25T09:00:00.000Z": `instant` (ms since 1970) as ISO 8601 in UTC. */
export function instantText(instant: number): string {
  const day = dayOf(instant);
  const ms = instant - day * DAY_MS;
  const [hour, minute, second] = [ms / 3_600_000, (ms / 60_000) % 60, (ms / 1000) % 60].map(Math.floor) as number[];
  return `${dayText(day)}T${two(hour!)}:${two(minute!)}:${two(second!)}.${String(ms % 1000).padStart(3, "0")}Z`;
}

function two(number: number): string {
  return String(number).padStart(2, "0");
}
