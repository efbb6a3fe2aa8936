/**
 * Laws of cost: what a line does for one task does not grow with those that wait, nor with their keys. Where it did, it would
 * be a thousand times as much here; that more memory is slower memory makes it several times as much.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { newLine, type LineLimits, type Waiting } from "../../../src/core/queues/line-state.ts";
import { join, next, settled } from "../../../src/core/queues/line.ts";
import { seededRandom } from "../../../src/value/random.ts";

const TURNS = 20_000;
const WIDE = { concurrency: 100, rate: { count: 1e6, perMs: 1, burst: 1e6 } };
const limits: LineLimits = {
  shared: WIDE,
  queues: [{ queue: "a", own: WIDE, per: { ...WIDE, concurrency: 10 } }],
};

interface Backlog {
  readonly waiting: number;
  readonly keys: number;
  /** So many of the waiting are of a key that runs as many as it may. */
  readonly held: number;
}

/** The processor time (ms) of so many that join, start and are settled before a backlog of that kind. */
function cpuMsOf({ waiting, keys, held }: Backlog): number {
  const random = seededRandom(1);
  const line = newLine(limits, 0, true);
  let joined = 0;
  const task = (key: string): Waiting => ({
    queue: "a",
    key,
    rank: Math.floor(random() * 1e6),
    id: `${++joined}`,
    cost: 1,
    weight: 1,
  });
  for (let one = 0; one < held; one++) join(line, task("held"));
  while (next(line, 0).kind === "start");
  for (let one = 0; one < waiting; one++) join(line, task(`k${one % keys}`));
  const tasks = Array.from({ length: TURNS }, (_, one) => task(`k${one % keys}`));
  const before = process.threadCpuUsage();
  for (const [now, one] of tasks.entries()) {
    join(line, one);
    const answer = next(line, now);
    assert.ok(answer.kind === "start");
    settled(line, answer.waiting, now);
  }
  const { user, system } = process.threadCpuUsage(before);
  return (user + system) / 1000;
}

const LARGE: readonly (readonly [string, Backlog])[] = [
  ["200,000 of one key", { waiting: 200_000, keys: 1, held: 0 }],
  ["200,000 of 50,000 keys", { waiting: 200_000, keys: 50_000, held: 0 }],
  ["200,000 of a key that runs as many as it may", { waiting: 200, keys: 1, held: 200_000 }],
];

for (const [what, backlog] of LARGE) {
  test(`before ${what} a task costs less than twenty-five times what it costs before 200`, () => {
    cpuMsOf({ waiting: 200, keys: 10, held: 20 });
    const small = cpuMsOf({ waiting: 200, keys: 10, held: 20 });
    const large = cpuMsOf(backlog);
    assert.ok(large < 25 * Math.max(small, 5), `${large} ms, and ${small} before a few`);
  });
}
