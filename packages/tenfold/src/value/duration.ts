/** Durations as people write them ("300ms", "10s", "2m", "1h 30m", "3 days"), in milliseconds. */
import { TenfoldError } from "./error.ts";

const UNIT_MS: Readonly<Record<string, number>> = {
  ms: 1,
  millisecond: 1,
  milliseconds: 1,
  s: 1000,
  sec: 1000,
  second: 1000,
  seconds: 1000,
  m: 60_000,
  min: 60_000,
  minute: 60_000,
  minutes: 60_000,
  h: 3_600_000,
  hour: 3_600_000,
  hours: 3_600_000,
  d: 86_400_000,
  day: 86_400_000,
  days: 86_400_000,
  w: 604_800_000,
  week: 604_800_000,
  weeks: 604_800_000,
};

/** The milliseconds of a unit as it is written in a duration: "m", "min", "minutes"; undefined for what is none. */
export function unitMsOf(unit: string): number | undefined {
  return Object.hasOwn(UNIT_MS, unit) ? UNIT_MS[unit] : undefined;
}

/** A duration such as "10s" or "3 days"; a plain number is milliseconds. */
export type Duration = string | number;

/** The milliseconds of `duration`; throws DURATION_INVALID, naming `what` it was given for. */
export function durationMs(duration: Duration, what = "a duration"): number {
  if (typeof duration === "number") {
    if (Number.isFinite(duration) && duration >= 0) return duration;
    throw invalid(duration, what);
  }
  const pattern = /\s*(\d+(?:\.\d+)?)\s*([a-z]+)/gy;
  let total = 0;
  let end = 0;
  for (let found = pattern.exec(duration); found !== null; found = pattern.exec(duration)) {
    const unitMs = unitMsOf(found[2]!);
    if (unitMs === undefined) throw invalid(duration, what);
    total += Number(found[1]) * unitMs;
    end = pattern.lastIndex;
  }
  if (end === 0 || duration.slice(end).trim() !== "" || !Number.isFinite(total)) throw invalid(duration, what);
  return total;
}

function invalid(duration: unknown, what: string): TenfoldError {
  return new TenfoldError(
    "DURATION_INVALID",
    `${what} is ${JSON.stringify(duration)}, which is no duration. Write for example "300ms", "10s", "1h 30m" or "3 days".`,
    { facts: { duration, what } },
  );
}

const EXACT: readonly (readonly [string, number])[] = [
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["m", 60_000],
  ["s", 1000],
  ["ms", 1],
];

/** `ms` to the millisecond, as `durationMs` reads it: "3d", "1h 30m", "1s 437ms"; "0s" for none. */
export function durationText(ms: number): string {
  let rest = Math.round(ms);
  const parts: string[] = [];
  for (const [unit, unitMs] of EXACT) {
    const count = Math.floor(rest / unitMs);
    if (count > 0) parts.push(`${count}${unit}`);
    rest -= count * unitMs;
  }
  return parts.length === 0 ? "0s" : parts.join(" ");
}

/** `ms` for a person: "340 ms", "12.4 s", "3 m 20 s", "2 h 5 m", "4 d 2 h". */
export function formatDuration(ms: number): string {
  if (ms < 1) return `${ms.toFixed(2)} ms`;
  if (ms < 999.5) return `${Math.round(ms)} ms`;
  if (ms < 99_950) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 3600) return pair(seconds, 60, "m", "s");
  const minutes = Math.round(seconds / 60);
  if (minutes < 1440) return pair(minutes, 60, "h", "m");
  return pair(Math.round(minutes / 60), 24, "d", "h");
}

function pair(count: number, per: number, large: string, small: string): string {
  const rest = count % per;
  return rest === 0 ? `${Math.floor(count / per)} ${large}` : `${Math.floor(count / per)} ${large} ${rest} ${small}`;
}
