/** A line decides what a plainly written one decides, whatever happens to it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { change } from "../../../src/core/queues/limit-changes.ts";
import { keys, running, size as queued } from "../../../src/core/queues/line-facts.ts";
import {
  newLine,
  type BatchSize,
  type Limit,
  type Line,
  type LineLimits,
  type Waiting,
} from "../../../src/core/queues/line-state.ts";
import {
  hold,
  isFirstOfKey,
  join,
  leave,
  next,
  pause,
  released,
  settled,
  slow,
  spent,
} from "../../../src/core/queues/line.ts";
import { rateOf } from "../../../src/value/rate.ts";
import { NaiveLine } from "./naive-line.ts";

const QUEUES = ["a", "b"];
const KEYS = ["x", "y", "z"];

const limit: fc.Arbitrary<Limit> = fc.record({
  concurrency: fc.option(fc.integer({ min: 1, max: 3 })),
  rate: fc.option(fc.constantFrom("100/s burst 3", "3/s", "30/min burst 2", "7/s burst 4").map((text) => rateOf(text))),
});
const size: fc.Arbitrary<BatchSize | null> = fc.option(
  fc.record({ max: fc.integer({ min: 1, max: 4 }), waitMs: fc.constantFrom(0, 100, 2000) }),
);
const limitsWith = (batch: fc.Arbitrary<BatchSize | null>): fc.Arbitrary<LineLimits> =>
  fc.record({
    shared: fc.option(limit),
    queues: fc.tuple(
      ...QUEUES.map((queue) => fc.record({ queue: fc.constant(queue), own: limit, per: fc.option(limit), batch })),
    ),
  });

const time = fc.nat(3000);
const queue = fc.constantFrom(...QUEUES);
const stepWith = (limits: fc.Arbitrary<LineLimits>) =>
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        kind: fc.constant("join" as const),
        queue,
        key: fc.constantFrom(...KEYS),
        rank: fc.nat(5),
        cost: fc.constantFrom(0.5, 1, 2, 5),
        weight: fc.constantFrom(0.5, 1, 3),
        sinceMs: fc.constantFrom(0, 0, 50, 1000),
        isAlone: fc.integer({ min: 0, max: 9 }).map((nth) => nth === 0),
      }),
    },
    { weight: 5, arbitrary: fc.record({ kind: fc.constant("pass" as const), ms: time }) },
    { weight: 5, arbitrary: fc.record({ kind: fc.constant("settle" as const), which: fc.nat() }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("leave" as const), which: fc.nat() }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant("hold" as const), which: fc.nat() }) },
    { weight: 3, arbitrary: fc.record({ kind: fc.constant("again" as const), which: fc.nat() }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("release" as const), which: fc.nat() }) },
    {
      weight: 1,
      arbitrary: fc.record({
        kind: fc.constant("spent" as const),
        which: fc.nat(),
        more: fc.integer({ min: -3, max: 9 }),
      }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("slow" as const), queue: fc.option(queue), ms: time }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("pause" as const), queue, isPaused: fc.boolean() }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("change" as const), limits }) },
  );

type Step = ReturnType<typeof stepWith> extends fc.Arbitrary<infer S> ? S : never;

/** A line and its plain likeness, which are told the same. */
class Pair {
  readonly #line: Line;
  readonly #naive: NaiveLine;
  readonly #isOfOneCost: boolean;
  readonly #isBatched: boolean;
  #now: number;
  #joined = 0;

  constructor(limits: LineLimits, now: number, isFirst: boolean, isOfOneCost: boolean, isBatched: boolean) {
    this.#isBatched = isBatched;
    this.#now = now;
    this.#line = newLine(limits, now, isFirst);
    this.#naive = new NaiveLine(limits, now, isFirst);
    this.#isOfOneCost = isOfOneCost;
  }

