/** Laws of `sleep` and `sleepUntil`: through restarts, without a place in memory, and nobody's hindrance. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { allCompleted, MINUTE, rejects, startMany, stepOf, untyped, withVerbs, workflowOf, World } from "./world.ts";

const { after, each, sleep, sleepUntil } = untyped;
const HOUR = 60 * MINUTE;

/** A step that notes when it was called. */
function noting(world: World) {
  const calledAt: number[] = [];
  const step = stepOf("s", (n: unknown) => {
    calledAt.push(world.time.now);
    return n;
  });
  return { step, calledAt };
}

/** How late a body may be called: looks, commits, and the way to the store. */
const LATE_MS = 2000;

function isAbout(at: number, wanted: number): void {
  assert.ok(at >= wanted && at <= wanted + LATE_MS, `${at - wanted} ms late`);
}

test("what comes after a sleep begins when its time has come, counted from the end of what it came after", async () => {
  const world = new World();
  const { step, calledAt } = noting(world);
  const slow = stepOf("slow", async (n: number) => {
    await world.time.wait(7000);
    return n;
  });
  const flow = workflowOf("w", (n) =>
    after(
      after(slow(n), () => sleep("3h")),
      () => step(n),
    ),
  );
  const { tenfold, engine } = await world.open([flow]);
  const from = world.time.now;
  const run = await world.happens(tenfold.start(flow, 5));
  await world.until("it sleeps", () => world.journal(run.id).length === 1);
  await world.passes(MINUTE);
  assert.equal(engine.held, 0, "nothing of it is in memory");
  await world.untilStatus(run.id, "completed", 4 * HOUR);
  isAbout(calledAt[0]!, from + 7000 + 3 * HOUR);
  assert.deepEqual(world.journal(run.id), ["done slow", "done sleep-3h", "done s"]);
  assert.equal(world.record(run.id).output, "5");
});

test("a sleep goes on while no worker lives, and is over at the same time whoever wakes it", async () => {
  for (const aliveAfter of [HOUR, 5 * HOUR]) {
    const world = new World();
    const { step, calledAt } = noting(world);
    const flow = workflowOf("w", (n) => after(sleep("2h"), () => step(n)));
    const first = await world.open([flow]);
    const from = world.time.now;
    const run = await world.happens(first.tenfold.start(flow, 1));
    await world.passes(1000);
    first.clock.die();
    await world.passes(aliveAfter);
    await world.open([flow]);
    await world.untilStatus(run.id, "completed", 4 * HOUR);
    isAbout(calledAt[0]!, Math.max(from + 2 * HOUR, from + 1000 + aliveAfter));
  }
});

test("a sleep of business days is over at the same time of day, weekends and holidays passed over", async () => {
  const world = new World();
  const { step, calledAt } = noting(world);
  // The world begins on a Thursday, 9 October 2025; its Friday is off.
  const calendar = untyped.calendar({ timeZone: "America/New_York", holidays: ["2025-10-10"] });
  const flow = workflowOf("w", (n) => after(sleep("2 business days", { calendar }), () => step(n)));
  const first = await world.open([flow]);
  const from = world.time.now;
  const run = await world.happens(first.tenfold.start(flow, 1));
  await world.passes(MINUTE);
  first.clock.die();
  await world.open([flow]);
  await world.untilStatus(run.id, "completed", 7 * 24 * HOUR);
  isAbout(calledAt[0]!, from + 5 * 24 * HOUR);
});

test("a run sleeps until the moment that a value says, and not at all if it is past", async () => {
  const world = new World();
  const { step, calledAt } = noting(world);
  const flow = workflowOf("w", (input) => after(sleepUntil(input.at), () => step(input.at)));
  const { tenfold } = await world.open([flow]);
  const from = world.time.now;
  const times = [from + HOUR, new Date(from + 2 * HOUR).toISOString(), from - HOUR, 0, "1970-01-01T00:00:00+14:00"];
  for (const at of times) await world.happens(tenfold.start(flow, { at }));
  await world.until("all are done", () => world.records.every(({ status }) => status === "completed"), 4 * HOUR);
  calledAt.sort((a, b) => a - b);
  for (const nth of [0, 1, 2]) isAbout(calledAt[nth]!, from);
  isAbout(calledAt[3]!, from + HOUR);
  isAbout(calledAt[4]!, from + 2 * HOUR);
});

test("a value that is no moment fails the run with TIME_INVALID at its node", async () => {
  const world = new World();
  const flow = workflowOf("w", (input) => sleepUntil.as("pause")(input.at));
  const { tenfold } = await world.open([flow]);
  for (const at of ["tomorrow", "2026-05-01T09:30", null, { y: 2026 }]) {
    const run = await world.happens(tenfold.start(flow, { at }));
    const error = await rejects(world.happens(run.result()), "RUN_FAILED", "the moment of pause");
    assert.match(error.message, /no moment|offset from UTC/);
    assert.match(world.record(run.id).error ?? "", /TIME_INVALID/);
  }
});

