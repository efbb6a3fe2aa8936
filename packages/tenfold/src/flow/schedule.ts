/** `schedule`: a trigger by the clock, checked when it is written; what never comes is refused. */
import { isCalendar, type Calendar } from "../value/business-days.ts";
import { readCron } from "../value/cron.ts";
import { describe } from "../value/describe.ts";
import { isTenant, TENANT_MAX } from "../value/plain-name.ts";
import { readZone, type Refuse } from "./calendar.ts";
import { checkName } from "./naming.ts";
import { checkOptionNames, isAsyncFunction, refused } from "./options.ts";
import { ticksOf } from "./ticks.ts";
import type {
  BusinessPeriod,
  Missed,
  OnHoliday,
  Overlap,
  Schedule,
  ScheduleDefinition,
  ScheduledInput,
  Tick,
  When,
} from "./trigger.ts";

/** `{ businessDay: 3, at: "09:00" }`: the third business day of each month, at nine. */
export interface BusinessDayRule {
  /** From 1; the last one is -1, the one before it -2. */
  readonly businessDay: number;
  /** Of which it is counted; "month" by default, weeks begin on Monday. */
  readonly of?: BusinessPeriod;
  /** The local time of day, from "00:00" to "23:59". */
  readonly at: string;
}

export interface ScheduleOptions {
  /** What it is known by, also when its times are changed; "default" by default. */
  readonly name?: string;
  /** Where its times are local, as the IANA names it: "Europe/London"; that of the calendar by default. */
  readonly timeZone?: string;
  /** Which days are business days. */
  readonly calendar?: Calendar;
  /** A tick of a cron on a day off: "skip" (the default), or moved to the "next" or the "previous" business day. */
  readonly onHoliday?: OnHoliday;
  /**
   * Ticks that are over a minute late, because nothing worked: "once" (the default) starts the last of them, if no
   * other is due, "all" every one, "skip" none.
   */
  readonly missed?: Missed;
  /** While the run of the tick before has not finished: "allow" (the default), "skip", or "queue", which loses none. */
  readonly overlap?: Overlap;
  /** The tenant that its runs belong to. */
  readonly tenant?: string;
}

const OPTIONS = {
  known: ["name", "timeZone", "calendar", "onHoliday", "missed", "overlap", "tenant", "input"],
  later: [],
};
const RULE = { known: ["businessDay", "of", "at"], later: [] };
const PERIODS: readonly BusinessPeriod[] = ["week", "month", "quarter", "year"];
const TIME = /^([01]\d|2[0-3]):([0-5]\d)$/;
/** Any moment: from there on, whatever can come does. */
const SOME_TIME = Date.UTC(2000, 0, 1);

/**
 * A trigger by the clock: `schedule("0 9 * * 1-5", { timeZone: "Europe/London" })`. A run is given what `input` makes of
 * its tick; without one, `{ at, schedule }`.
 */
export function schedule<I>(
  when: string | BusinessDayRule,
  options: ScheduleOptions & { input(tick: Tick): I },
): Schedule<I>;
export function schedule(
  when: string | BusinessDayRule,
  options: ScheduleOptions & { readonly input?: undefined },
): Schedule<ScheduledInput>;
export function schedule(
  when: string | BusinessDayRule,
  options: ScheduleOptions & { readonly input?: ((tick: Tick) => unknown) | undefined },
): ScheduleDefinition {
  checkOptionNames("schedule", options, OPTIONS, "SCHEDULE_INVALID");
  const name = checkName("SCHEDULE_INVALID", "a schedule", options.name ?? "default");
  const owner = `schedule "${name}"`;
  const refuse: Refuse = (happened, wayOut) => refused("SCHEDULE_INVALID", owner, happened, wayOut);
  const calendar = readCalendar(options.calendar, refuse);
  const timeZone = readZone(options.timeZone ?? calendar?.timeZone, "timeZone", refuse).name;
  const overlap = readChoice("overlap", options.overlap, ["allow", "skip", "queue"], refuse);
  const missed = readChoice("missed", options.missed, ["once", "all", "skip"], refuse);
  const definition: ScheduleDefinition = {
    kind: "schedule",
    name,
    when: typeof when === "string" ? readExpression(when, timeZone, refuse) : readRule(owner, when, calendar, refuse),
    timeZone,
    calendar,
    onHoliday: readChoice("onHoliday", options.onHoliday, ["skip", "next", "previous"], refuse),
    missed: overlap === "queue" ? "all" : missed,
    overlap,
    tenant: readTenant(options.tenant, refuse),
    ...(options.input === undefined ? {} : { input: readInput(options.input, refuse) }),
  };
  checkTogether(definition, options, refuse);
  if (ticksOf(definition).next(SOME_TIME) !== null) return Object.freeze(definition);
  const off = calendar === null ? "" : ", or never on a business day";
  throw refuse(`${wordsOf(when)} never comes: there is no such day${off}`, "Correct it, or leave the schedule out.");
}

