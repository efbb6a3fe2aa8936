/** Laws of what a body is given, and of what it can and cannot do to the run it works for. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { ProgressEvent } from "../../src/engine/events.ts";
import { RunCancelled, RunFailed } from "../../src/engine/results.ts";
import type { StepContext } from "../../src/flow/index.ts";
import { Gate, NOW, rejects, stepOf, workflowOf, World } from "./world.ts";

interface Seen {
  readonly key: string;
  readonly attempt: number;
  readonly now: number;
  readonly random: readonly number[];
  readonly uuid: string;
}

function seenBy(ctx: StepContext): Seen {
  const random = [ctx.random(), ctx.random()];
  return { key: ctx.key, attempt: ctx.attempt, now: ctx.now(), random, uuid: ctx.uuid() };
}

test("key, now, random and uuid are the same in every attempt of a node, after a death too, and differ between nodes", async () => {
  const world = new World();
  const seen: Seen[] = [];
  let isDeaf = true;
  const flaky = stepOf(
    "flaky",
    (_given, ctx) => {
      seen.push(seenBy(ctx));
      if (ctx.attempt < 3) throw new Error("busy");
      return isDeaf ? world.time.wait(1e9) : null;
    },
    { retry: { attempts: 5, first: "2s" } },
  );
  const { each } = await import("../../src/flow/index.ts");
  const flow = workflowOf("w", (list) => each(list, () => flaky(1)));
  const first = await world.open([flow]);
  const run = await world.happens(first.tenfold.start(flow, ["a", "b"]));
  await world.until("both are in their third attempt", () => seen.length === 6);
  first.clock.die();
  isDeaf = false;
  await world.open([flow]);
  await world.untilStatus(run.id, "completed");
  const byKey = Map.groupBy(seen, ({ key }) => key);
  assert.deepEqual([...byKey.keys()], [`${run.id}/each-input[0]/flaky`, `${run.id}/each-input[1]/flaky`]);
  for (const attempts of byKey.values()) {
    assert.deepEqual(
      attempts.map(({ attempt }) => attempt),
      [1, 2, 3, 3],
    );
    const same = attempts.map(({ attempt: _attempt, ...rest }) => rest);
    for (const other of same) assert.deepEqual(other, same[0]);
  }
  const [a, b] = [...byKey.values()].map(([first]) => first!);
  assert.notDeepEqual(a!.random, b!.random);
  assert.notEqual(a!.uuid, b!.uuid);
  assert.equal(a!.now, NOW);
});

test("what a body says that it spent is taken, also apart from its context, and fails nothing where it is no amount", async () => {
  const world = new World();
  const counted = stepOf("counted", (_given, { spent }) => {
    for (const amount of [3, Number.NaN, -1, undefined as never]) spent(amount);
    return "done";
  });
  const flow = workflowOf("w", (given) => counted(given));
  const { tenfold } = await world.open([flow]);
  const run = await world.happens(tenfold.start(flow, 1));
  assert.equal(await world.happens(run.result()), "done");
});

test("now is when the node became ready, not when the run or the attempt began", async () => {
  const world = new World();
  const slow = stepOf("slow", () => world.time.wait(5000));
  const late = stepOf("late", (_given, ctx) => ctx.now() - NOW);
  const flow = workflowOf("w", () => late({ after: slow(1) }));
  const { tenfold } = await world.open([flow]);
  const run = await world.happens(tenfold.start(flow, 1));
  assert.equal(await world.happens(run.result()), 5000);
});

test("a context may be taken apart", async () => {
  const world = new World();
  const apart = stepOf("apart", (_given, { now, random, uuid, progress, log, key, signal }) => {
    progress(1, 2);
    log.info("apart");
    return { now: now(), random: random(), uuid: uuid(), key, isStopped: signal.aborted };
  });
  const flow = workflowOf("w", (given) => apart(given));
  const { tenfold } = await world.open([flow]);
  const run = await world.happens(tenfold.start(flow, 1));
  const { now, isStopped } = await world.happens(run.result());
  assert.deepEqual([now, isStopped], [NOW, false]);
});

test("log lines carry the run, the node and the attempt; progress and attempts are told", async () => {
  const world = new World();
  const step = stepOf("s", (_given, ctx) => {
    ctx.log.warn("low stock", { left: 2 });
    ctx.progress(3, 10);
    ctx.progress(4);
    return null;
  });
  const flow = workflowOf("w", (given) => step(given));
  const { tenfold, log, attempts } = await world.open([flow]);
  const told: ProgressEvent[] = [];
  const stop = tenfold.on("progress", (event) => told.push(event));
  const run = await world.happens(tenfold.start(flow, 1, { key: "k", tenant: "north" }));
  await world.happens(run.result());
  const about = { workflow: "w", run: run.id, node: "s" };
  assert.deepEqual(log, [{ level: "warn", message: "low stock", facts: { ...about, attempt: 1, left: 2 } }]);
  assert.deepEqual(told, [
    { ...about, done: 3, total: 10 },
    { ...about, done: 4, total: null },
  ]);
  assert.deepEqual(attempts.map(({ step, node, attempt, outcome }) => [step, node, attempt, outcome]), [["s", "s", 1, "done"]]); // prettier-ignore
  stop();
  const next = await world.happens(tenfold.start(flow, 1));
  await world.happens(next.result());
  assert.equal(told.length, 2);
});

test("ctx.run names the run, its workflow, key and tenant", async () => {
  const world = new World();
  const flow = workflowOf("w", (given) => stepOf("s", (_given, ctx) => ({ ...ctx.run, node: ctx.node }))(given));
  const { tenfold } = await world.open([flow]);
  const run = await world.happens(tenfold.start(flow, 1, { key: "k", tenant: "north" }));
  const expected = { id: run.id, workflow: "w", key: "k", tenant: "north", node: "s" };
  assert.deepEqual(await world.happens(run.result()), expected);
});

test("a body that changes its input changes it for nobody else", async () => {
  const world = new World();
  const spoil = stepOf("spoil", (lead) => {
    lead.tags.push("spoilt");
    lead.name = "spoilt";
    return lead.tags.length;
  });
  const read = stepOf("read", (lead) => ({ ...lead.lead }));
  const flow = workflowOf("w", (lead) => ({ n: [spoil(lead), spoil.as("again")(lead)], lead, seen: read({ lead }) }));
  const { tenfold } = await world.open([flow]);
  const run = await world.happens(tenfold.start(flow, { name: "kim", tags: [] }));
  const lead = { name: "kim", tags: [] };
  assert.deepEqual(await world.happens(run.result()), { n: [1, 1], lead, seen: lead });
});

test("a body that changes what it answered, after it did, changes nothing that is recorded", async () => {
  const world = new World();
  const answered: { tags: string[] }[] = [];
  const answer = stepOf("answer", () => {
    const output = { tags: ["a"] };
    answered.push(output);
    return output;
  });
  const wait = stepOf("wait", async (given) => {
    for (const output of answered) output.tags.push("late");
    await world.time.wait(1000);
    return given;
  });
  const flow = workflowOf("w", (given) => {
    const out = answer(given);
    return [wait(out), wait.as("then")({ out, first: wait.as("first")(out) }), out];
  });
  const { tenfold } = await world.open([flow]);
  const run = await world.happens(tenfold.start(flow, 1));
  const output = { tags: ["a"] };
  assert.deepEqual(await world.happens(run.result()), [output, { out: output, first: output }, output]);
});

test("a promise that a body forgot in its answer fails the run, and ends no program when it is rejected", async () => {
  const world = new World();
  const flow = workflowOf("w", (given) =>
    stepOf("s", () => ({ rows: [Promise.reject(new Error("nobody waits"))] }))(given),
  );
  const { tenfold } = await world.open([flow]);
  const run = await world.happens(tenfold.start(flow, 1));
  await world.untilStatus(run.id, "failed");
  assert.match(world.record(run.id).error!, /NOT_JSON.*rows\[0\]/);
  await new Promise((resolve) => setImmediate(resolve));
});

test("a caller that changes its input after start changes nothing", async () => {
  const world = new World();
  const flow = workflowOf("w", (lead) => stepOf("s", (given) => given)(lead));
  const { tenfold } = await world.open([flow]);
  const lead = { tags: ["a"] };
  const started = tenfold.start(flow, lead);
  lead.tags.push("late");
  assert.deepEqual(await world.happens((await world.happens(started)).result()), { tags: ["a"] });
});

for (const end of ["timeout", "cancel", "shutdown"] as const) {
  test(`the signal aborts on ${end}, also where it is asked for afterwards`, async () => {
    const world = new World();
    const gate = new Gate();
    const reasons: string[] = [];
    const body = async (early: boolean, ctx: StepContext) => {
      if (early) ctx.signal.addEventListener("abort", () => reasons.push(`${(ctx.signal.reason as Error).message}`));
      await gate.pass();
      if (!early) reasons.push(`${ctx.signal.aborted}`);
      return null;
    };
    const options = { retry: { attempts: 1 }, ...(end === "timeout" ? { timeout: "5s" } : {}) };
    const step = stepOf("s", body, options);
    const flow = workflowOf("w", () => [step(true), step.as("later")(false)]);
    const { tenfold } = await world.open([flow], { drainMs: 2000 });
    const run = await world.happens(tenfold.start(flow, 1));
    await world.until("both bodies run", () => gate.entered === 2);
    if (end === "cancel") await world.happens(tenfold.cancel(run.id, { reason: "no longer wanted" }));
    if (end === "shutdown") assert.deepEqual(await world.happens(tenfold.close()), { stopped: 2 });
    else await world.untilStatus(run.id, end === "cancel" ? "cancelled" : "failed");
    gate.open();
    await world.passes(1000);
    const word = { timeout: /took longer than its timeout of 5000 ms/, cancel: /cancelled/, shutdown: /shutting down/ };
    assert.equal(reasons.length, 2);
    assert.match(reasons[0]!, word[end]);
    assert.equal(reasons[1], "true");
  });
}

test("result throws RunFailed with the node and its error, or RunCancelled with the reason; outcome throws neither", async () => {
  const world = new World();
  const gate = new Gate();
  const flow = workflowOf("w", (n) =>
    stepOf("s", (n) => (n === 1 ? Promise.reject(new TypeError("no stock")) : gate.pass()), { retry: { attempts: 1 } })(
      n,
    ),
  );
  const { tenfold } = await world.open([flow]);
  const failed = await world.happens(tenfold.start(flow, 1));
  const error = await rejects(world.happens(failed.result()), "RUN_FAILED", failed.id, "no stock");
  assert.ok(error instanceof RunFailed);
  const { name, stack, ...facts } = error.error;
  assert.deepEqual([name, facts], ["TypeError", { code: "STEP_FAILED", message: "no stock", node: "s", attempt: 1 }]);
  assert.match(stack ?? "", /bodies\.test/);
  const cancelled = await world.happens(tenfold.start(flow, 2));
  await world.happens(tenfold.cancel(cancelled.id, { reason: "no longer wanted" }));
  const thrown = await rejects(world.happens(cancelled.result()), "RUN_CANCELLED", "no longer wanted");
  assert.ok(thrown instanceof RunCancelled);
  const outcomes = await world.happens(Promise.all([failed.outcome(), cancelled.outcome()]));
  assert.deepEqual(
    outcomes.map(({ status }) => status),
    ["failed", "cancelled"],
  );
  assert.deepEqual(await world.happens(Promise.all([failed.status(), cancelled.status()])), ["failed", "cancelled"]);
});

test("who waits for a run that is not there is told so", async () => {
  const world = new World(2);
  const { tenfold } = await world.open([]);
  for (const id of ["nonsense", "1k742tq2000001yqfr2fr000", "1k742tq2000001yqfr2fr0zz"]) {
    await rejects(world.happens(tenfold.run(id).result()), "RUN_UNKNOWN", id);
    await rejects(world.happens(tenfold.run(id).status()), "RUN_UNKNOWN", id);
    await rejects(world.happens(tenfold.show(id)), "RUN_UNKNOWN", id);
    await rejects(world.happens(tenfold.cancel(id)), "RUN_UNKNOWN", id);
  }
});
