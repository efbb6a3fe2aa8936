/** Laws of what people see of queues and set of them: whoever asks, whoever owns the line. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { limit } from "../../../src/flow/index.ts";
import { allCompleted, Gate, rejects, startMany, stepOf, workflowOf, World, type OpenedEngine } from "../world.ts";
import { EffectLog } from "./effect-log.ts";

/** Long enough for a look, and for a report. */
const SOON_MS = 8000;

function held(world: World, queue: object, tookMs = 1000, name = "s") {
  const log = new EffectLog();
  const step = stepOf(
    name,
    async (n: number, { key }) => {
      const effect = log.begin(name, String(n % 2), key, world.time.now);
      await world.time.wait(tookMs);
      effect.ended = world.time.now;
      return n;
    },
    { queue },
  );
  return { log, flow: workflowOf(`w-${name}`, (n) => step(n)) };
}

/** A process that works nothing, and has no code. */
function outside(world: World): Promise<OpenedEngine> {
  return world.open([], { work: false });
}

async function viewOf(world: World, { tenfold }: OpenedEngine, queue: string, kind = "queue") {
  const views = await world.happens(tenfold.queues());
  const found = views.find((each) => each.queue === queue && each.kind === kind);
  assert.ok(found !== undefined, `there is no ${kind} ${queue} among ${views.map((each) => each.queue).join(", ")}`);
  return found;
}

test("who waits and runs is seen from outside, in memory or not, with what holds them up and how long it takes", async () => {
  const world = new World();
  const { flow } = held(world, { concurrency: 2 });
  const opened = await world.open([flow], { limits: { linedUpMax: 10 } });
  const since = world.time.now;
  await startMany(world, opened, flow, 100);
  const client = await outside(world);
  await world.passes(20_000);
  const view = await viewOf(world, client, "s");
  assert.equal(view.running, 2);
  const begun = world.records.filter(({ status }) => status === "completed").length + view.running;
  assert.ok(Math.abs(view.waiting + begun - 100) <= 8, `${view.waiting} wait, and ${begun} have begun`);
  assert.deepEqual(view.binds, { kind: "concurrency", of: "queue", until: null });
  assert.ok(view.perSecond > 1.5 && view.perSecond < 2.5, `${view.perSecond} a second`);
  assert.ok(view.oldest! - since < 2000, `since ${view.oldest! - since} ms`);
  assert.ok(Math.abs(view.drainsInMs! - view.waiting * 500) < 10_000, `${view.drainsInMs} ms`);
  assert.deepEqual([view.concurrency, view.rate, view.per, view.worker], [2, null, null, "worker 1"]);
  await allCompleted(world);
  await world.passes(SOON_MS + 10_000);
  const after = await viewOf(world, client, "s");
  assert.deepEqual([after.waiting, after.running, after.perSecond, after.oldest, after.drainsInMs], [0, 0, 0, null, 0]);
});

test("a line of which nothing changes is not reported of, though somebody waits there", async () => {
  const world = new World();
  const gate = new Gate();
  const step = stepOf("s", () => gate.pass(), { queue: { concurrency: 1 } });
  const flow = workflowOf("w", (n) => step(n));
  const opened = await world.open([flow]);
  await startMany(world, opened, flow, 5);
  await world.passes(30_000);
  const reports: string[] = [];
  const { queues } = world.store;
  const setStats = queues.setStats.bind(queues);
  queues.setStats = (lease, queue, stats) => {
    reports.push(stats);
    return setStats(lease, queue, stats);
  };
  await world.passes(600_000);
  assert.deepEqual(reports, []);
  gate.open();
  await allCompleted(world);
  await world.passes(600_000);
  assert.ok(reports.length >= 1 && reports.length <= 3, `${reports.length} reports`);
  const last = JSON.parse(reports.at(-1)!) as { queues: { waiting: number; running: number }[] };
  assert.deepEqual(last.queues.map(({ waiting, running }) => [waiting, running]), [[0, 0]]); // prettier-ignore
});

