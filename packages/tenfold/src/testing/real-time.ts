/**
 * Real time, as it was when this was loaded: a test may put a clock of its own in the place of the machine's, and what waits
 * for bodies still has to see them settle.
 */
import { clearTimeout, setImmediate, setTimeout } from "node:timers";

const TIMER_MAX_MS = 2 ** 31 - 1;

const [startTimer, stopTimer] = [setTimeout, clearTimeout];

/** Calls back once all that is due in this turn of the loop has happened. */
export const whenIdle = setImmediate;

/** Ms since whenever; only ever passes. */
export const realNow = performance.now.bind(performance);

/** Calls back after about so long, or earlier where that is more than a timer can wait; answers how to take it back. */
export function afterRealMs(ms: number, callback: () => void): () => void {
  const timer = startTimer(callback, Math.min(ms, TIMER_MAX_MS));
  return () => stopTimer(timer);
}
