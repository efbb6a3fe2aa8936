/** What a worker may hold, and how often it looks. */
import type { DriverLimits } from "./driver.ts";
import type { LeaseTimes } from "./lease-keeper.ts";

export interface WorkerSettings extends LeaseTimes {
  readonly limits: DriverLimits;
  /** Runs in memory that are not idle, at most. */
  readonly runsMax: number;
  /** Bytes of runs in memory; the rest waits in the store. */
  readonly memoryMax: number;
  /** Work is looked for at least this often, whatever was or was not notified. */
  readonly pollMs: number;
  /** The same after looks that found nothing, each twice as long after the last, where the store hears of changes. */
  readonly pollMaxMs: number;
  /** Rows in this worker's name are compared with what it holds this often. */
  readonly reconcileMs: number;
  readonly drainMs: number;
}
