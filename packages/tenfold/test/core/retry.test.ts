/** Laws of retrying: bounds of the delay, jitter, giving up, and a budget that delays and never gives up. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  backoffsMs,
  DEFAULT_RETRY,
  earn,
  newBudget,
  nextAttempt,
  spend,
  type RetryPolicy,
} from "../../src/core/retry.ts";

const NOW = 1_760_000_000_000;
const exponential: RetryPolicy = { ...DEFAULT_RETRY, attemptsMax: 1000, jitter: "none" };

const policies = fc.record({
  attemptsMax: fc.integer({ min: 1, max: 100 }),
  backoff: fc.constantFrom("exponential" as const, "constant" as const),
  firstMs: fc.integer({ min: 0, max: 100_000 }),
  maxMs: fc.integer({ min: 0, max: 1_000_000 }),
  jitter: fc.constantFrom("full" as const, "none" as const),
  budget: fc.constant(null),
});
const SECOND = 1000;
const chances = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

function delayOf(number: number, policy: RetryPolicy, random = 0.5): number {
  const verdict = nextAttempt({ number, failedAt: NOW, isFinal: false }, policy, random);
  assert.ok(verdict.kind === "again");
  return verdict.at - NOW;
}

test("the delay doubles from attempt to attempt, up to the longest", () => {
  const delays = [1, 2, 3, 4, 9, 10, 11, 900].map((number) => delayOf(number, exponential));
  assert.deepEqual(delays, [1000, 2000, 4000, 8000, 256_000, 300_000, 300_000, 300_000]);
});

test("a constant delay stays the same", () => {
  const policy: RetryPolicy = { ...exponential, backoff: "constant", firstMs: 700 };
  assert.deepEqual([delayOf(1, policy), delayOf(50, policy)], [700, 700]);
});

test("full jitter draws within [0, delay], evenly, and without jitter the delay is exact", () => {
  fc.assert(
    fc.property(policies, fc.integer({ min: 1, max: 99 }), chances, (policy, number, random) => {
      fc.pre(number < policy.attemptsMax);
      const exact = delayOf(number, { ...policy, jitter: "none" }, random);
      const drawn = delayOf(number, { ...policy, jitter: "full" }, random);
      assert.ok(drawn >= 0 && drawn <= exact);
      assert.ok(Math.abs(drawn - exact * random) <= 0.5);
      assert.ok(exact <= policy.maxMs);
    }),
  );
});

test("the last attempt that a policy allows gives up, and the one before it does not", () => {
  fc.assert(
    fc.property(policies, fc.integer({ min: 1, max: 200 }), chances, (policy, number, random) => {
      const { kind } = nextAttempt({ number, failedAt: NOW, isFinal: false }, policy, random);
      assert.equal(kind, number >= policy.attemptsMax ? "give-up" : "again");
    }),
  );
});

test("a final error gives up at the first attempt", () => {
  assert.equal(nextAttempt({ number: 1, failedAt: NOW, isFinal: true }, exponential, 0.5).kind, "give-up");
});

test("three attempts are made unless something else is said", () => {
  const verdicts = [1, 2, 3].map((number) => nextAttempt({ number, failedAt: NOW, isFinal: false }, DEFAULT_RETRY, 0));
  assert.deepEqual(
    verdicts.map(({ kind }) => kind),
    ["again", "again", "give-up"],
  );
});

test("a budget allows ten retries before anything was earned, at their own time", () => {
  const budget = newBudget(0.1);
  for (let index = 0; index < 10; index++) assert.equal(spend(budget, NOW + index, NOW), NOW + index);
  assert.ok(spend(budget, NOW, NOW) >= NOW);
  assert.ok(spend(budget, NOW, NOW) > NOW);
});

test("ten first attempts earn one retry at a share of 10 %, and no more than a hundred are saved up", () => {
  const budget = newBudget(0.1);
  for (let index = 0; index < 10; index++) spend(budget, NOW, NOW);
  spend(budget, NOW, NOW);
  for (let index = 0; index < 11; index++) earn(budget);
  assert.equal(spend(budget, NOW, NOW), NOW, "the earned retry is made at its own time");
  assert.ok(spend(budget, NOW, NOW) > NOW, "the next is not");
  for (let index = 0; index < 1_000_000; index++) earn(budget);
  let free = 0;
  while (spend(budget, NOW, NOW) === NOW) free++;
  assert.equal(free, 100);
});

/** A budget without a token left. */
function spentBudget() {
  const budget = newBudget(0.01);
  for (let index = 0; index < 10; index++) spend(budget, NOW, NOW);
  return budget;
}

