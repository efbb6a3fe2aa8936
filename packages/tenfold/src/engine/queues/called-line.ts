/** The line of those that are called up: so many of a key, and of all, are loaded and wait, and no more. It has no rates. */
import { newLine, type Line, type LineLimits } from "../../core/queues/line-state.ts";

/** Runs of one line that were called up and wait, at most, if so many may be in memory; those of one key that has limits of its own. */
const CALLED_MAX = 500;
const CALLED_OF_KEY = 16;
/** So many batches of one key, or of all: the next is complete when one begins. */
const BATCHES_CALLED = 2;
/** It needs no time. */
export const NO_TIME = 0;

export function calledLine(queues: readonly string[], limits: LineLimits, linedUpMax: number): Line {
  const unlimited = { concurrency: null, rate: null };
  let called = CALLED_MAX;
  const bounds = queues.map((queue) => {
    const of = limits.queues.find((each) => each.queue === queue);
    const inBatches = BATCHES_CALLED * (of?.batch?.max ?? 0);
    called = Math.max(called, inBatches);
    const perKey = { concurrency: Math.max(CALLED_OF_KEY, inBatches), rate: null };
    return { queue, own: unlimited, per: (of?.per ?? null) === null ? null : perKey };
  });
  return newLine({ shared: { concurrency: Math.min(called, linedUpMax), rate: null }, queues: bounds }, NO_TIME, true);
}
