/** When ticks are: both changes of clocks, leap days, the last day of a month, business days; each once and in order. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { calendar, nextTicks, schedule, type ScheduleDefinition } from "../../src/flow/index.ts";
import { ticksOf } from "../../src/flow/ticks.ts";
import { refuses } from "./refuses.ts";

const MINUTE = 60_000;

/** Of England and Wales. */
const london = calendar({
  timeZone: "Europe/London",
  holidays: [
    ...["2026-01-01", "2026-04-03", "2026-04-06", "2026-05-04", "2026-05-25", "2026-08-31", "2026-12-25", "2026-12-28"],
    ...["2027-01-01", "2027-03-26", "2027-03-29", "2027-05-03", "2027-05-31", "2027-08-30", "2027-12-27", "2027-12-28"],
  ],
});

const cron = (expression: string, timeZone: string): ScheduleDefinition => schedule(expression, { timeZone });

/** The ticks after a moment, as ISO 8601 to the minute. */
function ticks(of: ScheduleDefinition, after: string, count: number): string[] {
  return nextTicks(of, after, count).map((at) => new Date(at).toISOString().replace(":00.000", ""));
}

/** Zone, cron, from when, and the ticks. */
const CLOCKS: readonly (readonly [string, string, string, readonly string[]])[] = [
  // In the gap: at its end, once.
  ["Europe/London", "30 1 * * *", "2026-03-28T12:00Z", ["2026-03-29T01:00Z", "2026-03-30T00:30Z"]],
  ["America/New_York", "30 2 * * *", "2026-03-07T12:00Z", ["2026-03-08T07:00Z", "2026-03-09T06:30Z"]],
  ["Australia/Lord_Howe", "15 2 * * *", "2026-10-03T00:00Z", ["2026-10-03T15:30Z", "2026-10-04T15:15Z"]],
  ["America/New_York", "0,30 2 * * *", "2026-03-07T12:00Z", ["2026-03-08T07:00Z", "2026-03-09T06:00Z"]],
  // In the repeated hour: the first time, once.
  ["Europe/London", "30 1 * * *", "2026-10-24T12:00Z", ["2026-10-25T00:30Z", "2026-10-26T01:30Z"]],
  ["America/New_York", "30 1 * * *", "2026-10-31T12:00Z", ["2026-11-01T05:30Z", "2026-11-02T06:30Z"]],
  ["Australia/Lord_Howe", "45 1 * * *", "2026-04-04T00:00Z", ["2026-04-04T14:45Z", "2026-04-05T15:15Z"]],
  [
    "America/New_York",
    "0,30 1 * * *",
    "2026-10-31T12:00Z",
    ["2026-11-01T05:00Z", "2026-11-01T05:30Z", "2026-11-02T06:00Z"],
  ],
  // Every hour is an hour, also when clocks go back and forth.
  ["Europe/London", "0 * * * *", "2026-10-24T23:30Z", ["2026-10-25T00:00Z", "2026-10-25T01:00Z", "2026-10-25T02:00Z"]],
  ["Europe/London", "0 * * * *", "2026-03-28T23:30Z", ["2026-03-29T00:00Z", "2026-03-29T01:00Z", "2026-03-29T02:00Z"]],
  // Days that not every month or year has.
  ["UTC", "0 0 L * *", "2028-01-31T00:00Z", ["2028-02-29T00:00Z", "2028-03-31T00:00Z", "2028-04-30T00:00Z"]],
  ["UTC", "0 0 29 2 *", "2026-01-01T00:00Z", ["2028-02-29T00:00Z", "2032-02-29T00:00Z"]],
  ["UTC", "0 0 29 2 *", "2096-03-01T00:00Z", ["2104-02-29T00:00Z"]],
  ["UTC", "0 9 * * FRI#2", "2026-11-01T00:00Z", ["2026-11-13T09:00Z", "2026-12-11T09:00Z"]],
  ["UTC", "@daily", "2026-11-01T00:00Z", ["2026-11-02T00:00Z"]],
];

