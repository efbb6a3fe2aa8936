/** Laws of workflows of whose runs only so many may wait: whoever starts them sees it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { TenfoldError } from "../../../src/value/error.ts";
import { MINUTE, rejects, stepOf, workflowOf, World, type OpenedEngine, type SettingsGiven } from "../world.ts";

const FEW: SettingsGiven = { limits: { linedUpMax: 3 } };
const CLIENT: SettingsGiven = { work: false };

/** Runs that take ten seconds, two at once. */
function slow(world: World, queue: object) {
  const step = stepOf("s", async (n: number) => {
    await world.time.wait(10_000);
    return n;
  });
  return workflowOf("w", (n) => step(n), { queue: { concurrency: 2, ...queue } });
}

/** What became of so many that are started one after the other. */
async function startEach({ tenfold }: OpenedEngine, flow: any, count: number): Promise<string[]> {
  const became: string[] = [];
  for (let n = 0; n < count; n++) {
    const start = tenfold.start(flow, n).then(() => "started", (error: TenfoldError) => error.code); // prettier-ignore
    became.push(await start);
  }
  return became;
}

for (const [where, settings] of [
  ["in memory", {}],
  ["parked", FEW],
] as const) {
  test(`a start is refused where as many runs wait ${where} as may, and none is lost`, async () => {
    const world = new World();
    const flow = slow(world, { maxBacklog: 6 });
    const opened = await world.open([flow], settings);
    await world.passes(100);
    const became = await world.happens(startEach(opened, flow, 20));
    assert.deepEqual(became, [...Array(8).fill("started"), ...Array(12).fill("QUEUE_FULL")]);
    await world.passes(15_000);
    assert.deepEqual(await world.happens(startEach(opened, flow, 5)), ["started", "started", ...Array(3).fill("QUEUE_FULL")]); // prettier-ignore
    await world.passes(5 * MINUTE);
    assert.deepEqual(world.records.map(({ status }) => status), Array(10).fill("completed")); // prettier-ignore
  });
}

test("a refusal says what was not done and what can be, also of one with a key, and one for later is none of them", async () => {
  const world = new World();
  const flow = slow(world, { maxBacklog: 1 });
  const client = await world.open([flow], CLIENT);
  const { tenfold } = client;
  await world.happens(tenfold.start(flow, 1));
  const error = await world.happens(rejects(tenfold.start(flow, 2), "QUEUE_FULL", '"w"', "no run was started", "later", "(1)")); // prettier-ignore
  assert.deepEqual(error.facts, { workflow: "w", max: 1 });
  await world.happens(rejects(tenfold.start(flow, 2, { key: "k" }), "QUEUE_FULL"));
  await world.happens(tenfold.start(flow, 3, { at: world.time.now + MINUTE }));
  assert.equal(world.records.length, 2);
});

test("startMany answers what is refused one by one, and what is wrong with an input all the same", async () => {
  const world = new World();
  const flow = slow(world, { maxBacklog: 5 });
  const { tenfold } = await world.open([flow], CLIENT);
  const became: string[] = [];
  const all = async () => {
    for await (const answer of tenfold.startMany(flow, [0, 1, undefined, 2, 3, 4, 5, 6]))
      became.push(answer.kind === "refused" ? answer.error.code : answer.kind);
  };
  await world.happens(all());
  const started = "started";
  assert.deepEqual(became, [started, started, "NOT_JSON", started, started, started, "QUEUE_FULL", "QUEUE_FULL"]);
});

test("with park a start waits until there is room, and is refused when there was none for a minute", async () => {
  const world = new World();
  const flow = slow(world, { maxBacklog: 2, whenFull: "park" });
  const { tenfold } = await world.open([flow], CLIENT);
  await world.happens(Promise.all([tenfold.start(flow, 1), tenfold.start(flow, 2)]));
  const from = world.time.now;
  await world.happens(rejects(tenfold.start(flow, 3), "QUEUE_FULL", "for 60 s"));
  assert.ok(world.time.now - from >= MINUTE);
  const late = tenfold.start(flow, 4);
  await world.passes(1000);
  assert.equal(world.records.length, 2);
  await world.open([flow]);
  await world.happens(late);
  await world.until("all are over", () => world.records.every(({ status }) => status === "completed"));
  assert.equal(world.records.length, 3);
});

test("with park startMany goes as fast as the runs begin, and never more wait than may", async () => {
  const world = new World(2);
  const flow = slow(world, { maxBacklog: 4, whenFull: "park" });
  const opened = await world.open([flow], FEW);
  let started = 0;
  let most = 0;
  const all = async () => {
    for await (const { kind } of opened.tenfold.startMany(
      flow,
      Array.from({ length: 40 }, (_, n) => n),
    )) {
      assert.equal(kind, "started");
      started++;
      most = Math.max(most, world.records.filter(({ status }) => status !== "completed").length);
    }
  };
  const going = all();
  await world.passes(MINUTE);
  assert.ok(started > 10 && started < 25, `${started} after a minute`);
  await world.happens(going);
  await world.until("all are over", () => world.records.every(({ status }) => status === "completed"));
  assert.ok(most <= 12, `${most} were there at once`);
});

test("what begins at once does not fill the queue, however many are started", async () => {
  const world = new World();
  const step = stepOf("s", (n: number) => n);
  const flow = workflowOf("w", (n) => step(n), { queue: { concurrency: 50, maxBacklog: 2 } });
  const opened = await world.open([flow]);
  await world.passes(100);
  assert.deepEqual(new Set(await world.happens(startEach(opened, flow, 200))), new Set(["started"]));
});

test("a client counts what waits in the memory of a worker elsewhere, and what it has started since it heard of that", async () => {
  const world = new World(2);
  const flow = slow(world, { maxBacklog: 10 });
  const client = await world.open([flow], CLIENT);
  await world.open([flow]);
  let started = 0;
  for (let nth = 0; nth < 40; nth++) {
    started += (await world.happens(startEach(client, flow, 5))).filter((what) => what === "started").length;
    await world.passes(200);
  }
  assert.ok(started >= 12 && started <= 20, `${started} were started in eight seconds`);
});
