/** Laws of starting: durable before it resolves, one run per key, an answer per input, in order. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { RunHandle } from "../../src/engine/run-handle.ts";
import { MemoryStore } from "../../src/store/memory.ts";
import { TenfoldError } from "../../src/value/error.ts";
import { Gate, NOW, rejects, stepOf, withVerbs, workflowOf, World } from "./world.ts";

const double = stepOf("double", (n: number) => n * 2);
const doubled = workflowOf("doubled", (n) => double(n));
const lead = workflowOf("lead", (given) => double(given.n), {
  key: (given: any) => given.email,
  attributes: (given: any) => ({ customer: given.email, size: given.n, none: null }),
});

test("start resolves when the run is durable, and not before", async () => {
  const world = new World();
  const gate = new Gate();
  const slow = withVerbs(world.store, {
    start: async (...given) => {
      await gate.pass();
      return world.store.start(...given);
    },
  });
  const { tenfold } = await world.open([doubled], {}, slow);
  let isStarted = false;
  const started = tenfold.start(doubled, 4).then((run) => {
    isStarted = true;
    assert.ok(world.record(run.id));
    return run;
  });
  await world.until("the start is on its way", () => gate.entered === 1);
  await world.passes(10_000);
  assert.ok(!isStarted);
  assert.deepEqual(world.records, []);
  gate.open();
  const run = await world.happens(started);
  assert.equal(await world.happens(run.result()), 8);
});

test("the same key and input is one run, whatever its status, and `existing` says so", async () => {
  const world = new World();
  const { tenfold } = await world.open([lead]);
  const first = await world.happens(tenfold.start(lead, { email: "kim@a.org", n: 1 }));
  const meanwhile = await world.happens(tenfold.start(lead, { n: 1, email: "kim@a.org" }));
  await world.happens(first.result());
  const after = await world.happens(tenfold.start(lead, { email: "kim@a.org", n: 1 }));
  assert.deepEqual([first.existing, meanwhile.existing, after.existing], [false, true, true]);
  assert.deepEqual([meanwhile.id, after.id], [first.id, first.id]);
  assert.equal(world.records.length, 1);
  assert.equal(await world.happens(after.result()), 2);
});

test("starts of one key at the same moment are one run", async () => {
  const world = new World();
  const { tenfold } = await world.open([lead]);
  const starts = Array.from({ length: 20 }, () => tenfold.start(lead, { email: "kim@a.org", n: 1 }));
  const runs = await world.happens(Promise.all(starts));
  assert.equal(new Set(runs.map(({ id }) => id)).size, 1);
  assert.equal(runs.filter(({ existing }) => !existing).length, 1);
});

test("another input under a known key is refused, and nothing is written", async () => {
  const world = new World();
  const { tenfold } = await world.open([lead]);
  const run = await world.happens(tenfold.start(lead, { email: "kim@a.org", n: 1 }));
  await rejects(world.happens(tenfold.start(lead, { email: "kim@a.org", n: 2 })), "KEY_CONFLICT", run.id, "again");
  assert.equal(world.records.length, 1);
});

test("`again` starts the key's next run once the last is finished, with another input too; before, it answers that run", async () => {
  const world = new World();
  const gate = new Gate();
  const held = stepOf("held", async (given: any) => {
    await gate.pass();
    return given.n * 2;
  });
  const lead = workflowOf("lead", (given) => held(given), { key: (given: any) => given.email });
  const { tenfold } = await world.open([lead]);
  const first = await world.happens(tenfold.start(lead, { email: "kim@a.org", n: 1 }));
  const early = await world.happens(tenfold.start(lead, { email: "kim@a.org", n: 1 }, { again: true }));
  assert.equal(early.id, first.id);
  gate.open();
  await world.happens(first.result());
  const second = await world.happens(tenfold.start(lead, { email: "kim@a.org", n: 7 }, { again: true }));
  assert.notEqual(second.id, first.id);
  assert.equal(await world.happens(second.result()), 14);
  assert.deepEqual(world.records.map(({ generation }) => generation).sort(), [1, 2]);
});

test("a key belongs to its workflow and tenant: under another one it is another run", async () => {
  const world = new World(4);
  const { tenfold } = await world.open([lead, doubled]);
  const input = { email: "kim@a.org", n: 1 };
  const runs = await world.happens(
    Promise.all([
      tenfold.start(lead, input),
      tenfold.start(lead, input, { tenant: "north" }),
      tenfold.start(lead, input, { key: "other" }),
      tenfold.start(doubled, 3, { key: "kim@a.org" }),
    ]),
  );
  assert.equal(new Set(runs.map(({ id }) => id)).size, 4);
  await world.happens(Promise.all(runs.map((run: RunHandle) => run.result())));
});

test("startMany answers in order, and a refused input does not stop the rest", async () => {
  const world = new World(2);
  const { tenfold } = await world.open([lead]);
  await world.happens(tenfold.start(lead, { email: "old@a.org", n: 1 }));
  async function* inputs() {
    yield { email: "a@a.org", n: 1 };
    yield { email: "b@a.org", n: NaN };
    yield { email: "old@a.org", n: 1 };
    yield { email: "old@a.org", n: 5 };
    yield { email: "", n: 1 };
    yield { email: "a@a.org", n: 1 };
    yield null;
    yield { n: 1 };
    yield { email: "c@a.org", n: 3 };
  }
  const answers: string[] = [];
  const collected = (async () => {
    for await (const answer of tenfold.startMany(lead, inputs())) {
      answers.push(answer.kind === "refused" ? answer.error.code : answer.kind);
    }
  })();
  await world.happens(collected);
  assert.deepEqual(answers, [
    "started",
    "NOT_JSON",
    "existing",
    "KEY_CONFLICT",
    "KEY_INVALID",
    "existing",
    "INPUT_INVALID",
    "KEY_INVALID",
    "started",
  ]);
  assert.equal(world.records.length, 3);
});

test("startMany of 5,000 inputs answers each, and every run comes to its end", async () => {
  const world = new World();
  const { tenfold } = await world.open([doubled]);
  const ids: string[] = [];
  const all = (async () => {
    for await (const answer of tenfold.startMany(
      doubled,
      Array.from({ length: 5000 }, (_, n) => n),
    )) {
      assert.ok(answer.kind === "started");
      ids.push(answer.run.id);
    }
  })();
  await world.happens(all);
  assert.equal(new Set(ids).size, 5000);
  await world.until("all are completed", () => world.records.every(({ status }) => status === "completed"));
  assert.deepEqual(
    ids.map((id) => world.record(id).output),
    ids.map((_, n) => `${n * 2}`),
  );
});

test("a start that got no answer is sent again under the same id, so that it is one run", async () => {
  const world = new World();
  let sent = 0;
  const deaf = withVerbs(world.store, {
    start: async (...given) => {
      const answers = await world.store.start(...given);
      if (++sent <= 3) throw new TenfoldError("STORE_UNREACHABLE", "no answer");
      return answers;
    },
  });
  const { tenfold } = await world.open([doubled], {}, deaf);
  const run = await world.happens(tenfold.start(doubled, 4));
  assert.equal(await world.happens(run.result()), 8);
  assert.equal(world.records.length, 1);
});

test("startMany whose answer is lost starts each input once all the same", async () => {
  const world = new World();
  let sent = 0;
  const deaf = withVerbs(world.store, {
    start: async (...given) => {
      const answers = await world.store.start(...given);
      if (++sent === 1) throw new TenfoldError("STORE_UNREACHABLE", "no answer");
      return answers;
    },
  });
  const { tenfold } = await world.open([doubled], {}, deaf);
  const kinds: string[] = [];
  const all = (async () => {
    for await (const answer of tenfold.startMany(doubled, [1, 2, 3])) kinds.push(answer.kind);
  })();
  await world.happens(all);
  assert.deepEqual(kinds, ["started", "started", "started"]);
  await world.until("all are completed", () => world.records.every(({ status }) => status === "completed"));
  assert.equal(world.records.length, 3);
});

test("`at` is when a run begins, and not before", async () => {
  const world = new World();
  const { tenfold, attempts } = await world.open([doubled]);
  const startedAt = () => attempts.map(({ startedAt }) => startedAt - NOW);
  const run = await world.happens(tenfold.start(doubled, 4, { at: new Date(NOW + 90_000) }));
  await world.passes(89_000);
  assert.deepEqual(startedAt(), []);
  await world.happens(run.result());
  assert.equal(startedAt().length, 1);
  assert.ok(startedAt()[0]! >= 90_000 && startedAt()[0]! < 92_000);
});

test("a run that comes due while its start is on its way is driven once", async () => {
  const world = new World();
  const gate = new Gate();
  const slow = withVerbs(world.store, {
    start: async (...given) => {
      const answers = await world.store.start(...given);
      await gate.pass();
      return answers;
    },
  });
  const called: number[] = [];
  const step = stepOf("step", (n: number) => called.push(n));
  const flow = workflowOf("w", (n) => step(n));
  const { tenfold } = await world.open([flow], {}, slow);
  await world.passes(5000);
  const started = tenfold.start(flow, 4, { at: world.time.now + 100 });
  await world.until("the start is on its way", () => gate.entered === 1);
  await world.time.pass(world.time.now + 105);
  gate.open();
  const run = await world.happens(started);
  await world.happens(run.result());
  assert.deepEqual(called, [4]);
});

test("a client that executes nothing starts runs that a worker on the same store finishes", async () => {
  const world = new World();
  const client = await world.open([doubled], { work: false });
  const run = await world.happens(client.tenfold.start(doubled, 4));
  await world.passes(5000);
  assert.equal(world.record(run.id).status, "waiting");
  await world.open([doubled]);
  assert.equal(await world.happens(run.result()), 8);
  assert.deepEqual(client.attempts, []);
});

test("a closed handle refuses, and what waits for a run is told so", async () => {
  const store = new MemoryStore();
  const world = new World();
  const { tenfold } = await world.open([doubled], { work: false }, store);
  const run = await world.happens(tenfold.start(doubled, 4));
  const waiting = rejects(run.result(), "CLOSED", run.id);
  await world.happens(tenfold.close());
  await world.happens(waiting);
  await rejects(tenfold.start(doubled, 4), "CLOSED");
  await rejects(tenfold.cancel(run.id), "CLOSED");
  assert.deepEqual(await tenfold.close(), { stopped: 0 });
});
