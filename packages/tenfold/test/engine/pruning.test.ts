/** Laws of `prune`: what has ended long ago goes, whatever it was; what its keys stand for is not done again. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { ErrorCode } from "../../src/value/error.ts";
import { allCompleted, MINUTE, rejects, startMany, stepOf, withVerbs, workflowOf, World } from "./world.ts";

const HOUR = 60 * MINUTE;
const step = stepOf("s", (n: number) => (n % 5 === 0 ? Promise.reject(new Error("busy")) : n), {
  retry: { attempts: 1 },
});
const flow = workflowOf("w", (lead) => step(lead.n), {
  key: (lead: any) => `lead-${lead.n}`,
  attributes: (lead: any) => ({ customer: `c${lead.n % 3}` }),
});

/** Ten runs, one an hour, two of which have failed. */
async function tenHours(lanes = 1) {
  const world = new World(lanes);
  const opened = await world.open([flow]);
  const ids: string[] = [];
  for (let n = 0; n < 10; n++) {
    ids.push((await world.happens(opened.tenfold.start(flow, { n }))).id);
    await world.passes(HOUR);
  }
  const left = () => ids.flatMap((id, n) => (world.records.some((run) => run.id === id) ? [n] : []));
  return { world, ...opened, ids, left };
}

for (const lanes of [1, 3]) {
  test(`runs that ended long enough ago are pruned, and no other (${lanes} lanes)`, async () => {
    const { world, tenfold, left } = await tenHours(lanes);
    const pruned = await world.happens(tenfold.prune({}, { olderThan: "4h 30m" }));
    assert.deepEqual(pruned, {
      found: 6,
      pruned: 6,
      keysForgotten: 0,
      eventsForgotten: 0,
      counts: [
        { workflow: "w", status: "completed", runs: 4 },
        { workflow: "w", status: "failed", runs: 2 },
      ],
    });
    assert.deepEqual(left(), [6, 7, 8, 9]);
    const again = await world.happens(tenfold.prune({}, { olderThan: "4h 30m" }));
    assert.deepEqual(again, { found: 0, pruned: 0, keysForgotten: 0, eventsForgotten: 0, counts: [] });
  });
}

test("a dry run counts, and prunes nothing", async () => {
  const { world, tenfold, left } = await tenHours();
  const pruned = await world.happens(tenfold.prune({}, { olderThan: "4h 30m", dryRun: true }));
  assert.deepEqual([pruned.found, pruned.pruned], [6, 0]);
  assert.equal(left().length, 10);
});

test("only runs that the filter finds are pruned", async () => {
  const { world, tenfold, ids, left } = await tenHours();
  const prune = (filter: object) => world.happens(tenfold.prune(filter, { olderThan: "30m" }));
  assert.equal((await prune({ workflow: "another" })).pruned, 0);
  assert.equal((await prune({ status: "failed" })).pruned, 2);
  assert.deepEqual(left(), [1, 2, 3, 4, 6, 7, 8, 9]);
  assert.equal((await prune({ attribute: { name: "customer", value: "c1" } })).pruned, 3);
  assert.deepEqual(left(), [2, 3, 6, 8, 9]);
  const until = world.records.find(({ id }) => id === ids[6])!.startedAt;
  assert.equal((await prune({ until })).pruned, 2);
  assert.deepEqual(left(), [6, 8, 9]);
});

test("a key starts no second run when its run was pruned, until its time is over", async () => {
  const { world, tenfold, ids } = await tenHours();
  await world.happens(tenfold.prune({}, { olderThan: "30m", keepKeys: "12h" }));
  const known = await world.happens(tenfold.start(flow, { n: 1 }));
  assert.equal(known.existing, true);
  assert.equal(known.id, ids[1]);
  await rejects(world.happens(known.result()), "RUN_UNKNOWN", "pruned");
  await rejects(world.happens(known.status()), "RUN_UNKNOWN", "pruned");
  const next = await world.happens(tenfold.start(flow, { n: 2 }, { again: true }));
  assert.equal(next.existing, false);
  await world.passes(12 * HOUR);
  const { keysForgotten } = await world.happens(tenfold.prune({}, { olderThan: "365 days" }));
  assert.equal(keysForgotten, 9);
  assert.equal((await world.happens(tenfold.start(flow, { n: 1 }))).existing, false);
  const two = await world.happens(tenfold.start(flow, { n: 2 }));
  assert.deepEqual([two.existing, two.id], [true, next.id]);
});

