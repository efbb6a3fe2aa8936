/** Laws of the oracle of queues: it sees what broke a limit, and lists what it does not count. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { LineLimits } from "../../src/core/queues/line-state.ts";
import { breachesOf, mostAtOnce, mostPassed, overlapsOf, type Effect } from "../../src/testing/effect-log.ts";

function effect(began: number, ended: number, given: Partial<Effect> = {}): Effect {
  const task = `${began}`;
  return { queue: "q", key: "a", limit: "l", task, cost: 1, began, ended, excused: null, ...given };
}

const TWO: LineLimits = {
  shared: null,
  queues: [{ queue: "q", own: { concurrency: 2, rate: null }, per: { concurrency: 1, rate: null } }],
};
const FROZEN = "its process was frozen beyond its lease";

test("more at once than permitted is a breach, of the queue and of its keys; what ends makes room at once", () => {
  const kept = [effect(0, 10), effect(0, 10, { key: "b" }), effect(10, 20)];
  assert.deepEqual(breachesOf(kept, "q", TWO), []);
  assert.equal(mostAtOnce(kept), 2);
  const scopes = (effects: Effect[]): string[] => breachesOf(effects, "q", TWO).map(({ scope }) => scope);
  assert.deepEqual(scopes([...kept, effect(5, 6, { key: "c" })]), ["queue q"]);
  assert.deepEqual(scopes([effect(0, 10), effect(9, 20)]), ["queue q, key a"]);
  assert.deepEqual(scopes([effect(0, Infinity), effect(900, 901)]), ["queue q, key a"]);
});

test("a limit that queues share counts those of all of them", () => {
  const limits: LineLimits = { shared: { concurrency: 1, rate: null }, queues: [] };
  const others = [effect(0, 10), effect(5, 6, { queue: "p" }), effect(5, 6, { queue: "r", limit: null })];
  assert.equal(breachesOf(others, "l", limits).length, 1);
  assert.deepEqual(breachesOf([others[0]!, others[2]!], "l", limits), []);
});

test("in a window more than burst and rate allow is a breach, by what each costs", () => {
  const rate = { count: 2, perMs: 1000, burst: 2 };
  const limits: LineLimits = { shared: null, queues: [{ queue: "q", own: { concurrency: null, rate }, per: null }] };
  assert.deepEqual(breachesOf([effect(0, 1), effect(0, 1), effect(500, 501), effect(1000, 1001)], "q", limits), []);
  assert.equal(breachesOf([effect(0, 1), effect(0, 1), effect(499, 500)], "q", limits).length, 1);
  assert.equal(breachesOf([effect(0, 1, { cost: 2 }), effect(499, 500)], "q", limits).length, 1);
});

test("what nobody can prevent is listed by name and not counted, from then on; that it began is", () => {
  const frozen = effect(0, 100, { excused: { from: 50, why: FROZEN } });
  assert.deepEqual(breachesOf([frozen, effect(50, 60)], "q", TWO), []);
  assert.deepEqual(overlapsOf([frozen, effect(50, 60)]), [{ effect: frozen, from: 50, to: 100, why: FROZEN }]);
  assert.equal(breachesOf([frozen, effect(49, 60)], "q", TWO).length, 1);
  const late = effect(55, 100, { excused: { from: 50, why: FROZEN } });
  assert.equal(breachesOf([late, effect(60, 61)], "q", TWO).length, 1);
});

test("who is passed is counted from when it waits as the first of its key", () => {
  const starts = [effect(0, 1), effect(10, 11), effect(20, 21), effect(30, 31, { key: "b" })];
  assert.equal(mostPassed(starts, () => 0), 2); // prettier-ignore
  assert.equal(mostPassed(starts, () => 15), 1); // prettier-ignore
});
