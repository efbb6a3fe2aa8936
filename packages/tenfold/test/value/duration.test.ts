/** Laws of durations: what is read, what is refused, how they are shown. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { durationMs, durationText, formatDuration, type Duration } from "../../src/value/duration.ts";
import { refuses } from "../flow/refuses.ts";

const READ: readonly (readonly [Duration, number])[] = [
  ["300ms", 300],
  ["1 millisecond", 1],
  ["10s", 10_000],
  ["1.5s", 1500],
  ["2 sec", 2000],
  ["2m", 120_000],
  ["5 minutes", 300_000],
  ["1h 30m", 5_400_000],
  ["1h30m", 5_400_000],
  [" 1 h  30 m ", 5_400_000],
  ["3 days", 259_200_000],
  ["2w", 1_209_600_000],
  ["1 week 1 day", 691_200_000],
  ["0s", 0],
  [0, 0],
  [12.5, 12.5],
];

for (const [duration, ms] of READ) {
  test(`${JSON.stringify(duration)} is ${ms} ms`, () => {
    assert.equal(durationMs(duration), ms);
  });
}

const REFUSED: readonly unknown[] = [
  "",
  " ",
  "10",
  "s",
  "10 parsecs",
  "10S",
  "-5s",
  "5s later",
  "5s,6s",
  "1..5s",
  "1e3s",
  "5 constructor",
  "9".repeat(400) + "s",
  -1,
  NaN,
  Infinity,
  null,
  {},
  true,
];

for (const duration of REFUSED) {
  test(`${String(duration).slice(0, 20) || "an empty text"} (${typeof duration}) is no duration, and the refusal says whose it is`, () => {
    refuses(
      () => durationMs(duration as Duration, "the timeout of step x"),
      "DURATION_INVALID",
      "the timeout of step x",
    );
  });
}

test("parts add up, in any order", () => {
  const parts = fc.record({ h: fc.nat(1000), m: fc.nat(1000), ms: fc.nat(1000) });
  fc.assert(
    fc.property(parts, ({ h, m, ms }) => {
      const expected = h * 3_600_000 + m * 60_000 + ms;
      assert.equal(durationMs(`${h}h ${m}m ${ms}ms`), expected);
      assert.equal(durationMs(`${ms}ms${m}m${h}h`), expected);
    }),
  );
});

const SHOWN: readonly (readonly [number, string])[] = [
  [0, "0.00 ms"],
  [0.25, "0.25 ms"],
  [1, "1 ms"],
  [999.4, "999 ms"],
  [999.6, "1.0 s"],
  [12_400, "12.4 s"],
  [99_940, "99.9 s"],
  [99_960, "1 m 40 s"],
  [120_000, "2 m"],
  [3_599_600, "1 h"],
  [7_500_000, "2 h 5 m"],
  [86_399_000, "1 d"],
  [353_000_000, "4 d 2 h"],
];

for (const [ms, text] of SHOWN) {
  test(`${ms} ms are shown as ${text}`, () => {
    assert.equal(formatDuration(ms), text);
  });
}

test("an exact duration is told in the fewest words, and read back to the millisecond", () => {
  const told = [0, 1, 437, 1437, 60_000, 5_400_000, 259_200_000, 100 * 86_400_000 + 1].map(durationText);
  assert.deepEqual(told, ["0s", "1ms", "437ms", "1s 437ms", "1m", "1h 30m", "3d", "100d 1ms"]);
  fc.assert(fc.property(fc.maxSafeNat(), (ms) => assert.equal(durationMs(durationText(ms)), ms)));
});
