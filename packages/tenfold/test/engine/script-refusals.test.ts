/** What scripts may not do, and what is said of it: other calls than the recorded ones, a context that was left, too much. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { ScriptContext } from "../../src/flow/index.ts";
import { openTest, type TestEnvironment } from "../../src/testing/index.ts";
import { TenfoldError } from "../../src/value/error.ts";
import { MINUTE, rejects, stepOf, untyped, workflowOf, World } from "./world.ts";

const search = stepOf("search", (text: string) => `found ${text}`);
const weigh = stepOf("weigh", (text: string) => text.length);

type Run = (ctx: ScriptContext, input: any) => unknown;

function of(run: Run, options: object = {}) {
  const agent = untyped.script("agent", options, run);
  return workflowOf("scripted", (input) => agent(input));
}

/** What the recorded calls are made by: a search, a day's sleep, two searches at once, a wait. */
const recorded: Run = async (ctx) => {
  const first = await ctx.call(search, "a");
  await ctx.sleep("1 day");
  const both = await ctx.all([ctx.call(search, "b"), ctx.call(weigh, "c")]);
  return [first, both, await ctx.waitFor("go")];
};

const OTHERS: Record<string, readonly [Run, RegExp]> = {
  "another step": [
    async (ctx) => ctx.call(weigh, "a"),
    /search, its call 1 \(agent\[0\]\/search\), was expected, and weigh came/,
  ],
  "another input": [
    async (ctx) => ctx.call(search, "z"),
    /search, its call 1 .* was expected, and it came with another `input`/,
  ],
  "another sleep": [
    async (ctx) => {
      await ctx.call(search, "a");
      await ctx.sleep("2 days");
    },
    /sleep\("86400000ms"\), its call 2 \(agent\[1\]\/sleep\), was expected, and sleep\("172800000ms"\) came/,
  ],
  "a sleep where a call was": [async (ctx) => ctx.sleep("1 day"), /agent\[0\]\/search.*and sleep\("86400000ms"\) came/],
  "two calls the other way round": [
    async (ctx) => {
      await ctx.call(search, "a");
      await ctx.sleep("1 day");
      await ctx.all([ctx.call(weigh, "c"), ctx.call(search, "b")]);
    },
    /search, its call 3 \(agent\[2\]\/search\), was expected, and weigh came/,
  ],
  "a call that comes earlier": [
    async (ctx) => {
      await ctx.all([ctx.call(search, "a"), ctx.sleep("1 day")]);
    },
    /agent\[1\]\/sleep\), was expected, and it came after 0 of the results that are recorded, and not after 1/,
  ],
  "a call that is left out": [
    async (ctx) => {
      await ctx.call(search, "a");
      await ctx.sleep("1 day");
      await ctx.call(search, "b");
      await ctx.waitFor("go");
    },
    /weigh, its call 4 \(agent\[3\]\/weigh\), was expected, and waitFor\("go"\) came/,
  ],
  "an end that is early": [
    async (ctx) => {
      await ctx.call(search, "a");
      await ctx.sleep("1 day");
      return "done";
    },
    /agent\[2\]\/search\), was expected, and the function ended/,
  ],
  "a throw that is early": [
    async (ctx) => {
      await ctx.call(search, "a");
      throw new Error("new bug");
    },
    /agent\[1\]\/sleep\), was expected, and the function ended/,
  ],
  "no call at all": [() => new Promise(() => {}), /agent\[0\]\/search\), was expected, and no call came/],
  "a wait for another signal": [
    async (ctx) => {
      await ctx.call(search, "a");
      await ctx.sleep("1 day");
      await ctx.all([ctx.call(search, "b"), ctx.call(weigh, "c")]);
      await ctx.waitFor("stop");
    },
    /waitFor\("go"\), its call 5 .* and waitFor\("stop"\) came/,
  ],
};

for (const [what, [run, says]] of Object.entries(OTHERS)) {
  test(`code that makes other calls than those recorded holds the run, by name: ${what}`, async () => {
    const world = new World();
    const first = await world.open([of(recorded)]);
    const { id } = await world.happens(first.tenfold.start(of(recorded), null));
    await world.until("it waits", () => world.journal(id).filter((line) => line === "asked agent").length === 5, 2e8);
    first.clock.die();
    const journal = world.journal(id);
    const changed = await world.open([of(run)]);
    await world.happens(changed.tenfold.signal(id, "go", 1));
    const { error } = await world.untilStatus(id, "held");
    const { code, message, node } = JSON.parse(error!) as { code: string; message: string; node: string };
    assert.deepEqual([code, node], ["SCRIPT_CHANGED", "agent"]);
    assert.match(message, says);
    assert.deepEqual(world.journal(id), [...journal, "signalled"], "nothing of the new order is recorded");
    await world.happens(changed.tenfold.close());
    await world.open([of(recorded)]);
    const { output } = await world.untilStatus(id, "completed");
    assert.deepEqual(JSON.parse(output!), ["found a", ["found b", 1], 1]);
  });
}

