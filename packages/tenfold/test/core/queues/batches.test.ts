/** Laws of batches in a line: when they start, what they count as, how large they are. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { reasonOf } from "../../../src/core/queues/line-facts.ts";
import { newLine, type Limit, type Waiting } from "../../../src/core/queues/line-state.ts";
import { join, next, settled } from "../../../src/core/queues/line.ts";
import { rateOf } from "../../../src/value/rate.ts";

const SOLO = { concurrency: 1, rate: null };
const FREE = { concurrency: null, rate: null };

function batched(own: Limit, max: number, waitMs: number, ranks: readonly number[], now = 0) {
  const line = newLine({ shared: null, queues: [{ queue: "a", own, per: null, batch: { max, waitMs } }] }, now, true);
  const all = ranks.map((rank): Waiting => ({
    queue: "a",
    key: "",
    rank,
    id: `${rank}`,
    cost: 1,
    weight: 1,
    since: now,
  }));
  for (const waiting of all) join(line, waiting);
  return { line, all };
}

test("a batch starts when so many wait, or when the oldest has waited for so long", () => {
  const { line, all } = batched(FREE, 3, 100, [1, 2, 3, 4]);
  assert.deepEqual(next(line, 0), { kind: "start", waiting: all[0], with: [all[1], all[2]] });
  assert.deepEqual(next(line, 0), { kind: "later", at: 100 });
  assert.deepEqual(reasonOf(line, all[3]!, 0), { kind: "batch", of: "key", until: 100 });
  assert.deepEqual(next(line, 99), { kind: "later", at: 100 });
  assert.deepEqual(next(line, 100), { kind: "start", waiting: all[3], with: [] });
});

test("a batch counts as one of those at once, until all of it has settled", () => {
  const { line, all } = batched(SOLO, 2, 0, [1, 2, 3]);
  assert.equal(next(line, 0).kind, "start");
  settled(line, all[0]!, 1);
  assert.deepEqual(next(line, 1), { kind: "none" });
  settled(line, all[1]!, 2);
  assert.deepEqual(next(line, 2), { kind: "start", waiting: all[2], with: [] });
});

test("a batch waits until the rate gives for all of it, and is no larger than the burst", () => {
  const { line, all } = batched({ concurrency: null, rate: rateOf("10/s burst 2") }, 3, 0, [1, 2, 3, 4, 5]);
  assert.deepEqual(next(line, 0), { kind: "start", waiting: all[0], with: [all[1]] });
  assert.deepEqual(next(line, 0), { kind: "later", at: 200 });
  assert.deepEqual(next(line, 200), { kind: "start", waiting: all[2], with: [all[3]] });
});
