/** A moment as JSON says it: milliseconds since 1970, or an ISO 8601 text that names its offset from UTC. */
import { describe } from "./describe.ts";
import { TenfoldError } from "./error.ts";

const ISO = /^([1-9]\d{3})-(\d{2})-(\d{2})T(\d{2}):(\d{2})(?::(\d{2})(\.\d{1,9})?)?(?:Z|([+-])(\d{2}):(\d{2}))$/;

/** The last moment that a `Date` can tell (ms). */
const LAST_MS = 8.64e15;

/** The milliseconds since 1970 of `written`; throws TIME_INVALID, naming `what` it was given for. */
export function instantMs(written: unknown, what: string): number {
  const ms = typeof written === "string" ? isoMs(written) : written;
  if (typeof ms === "number" && Math.abs(ms) <= LAST_MS) return Math.ceil(ms);
  const isLocal = typeof written === "string" && isoMs(`${written}Z`) !== undefined;
  const why = isLocal
    ? "which says nothing of its offset from UTC, so it would be another moment on each machine"
    : "which is no moment in time";
  throw new TenfoldError(
    "TIME_INVALID",
    `${what} is ${describe(written)}, ${why}. Give milliseconds since 1970, or a text such as "2026-05-01T09:30:00Z" or "2026-05-01T09:30:00+02:00".`,
    { facts: { what } },
  );
}

/** Undefined: it is no moment; 31 February is none. */
function isoMs(text: string): number | undefined {
  const parts = ISO.exec(text);
  if (parts === null) return undefined;
  const [year, month, day, hour, minute, second] = parts.slice(1, 7).map((part) => Number(part ?? 0)) as number[];
  const [offsetHours, offsetMinutes] = parts.slice(9, 11).map((part) => Number(part ?? 0)) as number[];
  const isThere =
    month! >= 1 && month! <= 12 && day! >= 1 && day! <= daysIn(year!, month!) && hour! < 24 && minute! < 60;
  if (!isThere || second! >= 60 || offsetHours! >= 24 || offsetMinutes! >= 60) return undefined;
  const offsetMs = (parts[8] === "-" ? -1 : 1) * (offsetHours! * 60 + offsetMinutes!) * 60_000;
  return Date.UTC(year!, month! - 1, day, hour, minute, second) + Number(parts[7] ?? 0) * 1000 - offsetMs;
}

function daysIn(year: number, month: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28;
  return [4, 6, 9, 11].includes(month) ? 30 : 31;
}
