/** Schedules as a user sees them: how far each has come, and what comes next. */
import type { WorkflowDefinition } from "../flow/definition.ts";
import type { ScheduleDefinition } from "../flow/trigger.ts";
import type { Reached } from "../store/schedules.ts";
import type { Store } from "../store/store.ts";
import { isUnreached } from "./passing.ts";
import { isMissing } from "./listing.ts";
import { laneOfSchedule, nameOf, schedulesOf, type Scheduled } from "./tick-starts.ts";

export interface ScheduleView {
  readonly workflow: string;
  readonly schedule: ScheduleDefinition;
  /** The last tick that is settled, whatever became of it (ms since 1970); null: none since it was first seen. */
  readonly last: number | null;
  /** The run that was started last. */
  readonly run: string | null;
  /** The next ticks (ms since 1970). */
  readonly next: readonly number[];
}

const NEXT_MAX = 1000;

/** The schedules of workflows with their next `count` ticks after `now`; of a store that is not there (null) nothing is told. */
export async function viewSchedules(
  definitions: Iterable<WorkflowDefinition>,
  store: Store | null,
  now: number,
  count: number,
): Promise<readonly ScheduleView[]> {
  const schedules = schedulesOf(definitions);
  const reached = new Map<Scheduled, Reached | null>();
  const lanes = store === null ? [] : [...Map.groupBy(schedules, (each) => laneOfSchedule(each, store.lanes))];
  for (const [lane, group] of lanes) {
    const found = await reachedIn(store!, lane, group);
    group.forEach((each, nth) => reached.set(each, found[nth] ?? null));
  }
  return schedules.map((scheduled) => {
    const { definition, schedule, ticks } = scheduled;
    const { at, run } = reached.get(scheduled) ?? { at: null, run: null };
    const isTick = at !== null && (run !== null || ticks.next(at - 1) === at);
    const next = ticks.between(now, Infinity, Math.min(count, NEXT_MAX));
    return { workflow: definition.name, schedule, last: isTick ? at : null, run, next };
  });
}

/** Nothing of a lane that is known to be out of reach. */
async function reachedIn(
  store: Store,
  lane: number,
  group: readonly Scheduled[],
): Promise<readonly (Reached | null)[]> {
  try {
    return await store.schedules.reached(lane, group.map(nameOf));
  } catch (thrown) {
    if (isUnreached(thrown) && isMissing(store, lane)) return [];
    throw thrown;
  }
}
