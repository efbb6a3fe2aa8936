/** Laws of limits that change, of buckets that are kept for the next owner, and of keys that are forgotten. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { DOUBT_MS } from "../../../src/core/queues/bucket.ts";
import { change, changed, restore } from "../../../src/core/queues/limit-changes.ts";
import { keys, running, size } from "../../../src/core/queues/line-facts.ts";
import { newLine, type Limit, type Line, type LineLimits, type Waiting } from "../../../src/core/queues/line-state.ts";
import { join, next, settled, spent } from "../../../src/core/queues/line.ts";
import { rateOf } from "../../../src/value/rate.ts";
import { overrun, type Take } from "./windows.ts";

const atMost = (concurrency: number): Limit => ({ concurrency, rate: null });
const atRate = (text: string): Limit => ({ concurrency: null, rate: rateOf(text) });
const limitsOf = (own: Limit, per: Limit | null = null, shared: Limit | null = null): LineLimits => ({
  shared,
  queues: [{ queue: "a", own, per }],
});

const NO_LIMIT: Limit = { concurrency: null, rate: null };

function task(id: number, key = "x", cost = 1): Waiting {
  return { queue: "a", key, rank: id, id: `${id}`, cost, weight: 1 };
}

/** Lets `count` of `key` join and starts what may start; answers how many that were. */
function startedOf(line: Line, count: number, now: number, key = "x"): number {
  for (let id = 0; id < count; id++) join(line, task(id, key));
  let started = 0;
  while (next(line, now).kind === "start") started++;
  return started;
}

test("under a lower limit nothing starts until fewer run; under a higher one more start at once", () => {
  const line = newLine(limitsOf(atMost(3), atMost(3), atMost(3)), 0, true);
  const tasks = Array.from({ length: 8 }, (_, id) => task(id));
  for (const one of tasks) join(line, one);
  while (next(line, 0).kind === "start");
  assert.equal(running(line, "a"), 3);
  change(line, limitsOf(atMost(3), atMost(2), atMost(3)));
  settled(line, tasks[0]!, 0);
  assert.equal(next(line, 0).kind, "none");
  settled(line, tasks[1]!, 0);
  assert.equal(next(line, 0).kind, "start");
  change(line, limitsOf(atMost(3), null, null));
  assert.equal(next(line, 0).kind, "start");
  assert.equal(next(line, 0).kind, "none");
  change(line, limitsOf(NO_LIMIT));
  while (next(line, 0).kind === "start");
  assert.equal(size(line, "a"), 0);
});

test("of a bucket as much is taken as was, whatever its rate is changed to, and as often as it is", () => {
  for (const put of [
    (limit: Limit) => limitsOf(limit),
    (limit: Limit) => limitsOf(NO_LIMIT, limit),
    (limit: Limit) => limitsOf(NO_LIMIT, null, limit),
  ]) {
    const line = newLine(put(atRate("1/min burst 4")), 0, true);
    assert.equal(startedOf(line, 9, 0), 4);
    change(line, put(atRate("1/min burst 4")));
    assert.deepEqual(next(line, 0), { kind: "later", at: 60_000 });
    change(line, put(atRate("1/s burst 4")));
    assert.deepEqual(next(line, 0), { kind: "later", at: 1000 });
    change(line, put(atRate("1/h burst 2")));
    assert.deepEqual(next(line, 0), { kind: "later", at: 3_600_000 });
    change(line, put(NO_LIMIT));
    assert.equal(next(line, 0).kind, "start");
  }
});

test("what has come to cost more than a bucket holds takes all of it and owes the rest, and holds nobody up for ever", () => {
  const line = newLine(limitsOf(atRate("1/s burst 5")), 0, true);
  join(line, task(1, "x", 5));
  join(line, task(2, "x", 1));
  change(line, limitsOf(atRate("1/s burst 2")));
  assert.equal(next(line, 0).kind, "start");
  assert.deepEqual(next(line, 0), { kind: "later", at: 4000 });
});

test("a queue that limits name no more lets all start, and is forgotten when nobody is there; one that they name anew begins", () => {
  const line = newLine(limitsOf({ concurrency: 1, rate: rateOf("1/h burst 9") }, atRate("1/h")), 0, true);
  const waiting = [task(1), task(2)];
  for (const one of waiting) join(line, one);
  assert.equal(next(line, 0).kind, "start");
  const others: LineLimits = { shared: null, queues: [{ queue: "b", own: atMost(1), per: null }] };
  change(line, others);
  assert.equal(next(line, 0).kind, "start");
  for (const one of waiting) settled(line, one, 0);
  change(line, others);
  assert.deepEqual([...line.queues.keys()], ["b"]);
  assert.deepEqual(changed(line), []);
  join(line, task(3));
  assert.equal(next(line, 0).kind, "start");
});

