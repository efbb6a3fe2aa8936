/** What starts runs by itself: a closed union of kinds, the schedule and the event. */
import type { Calendar } from "../value/business-days.ts";
import type { Template } from "./graph.ts";

/** A moment at which a schedule starts a run. */
export interface Tick extends ScheduledInput {
  /** The day of it in the schedule's time zone: "2026-03-29". */
  readonly date: string;
}

/** What a run is given by a schedule that has no `input` of its own. */
export interface ScheduledInput {
  /** The moment as ISO 8601 in UTC: "2026-03-29T08:00:00.000Z". */
  readonly at: string;
  /** The schedule's name. */
  readonly schedule: string;
}

export type BusinessPeriod = "week" | "month" | "quarter" | "year";

/** When a schedule's ticks are. */
export type When =
  | { readonly kind: "cron"; readonly expression: string }
  /** The `nth` business day of each period, the last is -1; `atMs` is the time of day (ms). */
  | {
      readonly kind: "business-day";
      readonly nth: number;
      readonly of: BusinessPeriod;
      readonly at: string;
      readonly atMs: number;
    };

/** What becomes of a tick of a cron on a day off. */
export type OnHoliday = "skip" | "next" | "previous";
/** Which of the ticks are started that came while nothing worked. */
export type Missed = "skip" | "once" | "all";
/** What becomes of a tick while the run of the one before has not finished. */
export type Overlap = "allow" | "skip" | "queue";

/** A schedule as the engine sees it. */
export interface ScheduleDefinition {
  readonly kind: "schedule";
  readonly name: string;
  readonly when: When;
  readonly timeZone: string;
  readonly calendar: Calendar | null;
  readonly onHoliday: OnHoliday;
  readonly missed: Missed;
  readonly overlap: Overlap;
  readonly tenant: string;
  readonly input?: (tick: Tick) => unknown;
}

/** Which events start runs, and of what, as data: whoever emits one decides by it, without the workflow's code. */
export interface EventDefinition {
  readonly kind: "event";
  readonly event: string;
  /** Of the payload, which is its node 0; null: every event of this name starts a run. */
  readonly where: Template | null;
  /** The run's input, of the payload; null: the payload is the input. */
  readonly input: Template | null;
}

export type TriggerDefinition = ScheduleDefinition | EventDefinition;

declare const startsWith: unique symbol;

interface StartsWith<I> {
  readonly [startsWith]?: () => I;
}

/** A trigger that starts runs with inputs of this type. */
export type Trigger<I = unknown> = TriggerDefinition & StartsWith<I>;

/** A schedule that starts runs with inputs of this type. */
export type Schedule<I = unknown> = ScheduleDefinition & StartsWith<I>;

/** An event's trigger that starts runs with inputs of this type. */
export type EventTrigger<I = unknown> = EventDefinition & StartsWith<I>;

/** The schedules among a workflow's triggers. */
export function schedulesAmong(triggers: readonly TriggerDefinition[] = []): readonly ScheduleDefinition[] {
  return triggers.filter((trigger) => trigger.kind === "schedule");
}

/** The events among them. */
export function eventsAmong(triggers: readonly TriggerDefinition[] = []): readonly EventDefinition[] {
  return triggers.filter((trigger) => trigger.kind === "event");
}
