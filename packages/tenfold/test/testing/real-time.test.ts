/** Bodies that take real time in a user's test: virtual time waits for them, and how long they take decides nothing. */
import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { z } from "zod";
import { after, sleep, step, workflow, type Lifted } from "../../src/flow/index.ts";
import { openTest, takes } from "../../src/testing/index.ts";
import { answerOf } from "../../src/testing/simulator/answer.ts";
import { randomWorkflow } from "../../src/testing/simulator/random-workflow.ts";
import type { Json } from "../../src/value/json.ts";
import { seededRandom } from "../../src/value/random.ts";
import { COLD, enrich, HOT, realMs, refuses, trial } from "./trial.ts";

test("a body may do real work: time stands still until it has answered", async () => {
  const server = createServer((_request, response) => void setTimeout(() => response.end("42"), 20));
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const ask = step("ask", { timeout: "1ms", run: async () => (await fetch(`http://127.0.0.1:${port}`)).text() });
  const asks = workflow("asks", { flow: (_input: Lifted<null>) => after(ask(), () => sleep("1ms")) });
  try {
    await using env = await openTest({ workflows: [asks], now: 0 });
    const run = await env.tenfold.start(asks, null);
    await env.settle();
    assert.deepEqual(env.journal(run), [{ after: "0s", kind: "done", node: "ask", attempt: 1, output: "42" }]);
    assert.equal(env.now, 0);
  } finally {
    server.closeAllConnections();
    server.close();
  }
});

test("which of two bodies answers first in real time does not show", async () => {
  const left = step("left", { run: async (ms: number) => realMs(ms) });
  const right = step("right", { run: async (ms: number) => realMs(ms) });
  const both = workflow("both", {
    flow: (given: Lifted<{ left: number; right: number }>) => {
      after([left(given.left), right(given.right)], () => sleep("1h"));
    },
  });
  await using env = await openTest({ workflows: [both] });
  for (const input of [{ left: 0, right: 30 }, { left: 30, right: 0 }]) {
    const run = await env.tenfold.start(both, input);
    await env.finish(run);
    assert.deepEqual(env.path(run), ["left", "right", "sleep-1h"]);
  } // prettier-ignore
});

test("a body that does not settle is named, with the way out, and time goes on once it has settled", async () => {
  await using env = await openTest({ workflows: [trial], patience: "30ms", now: 0 });
  const { promise: gate, resolve: open } = Promise.withResolvers<void>();
  env.stub(enrich, (lead) => gate.then(() => enrich.run(lead)));
  const run = await env.tenfold.start(trial, HOT);
  for (const moved of [() => env.settle(), () => env.advance("1h"), () => env.finish(run)]) {
    await refuses(moved, "BODY_UNSETTLED", "enrich (run", "of trial, attempt 1", "30 ms", "takes(", "patience");
  }
  assert.equal(env.now, 0);
  await refuses(() => run.result(), "RUN_UNFINISHED", "enrich is open, and its body has not answered");
  const result = run.result();
  open();
  assert.equal(await result, "called kim@example.com");
  assert.deepEqual(env.path(run), ["enrich", "match-tier: hot", "match-tier/hot/call"]);
});

test("patience is for real time at a stretch: a body that waits for virtual time begins anew after it", async () => {
  await using env = await openTest({ workflows: [trial], patience: "2s" });
  env.stub(enrich, async (lead, ctx) => {
    await realMs(1100);
    await ctx.wait("9s");
    await realMs(1100);
    return enrich.run(lead);
  });
  const run = await env.tenfold.start(trial, HOT);
  assert.equal(await env.finish(run), "called kim@example.com");
  assert.equal(env.journal(run)[0]!.after, "9s");
});

test("a body that waits for virtual time is waited for by nobody", async () => {
  await using env = await openTest({ workflows: [trial], patience: "20ms" });
  env.stub(enrich, takes("9s", enrich.run));
  const run = await env.tenfold.start(trial, HOT);
  await realMs(50);
  await env.advance("8s");
  await realMs(50);
  assert.equal(await env.finish(run), "called kim@example.com");
});

test("a body may start a run and wait until it is started", async () => {
  const begin = step("begin", { run: async () => (await env.tenfold.start(trial, COLD)).id });
  const begins = workflow("begins", { flow: (_input: Lifted<null>) => begin() });
  await using env = await openTest({ workflows: [begins, trial] });
  const run = await env.tenfold.start(begins, null);
  const started = await env.finish(run);
  assert.equal(await env.finish(started), "reminded sam@example.com");
});

test("a schema that takes real time is waited for like a body", async () => {
  const known = z.string().refine(async (id) => (await realMs(20), id !== "unknown"), "is not known");
  const look = step("look", { input: known, output: known, run: (id) => id });
  const looks = workflow("looks", { flow: (id: Lifted<string>) => after(look(id), () => sleep("1h")) });
  await using env = await openTest({ workflows: [looks], now: 0 });
  const [good, bad] = [await env.tenfold.start(looks, "a"), await env.tenfold.start(looks, "unknown")];
  await env.advance("10m");
  assert.deepEqual(env.journal(good), [{ after: "0s", kind: "done", node: "look", attempt: 1, output: "a" }]);
  assert.match(env.journal(bad)[0]!.error!.message, /is not known/);
});

test("the same test gives the same journals, whatever its bodies take in real time", async () => {
  for (let seed = 1; seed <= 25; seed++) {
    const plain = await journalsOf(seed, () => null);
    const chance = seededRandom(`real ${seed}`);
    const slow = await journalsOf(seed, () => Math.floor(chance() * 4));
    assert.deepEqual(slow, plain, `seed ${seed}`);
    assert.ok(plain.some(({ entries }) => entries.length > 0));
  }
});

/** Runs a random workflow whose bodies fail at random, and take so much real time (null: they answer at once). */
async function journalsOf(seed: number, realTime: () => number | null) {
  const random = seededRandom(seed);
  const wild = randomWorkflow({ name: "wild", random, nodesMax: 20, attempts: 3, timeoutMs: null });
  await using env = await openTest({ workflows: [wild], seed });
  for (const name of wild.steps.keys()) {
    env.stub(name, async (input: Json, ctx) => {
      const tookMs = realTime();
      if (tookMs !== null) await realMs(tookMs);
      if (ctx.random() < 0.2 * ctx.attempt) throw new Error("chance");
      return answerOf(name, input);
    });
  }
  const runs = [];
  for (let nth = 0; nth < 3; nth++) runs.push(await env.tenfold.start(wild, answerOf("input", nth)));
  for (const run of runs) await env.finish(run).catch(() => {});
  const calls = [...wild.steps.keys()].map((name) => env.calls(name));
  return runs.map((run) => ({ run: run.id, path: env.path(run), entries: env.journal(run), calls }));
}
