/**
 * How fast something may happen, as people write it ("100/s", "20/min burst 5", "0.5/s"): a count in a time, and how many may
 * come at once.
 */
import { unitMsOf } from "./duration.ts";
import { TenfoldError } from "./error.ts";

/** `count` in every `perMs` milliseconds, and up to `burst` of them at once. */
export interface Rate {
  readonly count: number;
  readonly perMs: number;
  readonly burst: number;
}

/** One name for each unit: that which rates are written with. */
const UNITS = ["ms", "s", "min", "h", "day", "week"] as const;

/** Beyond these a rate means nothing, and its numbers are not told in plain digits. */
const COUNT_LEAST = 0.001;
const COUNT_MOST = 1e9;

/** As many as come in this time may come at once where nothing else is said. */
const BURST_MS = 100;

const PATTERN = /^\s*(\d+(?:\.\d+)?)\s*\/\s*([A-Za-z]+)(?:\s+burst\s+(\d+(?:\.\d+)?))?\s*$/;

/** The rate that `text` says; throws RATE_INVALID, naming `what` it was given for. */
export function rateOf(text: string, what = "a rate"): Rate {
  const found = typeof text === "string" ? PATTERN.exec(text) : null;
  if (found === null) throw invalid(text, what, "which is no rate");
  const [, amount, unit, most] = found;
  const perMs = unitMsOf(unit!);
  if (perMs === undefined) {
    throw invalid(text, what, `and "${unit}" is no unit of time: there are ${UNITS.join(", ")}`);
  }
  const count = Number(amount);
  if (count === 0) throw invalid(text, what, "so nothing would ever start");
  if (count < COUNT_LEAST || count > COUNT_MOST) {
    throw invalid(text, what, `and a rate counts from ${COUNT_LEAST} to ${COUNT_MOST}: take another unit of time`);
  }
  const burst = most === undefined ? burstOf(count, perMs) : Number(most);
  if (!Number.isInteger(burst) || burst < 1 || burst > COUNT_MOST) {
    throw invalid(text, what, `and a burst is a whole number from 1 to ${COUNT_MOST}`);
  }
  return Object.freeze({ count, perMs, burst });
}

function burstOf(count: number, perMs: number): number {
  return Math.min(COUNT_MOST, Math.max(1, Math.floor((count * BURST_MS) / perMs)));
}

function invalid(text: unknown, what: string, why: string): TenfoldError {
  return new TenfoldError(
    "RATE_INVALID",
    `${what} is ${JSON.stringify(text)}, ${why}; it was not taken. Write for example "100/s", "20/min burst 5" or "0.5/s".`,
    { facts: { rate: text, what } },
  );
}

/** `rate` as `rateOf` reads it; the burst is told where it is not what it would be anyway. */
export function rateText({ count, perMs, burst }: Rate): string {
  const unit = UNITS.find((unit) => unitMsOf(unit) === perMs);
  const often = unit === undefined ? `${(count * 1000) / perMs}/s` : `${count}/${unit}`;
  return burst === burstOf(count, perMs) ? often : `${often} burst ${burst}`;
}

/** How long (ms) a bucket of which all was taken needs to be full again. */
export function fillMs({ count, perMs, burst }: Rate): number {
  return (burst * perMs) / count;
}
