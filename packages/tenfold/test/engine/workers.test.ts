/** Laws of workers: they share a store, die, lose leases and answers, and nothing is lost or recorded twice. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { LeaseLost } from "../../src/store/store.ts";
import { TenfoldError } from "../../src/value/error.ts";
import { allCompleted, countedFlow, Gate, MINUTE, NOW, rejects, startMany, withVerbs, World } from "./world.ts";

test("what a dead engine drove is taken over after its lease, and no recorded result is computed again", async () => {
  const world = new World();
  const { flow, calls } = countedFlow(world, 1000);
  const first = await world.open([flow]);
  await startMany(world, first, flow, 10);
  await world.passes(1500);
  first.clock.die();
  const recorded = world.records.flatMap(({ id }) => world.journal(id).map((line) => `${id}/${line.split(" ")[1]}`));
  assert.equal(recorded.length, 10);
  await world.open([flow]);
  await allCompleted(world);
  for (const key of recorded) assert.equal(calls.get(key), 1, key);
  assert.equal(calls.size, 30);
});

test("two engines on one store share the work, and call each body once", async () => {
  const world = new World();
  const { flow, calls } = countedFlow(world);
  const client = await world.open([flow], { work: false });
  await startMany(world, client, flow, 60);
  const engines = [await world.open([flow], { runsMax: 10 }), await world.open([flow], { runsMax: 10 })];
  await allCompleted(world);
  assert.equal(calls.size, 180);
  assert.ok([...calls.values()].every((count) => count === 1));
  for (const { attempts } of engines) assert.ok(attempts.length >= 45, `${attempts.length} of 180`);
});

test("a lost lease drops and aborts everything, and the worker takes it up again under another one", async () => {
  const world = new World();
  const { flow, calls } = countedFlow(world, 10_000);
  const opened = await world.open([flow], { slots: 3 });
  await startMany(world, opened, flow, 6);
  await world.passes(15_000);
  const owners = new Set(world.records.map(({ owner }) => owner));
  assert.equal(owners.size, 1);
  const [owner] = owners;
  await world.store.takeOver(0, owner!, null, world.time.now, false);
  await allCompleted(world);
  assert.ok(opened.log.some(({ message }) => message.includes("lease was lost")));
  assert.ok(
    [...calls.values()].every((count) => count <= 2),
    "only what was open is called again",
  );
  for (const { id } of world.records) assert.deepEqual(world.journal(id), ["done a", "done b", "done c"]);
});

test("an answer about a lease that is long gone does not cost the worker its new lease", async () => {
  const world = new World();
  const gate = new Gate();
  let isSlow = false;
  const slow = withVerbs(world.store, {
    look: async (lease, ...given) => {
      if (isSlow) {
        isSlow = false;
        await gate.pass();
        throw new LeaseLost(lease);
      }
      return world.store.look(lease, ...given);
    },
  });
  const opened = await world.open([], {}, slow);
  await world.passes(100);
  isSlow = true;
  await world.until("a look hangs", () => gate.entered === 1);
  for (const { owner } of await world.store.renew({ lane: 0, owner: await ownerOf(world) })) {
    await world.store.takeOver(0, owner, null, world.time.now, false);
  }
  await world.until("the lease was lost", () => opened.log.length === 1);
  await world.passes(1000);
  gate.open();
  await world.passes(MINUTE);
  assert.equal(opened.log.length, 1, "it joined once, and stayed");
});

/** The one lease that is alive. */
async function ownerOf(world: World): Promise<string> {
  const probe = { lane: 0, owner: "probe" };
  await world.store.join(probe, { worker: "probe", host: "probe", process: "probe" });
  const seen = await world.store.renew(probe);
  await world.store.takeOver(0, "probe", null, world.time.now, true);
  return seen.find(({ owner }) => owner !== "probe")!.owner;
}

test("a claim whose answer was lost is found by asking for all rows in this worker's name", async () => {
  const world = new World();
  const { flow, calls } = countedFlow(world);
  let lost = 0;
  const deaf = withVerbs(world.store, {
    claim: async (...given) => {
      const claimed = await world.store.claim(...given);
      if (claimed.length > 0 && lost++ < 1) throw new TenfoldError("STORE_UNREACHABLE", "no answer");
      return claimed;
    },
  });
  const client = await world.open([flow], { work: false });
  await startMany(world, client, flow, 5);
  await world.open([flow], { reconcileMs: 60 * MINUTE }, deaf);
  await world.until("all are completed", () => world.records.every(({ status }) => status === "completed"), MINUTE);
  assert.equal(lost, 1);
  assert.ok([...calls.values()].every((count) => count === 1));
});

test("a look that is under way when its engine is closed, and fails for that, harms nobody", async () => {
  const world = new World();
  const gate = new Gate();
  let isClosed = false;
  const slow = withVerbs(world.store, {
    look: async (...given) => {
      if (gate.entered > 0 || world.time.now < NOW + 500) return world.store.look(...given);
      await gate.pass();
      if (isClosed) throw new TenfoldError("CLOSED", "The store was closed.");
      return world.store.look(...given);
    },
  });
  const opened = await world.open([], {}, slow);
  await world.until("a look hangs", () => gate.entered === 1);
  await world.happens(opened.engine.stop());
  isClosed = true;
  const thrown: unknown[] = [];
  const hear = (reason: unknown) => void thrown.push(reason);
  process.on("unhandledRejection", hear);
  gate.open();
  await world.passes(1000);
  await new Promise((resolve) => setImmediate(resolve));
  process.off("unhandledRejection", hear);
  assert.deepEqual(thrown, []);
});

