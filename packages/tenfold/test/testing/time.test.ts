/** Virtual time in a user's test: it moves when the test says so, and everything on the way happens in order. */
import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { after, each, sleep, sleepUntil, step, workflow, type Lifted } from "../../src/flow/index.ts";
import { openTest, takes } from "../../src/testing/index.ts";
import { COLD, enrich, HOT, realMs, refuses, remind, trial } from "./trial.ts";

const DAY = 86_400_000;

test("nothing passes by itself: what needs no time is done at once, a sleep is over when the test says so", async () => {
  await using env = await openTest({ workflows: [trial], now: "2026-03-01T09:00:00Z" });
  const hot = await env.tenfold.start(trial, HOT);
  assert.equal(await hot.result(), "called kim@example.com");
  const cold = await env.tenfold.start(trial, COLD);
  await env.settle();
  assert.equal(env.now, Date.parse("2026-03-01T09:00:00Z"));
  await env.advance(3 * DAY - 1);
  assert.deepEqual(env.path(cold), ["enrich", "match-tier: cold"]);
  await env.advance(1);
  assert.deepEqual(env.path(cold), [
    "enrich",
    "match-tier: cold",
    "match-tier/cold/sleep-3-days",
    "match-tier/cold/remind",
  ]);
  assert.equal(await cold.result(), "reminded sam@example.com");
  assert.equal(env.now, Date.parse("2026-03-04T09:00:00Z"));
});

test("what is due on the way happens in order of time, each at its own time to the millisecond", async () => {
  const noted: [string, number][] = [];
  const note = step("note", { run: (name: string, ctx) => void noted.push([name, ctx.now()]) });
  const waits = workflow("waits", {
    flow(given: Lifted<{ name: string; at: number }>) {
      return after(sleepUntil(given.at), () => note(given.name));
    },
  });
  await using env = await openTest({ workflows: [waits], now: 0 });
  const times = [90 * DAY, 1, 50, 5000, 5001, 15_000, 2, 89 * DAY, 20, 21];
  for (const at of times) await env.tenfold.start(waits, { name: `${at}`, at });
  await env.advance("100 days");
  const wanted = times.toSorted((a, b) => a - b);
  assert.deepEqual(
    noted,
    wanted.map((at) => [`${at}`, at]),
  );
});

test("years of sleeping and polling nothing take no real time", async () => {
  const nap = step("nap", { run: () => {} });
  const long = workflow("long", { flow: (_input: Lifted<null>) => after(sleep("9000 days"), () => nap()) });
  await using env = await openTest({ workflows: [long] });
  const run = await env.tenfold.start(long, null);
  const from = performance.now();
  await env.finish(run, { within: "10000 days" });
  assert.ok(performance.now() - from < 2000, "25 years in under two seconds");
  assert.deepEqual(env.journal(run).at(-1), { after: "9000d", kind: "done", node: "nap", attempt: 1 });
});

test("attempts are made again when their backoff is over", async () => {
  await using env = await openTest({ workflows: [trial] });
  env.stub(enrich, () => Promise.reject(new Error("503")));
  const run = await env.tenfold.start(trial, HOT);
  const attempts = () => env.calls(enrich).map(({ after: at }) => at);
  await env.settle();
  assert.deepEqual(attempts(), ["0s"]);
  await env.advance("1s");
  assert.deepEqual(attempts(), ["0s", "1s"]);
  await env.advance("2s");
  assert.deepEqual(attempts(), ["0s", "1s", "3s"]);
  assert.equal(await run.status(), "failed");
});

test("turns that nobody awaits follow one another", async () => {
  await using env = await openTest({ workflows: [trial], now: 0 });
  const run = await env.tenfold.start(trial, COLD);
  const turns = [env.advance("1 day"), env.advance("1 day"), env.settle(), env.advance("1 day")];
  assert.equal(await run.result(), "reminded sam@example.com");
  await Promise.all(turns);
  assert.equal(env.now, 3 * DAY);
});

test("finish moves time to the end of the run, answers its output, and throws what result throws", async () => {
  await using env = await openTest({ workflows: [trial], now: 0 });
  const cold = await env.tenfold.start(trial, COLD);
  assert.equal(await env.finish(cold), "reminded sam@example.com");
  assert.equal(env.now, 3 * DAY);
  assert.equal(await env.finish(cold.id), "reminded sam@example.com");
  env.stub(remind, () => Promise.reject(new Error("no post")));
  const failed = await env.tenfold.start(trial, COLD);
  await refuses(() => env.finish(failed), "RUN_FAILED", "match-tier/cold/remind", "no post");
  const cancelled = await env.tenfold.start(trial, COLD);
  await env.tenfold.cancel(cancelled.id, { reason: "not wanted" });
  await refuses(() => env.finish(cancelled), "RUN_CANCELLED", "not wanted");
  await refuses(() => env.finish("nothing"), "RUN_UNKNOWN");
});

test("finish gives up at its bound without moving time there, and says what the run waits for", async () => {
  await using env = await openTest({ workflows: [trial], now: 0 });
  const run = await env.tenfold.start(trial, COLD);
  const sleeps = "match-tier/cold/sleep-3-days sleeps for 3d more";
  await refuses(() => env.finish(run, { within: "2 days" }), "RUN_UNFINISHED", run.id, "within 2d", sleeps);
  assert.equal(env.now, 0);
  env.stub(remind, () => Promise.reject(new Error("busy")));
  await env.advance("3 days");
  await refuses(
    () => env.finish(run, { within: 0 }),
    "RUN_UNFINISHED",
    "match-tier/cold/remind is to be tried again in ",
  );
  env.stub(remind, takes("2h", remind.run));
  await env.advance("1s");
  await refuses(
    () => env.finish(run, { within: "1h" }),
    "RUN_UNFINISHED",
    "remind is open, and its body has not answered",
  );
  assert.equal(await env.finish(run), "reminded sam@example.com");
});