test("what is set from outside holds soon, instead of what the code says, until it is as in the code again", async () => {
  const world = new World(2);
  const { log, flow } = held(world, { concurrency: 1 });
  const opened = await world.open([flow]);
  const client = await outside(world);
  await startMany(world, opened, flow, 200);
  await world.passes(SOON_MS);
  assert.deepEqual(await world.happens(client.tenfold.setQueue("s", { concurrency: 10 })), { concurrency: 10 });
  await world.passes(SOON_MS);
  const view = await viewOf(world, client, "s");
  assert.deepEqual([view.running, view.concurrency, view.settings], [10, 10, { concurrency: 10 }]);
  const set = await world.happens(client.tenfold.setQueue("s", { concurrency: null, rate: "2/s burst 1" }));
  assert.deepEqual(set, { concurrency: null, rate: "2/s burst 1" });
  await world.passes(SOON_MS);
  const from = log.effects.length;
  await world.passes(10_000);
  assert.ok(Math.abs(log.effects.length - from - 20) <= 1, `${log.effects.length - from} have begun`);
  assert.deepEqual(await world.happens(client.tenfold.setQueue("s", { concurrency: "code", rate: "code" })), {});
  await world.passes(SOON_MS);
  assert.equal((await viewOf(world, client, "s")).running, 1);
  assert.equal((await world.store.queues.list(0)).concat(await world.store.queues.list(1))[0]!.settings, null);
});

test("a queue that is paused starts nothing, also with a new owner, and goes on when it may", async () => {
  const world = new World();
  const { log, flow } = held(world, { concurrency: 2 });
  const first = await world.open([flow]);
  await startMany(world, first, flow, 20);
  const client = await outside(world);
  await world.happens(client.tenfold.setQueue("s", { isPaused: true }));
  await world.passes(SOON_MS);
  const begun = log.effects.length;
  assert.ok(begun < 20);
  assert.equal((await viewOf(world, client, "s")).binds?.kind, "paused");
  assert.equal((await viewOf(world, client, "s")).drainsInMs, null);
  first.clock.die();
  await world.open([flow]);
  await world.passes(60_000);
  assert.equal(log.effects.length, begun);
  assert.equal((await viewOf(world, client, "s")).waiting, 20 - begun);
  await world.happens(client.tenfold.setQueue("s", { isPaused: false }));
  await allCompleted(world);
});

test("whoever decides tells how it is at this moment, before anybody else can have heard of it", async () => {
  const world = new World();
  const { flow } = held(world, { concurrency: 2 });
  const [opened, client] = [await world.open([flow]), await outside(world)];
  await startMany(world, opened, flow, 5);
  await world.passes(500);
  const counts = async (asked: OpenedEngine) => {
    const { waiting, running } = await viewOf(world, asked, "s");
    return [waiting, running];
  };
  assert.deepEqual(await counts(opened), [3, 2]);
  assert.deepEqual(await counts(client), [0, 0]);
  await world.passes(2000);
  assert.deepEqual(await counts(opened), [0, 1]);
});

