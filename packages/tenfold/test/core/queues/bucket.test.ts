/** Laws of buckets: what may be taken in any window, that nothing is lost, and what a new owner believes. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  converted,
  corrected,
  DOUBT_MS,
  isKept,
  readyAt,
  resumed,
  taken,
  unknown,
} from "../../../src/core/queues/bucket.ts";
import { fillMs, rateOf, type Rate } from "../../../src/value/rate.ts";
import { overrun, type Take } from "./windows.ts";

/** Takes each cost as soon as it may be, and not before its time. */
function greedy(rate: Rate, from: number, costs: Iterable<number>): readonly Take[] {
  const takes: Take[] = [];
  let tat = from;
  let now = from;
  for (const cost of costs) {
    now = Math.max(now, readyAt(tat, rate, cost));
    tat = taken(tat, rate, cost, now);
    takes.push({ at: now, cost });
  }
  return takes;
}

const rates: fc.Arbitrary<Rate> = fc.record({
  count: fc.oneof(fc.integer({ min: 1, max: 10_000 }), fc.double({ min: 0.01, max: 1000, noNaN: true })),
  perMs: fc.constantFrom(1000, 60_000, 3_600_000, 86_400_000),
  burst: fc.integer({ min: 1, max: 50 }),
});
/** Moments since a worker began, and since 1970. */
const begins = fc.oneof(fc.double({ min: 1, max: 2e12, noNaN: true }), fc.constantFrom(1, 1e9, 1.8e12));
const asked = fc.array(
  fc.record({
    waitMs: fc.double({ min: 0, max: 1e5, noNaN: true }),
    share: fc.double({ min: 1e-3, max: 1, noNaN: true }),
  }),
  { maxLength: 60, size: "max" },
);

test("in every window no more is taken than the burst and what comes in that time, to the last digit", () => {
  fc.assert(
    fc.property(rates, begins, asked, fc.boolean(), (rate, from, asked, isWhole) => {
      const takes: Take[] = [];
      let tat = from;
      let now = from;
      for (const { waitMs, share } of asked) {
        now += waitMs;
        const cost = isWhole ? Math.ceil(share * rate.burst) : share * rate.burst;
        // One that may not start now starts as soon as it may, or gives up.
        if (readyAt(tat, rate, cost) > now && share > 0.5) continue;
        now = Math.max(now, readyAt(tat, rate, cost));
        tat = taken(tat, rate, cost, now);
        takes.push({ at: now, cost });
      }
      assert.equal(overrun(takes, rate), null);
    }),
    { numRuns: 1000 },
  );
});

for (const from of [1e9, 1.8e12]) {
  for (const rate of [
    rateOf("3/s"),
    rateOf("7/s burst 3"),
    rateOf("1000/s"),
    { count: 0.7, perMs: 60_000, burst: 11 },
  ]) {
    test(`a million takes from ${from} on, at ${rate.count} in ${rate.perMs} ms, break no window and lose no thousandth`, () => {
      const takes = greedy(rate, from, new Array<number>(1_000_000).fill(1));
      assert.equal(overrun(takes, rate), null);
      const possible = rate.burst + ((takes.at(-1)!.at - from) * rate.count) / rate.perMs;
      assert.ok(takes.length > 0.999 * possible, `${takes.length} of ${possible}`);
    });
  }
}

test("whoever takes whenever it may takes all that there is, whatever each costs", () => {
  const shares = fc.array(fc.double({ min: 0.01, max: 1, noNaN: true }), {
    minLength: 100,
    maxLength: 300,
    size: "max",
  });
  fc.assert(
    fc.property(rates, begins, shares, (rate, from, shares) => {
      const costs = shares.map((share) => share * rate.burst);
      const takes = greedy(rate, from, costs);
      const total = costs.reduce((sum, cost) => sum + cost, 0);
      const possible = rate.burst + ((takes.at(-1)!.at - from) * rate.count) / rate.perMs;
      // The last may have come to less than all that was there.
      assert.ok(total > 0.98 * possible - rate.burst, `${total} of ${possible}`);
    }),
  );
});

test("a rate of whole milliseconds is ready at whole milliseconds", () => {
  const takes = greedy(rateOf("100/s burst 2"), 1_000, [1, 1, 1, 2, 1]);
  assert.deepEqual(
    takes.map(({ at }) => at),
    [1000, 1000, 1010, 1030, 1040],
  );
});

test("more than a bucket holds is never given", () => {
  assert.equal(readyAt(0, rateOf("100/s burst 2"), 3), Infinity);
});

