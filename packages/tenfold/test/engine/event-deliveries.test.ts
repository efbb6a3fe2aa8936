/** How events come to their workflows: whoever dies, whatever is away, whichever code works beside which. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { EncodedStore } from "../../src/store/codec/encoded-store.ts";
import { aes256gcm } from "../../src/store/codec/aes256gcm.ts";
import type { Store } from "../../src/store/store.ts";
import { storeByVerb } from "../../src/testing/store-by-verb.ts";
import { TenfoldError } from "../../src/value/error.ts";
import { MINUTE, stepOf, untyped, workflowOf, World, type OpenedEngine } from "./world.ts";

const step = stepOf("s", (input) => input);

/** A workflow that an event starts, or one without a trigger. */
function onEvent(options: object | null = {}, workflow: object = {}) {
  const triggers = options === null ? [] : [untyped.on("lead", options)];
  return workflowOf("welcome", (input) => step(input), { ...workflow, triggers });
}

const hot = { where: (event: any) => untyped.gte(event.points, 80) };

/** The world's store with one verb as `act` has it; it is given the verb itself. */
function withVerb(store: Store, name: string, act: (real: () => Promise<unknown>) => Promise<unknown>): Store {
  return storeByVerb(store, (verb, of) => (...args) => {
    const real = (): Promise<unknown> => of(store)(...args);
    return verb === name ? act(real) : real();
  });
}

const keysOf = (world: World): string[] => world.records.map(({ key }) => key!).sort();
const emit = (world: World, { tenfold }: OpenedEngine, id: string, payload: unknown = { points: 90 }) =>
  world.happens(tenfold.emit("lead", payload, { id }));

test("however many workers there are, and in however many lanes, an event is one run", async () => {
  const world = new World(3);
  const opened: OpenedEngine[] = [];
  for (let worker = 0; worker < 4; worker++) opened.push(await world.open([onEvent()]));
  const ids = Array.from({ length: 30 }, (_, nth) => `${nth}`);
  await world.happens(Promise.all([...ids, ...ids].map((id, nth) => opened[nth % 4]!.tenfold.emit("lead", nth % 30, { id })))); // prettier-ignore
  await world.until("all are started", () => world.records.length >= 30);
  await world.passes(5 * MINUTE);
  assert.deepEqual(keysOf(world), ids.map((id) => `event/lead/${id}`).sort());
  for (const { tenfold } of opened) await world.happens(tenfold.close());
});

test("a worker that dies between the start of a run and the note of it leaves one run, and another notes it", async () => {
  const world = new World();
  const dying: OpenedEngine[] = [];
  const store = withVerb(world.store, "settle", () => {
    dying[0]!.clock.die();
    return new Promise(() => {});
  });
  dying.push(await world.open([onEvent()], {}, store));
  const client = await world.open([], { work: false });
  await emit(world, client, "1");
  await world.until("its run is there", () => world.records.length === 1);
  await world.open([onEvent()]);
  await world.passes(2 * MINUTE);
  assert.deepEqual(keysOf(world), ["event/lead/1"]);
  const [delivery] = (await world.happens(client.tenfold.event("lead", "1")))!;
  assert.deepEqual([delivery!.state, delivery!.run], ["started", world.records[0]!.id]);
});

test("a worker that dies with deliveries in hand leaves them to the next", async () => {
  const world = new World();
  const dying: OpenedEngine[] = [];
  const store = withVerb(world.store, "take", async (real) => {
    const taken = (await real()) as { deliveries: readonly unknown[] };
    if (taken.deliveries.length === 0) return taken;
    dying[0]!.clock.die();
    return new Promise(() => {});
  });
  dying.push(await world.open([onEvent()], {}, store));
  const second = await world.open([onEvent()]);
  await emit(world, await world.open([], { work: false }), "1");
  await world.passes(2 * MINUTE);
  assert.deepEqual(keysOf(world), ["event/lead/1"]);
  await world.happens(second.tenfold.close());
});

test("a store that is away, or loses answers, delays an event, and doubles none", async () => {
  for (const verb of ["emit", "subscriptions", "take", "settle", "start"]) {
    const world = new World();
    const worker = await world.open([onEvent()]);
    let failures = 4;
    const lossy = withVerb(world.store, verb, async (real) => {
      const isDone = failures-- % 2 === 0;
      if (failures < 0) return real();
      if (isDone) await real();
      throw new TenfoldError("STORE_UNREACHABLE", "The store did not answer.");
    });
    const client = await world.open([], { work: false }, lossy);
    const second = verb === "subscriptions" ? client : await world.open([onEvent()], {}, lossy);
    const emitted = await emit(world, client, "1");
    assert.deepEqual(emitted, { id: "1", isNew: true, workflows: ["welcome"], filtered: [] }, verb);
    await world.passes(5 * MINUTE);
    assert.deepEqual(keysOf(world), ["event/lead/1"], verb);
    for (const { tenfold } of new Set([worker, second])) await world.happens(tenfold.close());
  }
});

