/** Scripts: recorded calls, replay after a crash at any moment, failures, what is given up, children, signals. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { step, workflow, type ScriptContext } from "../../src/flow/index.ts";
import { RunCancelled, RunFailed } from "../../src/engine/results.ts";
import { openTest, type TestEnvironment } from "../../src/testing/index.ts";
import { TenfoldError } from "../../src/value/error.ts";
import { untyped, workflowOf } from "./world.ts";

const search = step("search", { retry: { attempts: 1 }, run: (text: string) => `found ${text}` });
const weigh = step("weigh", { retry: { attempts: 1 }, run: (text: string) => text.length });

/** A workflow of one script; its function may be another after a restart. */
function scripted(body: { run: (ctx: ScriptContext, input: any) => unknown }, options: object = {}) {
  const agent = untyped.script("agent", options, (ctx: ScriptContext, input: unknown) => body.run(ctx, input));
  return workflowOf("scripted", (input) => agent(input));
}

function of(run: (ctx: ScriptContext, input: any) => unknown, options: object = {}) {
  return scripted({ run }, options);
}

async function failureOf(t: TestEnvironment, run: { result(): Promise<unknown>; id: string }): Promise<RunFailed> {
  await t.advance("10 days");
  const thrown = await run.result().then(
    () => assert.fail("it was to fail"),
    (error: unknown) => error,
  );
  assert.ok(thrown instanceof RunFailed, String(thrown));
  return thrown;
}

test("a script's calls are entries of its run, and their nodes stand below its own", async () => {
  const flow = of(async (ctx, text: string) => {
    const found = await ctx.call(search, text);
    await ctx.sleep("3 days");
    return { found, weight: await ctx.call(weigh, found), at: ctx.now() };
  });
  await using t = await openTest({ workflows: [flow] });
  const run = await t.tenfold.start(flow, "tea");
  const start = t.now;
  const output = await t.finish(run);
  assert.deepEqual(output, { found: "found tea", weight: 9, at: start + 3 * 86_400_000 });
  assert.equal(
    t.timeline(run),
    [
      "scripted: completed after 3d",
      `  0s  asked  agent            [0] search "tea"`,
      `  0s  done   agent[0]/search  "found tea"`,
      `  0s  asked  agent            [1] sleep("259200000ms")`,
      "  3d  done   agent[1]/sleep   null",
      `  3d  asked  agent            [2] weigh "found tea"`,
      "  3d  done   agent[2]/weigh   9",
      `  3d  done   agent            {"found":"found tea","weight":9,"at":1767484800000}`,
    ].join("\n"),
  );
});

/** Two branches at once, whose calls interleave as their bodies take their time. */
async function branches(ctx: ScriptContext, slow: number): Promise<unknown> {
  const branch = async (name: string, pause: number): Promise<string[]> => {
    const seen: string[] = [];
    for (let round = 0; round < 3; round++) {
      seen.push(await ctx.call(search, `${name}${round}`));
      await ctx.sleep(pause);
    }
    return seen;
  };
  const both = await Promise.all([branch("a", 1000), branch("b", slow)]);
  const [last, drawn] = await ctx.all([ctx.call(weigh, both.join()), ctx.random(), ctx.uuid()] as const);
  return { both, last, drawn };
}

for (const slow of [1000, 700, 2500]) {
  test(`branches at once are replayed in the order in which they went, whenever their worker dies (${slow})`, async () => {
    const flow = of(branches);
    const lived = async (crashes: readonly number[]) => {
      await using t = await openTest({ workflows: [flow], seed: "same" });
      const run = await t.tenfold.start(flow, slow, { key: "one" });
      for (const pause of crashes) {
        await t.advance(pause);
        await t.crash();
      }
      const output = await t.finish(run);
      return { output, calls: t.calls(search).map(({ input }) => input), text: t.timeline(run) };
    };
    const { output, calls, text } = await lived([]);
    assert.equal(calls.length, 6);
    for (const crashes of [[0], [1], [999, 1], [1000, 1000], [500, 300, 1200, 600], [2500, 2500], [1, 1]]) {
      const other = await lived(crashes);
      assert.deepEqual(other.output, output);
      assert.deepEqual(other.calls, calls, "no body is called again");
      assert.equal(other.text, text);
    }
  });
}

test("a body that had done its work when its worker died is called again, alone", async () => {
  const flow = of(async (ctx) => [
    await ctx.call(search, "a"),
    await ctx.call(weigh, "b"),
    await ctx.call(search, "c"),
  ]);
  await using t = await openTest({ workflows: [flow] });
  t.crashAfter(weigh);
  t.crashAfter(search, { node: "agent[2]/search" });
  const run = await t.tenfold.start(flow, null);
  assert.deepEqual(await t.finish(run), ["found a", 1, "found c"]);
  assert.deepEqual(
    t.calls(search).map(({ input }) => input),
    ["a", "c", "c"],
  );
  assert.equal(t.calls(weigh).length, 2);
});

