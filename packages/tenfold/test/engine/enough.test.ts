/** An each that has enough, on the engine: what is stopped is told, wakes nobody later, and is there no more for people. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  after,
  approval,
  call,
  each,
  match,
  open,
  sleep,
  step,
  waitFor,
  workflow,
  type Lifted,
} from "../../src/index.ts";
import { openTest, takes } from "../../src/testing/index.ts";

const work = step("work", { retry: { attempts: 3, first: "1m", jitter: "none" }, run: (what: string) => what });
const last = step("last", { run: (what: unknown) => what });
const long = workflow("long", { flow: (what: Lifted<string>) => work(what) });

const race = workflow("race", {
  flow(_nothing: Lifted<null>) {
    const first = each(
      ["work", "sleep", "signal", "people", "child"],
      (what) =>
        match(what, {
          work: () => work(what),
          sleep: () => sleep("1h"),
          signal: () => waitFor("go", { timeout: "2h" }),
          people: () => approval({ ask: "Go?", by: "kim", timeout: "3h" }),
          child: () => call(long, what),
        }),
      { enough: 1, rest: "stop" },
    );
    const pause = after(first, () => sleep.as("pause")("1 day"));
    return after(pause, () => last(first));
  },
});

test("what waited in a race that is over wakes nobody, is decided by nobody, and its child is cancelled", async () => {
  await using env = await openTest({ workflows: [race] });
  env.stub(work, takes("10m", work.run), { node: "each-items[0]/match-item/work/work" });
  env.stub(work, takes("30 days", work.run), { node: "work" });
  const run = await env.tenfold.start(race, null);
  await env.advance("5m");
  assert.equal((await approvalsOf(env.tenfold)).length, 1);
  await env.advance("10m");
  assert.deepEqual(await approvalsOf(env.tenfold), []);
  for await (const child of env.tenfold.runs({ workflow: "long" })) assert.equal(child.status, "cancelled");
  await assert.rejects(env.tenfold.approve(`${run.id}:each-items[3]/match-item/people/approval`, { by: "kim" }));
  await env.crash(); // and what is loaded anew knows it too
  assert.deepEqual(await env.finish(run), ["work", null, null, null, null]);
  assert.deepEqual(
    env.calls(last).map(({ after }) => after),
    ["1d 10m"],
  );
  assert.ok(!env.path(run).some((node) => node.includes("timed-out")));
});

async function approvalsOf(tenfold: Awaited<ReturnType<typeof open>>): Promise<string[]> {
  const found: string[] = [];
  for await (const { node } of tenfold.approvals({ by: "kim" })) found.push(node);
  return found;
}

test("an attempt that has failed and is to be made again is not, once its item is not needed", async () => {
  const retried = workflow("retried", {
    flow: (names: Lifted<string[]>) => each(names, (name) => work(name), { enough: 1, rest: "stop" }),
  });
  await using env = await openTest({ workflows: [retried] });
  env.stub(work, (name, ctx) => {
    if (name === "bad") throw new Error("no");
    return ctx.wait("30s").then(() => name);
  });
  const run = await env.tenfold.start(retried, ["bad", "good"]);
  assert.deepEqual(await env.finish(run), [null, "good"]);
  await env.advance("1 day");
  assert.equal(env.calls(work).length, 2);
});

test("a body that is stopped is told why, and the run does not wait for one that does not listen", async () => {
  const told: unknown[] = [];
  const letGo = Promise.withResolvers<void>();
  const deaf = step("deaf", {
    async run(name: string, ctx) {
      ctx.signal.addEventListener("abort", () => told.push((ctx.signal.reason as Error).message));
      if (name === "slow") await letGo.promise;
      return name;
    },
  });
  const pair = workflow("pair", {
    flow: (names: Lifted<string[]>) => each(names, (name) => deaf(name), { enough: 1, rest: "stop" }),
  });
  const tenfold = await open({ store: ":memory:", workflows: [pair] });
  const run = await tenfold.start(pair, ["slow", "quick"]);
  assert.deepEqual(await run.result(), [null, "quick"]);
  assert.deepEqual(told, ["Its result is not needed any more."]);
  letGo.resolve();
  await tenfold.close();
});

test("a run that failed beside the rest, and is retried after a crash, has the rest go on", async () => {
  const flow = workflow("flow", {
    flow(names: Lifted<string[]>) {
      const some = each(names, (name) => after(sleep("1h"), () => work(name)), {
        enough: 1,
        rest: "finish",
        concurrency: 1,
      });
      return last(some);
    },
  });
  await using env = await openTest({ workflows: [flow] });
  env.stub(last, () => {
    throw new Error("no");
  });
  const run = await env.tenfold.start(flow, ["a", "b", "c"]);
  await assert.rejects(env.finish(run), { code: "RUN_FAILED" });
  await env.crash();
  env.stub(last, last.run);
  await env.tenfold.retry(run.id);
  assert.deepEqual(await env.finish(run), ["a", null, null]);
  assert.deepEqual(
    env.calls(work).map(({ input }) => input),
    ["a", "b", "c"],
  );
});