test("a cron's ticks are local, and each is once where clocks change", () => {
  for (const [zone, expression, after, expected] of CLOCKS) {
    assert.deepEqual(ticks(cron(expression, zone), after, expected.length), expected, `${expression} ${zone}`);
  }
});

test("a fixed time comes once a day for a hundred days around each change of clocks", () => {
  for (const zone of ["Europe/London", "America/New_York", "Australia/Lord_Howe"]) {
    for (const hour of [0, 1, 2, 3]) {
      for (const year of [Date.UTC(2026, 1, 1), Date.UTC(2026, 9, 1)]) {
        const found = nextTicks(cron(`20 ${hour} * * *`, zone), year, 100);
        const days = new Set(found.map((at) => new Date(at).toLocaleDateString("en-CA", { timeZone: zone })));
        assert.equal(days.size, 100, `${zone} ${hour}:20`);
      }
    }
  }
});

test("seconds come first in a cron of six fields", () => {
  const found = nextTicks(cron("*/20 * * * * *", "UTC"), "2026-01-01T00:00:05Z", 3);
  assert.deepEqual(
    found,
    [20, 40, 60].map((second) => Date.UTC(2026, 0, 1) + second * 1000),
  );
});

/** What is written, from when, and the ticks. */
const BUSINESS: readonly (readonly [ScheduleDefinition, string, readonly string[]])[] = [
  // The third business day after month end, London: Good Friday is 2026-04-03, Easter Monday 2026-04-06.
  [
    schedule({ businessDay: 3, at: "09:00" }, { calendar: london }),
    "2026-03-03T00:00Z",
    ["2026-03-04T09:00Z", "2026-04-07T08:00Z", "2026-05-06T08:00Z", "2026-06-03T08:00Z"],
  ],
  [
    schedule({ businessDay: -1, at: "17:30" }, { calendar: london }),
    "2026-11-30T17:30Z",
    ["2026-12-31T17:30Z", "2027-01-29T17:30Z"],
  ],
  [
    schedule({ businessDay: 1, of: "quarter", at: "08:00" }, { calendar: london }),
    "2026-11-01T00:00Z",
    ["2027-01-04T08:00Z", "2027-04-01T07:00Z", "2027-07-01T07:00Z"],
  ],
  [
    schedule({ businessDay: 1, of: "year", at: "08:00" }, { calendar: london }),
    "2026-11-01T00:00Z",
    ["2027-01-04T08:00Z", "2028-01-03T08:00Z"],
  ],
  [
    schedule({ businessDay: 1, of: "week", at: "08:00" }, { calendar: london }),
    "2026-12-20T00:00Z",
    ["2026-12-21T08:00Z", "2026-12-29T08:00Z", "2027-01-04T08:00Z"],
  ],
  // Months without a 22nd business day have none of it.
  [
    schedule({ businessDay: 22, at: "09:00" }, { calendar: london }),
    "2026-06-01T00:00Z",
    ["2026-06-30T08:00Z", "2026-07-30T08:00Z", "2026-09-30T08:00Z"],
  ],
  // On business days only: Christmas of 2026 is a Friday.
  [
    schedule("0 9 * * *", { calendar: london }),
    "2026-12-24T09:00Z",
    ["2026-12-29T09:00Z", "2026-12-30T09:00Z", "2026-12-31T09:00Z", "2027-01-04T09:00Z"],
  ],
  // On the 1st, or the next business day, or the one before.
  [
    schedule("0 9 1 * *", { calendar: london, onHoliday: "next" }),
    "2026-10-02T00:00Z",
    ["2026-11-02T09:00Z", "2026-12-01T09:00Z", "2027-01-04T09:00Z"],
  ],
  [
    schedule("0 9 1 * *", { calendar: london, onHoliday: "previous" }),
    "2026-10-02T00:00Z",
    ["2026-10-30T09:00Z", "2026-12-01T09:00Z", "2026-12-31T09:00Z"],
  ],
  // What several days hand over comes in order, and once.
  [
    schedule("0 9,17 * * *", { calendar: london, onHoliday: "next" }),
    "2026-12-24T10:00Z",
    ["2026-12-24T17:00Z", "2026-12-29T09:00Z", "2026-12-29T17:00Z", "2026-12-30T09:00Z"],
  ],
  [
    schedule("0 12 * * 6", { calendar: london, onHoliday: "previous" }),
    "2026-12-23T00:00Z",
    ["2026-12-24T12:00Z", "2026-12-31T12:00Z", "2027-01-08T12:00Z"],
  ],
  // The schedule's zone tells the day, and the calendar what it is.
  [
    schedule("0 20 * * *", { calendar: london, timeZone: "America/New_York" }),
    "2026-12-24T00:00Z",
    ["2026-12-24T01:00Z", "2026-12-25T01:00Z", "2026-12-30T01:00Z"],
  ],
];