test("a call that fails for good is thrown into the function, with its code and node, and may be caught", async () => {
  const flow = of(async (ctx) => {
    try {
      return await ctx.call(search, "a");
    } catch (thrown) {
      assert.ok(thrown instanceof TenfoldError);
      return {
        code: thrown.code,
        message: thrown.message,
        node: thrown.facts["node"],
        then: await ctx.call(weigh, "x"),
      };
    }
  });
  await using t = await openTest({ workflows: [flow] });
  t.stub(search, () => Promise.reject(new Error("no network")));
  const run = await t.tenfold.start(flow, null);
  const expected = { code: "STEP_FAILED", message: "no network", node: "agent[0]/search", then: 1 };
  assert.deepEqual(await t.finish(run), expected);
});

test("a failure that is not caught fails the run at the call; retried, the call is tried again and no other", async () => {
  const flow = of(async (ctx) => {
    const [a, b] = await ctx.all([ctx.call(search, "a"), ctx.call(weigh, "b")]);
    return [a, b, await ctx.call(search.as("again"), "c")];
  });
  await using t = await openTest({ workflows: [flow] });
  let isBroken = true;
  t.stub(search, (text) => (isBroken && text === "c" ? Promise.reject(new Error("broken")) : `found ${text}`));
  const run = await t.tenfold.start(flow, null);
  const failed = await failureOf(t, run);
  assert.equal(failed.error.node, "agent[2]/again");
  assert.match(failed.message, /broken/);
  isBroken = false;
  await t.tenfold.retry({ workflow: "scripted", failedAt: "agent/again" });
  assert.deepEqual(await t.finish(run), ["found a", 1, "found c"]);
  assert.equal(t.calls(weigh).length, 1);
  assert.deepEqual(
    t.calls(search).map(({ input, attempt }) => `${input} ${attempt}`),
    ["a 1", "c 1", "c 2"],
  );
});

test("what failed and was gone on from is not tried again when the run is retried", async () => {
  let isBroken = true;
  const flow = of(async (ctx) => {
    const first = await ctx.call(search, "a").catch(() => "none");
    await ctx.call(weigh, first);
    if (isBroken) throw new RangeError("a bug");
    return first;
  });
  await using t = await openTest({ workflows: [flow] });
  t.stub(search, () => Promise.reject(new Error("gone")));
  const run = await t.tenfold.start(flow, null);
  const failed = await failureOf(t, run);
  assert.deepEqual([failed.code, failed.error.node], ["RUN_FAILED", "agent"]);
  assert.equal((await t.tenfold.show(run.id)).error?.code, "SCRIPT_FAILED");
  isBroken = false;
  await t.tenfold.retry(run.id);
  assert.equal(await t.finish(run), "none");
  assert.deepEqual([t.calls(search).length, t.calls(weigh).length], [1, 1]);
});

test("calls that were open when the function threw are stopped, and made again when the run is retried", async () => {
  let stopped = 0;
  const flow = of((ctx) => Promise.all([ctx.call(search, "a"), ctx.call(weigh, "b"), ctx.sleep("1 day")]));
  await using t = await openTest({ workflows: [flow] });
  let isBroken = true;
  t.stub(weigh, () => (isBroken ? Promise.reject(new Error("broken")) : 7));
  t.stub(search, async (text, ctx) => {
    ctx.signal.addEventListener("abort", () => stopped++);
    await ctx.wait("1h");
    return `late ${text}`;
  });
  const run = await t.tenfold.start(flow, null);
  await t.advance("1m");
  assert.equal((await t.tenfold.show(run.id)).status, "failed");
  assert.equal(stopped, 1);
  isBroken = false;
  await t.tenfold.retry(run.id);
  await t.crash();
  assert.deepEqual(await t.finish(run), ["late a", 7, null]);
});

test("what a function has open when it ends is given up: a race has one winner", async () => {
  let stopped = 0;
  const flow = of(async (ctx) => {
    const late = ctx.sleep("1 minute").then(() => "too late");
    return { first: await Promise.race([ctx.call(search, "a"), late, ctx.waitFor("never")]) };
  });
  await using t = await openTest({ workflows: [flow] });
  t.stub(search, async (_text, ctx) => {
    ctx.signal.addEventListener("abort", () => stopped++);
    await ctx.wait("1h");
    return "";
  });
  const run = await t.tenfold.start(flow, null);
  await t.advance("1m");
  assert.deepEqual(await run.result(), { first: "too late" });
  assert.equal(stopped, 1);
});

test("a script that was cancelled goes on where it was when its run is retried", async () => {
  const flow = of(async (ctx) => [await ctx.call(search, "a"), await ctx.sleep("1 day"), await ctx.call(weigh, "b")]);
  await using t = await openTest({ workflows: [flow] });
  const run = await t.tenfold.start(flow, null);
  await t.advance("1h");
  await t.tenfold.cancel(run.id);
  await t.settle();
  await assert.rejects(run.result(), RunCancelled);
  await t.tenfold.retry(run.id);
  assert.deepEqual(await t.finish(run), ["found a", null, 1]);
  assert.equal(t.calls(search).length, 1);
});

