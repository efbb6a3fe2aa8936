/**
 * When bodies begin that were permitted: the buckets of a line once more, as of the moments at which bodies began. A permission
 * may wait for a slot, for its bucket to be kept, or for what is to be durable before its body: without this, those that waited
 * would begin together.
 * Invariants: in any window no more begin than burst and rate allow, however late each of them is; a bucket is kept as it is with
 * all that have begun and all that may begin yet, so that a new owner starts nothing too early after bodies that were late.
 */
import type { Rate } from "../../value/rate.ts";
import { converted, corrected, isKept, owedAt, resumed, taken, type KeptBucket } from "./bucket.ts";
import type { LineLimits, Waiting } from "./line-state.ts";
import { giveBack, newTroughs, noteLevel, type Troughs } from "./troughs.ts";
import { givesAt } from "./turns.ts";

export interface Beginnings {
  limits: LineLimits;
  /** The buckets, by what they are of; one that is not there is full. */
  readonly tats: Map<string, number>;
  /** How low those buckets were since bodies began, and how many did. */
  readonly troughs: Map<string, Troughs>;
  count: number;
  /** As which of them, for what they give back. */
  readonly nths: WeakMap<Waiting, number>;
  /** Permitted, and has not begun. */
  readonly pending: Set<Waiting>;
  /** With so many it is worth looking for those that are full. */
  sweepAt: number;
}

const SWEEP_LEAST = 1024;
const SHARED = "[]";

export function newBeginnings(limits: LineLimits): Beginnings {
  return {
    limits,
    tats: new Map(),
    troughs: new Map(),
    count: 0,
    nths: new WeakMap(),
    pending: new Set(),
    sweepAt: SWEEP_LEAST,
  };
}

/** From when on its body may begin. */
export function beginsAt(beginnings: Beginnings, waiting: Waiting): number {
  let at = -Infinity;
  for (const [scope, rate] of ratesOf(beginnings.limits, waiting)) {
    at = Math.max(at, givesAt(beginnings.tats.get(scope) ?? -Infinity, rate, waiting.cost));
  }
  return at;
}

/** Its body begins, or that of `all`, which are one body. */
export function began(
  beginnings: Beginnings,
  waiting: Waiting,
  now: number,
  all: readonly Waiting[] = [waiting],
): void {
  const { tats, troughs } = beginnings;
  const rates = ratesOf(beginnings.limits, waiting);
  if (rates.length === 0) return;
  const nth = ++beginnings.count;
  for (const each of all) beginnings.nths.set(each, nth);
  for (const [scope, rate] of rates) {
    const tat = tats.get(scope) ?? now;
    let ofScope = troughs.get(scope);
    if (ofScope === undefined) troughs.set(scope, (ofScope = newTroughs()));
    noteLevel(ofScope, nth, owedAt(tat, rate, now));
    tats.set(scope, taken(tat, rate, waiting.cost, now));
  }
  if (tats.size < beginnings.sweepAt) return;
  for (const [scope, tat] of tats) {
    if (tat > now) continue;
    tats.delete(scope);
    troughs.delete(scope);
  }
  beginnings.sweepAt = Math.max(SWEEP_LEAST, 2 * tats.size);
}

/** It has cost `more` than it said; less, if that is negative. */
export function beganWith(beginnings: Beginnings, waiting: Waiting, more: number, now: number): void {
  const { tats, troughs } = beginnings;
  for (const [scope, rate] of ratesOf(beginnings.limits, waiting)) {
    const tat = tats.get(scope) ?? now;
    const by = more > 0 ? more : -unspent(beginnings, troughs.get(scope), waiting, -more, owedAt(tat, rate, now));
    if (by !== 0) tats.set(scope, corrected(tat, rate, by, now));
  }
}

/** How much of it is given back; nothing of what began before the bucket was forgotten, since it was full then. */
function unspent(
  { nths }: Beginnings,
  of: Troughs | undefined,
  waiting: Waiting,
  amount: number,
  owed: number,
): number {
  const nth = nths.get(waiting);
  return of === undefined || nth === undefined ? 0 : giveBack(of, nth, amount, owed);
}

/** Goes on with a bucket that was kept; `now` is by a clock of the same kind as that which wrote it. */
export function restoreBeginnings(beginnings: Beginnings, scope: string, kept: KeptBucket, now: number): void {
  const rate = rateOf(beginnings.limits, scope);
  if (rate !== null && isKept(rate)) beginnings.tats.set(scope, resumed(kept, rate, now));
}

/** The buckets, by what they are of, if all that is permitted began now; one that is not there is full. */
export function withPending({ limits, tats, pending }: Beginnings, now: number): (scope: string) => number {
  const then = new Map<string, number>();
  for (const waiting of pending) {
    for (const [scope, rate] of ratesOf(limits, waiting)) {
      then.set(scope, taken(then.get(scope) ?? tats.get(scope) ?? now, rate, waiting.cost, now));
    }
  }
  return (scope) => then.get(scope) ?? tats.get(scope) ?? -Infinity;
}

/** Other limits hold from now on. */
export function limitBeginnings(beginnings: Beginnings, limits: LineLimits, now: number): void {
  const before = beginnings.limits;
  beginnings.limits = limits;
  for (const [scope, tat] of beginnings.tats) {
    const [from, to] = [rateOf(before, scope), rateOf(limits, scope)];
    if (from !== to) beginnings.troughs.delete(scope);
    if (from === null || to === null) beginnings.tats.delete(scope);
    else if (from !== to) beginnings.tats.set(scope, converted(tat, from, to, now));
  }
}

function ratesOf({ shared, queues }: LineLimits, { queue, key }: Waiting): readonly (readonly [string, Rate])[] {
  const limits = queues.find((each) => each.queue === queue);
  const [ofQueue, ofKey, ofAll] = [limits?.own.rate ?? null, limits?.per?.rate ?? null, shared?.rate ?? null];
  const rates: (readonly [string, Rate])[] = [];
  if (ofAll !== null) rates.push([SHARED, ofAll]);
  if (ofQueue !== null) rates.push([JSON.stringify([queue]), ofQueue]);
  if (ofKey !== null) rates.push([JSON.stringify([queue, key]), ofKey]);
  return rates;
}

function rateOf({ shared, queues }: LineLimits, scope: string): Rate | null {
  if (scope === SHARED) return shared?.rate ?? null;
  const [name, key] = JSON.parse(scope) as readonly string[];
  const limits = queues.find(({ queue }) => queue === name);
  return (key === undefined ? limits?.own.rate : limits?.per?.rate) ?? null;
}
