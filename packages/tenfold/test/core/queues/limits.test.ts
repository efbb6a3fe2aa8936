/** Laws of limits over time: how many run at once, how many start in a window, in which order; of the line, of queues and keys. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Limit, LineLimits } from "../../../src/core/queues/line-state.ts";
import { rateOf } from "../../../src/value/rate.ts";
import { rush, type Arrival, type Started } from "./rush.ts";
import { overrun } from "./windows.ts";

const limit: fc.Arbitrary<Limit> = fc.record({
  concurrency: fc.option(fc.integer({ min: 1, max: 4 })),
  rate: fc.option(fc.constantFrom("100/s", "3/s burst 3", "7/s burst 4", "90/min burst 3").map((text) => rateOf(text))),
});
const limits: fc.Arbitrary<LineLimits> = fc.record({
  shared: fc.option(limit),
  queues: fc.tuple(
    ...["a", "b"].map((queue) => fc.record({ queue: fc.constant(queue), own: limit, per: fc.option(limit) })),
  ),
});
const arrivals: fc.Arbitrary<readonly Arrival[]> = fc
  .array(
    fc.record({
      queue: fc.constantFrom("a", "b"),
      key: fc.constantFrom("x", "y", "z"),
      at: fc.nat(3000),
      takesMs: fc.nat(500),
      cost: fc.constantFrom(0.5, 1, 2, 3),
      weight: fc.constantFrom(1, 4),
    }),
    { maxLength: 80, size: "max" },
  )
  .map((tasks) =>
    tasks.map(({ at, takesMs, ...task }, index) => ({ at, takesMs, waiting: { ...task, rank: at, id: `${index}` } })),
  );

interface Scope {
  readonly name: string;
  readonly limit: Limit | null;
  readonly started: readonly Started[];
}

function scopesOf({ shared, queues }: LineLimits, started: readonly Started[]): readonly Scope[] {
  const scopes: Scope[] = [{ name: "line", limit: shared, started }];
  for (const { queue, own, per } of queues) {
    const ofQueue = started.filter(({ waiting }) => waiting.queue === queue);
    scopes.push({ name: queue, limit: own, started: ofQueue });
    for (const key of ["x", "y", "z"]) {
      scopes.push({
        name: `${queue} ${key}`,
        limit: per,
        started: ofQueue.filter(({ waiting }) => waiting.key === key),
      });
    }
  }
  return scopes;
}

/** How many ran at the same time at most. */
function mostAtOnce(started: readonly Started[]): number {
  return Math.max(
    0,
    ...started.map(
      ({ startedAt }, index) =>
        started
          .slice(0, index + 1)
          .filter((other) => other.startedAt + other.takesMs > startedAt || other === started[index]).length,
    ),
  );
}

test("no more run at once than the line, the queue and the key let; every window keeps the burst and the rate of each; all come to run", () => {
  fc.assert(
    fc.property(limits, arrivals, fc.constantFrom(1, 1e9), (limits, arrivals, from) => {
      const later = arrivals.map((arrival) => ({ ...arrival, at: from + arrival.at }));
      const { started } = rush(limits, later, from);
      for (const { name, limit, started: of } of scopesOf(limits, started)) {
        if (limit?.concurrency != null) assert.ok(mostAtOnce(of) <= limit.concurrency, name);
        if (limit?.rate == null) continue;
        // One of 3 under a burst of less takes all of it, and owes the rest.
        const { rate } = limit;
        const takes = of.map(({ startedAt, waiting }) => ({ at: startedAt, cost: Math.min(waiting.cost, rate.burst) }));
        assert.equal(overrun(takes, rate), null, name);
      }
    }),
    { numRuns: 500 },
  );
});

test("in a key they start by rank, and of one rank by id, as far as they were there", () => {
  fc.assert(
    fc.property(limits, arrivals, (limits, arrivals) => {
      const { started } = rush(limits, arrivals);
      for (const [index, one] of started.entries()) {
        for (const other of started.slice(0, index)) {
          const isOfKey = other.waiting.queue === one.waiting.queue && other.waiting.key === one.waiting.key;
          if (!isOfKey || one.at > other.startedAt) continue;
          const { rank, id } = other.waiting;
          assert.ok(rank < one.waiting.rank || (rank === one.waiting.rank && id < one.waiting.id));
        }
      }
    }),
  );
});

test("a line is asked in vain no more often than its tasks come and end, and a few times for each that waits for a rate", () => {
  fc.assert(
    fc.property(limits, arrivals, (limits, arrivals) => {
      const { vain } = rush(limits, arrivals);
      assert.ok(vain <= 6 * arrivals.length + 1, `${vain} for ${arrivals.length}`);
    }),
  );
});

test("a rate is used up: under a load that never ends a queue starts as many as it lets", () => {
  const rate = rateOf("100/s");
  const arrivals = Array.from({ length: 1000 }, (_, index) => ({
    waiting: { queue: "a", key: `${index % 7}`, rank: index, id: `${index}`, cost: 1, weight: 1 },
    at: 0,
    takesMs: 5,
  }));
  const limits = { shared: null, queues: [{ queue: "a", own: { concurrency: null, rate }, per: null }] };
  assert.equal(rush(limits, arrivals).started.at(-1)!.startedAt, 9900);
});

test("a key at its limit delays no other key, and a queue at its limit no other queue", () => {
  const one = { concurrency: 1, rate: null };
  const limits = {
    shared: { concurrency: 3, rate: null },
    queues: [
      { queue: "a", own: { concurrency: 2, rate: null }, per: one },
      { queue: "b", own: { concurrency: 2, rate: null }, per: null },
    ],
  };
  const task = (queue: string, key: string, id: number, takesMs: number): Arrival => ({
    waiting: { queue, key, rank: id, id: `${id}`, cost: 1, weight: 1 },
    at: 0,
    takesMs,
  });
  const busy = Array.from({ length: 50 }, (_, id) => task("a", "busy", id, 1000));
  const { started } = rush(limits, [
    ...busy,
    task("a", "other", 90, 1000),
    task("a", "third", 91, 1000),
    task("b", "x", 92, 10),
  ]);
  const startOf = (key: string): number => started.find(({ waiting }) => waiting.key === key)!.startedAt;
  assert.deepEqual(["busy", "other", "x", "third"].map(startOf), [0, 0, 0, 1000]);
});
