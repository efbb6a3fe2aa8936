/** Laws of what may not wait in a line for ever. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { attempt } from "../../../src/flow/index.ts";
import { MINUTE, startMany, stepOf, workflowOf, World, type OpenedEngine, type SettingsGiven } from "../world.ts";

const FEW: SettingsGiven = { limits: { linedUpMax: 5 } };
const untyped = attempt as unknown as (body: () => unknown, handler: (error: any) => unknown) => unknown;

/** A step that takes a minute, one at a time, and waits for ten at most. */
function slow(world: World, more: object = {}) {
  const called: string[] = [];
  const body = async (n: number, { run }: { run: { id: string } }) => {
    called.push(run.id);
    await world.time.wait(MINUTE);
    return n;
  };
  return { called, step: stepOf("s", body, { queue: { concurrency: 1 }, expires: "10m", ...more }) };
}

function codesOf(world: World): (string | undefined)[] {
  return world.records.map(({ error }) => error === null ? undefined : (JSON.parse(error) as { code: string }).code); // prettier-ignore
}

for (const [where, settings] of [
  ["in memory", {}],
  ["parked", FEW],
] as const) {
  test(`what has waited for too long fails, ${where}, and what began in time does not`, async () => {
    const world = new World();
    const { called, step } = slow(world);
    const flow = workflowOf("w", (n) => step(n));
    const opened = await world.open([flow], settings);
    const from = world.time.now;
    await startMany(world, opened, flow, 30);
    await world.until("the rest has failed", () => codesOf(world).filter((code) => code !== undefined).length >= 19, 20 * MINUTE); // prettier-ignore
    assert.ok(world.time.now - from < 10 * MINUTE + 5000, `${world.time.now - from} ms`);
    await world.until("all ended", () => world.records.every(({ status }) => status !== "running"), 20 * MINUTE);
    assert.ok(called.length >= 9 && called.length <= 11, `${called.length} began`);
    assert.deepEqual(new Set(codesOf(world)), new Set([undefined, "QUEUE_EXPIRED"]));
  });
}

test("what has expired is not attempted again, is caught by an attempt, and waits anew for a person's retry", async () => {
  const world = new World();
  const { called, step } = slow(world, { expires: "30s" });
  const caught = workflowOf("caught", (n) => untyped(() => step(n), (error) => error.code)); // prettier-ignore
  const flow = workflowOf("w", (n) => step(n));
  const opened: OpenedEngine = await world.open([flow, caught]);
  const [first, second, third] = await world.happens(
    Promise.all([opened.tenfold.start(flow, 1), opened.tenfold.start(flow, 2), opened.tenfold.start(caught, 3)]),
  );
  const failed = await world.untilStatus(second.id, "failed");
  assert.equal(JSON.parse(failed.error!).attempt, 1);
  assert.equal((await world.untilStatus(third.id, "completed")).output, '"QUEUE_EXPIRED"');
  await world.untilStatus(first.id, "completed", 20 * MINUTE);
  await world.happens(opened.tenfold.retry(second.id));
  await world.untilStatus(second.id, "completed", 20 * MINUTE);
  assert.deepEqual(called, [first.id, second.id]);
});

test("the time of a further attempt counts from when it is due", async () => {
  const world = new World();
  let calls = 0;
  const body = () => {
    if (calls++ === 0) throw new Error("not yet");
    return calls;
  };
  const retry = { attempts: 2, first: "5m", jitter: "none" };
  const step = stepOf("s", body, { queue: { rate: "1/s" }, expires: "1m", retry });
  const flow = workflowOf("w", (n) => step(n));
  const opened = await world.open([flow]);
  const run = await world.happens(opened.tenfold.start(flow, 1));
  await world.untilStatus(run.id, "completed", 20 * MINUTE);
  assert.equal(calls, 2);
});

test("a run that waits in a line nobody serves is told by whoever finds it", async () => {
  const world = new World();
  const { step } = slow(world);
  const flow = workflowOf("w", (n) => step(n));
  const [first, second] = [await world.open([flow], FEW), await world.open([flow], FEW)];
  await startMany(world, first, flow, 30);
  await world.passes(5 * MINUTE);
  first.clock.die();
  await world.until("all ended", () => world.records.every(({ status }) => status !== "running"), 60 * MINUTE);
  assert.equal(second.engine.held, 0);
  assert.ok(codesOf(world).includes("QUEUE_EXPIRED"));
});

test("what its owner may have called before it died is undone when its time is over, and what nobody has called is not", async () => {
  const world = new World();
  const undone: string[] = [];
  const flow = workflowOf("w", (n) => {
    const called = stepOf("called", () => new Promise(() => {}), {
      ...{ queue: { concurrency: 1 }, expires: "1m" },
      undo: (_input: unknown, _output: unknown, { run }: { run: { id: string } }) => void undone.push(run.id),
    });
    return called(n);
  });
  const opened = await world.open([flow], FEW);
  const first = await world.happens(opened.tenfold.start(flow, 1));
  await world.passes(10);
  const behind = await world.happens(opened.tenfold.start(flow, 2));
  await world.untilStatus(behind.id, "failed");
  opened.clock.die();
  await world.passes(5 * MINUTE);
  await world.open([flow], FEW);
  await world.untilStatus(first.id, "failed");
  assert.deepEqual(undone, [first.id]);
  assert.match(world.record(first.id).error!, /QUEUE_EXPIRED/);
});