  obey(step: Step): void {
    const line = this.#line;
    const naive = this.#naive;
    switch (step.kind) {
      case "join": {
        const { kind: _, sinceMs, ...of } = step;
        const waiting: Waiting = {
          ...of,
          cost: this.#isOfOneCost ? 1 : of.cost,
          since: this.#now - sinceMs,
          id: `${(7 * ++this.#joined) % 10}-${this.#joined}`,
        };
        join(line, waiting);
        naive.join(waiting);
        break;
      }
      case "pass":
        this.#now += step.ms;
        break;
      case "settle": {
        const waiting = nth(naive.running, step.which);
        if (waiting === undefined) break;
        settled(line, waiting, this.#now);
        naive.settled(waiting);
        break;
      }
      case "leave": {
        const waiting = nth(naive.waiting, step.which);
        if (waiting === undefined) break;
        assert.equal(leave(line, waiting), naive.leave(waiting));
        assert.equal(leave(line, waiting), false);
        break;
      }
      case "hold": {
        const waiting = nth(naive.running, step.which);
        // A strict queue has no batches.
        if (waiting === undefined || this.#isBatched) break;
        if ([...naive.running].filter(({ id }) => id === waiting.id).length > 1 || !naive.hold(waiting)) break;
        const again = [...naive.waiting].find(({ id }) => id === waiting.id);
        hold(line, waiting, this.#now, again);
        break;
      }
      case "again": {
        const held = nth(new Set([...naive.held.values(), ...(this.#isBatched ? [] : naive.running)]), step.which);
        if (held === undefined || [...naive.waiting].some(({ id }) => id === held.id)) break;
        const waiting = { ...held };
        join(line, waiting);
        naive.join(waiting);
        break;
      }
      case "release": {
        const held = nth(new Set(naive.held.values()), step.which);
        if (held !== undefined) this.#release(held);
        break;
      }
      case "spent": {
        const waiting = nth(naive.running, step.which);
        if (waiting === undefined) break;
        spent(line, waiting, step.more);
        naive.spent(waiting, step.more, line.now);
        break;
      }
      case "slow":
        slow(line, step.queue, this.#now + step.ms);
        naive.slow(step.queue, this.#now + step.ms);
        break;
      case "pause":
        pause(line, step.queue, step.isPaused);
        naive.pause(step.queue, step.isPaused);
        break;
      case "change":
        change(line, step.limits);
        naive.change(step.limits, line.now);
    }
  }

  /** It does not come any more, where it waits. */
  #release(held: Waiting): void {
    const waiting = [...this.#naive.waiting].find(({ id }) => id === held.id);
    if (waiting !== undefined) {
      assert.equal(leave(this.#line, waiting), this.#naive.leave(waiting));
    }
    released(this.#line, held);
    this.#naive.released(held);
  }

  /** Starts all that may start now. */
  startAll(): void {
    for (;;) {
      const expected = this.#naive.whoStarts(this.#now);
      const answer = next(this.#line, this.#now);
      if (answer.kind !== "start") {
        assert.equal(expected, undefined, `${answer.kind}, and ${JSON.stringify(expected)} may start`);
        this.#checkNobody(answer.kind === "later" ? answer.at : Infinity);
        break;
      }
      assert.deepEqual(answer.waiting, expected);
      assert.deepEqual([answer.waiting, ...answer.with], this.#naive.batchOf(answer.waiting));
      this.#naive.start(answer.waiting, this.#now);
    }
    this.#checkFacts();
  }

  /** Nobody may start before `until`; and who does not wait for others, but for time, may soon after. */
  #checkNobody(until: number): void {
    assert.ok(until > this.#now);
    for (const at of [this.#now, (this.#now + Math.min(until, 1e7)) / 2, Math.min(until, 1e7) - 0.01]) {
      if (at >= this.#now && at < until) assert.equal(this.#naive.whoStarts(at), undefined);
    }
    if (!this.#isOfOneCost) return;
    for (const waiting of this.#naive.waiting) assert.ok(!this.#naive.mayStart(waiting, this.#now));
  }

  #checkFacts(): void {
    for (const queue of QUEUES) {
      const isMeant = (one: Waiting, key?: string) => one.queue === queue && (key === undefined || one.key === key);
      const waiting = (key?: string) => [...this.#naive.waiting].filter((one) => isMeant(one, key)).length;
      const bodies = (key?: string) => this.#naive.bodies((one) => isMeant(one, key));
      assert.equal(queued(this.#line, queue), waiting());
      assert.equal(running(this.#line, queue), bodies());
      const told = keys(this.#line, queue).map(({ key, waiting, running }) => [key, waiting, running] as const);
      const counted = KEYS.map((key) => [key, waiting(key), bodies(key)] as const);
      assert.deepEqual(
        told.toSorted(([a], [b]) => (a < b ? -1 : 1)),
        counted.filter(([, waiting, running]) => waiting + running > 0),
      );
    }
  }

  /** With all limits of number out of the way, time alone starts all that wait, in few vain askings. */
  drain(): void {
    for (const queue of QUEUES) this.obey({ kind: "pause", queue, isPaused: false });
    for (const held of [...this.#naive.held.values()]) this.#release(held);
    for (let asked = 0; this.#naive.waiting.size > 0; asked++) {
      assert.ok(asked < 1000, "the line does not come to an end");
      for (const waiting of this.#naive.running) {
        settled(this.#line, waiting, this.#now);
        this.#naive.settled(waiting);
      }
      this.startAll();
      const answer = next(this.#line, this.#now);
      if (answer.kind === "later") this.#now = answer.at;
    }
  }
}

function nth<T>(set: ReadonlySet<T>, which: number): T | undefined {
  return [...set][which % Math.max(1, set.size)];
}

for (const [tasks, isOfOneCost, isBatched, batch] of [
  ["of many costs", false, false, fc.constant(null)],
  ["of one cost", true, false, fc.constant(null)],
  ["in batches", false, true, size],
] as const) {
  test(`a line of tasks ${tasks} starts whom a plain one starts, and says when else; nobody who may start waits`, () => {
    const limits = limitsWith(batch);
    const life = fc.record({
      limits,
      now: fc.constantFrom(0, 1e9, 1.8e12),
      isFirst: fc.boolean(),
      steps: fc.array(stepWith(limits), { maxLength: 60, size: "max" }),
    });
    fc.assert(
      fc.property(life, ({ limits, now, isFirst, steps }) => {
        const pair = new Pair(limits, now, isFirst, isOfOneCost, isBatched);
        for (const step of steps) {
          pair.obey(step);
          pair.startAll();
        }
        pair.drain();
      }),
      { numRuns: 1000 },
    );
  });
}

test("who does not wait cannot leave, and nobody joins twice", () => {
  const line = newLine({ shared: null, queues: [] }, 0, true);
  const waiting: Waiting = { queue: "a", key: "x", rank: 1, id: "1", cost: 1, weight: 1 };
  assert.equal(leave(line, waiting), false);
  join(line, waiting);
  assert.throws(() => join(line, waiting), /who joins a line is not in it/);
  assert.throws(() => settled(line, waiting, 0), /who is settled was started/);
  assert.deepEqual(next(line, 0), { kind: "start", waiting, with: [] });
  assert.equal(leave(line, waiting), false);
  assert.throws(() => join(line, { ...waiting, cost: 0 }), /a cost and a weight above 0/);
  settled(line, waiting, 1);
  assert.throws(() => settled(line, waiting, 1), /who is settled was started/);
  join(line, waiting);
  assert.deepEqual(next(line, 1), { kind: "start", waiting, with: [] });
});

test("the first of a key is the one of least rank that waits", () => {
  const line = newLine({ shared: null, queues: [] }, 0, true);
  const of = (key: string, rank: number): Waiting => ({ queue: "a", key, rank, id: `${rank}`, cost: 1, weight: 1 });
  const [early, late, other] = [of("x", 1), of("x", 2), of("y", 3)];
  for (const waiting of [late, early, other]) join(line, waiting);
  assert.deepEqual(
    [early, late, other].map((waiting) => isFirstOfKey(line, waiting)),
    [true, false, true],
  );
  leave(line, early);
  assert.equal(isFirstOfKey(line, late), true);
  next(line, 0);
  assert.equal(isFirstOfKey(line, late), false);
});

test("a line is asked again when a key's bucket is ready whose turn is before that of one that waits for a shared bucket", () => {
  const shared = { concurrency: null, rate: rateOf("1/s burst 5") };
  const per = { concurrency: null, rate: rateOf("10/s burst 5") };
  const line = newLine({ shared, queues: [{ queue: "a", own: { concurrency: null, rate: null }, per }] }, 0, true);
  const task = (key: string, rank: number, cost: number, weight: number): Waiting => ({
    queue: "a",
    key,
    rank,
    id: `${rank}`,
    cost,
    weight,
  });
  const light = task("light", 4, 3, 1000);
  for (const one of [task("heavy", 1, 1, 1), task("light", 2, 3, 1000), task("heavy", 3, 4, 1), light]) join(line, one);
  assert.equal(next(line, 0).kind, "start");
  assert.equal(next(line, 0).kind, "start");
  // The other's 4 would be there after 3 seconds.
  assert.deepEqual(next(line, 0), { kind: "later", at: 100 });
  assert.deepEqual(next(line, 100), { kind: "later", at: 2000 });
  assert.deepEqual(next(line, 2000), { kind: "start", waiting: light, with: [] });
});