test("an event is for those who subscribed when it was emitted, also if their workers come later", async () => {
  const world = new World();
  const early = await world.open([onEvent()]);
  await world.happens(early.tenfold.close());
  const client = await world.open([], { work: false });
  await emit(world, client, "1");
  const late = workflowOf("late", (input) => step(input), { triggers: [untyped.on("lead")] });
  await world.open([onEvent(), late]);
  await world.passes(MINUTE);
  assert.deepEqual(
    world.records.map(({ workflow }) => workflow),
    ["welcome"],
  );
  assert.deepEqual((await emit(world, client, "1")).workflows, ["welcome"]);
  assert.deepEqual((await emit(world, client, "2")).workflows, ["late", "welcome"]);
});

test("what was emitted for a workflow starts it, though its code has no trigger on the event any more", async () => {
  const world = new World();
  await world.happens((await world.open([onEvent()])).tenfold.close());
  const client = await world.open([], { work: false });
  await emit(world, client, "1");
  await world.open([onEvent(null)]);
  await world.passes(5 * MINUTE);
  assert.deepEqual(keysOf(world), ["event/lead/1"]);
  assert.deepEqual((await emit(world, client, "2")).workflows, []);
  assert.deepEqual(await world.happens(client.tenfold.subscriptions()), []);
});

test("a deploy counts at once, older workers that live on or start again do not undo it, and a rollback counts in minutes", async () => {
  const world = new World();
  const client = await world.open([], { work: false });
  const isForCold = async (id: string): Promise<boolean> =>
    (await emit(world, client, id, { points: 1 })).workflows.length > 0;
  const old = await world.open([onEvent()]);
  assert.equal(await isForCold("1"), true);
  const young = await world.open([onEvent(hot)]);
  assert.equal(await isForCold("2"), false);
  await world.passes(10 * MINUTE);
  const restarted = await world.open([onEvent()]);
  assert.equal(await isForCold("3"), false);
  await world.happens(young.tenfold.close());
  assert.equal(await isForCold("4"), false);
  await world.passes(5 * MINUTE);
  assert.equal(await isForCold("5"), true);
  for (const { tenfold } of [old, restarted]) await world.happens(tenfold.close());
});

test("a rollback that is a release of its own counts at once", async () => {
  const world = new World();
  const client = await world.open([], { work: false });
  const opened = [];
  for (const [release, filter, isFor] of [
    ["r1", {}, true],
    ["r2", hot, false],
    ["r3", {}, true],
  ] as const) {
    opened.push(await world.open([onEvent(filter)], { release }));
    assert.equal((await emit(world, client, release, { points: 1 })).workflows.length > 0, isFor, release);
    await world.passes(10 * MINUTE);
    assert.equal((await emit(world, client, `${release} later`, { points: 1 })).workflows.length > 0, isFor, release);
  }
  for (const { tenfold } of opened) await world.happens(tenfold.close());
});

test("a trigger that was removed ends once no worker has it; code from before it, that starts again, does not end it", async () => {
  const world = new World();
  const client = await world.open([], { work: false });
  const young = await world.open([onEvent()]);
  const old = await world.open([onEvent(null)]);
  await world.passes(20 * MINUTE);
  assert.deepEqual((await emit(world, client, "1")).workflows, ["welcome"]);
  await world.happens(young.tenfold.close());
  await world.passes(5 * MINUTE);
  assert.deepEqual((await emit(world, client, "2")).workflows, []);
  await world.happens(old.tenfold.close());
});

test("a worker whose workflows have no trigger on an event asks nothing about events once it is open", async () => {
  const world = new World();
  const asked: string[] = [];
  const store = storeByVerb(world.store, (verb, of) => (...args) => {
    asked.push(verb);
    return of(world.store)(...args);
  });
  const { tenfold } = await world.open([onEvent(null)], {}, store);
  const ofEvents = ["subscriptions", "subscribe", "take", "settle"];
  assert.deepEqual(
    asked.filter((verb) => ofEvents.includes(verb)),
    ["subscriptions"],
  );
  await world.happens(tenfold.start(onEvent(null) as never, 1).catch(() => undefined));
  await world.passes(10 * MINUTE);
  assert.deepEqual(
    asked.filter((verb) => ofEvents.includes(verb)),
    ["subscriptions"],
  );
  await world.happens(tenfold.close());
});

test("a worker that leaves events to others subscribes to none, and starts none", async () => {
  const world = new World();
  const { tenfold } = await world.open([onEvent()], { events: false });
  assert.deepEqual((await world.happens(tenfold.emit("lead", 1))).workflows, []);
  await world.happens((await world.open([onEvent()])).tenfold.close());
  assert.deepEqual((await world.happens(tenfold.emit("lead", 1))).workflows, ["welcome"]);
  await world.passes(MINUTE);
  assert.deepEqual(keysOf(world), []);
});

