/**
 * When a failed attempt is made again: exponential or constant delay with full jitter, and a budget.
 * Sources: "Exponential Backoff And Jitter" (M. Brooker, AWS, 2015) for full jitter; retry budgets after Finagle.
 * Invariants: a spent budget delays a retry, it never gives up one; a probe has a second of its own, the first free
 * one from when it is due, so that one that is due in an hour delays none that is due before it.
 */
import type { RetryOptions } from "../flow/definition.ts";
import { durationMs } from "../value/duration.ts";

export interface RetryPolicy {
  readonly attemptsMax: number;
  readonly backoff: "exponential" | "constant";
  readonly firstMs: number;
  readonly maxMs: number;
  readonly jitter: "full" | "none";
  /** The share of attempts that may be retries, 0 to 1; null: no budget. */
  readonly budget: number | null;
}

export const DEFAULT_RETRY: RetryPolicy = {
  attemptsMax: 3,
  backoff: "exponential",
  firstMs: 1000,
  maxMs: 300_000,
  jitter: "full",
  budget: null,
};

/** What checked options come to. */
export function retryPolicy(options: RetryOptions): RetryPolicy {
  return {
    attemptsMax: options.attempts ?? DEFAULT_RETRY.attemptsMax,
    backoff: options.backoff ?? DEFAULT_RETRY.backoff,
    firstMs: options.first === undefined ? DEFAULT_RETRY.firstMs : durationMs(options.first),
    maxMs: options.max === undefined ? DEFAULT_RETRY.maxMs : durationMs(options.max),
    jitter: options.jitter ?? DEFAULT_RETRY.jitter,
    budget: options.budget === undefined ? null : Number.parseFloat(options.budget) / 100,
  };
}

export interface FailedAttempt {
  /** Counted from 1, since the node began or was last retried by a person. */
  readonly number: number;
  readonly failedAt: number;
  /** The error is final whatever the policy says. */
  readonly isFinal: boolean;
}

export type RetryVerdict = { readonly kind: "give-up" } | { readonly kind: "again"; readonly at: number };

/** Whether and when the attempt after `attempt` starts; `random` is in [0, 1). */
export function nextAttempt(attempt: FailedAttempt, policy: RetryPolicy, random: number): RetryVerdict {
  if (attempt.isFinal || attempt.number >= policy.attemptsMax) return { kind: "give-up" };
  const delayMs = backoffMs(attempt.number, policy);
  return { kind: "again", at: attempt.failedAt + Math.round(policy.jitter === "full" ? delayMs * random : delayMs) };
}

/** All the delays between its attempts together, each as long as it may be. */
export function backoffsMs(policy: RetryPolicy): number {
  let total = 0;
  for (let number = 1; number < policy.attemptsMax; number++) {
    const delayMs = backoffMs(number, policy);
    // From here on they are all alike, however many there are.
    if (policy.backoff === "constant" || delayMs === policy.maxMs || number > DOUBLINGS_MOST) {
      return total + delayMs * (policy.attemptsMax - number);
    }
    total += delayMs;
  }
  return total;
}

function backoffMs(number: number, policy: RetryPolicy): number {
  if (policy.backoff === "constant") return Math.min(policy.firstMs, policy.maxMs);
  return Math.min(policy.maxMs, policy.firstMs * 2 ** Math.min(number - 1, DOUBLINGS_MOST));
}

/** More of them are beyond every `max`. */
const DOUBLINGS_MOST = 50;

/** What a step's retries may still spend on this worker. */
export interface RetryBudget {
  readonly share: number;
  tokens: number;
  /** The seconds that have their probe, each with one from which on to look for a free second. */
  readonly probes: Map<number, number>;
}

/** Retries that a budget allows before any attempt was made: so that a quiet step may retry at all. */
const RESERVE_TOKENS = 10;
const PROBE_EVERY_MS = 1000;

export function newBudget(share: number): RetryBudget {
  return { share, tokens: RESERVE_TOKENS, probes: new Map() };
}

/** A first attempt was made: it earns its share of a retry. */
export function earn(budget: RetryBudget): void {
  budget.tokens = Math.min(budget.tokens + budget.share, RESERVE_TOKENS * 10);
}

/** Spends a retry that is due at `at`: that time, or a probe's if the budget is spent. Seconds before `now` are over. */
export function spend(budget: RetryBudget, at: number, now: number): number {
  if (budget.tokens >= 1) {
    budget.tokens -= 1;
    return at;
  }
  forgetBefore(budget.probes, Math.floor(now / PROBE_EVERY_MS));
  return takeFirstFree(budget.probes, Math.ceil(at / PROBE_EVERY_MS)) * PROBE_EVERY_MS;
}

/** In the order in which they were taken, up to the first that is still to come: that is cheap, and enough. */
function forgetBefore(probes: Map<number, number>, second: number): void {
  for (const taken of probes.keys()) {
    if (taken >= second) return;
    probes.delete(taken);
  }
}

/** Follows the taken seconds to the first free one, and shortens the way for the next: a disjoint-set forest. */
function takeFirstFree(probes: Map<number, number>, from: number): number {
  let free = from;
  for (let next = probes.get(free); next !== undefined; next = probes.get(free)) free = next;
  for (let at = from; at < free;) {
    const next = probes.get(at)!;
    probes.set(at, free);
    at = next;
  }
  probes.set(free, free + 1);
  return free;
}
