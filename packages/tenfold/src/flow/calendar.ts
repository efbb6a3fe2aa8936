/** `calendar`: which days are business days somewhere, checked when it is written. */
import { WEEKDAYS, type Calendar, type Weekday } from "../value/business-days.ts";
import { dayText, readDay } from "../value/day.ts";
import { describe } from "../value/describe.ts";
import { nearestName } from "../value/nearest.ts";
import type { TenfoldError } from "../value/error.ts";
import { zoneNames, zoneOf, type Zone } from "../value/zone.ts";
import { checkOptionNames, refused } from "./options.ts";

export interface CalendarOptions {
  /** What people call it: "England and Wales". */
  readonly name?: string;
  /** Where its days begin and end, as the IANA names it: "Europe/London". */
  readonly timeZone: string;
  /** The days of the week that are off; Saturday and Sunday by default. */
  readonly weekend?: readonly Weekday[];
  /** Days off, such as "2026-12-25", or several, such as "2026-12-24/2027-01-01", both of them off. */
  readonly holidays: readonly string[];
}

const OPTIONS = { known: ["name", "timeZone", "weekend", "holidays"], later: [] };
/** Of one range: longer ones are mistyped years. */
const RANGE_DAYS_MAX = 366;
const HOLIDAYS_MAX = 10_000;

/** A calendar of business days, for schedules and for sleeps. */
export function calendar(options: CalendarOptions): Calendar {
  const owner = typeof options?.name === "string" ? `calendar "${options.name}"` : "calendar";
  checkOptionNames(owner, options, OPTIONS, "CALENDAR_INVALID");
  const { name, timeZone, weekend = ["saturday", "sunday"], holidays } = options;
  const refuse = (happened: string, wayOut: string): TenfoldError =>
    refused("CALENDAR_INVALID", owner, happened, wayOut);
  if (name !== undefined && (typeof name !== "string" || name === "")) {
    throw refuse(`its \`name\` is ${describe(name)}`, "Give a text, or leave it out.");
  }
  return Object.freeze<Calendar>({
    name: name ?? null,
    timeZone: readZone(timeZone, "timeZone", refuse).name,
    weekend: Object.freeze(readWeekend(weekend, refuse)),
    holidays: Object.freeze(readHolidays(holidays, refuse)),
  });
}

export type Refuse = (happened: string, wayOut: string) => TenfoldError;

/** The zone that an option names. */
export function readZone(name: unknown, option: string, refuse: Refuse): Zone {
  const zone = typeof name === "string" && name !== "" ? zoneOf(name) : undefined;
  if (zone !== undefined) return zone;
  const nearest = typeof name === "string" ? nearestName(name, zoneNames()) : undefined;
  const way = nearest === undefined ? 'Give a name such as "Europe/London".' : `Did you mean "${nearest}"?`;
  throw refuse(
    name === undefined
      ? `its \`${option}\` is missing, and it would mean another time on each machine`
      : `its \`${option}\` is ${describe(name)}, which is no time zone`,
    way,
  );
}

function readWeekend(weekend: unknown, refuse: Refuse): Weekday[] {
  const way = 'Give a list of days: `["saturday", "sunday"]`; an empty one for a week without days off.';
  if (!Array.isArray(weekend)) throw refuse(`its \`weekend\` is ${describe(weekend)}`, way);
  const unknown = weekend.find((day) => !WEEKDAYS.includes(day));
  if (unknown !== undefined) throw refuse(`its \`weekend\` has ${describe(unknown)}, which is no day of the week`, way);
  const days = WEEKDAYS.filter((day) => weekend.includes(day));
  if (days.length < WEEKDAYS.length) return days;
  throw refuse("its `weekend` has every day of the week, so there is no business day", way);
}

function readHolidays(holidays: unknown, refuse: Refuse): string[] {
  const way = 'Give a list of days: `["2026-12-25", "2026-12-31/2027-01-01"]`; an empty one if only weekends are off.';
  if (!Array.isArray(holidays)) throw refuse(`its \`holidays\` are ${describe(holidays)}`, way);
  const days = new Set<number>();
  for (const text of holidays as readonly unknown[]) {
    const parts = typeof text === "string" ? text.split("/") : [];
    const [first, last] = [parts[0], parts.at(-1)].map((part) => readDay(part ?? ""));
    if (first === undefined || last === undefined || parts.length > 2) {
      throw refuse(`${describe(text)} in its \`holidays\` is no day of any year`, way);
    }
    if (last < first) throw refuse(`the range ${describe(text)} in its \`holidays\` ends before it begins`, way);
    if (last - first >= RANGE_DAYS_MAX) {
      throw refuse(`the range ${describe(text)} in its \`holidays\` is longer than a year`, "Correct its years.");
    }
    for (let day = first; day <= last; day++) days.add(day);
  }
  if (days.size <= HOLIDAYS_MAX) return [...days].sort((a, b) => a - b).map(dayText);
  throw refuse(`its \`holidays\` are ${days.size} days`, `Give at most ${HOLIDAYS_MAX}: no plan is made for longer.`);
}