test("what is set of a shared limit holds for all who share it, and what is set of one of them for that one", async () => {
  const world = new World(3);
  const crm = limit("crm", { concurrency: 4 });
  const [a, b] = [held(world, { limit: crm }, 1000, "a"), held(world, { limit: crm }, 1000, "b")];
  const opened = await world.open([a.flow, b.flow]);
  await startMany(world, opened, a.flow, 100);
  await startMany(world, opened, b.flow, 100);
  const client = await outside(world);
  await world.passes(SOON_MS);
  assert.deepEqual(
    (await world.happens(client.tenfold.queues())).map(({ queue, kind, limit: of }) => [queue, kind, of]),
    [
      ["crm", "limit", null],
      ["a", "queue", "crm"],
      ["b", "queue", "crm"],
    ],
  );
  await world.happens(client.tenfold.setQueue("crm", { concurrency: 8 }));
  await world.happens(client.tenfold.setQueue("a", { concurrency: 1 }));
  await world.passes(SOON_MS);
  const views = await world.happens(client.tenfold.queues());
  assert.deepEqual(views.map(({ running }) => running), [8, 1, 7]); // prettier-ignore
  assert.deepEqual(views.map(({ concurrency }) => concurrency), [8, 1, null]); // prettier-ignore
  await world.happens(client.tenfold.setQueue("crm", { isPaused: true }));
  await world.passes(SOON_MS);
  const paused = await world.happens(client.tenfold.queues());
  assert.deepEqual(paused.map(({ running, isPaused }) => [running, isPaused]), [[0, true], [0, true], [0, true]]); // prettier-ignore
  const rows = (await Promise.all([0, 1, 2].map((lane) => world.store.queues.list(lane)))).flat(); // prettier-ignore
  assert.deepEqual(JSON.parse(rows.find(({ settings }) => settings !== null)!.settings!), {
    crm: { concurrency: 8, isPaused: true },
    a: { concurrency: 1 },
  });
});

test("what is set of keys holds for each of them, and a strict order stays one", async () => {
  const world = new World();
  const key = (n: number): string => String(n % 2);
  const [loose, strict] = [held(world, { per: { key, concurrency: 1 } }, 1000, "a"), held(world, { per: { key, order: "strict" } }, 1000, "b")]; // prettier-ignore
  const opened = await world.open([loose.flow, strict.flow]);
  await startMany(world, opened, loose.flow, 60);
  await world.happens(opened.tenfold.setQueue("a", { per: { concurrency: 3 } }));
  await world.passes(SOON_MS);
  assert.deepEqual((await viewOf(world, opened, "a")).per, { concurrency: 3, rate: null });
  assert.equal(loose.log.atOnce((effect) => effect.key === "0"), 3); // prettier-ignore
  assert.deepEqual(await world.happens(opened.tenfold.setQueue("a", { per: { concurrency: "code" } })), {});
  await rejects(opened.tenfold.setQueue("b", { per: { concurrency: 3 } }), "OPTION_UNSUPPORTED", "strict");
});

test("what cannot be meant is refused, with the way out, and changes nothing", async () => {
  const world = new World();
  const crm = limit("crm", { concurrency: 4 });
  const { flow } = held(world, { limit: crm }, 100, "enrich");
  const { tenfold } = await world.open([flow]);
  const set = (queue: unknown, change: unknown): Promise<unknown> =>
    tenfold.setQueue(queue as string, change as object);
  await rejects(set("enrch", { concurrency: 1 }), "QUEUE_UNKNOWN", `"enrch"`, "Did you mean `enrich`?");
  await rejects(set("somewhere else", { concurrency: 1 }), "QUEUE_UNKNOWN", "There are crm, enrich.");
  await rejects(set(undefined, { concurrency: 1 }), "QUEUE_UNKNOWN", "nothing was set");
  await rejects(set("crm", { rate: "fast" }), "RATE_INVALID", `"fast"`, `"100/s"`);
  await rejects(set("enrich", { per: { rate: "fast" } }), "RATE_INVALID", "`per.rate`");
  await rejects(set("crm", { concurrency: 0 }), "OPTION_UNSUPPORTED", "`concurrency`", "isPaused");
  await rejects(set("crm", { concurency: 5 }), "OPTION_UNSUPPORTED", "Did you mean `concurrency`?");
  await rejects(set("crm", {}), "OPTION_UNSUPPORTED", "nothing to change");
  await rejects(set("crm", { per: { concurrency: 1 } }), "OPTION_UNSUPPORTED", "which has no keys", "enrich");
  await rejects(set("enrich", { per: { concurrency: 1 } }), "OPTION_UNSUPPORTED", "has no keys", "only the code");
  await rejects(set("enrich", { per: 5 }), "OPTION_UNSUPPORTED", "`per`");
  assert.ok((await world.store.queues.list(0)).every(({ settings }) => settings === null));
});