test("business days: the nth of a period, ticks on days off that are skipped, or moved", () => {
  for (const [of, after, expected] of BUSINESS) {
    assert.deepEqual(ticks(of, after, expected.length), expected, JSON.stringify(of.when));
  }
});

test("from wherever it is asked, the next tick is the first of all that come after", () => {
  const from = Date.UTC(2026, 2, 20);
  const schedules = [
    ...BUSINESS.map(([of]) => of),
    cron("*/30 * * * *", "Australia/Lord_Howe"),
    cron("30 1 * * *", "Europe/London"),
  ];
  for (const of of schedules) {
    const all = nextTicks(of, from, 60);
    assert.deepEqual(
      [...new Set(all)].sort((a, b) => a - b),
      all,
      "in order, each once",
    );
    fc.assert(
      fc.property(fc.integer({ min: from, max: all.at(-2)! }), (after) => {
        assert.equal(
          ticksOf(of).next(after),
          all.find((at) => at > after),
        );
      }),
      { numRuns: 40 },
    );
  }
});

test("ticks of a range are those after its beginning, up to its end, at most so many; and the last is found alone", () => {
  const { between, last } = ticksOf(cron("0 * * * *", "UTC"));
  const [noon, evening] = [Date.UTC(2026, 0, 1, 12), Date.UTC(2026, 0, 1, 18)];
  assert.deepEqual(between(noon, noon + 120 * MINUTE, 10), [noon + 60 * MINUTE, noon + 120 * MINUTE]);
  assert.deepEqual(between(noon, evening, 2), [noon + 60 * MINUTE, noon + 120 * MINUTE]);
  assert.equal(last(noon, evening), evening);
  assert.equal(last(noon, evening - 1), evening - 60 * MINUTE);
  assert.equal(last(noon, noon + 59 * MINUTE), null);
  assert.equal(last(evening, noon), null);
  const years = ticksOf(cron("* * * 1 *", "UTC"));
  assert.equal(years.last(Date.UTC(2000, 0), Date.UTC(2026, 11)), Date.UTC(2026, 1) - MINUTE);
});

test("whatever moment is asked from, there is an answer", () => {
  const daily = ticksOf(cron("0 0 * * *", "Europe/London"));
  for (const far of [Date.UTC(9999, 11, 31), 8.64e15]) assert.equal(daily.next(far), null);
  for (const long of [-8.64e15, -1e14, Date.UTC(0, 0, 1)]) assert.ok(daily.next(long)! > long);
  const byDays = ticksOf(schedule({ businessDay: 1, at: "09:00" }, { calendar: london }));
  for (const at of [-1e14, 0, 1e14]) assert.ok(byDays.next(at)! > at);
});

test("a run is told the moment of its tick, its schedule and the local day", () => {
  const nightly = schedule("0 0 * * *", { name: "nightly", timeZone: "Europe/London" });
  const at = Date.UTC(2026, 5, 30, 23);
  assert.deepEqual(nextTicks(nightly, "2026-06-30T12:00:00Z", 1), [at]);
  assert.deepEqual(ticksOf(nightly).tick(at), {
    at: "2026-06-30T23:00:00.000Z",
    schedule: "nightly",
    date: "2026-07-01",
  });
  refuses(() => nextTicks(nightly, "tomorrow", 1), "TIME_INVALID", "`after`");
});
