/** Laws of rates: what is read, what is refused, how they are told. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { fillMs, rateOf, rateText, type Rate } from "../../src/value/rate.ts";
import { refuses } from "../flow/refuses.ts";

const READ: readonly (readonly [string, number, number, number, string])[] = [
  ["100/s", 100, 1000, 10, "100/s"],
  ["20/min burst 5", 20, 60_000, 5, "20/min burst 5"],
  ["1000/h", 1000, 3_600_000, 1, "1000/h"],
  ["5/day", 5, 86_400_000, 1, "5/day"],
  ["10/m", 10, 60_000, 1, "10/min"],
  ["0.5/s", 0.5, 1000, 1, "0.5/s"],
  [" 2 / weeks   burst 2 ", 2, 604_800_000, 2, "2/week burst 2"],
  ["100/second burst 10", 100, 1000, 10, "100/s"],
  ["19/s", 19, 1000, 1, "19/s"],
  ["20/s", 20, 1000, 2, "20/s"],
  ["3/ms", 3, 1, 300, "3/ms"],
];

for (const [text, count, perMs, burst, told] of READ) {
  test(`${JSON.stringify(text)} is ${count} in ${perMs} ms, ${burst} at once, and told as ${told}`, () => {
    const rate = rateOf(text);
    assert.deepEqual(rate, { count, perMs, burst });
    assert.ok(Object.isFrozen(rate));
    assert.equal(rateText(rate), told);
  });
}

const REFUSED: readonly (readonly [unknown, string])[] = [
  ["", "no rate"],
  ["fast", "no rate"],
  ["100", "no rate"],
  ["/s", "no rate"],
  ["-5/s", "no rate"],
  ["1e3/s", "no rate"],
  [".5/s", "no rate"],
  ["5/2s", "no rate"],
  ["5/s burst", "no rate"],
  ["5/sburst 2", "no rate"],
  ["5/s burst -1", "no rate"],
  ["5/s, 10/min", "no rate"],
  [5, "no rate"],
  [null, "no rate"],
  [{}, "no rate"],
  ["5/fortnight", "ms, s, min, h, day, week"],
  ["5/S", "ms, s, min, h, day, week"],
  ["5/constructor", "ms, s, min, h, day, week"],
  ["0/s", "ever start"],
  ["0.0/s", "ever start"],
  ["0.0001/s", "another unit"],
  ["9".repeat(400) + "/s", "another unit"],
  ["5/s burst 0", "whole number"],
  ["5/s burst 2.5", "whole number"],
  [`5/s burst ${"9".repeat(400)}`, "whole number"],
];

for (const [text, why] of REFUSED) {
  test(`${JSON.stringify(text).slice(0, 24)} is no rate, and the refusal says whose it is, why, and what to write`, () => {
    refuses(() => rateOf(text as string, "the rate of step x"), "RATE_INVALID", "the rate of step x", why, '"100/s"');
  });
}

const counts = fc.oneof(
  fc.integer({ min: 1, max: 1_000_000_000 }),
  fc.integer({ min: 1, max: 1_000_000 }).map((thousandths) => thousandths / 1000),
);

test("a rate that was read is told in a text that is read as the same rate", () => {
  const units = fc.constantFrom("ms", "s", "sec", "m", "min", "hours", "d", "w");
  const bursts = fc.option(fc.integer({ min: 1, max: 1_000_000_000 }));
  fc.assert(
    fc.property(counts, units, bursts, (count, unit, burst) => {
      const rate = rateOf(`${count}/${unit}${burst === null ? "" : ` burst ${burst}`}`);
      assert.deepEqual(rateOf(rateText(rate)), rate);
    }),
  );
});

test("a bucket fills up in the time in which as many come as its burst", () => {
  assert.deepEqual(
    ["100/s", "20/min burst 5", "5/day", "0.5/s burst 3"].map((text) => fillMs(rateOf(text))),
    [100, 15_000, 17_280_000, 6000],
  );
});

test("a rate of a time that has no name is told by the second", () => {
  const rate: Rate = { count: 3, perMs: 1500, burst: 4 };
  assert.equal(rateText(rate), "2/s burst 4");
});