test("an event whose key no store could keep is refused, and keeps none beside it waiting", async () => {
  const world = new World();
  const worker = await world.open([onEvent({}, { key: ({ email }: any) => email })]);
  const emails = ["ann", "bob\0", "\ud83d", "cid"];
  await world.happens(
    Promise.all(emails.map((email, nth) => worker.tenfold.emit("lead", { email }, { id: `${nth}` }))),
  );
  await world.passes(MINUTE);
  assert.deepEqual(keysOf(world), ["ann", "cid"]);
  const refused = await world.happens(Array.fromAsync(worker.tenfold.undelivered("refused")));
  assert.deepEqual(refused.map(({ id, error }) => `${id} ${error!.code}`), ["1 KEY_INVALID", "2 KEY_INVALID"]); // prettier-ignore
  await world.happens(worker.tenfold.close());
});

test("an event whose schema never answers is refused after a while, and keeps none for ever", async () => {
  const world = new World();
  const validate = (value: any) => (value.hangs ? new Promise(() => {}) : Promise.resolve({ value }));
  const input = { "~standard": { version: 1, vendor: "test", validate } };
  const worker = await world.open([onEvent({}, { input })]);
  await emit(world, worker, "1", { hangs: true });
  await emit(world, worker, "2");
  await world.passes(MINUTE);
  await emit(world, worker, "3");
  await world.passes(MINUTE);
  assert.deepEqual(keysOf(world), ["event/lead/2", "event/lead/3"]);
  const refused = await world.happens(Array.fromAsync(worker.tenfold.undelivered("refused")));
  assert.deepEqual(refused.map(({ id, error }) => `${id} ${error!.code}`), ["1 INPUT_INVALID"]); // prettier-ignore
  await world.happens(worker.tenfold.close());
});

test("a time between two milliseconds is the later one", async () => {
  const world = new World();
  const worker = await world.open([onEvent()]);
  await world.happens(worker.tenfold.emit("lead", 1, { id: "1", at: world.time.now + MINUTE - 0.5 }));
  const { deliveries } = await world.store.events.take(0, ["welcome"], world.time.now, world.time.now, 9);
  assert.equal(deliveries[0]!.startAt, world.time.now + MINUTE);
  await world.happens(worker.tenfold.close());
});

test("payloads of events are encoded while they wait, and so is why one was refused", async () => {
  const world = new World();
  const codec = aes256gcm({ keys: { one: new Uint8Array(32).fill(1) }, use: "one" });
  const store = new EncodedStore(world.store, codec);
  const strict = onEvent({}, { attributes: ({ secret }: any) => ({ secret: { of: secret } }) });
  await world.happens((await world.open([onEvent()], {}, store)).tenfold.close());
  const client = await world.open([], { work: false }, store);
  await emit(world, client, "1", { secret: "rosebud" });
  const { deliveries } = await world.store.events.take(0, ["welcome"], world.time.now, world.time.now, 9);
  assert.match(deliveries[0]!.input, /^enc:aes256gcm:one:/);
  const plainly = await world.open([onEvent()]);
  await world.passes(MINUTE);
  assert.ok(plainly.log.some(({ message, level }) => level === "error" && message.includes("could not be read")));
  await world.happens(plainly.tenfold.close());
  const worker = await world.open([strict], {}, store);
  await world.passes(2 * MINUTE);
  const [kept] = await world.store.events.deliveries(0, "refused", null, 9);
  assert.match(kept!.error!, /^enc:aes256gcm:one:/);
  const [refused] = await world.happens(Array.fromAsync(client.tenfold.undelivered("refused")));
  assert.equal(refused!.error!.code, "ATTRIBUTES_INVALID");
  await world.happens(worker.tenfold.close());
});

test("an event is forgotten when its time is over, whatever becomes of keys, and not while a delivery waits", async () => {
  const world = new World(2);
  const worker = await world.open([onEvent()]);
  for (const id of ["1", "2", "3"]) await emit(world, worker, id);
  await world.passes(MINUTE);
  await world.happens(worker.tenfold.close());
  const client = await world.open([], { work: false });
  await emit(world, client, "4");
  await world.passes(48 * 60 * MINUTE);
  const prune = (keepEvents: string) =>
    world.happens(client.tenfold.prune({}, { olderThan: "10m", keepKeys: 0, keepEvents: keepEvents as never }));
  assert.equal((await prune("3 days")).eventsForgotten, 0);
  assert.equal((await prune("1 day")).eventsForgotten, 3);
  assert.equal(await world.happens(client.tenfold.event("lead", "1")), undefined);
  assert.equal((await world.happens(client.tenfold.event("lead", "4")))?.length, 1);
});
