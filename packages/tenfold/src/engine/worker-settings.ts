/** What a worker may hold, and how often it looks. */
import type { LeaseTimes } from "./lease-keeper.ts";

export interface DriverLimits {
  /** The longest JSON text of an output (characters). */
  readonly payloadMax: number;
  /** A run that only waits, and for longer than this, is parked with the commit that made it wait. */
  readonly parkAfterMs: number;
  /** Owners that may die on a run without a new line before it is held. */
  readonly deathsMax: number;
  /** Where the store takes two commits at once: the runs of one of them. */
  readonly runsPerCommit: number;
  /** Runs in memory that wait in one line of queues, before those that come are parked. */
  readonly linedUpMax: number;
}

export interface WorkerSettings extends LeaseTimes {
  readonly limits: DriverLimits;
  /** Runs in memory that are not idle, at most. */
  readonly runsMax: number;
  /** Bytes of runs in memory; the rest waits in the store. */
  readonly memoryMax: number;
  /** Between two looks into the store, unless the last found more than it could take. */
  readonly lookGapMs: number;
  /** Until the look after a change that this worker seems to have made itself. */
  readonly ownChangeMs: number;
  /** Work is looked for at least this often, whatever was or was not notified. */
  readonly pollMs: number;
  /** The same after looks that found nothing, each twice as long after the last, where the store hears of changes. */
  readonly pollMaxMs: number;
  /** Rows in this worker's name are compared with what it holds this often. */
  readonly reconcileMs: number;
  readonly drainMs: number;
}
