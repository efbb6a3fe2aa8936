/** `schedule` and `calendar`: what they answer, and the bad input that they refuse with a way out. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { z } from "zod";
import { calendar, schedule, workflow } from "../../src/flow/index.ts";
import type { ErrorCode } from "../../src/value/error.ts";
import { schedulesAmong } from "../../src/flow/trigger.ts";
import { refuses } from "./refuses.ts";

const UTC = { timeZone: "UTC" };
const london = calendar({ name: "London", timeZone: "Europe/London", holidays: ["2026-12-25"] });

test("a schedule is frozen data, with its defaults", () => {
  const daily = schedule(" 0 9 * * * ", UTC);
  assert.deepEqual(daily, {
    kind: "schedule",
    name: "default",
    when: { kind: "cron", expression: "0 9 * * *" },
    timeZone: "UTC",
    calendar: null,
    onHoliday: "skip",
    missed: "once",
    overlap: "allow",
    tenant: "",
  });
  assert.ok(Object.isFrozen(daily) && Object.isFrozen(daily.when));
});

test("a calendar's zone is the schedule's, unless it has its own; a queue starts all that was missed", () => {
  assert.equal(schedule("0 9 * * *", { calendar: london }).timeZone, "Europe/London");
  assert.equal(schedule("0 9 * * *", { calendar: london, ...UTC }).timeZone, "UTC");
  assert.equal(schedule("0 9 * * *", { ...UTC, overlap: "queue" }).missed, "all");
});

test("a calendar is frozen data: weekends in the order of the week, holidays one by one, in order, each once", () => {
  const given = calendar({
    timeZone: "Asia/Dubai",
    weekend: ["saturday", "sunday", "friday"],
    holidays: ["2027-01-01", "2026-12-30/2027-01-02", "2026-12-02"],
  });
  assert.deepEqual(given, {
    name: null,
    timeZone: "Asia/Dubai",
    weekend: ["sunday", "friday", "saturday"],
    holidays: ["2026-12-02", "2026-12-30", "2026-12-31", "2027-01-01", "2027-01-02"],
  });
  assert.ok(Object.isFrozen(given) && Object.isFrozen(given.holidays));
  assert.deepEqual(calendar({ timeZone: "UTC", weekend: [], holidays: [] }).weekend, []);
});

test("triggers are part of a workflow's definition, and not of its graph", () => {
  const flow = (given: unknown): unknown => given;
  const alone = workflow("report", { flow: flow as never });
  const scheduled = workflow("report", { triggers: [schedule("0 9 * * *", UTC)], flow: flow as never });
  assert.equal(scheduled.hash, alone.hash);
  assert.deepEqual(
    schedulesAmong(scheduled.triggers).map(({ name }) => name),
    ["default"],
  );
  assert.ok(Object.isFrozen(scheduled.triggers));
  assert.equal(alone.triggers, undefined);
});

test("a workflow whose input does not fit a tick's needs an `input` of the schedule, by its types", () => {
  const Order = z.object({ day: z.string() });
  const made = schedule("0 9 * * *", { ...UTC, input: ({ date }) => ({ day: date }) });
  workflow("orders", { input: Order, triggers: [made], flow: ({ day }) => day });
  // @ts-expect-error { at, schedule } is no order
  workflow("orders", { input: Order, triggers: [schedule("0 9 * * *", UTC)], flow: ({ day }) => day });
  // @ts-expect-error nor is a number
  workflow("orders", { input: Order, triggers: [schedule("0 9 * * *", { ...UTC, input: () => 7 })], flow: (o) => o });
});

const REFUSED: readonly (readonly [() => unknown, ErrorCode, ...string[]])[] = [
  [() => schedule("0 0 30 2 *", UTC), "SCHEDULE_INVALID", "never comes", "no such day"],
  [() => schedule("0 0 31 4,6,9,11 *", UTC), "SCHEDULE_INVALID", "never comes"],
  [() => schedule("0 9 * * 6,0", { calendar: london }), "SCHEDULE_INVALID", "never comes", "business day"],
  [() => schedule({ businessDay: 24, at: "09:00" }, { calendar: london }), "SCHEDULE_INVALID", "never comes"],
  [() => schedule("61 * * * *", UTC), "SCHEDULE_INVALID", "Invalid value for minute: 61", '"0 9 * * 1-5"'],
  [() => schedule("0 9 * *", UTC), "SCHEDULE_INVALID", "it has 4 fields"],
  [() => schedule("", UTC), "SCHEDULE_INVALID", "it has no fields"],
  [() => schedule("2027-01-01T00:00:00", UTC), "SCHEDULE_INVALID", "it has 1 field"],
  [() => schedule("0 ? * * *", UTC), "SCHEDULE_INVALID", "`?`"],
  [() => schedule("@reboot", UTC), "SCHEDULE_INVALID", "@reboot"],
  [() => schedule("5/5 * * * *", UTC), "SCHEDULE_INVALID", "cannot be read"],
  [() => schedule("0 9 * * *", { timeZone: "Europe/Lundon" }), "SCHEDULE_INVALID", 'Did you mean "Europe/London"?'],
  [() => schedule("0 9 * * *", { timeZone: "nowhere at all" }), "SCHEDULE_INVALID", "no time zone"],
  [() => schedule("0 9 * * *", {}), "SCHEDULE_INVALID", "`timeZone` is missing"],
  [() => schedule("0 9 * * *", undefined as never), "SCHEDULE_INVALID", "options"],
  [() => schedule("0 9 * * *", { ...UTC, timezone: "UTC" } as never), "OPTION_UNSUPPORTED", "`timeZone`"],
  [() => schedule("0 9 * * *", { ...UTC, name: "Nightly Report" }), "SCHEDULE_INVALID", '"nightly-report"'],
  [() => schedule("0 9 * * *", { ...UTC, missed: "some" as never }), "SCHEDULE_INVALID", '"once", "all", "skip"'],
  [() => schedule("0 9 * * *", { ...UTC, overlap: true as never }), "SCHEDULE_INVALID", '"queue"'],
  [() => schedule("0 9 * * *", { ...UTC, overlap: "queue", missed: "once" }), "SCHEDULE_INVALID", "loses no tick"],
  [() => schedule("0 9 * * *", { ...UTC, onHoliday: "next" }), "SCHEDULE_INVALID", "no `calendar`"],
  [() => schedule("*/5 * * * *", { calendar: london, onHoliday: "next" }), "SCHEDULE_INVALID", "times of day"],
  [() => schedule("@hourly", { calendar: london, onHoliday: "next" }), "SCHEDULE_INVALID", "times of day"],
  [() => schedule("0 9 * * *", { ...UTC, calendar: { holidays: [] } as never }), "SCHEDULE_INVALID", "calendar(…)"],
  [() => schedule("0 0 * 13 *", UTC), "SCHEDULE_INVALID", "month: 13"],
  [() => schedule("0 0 0 * *", UTC), "SCHEDULE_INVALID", "day: 0"],
  [() => schedule("0 9 * * *", { ...UTC, tenant: 7 as never }), "SCHEDULE_INVALID", "tenant"],
  [() => schedule("0 9 * * *", { ...UTC, tenant: "a\0" }), "SCHEDULE_INVALID", "tenant", "NUL"],
  [() => schedule("0 9 * * *", { ...UTC, input: 7 as never }), "SCHEDULE_INVALID", "plain function"],
  [() => schedule("0 9 * * *", { ...UTC, input: async () => 7 }), "SCHEDULE_INVALID", "async"],
  [() => schedule({ businessDay: 3, at: "09:00" }, UTC), "SCHEDULE_INVALID", "no `calendar`"],
  [() => schedule({ businessDay: 0, at: "09:00" }, { calendar: london }), "SCHEDULE_INVALID", "the last -1"],
  [() => schedule({ businessDay: 3, at: "9 am" }, { calendar: london }), "SCHEDULE_INVALID", '"09:00"'],
  [() => schedule({ businessDay: 3, at: "24:00" }, { calendar: london }), "SCHEDULE_INVALID", '"09:00"'],
  [
    () => schedule({ businessDay: 3, of: "moon" as never, at: "09:00" }, { calendar: london }),
    "SCHEDULE_INVALID",
    '"quarter"',
  ],
  [() => schedule({ day: 3, at: "09:00" } as never, { calendar: london }), "OPTION_UNSUPPORTED", "businessDay"],
  [() => schedule(7 as never, UTC), "SCHEDULE_INVALID", "options are 7"],
  [
    () => schedule({ businessDay: 3, at: "09:00" }, { calendar: london, onHoliday: "next" }),
    "SCHEDULE_INVALID",
    "business days only",
  ],
  [
    () => calendar({ timeZone: "UTC", holidays: ["2027-01-02/2026-12-31"] }),
    "CALENDAR_INVALID",
    "ends before it begins",
  ],
  [() => calendar({ timeZone: "UTC", holidays: ["2026-12-25/2036-12-26"] }), "CALENDAR_INVALID", "longer than a year"],
  [() => calendar({ timeZone: "UTC", holidays: ["2026-02-30"] }), "CALENDAR_INVALID", "no day of any year"],
  [() => calendar({ timeZone: "UTC", holidays: ["2026-01-01/"] }), "CALENDAR_INVALID", "no day of any year"],
  [() => calendar({ timeZone: "UTC", holidays: ["a/b/c"] }), "CALENDAR_INVALID", "no day of any year"],
  [() => calendar({ timeZone: "UTC", holidays: [new Date() as never] }), "CALENDAR_INVALID", "a Date"],
  [() => calendar({ timeZone: "UTC" } as never), "CALENDAR_INVALID", "`holidays` are undefined"],
  [() => calendar({ timeZone: "Mars/Base", holidays: [] }), "CALENDAR_INVALID", "no time zone"],
  [() => calendar({ holidays: [] } as never), "CALENDAR_INVALID", "`timeZone` is missing"],
  [() => calendar({ timeZone: "UTC", weekend: ["caturday" as never], holidays: [] }), "CALENDAR_INVALID", "caturday"],
  [
    () =>
      calendar({
        timeZone: "UTC",
        weekend: ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"],
        holidays: [],
      }),
    "CALENDAR_INVALID",
    "no business day",
  ],
  [() => calendar({ timeZone: "UTC", name: "", holidays: [] }), "CALENDAR_INVALID", "`name`"],
  [() => calendar(undefined as never), "CALENDAR_INVALID", "options"],
  [() => workflow("w", { triggers: "0 9 * * *" as never, flow: () => 7 }), "WORKFLOW_INVALID", "schedule("],
  [() => workflow("w", { triggers: ["0 9 * * *" as never], flow: () => 7 }), "WORKFLOW_INVALID", "0 9 * * *"],
  [
    () => workflow("w", { triggers: [schedule("0 9 * * *", UTC), schedule("0 17 * * *", UTC)], flow: () => 7 }),
    "SCHEDULE_INVALID",
    'two of its schedules are named "default"',
  ],
];

test("what is no schedule, no calendar or no trigger is refused when it is written, with the way out", () => {
  for (const [attempt, code, ...parts] of REFUSED) refuses(attempt, code, "was not defined", ...parts);
});
