/** Scripts of runs that failed and are retried: what is tried again, what stays as it was, and that this is said. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { step, type ScriptContext } from "../../src/flow/index.ts";
import { openTest, type StubContext, type TestEnvironment } from "../../src/testing/index.ts";
import { programOf, runProgram } from "../../src/testing/simulator/random-script.ts";
import { seededRandom } from "../../src/value/random.ts";
import { untyped, workflowOf } from "./world.ts";

const fetched = step("fetched", { retry: { attempts: 1 }, run: (text: string) => `fetched ${text}` });
const noted = step("noted", { retry: { attempts: 1 }, run: (text: string) => `noted ${text}` });

function of(run: (ctx: ScriptContext) => unknown) {
  return workflowOf("scripted", () => untyped.script("agent", run)(null));
}

/** A run of the script, once it has failed because `fetched` does, for inputs that begin with "bad". */
async function failed(t: TestEnvironment, flow: ReturnType<typeof of>) {
  let isBroken = true;
  t.stub(fetched, (text) => {
    if (isBroken && text.startsWith("bad")) throw new Error(`no ${text}`);
    return `fetched ${text}`;
  });
  const run = await t.tenfold.start(flow, null);
  await t.advance("1h");
  const shown = await t.tenfold.show(run.id);
  assert.equal(shown.status, "failed");
  return { run, error: shown.error!, mend: () => (isBroken = false) };
}

const inputsOf = (t: TestEnvironment, called: typeof fetched): string[] => t.calls(called).map(({ input }) => input);

/** A branch that goes on while another has failed. */
async function goesOn(ctx: ScriptContext): Promise<string> {
  await ctx.call(fetched, "good");
  await ctx.sleep("1m");
  return await ctx.call(noted, "good");
}

for (const dies of [false, true]) {
  test(`a branch that failed while another went on is tried again with the run, alone${dies ? ", also if its worker dies" : ""}`, async () => {
    const flow = of((ctx) => ctx.all([ctx.call(fetched, "bad"), goesOn(ctx), ctx.uuid()]));
    await using t = await openTest({ workflows: [flow] });
    const { run, error, mend } = await failed(t, flow);
    assert.deepEqual([error.node, error.message], ["agent[0]/fetched", "no bad"]);
    mend();
    if (dies) t.crashAfter(fetched, { node: "agent[0]/fetched" });
    await t.tenfold.retry(run.id);
    if (dies) await t.crash();
    const [bad, good] = (await t.finish(run)) as string[];
    assert.deepEqual([bad, good], ["fetched bad", "noted good"]);
    assert.equal(inputsOf(t, fetched).filter((text) => text === "good").length, 1);
    assert.equal(t.calls(noted).length, 1);
  });
}

test("all branches that failed are tried again at once, where nothing follows from any of them", async () => {
  const flow = of((ctx) =>
    ctx.all([ctx.call(fetched, "bad 1"), goesOn(ctx), ctx.call(fetched, "bad 2"), ctx.call(fetched, "bad 3")]),
  );
  await using t = await openTest({ workflows: [flow] });
  const { run, mend } = await failed(t, flow);
  mend();
  await t.tenfold.retry(run.id);
  assert.deepEqual(await t.finish(run), ["fetched bad 1", "noted good", "fetched bad 2", "fetched bad 3"]);
});

test("an error of the script's own is no hindrance, where nothing else follows from the failure behind it", async () => {
  const flow = of(async (ctx) => {
    const both = await Promise.allSettled([ctx.call(fetched, "bad"), goesOn(ctx)]);
    if (both[0].status === "rejected") throw new Error("the first branch failed");
    return both[0].value;
  });
  await using t = await openTest({ workflows: [flow] });
  const { run, error, mend } = await failed(t, flow);
  assert.deepEqual([error.code, error.message], ["SCRIPT_FAILED", "the first branch failed"]);
  mend();
  await t.tenfold.retry(run.id);
  assert.equal(await t.finish(run), "fetched bad");
});

test("of two failures the one that ended the script is tried again, where calls follow from the other", async () => {
  const flow = of(async (ctx) => {
    const caught = async () => {
      const text = await ctx.call(fetched, "bad 1").catch(() => "none");
      return await ctx.call(noted, text);
    };
    return await ctx.all([caught(), ctx.call(fetched, "bad 2"), goesOn(ctx)]);
  });
  await using t = await openTest({ workflows: [flow] });
  const { run, error, mend } = await failed(t, flow);
  assert.equal(error.message, "no bad 2");
  mend();
  await t.tenfold.retry(run.id);
  assert.deepEqual(await t.finish(run), ["noted none", "fetched bad 2", "noted good"]);
});

const FOLLOWING: Record<string, (ctx: ScriptContext) => unknown> = {
  "caught, told, and thrown on": async (ctx) => {
    try {
      return await ctx.call(fetched, "bad");
    } catch (thrown) {
      await ctx.call(noted, "it failed");
      throw thrown;
    }
  },
  "waited for with others, which something follows": async (ctx) => {
    const [first] = await Promise.allSettled([ctx.call(fetched, "bad"), goesOn(ctx)]);
    await ctx.call(noted, "both are over");
    if (first.status === "rejected") throw first.reason;
    return first.value;
  },
  "that stops another branch": async (ctx) => {
    const failures: unknown[] = [];
    const first = ctx.call(fetched, "bad").catch((thrown: unknown) => {
      failures.push(thrown);
      throw thrown;
    });
    const second = async () => {
      for (let round = 0; round < 3 && failures.length === 0; round++) await ctx.sleep("1m");
      await ctx.call(noted, "second");
    };
    return (await ctx.all([first, second()]))[0];
  },
};

