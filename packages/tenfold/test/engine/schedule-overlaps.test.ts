/** Laws of overlaps: what becomes of a tick while the run of the one before has not finished. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { hourly, hoursOf, newWorld, untilHour, WITHIN } from "./hourly.ts";
import { Gate, withVerbs, type World } from "./world.ts";

test("with `allow` a tick is started while the run before it goes on", async () => {
  const world = await newWorld();
  const gate = new Gate();
  await world.open([hourly({}, () => gate.pass())]);
  await untilHour(world, 2);
  assert.deepEqual(hoursOf(world), [0, 1, 2]);
  assert.equal(gate.entered, 3);
});

test("with `skip` a tick is not started while the run before it goes on, and that is told", async () => {
  const world = await newWorld();
  const gate = new Gate();
  const { log } = await world.open([hourly({ overlap: "skip" }, () => gate.pass())]);
  await untilHour(world, 2);
  assert.deepEqual(hoursOf(world), [0]);
  gate.release();
  await untilHour(world, 3);
  assert.deepEqual(hoursOf(world), [0, 3]);
  assert.equal(log.filter(({ message }) => message.startsWith("ticks were skipped")).length, 2);
});

test("with `queue` each tick is started when the run before it has ended, in order, by many workers too", async () => {
  const world = await newWorld();
  const gate = new Gate();
  const hours: string[] = [];
  const flow = hourly({ overlap: "queue" }, ({ at }: any) => {
    hours.push(at);
    return gate.pass();
  });
  for (let workers = 0; workers < 3; workers++) await world.open([flow]);
  await untilHour(world, 3);
  for (let nth = 0; nth < 4; nth++) {
    assert.equal(gate.entered, nth + 1);
    assert.equal(world.records.length, nth + 1);
    gate.release();
    await world.passes(WITHIN);
  }
  assert.deepEqual(hoursOf(world), [0, 1, 2, 3]);
  assert.deepEqual(hours, hours.toSorted());
});

test("a queue goes on after a death, and past a run that was cancelled or pruned", async () => {
  const world = await newWorld();
  const gate = new Gate();
  const flow = hourly({ overlap: "queue" }, () => gate.pass());
  const first = await world.open([flow]);
  await untilHour(world, 1);
  first.clock.die();
  const { tenfold } = await world.open([flow]);
  await world.happens(tenfold.cancel(world.records[0]!.id));
  await world.until("the second runs", () => world.records.length === 2);
  gate.open();
  await allCompletedOrCancelled(world);
  const pruning = { before: Infinity, keysForMs: 1e12, linesMax: 1e6 };
  await world.store.prune(
    0,
    world.records.map(({ id }) => id),
    pruning,
  );
  await untilHour(world, 2);
  assert.deepEqual(hoursOf(world), [2]);
});

test("a worker that skips a tick and one that starts it agree, however slow their store is", async () => {
  const world = await newWorld();
  const gate = new Gate();
  const flow = hourly({ overlap: "skip" }, () => gate.pass());
  // It sees the first run going on, and says so when that has long ended.
  const { read, start } = world.store;
  const stale = withVerbs(world.store, {
    read: async (...given) => {
      const answer = await read.apply(world.store, given);
      await world.time.wait(3000);
      return answer;
    },
  });
  // Its clock is late; and its starts are slow.
  const slow = withVerbs(world.store, {
    start: async (...given) => {
      await world.time.wait(5000);
      return start.apply(world.store, given);
    },
  });
  await world.open([flow], {}, stale);
  const late = await world.open([flow], {}, slow);
  late.clock.set(-2000);
  await untilHour(world, 0, 20_000);
  assert.deepEqual(hoursOf(world), [0]);
  await untilHour(world, 1, 1000);
  gate.release();
  await untilHour(world, 2, 20_000);
  assert.deepEqual(hoursOf(world), [0, 1]);
  gate.open();
  await untilHour(world, 3, 20_000);
  assert.deepEqual(hoursOf(world), [0, 1, 3]);
});

test("a tick that was chosen, and not started, by a worker that died is started by the next one", async () => {
  for (const at of ["advance", "start"] as const) {
    const world = await newWorld();
    const flow = hourly({ overlap: "skip" });
    let isDying = false;
    const store = withVerbs(world.store, {
      schedules: {
        reached: (...given) => world.store.schedules.reached(...given),
        advance: async (...given) => {
          const answer = await world.store.schedules.advance(...given);
          if (isDying && at === "advance") first.clock.die();
          return answer;
        },
      },
      start: async (...given) => {
        const answer = await world.store.start(...given);
        if (isDying && at === "start") first.clock.die();
        return answer;
      },
    });
    const first = await world.open([flow], {}, store);
    await untilHour(world, 0);
    isDying = true;
    await untilHour(world, 1);
    assert.ok(first.clock.isDead, at);
    await world.open([flow]);
    await world.passes(WITHIN);
    assert.deepEqual(hoursOf(world), [0, 1], at);
    await world.until("the second is done", () => world.records.every(({ status }) => status === "completed"));
    await untilHour(world, 2);
    assert.deepEqual(hoursOf(world), [0, 1, 2], at);
  }
});

function allCompletedOrCancelled(world: World): Promise<void> {
  const isDone = () => world.records.every(({ status }) => status === "completed" || status === "cancelled");
  return world.until("all have ended", isDone);
}