test("what has not ended stays, however old it is, and a run's age is that of its end", async () => {
  const { world, tenfold } = await tenHours();
  await world.happens(tenfold.prune({}, { olderThan: "10m" }));
  const [parked, later] = [
    await world.happens(tenfold.start(flow, { n: 11 }, { at: world.time.now + 100 * HOUR })),
    await world.happens(tenfold.start(flow, { n: 12 }, { at: world.time.now + 100 * HOUR })),
  ];
  await world.passes(20 * HOUR);
  const found = async () => (await world.happens(tenfold.prune({}, { olderThan: "1h" }))).found;
  assert.equal(await found(), 0);
  await world.happens(tenfold.cancel(parked.id));
  await world.untilStatus(parked.id, "cancelled");
  assert.equal(await found(), 0);
  await world.passes(2 * HOUR);
  assert.equal(await found(), 1);
  assert.deepEqual(
    world.records.map(({ id }) => id),
    [later.id],
  );
});

test("thousands go in bounded transactions, with as long for others between them, and tell how far they are", async () => {
  const world = new World();
  const plain = workflowOf("plain", (n) => stepOf("t", (k: number) => k)(n));
  const opened = await world.open([plain]);
  await startMany(world, opened, plain, 1700);
  await allCompleted(world);
  await world.passes(2 * HOUR);
  const sizes: number[] = [];
  const prunedAt: number[] = [];
  const slow = withVerbs(world.store, {
    prune: async (...given) => {
      prunedAt.push(world.time.now);
      sizes.push(given[1].length);
      await world.time.wait(100);
      return world.store.prune(...given);
    },
  });
  const { tenfold } = await world.open([], { work: false }, slow);
  const told: number[] = [];
  const onProgress = ({ pruned }: { readonly pruned: number }) => void told.push(pruned);
  const { pruned } = await world.happens(tenfold.prune({}, { olderThan: "1h", onProgress }));
  assert.equal(pruned, 1700);
  assert.deepEqual(sizes, [200, 200, 200, 200, 200, 200, 200, 200, 100]);
  assert.deepEqual(told.slice(0, 3), [200, 400, 600]);
  for (const [nth, at] of prunedAt.entries()) if (nth > 0) assert.ok(at - prunedAt[nth - 1]! >= 200, `${prunedAt}`);
});

test("a signal stops it behind the transaction that is under way, and it tells how far it came", async () => {
  const { world, tenfold, left } = await tenHours();
  const stopping = new AbortController();
  const onProgress = () => stopping.abort();
  const { signal } = stopping;
  const pruned = await world.happens(tenfold.prune({}, { olderThan: "30m", onProgress, signal }));
  assert.equal(pruned.pruned, 8);
  assert.deepEqual(left(), [0, 5]);
  assert.equal((await world.happens(tenfold.prune({}, { olderThan: "30m", signal }))).found, 0);
});

const REFUSED: readonly (readonly [object, object, ErrorCode, string])[] = [
  [{}, {}, "DURATION_INVALID", "`olderThan`"],
  [{}, { olderThan: "soon" }, "DURATION_INVALID", "soon"],
  [{}, { olderThan: "9 minutes" }, "DURATION_INVALID", "10 minutes or more"],
  [{}, { olderThan: "90 days", keepKeys: "for ever" }, "DURATION_INVALID", "`keepKeys`"],
  [{}, { olderThan: "90 days", dryrun: true }, "OPTION_UNSUPPORTED", "dryRun"],
  [{}, { olderThan: "90 days", onProgress: 7 }, "OPTION_UNSUPPORTED", "Give a function"],
  [{ workflw: "w" }, { olderThan: "90 days" }, "OPTION_UNSUPPORTED", "workflow"],
  [{ status: "running" }, { olderThan: "90 days" }, "OPTION_UNSUPPORTED", "has not ended"],
  [{ status: "held" }, { olderThan: "90 days" }, "OPTION_UNSUPPORTED", "completed, failed, cancelled"],
];

test("what cannot be meant is refused, and nothing is pruned", async () => {
  const { world, tenfold, left } = await tenHours();
  for (const [filter, options, code, part] of REFUSED) {
    await rejects(world.happens(tenfold.prune(filter, options as never)), code, part);
  }
  assert.equal(left().length, 10);
});