for (const [what, run] of Object.entries(FOLLOWING)) {
  test(`a failure that calls follow from stays, and says so: one that is ${what}`, async () => {
    const flow = of(run);
    await using t = await openTest({ workflows: [flow] });
    const { run: live, error, mend } = await failed(t, flow);
    assert.match(error.message, /^no bad \(What agent called afterwards follows from this failure, .* --from agent` /);
    mend();
    await t.tenfold.retry(live.id);
    await t.advance("1h");
    const again = await t.tenfold.show(live.id);
    assert.deepEqual([again.status, again.error?.message], ["failed", error.message]);
    assert.equal(t.calls(fetched).filter(({ input }) => input === "bad").length, 1);
    await t.tenfold.retry(live.id, { from: "agent" });
    assert.equal(await t.finish(live), "fetched bad");
  });
}

test("a script that failed is cancelled, retried and loaded as any, whatever it is asked meanwhile", async () => {
  const flow = of((ctx) => ctx.all([ctx.call(fetched, "bad"), goesOn(ctx), ctx.sleep("30m")]));
  await using t = await openTest({ workflows: [flow] });
  const { run, mend } = await failed(t, flow);
  await t.tenfold.retry(run.id);
  await t.advance("1h");
  assert.equal((await t.tenfold.show(run.id)).status, "failed");
  mend();
  await t.tenfold.retry(run.id);
  await t.tenfold.cancel(run.id);
  await t.settle();
  await t.tenfold.retry(run.id);
  assert.deepEqual(await t.finish(run), ["fetched bad", "noted good", null]);
});

test("with new keys, a call that failed has another key when it is tried again, and no other call has", async () => {
  const keys: string[] = [];
  let isBroken = true;
  const flow = of(async (ctx) => [await ctx.call(fetched, "first"), await ctx.call(fetched, "second")]);
  await using t = await openTest({ workflows: [flow] });
  t.stub(fetched, (text, ctx) => {
    keys.push(`${text} ${ctx.key.slice(ctx.key.indexOf("/") + 1)}`);
    if (isBroken && text === "second") throw new Error("no");
    return text;
  });
  const run = await t.tenfold.start(flow, null);
  await t.settle();
  await t.tenfold.retry(run.id);
  await t.settle();
  isBroken = false;
  await t.tenfold.retry(run.id, { newKeys: true });
  assert.deepEqual(await t.finish(run), ["first", "second"]);
  const [second] = keys.slice(1);
  assert.deepEqual(keys.slice(0, 3), ["first agent[0]/fetched", second, second]);
  assert.notEqual(keys[3], second);
  assert.equal(keys.length, 4);
});

const STEPS = ["north", "east", "south", "west"].map((name) =>
  untyped.step(name, { retry: { attempts: 1 }, run: (seen: unknown) => seen }),
);

/** Programs in which failures are heard before other branches go on, or are told to somebody. */
const FAILING = Array.from({ length: 600 }, (_, index) => `random-${index}`).filter((name) =>
  /"(branches|told)"/.test(JSON.stringify(programOf(name))),
);

test("random scripts that failed and are retried make the calls that are recorded of them, do none twice, and end or say what stays", async () => {
  let [harmless, staying] = [0, 0];
  for (const name of FAILING) {
    const random = seededRandom(name);
    const flow = of((ctx) => runProgram(programOf(name), ctx, STEPS, { n: 2 }));
    await using t = await openTest({ workflows: [flow], seed: name });
    let isBroken = true;
    for (const one of STEPS) {
      t.stub(one, async (seen: unknown, ctx: StubContext) => {
        await ctx.wait(Math.floor(random() * 2000));
        if (isBroken && random() < 0.5) throw new Error("no");
        return seen;
      });
    }
    const run = await t.tenfold.start(flow, null);
    for (let signal = 0; signal < 20; signal++) await t.tenfold.signal(run.id, "paid", { n: 2 });
    const ends = async () => {
      await t.advance("1h");
      if (random() < 0.5) await t.crash();
      await t.advance("1h");
      return await t.tenfold.show(run.id);
    };
    let shown = await ends();
    isBroken = false;
    const stays = () => /follows from this failure/.test(shown.error?.message ?? "");
    for (let left = 10; shown.status === "failed" && !stays() && left > 0; left--) {
      await t.tenfold.retry(run.id);
      shown = await ends();
    }
    const told = shown.status === "failed" && stays();
    assert.ok(told || shown.status === "completed", `${name}: ${shown.status} ${JSON.stringify(shown.error)}`);
    if (told) staying++;
    const done = shown.entries.flatMap((entry) => (entry.kind === "done" ? [entry.node] : []));
    assert.equal(new Set(done).size, done.length, name);
    if (shown.entries.some((entry) => entry.kind === "failed" && entry.harmless !== undefined)) harmless++;
  }
  assert.ok(harmless > 5 && staying > 2, `${harmless} harmless, ${staying} that stay`);
});
