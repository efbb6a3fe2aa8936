/** What the runs in a driver's memory do, counted. */
import type { LiveRun } from "./live-run.ts";

/** Those that do more than wait. */
export function busyRuns(runs: ReadonlyMap<string, LiveRun>): number {
  let idle = 0;
  for (const run of runs.values()) if ((run.timers.size > 0 || run.turns.size > 0) && run.isIdle) idle++;
  return runs.size - idle;
}

export function runningBodies(runs: ReadonlyMap<string, LiveRun>): number {
  let running = 0;
  for (const run of runs.values()) for (const attempt of run.attempts.values()) if (attempt.isRunning) running++;
  return running;
}