test("a run that fails or is cancelled does not wait for its sleeps, and one that is retried sleeps on", async () => {
  const world = new World();
  let isBroken = true;
  const step = stepOf("s", (n: number) => {
    if (isBroken) throw new Error("busy");
    return n;
  }, { retry: { attempts: 1 } }); // prettier-ignore
  const flow = workflowOf("w", (n) => ({ n: step(n), waited: after(sleep("4h"), () => step.as("later")(n)) }));
  const { tenfold } = await world.open([flow]);
  const from = world.time.now;
  const failed = await world.happens(tenfold.start(flow, 1));
  await world.untilStatus(failed.id, "failed", MINUTE);
  isBroken = false;
  await world.happens(tenfold.retry(failed.id));
  await world.until("it is retried", () => world.journal(failed.id).includes("done s"));
  await world.happens(tenfold.cancel(failed.id));
  await world.untilStatus(failed.id, "cancelled", MINUTE);
  await world.passes(HOUR);
  await world.happens(tenfold.retry(failed.id));
  await world.untilStatus(failed.id, "completed", 5 * HOUR);
  isAbout(world.record(failed.id).endedAt!, from + 4 * HOUR);
  const done = world.journal(failed.id).filter((line) => line.startsWith("done"));
  assert.deepEqual(done, ["done s", "done sleep-4h", "done later"]);
});

test("an item that failed is collected at once, though something of it sleeps, and nobody wakes that", async () => {
  const world = new World();
  const step = stepOf("s", (n: number) => (n === 2 ? Promise.reject(new Error("two")) : n), { retry: { attempts: 1 } });
  const body = (n: any) => ({ n: step(n), waited: sleep("1h") });
  const flow = workflowOf("w", (list) => each(list, body, { onError: "collect" }));
  const { tenfold } = await world.open([flow]);
  const run = await world.happens(tenfold.start(flow, [1, 2, 3]));
  await world.untilStatus(run.id, "completed", 2 * HOUR);
  assert.equal(world.journal(run.id).filter((line) => line.includes("sleep")).length, 2);
  const two = JSON.parse(world.record(run.id).output!) as { ok: boolean }[];
  assert.deepEqual(two.map(({ ok }) => ok), [true, false, true]); // prettier-ignore
});

test("a sleep whose rest grows short while its run waits to be written is slept all the same", async () => {
  const world = new World();
  const { step, calledAt } = noting(world);
  const slowly = withVerbs(world.store, {
    commit: async (...given) => {
      await world.time.wait(1000);
      return world.store.commit(...given);
    },
  });
  const flow = workflowOf("w", (n) => after(sleep("5500ms"), () => step(n)));
  const busy = workflowOf("busy", (n) => step(n));
  const { tenfold } = await world.open([flow, busy], {}, slowly);
  for (let round = 0; round < 5; round++) {
    await world.happens(tenfold.start(busy, "busy"));
    await world.happens(tenfold.start(flow, "slept"));
    await world.passes(300);
  }
  await allCompleted(world, MINUTE);
  assert.equal(calledAt.length, 10);
});

test("a sleep that is over while its worker drains is waited for by nobody: the next worker goes on at once", async () => {
  const world = new World();
  const called: number[] = [];
  const step = stepOf("s", async (n: number, { node }) => {
    if (node === "slow") await world.time.wait(9000);
    else called.push(world.time.now);
    return n;
  });
  const flow = workflowOf("w", (n) => {
    after(sleep("7s"), () => step.as("soon")(n));
    after(sleep("72h"), () => step.as("late")(n));
    return step.as("slow")(n);
  });
  const first = await world.open([flow]);
  const from = world.time.now;
  await world.happens(first.tenfold.start(flow, 1));
  await world.passes(5000);
  await world.happens(first.tenfold.close());
  assert.deepEqual(called, []);
  await world.open([flow]);
  await world.passes(10_000);
  assert.equal(called.length, 1);
  isAbout(called[0]!, from + 9000);
});

test("a run leaves memory once the last of it that would be over soon has been given up", async () => {
  const world = new World();
  const step = stepOf("s", () => Promise.reject(new Error("no")), { retry: { attempts: 1 } });
  const flow = workflowOf("w", (list) => {
    sleep("72h");
    return each(list, (n: any) => ({ n: step(n), waited: sleep("3s") }), { onError: "collect" });
  });
  const { tenfold, engine } = await world.open([flow]);
  const run = await world.happens(tenfold.start(flow, [1]));
  await world.until("the item has failed", () => world.journal(run.id).length === 1);
  await world.passes(10_000);
  assert.equal(engine.held, 0);
});

test("thousands that wake at one instant are all worked, and none of them early", async () => {
  const world = new World();
  const { step, calledAt } = noting(world);
  const flow = workflowOf("w", (n) => after(sleep("2h"), () => step(n)));
  const opened = await world.open([flow], { runsMax: 200 });
  const from = world.time.now;
  await startMany(world, opened, flow, 3000);
  await world.passes(HOUR);
  assert.equal(opened.engine.held, 0);
  await allCompleted(world, 2 * HOUR);
  assert.equal(calledAt.length, 3000);
  assert.ok(Math.min(...calledAt) >= from + 2 * HOUR);
});
