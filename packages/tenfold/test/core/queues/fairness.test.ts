/**
 * Laws of turns between keys. Why they hold: a key has its turn when its tag is the lowest; a turn of cost c puts its tag
 * c / weight beyond the virtual time, which no tag is below. So while a key waits whose tag is t beyond it, another key's
 * turns but its last have cost no more than t times its weight.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { newLine, type Line, type LineLimits, type Waiting } from "../../../src/core/queues/line-state.ts";
import { join, next, settled } from "../../../src/core/queues/line.ts";
import { rateOf } from "../../../src/value/rate.ts";

const NONE = { concurrency: null, rate: null };
const ONE = { concurrency: 1, rate: null };
const oneAtOnce: LineLimits = { shared: null, queues: [{ queue: "a", own: ONE, per: null }] };

/** Starts the next, and ends it. */
function turn(line: Line, now = 0): Waiting | undefined {
  const answer = next(line, now);
  if (answer.kind !== "start") return undefined;
  settled(line, answer.waiting, now);
  return answer.waiting;
}

const tasks = fc.array(
  fc.record({
    key: fc.constantFrom("v", "w", "x", "y", "z"),
    cost: fc.constantFrom(0.5, 1, 2, 7),
    rank: fc.nat(1000),
    isTurn: fc.boolean(),
  }),
  { maxLength: 150, size: "max" },
);

test("between two turns of a key that has somebody waiting, each other key has turns for what that one's cost, and one more", () => {
  fc.assert(
    fc.property(tasks, (tasks) => {
      const line = newLine(oneAtOnce, 0, true);
      const waitingOf = new Map<string, number>();
      /** Since a key has waited without a turn: what its last one cost, and what others have had, but for their last. */
      const waits = new Map<string, { readonly owes: number; readonly others: Map<string, readonly number[]> }>();
      const take = (): void => {
        const one = turn(line);
        if (one === undefined) return;
        for (const [key, { owes, others }] of waits) {
          if (key === one.key) continue;
          const costs: readonly number[] = [...(others.get(one.key) ?? []), one.cost];
          others.set(one.key, costs);
          const butLast = costs.slice(0, -1).reduce((sum, cost) => sum + cost, 0);
          assert.ok(butLast <= owes, `${one.key} has had ${costs.join()} while ${key} waited, which owed ${owes}`);
        }
        const left = waitingOf.get(one.key)! - 1;
        waitingOf.set(one.key, left);
        waits.delete(one.key);
        if (left > 0) waits.set(one.key, { owes: one.cost, others: new Map() });
      };
      for (const [id, { isTurn, ...task }] of tasks.entries()) {
        join(line, { queue: "a", id: `${id}`, weight: 1, ...task });
        const before = waitingOf.get(task.key) ?? 0;
        waitingOf.set(task.key, before + 1);
        // Who has had nothing yet owes nothing: each other key has one turn at most before.
        if (before === 0) waits.set(task.key, { owes: hasHad(line, task.key) ? 7 : 0, others: new Map() });
        if (isTurn) take();
      }
      for (let left = tasks.length; left >= 0; left--) take();
      assert.equal(next(line, 0).kind, "none");
    }),
    { numRuns: 500 },
  );
});

function hasHad(line: Line, key: string): boolean {
  return line.queues.get("a")!.flows.get(key)!.finish > 0;
}

test("a key that comes with one task waits for one turn of each other key, however many tasks those have", () => {
  const line = newLine(oneAtOnce, 0, true);
  for (let id = 0; id < 3000; id++)
    join(line, { queue: "a", key: `k${id % 3}`, rank: id, id: `${id}`, cost: 1, weight: 1 });
  for (let turns = 0; turns < 100; turns++) turn(line);
  join(line, { queue: "a", key: "new", rank: 9999, id: "new", cost: 1, weight: 1 });
  const before = Array.from({ length: 4 }, () => turn(line)!.key);
  assert.equal(before.filter((key) => key === "new").length, 1);
});

/** Over whatever stretch two keys wait, what they have had for their weight differs by no more than one task of each. */
function assertProportional(turns: readonly Waiting[], what: string): void {
  const keys = [...new Set(turns.map(({ key }) => key))];
  const largest = (of: string): number =>
    Math.max(...turns.filter(({ key }) => key === of).map(({ cost, weight }) => cost / weight));
  for (const [a, b] of keys.flatMap((a) => keys.filter((b) => b > a).map((b) => [a, b] as const))) {
    let difference = 0;
    let [least, most] = [0, 0];
    for (const { key, cost, weight } of turns) {
      difference += key === a ? cost / weight : key === b ? -cost / weight : 0;
      [least, most] = [Math.min(least, difference), Math.max(most, difference)];
    }
    assert.ok(most - least <= largest(a) + largest(b) + 1e-6, `${what}: ${a} and ${b} differ by ${most - least}`);
  }
}

