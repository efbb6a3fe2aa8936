/** Laws of beginnings: rates hold for bodies that begin late, too. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  began,
  beganWith,
  beginsAt,
  newBeginnings,
  restoreBeginnings,
  withPending,
} from "../../../src/core/queues/beginnings.ts";
import type { LineLimits, Waiting } from "../../../src/core/queues/line-state.ts";
import { breachesOf, type Effect } from "../../../src/testing/effect-log.ts";

const rate = fc.record({ count: fc.integer({ min: 1, max: 50 }), perMs: fc.constant(1000), burst: fc.integer({ min: 2, max: 5 }) }); // prettier-ignore
const perhaps = fc.option(rate);

test("however late bodies are, no window has more that begin than burst and rate allow, in any scope", () => {
  const body = fc.record({ lateMs: fc.integer({ min: 0, max: 3000 }), key: fc.constantFrom("a", "b"), cost: fc.integer({ min: 1, max: 2 }) }); // prettier-ignore
  fc.assert(
    fc.property(perhaps, perhaps, perhaps, fc.array(body, { maxLength: 60 }), (ofAll, ofQueue, ofKey, bodies) => {
      const limits: LineLimits = {
        shared: { concurrency: null, rate: ofAll },
        queues: [{ queue: "q", own: { concurrency: null, rate: ofQueue }, per: { concurrency: null, rate: ofKey } }],
      };
      const beginnings = newBeginnings(limits);
      const waiting = bodies.map(({ lateMs, key, cost }, nth) => {
        const one: Waiting = { queue: "q", key, rank: 0, id: `${nth}`, cost, weight: 1 };
        return { one, at: lateMs };
      });
      const effects: Effect[] = [];
      while (waiting.length > 0) {
        waiting.sort((a, b) => a.at - b.at);
        const next = waiting[0]!;
        const at = beginsAt(beginnings, next.one);
        if (at > next.at) {
          next.at = Math.ceil(at);
          continue;
        }
        waiting.shift();
        began(beginnings, next.one, next.at);
        const { key, cost, id: task } = next.one;
        effects.push({ queue: "q", key, limit: "l", task, cost, began: next.at, ended: next.at, excused: null });
      }
      assert.deepEqual(breachesOf(effects, "l", limits), []);
    }),
  );
});

test("what a body did not spend is given back so far as no window has more than burst and rate allow", () => {
  const body = fc.record({ gapMs: fc.nat(800), cost: fc.integer({ min: 1, max: 4 }), part: fc.double({ min: 0, max: 1, noNaN: true }), tookMs: fc.nat(3000) }); // prettier-ignore
  const rates = fc.record({ count: fc.integer({ min: 1, max: 10 }), perMs: fc.constant(1000), burst: fc.integer({ min: 4, max: 9 }) }); // prettier-ignore
  fc.assert(
    fc.property(rates, fc.array(body, { maxLength: 60, size: "max" }), (own, bodies) => {
      const limits: LineLimits = {
        shared: null,
        queues: [{ queue: "q", own: { concurrency: null, rate: own }, per: null }],
      };
      const beginnings = newBeginnings(limits);
      const open: { readonly one: Waiting; readonly more: number; readonly endsAt: number }[] = [];
      const effects: Effect[] = [];
      let now = 0;
      const endUntil = (time: number): void => {
        open.sort((a, b) => a.endsAt - b.endsAt);
        while (open.length > 0 && open[0]!.endsAt <= time) {
          const { one, more, endsAt } = open.shift()!;
          beganWith(beginnings, one, more, endsAt);
        }
      };
      bodies.forEach(({ gapMs, cost, part, tookMs }, nth) => {
        const one: Waiting = { queue: "q", key: "", rank: 0, id: `${nth}`, cost, weight: 1 };
        now += gapMs;
        for (endUntil(now); beginsAt(beginnings, one) > now; endUntil(now)) {
          now = Math.min(Math.ceil(beginsAt(beginnings, one)), open[0]?.endsAt ?? Infinity);
        }
        began(beginnings, one, now);
        const spent = cost * part;
        open.push({ one, more: spent - cost, endsAt: now + tookMs });
        effects.push({ queue: "q", key: "", limit: null, task: one.id, cost: spent, began: now, ended: now, excused: null }); // prettier-ignore
      });
      assert.deepEqual(breachesOf(effects, "q", limits), []);
    }),
    { numRuns: 1000 },
  );
});

test("all of what a body did not spend is given back to a bucket that was never full meanwhile", () => {
  const rate = { count: 1, perMs: 1000, burst: 10 };
  const limits: LineLimits = { shared: null, queues: [{ queue: "q", own: { concurrency: null, rate }, per: null }] };
  const beginnings = newBeginnings(limits);
  const of = (id: string): Waiting => ({ queue: "q", key: "", rank: 0, id, cost: 5, weight: 1 });
  const [first, second, third] = [of("1"), of("2"), of("3")];
  began(beginnings, first, 0);
  began(beginnings, second, 0);
  assert.equal(beginsAt(beginnings, third), 5000);
  beganWith(beginnings, first, -3, 1000);
  beganWith(beginnings, second, -1, 1000);
  assert.ok(Math.abs(beginsAt(beginnings, third) - 1000) < 1);
});

test("what is never late waits for nothing that its line has decided", () => {
  const limits: LineLimits = {
    shared: null,
    queues: [{ queue: "q", own: { concurrency: null, rate: { count: 10, perMs: 1000, burst: 2 } }, per: null }],
  };
  const beginnings = newBeginnings(limits);
  const waiting: Waiting = { queue: "q", key: "", rank: 0, id: "1", cost: 1, weight: 1 };
  for (const at of [1000, 1000, 1100, 1200]) {
    assert.ok(beginsAt(beginnings, waiting) <= at);
    began(beginnings, waiting, at);
  }
  assert.equal(Math.ceil(beginsAt(beginnings, waiting)), 1300);
});

test("a bucket that is kept counts what begins after it was written, so that a new owner is never too early", () => {
  const rate = { count: 10, perMs: 60_000, burst: 10 };
  const limits: LineLimits = {
    shared: null,
    queues: [{ queue: "q", own: { concurrency: null, rate }, per: null }],
  };
  const lateness = fc.array(fc.integer({ min: 0, max: 5000 }), { minLength: 1, maxLength: 20 });
  fc.assert(
    fc.property(lateness, fc.nat(5000), (lateMs, takenAt) => {
      const [before, after] = [newBeginnings(limits), newBeginnings(limits)];
      const bodies = lateMs.slice(0, rate.burst).map((_, nth): Waiting => {
        return { queue: "q", key: "", rank: 0, id: `${nth}`, cost: 1, weight: 1 };
      });
      const effects: Effect[] = [];
      const begins = (at: number): void => {
        effects.push({ queue: "q", key: "", limit: "l", task: `${effects.length}`, cost: 1, began: at, ended: at, excused: null }); // prettier-ignore
      };
      for (const one of bodies) before.pending.add(one);
      const writtenAt = Math.min(...lateMs);
      const kept = { tat: withPending(before, writtenAt)('["q"]'), at: writtenAt };
      const newOwnerAt = Math.max(takenAt, ...lateMs);
      for (const at of lateMs.slice(0, rate.burst).toSorted((a, b) => a - b)) begins(at);
      restoreBeginnings(after, '["q"]', kept, newOwnerAt);
      const next = bodies[0]!;
      for (let count = 0; count < 15; count++) {
        const at = Math.max(newOwnerAt, Math.ceil(beginsAt(after, next)));
        began(after, next, at);
        begins(at);
      }
      assert.deepEqual(breachesOf(effects, "l", limits), []);
    }),
  );
});