test("buckets that are slow are told when they have changed, once, by names that are understood again", () => {
  const slow = atRate("1/min burst 3");
  const limits = limitsOf(slow, slow, slow);
  const line = newLine(limits, 0, true);
  assert.deepEqual(changed(line), []);
  assert.equal(startedOf(line, 2, 0, `"odd", key`), 2);
  const told = changed(line);
  assert.deepEqual(
    told.map(({ tat }) => tat),
    [120_000, 120_000, 120_000],
  );
  assert.equal(new Set(told.map(({ scope }) => scope)).size, 3);
  assert.deepEqual(changed(line), []);
  spent(line, task(0, `"odd", key`), 1);
  assert.equal(changed(line).length, 3);

  for (const [index, { scope, tat }] of told.entries()) {
    const after = newLine(limits, 5000, false);
    restore(after, scope, { tat, at: 0 }, 5000);
    assert.equal(startedOf(after, 3, 5000, `"odd", key`), 1, scope);
    const answer = next(after, 5000);
    assert.ok(answer.kind === "later" && answer.at === 5000 + 60_000, scope);
    const isOfKey = scope.includes("odd");
    assert.equal(isOfKey, index === told.findIndex((bucket) => bucket.scope.includes("odd")));
    if (isOfKey) assert.equal(startedOf(after, 3, 5000, "another"), 2);
  }
});

test("buckets that fill up in a second are not told, and a new owner waits until they must be full", () => {
  const quick = atRate("100/s burst 20");
  for (const limits of [limitsOf(quick), limitsOf(NO_LIMIT, quick), limitsOf(NO_LIMIT, null, quick)]) {
    const line = newLine(limits, 1000, false);
    assert.equal(startedOf(line, 30, 1000), 0);
    assert.deepEqual(next(line, 1000), { kind: "later", at: 1010 });
    assert.equal(startedOf(line, 0, 1200), 20);
    assert.deepEqual(changed(line), []);
  }
});

test("a slow bucket that was never told of was never used: for a new owner it is full", () => {
  const slow = atRate("5/day burst 2");
  assert.equal(startedOf(newLine(limitsOf(slow, slow, slow), 1000, false), 9, 1000), 2);
});

test("what was kept of limits that are gone, or are quick now, is passed over", () => {
  const line = newLine(limitsOf(atRate("100/s")), 0, true);
  const kept = { tat: 1e9, at: 0 };
  for (const scope of ["[]", '["a"]', '["a","x"]', '["gone"]', '["gone","x"]']) restore(line, scope, kept, 0);
  assert.equal(startedOf(line, 20, 0), 10);
  assert.deepEqual([...line.queues.keys()], ["a"]);
});

test("over owners that die and clocks that differ by a minute, a slow rate holds in every window", () => {
  const owners = fc.array(
    fc.record({
      clockMs: fc.integer({ min: -DOUBT_MS / 2, max: DOUBT_MS / 2 }),
      steps: fc.array(fc.record({ passMs: fc.nat(90_000), count: fc.nat(4) }), { maxLength: 6, size: "max" }),
    }),
    { maxLength: 6, size: "max" },
  );
  fc.assert(
    fc.property(owners, fc.constantFrom("20/min burst 20", "3/min burst 5", "10/h"), (owners, text) => {
      const rate = rateOf(text);
      const limits = limitsOf({ concurrency: null, rate });
      const rows = new Map<string, { tat: number; at: number }>();
      const takes: Take[] = [];
      let real = 1e6;
      for (const [index, { clockMs, steps }] of owners.entries()) {
        const line = newLine(limits, real + clockMs, index === 0);
        for (const [scope, kept] of rows) restore(line, scope, kept, real + clockMs);
        for (const { passMs, count } of steps) {
          real += passMs;
          const started = startedOf(line, count, real + clockMs);
          for (const { scope, tat } of changed(line)) rows.set(scope, { tat, at: real + clockMs });
          for (let one = 0; one < started; one++) takes.push({ at: real, cost: 1 });
        }
      }
      assert.equal(overrun(takes, rate), null);
    }),
  );
});

test("keys that come and go are forgotten, but for those that run, or wait, or whose bucket is not full", () => {
  const line = newLine(limitsOf(NO_LIMIT, atRate("1/s burst 2")), 0, true);
  const runs = task(-1, "runs");
  const owes = task(-2, "owes");
  for (const one of [runs, owes]) join(line, one);
  while (next(line, 0).kind === "start");
  settled(line, owes, 0);
  spent(line, owes, 1e6);
  for (let id = 0; id < 100_000; id++) {
    const one = task(id, `k${id}`);
    join(line, one);
    assert.deepEqual(next(line, id), { kind: "start", waiting: one, with: [] });
    settled(line, one, id);
    if (id % 100 === 0) changed(line);
  }
  const { flows } = line.queues.get("a")!;
  assert.ok(flows.size < 5000, `${flows.size} are kept`);
  assert.deepEqual(keys(line, "a"), [{ key: "runs", waiting: 0, running: 1 }]);
  join(line, task(100_000, "owes"));
  assert.equal(next(line, 100_000).kind, "later");
});

test("a key whose bucket is not told of yet is not forgotten: each is told of once", () => {
  const line = newLine(limitsOf(NO_LIMIT, atRate("1/s burst 2")), 0, true);
  for (const from of [0, 1e7]) {
    for (let id = 0; id < 3000; id++) {
      const now = from + 2000 * id;
      const one = task(id, `k${id}`);
      join(line, one);
      assert.deepEqual(next(line, now), { kind: "start", waiting: one, with: [] });
      settled(line, one, now);
    }
  }
  assert.equal(line.queues.get("a")!.flows.size, 3000);
  const told = changed(line).map(({ scope }) => scope);
  assert.deepEqual([told.length, new Set(told).size], [3000, 3000]);
});