test("a start whose answer is lost while the worker asks for its rows is found by asking once more", async () => {
  const world = new World();
  const { flow } = countedFlow(world);
  const { store } = world;
  const gate = new Gate();
  let starts = 0;
  const deaf = withVerbs(store, {
    owned: async (...given) => {
      const owned = await store.owned(...given);
      await gate.pass();
      return owned;
    },
    start: async (...given) => {
      const answers = await store.start(...given);
      if (++starts === 1) throw new TenfoldError("STORE_UNREACHABLE", "no answer");
      return answers;
    },
  });
  const opened = await world.open([flow], { reconcileMs: 10 * MINUTE }, deaf);
  await world.until("it asks for its rows", () => gate.entered === 1, 11 * MINUTE);
  await world.happens(opened.tenfold.start(flow, 1));
  gate.open();
  await world.until("it is completed", () => world.records.every(({ status }) => status === "completed"), MINUTE);
});

test("a start that is written late, while it is sent again, is looked for once that is answered", async () => {
  const world = new World();
  const { flow } = countedFlow(world);
  const { store } = world;
  const gate = new Gate();
  let late: Parameters<typeof store.start> | undefined;
  let asked = 0;
  const slow = withVerbs(store, {
    owned: (...given) => {
      asked++;
      return store.owned(...given);
    },
    start: async (...given) => {
      if (late === undefined) {
        late = given;
        throw new TenfoldError("STORE_UNREACHABLE", "no answer");
      }
      await store.start(...late);
      await gate.pass();
      return store.start(...given);
    },
  });
  const opened = await world.open([flow], { reconcileMs: 10 * MINUTE }, slow);
  await world.passes(1000);
  const starting = opened.tenfold.start(flow, 1);
  await world.until("it is sent again", () => gate.entered === 1);
  const before = asked;
  await world.until("it asks for its rows", () => asked > before, 11 * MINUTE);
  gate.open();
  await world.happens(starting);
  await world.until("it is completed", () => world.records.every(({ status }) => status === "completed"), MINUTE);
});

test("while the disk is full, start rejects and running bodies go on; afterwards nothing is lost or done twice", async () => {
  const world = new World();
  const { flow, calls } = countedFlow(world, 1000);
  let isFull = false;
  const whenNotFull =
    <A extends unknown[], R>(verb: (...given: A) => Promise<R>) =>
    async (...given: A): Promise<R> => {
      if (isFull) throw new TenfoldError("STORE_FULL", "The disk is full.");
      return verb(...given);
    };
  const { store } = world;
  const full = withVerbs(store, {
    start: whenNotFull(store.start.bind(store)),
    commit: whenNotFull(store.commit.bind(store)),
    claim: whenNotFull(store.claim.bind(store)),
  });
  const opened = await world.open([flow], { slots: 10 }, full);
  const stalls: boolean[] = [];
  opened.tenfold.on("stall", ({ isStalled }) => stalls.push(isStalled));
  await startMany(world, opened, flow, 30);
  await world.passes(500);
  isFull = true;
  await rejects(world.happens(opened.tenfold.start(flow, 1)), "STORE_FULL");
  await world.passes(5 * MINUTE);
  assert.equal(calls.size, 20, "those that took the free slots before the store refused, and none after");
  assert.deepEqual(stalls, [true]);
  isFull = false;
  await allCompleted(world);
  assert.deepEqual(stalls, [true, false]);
  assert.equal(world.records.length, 30);
  assert.equal(calls.size, 90);
  assert.ok([...calls.values()].every((count) => count === 1));
});

test("who waits for a result is answered although the store is away for a while", async () => {
  const world = new World();
  let away = 0;
  const deaf = withVerbs(world.store, {
    read: async (...given) => {
      if (away++ < 5) throw new TenfoldError("STORE_UNREACHABLE", "no answer");
      return world.store.read(...given);
    },
  });
  const { flow } = countedFlow(world);
  const client = await world.open([flow], { work: false }, deaf);
  await world.open([flow]);
  const run = await world.happens(client.tenfold.start(flow, 1));
  assert.equal(await world.happens(run.result()), 4);
  assert.ok(away > 5);
});

test("a worker that is closed while it joins anew leaves no lease behind", async () => {
  const world = new World();
  const gate = new Gate();
  let joins = 0;
  const slow = withVerbs(world.store, {
    join: async (...given) => {
      if (++joins > 1) await gate.pass();
      return world.store.join(...given);
    },
  });
  const opened = await world.open([], {}, slow);
  await world.store.takeOver(0, await ownerOf(world), null, world.time.now, false);
  await world.until("it joins anew", () => gate.entered === 1);
  await world.happens(opened.tenfold.close());
  gate.open();
  await world.passes(1000);
  const probe = { lane: 0, owner: "last" };
  await world.store.join(probe, { worker: "p", host: "p", process: "p" });
  assert.deepEqual((await world.store.renew(probe)).map(({ owner }) => owner), ["last"]); // prettier-ignore
});

test("an idle worker looks less and less often, and at once when something changes", async () => {
  const world = new World();
  const { flow } = countedFlow(world);
  let looks = 0;
  const counted = withVerbs(world.store, {
    look: (...given) => {
      looks++;
      return world.store.look(...given);
    },
  });
  await world.open([flow], {}, counted);
  const client = await world.open([flow], { work: false });
  await world.passes(MINUTE);
  looks = 0;
  await world.passes(MINUTE);
  assert.ok(looks >= 3 && looks <= 5, `${looks} looks in a minute`);
  await startMany(world, client, flow, 1);
  await world.passes(100);
  assert.deepEqual(
    world.records.map(({ status }) => status),
    ["running"],
  );
});
