/** Schedules in words, and their times as the clocks of their zone show them. */
import cronstrue from "cronstrue";
import type { BusinessPeriod, ScheduleDefinition } from "../flow/trigger.ts";
import { dayOf, dayText, instantText, readDay, weekdayOf } from "../value/day.ts";
import { zoneOf } from "../value/zone.ts";

/** "At 09:00, Monday through Friday; on business days". */
export function scheduleText({ when, calendar, onHoliday }: ScheduleDefinition): string {
  if (when.kind === "business-day") return `At ${when.at}, on the ${nthText(when.nth, when.of)}`;
  const times = cronText(when.expression);
  if (calendar === null) return times;
  if (onHoliday === "skip") return `${times}; on business days`;
  return `${times}; on a day off, the ${onHoliday} business day instead`;
}

/** A cron that has no words is shown as it is. */
function cronText(expression: string): string {
  try {
    return cronstrue.toString(expression, { use24HourTimeFormat: true });
  } catch {
    return expression;
  }
}

function nthText(nth: number, of: BusinessPeriod): string {
  const day = `business day of the ${of}`;
  if (nth === 1) return `first ${day}`;
  if (nth === -1) return `last ${day}`;
  return nth > 0 ? `${ordinal(nth)} ${day}` : `${ordinal(-nth)} last ${day}`;
}

function ordinal(count: number): string {
  const ending = count % 100 >= 11 && count % 100 <= 13 ? "th" : (["th", "st", "nd", "rd"][count % 10] ?? "th");
  return `${count}${ending}`;
}

const WEEKDAYS = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];

/** "Tue 2026-12-01 09:00 +00:00": what clocks of the zone show at each time, with seconds if one of them has some. */
export function zonedTexts(times: readonly number[], timeZone: string): string[] {
  const zone = zoneOf(timeZone)!;
  const length = times.every((at) => at % 60_000 === 0) ? "09:00".length : "09:00:00".length;
  return times.map((at) => {
    const local = zone.localOf(at);
    const day = dayOf(local);
    const time = instantText(local).slice("2026-12-01T".length).slice(0, length);
    return `${WEEKDAYS[weekdayOf(day)]} ${dayText(day)} ${time} ${offsetText(local - at)}`;
  });
}

function offsetText(offsetMs: number): string {
  const minutes = Math.round(Math.abs(offsetMs) / 60_000);
  const two = (value: number): string => String(value).padStart(2, "0");
  return `${offsetMs < 0 ? "-" : "+"}${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`;
}

/** The last holiday that a schedule's calendar knows, if one of these times is behind it: who wrote it may have to go on. */
export function calendarEnd({ calendar }: ScheduleDefinition, times: readonly number[]): string | undefined {
  const last = calendar?.holidays.at(-1);
  return last !== undefined && times.some((at) => dayOf(at) > readDay(last)!) ? last : undefined;
}