/** What one option asks for, and another does not allow. */
function checkTogether(
  { when, timeZone, calendar, overlap }: ScheduleDefinition,
  { missed, onHoliday }: ScheduleOptions,
  refuse: Refuse,
): void {
  if (overlap === "queue" && missed !== undefined && missed !== "all") {
    const happened = `its \`missed\` is "${missed}", and its \`overlap\` is "queue", which loses no tick`;
    throw refuse(happened, 'Leave `missed` out, or take `overlap: "skip"`.');
  }
  if (onHoliday === undefined) return;
  if (calendar === null) throw refuse("it has `onHoliday`, and no `calendar`", "Give it a `calendar(…)`.");
  if (when.kind === "business-day") {
    throw refuse("it has `onHoliday`, and comes on business days only", "Leave `onHoliday` out.");
  }
  const cron = readCron(when.expression, timeZone);
  if (onHoliday === "skip" || !("next" in cron) || cron.isFixedTime) return;
  const happened = `${wordsOf(when.expression)} does not name its times of day, and so cannot be moved to another day`;
  throw refuse(happened, 'Name them, as in "0 9,17 * * *", or take `onHoliday: "skip"`.');
}

function readExpression(expression: string, timeZone: string, refuse: Refuse): When {
  const cron = readCron(expression, timeZone);
  if ("next" in cron) return Object.freeze({ kind: "cron", expression: expression.trim() });
  const way =
    'Write minute, hour, day of the month, month and day of the week: "0 9 * * 1-5" is nine o\'clock on weekdays.';
  throw refuse(`${wordsOf(expression)} cannot be read: ${cron.problem}`, way);
}

function readRule(owner: string, rule: BusinessDayRule, calendar: Calendar | null, refuse: Refuse): When {
  checkOptionNames(`the rule of ${owner}`, rule, RULE, "SCHEDULE_INVALID");
  const { businessDay: nth, of = "month", at } = rule;
  if (!Number.isInteger(nth) || nth === 0) {
    const way = "Give a whole number: the first is 1, the last -1.";
    throw refuse(`its \`businessDay\` is ${describe(nth)}`, way);
  }
  if (!PERIODS.includes(of)) throw refuse(`its \`of\` is ${describe(of)}`, `Give one of ${quoted(PERIODS)}.`);
  const time = typeof at === "string" ? TIME.exec(at) : null;
  if (time === null) throw refuse(`its \`at\` is ${describe(at)}`, 'Give a time of day: "09:00".');
  if (calendar === null) {
    throw refuse("it is by business days, and has no `calendar`", "Give it a `calendar(…)`: that knows the days off.");
  }
  const atMs = (Number(time[1]) * 60 + Number(time[2])) * 60_000;
  return Object.freeze({ kind: "business-day", nth, of, at, atMs });
}

function readCalendar(calendar: unknown, refuse: Refuse): Calendar | null {
  if (calendar === undefined) return null;
  if (isCalendar(calendar)) return calendar;
  throw refuse(`its \`calendar\` is ${describe(calendar)}`, "Give what `calendar(…)` answered.");
}

function readTenant(tenant: unknown, refuse: Refuse): string {
  if (tenant === undefined || isTenant(tenant)) return tenant ?? "";
  throw refuse(
    `its \`tenant\` is ${describe(tenant)}`,
    `Give a tenant's name: up to ${TENANT_MAX} characters, none of them NUL.`,
  );
}

function readInput(input: unknown, refuse: Refuse): (tick: Tick) => unknown {
  const way = "Give a plain function of the tick; what has to be fetched is the work of a step.";
  if (typeof input !== "function") throw refuse(`its \`input\` is ${describe(input)}`, way);
  if (isAsyncFunction(input)) throw refuse("its `input` is async, and what it answers is needed at once", way);
  return input as (tick: Tick) => unknown;
}

/** The first of `values` is the default. */
function readChoice<T extends string>(option: string, given: unknown, values: readonly T[], refuse: Refuse): T {
  if (given === undefined) return values[0]!;
  const chosen = values.find((value) => value === given);
  if (chosen !== undefined) return chosen;
  throw refuse(`its \`${option}\` is ${describe(given)}`, `Give one of ${quoted(values)}.`);
}

function quoted(values: readonly string[]): string {
  return values.map((value) => `"${value}"`).join(", ");
}

function wordsOf(when: string | BusinessDayRule): string {
  return typeof when === "string" ? `its cron ${describe(when)}` : `business day ${when.businessDay}`;
}
