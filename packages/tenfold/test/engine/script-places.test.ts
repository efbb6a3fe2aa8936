/** Scripts among other nodes: in items, beside what fails, and in parts that are given up. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";
import { open } from "../../src/engine/open.ts";
import { script, step, workflow } from "../../src/flow/index.ts";
import { openTest, takes } from "../../src/testing/index.ts";
import { untyped, workflowOf } from "./world.ts";

const search = step("search", { retry: { attempts: 1 }, run: (text: string) => `found ${text}` });
const weigh = step("weigh", { retry: { attempts: 1 }, run: (text: string) => text.length });

test("scripts in items of an each run side by side, each with its own calls", async () => {
  const agent = script("agent", async (ctx, text: string) => {
    await ctx.sleep("1h");
    return await ctx.call(search, text);
  });
  const flow = workflowOf("spread", (items) => untyped.each(items, (item: any) => agent(item), { onError: "collect" }));
  await using t = await openTest({ workflows: [flow] });
  t.stub(search, (text) => (text === "b" ? Promise.reject(new Error("b is bad")) : text));
  const run = await t.tenfold.start(flow, ["a", "b", "c"]);
  await t.advance("30m");
  await t.crash();
  const [a, b, c] = (await t.finish(run)) as { ok: boolean; error?: { node: string } }[];
  assert.deepEqual(
    [a, c],
    [
      { ok: true, value: "a" },
      { ok: true, value: "c" },
    ],
  );
  assert.equal(b!.error!.node, "each-input[1]/agent[1]/search");
});

test("a script whose run fails elsewhere stops, and goes on when that is retried", async () => {
  const agent = script("agent", async (ctx, text: string) => [
    await ctx.call(search, text),
    await ctx.call(weigh, text),
  ]);
  const other = step("other", { retry: { attempts: 1 }, run: () => 1 });
  const flow = workflowOf("two", (input) => ({ a: agent(input), b: other(input) }));
  await using t = await openTest({ workflows: [flow] });
  let isBroken = true;
  t.stub(
    other,
    takes("1m", () => (isBroken ? Promise.reject(new Error("no")) : 2)),
  );
  t.stub(
    search,
    takes("2m", () => "slow"),
  );
  const run = await t.tenfold.start(flow, "x");
  await t.advance("10m");
  assert.equal((await t.tenfold.show(run.id)).status, "failed");
  assert.equal(t.calls(weigh).length, 0);
  isBroken = false;
  await t.tenfold.retry(run.id);
  assert.deepEqual(await t.finish(run), { a: ["slow", 1], b: 2 });
  assert.equal(t.calls(search).length, 1);
});

test("what a script in a failed part of an attempt has open is given up with it", async () => {
  const agent = script("agent", async (ctx) => {
    await ctx.sleep("1h");
    return await ctx.call(search, "never");
  });
  const other = step("other", { retry: { attempts: 1 }, run: (): number => { throw new Error("no"); } }); // prettier-ignore
  const flow = workflowOf("caught", () =>
    untyped.attempt(
      () => [(agent as any)(null), other(null as never)],
      (error: any) => error.message,
    ),
  );
  await using t = await openTest({ workflows: [flow] });
  const run = await t.tenfold.start(flow, null);
  assert.equal(await t.finish(run), "no");
  await t.advance("2h");
  assert.equal(t.calls(search).length, 0);
});

test("in a test, time waits for the schemas of a step that a script calls", async () => {
  const slow = {
    "~standard": {
      version: 1 as const,
      vendor: "test",
      validate: async (given: unknown) => {
        await new Promise((resolve) => setTimeout(resolve, 20));
        return { value: `checked ${String(given)}` };
      },
    },
  };
  const checked = step("checked", { input: slow, run: (text: string) => text });
  const agent = script("agent", async (ctx) => [await ctx.call(checked, "a"), ctx.now()] as const);
  const flow = workflowOf("w", () => (agent as any)(null));
  await using t = await openTest({ workflows: [flow] });
  const run = await t.tenfold.start(flow, null);
  await t.advance("1 day");
  assert.deepEqual(await run.result(), ["checked a", Date.UTC(2026, 0, 1)]);
});

test("a script in a file goes on in the next process's memory, and does no step again", async (t) => {
  const folder = mkdtempSync(path.join(tmpdir(), "tenfold-script-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const calls: string[] = [];
  const noted = step("noted", { run: (text: string) => calls.push(text) });
  const agent = script("agent", async (ctx, text: string) => {
    const before = await ctx.all([ctx.call(noted, text), ctx.call(noted, `${text} too`)]);
    const said = await ctx.waitFor<string>("go");
    return [...before, said, await ctx.call(noted, said)];
  });
  const flow = workflow("filed", { flow: (input: any) => agent(input) });
  const store = path.join(folder, "scripts.db");
  const first = await open({ store, workflows: [flow] });
  const { id } = await first.start(flow as any, "tea");
  while ((await first.why(id)).waits.every(({ kind }) => kind !== "signal")) await new Promise(setImmediate);
  await first.close();
  const second = await open({ store, workflows: [flow] });
  await second.signal(id, "go", "milk");
  assert.deepEqual(await second.run(id).result(), [1, 2, "milk", 3]);
  assert.deepEqual(calls, ["tea", "tea too", "milk"]);
  await second.close();
});

test("a call that failed behind another node's failure, unheard by its script, is tried again with the run", async () => {
  const agent = script("agent", async (ctx) => [await ctx.call(search, "a")]);
  const other = step("other", { retry: { attempts: 1 }, run: () => 1 });
  const flow = workflowOf("two", () => ({ a: (agent as any)(null), b: other(null as never) }));
  await using t = await openTest({ workflows: [flow] });
  let isBroken = true;
  const broken = <T>(value: T): T => {
    if (isBroken) throw new Error("no");
    return value;
  };
  t.stub(
    other,
    takes("1m", () => broken(2)),
  );
  t.stub(
    search,
    takes("2m", () => broken("found")),
  );
  const run = await t.tenfold.start(flow, null);
  await t.advance("10m");
  assert.equal((await t.tenfold.show(run.id)).error?.node, "other");
  isBroken = false;
  await t.tenfold.retry(run.id);
  assert.deepEqual(await t.finish(run), { a: ["found"], b: 2 });
});