const WEIGHTS: Readonly<Record<string, number>> = { x: 1, y: 2, z: 0.25 };
const costs = fc.array(fc.constantFrom(1, 2, 5), { minLength: 20, maxLength: 20, size: "max" });

function fill(line: Line, queue: string, costs: readonly number[], from = 0): void {
  for (let id = 0; id < 600; id++) {
    const key = "xyz"[id % 3]!;
    const cost = costs[id % costs.length]!;
    join(line, { queue, key, rank: from + id, id: `${queue}-${id}`, cost, weight: WEIGHTS[key]! });
  }
}

test("keys that wait have what is started in proportion to their weights, over any stretch", () => {
  fc.assert(
    fc.property(costs, (costs) => {
      const line = newLine(oneAtOnce, 0, true);
      fill(line, "a", costs);
      const turns = Array.from({ length: 150 }, () => turn(line)!);
      assertProportional(turns, "one queue");
    }),
  );
});

test("also in a queue that starts one now and then beside one that starts all the time", () => {
  fc.assert(
    fc.property(costs, fc.integer({ min: 1, max: 30 }), (costs, others) => {
      const rate = rateOf("1/s burst 5");
      const line = newLine(
        {
          shared: { concurrency: 2, rate: null },
          queues: [{ queue: "a", own: { concurrency: null, rate }, per: null }],
        },
        0,
        true,
      );
      fill(line, "a", costs);
      const turns: Waiting[] = [];
      for (let round = 0; round < 100; round++) {
        for (let id = 0; id < others; id++) {
          join(line, { queue: "b", key: `${id}`, rank: 5000 + round, id: `${round} ${id}`, cost: 1, weight: 1 });
        }
        for (let one = turn(line, round * 5000); one !== undefined; one = turn(line, round * 5000)) {
          if (one.queue === "a") turns.push(one);
        }
      }
      assert.ok(turns.length >= 100);
      assertProportional(turns, "a slow queue");
    }),
    { numRuns: 30 },
  );
});

test("under a limit that queues share, each key of each queue has its turn, and none waits for more than two of another", () => {
  const line = newLine({ shared: ONE, queues: [] }, 0, true);
  for (let id = 0; id < 900; id++) {
    join(line, { queue: "a", key: `k${id % 9}`, rank: id, id: `a${id}`, cost: 1, weight: 1 });
    join(line, { queue: "b", key: "only", rank: 10_000 + id, id: `b${id}`, cost: 1, weight: 1 });
  }
  const turns = Array.from({ length: 500 }, () => turn(line)!);
  const had = new Map<string, number>();
  for (const { queue, key } of turns) had.set(`${queue} ${key}`, (had.get(`${queue} ${key}`) ?? 0) + 1);
  assert.deepEqual([...new Set(had.values())], [50]);
});

test("who could not start does not catch up: a key that was held up has its turn among the others from then on", () => {
  const limits = { shared: { concurrency: 2, rate: null }, queues: [{ queue: "a", own: NONE, per: ONE }] };
  const line = newLine(limits, 0, true);
  const task = (key: string, id: number): Waiting => ({ queue: "a", key, rank: id, id: `${id}`, cost: 1, weight: 1 });
  const held = task("held", 0);
  join(line, held);
  assert.deepEqual(next(line, 0), { kind: "start", waiting: held, with: [] });
  for (let id = 1; id <= 50; id++) for (const key of ["held", "x", "y"]) join(line, task(key, id));
  for (let turns = 0; turns < 40; turns++) assert.notEqual(turn(line)!.key, "held");
  settled(line, held, 0);
  const keys = Array.from({ length: 12 }, () => turn(line)!.key);
  // A third of them, and the one that was due.
  assert.equal(keys.filter((key) => key === "held").length, 5);
});

test("what was had before everybody had left does not count", () => {
  const line = newLine(oneAtOnce, 0, true);
  const task = (key: string, rank: number, cost: number): Waiting => ({
    queue: "a",
    key,
    rank,
    id: `${rank}`,
    cost,
    weight: 1,
  });
  join(line, task("x", 0, 1000));
  turn(line);
  join(line, task("x", 1, 1));
  join(line, task("y", 2, 1));
  assert.equal(turn(line)!.key, "x");
});