test("a spent budget lets one probe through a second, delays the rest, and gives up none", () => {
  const gaps = fc.array(fc.integer({ min: 0, max: 5000 }), { minLength: 2, maxLength: 50 });
  fc.assert(
    fc.property(gaps, (gaps) => {
      const budget = spentBudget();
      let due = NOW;
      const probes = gaps.map((gap) => {
        due += gap;
        const at = spend(budget, due, NOW);
        assert.ok(Number.isFinite(at) && at >= due, "never before it is due, never given up");
        return at;
      });
      probes.sort((a, b) => a - b);
      for (let index = 1; index < probes.length; index++) assert.ok(probes[index]! - probes[index - 1]! >= SECOND);
    }),
  );
});

test("a retry that is due in an hour delays no probe that is due before it", () => {
  const budget = spentBudget();
  assert.equal(spend(budget, NOW + 3600 * SECOND, NOW), NOW + 3600 * SECOND);
  assert.equal(spend(budget, NOW + SECOND, NOW), NOW + SECOND);
  assert.equal(spend(budget, NOW + SECOND, NOW), NOW + 2 * SECOND);
  assert.equal(spend(budget, NOW + 3600 * SECOND, NOW), NOW + 3601 * SECOND);
});

test("in whatever order retries come, each probe takes the first second that is free from when it is due", () => {
  const dues = fc.array(fc.integer({ min: 0, max: 40 * SECOND }), { minLength: 1, maxLength: 80 });
  fc.assert(
    fc.property(dues, (dues) => {
      const budget = spentBudget();
      const taken = new Set<number>();
      for (const due of dues) {
        let free = Math.ceil((NOW + due) / SECOND);
        while (taken.has(free)) free++;
        taken.add(free);
        assert.equal(spend(budget, NOW + due, NOW), free * SECOND);
      }
    }),
  );
});

test("a budget remembers no second that is over, and 100,000 that wait cost no more each than a few", () => {
  const budget = spentBudget();
  for (let second = 0; second < 100_000; second++) spend(budget, NOW + second * SECOND, NOW + second * SECOND);
  assert.ok(budget.probes.size <= 2, `${budget.probes.size}`);
  const waiting = spentBudget();
  for (let index = 1; index <= 100_000; index++) assert.equal(spend(waiting, NOW + 1, NOW), NOW + index * SECOND);
});

test("the delays of a policy together are those that its attempts wait, each at its longest", () => {
  const policies = fc.record({
    attemptsMax: fc.integer({ min: 1, max: 80 }),
    backoff: fc.constantFrom("exponential" as const, "constant" as const),
    firstMs: fc.integer({ min: 0, max: 5000 }),
    maxMs: fc.constantFrom(5000, 300_000, 1e15),
  });
  fc.assert(
    fc.property(policies, (given) => {
      const policy: RetryPolicy = { ...DEFAULT_RETRY, ...given, jitter: "none" };
      let waited = 0;
      for (let number = 1; ; number++) {
        const verdict = nextAttempt({ number, failedAt: 0, isFinal: false }, policy, 1);
        if (verdict.kind === "give-up") break;
        waited += verdict.at;
      }
      assert.ok(Math.abs(backoffsMs(policy) - waited) <= 1e-9 * waited);
    }),
  );
  assert.ok(Number.isFinite(backoffsMs({ ...DEFAULT_RETRY, attemptsMax: 1e9, maxMs: 1e20 })));
});
