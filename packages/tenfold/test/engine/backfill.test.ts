/** `backfill` and `schedules`: one run for each tick of a range that has none, and what is told of schedules. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { allCompleted, MINUTE, rejects, untyped, withVerbs, workflowOf, World } from "./world.ts";
import { TenfoldError } from "../../src/value/error.ts";

const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

function daily(options: object = {}) {
  const made = untyped.schedule("0 9 * * *", { name: "daily", timeZone: "Europe/London", ...options });
  return workflowOf("report", (input) => input, { triggers: [made] });
}

function ticksOf(world: World): string[] {
  return world.records.map(({ key }) => key!.split("/")[2]!).sort();
}

test("a range is filled with one run for each of its ticks, its end not among them", async () => {
  const world = new World();
  const flow = daily({ input: ({ date }: any) => date });
  const { tenfold } = await world.open([flow]);
  const range = { from: "2025-03-29", until: "2025-04-01T08:00:00Z" };
  const done = await world.happens(tenfold.backfill(flow, "daily", range));
  assert.deepEqual(done, { ticks: 3, started: 3, existing: 0, refused: 0, refusal: null });
  const expected = ["2025-03-29T09:00:00.000Z", "2025-03-30T08:00:00.000Z", "2025-03-31T08:00:00.000Z"];
  assert.deepEqual(ticksOf(world), expected);
  assert.deepEqual(world.records.map(({ input }) => input).sort(), ['"2025-03-29"', '"2025-03-30"', '"2025-03-31"']);
  await allCompleted(world);
});

test("what has its run stays as it is: of an earlier backfill, or of the schedule itself", async () => {
  const world = new World(3);
  const flow = daily();
  const { tenfold } = await world.open([flow]);
  await world.passes(2 * DAY);
  assert.equal(world.records.length, 2);
  const until = world.time.now;
  const range = { from: new Date(until - 10 * DAY), until };
  const counted = await world.happens(tenfold.backfill(flow, "daily", { ...range, dryRun: true }));
  assert.deepEqual(counted, { ticks: 10, started: 8, existing: 2, refused: 0, refusal: null });
  assert.equal(world.records.length, 2);
  const filled = await world.happens(tenfold.backfill(flow, "daily", range));
  assert.deepEqual([filled.started, filled.existing], [8, 2]);
  const again = await world.happens(tenfold.backfill(flow, "daily", range));
  assert.deepEqual([again.started, again.existing], [0, 10]);
  assert.equal(world.records.length, 10);
});

test("a tick whose input is refused does not stop the others", async () => {
  const world = new World();
  const input = ({ date }: any) => {
    if (date.endsWith("-02")) throw new Error("no such day");
    return date;
  };
  const flow = daily({ input });
  const { tenfold } = await world.open([flow], { work: false });
  const done = await world.happens(tenfold.backfill(flow, "daily", { from: "2025-01-01", until: "2025-02-05" }));
  assert.deepEqual([done.ticks, done.started, done.refused], [35, 33, 2]);
  assert.match(done.refusal!.message, /threw on the tick 2025-01-02.*no such day/);
});

test("a long range is filled in parts, told of as it goes on, and stopped between two of them", async () => {
  const world = new World();
  const made = untyped.schedule("* * * * *", { timeZone: "UTC" });
  const flow = workflowOf("report", (input) => input, { triggers: [made] });
  const { tenfold } = await world.open([flow], { work: false });
  const stopping = new AbortController();
  const told: number[] = [];
  const onProgress = ({ ticks }: { ticks: number }): void => {
    if (told.push(ticks) === 2) stopping.abort();
  };
  const range = { from: "2025-01-01", until: "2025-01-03", onProgress, signal: stopping.signal };
  const done = await world.happens(tenfold.backfill(flow, "default", range));
  assert.deepEqual([done.ticks, done.started, told], [1000, 1000, [500, 1000]]);
});

test("what cannot be meant is refused, and nothing is started", async () => {
  const world = new World();
  const flow = daily();
  const { tenfold } = await world.open([flow], { work: false });
  const fill = (schedule: string, from: any, until: any) =>
    world.happens(tenfold.backfill(flow, schedule, { from, until }));
  await rejects(fill("dayly", 0, 1), "SCHEDULE_UNKNOWN", 'no schedule "dayly"', "Did you mean `daily`?");
  await rejects(fill("daily", "2025-01-02", "2025-01-01"), "TIME_INVALID", "Exchange the two");
  await rejects(fill("daily", "2025-01-02", "2025-01-02"), "TIME_INVALID", "not part of the range");
  await rejects(fill("daily", "2025-01-02", world.time.now + DAY), "TIME_INVALID", "yet to come");
  await rejects(fill("daily", "2025-02-30", 5), "TIME_INVALID", "`from`", "no moment");
  await rejects(fill("daily", undefined, 5), "TIME_INVALID", "`from`");
  await rejects(fill("daily", 0, new Date(NaN)), "TIME_INVALID", "`until`");
  const mistyped = tenfold.backfill(flow, "daily", { from: 0, until: 1, dryrun: true } as never);
  await rejects(mistyped, "OPTION_UNSUPPORTED", "`dryRun`");
  await rejects(tenfold.backfill("report" as never, "daily", { from: 0, until: 1 }), "WORKFLOW_UNKNOWN");
  const other = workflowOf("other", (input) => input);
  await rejects(tenfold.backfill(other, "daily", { from: 0, until: 1 }), "WORKFLOW_UNKNOWN", "other");
  assert.deepEqual(world.records, []);
});

test("schedules are told of with their last tick, its run and the next ones", async () => {
  const world = new World(3);
  const flow = daily();
  const other = workflowOf("other", (input) => input, { triggers: [untyped.schedule("@yearly", { timeZone: "UTC" })] });
  const { tenfold } = await world.open([flow, other]);
  await world.passes(1000);
  const first = await world.happens(tenfold.schedules(2));
  assert.deepEqual(
    first.map(({ workflow, run, next }) => [workflow, run, next.length]),
    [
      ["report", null, 2],
      ["other", null, 2],
    ],
  );
  assert.ok(first.every(({ last }) => last === null));
  await world.passes(DAY);
  const [view] = await world.happens(tenfold.schedules());
  assert.equal(view!.last, Date.parse(ticksOf(world)[0]!));
  assert.equal(view!.run, world.records[0]!.id);
  assert.equal(view!.next.length, 5);
});

test("of a schedule whose lane is out of reach it is told what comes next, and not what was", async () => {
  const world = new World();
  const flow = daily();
  const reached = async (): Promise<never> => {
    throw new TenfoldError("STORE_UNREACHABLE", "It is away.");
  };
  const { advance } = world.store.schedules;
  const missing = [{ lanes: [0], server: "b", reason: "away" }];
  const store = withVerbs(world.store, { schedules: { reached, advance }, missing });
  const { tenfold } = await world.open([flow], { work: false }, store);
  const [view] = await world.happens(tenfold.schedules(1));
  assert.deepEqual([view!.last, view!.next.length], [null, 1]);
  const alone = await world.open([flow], { work: false }, withVerbs(world.store, { schedules: { reached, advance } }));
  await rejects(world.happens(alone.tenfold.schedules()), "STORE_UNREACHABLE");
});
