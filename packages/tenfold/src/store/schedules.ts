/**
 * How far the schedules of a lane have come: a sub-port of the store, beside its post. It knows no times and no crons;
 * when a tick is, and what becomes of it, others decide.
 */

export interface ScheduleName {
  readonly workflow: string;
  readonly schedule: string;
}

/** How far a schedule has come. */
export interface Reached {
  /** Its last tick that is settled, whatever became of it, or when it was first seen (ms since 1970). */
  readonly at: number;
  /** The run that was started last, or is to be; null: none was. */
  readonly run: string | null;
}

export interface Advance extends ScheduleName {
  /** Where it is now, in both; null: it was never seen. */
  readonly from: Reached | null;
  readonly to: Reached;
}

export interface Schedules {
  /** How far each has come; null: it was never seen. */
  reached(lane: number, schedules: readonly ScheduleName[]): Promise<readonly (Reached | null)[]>;
  /**
   * Each of them once in a batch.
   * LAW: true for at most one of all who would have a schedule go on from the same place: from then on it is where
   * that one said, and whoever says otherwise changes nothing.
   */
  advance(lane: number, batch: readonly Advance[]): Promise<readonly boolean[]>;
}
