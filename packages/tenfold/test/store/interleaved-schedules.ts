/** The schedules of a small store in which verbs meet. */
import type { Advance } from "../../src/store/schedules.ts";

const WORKFLOW = "flow-plain";

/** The last two have not been seen yet. */
export const SCHEDULES = ["nightly", "hourly", "unseen", "another"].map((schedule) => {
  return { workflow: WORKFLOW, schedule };
});

/** Of a schedule, from one tick, without a run, to another. */
export function step(schedule: string, from: number | null, at: number): Advance {
  const before = from === null ? null : { at: from, run: null };
  return { workflow: WORKFLOW, schedule, from: before, to: { at, run: `run of ${at}` } };
}