test("a run that is held for other calls goes on with them if it is retried from its script", async () => {
  const world = new World();
  const first = await world.open([of(recorded)]);
  const { id } = await world.happens(first.tenfold.start(of(recorded), null));
  await world.until("it sleeps", () => world.journal(id).length === 3);
  first.clock.die();
  const changed = await world.open([of((ctx) => ctx.call(weigh, "abc"))]);
  const { error } = await world.untilStatus(id, "held", 2e8);
  assert.match(error!, /have the function begin anew with `tenfold retry <run> --from agent`/);
  await world.happens(changed.tenfold.retry(id, { from: "agent" }));
  const { output } = await world.untilStatus(id, "completed");
  assert.deepEqual(JSON.parse(output!), 3);
});

test("a script whose code is gone holds its run, which goes on when it is back", async () => {
  const world = new World();
  const first = await world.open([of(recorded)]);
  const { id } = await world.happens(first.tenfold.start(of(recorded), null));
  await world.passes(MINUTE);
  await world.happens(first.tenfold.close());
  const without = await world.open([workflowOf("scripted", (input) => search(input))]);
  await world.untilStatus(id, "running", 1000);
  await world.happens(without.tenfold.signal(id, "go", 1));
  assert.match((await world.untilStatus(id, "held")).error!, /STEP_UNKNOWN.*function of agent/);
  await world.happens(without.tenfold.close());
  await world.open([of(recorded)]);
  await world.untilStatus(id, "completed", 2e8);
});

async function failing(run: Run, options: object = {}, act: (t: TestEnvironment) => unknown = () => {}) {
  const flow = of(run, options);
  await using t = await openTest({ workflows: [flow] });
  const { id } = await t.tenfold.start(flow, null);
  await t.settle();
  await act(t);
  await t.advance("10 days");
  const { status, error } = await t.tenfold.show(id);
  assert.equal(status, "failed");
  return { ...error!, calls: t.calls(search).length };
}

test("a function that awaits what is not of its context fails, and says what to do", async () => {
  const request = Promise.withResolvers<string>();
  const { code, message, node, calls } = await failing(
    async (ctx) => ctx.call(search, await request.promise),
    {},
    () => request.resolve("a"),
  );
  assert.deepEqual([code, node, calls], ["SCRIPT_OUTSIDE", "agent", 0]);
  assert.match(message, /awaits something that is none of its calls; .*put requests, timers and files into a step/);
});

test("a call that follows from something else than its calls fails the script, also while others are open", async () => {
  const request = Promise.withResolvers<string>();
  let refused: unknown = null;
  const { code, message, calls } = await failing(
    async (ctx) => {
      const stray = request.promise
        .then((text) => ctx.call(search, text))
        .catch((thrown: unknown) => (refused = thrown));
      await ctx.sleep("4s");
      return await stray;
    },
    {},
    () => request.resolve("b"),
  );
  assert.deepEqual([code, calls], ["SCRIPT_OUTSIDE", 0]);
  assert.match(message, /search was called while it awaited other things than its calls/);
  assert.ok(refused instanceof TenfoldError && refused.code === "SCRIPT_OUTSIDE");
});

test("a function that ends because of something else fails", async () => {
  const request = Promise.withResolvers<string>();
  const late = async (ctx: ScriptContext) => {
    void ctx.sleep("4s").then(() => {});
    return await request.promise;
  };
  const { code, message } = await failing(late, {}, () => request.resolve("late"));
  assert.equal(code, "SCRIPT_OUTSIDE");
  assert.match(message, /it ended while it awaited other things than its calls/);
});

