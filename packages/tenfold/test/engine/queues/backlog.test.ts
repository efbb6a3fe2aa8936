/** Laws of queues that let only so many wait. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { attempt } from "../../../src/flow/index.ts";
import { MINUTE, startMany, stepOf, workflowOf, World, type SettingsGiven } from "../world.ts";

const FEW: SettingsGiven = { limits: { linedUpMax: 3 } };
const catching = attempt as unknown as (body: () => unknown, handler: (error: any) => unknown) => unknown;

/** A step that takes a minute, one at a time, of which so many may wait. */
function slow(world: World, maxBacklog: number, more: object = {}, options: object = {}) {
  const called: number[] = [];
  const body = async (n: number) => {
    called.push(n);
    await world.time.wait(MINUTE);
    return n;
  };
  const step = stepOf("s", body, { queue: { concurrency: 1, maxBacklog, ...more }, ...options });
  return { called, step, flow: workflowOf("w", (n) => step(n)) };
}

function codesOf(world: World): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { status, error } of world.records) {
    const code = error === null ? status : (JSON.parse(error) as { code: string }).code;
    counts[code] = (counts[code] ?? 0) + 1;
  }
  return counts;
}

const isOver = (world: World) => () =>
  world.records.every(({ status }) => status !== "running" && status !== "waiting");

for (const [where, settings] of [
  ["in memory", {}],
  ["parked", FEW],
] as const) {
  test(`what comes when as many wait as may fails, what waits ${where} does not, and there is room again`, async () => {
    const world = new World();
    const { called, flow } = slow(world, 8);
    const opened = await world.open([flow], settings);
    await startMany(world, opened, flow, 20);
    await world.until("the rest has failed", () => codesOf(world)["QUEUE_FULL"] === 11);
    await world.passes(3 * MINUTE);
    assert.equal(codesOf(world)["QUEUE_FULL"], 11);
    await startMany(world, opened, flow, 20);
    await world.passes(5000);
    const { QUEUE_FULL = 0 } = codesOf(world);
    assert.ok(QUEUE_FULL >= 27 && QUEUE_FULL <= 29, `${QUEUE_FULL} were refused`);
    await world.until("all are over", isOver(world), 60 * MINUTE);
    assert.deepEqual(codesOf(world), { completed: 40 - QUEUE_FULL, QUEUE_FULL });
    assert.equal(called.length, 40 - QUEUE_FULL);
  });

  test(`where the oldest goes it is the one that waited longest, ${where}, and whoever comes waits`, async () => {
    const world = new World();
    const { called, flow } = slow(world, 5, { whenFull: "drop-oldest" });
    const opened = await world.open([flow], settings);
    const { tenfold } = opened;
    for (let n = 0; n < 12; n++) {
      await world.happens(tenfold.start(flow, n));
      await world.passes(500);
    }
    await world.passes(5000);
    assert.deepEqual(codesOf(world), { running: 6, QUEUE_DROPPED: 6 });
    await world.until("all are over", isOver(world), 60 * MINUTE);
    assert.deepEqual(called, [0, 7, 8, 9, 10, 11]);
  });
}

test("what others have parked is called up to be refused, and what was let in is not", async () => {
  const world = new World(2);
  const { called, flow } = slow(world, 10);
  const owner = await world.open([flow], FEW);
  const other = await world.open([flow], FEW);
  await startMany(world, owner, flow, 8);
  await world.passes(2000);
  await startMany(world, other, flow, 30);
  await world.passes(20_000);
  const { QUEUE_FULL = 0 } = codesOf(world);
  assert.equal(QUEUE_FULL, 27);
  await world.until("all are over", isOver(world), 60 * MINUTE);
  assert.deepEqual(codesOf(world), { completed: 11, QUEUE_FULL });
  assert.equal(called.length, 11);
});

test("a new owner refuses none of those that waited already, and whoever comes then", async () => {
  const world = new World();
  const { flow } = slow(world, 10);
  const first = await world.open([flow], FEW);
  const second = await world.open([flow], FEW);
  await startMany(world, first, flow, 11);
  await world.passes(10_000);
  assert.deepEqual(codesOf(world), { running: 11 });
  first.clock.die();
  await world.passes(5 * MINUTE);
  assert.equal(codesOf(world)["QUEUE_FULL"], undefined);
  await startMany(world, second, flow, 30);
  await world.passes(5000);
  const { QUEUE_FULL = 0 } = codesOf(world);
  assert.ok(QUEUE_FULL >= 20 && QUEUE_FULL < 30, `${QUEUE_FULL} were refused`);
  await world.until("all are over", isOver(world), 90 * MINUTE);
  assert.deepEqual(codesOf(world), { completed: 41 - QUEUE_FULL, QUEUE_FULL });
});

