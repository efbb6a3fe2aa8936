/**
 * How fast something may start: the generic cell rate algorithm (ATM Forum, Traffic Management 4.0; ITU-T I.371).
 * What a bucket knows is one number, its theoretical arrival time `tat`: when it will be full again (ms).
 * Invariants: in any window of w ms at most burst + w * count / perMs is taken, with numbers as they are rounded: what has
 * to be rounded is rounded so that less is taken, by one part in 10^15 of the moment (at times since 1970, 10,000 a second
 * lose one start in 200); whoever takes whenever it may loses nothing else.
 */
import { fillMs, type Rate } from "../../value/rate.ts";

/** From when on `cost` may be taken; never, where it is more than the bucket holds. */
export function readyAt(tat: number, rate: Rate, cost: number): number {
  if (cost > rate.burst) return Infinity;
  const spareMs = msFor(rate, rate.burst - cost, -1);
  return sumUp(tat, -spareMs);
}

/** The bucket after `cost` was taken at `now`, which is not before `readyAt`. */
export function taken(tat: number, rate: Rate, cost: number, now: number): number {
  return sumUp(Math.max(tat, now), msFor(rate, cost, 1));
}

/**
 * The bucket when it is known, at `now`, that `more` was spent than was taken (less, if it is negative). More counts from now
 * on, also if the bucket was full meanwhile: it may be owed beyond the burst. Less lets others start sooner, but nothing
 * that the bucket had lost by being full.
 */
export function corrected(tat: number, rate: Rate, more: number, now: number): number {
  return more > 0 ? taken(tat, rate, more, now) : sumUp(tat, -msFor(rate, -more, -1));
}

/** How much of it is taken and has not come again. */
export function owedAt(tat: number, { count, perMs }: Rate, now: number): number {
  return (Math.max(0, tat - now) * count) / perMs;
}

/** The bucket under another rate, at `now`: as much of it is taken as was, and not more than all. */
export function converted(tat: number, from: Rate, to: Rate, now: number): number {
  const isSame = from.count === to.count && from.perMs === to.perMs && from.burst === to.burst;
  if (isSame || tat <= now) return tat;
  return sumUp(now, Math.min(msFor(to, owedAt(tat, from, now), 1), fillMs(to)));
}

/** A bucket as it was written by its owner, by that owner's clock. */
export interface KeptBucket {
  readonly tat: number;
  readonly at: number;
}

/** A bucket that fills up sooner is not worth writing: a new owner waits until it must be full. */
const KEPT_FROM_MS = 1000;

/** By how much two clocks that are meant to be the same are believed to differ. */
export const DOUBT_MS = 60_000;

/** Whether the buckets of `rate` outlive their owner. */
export function isKept(rate: Rate): boolean {
  return fillMs(rate) > KEPT_FROM_MS;
}

/** A bucket that was kept, for a new owner with a clock of its own: the first minute since it was written is doubted. */
export function resumed(kept: KeptBucket, rate: Rate, now: number): number {
  const passedMs = Math.max(0, now - kept.at - DOUBT_MS);
  const owedMs = kept.tat - kept.at - passedMs;
  return sumUp(now, Math.min(Math.max(0, owedMs), fillMs(rate)));
}

/** A bucket of which nothing was kept, though somebody may have used it: all of its burst is taken. */
export function unknown(rate: Rate, now: number): number {
  return sumUp(now, msFor(rate, rate.burst, 1));
}

/** How long (ms) `cost` takes to come; where it has no exact number, a little more (`side` 1) or less (-1). */
function msFor(rate: Rate, cost: number, side: 1 | -1): number {
  const product = cost * rate.perMs;
  const ms = product / rate.count;
  const isExact = Number.isInteger(cost) && Number.isSafeInteger(product) && product % rate.count === 0;
  return isExact ? ms : ms * (1 + side * 4 * Number.EPSILON);
}

/** The sum, rounded up: an error that is added a million times would otherwise always be on the same side (Knuth's TwoSum). */
function sumUp(a: number, b: number): number {
  const sum = a + b;
  const part = sum - a;
  const lost = a - (sum - part) + (b - part);
  return lost > 0 ? sum + Math.abs(sum) * Number.EPSILON : sum;
}
