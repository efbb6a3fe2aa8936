/** Laws of retries: backoff, final errors, budgets, and waits that leave memory. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  Gate,
  MINUTE,
  NOW,
  rejects,
  startMany,
  stepOf,
  untyped,
  withVerbs,
  workflowOf,
  World,
  type OpenedEngine,
} from "./world.ts";

const failing = (options: object) => stepOf("s", () => Promise.reject(new Error("busy")), options);
const startsOf = ({ attempts }: OpenedEngine) => attempts.map(({ startedAt }) => startedAt - NOW);

test("a failed attempt is made again after its backoff, until the attempts are used up", async () => {
  const world = new World();
  const flow = workflowOf("w", (n) => failing({ retry: { attempts: 4, first: "1s", jitter: "none" } })(n));
  const opened = await world.open([flow]);
  const run = await world.happens(opened.tenfold.start(flow, 1));
  await rejects(world.happens(run.result()), "RUN_FAILED", "busy");
  assert.deepEqual(startsOf(opened), [0, 1000, 3000, 7000]);
  assert.deepEqual(
    opened.attempts.map(({ attempt }) => attempt),
    [1, 2, 3, 4],
  );
  assert.deepEqual(world.journal(run.id), ["failed s", "failed s", "failed s", "failed s"]);
});

test("with full jitter the wait is within [0, backoff], and not always the same", async () => {
  const world = new World();
  const flow = workflowOf("w", (n) => failing({ retry: { attempts: 2, first: "10s", backoff: "constant" } })(n));
  const opened = await world.open([flow]);
  await startMany(world, opened, flow, 50);
  await world.until("all have failed", () => world.records.every(({ status }) => status === "failed"));
  const again = opened.attempts.filter(({ attempt }) => attempt === 2).map(({ startedAt }) => startedAt - NOW);
  assert.equal(again.length, 50);
  for (const at of again) assert.ok(at >= 0 && at <= 10_000, `${at}`);
  assert.ok(new Set(again).size > 40);
  const mean = again.reduce((sum, at) => sum + at, 0) / 50;
  assert.ok(mean > 3000 && mean < 7000, `${mean}`);
});

const errorOf = (world: World, run: string) =>
  JSON.parse(world.record(run).error ?? "{}") as { code: string; message: string };

test("`unless` ends the attempts at once; one that throws itself ends nothing, and the message says both", async () => {
  const world = new World();
  const isFinal = (error: unknown) => {
    if ((error as Error).message === "odd") throw new Error("in unless");
    return (error as Error).message === "gone";
  };
  const step = stepOf("s", (text) => Promise.reject(new Error(text)), { retry: { attempts: 3, unless: isFinal } });
  const flow = workflowOf("w", (text) => step(text));
  const opened = await world.open([flow]);
  for (const [text, attempts] of [
    ["gone", 1],
    ["busy", 3],
    ["odd", 3],
  ] as const) {
    // prettier-ignore
    opened.attempts.length = 0;
    const run = await world.happens(opened.tenfold.start(flow, text));
    await rejects(world.happens(run.result()), "RUN_FAILED", text);
    assert.equal(opened.attempts.length, attempts);
    if (text !== "odd") assert.equal(errorOf(world, run.id).message, text);
    for (const { message } of opened.attempts) {
      if (text === "odd") assert.match(message ?? "", /^odd\. And `retry\.unless` threw .*: in unless\. .*not final/);
    }
  }
});

test("an `unless` that answers a promise is a mistake of the definition, told at the first attempt that fails", async () => {
  for (const unless of [() => Promise.resolve(false), () => Promise.reject(new Error("nobody waits for it"))]) {
    const world = new World();
    const step = failing({ retry: { attempts: 3, unless } });
    const flow = workflowOf("w", (n) => step(n));
    const opened = await world.open([flow]);
    const run = await world.happens(opened.tenfold.start(flow, 1));
    await rejects(world.happens(run.result()), "RUN_FAILED", "busy", "`retry.unless` answered a promise", "at once");
    assert.equal(errorOf(world, run.id).code, "STEP_INVALID");
    assert.equal(opened.attempts.length, 1);
  }
});

test("`unless` is asked about a timeout too, and once for each attempt", async () => {
  const world = new World();
  const asked: string[] = [];
  const unless = (error: unknown) => asked.push((error as Error).name) > 1;
  const step = stepOf("s", () => new Promise(() => {}), { timeout: "1s", retry: { attempts: 5, unless } });
  const flow = workflowOf("w", (n) => step(n));
  const opened = await world.open([flow]);
  const run = await world.happens(opened.tenfold.start(flow, 1));
  await rejects(world.happens(run.result()), "RUN_FAILED", "1000 ms");
  assert.deepEqual(asked, ["StepTimedOut", "StepTimedOut"]);
  assert.equal(errorOf(world, run.id).code, "STEP_TIMED_OUT");
});

test("a spent budget delays retries to one a second, and fails no run by itself", async () => {
  const world = new World();
  const step = stepOf("s", (_n, { attempt }) => (attempt === 1 ? Promise.reject(new Error("busy")) : null), {
    retry: { attempts: 2, first: "1s", jitter: "none", budget: "1%" },
  });
  const flow = workflowOf("w", (n) => step(n));
  const opened = await world.open([flow]);
  await startMany(world, opened, flow, 40);
  await world.until("all are completed", () => world.records.every(({ status }) => status === "completed"));
  const again = opened.attempts.filter(({ attempt }) => attempt === 2).map(({ startedAt }) => startedAt - NOW);
  assert.equal(again.filter((at) => at <= 1100).length, 11, "ten of the reserve, and the first probe");
  const rest = again.filter((at) => at > 1100).sort((a, b) => a - b);
  assert.equal(rest.length, 29);
  for (let index = 1; index < rest.length; index++) assert.ok(rest[index]! - rest[index - 1]! >= 950);
});

test("a use of a step may set its retry and timeout anew", async () => {
  const world = new World();
  const step = failing({ retry: { attempts: 5, first: "1s" } });
  const flow = workflowOf("w", (n) => step.with({ retry: { attempts: 1 } })(n));
  const opened = await world.open([flow]);
  const run = await world.happens(opened.tenfold.start(flow, 1));
  await rejects(world.happens(run.result()), "RUN_FAILED");
  assert.equal(opened.attempts.length, 1);
});

test("a retry whose wait is long leaves memory, and comes back when it is due", async () => {
  const world = new World();
  const step = stepOf("s", (_n, { attempt }) => (attempt < 3 ? Promise.reject(new Error("busy")) : attempt), {
    retry: { first: "10m", backoff: "constant", jitter: "none", max: "10m" },
  });
  const flow = workflowOf("w", (n) => step(n));
  const opened = await world.open([flow], { limits: { parkAfterMs: 5000 } });
  const run = await world.happens(opened.tenfold.start(flow, 1));
  await world.until("it left memory", () => opened.engine.held === 0);
  const { owner, wakeAt, status } = world.record(run.id);
  assert.deepEqual([owner, wakeAt, status], [null, NOW + 10 * MINUTE, "running"]);
  assert.equal(await world.happens(run.result()), 3);
  assert.deepEqual(
    startsOf(opened).map((at) => Math.round(at / 1000)),
    [0, 600, 1200],
  );
});

test("a short wait stays in memory, without a write more", async () => {
  const world = new World();
  let commits = 0;
  const counting = withVerbs(world.store, {
    commit: (...given) => {
      commits++;
      return world.store.commit(...given);
    },
  });
  const step = stepOf("s", (_n, { attempt }) => (attempt < 2 ? Promise.reject(new Error("busy")) : attempt), {
    retry: { first: "2s", jitter: "none" },
  });
  const flow = workflowOf("w", (n) => step(n));
  const { tenfold, engine } = await world.open([flow], { limits: { parkAfterMs: 5000 } }, counting);
  const run = await world.happens(tenfold.start(flow, 1));
  await world.passes(1000);
  assert.equal(engine.held, 1);
  await world.happens(run.result());
  assert.equal(commits, 2, "one for the failure, one for the result and the end");
});

test("while one node of a run works, its sibling's long wait keeps it in memory, and both go on", async () => {
  const world = new World();
  const wait = stepOf("waits", (_n, { attempt }) => (attempt < 2 ? Promise.reject(new Error("busy")) : "again"), {
    retry: { first: "1m", jitter: "none" },
  });
  const works = stepOf("works", async () => { await world.time.wait(30_000); return "worked"; }); // prettier-ignore
  const flow = workflowOf("w", (n) => [wait(n), works(n)]);
  const { tenfold, engine } = await world.open([flow], { limits: { parkAfterMs: 5000 } });
  const run = await world.happens(tenfold.start(flow, 1));
  await world.passes(20_000);
  assert.equal(engine.held, 1);
  await world.passes(15_000);
  assert.equal(engine.held, 0, "then it is parked");
  assert.deepEqual(await world.happens(run.result()), ["again", "worked"]);
});

test("a body starts only after what led to it is durable", async () => {
  const world = new World();
  const gate = new Gate();
  let isSlow = false;
  const slow = withVerbs(world.store, {
    commit: async (...given) => {
      if (isSlow) await gate.pass();
      return world.store.commit(...given);
    },
  });
  const called: string[] = [];
  const step = stepOf("s", (_n, { node }) => {
    called.push(node);
    isSlow = true;
    return null;
  });
  const flow = workflowOf("w", (n) => untyped.after(step(n), () => step.as("next")(n)));
  const { tenfold } = await world.open([flow], {}, slow);
  const run = await world.happens(tenfold.start(flow, 1));
  await world.passes(MINUTE);
  assert.deepEqual(called, ["s"]);
  gate.open();
  await world.happens(run.result());
  assert.deepEqual(called, ["s", "next"]);
});