test("whoever waits for a result while time stands still is told what the run waits for", async () => {
  await using env = await openTest({ workflows: [trial], patience: "50ms" });
  const run = await env.tenfold.start(trial, COLD);
  await refuses(() => run.result(), "RUN_UNFINISHED", "time stands still", "sleeps for 3d more", "test.advance");
  await refuses(() => run.outcome(), "RUN_UNFINISHED");
  const result = run.result();
  await env.advance("3 days");
  assert.equal(await result, "reminded sam@example.com");
});

test("a result that is waited for is not refused while the test goes on, however long that takes", async () => {
  await using env = await openTest({ workflows: [trial], patience: "1s" });
  const run = await env.tenfold.start(trial, COLD);
  const result = run.result();
  for (let day = 0; day < 3; day++) {
    await realMs(450);
    await env.advance("1 day");
  }
  assert.equal(await result, "reminded sam@example.com");
});

test("what is due at the moment at which a run has ended happens too", async () => {
  const more = step("more", { run: (n: number) => n + 1 });
  const short = workflow("short", { flow: (_n: Lifted<number>) => sleep("1h") });
  const longer = workflow("longer", {
    flow: (n: Lifted<number>) => after(sleep("1h"), () => more.as("third")(more.as("second")(more.as("first")(n)))),
  });
  await using env = await openTest({ workflows: [short, longer], now: 0 });
  const runs = [await env.tenfold.start(short, 0), await env.tenfold.start(longer, 0)] as const;
  await env.finish(runs[0]);
  assert.equal(await runs[1].result(), 3);
  assert.equal(env.now, 3_600_000);
});

test("time goes to a moment, and never back", async () => {
  await using env = await openTest({ workflows: [trial], now: "2026-03-01T09:00:00Z" });
  const run = await env.tenfold.start(trial, COLD);
  await env.advanceTo("2026-03-04T10:00:00+01:00");
  assert.equal(await run.status(), "completed");
  await refuses(() => env.advanceTo("2026-03-01T09:00:00Z"), "TIME_INVALID", "2026-03-04T09:00:00.000Z already");
  await refuses(() => env.advance("soon"), "DURATION_INVALID", "advance");
});

test("runs of a list, many at once, come to the same end at the same time", async () => {
  const price = step("price", { run: async (n: number) => n * 2 });
  const spread = workflow("spread", {
    flow: (list: Lifted<readonly number[]>) =>
      each(list, (n) => after(sleep("1h"), () => price(n)), { concurrency: 10 }),
  });
  await using env = await openTest({ workflows: [spread], now: 0 });
  const list = Array.from({ length: 95 }, (_, n) => n);
  const runs = await Promise.all(Array.from({ length: 20 }, () => env.tenfold.start(spread, list)));
  const results = await Promise.all(runs.map((run) => env.finish(run)));
  for (const result of results)
    assert.deepEqual(
      result,
      list.map((n) => n * 2),
    );
  assert.equal(env.now, 10 * 3_600_000);
});

test("a test that replaces timers, the date and the stopwatch does not stop the environment", async () => {
  mock.timers.enable({ apis: ["setTimeout", "setImmediate", "setInterval", "Date"] });
  mock.method(performance, "now", () => 0);
  try {
    await using env = await openTest({ workflows: [trial], patience: "50ms" });
    const run = await env.tenfold.start(trial, COLD);
    await refuses(() => run.result(), "RUN_UNFINISHED");
    env.stub(remind, () => new Promise(() => {}));
    await refuses(() => env.finish(run), "BODY_UNSETTLED", "remind");
  } finally {
    mock.timers.reset();
    mock.reset();
  }
});

test("what openTest is given is checked", async () => {
  await refuses(() => openTest({ workflow: [trial] } as never), "OPTION_UNSUPPORTED", "`workflow`", "`workflows`");
  await refuses(() => openTest({ workflows: [enrich] as never }), "OPTION_UNSUPPORTED", "workflow(…)");
  await refuses(() => openTest({ workflows: [trial], now: "2026-03-01T09:00" }), "TIME_INVALID", "`now`");
  await refuses(() => openTest({ workflows: [trial], patience: "long" }), "DURATION_INVALID", "`patience`");
  await refuses(() => openTest({ workflows: [trial], strict: 1 as never }), "OPTION_UNSUPPORTED", "`strict`");
});

test("what time is moved with is checked, and time stands where it stood", async () => {
  await using env = await openTest({ workflows: [trial] });
  const run = await env.tenfold.start(trial, COLD);
  const before = env.now;
  await refuses(() => env.finish(run, { wihtin: "1d" } as never), "OPTION_UNSUPPORTED", "`wihtin`", "`within`");
  await refuses(() => env.finish(run, null as never), "OPTION_UNSUPPORTED", "null", "within");
  await refuses(() => env.crash({ downfor: "1d" } as never), "OPTION_UNSUPPORTED", "`downfor`", "`downFor`");
  await refuses(() => env.advance("-1 day"), "DURATION_INVALID", "`advance`");
  assert.equal(env.now, before);
});
