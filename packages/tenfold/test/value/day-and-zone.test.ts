/** Days, local times and business days: arithmetic against the runtime's own, and the two changes of clocks. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { businessDaysLater, businessDaysOf } from "../../src/value/business-days.ts";
import { DAY_MS, dateOfDay, dayOfDate, dayText, instantText, readDay, weekdayOf } from "../../src/value/day.ts";
import { zoneOf } from "../../src/value/zone.ts";

const SPAN = { min: Date.UTC(1900, 0, 1), max: Date.UTC(2200, 0, 1) };

test("a day is written, read and told apart as Date has it", () => {
  fc.assert(
    fc.property(fc.integer(SPAN), (instant) => {
      const date = new Date(instant);
      const day = Math.floor(instant / DAY_MS);
      assert.equal(instantText(instant), date.toISOString());
      assert.equal(dayText(day), date.toISOString().slice(0, 10));
      assert.equal(readDay(dayText(day)), day);
      assert.equal(weekdayOf(day), date.getUTCDay());
      assert.equal(dayOfDate(dateOfDay(day)), day);
    }),
  );
  for (const text of ["2026-02-29", "2026-13-01", "2026-1-1", "0026-01-01", "2026-06-31", "yesterday", ""]) {
    assert.equal(readDay(text), undefined, text);
  }
});

test("a local time and its moment are each other's, whatever the zone, but where clocks change", () => {
  const zones = ["Europe/London", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "Pacific/Apia", "UTC"];
  fc.assert(
    fc.property(fc.integer(SPAN), fc.constantFrom(...zones), (instant, name) => {
      const zone = zoneOf(name)!;
      const local = zone.localOf(instant);
      const again = zone.instantOf(local);
      // The same local time once more, and the first of the two.
      assert.equal(zone.localOf(again), local);
      assert.ok(again <= instant && instant - again <= 2 * 3_600_000);
    }),
  );
});

/** Zone, local time, and its moment. */
const CHANGES: readonly (readonly [string, string, string])[] = [
  ["Europe/London", "2026-03-29T01:30", "2026-03-29T01:00:00.000Z"],
  ["Europe/London", "2026-10-25T01:30", "2026-10-25T00:30:00.000Z"],
  ["America/New_York", "2026-03-08T02:15", "2026-03-08T07:00:00.000Z"],
  ["America/New_York", "2026-11-01T01:15", "2026-11-01T05:15:00.000Z"],
  ["Australia/Lord_Howe", "2026-10-04T02:15", "2026-10-03T15:30:00.000Z"],
  ["Australia/Lord_Howe", "2026-04-05T01:45", "2026-04-04T14:45:00.000Z"],
  // Clocks go from 0:00 to 1:00; and a whole day that never was.
  ["Africa/Cairo", "2026-04-24T00:00", "2026-04-23T22:00:00.000Z"],
  ["Pacific/Apia", "2011-12-30T10:00", "2011-12-30T10:00:00.000Z"],
];

test("a local time that clocks never show is the end of their gap, one that they show twice the first", () => {
  for (const [name, local, moment] of CHANGES) {
    assert.equal(instantText(zoneOf(name)!.instantOf(Date.parse(`${local}Z`))), moment, `${name} ${local}`);
  }
  assert.equal(zoneOf("Europe/Lond"), undefined);
});

test("business days are counted over weekends and holidays, from either end", () => {
  const days = businessDaysOf({
    name: null,
    timeZone: "Europe/London",
    weekend: ["sunday", "saturday"],
    holidays: ["2026-12-25", "2026-12-28", "2027-01-01"],
  });
  const day = (text: string): number => readDay(text)!;
  assert.equal(days.has(day("2026-12-24")), true);
  assert.equal(days.has(day("2026-12-26")), false);
  assert.equal(dayText(days.from(day("2026-12-25"))), "2026-12-29");
  assert.equal(dayText(days.until(day("2026-12-28"))), "2026-12-24");
  assert.equal(dayText(days.after(day("2026-12-24"), 2)), "2026-12-30");
  assert.equal(dayText(days.after(day("2026-12-26"), 0)), "2026-12-26");
  const december = [day("2026-12-01"), day("2026-12-31")] as const;
  assert.equal(dayText(days.nth(...december, 3)!), "2026-12-03");
  assert.equal(dayText(days.nth(...december, -1)!), "2026-12-31");
  assert.equal(dayText(days.nth(...december, -4)!), "2026-12-24");
  assert.equal(days.nth(...december, 22), undefined);
  assert.equal(days.nth(...december, -22), undefined);
});

test("so many business days later is the same time of day, whatever clocks did meanwhile", () => {
  const london = {
    name: null,
    timeZone: "Europe/London",
    weekend: ["sunday", "saturday"],
    holidays: ["2026-04-03"],
  } as const;
  /** From, business days, and when they are over. */
  const cases: readonly (readonly [string, number, string])[] = [
    ["2026-03-26T15:00:00.000Z", 1, "2026-03-27T15:00:00.000Z"],
    ["2026-03-27T15:00:00.000Z", 1, "2026-03-30T14:00:00.000Z"],
    ["2026-03-28T15:00:00.000Z", 1, "2026-03-30T14:00:00.000Z"],
    ["2026-03-28T15:00:00.000Z", 2, "2026-03-31T14:00:00.000Z"],
    ["2026-04-02T22:30:15.123Z", 1, "2026-04-06T22:30:15.123Z"],
    // In London it is the 3rd already, Good Friday.
    ["2026-04-02T23:30:00.000Z", 1, "2026-04-05T23:30:00.000Z"],
  ];
  for (const [from, count, until] of cases) {
    assert.equal(instantText(businessDaysLater(london, Date.parse(from), count)), until, `${from} ${count}`);
  }
});