test("who comes again is let in: a further attempt, and one whose run something else has woken", async () => {
  const world = new World();
  const failed = new Set<number>();
  const body = async (n: number) => {
    await world.time.wait(1000);
    if (failed.has(n)) return n;
    failed.add(n);
    throw new Error("not yet");
  };
  const retry = { attempts: 2, first: "1s", jitter: "none" };
  const step = stepOf("s", body, { queue: { concurrency: 1, maxBacklog: 6 }, retry });
  const flow = workflowOf("w", (n) => step(n));
  const opened = await world.open([flow], FEW);
  await startMany(world, opened, flow, 7);
  for (let n = 0; n < 3; n++) {
    await world.passes(700);
    for (const { id } of world.records) await world.happens(opened.tenfold.upgrade(id).catch(() => null));
  }
  await world.until("all are over", isOver(world), 60 * MINUTE);
  assert.deepEqual(codesOf(world), { completed: 7 });
});

test("what was refused is caught by an attempt, is not attempted again, and asks once more for a person's retry", async () => {
  const world = new World();
  const { called, step, flow } = slow(world, 1);
  const caught = workflowOf("caught", (n) => catching(() => step(n), (error) => error.code)); // prettier-ignore
  const { tenfold } = await world.open([flow, caught]);
  const [, , third, fourth] = await world.happens(
    Promise.all([1, 2, 3].map((n) => tenfold.start(flow, n)).concat([tenfold.start(caught, 4)])),
  );
  const refused = await world.untilStatus(third!.id, "failed");
  const { code, attempt: number, message } = JSON.parse(refused.error!) as Record<string, unknown>;
  assert.deepEqual([code, number], ["QUEUE_FULL", 1]);
  assert.match(String(message), /not called.*maxBacklog.*retry/);
  assert.equal((await world.untilStatus(fourth!.id, "completed")).output, '"QUEUE_FULL"');
  await world.passes(2 * MINUTE);
  await world.happens(tenfold.retry(third!.id));
  await world.untilStatus(third!.id, "completed", 5 * MINUTE);
  assert.deepEqual(called, [1, 2, 3]);
});

test("a line that is paused fills up, and places of runs that are gone make room in the end", async () => {
  const world = new World();
  const { called, flow } = slow(world, 6);
  const opened = await world.open([flow], FEW);
  const { tenfold } = opened;
  await world.happens(tenfold.setQueue("s", { isPaused: true }));
  await startMany(world, opened, flow, 10);
  await world.passes(10_000);
  assert.deepEqual(codesOf(world), { running: 6, QUEUE_FULL: 4 });
  for (const { id, status } of world.records) if (status === "running") await world.happens(tenfold.cancel(id));
  await world.passes(3 * MINUTE);
  await world.happens(tenfold.setQueue("s", { isPaused: false }));
  await world.passes(2 * MINUTE);
  await startMany(world, opened, flow, 5);
  await world.until("all are over", isOver(world), 60 * MINUTE);
  assert.deepEqual(codesOf(world), { RUN_CANCELLED: 6, QUEUE_FULL: 4, completed: 5 });
  assert.equal(called.length, 5);
});

test("who looks sees how many of how many wait, and how many were refused or dropped", async () => {
  const world = new World();
  const { flow } = slow(world, 4);
  const dropping = stepOf("d", () => world.time.wait(MINUTE), { queue: { concurrency: 1, maxBacklog: 2, whenFull: "drop-oldest" } }); // prettier-ignore
  const other = workflowOf("v", (n) => dropping(n), { queue: { maxBacklog: 50 } });
  const opened = await world.open([flow, other]);
  await startMany(world, opened, flow, 10);
  await startMany(world, opened, other, 10);
  await world.passes(5000);
  const views = await world.happens(opened.tenfold.queues());
  const shown = views.map(({ queue, waiting, maxBacklog, turnedAway }) => ({ queue, waiting, maxBacklog, turnedAway }));
  assert.deepEqual(shown, [
    { queue: "d", waiting: 2, maxBacklog: 2, turnedAway: { refused: 0, dropped: 7 } },
    { queue: "runs of v", waiting: 0, maxBacklog: 50, turnedAway: null },
    { queue: "s", waiting: 4, maxBacklog: 4, turnedAway: { refused: 5, dropped: 0 } },
  ]);
});

test("starts that come at one moment are refused as those are that come one after the other", async () => {
  const world = new World();
  const step = stepOf("s", () => world.time.wait(MINUTE));
  const flow = workflowOf("w", (n) => step(n), { queue: { concurrency: 1, maxBacklog: 5 } });
  const { tenfold } = await world.open([flow]);
  const starts = Array.from({ length: 200 }, (_, n) => tenfold.start(flow, n));
  const answers = await world.happens(Promise.allSettled(starts));
  const started = answers.filter(({ status }) => status === "fulfilled").length;
  assert.ok(started >= 5 && started <= 6, `${started} of 200 were started`);
});
