/** Laws of why a run waits, where it does in a queue: what holds it up, about how many go before it, and when its turn comes. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { waitText, type Wait } from "../../../src/core/why.ts";
import { limit } from "../../../src/flow/index.ts";
import { startMany, stepOf, workflowOf, World, type OpenedEngine, type SettingsGiven } from "../world.ts";

const SOON_MS = 8000;
const FEW: SettingsGiven = { limits: { linedUpMax: 10 } };
const CLIENT: SettingsGiven = { work: false };

async function waitsIn(world: World, { tenfold }: OpenedEngine, run: string): Promise<readonly Wait[]> {
  return (await world.happens(tenfold.why(run))).waits;
}

function slow(world: World, queue: object, tookMs = 1000) {
  const step = stepOf("enrich", async (n: number) => world.time.wait(tookMs).then(() => n), { queue });
  return workflowOf("w", (n) => step(n));
}

test("of a run in a long line it is said what holds it up, who goes before it and when its turn comes, in memory or not", async () => {
  const world = new World(2);
  const flow = slow(world, { concurrency: 2 });
  const opened = await world.open([flow], FEW);
  await startMany(world, opened, flow, 200);
  await world.passes(SOON_MS);
  const client = await world.open([flow], CLIENT);
  const late = world.records.filter(({ status }) => status === "running");
  let memory = 0;
  for (const { id, owner } of late) {
    const [wait] = await waitsIn(world, client, id);
    if (wait?.kind !== "queue") continue;
    if (owner !== null) memory++;
    const { queue, limit: shared, binds, bound, ahead, startsAt, worker } = wait;
    assert.deepEqual([queue, shared, bound, worker], ["enrich", null, "2 at once", "worker 1"]);
    assert.deepEqual(binds, { kind: "concurrency", of: "queue", until: null });
    const begunLater = late.filter((each) => each.id < id).length;
    assert.ok(ahead! >= 0 && ahead! <= begunLater + 12, `${ahead} before it, of ${begunLater}`);
    assert.ok(Math.abs(startsAt! - world.time.now - ahead! * 500) < 5000 + ahead! * 100);
  }
  assert.ok(memory > 2, `${memory} in memory`);
  const last = late.reduce((one, other) => (one.id > other.id ? one : other));
  const [wait] = await waitsIn(world, client, last.id);
  assert.match(
    waitText(wait!, world.time.now),
    /^waits for its turn in the queue enrich: 2 at once is what holds it up, about 1\d\d go before it, its turn comes in about 9\d\.\d s/,
  );
});

test("one whose body runs does not wait for its turn", async () => {
  const world = new World();
  const flow = slow(world, { concurrency: 1 }, 60_000);
  const opened = await world.open([flow]);
  await startMany(world, opened, flow, 3);
  await world.passes(SOON_MS);
  const client = await world.open([flow], CLIENT);
  const kinds = [];
  for (const { id } of world.records) for (const { kind } of await waitsIn(world, client, id)) kinds.push(kind);
  assert.deepEqual(kinds.sort(), ["body", "queue", "queue"]);
});

test("a key at its limit, a shared limit, a pause and a line without a worker are each told by name", async () => {
  const world = new World();
  const crm = limit("crm", { rate: "1/s" });
  const per = { key: (n: number) => String(n % 2), concurrency: 1 };
  const flow = slow(world, { per, limit: crm }, 60_000);
  const opened = await world.open([flow], FEW);
  await startMany(world, opened, flow, 60);
  await world.passes(SOON_MS);
  const client = await world.open([flow], CLIENT);
  const last = world.records.reduce((one, other) => (one.id > other.id ? one : other)).id;
  const text = async (): Promise<string> => waitText((await waitsIn(world, client, last))[0]!, world.time.now);
  assert.match(
    await text(),
    /^waits for its turn in the queue enrich: 1 at once of its key is what holds it up, about \d+ go before it$/,
  );
  await world.happens(client.tenfold.setQueue("crm", { isPaused: true }));
  assert.equal(await text(), "waits for its turn in the queue enrich, whose limit crm is paused");
  await world.happens(client.tenfold.setQueue("crm", { isPaused: false, concurrency: 1 }));
  await world.happens(client.tenfold.setQueue("enrich", { per: { concurrency: 50 } }));
  await world.passes(120_000);
  assert.match(await text(), /: 1 at once of the limit crm is what holds it up/);
  await world.happens(client.tenfold.setQueue("enrich", { isPaused: true }));
  assert.equal(await text(), "waits for its turn in the queue enrich, which is paused");
  await world.happens(client.tenfold.setQueue("enrich", { isPaused: false }));
  await world.happens(opened.tenfold.close());
  await world.until("all are given back", () => world.records.every(({ owner }) => owner === null)); // prettier-ignore
  const parked = (await waitsIn(world, client, last))[0]!;
  if (parked.kind === "queue") assert.match(waitText(parked, world.time.now), /no worker decides there now/);
});

test("the first of a key stays in memory for its turn, however long the line of another key is", async () => {
  const world = new World();
  const per = { key: (n: number) => (n < 300 ? "big" : "small"), weight: () => 1 };
  const flow = slow(world, { concurrency: 1, per });
  const opened = await world.open([flow], FEW);
  await startMany(world, opened, flow, 300);
  await world.passes(SOON_MS);
  const small = await world.happens(opened.tenfold.start(flow, 300));
  await world.passes(200);
  assert.notEqual(world.records.find(({ id }) => id === small.id)!.owner, null);
  await world.passes(2000);
  assert.equal(world.records.find(({ id }) => id === small.id)!.status, "completed");
});

test("a run that waits for its place among the active ones of its workflow is told so, in memory or not", async () => {
  for (const settings of [{}, FEW]) {
    const world = new World();
    const step = stepOf("enrich", async (n: number) => world.time.wait(60_000).then(() => n));
    const flow = workflowOf("w", (n) => step(n), { queue: { concurrency: 2 } });
    const opened = await world.open([flow], settings);
    await startMany(world, opened, flow, 40);
    await world.passes(SOON_MS);
    const client = await world.open([flow], CLIENT);
    const texts = [];
    for (const { id } of world.records)
      for (const wait of await waitsIn(world, client, id)) texts.push(waitText(wait, world.time.now));
    const inLine = texts.filter((text) => text.startsWith("waits for its turn in the queue runs of w: 2 at once is"));
    assert.deepEqual([texts.length, inLine.length], [40, 38]);
  }
});
