/** Laws of schedules: a tick is one run at its time, whoever works and whoever dies; and what becomes of missed ones. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Advance } from "../../src/store/schedules.ts";
import type { Store } from "../../src/store/store.ts";
import { TenfoldError } from "../../src/value/error.ts";
import { HOUR, hourly, hoursOf, newWorld, nextHour, untilHour, WITHIN } from "./hourly.ts";
import { allCompleted, MINUTE, stepOf, untyped, withVerbs, workflowOf, type OpenedEngine } from "./world.ts";

test("a tick is a run at its time: with its input, under its own key, for its tenant", async () => {
  const world = await newWorld();
  const own = { name: "nightly", tenant: "acme", input: ({ at, date }: any) => ({ at, date, n: 7 }) };
  const flow = workflowOf("report", (input) => stepOf("s", (n) => n)(input.n), {
    key: () => "the same for all",
    triggers: [untyped.schedule("0 * * * *", { timeZone: "Europe/London", ...own })],
  });
  await world.open([flow]);
  const first = nextHour(world.time.now, world);
  await untilHour(world, 0, -1);
  assert.equal(world.records.length, 0);
  await untilHour(world, 0);
  const [run, ...others] = world.records;
  assert.deepEqual(others, []);
  const at = new Date(first).toISOString();
  assert.deepEqual(JSON.parse(run!.input), { at, date: at.slice(0, 10), n: 7 });
  assert.deepEqual([run!.key, run!.tenant, run!.status], [`schedule/nightly/${at}`, "acme", "completed"]);
  assert.ok(run!.startedAt >= first && run!.startedAt <= first + 100);
});

test("without an `input` of its own a schedule gives its runs the moment and its name", async () => {
  const world = await newWorld();
  await world.open([hourly()]);
  await untilHour(world, 0);
  const at = new Date(nextHour(0, world)).toISOString();
  assert.deepEqual(JSON.parse(world.records[0]!.input), { at, schedule: "default" });
});

test("however many workers there are, and in however many lanes, a tick is one run", async () => {
  for (const lanes of [1, 3]) {
    const world = await newWorld(lanes);
    for (let workers = 0; workers < 4; workers++) await world.open([hourly()]);
    await untilHour(world, 5);
    assert.deepEqual(hoursOf(world), [0, 1, 2, 3, 4, 5]);
    await allCompleted(world);
  }
});

test("a client that executes nothing starts nothing, and neither does a worker that leaves schedules to others", async () => {
  const world = await newWorld();
  await world.open([hourly()], { work: false });
  await world.open([hourly()], { schedules: false });
  await untilHour(world, 2);
  assert.deepEqual(world.records, []);
});

test("what came before a schedule was first seen is not missed; of what came while nobody worked, what `missed` says", async () => {
  for (const [missed, expected] of [
    ["skip", [0, 4]],
    ["once", [0, 3, 4]],
    ["all", [0, 1, 2, 3, 4]],
  ] as const) {
    const world = await newWorld();
    const first = await world.open([hourly({ missed })]);
    await untilHour(world, 0);
    first.clock.die();
    await untilHour(world, 3, 20 * MINUTE);
    const { log } = await world.open([hourly({ missed })]);
    await untilHour(world, 4);
    assert.deepEqual(hoursOf(world), expected, missed);
    const told = log.filter(({ message }) => message.includes("missed")).map(({ facts }) => facts["schedule"]);
    assert.deepEqual(told, missed === "all" ? [] : ["default"]);
  }
});

test("a thousand ticks that were missed are started, in few writes", async () => {
  const world = await newWorld();
  const minutely = workflowOf("report", (input) => input, {
    triggers: [untyped.schedule("* * * * *", { timeZone: "UTC", missed: "all" })],
  });
  const first = await world.open([minutely]);
  await world.passes(1000);
  first.clock.die();
  await world.passes(1000 * MINUTE);
  const { store, advances } = counting(world.store);
  await world.open([minutely], {}, store);
  await world.until("all are there", () => world.records.length >= 1000);
  assert.ok(advances.length <= 12, `${advances.length} writes`);
});

test("a worker that dies between the start of a run and the note of it leaves one run", async () => {
  const world = await newWorld();
  const dying: OpenedEngine[] = [];
  const store = withAdvance(world.store, async () => {
    dying[0]!.clock.die();
    return new Promise(() => {});
  });
  const { schedules } = world.store;
  await schedules.advance(0, [
    { workflow: "report", schedule: "default", from: null, to: { at: world.time.now, run: null } },
  ]);
  dying.push(await world.open([hourly()], {}, store));
  await untilHour(world, 0);
  assert.deepEqual(hoursOf(world), [0]);
  await world.open([hourly()]);
  await untilHour(world, 1);
  assert.deepEqual(hoursOf(world), [0, 1]);
});

test("a store that is away, or loses answers, delays a tick and nothing else", async () => {
  const world = await newWorld();
  let failures = 6;
  const store = withAdvance(world.store, async (lane, batch) => {
    const isWritten = failures-- % 2 === 0;
    const answer = isWritten || failures < 0 ? await world.store.schedules.advance(lane, batch) : [];
    if (failures >= 0) throw new TenfoldError("STORE_UNREACHABLE", "The store did not answer.");
    return answer;
  });
  await world.open([hourly({ missed: "skip" })], {}, store);
  await untilHour(world, 3);
  assert.deepEqual(hoursOf(world), [0, 1, 2, 3]);
});

test("a clock that is set back or forward starts no tick twice, and loses none", async () => {
  const world = await newWorld();
  const { clock } = await world.open([hourly()]);
  const other = await world.open([hourly()]);
  for (let hour = 0; hour < 4; hour++) {
    clock.set(hour % 2 === 0 ? 400 : -400);
    await untilHour(world, hour);
    clock.set(hour % 2 === 0 ? -400 : 400);
    other.clock.set(hour * 100);
  }
  assert.deepEqual(hoursOf(world), [0, 1, 2, 3]);
});

test("a worker whose clock was months ahead for a while does not silence a schedule, and no tick is two runs", async () => {
  for (const missed of ["once", "all", "skip"] as const) {
    const world = await newWorld();
    const wrong = await world.open([hourly({ missed })]);
    const right = await world.open([hourly({ missed })]);
    await untilHour(world, 0);
    wrong.clock.set(60 * 24 * HOUR);
    await untilHour(world, 1);
    wrong.clock.set(0);
    await untilHour(world, 4);
    const hours = hoursOf(world).filter((hour) => hour <= 4);
    assert.deepEqual(hours, [0, 1, 2, 3, 4], missed);
    assert.ok(right.log.some(({ message }) => message.includes("ahead")), missed); // prettier-ignore
    for (const { tenfold } of [wrong, right]) await world.happens(tenfold.close());
  }
});

test("a schedule whose cron is changed goes on from where it was", async () => {
  const world = await newWorld();
  const first = await world.open([hourly()]);
  await untilHour(world, 1);
  await world.happens(first.tenfold.close());
  const half = untyped.schedule("0,30 * * * *", { timeZone: "UTC" });
  await world.open([workflowOf("report", (input) => input, { triggers: [half] })]);
  await untilHour(world, 2);
  assert.deepEqual(hoursOf(world), [0, 1, 1.5, 2]);
});

test("a tick whose input is refused is told and tried again; other schedules and later releases go on", async () => {
  const world = await newWorld();
  const broken = hourly({ missed: "all", input: () => { throw new Error("no such table"); } } as never); // prettier-ignore
  const sound = workflowOf("sound", (input) => input, {
    triggers: [untyped.schedule("0 * * * *", { timeZone: "UTC" })],
  });
  const first = await world.open([broken, sound]);
  await untilHour(world, 0, 3 * MINUTE);
  assert.deepEqual(
    world.records.map(({ workflow }) => workflow),
    ["sound"],
  );
  const told = first.log.filter(({ level }) => level === "error");
  assert.ok(told.length >= 2 && told.length <= 5, `${told.length} times`);
  assert.match(String(told[0]!.facts["reason"]), /INPUT|threw on the tick .*no such table/);
  await world.happens(first.tenfold.close());
  await world.open([hourly({ missed: "all" }), sound]);
  await world.passes(WITHIN);
  assert.equal(world.records.length, 2);
});

test("ticks of a batch are started up to the first that is refused", async () => {
  const world = await newWorld();
  let isBroken = true;
  const input = ({ at }: any) => {
    if (isBroken && at === new Date(nextHour(0, world) + 2 * HOUR).toISOString()) throw new Error("not today");
    return at;
  };
  const first = await world.open([hourly({ missed: "all", input } as never)]);
  await world.passes(1000);
  first.clock.die();
  await untilHour(world, 3);
  await world.open([hourly({ missed: "all", input } as never)]);
  await world.passes(5 * MINUTE);
  assert.deepEqual(hoursOf(world), [0, 1]);
  isBroken = false;
  await world.passes(5 * MINUTE);
  assert.deepEqual(hoursOf(world), [0, 1, 2, 3]);
});

test("a schedule whose input is a promise, or whose schema never answers, is told, ends no program, and keeps no other waiting", async () => {
  const world = await newWorld();
  const rejecting = (): unknown => Promise.reject(new Error("nobody waits for it"));
  const hanging = { "~standard": { version: 1, vendor: "test", validate: () => new Promise(() => {}) } };
  const wrong = [
    workflowOf("promised", (input) => input, { triggers: [untyped.schedule("0 * * * *", { timeZone: "UTC", input: rejecting })] }), // prettier-ignore
    workflowOf("deep", (input) => input, { triggers: [untyped.schedule("0 * * * *", { timeZone: "UTC", input: () => ({ rows: [rejecting()], more: rejecting() }) })] }), // prettier-ignore
    workflowOf("hanging", (input) => input, { input: hanging, triggers: [untyped.schedule("0 * * * *", { timeZone: "UTC" })] }), // prettier-ignore
  ];
  const { log } = await world.open([...wrong, hourly()]);
  await untilHour(world, 2, MINUTE);
  assert.deepEqual(hoursOf(world), [0, 1, 2]);
  const told = log.filter(({ level }) => level === "error").map(({ facts }) => facts["workflow"]);
  assert.deepEqual([...new Set(told)].sort(), ["deep", "hanging", "promised"]);
});

test("hundreds of schedules that are due at once are read and noted together", async () => {
  const world = await newWorld();
  const triggers = Array.from({ length: 300 }, (_, n) => {
    return untyped.schedule("0 * * * *", { timeZone: "UTC", name: `number-${n}` });
  });
  const { store, advances } = counting(world.store);
  await world.open([workflowOf("report", (input) => input, { triggers })], {}, store);
  await untilHour(world, 0);
  assert.equal(world.records.length, 300);
  assert.ok(advances.length <= 3, `${advances.length} writes`);
});

test("an engine without a schedule asks the store for none, and one with a schedule only when a tick is due", async () => {
  const world = await newWorld();
  const idle = counting(world.store);
  await world.open([workflowOf("report", (input) => input)], {}, idle.store);
  await untilHour(world, 3);
  assert.equal(idle.reads() + idle.advances.length, 0);
  const busy = counting(world.store);
  await world.open([hourly()], {}, busy.store);
  await untilHour(world, 8);
  // Seen first, then read and noted at 4, 5, 6, 7 and 8 o'clock.
  assert.equal(busy.advances.length, 6);
  assert.ok(busy.reads() <= 7, `${busy.reads()} reads`);
});

type Advances = (lane: number, batch: readonly Advance[]) => Promise<readonly boolean[]>;

function withAdvance(store: Store, advance: Advances): Store {
  const reached: Store["schedules"]["reached"] = (...given) => store.schedules.reached(...given);
  return withVerbs(store, { schedules: { reached, advance } });
}

function counting(store: Store) {
  const advances: (readonly Advance[])[] = [];
  let reads = 0;
  const schedules: Store["schedules"] = {
    reached: (...given) => (reads++, store.schedules.reached(...given)),
    advance: (lane, batch) => (advances.push(batch), store.schedules.advance(lane, batch)),
  };
  return { store: withVerbs(store, { schedules }), advances, reads: () => reads };
}