test("a context is refused once its script has ended, and in another script", async () => {
  const kept: ScriptContext[] = [];
  const said: unknown[] = [];
  const first = untyped.script("first", async (ctx: ScriptContext) => {
    kept.push(ctx);
    await ctx.call(search, "a");
  });
  const second = untyped.script("second", async (ctx: ScriptContext) => {
    await ctx.sleep("1s");
    try {
      await kept[0]!.call(search, "b");
    } catch (thrown) {
      said.push(thrown);
    }
  });
  const waits = untyped.script("waits", async (ctx: ScriptContext) => {
    kept.push(ctx);
    await ctx.sleep("4s");
  });
  const flow = workflowOf("w", () => ({ first: first(null), waits: waits(null), second: second(null) }));
  await using t = await openTest({ workflows: [flow] });
  const { id } = await t.tenfold.start(flow, null);
  await t.advance("2s");
  assert.ok(said[0] instanceof TenfoldError);
  assert.equal(said[0].code, "SCRIPT_OUTSIDE");
  assert.match(said[0].message, /context of first was left: it was used after its script had ended/);
  assert.throws(() => void kept[1]!.call(search, "c"), { code: "SCRIPT_OUTSIDE" });
  await t.advance("1 day");
  assert.equal((await t.tenfold.show(id)).error?.node, "waits");
  assert.equal(t.calls(search).length, 1);
});

test("a call that is never awaited fails the script at its end, by name", async () => {
  const { code, message } = await failing(async (ctx) => {
    await ctx.call(weigh, "x");
    void ctx.call(search, "forgotten");
    return "ok";
  });
  assert.equal(code, "SCRIPT_UNAWAITED");
  assert.match(message, /never awaited search, its call 2 \(agent\[1\]\/search\),/);
});

test("a step that is called by itself in a script names the way", async () => {
  const { code, message } = await failing(async () => search("a"));
  assert.equal(code, "VALUE_MISUSED");
  assert.match(message, /in a script, `await ctx.call\(search, input\)`/);
});

const BAD: Record<string, readonly [Run, string, RegExp]> = {
  "an input that is not JSON": [(ctx) => ctx.call(search, { at: new Date() } as never), "NOT_JSON", /at at: /],
  "an answer that is not JSON": [async () => ({ at: () => 1 }), "NOT_JSON", /agent answered what is not JSON at at/],
  "a call of what is no step": [(ctx) => ctx.call("search" as never), "SCRIPT_INVALID", /no step and no workflow/],
  "a signal of no name": [(ctx) => ctx.waitFor("Not A Name"), "SCRIPT_INVALID", /cannot be the name of/],
  "an unknown option": [(ctx) => ctx.waitFor("go", { within: "1d" } as never), "OPTION_UNSUPPORTED", /within/],
  "a duration that is none": [(ctx) => ctx.sleep("soon" as never), "DURATION_INVALID", /agent/],
  "a moment that is none": [(ctx) => ctx.sleepUntil("tomorrow"), "TIME_INVALID", /agent/],
  "a sleep of centuries": [(ctx) => ctx.sleep("40000 days"), "DURATION_INVALID", /hundred years/],
  "an input that is too large": [(ctx) => ctx.call(search, "x".repeat(2 ** 21)), "PAYLOAD_TOO_LARGE", /characters/],
  "an answer that is too large": [() => "x".repeat(2 ** 21), "PAYLOAD_TOO_LARGE", /characters/],
};

for (const [what, [run, code, says]] of Object.entries(BAD)) {
  test(`a script is refused ${what}`, async () => {
    const found = await failing(run);
    assert.equal(found.code, code);
    assert.match(found.message, says);
    assert.equal(found.calls, 0);
  });
}

test("a script makes as many calls as it may, and fails with the next, which it cannot catch", async () => {
  const endless = async (ctx: ScriptContext) => {
    for (;;) await ctx.call(search, "more").catch(() => {});
  };
  const { code, message, calls } = await failing(endless, { max: 5 });
  assert.deepEqual([code, calls], ["SCRIPT_EXHAUSTED", 5]);
  assert.match(message, /was to call search, and has made 5 calls/);
});

test("a script is refused where it is defined, with what and why", async () => {
  const run = async () => 1;
  const define = (...given: unknown[]) =>
    rejects(
      (async () => untyped.script(...given))(),
      given[1] !== null && typeof given[1] === "object" && "retries" in given[1]
        ? "OPTION_UNSUPPORTED"
        : "SCRIPT_INVALID",
    );
  await define("Not A Name", run);
  await define("agent", "no function");
  await define("agent", { max: 0 }, run);
  await define("agent", { max: 1.5 }, run);
  await define("agent", { max: 1e6 }, run);
  await define("agent", { signals: ["paid"] }, run);
  await define("agent", { signals: { paid: "text" } }, run);
  await define("agent", { signals: { "Not A Name": null } }, run);
  await define("agent", { retries: 3 }, run);
  await rejects((async () => untyped.script("agent", run)(1))(), "VALUE_MISUSED", "`openTest` of tenfold/testing");
});
