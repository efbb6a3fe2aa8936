/** What people are told of a line: which limit binds, and why one does not start. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { binding, keys, reasonOf, running, size } from "../../../src/core/queues/line-facts.ts";
import { newLine, type Limit, type Line, type Waiting } from "../../../src/core/queues/line-state.ts";
import { join, next, pause, settled, slow } from "../../../src/core/queues/line.ts";
import { rateOf } from "../../../src/value/rate.ts";

const NO_LIMIT: Limit = { concurrency: null, rate: null };
const ONE: Limit = { concurrency: 1, rate: null };
const SLOW: Limit = { concurrency: null, rate: rateOf("1/s") };

function lineOf(of: "shared" | "queue" | "key" | null, limit: Limit = NO_LIMIT): Line {
  const own = of === "queue" ? limit : NO_LIMIT;
  const queues = [{ queue: "a", own, per: of === "key" ? limit : null }];
  return newLine({ shared: of === "shared" ? limit : null, queues }, 0, true);
}

function task(id: number, key = "x"): Waiting {
  return { queue: "a", key, rank: id, id: `${id}`, cost: 1, weight: 1 };
}

/** Joins three of one key, of which the first starts if it may; answers the second. */
function secondOf(line: Line): Waiting {
  const tasks = [task(1), task(2), task(3)];
  for (const one of tasks) join(line, one);
  next(line, 0);
  return tasks[1]!;
}

for (const scope of ["shared", "queue", "key"] as const) {
  test(`one that waits for how many run of its ${scope}, or for its rate, is told so, and until when`, () => {
    const many = lineOf(scope, ONE);
    assert.deepEqual(reasonOf(many, secondOf(many), 0), { kind: "concurrency", of: scope, until: null });
    assert.deepEqual(binding(many, "a", 0), { kind: "concurrency", of: scope, until: null });
    const fast = lineOf(scope, SLOW);
    const second = secondOf(fast);
    assert.deepEqual(next(fast, 0), { kind: "later", at: 1000 });
    assert.deepEqual(reasonOf(fast, second, 0), { kind: "rate", of: scope, until: 1000 });
    assert.deepEqual(binding(fast, "a", 0), { kind: "rate", of: scope, until: 1000 });
    assert.deepEqual(reasonOf(fast, second, 1000), { kind: "turn", ahead: 0 });
    assert.equal(binding(fast, "a", 1000), null);
  });
}

test("a pause comes before all else, then who was told to be slow, the queue or all", () => {
  const line = lineOf("queue", ONE);
  const second = secondOf(line);
  slow(line, null, 700);
  assert.deepEqual(reasonOf(line, second, 0), { kind: "slow", of: "shared", until: 700 });
  slow(line, "a", 500);
  slow(line, "a", 400);
  assert.deepEqual(binding(line, "a", 0), { kind: "slow", of: "queue", until: 500 });
  pause(line, "a", true);
  assert.deepEqual(reasonOf(line, second, 0), { kind: "paused", of: "queue", until: null });
  assert.equal(reasonOf(line, second, 800)?.kind, "paused");
  pause(line, "a", false);
  assert.equal(reasonOf(line, second, 800)?.kind, "concurrency");
});

test("one whose turn has not come is told how many go first: of its key all before it, of each other key one", () => {
  const line = lineOf("queue", ONE);
  for (const one of [task(0, "y"), task(1, "z"), task(2, "late")]) join(line, one);
  next(line, 0);
  const tasks = [task(10), task(11), task(12)];
  for (const one of [...tasks, task(3, "y"), task(4, "y")]) join(line, one);
  // "y" has had its turn; "z" and "late" have not.
  assert.deepEqual(reasonOf(line, tasks[0]!, 0), { kind: "turn", ahead: 2 });
  assert.deepEqual(reasonOf(line, tasks[2]!, 0), { kind: "turn", ahead: 4 });
});

test("of those that do not wait there is no reason, and of a queue that nobody waits for no limit that binds", () => {
  const line = lineOf("queue", ONE);
  assert.equal(reasonOf(line, task(1), 0), null);
  assert.equal(binding(line, "a", 0), null);
  assert.equal(binding(line, "unknown", 0), null);
  const one = task(1);
  join(line, one);
  next(line, 0);
  assert.equal(reasonOf(line, one, 0), null);
  assert.equal(binding(line, "a", 0), null);
});

test("who waits and who runs is counted by queue and by key", () => {
  const line = lineOf(null);
  assert.deepEqual([size(line, "b"), running(line, "b"), keys(line, "b")], [0, 0, []]);
  const first = task(1);
  for (const one of [first, task(2), task(3, "y")]) join(line, one);
  next(line, 0);
  assert.deepEqual([size(line, "a"), running(line, "a")], [2, 1]);
  assert.deepEqual(keys(line, "a"), [
    { key: "x", waiting: 1, running: 1 },
    { key: "y", waiting: 1, running: 0 },
  ]);
  settled(line, first, 0);
  assert.equal(running(line, "a"), 0);
});