test("what was spent beyond what was taken is waited for, and what was not spent is given", () => {
  const rate = rateOf("100/s burst 10");
  const tat = taken(0, rate, 10, 0);
  assert.equal(readyAt(corrected(tat, rate, 5, 0), rate, 1), 60);
  assert.equal(readyAt(corrected(tat, rate, -5, 0), rate, 5), 0);
  assert.equal(readyAt(corrected(tat, rate, 500, 0), rate, 1), 5010);
  // The bucket had filled up meanwhile: what is known now counts now.
  assert.equal(readyAt(corrected(tat, rate, 10, 10_000), rate, 1), 10_010);
  assert.equal(readyAt(corrected(tat, rate, -10, 10_000), rate, 10), 0);
});

test("takes and what they turned out to cost keep the window, each counted when it was known", () => {
  const steps = fc.array(fc.record({ waitMs: fc.nat(2000), cost: fc.integer({ min: 1, max: 5 }), less: fc.nat(4) }), {
    maxLength: 40,
  });
  fc.assert(
    fc.property(rates, steps, (rate, steps) => {
      const events: Take[] = [];
      let tat = 1;
      let now = 1;
      for (const { waitMs, cost: wished, less } of steps) {
        const cost = Math.min(wished, rate.burst);
        now = Math.max(now + waitMs, readyAt(tat, rate, cost));
        tat = taken(tat, rate, cost, now);
        events.push({ at: now, cost });
        now += waitMs;
        const back = Math.min(less, cost);
        tat = corrected(tat, rate, -back, now);
        events.push({ at: now, cost: -back });
      }
      assert.equal(overrun(events, rate), null);
    }),
  );
});

test("a bucket is kept if it takes longer than a second to fill", () => {
  const kept = ["100/s", "1/s", "1000/s burst 1001", "59/min", "5/day"].map((text) => isKept(rateOf(text)));
  assert.deepEqual(kept, [false, false, true, true, true]);
});

test("a new owner believes a bucket as it was written, but for the time that passed beyond a minute", () => {
  const rate = rateOf("1/min burst 10");
  const kept = { tat: 5_000_000 + 300_000, at: 5_000_000 };
  const owedAt = (now: number): number => resumed(kept, rate, now) - now;
  assert.equal(owedAt(kept.at), 300_000);
  assert.equal(owedAt(kept.at + DOUBT_MS), 300_000);
  assert.equal(owedAt(kept.at + DOUBT_MS + 1000), 299_000);
  assert.equal(owedAt(kept.at + 1e9), 0);
  assert.equal(owedAt(kept.at - 1e9), 300_000);
  assert.equal(resumed({ tat: 1e12, at: 0 }, rate, 7), 7 + 600_000);
  assert.equal(resumed({ tat: 0, at: 1e12 }, rate, 7), 7);
});

test("over owners whose clocks differ by less than a minute, no window has more than the rate lets", () => {
  const owners = fc.array(
    fc.record({
      clockMs: fc.integer({ min: -DOUBT_MS / 2, max: DOUBT_MS / 2 }),
      waits: fc.array(fc.nat(40_000), { maxLength: 5, size: "max" }),
    }),
    { minLength: 1, maxLength: 6, size: "max" },
  );
  const kept = rates.filter(isKept);
  fc.assert(
    fc.property(kept, owners, (rate, owners) => {
      const takes: Take[] = [];
      let real = 1e6;
      let row = { tat: real, at: real - 1e6 };
      for (const { clockMs, waits } of owners) {
        let tat = resumed(row, rate, real + clockMs);
        for (const waitMs of waits) {
          real += waitMs;
          const now = Math.max(real + clockMs, readyAt(tat, rate, 1));
          real = now - clockMs;
          tat = taken(tat, rate, 1, now);
          row = { tat, at: now };
          takes.push({ at: Math.round(real), cost: 1 });
        }
      }
      // Clocks are added and subtracted here, which rounds: a millisecond is allowed for it.
      const roomier = { ...rate, burst: rate.burst + (2 * rate.count) / rate.perMs };
      assert.equal(overrun(takes, roomier), null);
    }),
  );
});

test("a bucket of which nothing is known gives as one of which all was just taken", () => {
  fc.assert(
    fc.property(rates, begins, (rate, now) => {
      assert.equal(unknown(rate, now), taken(now, rate, rate.burst, now));
    }),
  );
});

test("under another rate as much of a bucket is taken as was, and not more than all", () => {
  const from = rateOf("1/s burst 10");
  assert.equal(converted(1000, from, rateOf("10/s burst 10"), 2000), 1000);
  assert.equal(converted(7000, from, rateOf("10/s burst 10"), 2000), 2500);
  assert.equal(converted(7000, from, rateOf("1/min burst 2"), 2000), 122_000);
  assert.equal(converted(99_000, from, rateOf("1/s burst 10"), 2000), 99_000);
  assert.equal(converted(1e12, from, rateOf("2/s burst 4"), 0), fillMs(rateOf("2/s burst 4")));
});
