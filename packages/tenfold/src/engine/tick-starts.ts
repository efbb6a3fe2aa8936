/**
 * The start of a tick's run, made the same way whoever makes it.
 * Invariant: its key names the schedule and the tick, so that a tick is one run, however many workers, and whoever
 * fills in later what was missed.
 */
import type { WorkflowDefinition } from "../flow/definition.ts";
import { ticksOf, type Ticks } from "../flow/ticks.ts";
import { schedulesAmong, type ScheduleDefinition } from "../flow/trigger.ts";
import type { ScheduleName } from "../store/schedules.ts";
import type { StartAnswer } from "../store/store.ts";
import { instantText } from "../value/day.ts";
import { TenfoldError } from "../value/error.ts";
import { hash32 } from "../value/hash.ts";
import { zoneOf, type Zone } from "../value/zone.ts";
import { refusalOf, type PreparedStart } from "./start.ts";
import type { Starts } from "./starts.ts";

/** A schedule with the workflow that it starts. */
export interface Scheduled {
  readonly definition: WorkflowDefinition;
  readonly schedule: ScheduleDefinition;
  readonly ticks: Ticks;
}

/** The schedules of some workflows; those of one time zone share it, since a zone takes much of memory. */
export function schedulesOf(definitions: Iterable<WorkflowDefinition>): readonly Scheduled[] {
  const zones = new Map<string, Zone | undefined>();
  const zoneNamed = (name: string): Zone | undefined => {
    if (!zones.has(name)) zones.set(name, zoneOf(name));
    return zones.get(name);
  };
  return [...definitions].flatMap((definition) =>
    schedulesAmong(definition.triggers).map((schedule) => {
      return { definition, schedule, ticks: ticksOf(schedule, zoneNamed(schedule.timeZone)) };
    }),
  );
}

export function nameOf({ definition, schedule }: Scheduled): ScheduleName {
  return { workflow: definition.name, schedule: schedule.name };
}

/** The lane in which it is kept how far a schedule has come. */
export function laneOfSchedule(scheduled: Scheduled, lanes: number): number {
  const { workflow, schedule } = nameOf(scheduled);
  return hash32(`${workflow}\n${schedule}`) % lanes;
}

/** Of a tick's run. */
export function tickKey({ schedule }: Scheduled, at: number): string {
  return `schedule/${schedule.name}/${instantText(at)}`;
}

/** Rejects with what is wrong with the tick's input. */
export async function prepareTick(
  scheduled: Scheduled,
  at: number,
  starts: Pick<Starts, "prepare">,
): Promise<PreparedStart> {
  const { definition, schedule } = scheduled;
  const options = { key: tickKey(scheduled, at), tenant: schedule.tenant };
  return starts.prepare(definition, inputOf(scheduled, at), options);
}

function inputOf({ definition, schedule, ticks }: Scheduled, at: number): unknown {
  const tick = ticks.tick(at);
  if (schedule.input === undefined) return { at: tick.at, schedule: tick.schedule };
  try {
    return schedule.input(tick);
  } catch (thrown) {
    const reason = thrown instanceof Error ? thrown.message : String(thrown);
    throw new TenfoldError(
      "INPUT_INVALID",
      `The \`input\` of schedule "${schedule.name}" of workflow "${definition.name}" threw on the tick ${tick.at}: ${reason}; no run was started. Correct it.`,
      { facts: { workflow: definition.name, schedule: schedule.name, tick: tick.at }, cause: thrown },
    );
  }
}

export interface TickRun {
  readonly run: string;
  /** It was started now, and by this call. */
  readonly isNew: boolean;
}

/** The runs of ticks, each started if there is none under its key yet; in the order given. */
export async function startTicks(prepared: readonly PreparedStart[], starts: Starts): Promise<readonly TickRun[]> {
  const answers = new Map<PreparedStart, StartAnswer>();
  const inLane = async (lane: number, group: readonly PreparedStart[]): Promise<void> => {
    const answered = await starts.add(
      lane,
      group.map(({ start }) => start),
    );
    group.forEach((each, nth) => answers.set(each, answered[nth]!));
  };
  await Promise.all([...Map.groupBy(prepared, ({ lane }) => lane)].map(([lane, group]) => inLane(lane, group)));
  return prepared.map((each) => {
    const answer = answers.get(each)!;
    if (answer.kind === "started") return { run: each.start.id, isNew: true };
    if (answer.kind === "locked") throw refusalOf(each.start, answer);
    // Under another input too it is the tick's run: code has changed since it was started.
    return { run: answer.run, isNew: false };
  });
}