test("a signal goes to the script that waits for it, early, by what it is for, or in vain", async () => {
  const flow = of(async (ctx) => {
    const early = await ctx.waitFor<number>("paid", { for: 7 });
    try {
      await ctx.waitFor("paid", { timeout: "2 days" });
    } catch (thrown) {
      return { early, code: (thrown as TenfoldError).code, after: await ctx.waitFor("paid", { for: "x" }) };
    }
    return null;
  });
  await using t = await openTest({ workflows: [flow] });
  const run = await t.tenfold.start(flow, null);
  await t.tenfold.signal(run.id, "paid", 5, { for: 7 });
  await t.tenfold.signal(run.id, "paid", { euro: 1 }, { for: "x" });
  await t.advance("1 day");
  assert.deepEqual(
    (await t.tenfold.why(run.id)).waits.map(({ kind, node }) => `${kind} ${node}`),
    ["signal agent[1]/wait-paid"],
  );
  await t.crash();
  assert.deepEqual(await t.finish(run), { early: 5, code: "SIGNAL_TIMED_OUT", after: { euro: 1 } });
});

const ANSWER = {
  "~standard": {
    version: 1 as const,
    vendor: "test",
    validate: (given: unknown) =>
      typeof given === "number" ? { value: given } : { issues: [{ message: "no number" }] },
  },
};

test("a script that says its signals has them checked, and takes no other", async () => {
  const flow = of((ctx) => ctx.waitFor("paid"), { signals: { paid: ANSWER } });
  await using t = await openTest({ workflows: [flow] });
  const run = await t.tenfold.start(flow, null);
  await assert.rejects(t.tenfold.signal(run.id, "paid", "x"), { code: "SIGNAL_INVALID" });
  await assert.rejects(t.tenfold.signal(run.id, "pain", 5), { code: "SIGNAL_UNKNOWN" });
  await t.tenfold.signal(run.id, "paid", 5);
  assert.equal(await t.finish(run), 5);
  const other = of((ctx) => ctx.waitFor("shipped"), { signals: { paid: null } });
  await using second = await openTest({ workflows: [other] });
  const refused = await second.tenfold.start(other, null);
  await failureOf(second, refused);
  assert.equal((await second.tenfold.show(refused.id)).error?.code, "SCRIPT_INVALID");
});

test("a script calls other workflows: their results and failures come back, and one that is given up is cancelled", async () => {
  const child = workflow("child", { flow: (n: any) => weigh(n) });
  const flow = of(async (ctx, text: string) => {
    const weight = await ctx.call(child as any, text);
    const failed = await ctx.call(child as any, "bad").catch((thrown: TenfoldError) => thrown.code);
    await Promise.race([ctx.sleep("1m"), ctx.call(child as any, "slow")]);
    return { weight, failed };
  });
  await using t = await openTest({ workflows: [flow, child as any] });
  t.stub(weigh, async (text, ctx) => {
    if (text === "bad") throw new Error("bad");
    if (text === "slow") await ctx.wait("1h");
    return text.length;
  });
  const run = await t.tenfold.start(flow, "four");
  await t.advance("1s");
  await t.crash();
  assert.deepEqual(await t.finish(run), { weight: 4, failed: "CHILD_FAILED" });
  await t.settle();
  const statuses: string[] = [];
  for await (const { workflow: name, status } of t.tenfold.runs({})) statuses.push(`${name} ${status}`);
  assert.deepEqual(statuses.sort(), ["child cancelled", "child completed", "child failed", "scripted completed"]);
});

test("a script's log says each thing once, and its clock, chance and ids are the same after a restart", async () => {
  const flow = of(async (ctx) => {
    const seen = [ctx.now(), ctx.random(), ctx.uuid()];
    ctx.log.info("begins");
    await ctx.sleep("1 day");
    ctx.log.info("goes on", { seen });
    await ctx.waitFor("go");
    return [...seen, ctx.now(), ctx.random()];
  });
  const lines: string[] = [];
  const log = { write: (_level: string, message: string) => void lines.push(message) };
  const lived = async (crashes: number): Promise<unknown> => {
    await using t = await openTest({ workflows: [flow], seed: "same", log });
    const run = await t.tenfold.start(flow, null);
    for (let left = crashes; left > 0; left--) {
      await t.advance("13h");
      await t.crash();
    }
    await t.advanceTo("2026-01-05T00:00:00Z");
    await t.tenfold.signal(run.id, "go");
    return await t.finish(run);
  };
  assert.deepEqual(await lived(2), await lived(0));
  assert.deepEqual(
    lines.filter((line) => line === "begins" || line === "goes on"),
    [...["begins", "goes on"], ...["begins", "goes on"]],
  );
});
