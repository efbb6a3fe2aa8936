/** Laws of steps that are called at most once: what may have happened is asked, whatever it was that left it open. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { NotDone } from "../../src/flow/index.ts";
import { openTest } from "../../src/testing/index.ts";
import type { Store } from "../../src/store/store.ts";
import { Gate, MINUTE, rejects, stepOf, untyped, withVerbs, workflowOf, World } from "./world.ts";
import { doubtful, orders, unsure } from "./doubtful.ts";

/** The world's store, in which the first commit that says that a body was begun waits until it is let go. */
function holdingBegun(world: World, verbs: Partial<Store> = {}) {
  let held: (() => void) | null = null;
  const store = withVerbs(world.store, {
    commit: async (...args) => {
      if (held === null && args[1].some(({ lines }) => lines.some(({ kind }) => kind === "begun"))) {
        await new Promise<void>((resolve) => (held = resolve));
      }
      return world.store.commit(...args);
    },
    ...verbs,
  });
  return { store, isHeld: () => held !== null, letGo: () => held!() };
}

test("that it is begun is durable before the body is called, and the result follows", async () => {
  const world = new World();
  const seen: string[][] = [];
  const flow = orders((order, { run }) => (seen.push(world.journal(run.id)), `charged ${order}`));
  const { tenfold } = await world.open([flow]);
  const run = await world.happens(tenfold.start(flow, "A-1"));
  assert.deepEqual(await world.happens(run.result()), { charged: "charged A-1" });
  assert.deepEqual(seen, [["begun charge"]]);
  assert.deepEqual(world.journal(run.id), ["begun charge", "done charge", "done derive-charge"]);
});

test("a throw asks a person, once, and the run waits without a slot; it goes on as they say", async () => {
  const { world, opened, run, resolve, called } = await doubtful(() => Promise.reject(new Error("the line went dead")));
  await world.passes(60 * MINUTE);
  assert.equal(called(), 1);
  const [view, ...others] = await unsure(world, opened);
  assert.equal(others.length, 0);
  const { token, node, attempt, idempotencyKey, key, error } = view!;
  assert.deepEqual([token, node, attempt, key], [`${run.id}:charge:1`, "charge", 1, "A-1"]);
  assert.deepEqual([idempotencyKey, error.message], [`${run.id}/charge`, "the line went dead"]);
  assert.deepEqual(await unsure(world, opened, { workflow: "others" }), []);
  const row = world.record(run.id);
  assert.deepEqual([row.status, row.owner], ["running", null], "it is parked");
  assert.deepEqual(await resolve({ happened: true, output: "ch_1", by: "kim", comment: "in the list" }), { run: run.id, node: "charge" }); // prettier-ignore
  assert.deepEqual(await world.happens(run.result()), { charged: "ch_1" });
  assert.equal(called(), 1);
  assert.deepEqual(await unsure(world, opened), []);
});

test("what has not happened is called again, under the same key", async () => {
  const { world, run, resolve, called } = await doubtful(() => Promise.reject(new Error("?")));
  await resolve({ happened: false, by: "kim" });
  assert.deepEqual(await world.happens(run.result()), { charged: `charged A-1 as ${run.id}/charge` });
  assert.equal(called(), 2);
});

test("a timeout, an output that cannot be kept, and one that is too large leave it open too", async () => {
  const late = await doubtful(() => new Promise(() => {}), { timeout: "5s", retry: { attempts: 5 } });
  assert.match((await unsure(late.world, late.opened))[0]!.error.message, /longer than its timeout/);
  const odd = await doubtful(() => new Map());
  assert.equal((await unsure(odd.world, odd.opened))[0]!.error.code, "NOT_JSON");
  const large = await doubtful(() => "x".repeat(2_000_000));
  assert.equal((await unsure(large.world, large.opened))[0]!.error.code, "PAYLOAD_TOO_LARGE");
});

test("a body that says that nothing has happened is tried again by its policy, and fails when that is spent", async () => {
  const world = new World();
  let calls = 0;
  const flow = orders(
    () => {
      throw new NotDone(`declined ${++calls}`);
    },
    { retry: { attempts: 3 } },
  );
  const { tenfold } = await world.open([flow]);
  const run = await world.happens(tenfold.start(flow, "A-1"));
  await rejects(world.happens(run.result()), "RUN_FAILED", "declined 3");
  const three = ["begun charge", "failed charge"];
  assert.deepEqual(world.journal(run.id), [...three, ...three, ...three]);
});

test("an input that does not fit fails before anything is begun", async () => {
  const world = new World();
  const input = { "~standard": { version: 1, vendor: "test", validate: () => ({ issues: [{ message: "never" }] }) } };
  const flow = orders(() => "charged", { input });
  const { tenfold } = await world.open([flow]);
  const run = await world.happens(tenfold.start(flow, "A-1"));
  await rejects(world.happens(run.result()), "RUN_FAILED", "never");
  assert.deepEqual(world.journal(run.id), ["failed charge"]);
});

test("a worker that dies while it is called leaves it open, and the next one asks; so does one that lost its lease", async () => {
  for (const dies of [true, false]) {
    const world = new World();
    const gate = new Gate();
    let calls = 0;
    const flow = orders(async () => (calls++, await gate.pass(), "late"));
    const first = await world.open([flow]);
    const run = await world.happens(first.tenfold.start(flow, "A-1"));
    await world.until("it is called", () => calls === 1);
    if (dies) first.clock.die();
    else first.clock.freeze();
    const second = await world.open([flow]);
    await world.until("it is asked", () => world.journal(run.id).includes("unsure charge"));
    if (!dies) first.clock.thaw();
    gate.open();
    await world.passes(5 * MINUTE);
    assert.deepEqual(world.journal(run.id), ["begun charge", "unsure charge"]);
    assert.equal((await unsure(world, second))[0]!.error.code, "ATTEMPT_CUT_OFF");
    await world.happens(second.tenfold.resolve(run.id, { happened: true, output: "ch_1", by: "kim" }));
    assert.deepEqual(await world.happens(second.tenfold.run(run.id).result()), { charged: "ch_1" });
    assert.equal(calls, 1);
  }
});

test("a worker that may not write that it was begun calls nobody", async () => {
  const world = new World();
  let calls = 0;
  const flow = orders((order) => (calls++, `charged ${order}`));
  let isStuck = true;
  const store = withVerbs(world.store, {
    commit: (...args) => (isStuck && args[1].some(({ lines }) => lines.some(({ kind }) => kind === "begun")) ? new Promise(() => {}) : world.store.commit(...args)), // prettier-ignore
  });
  const first = await world.open([flow], {}, store);
  const run = await world.happens(first.tenfold.start(flow, "A-1"));
  await world.passes(1000);
  first.clock.die();
  isStuck = false;
  assert.equal(calls, 0);
  await world.open([flow]);
  await world.untilStatus(run.id, "completed");
  assert.equal(calls, 1);
});

test("its slot is free again if it is cancelled before the body is called, and it is asked when the run goes on", async () => {
  const world = new World();
  let calls = 0;
  const flow = orders((order) => (calls++, `charged ${order}`));
  const other = workflowOf("other", (input) => stepOf("plain", (given: unknown) => given)(input));
  const { store, isHeld, letGo } = holdingBegun(world);
  const { tenfold } = await world.open([flow, other], { slots: 1 }, store);
  const run = await world.happens(tenfold.start(flow, "A-1"));
  await world.until("it waits to be begun", isHeld);
  await world.happens(tenfold.cancel(run.id));
  await world.passes(2000);
  letGo();
  await world.untilStatus(run.id, "cancelled");
  assert.equal(calls, 0);
  const beside = await world.happens(tenfold.start(other, 7));
  assert.equal(await world.happens(beside.result()), 7);
  await world.happens(tenfold.retry(run.id));
  await world.until("it is asked", () => world.journal(run.id).includes("unsure charge"));
  assert.equal(calls, 0, "that it was begun is written, and nobody but a person knows the rest");
});

test("a worker that drains calls what it has begun", async () => {
  const world = new World();
  let calls = 0;
  const flow = orders((order) => (calls++, `charged ${order}`));
  const { store, isHeld, letGo } = holdingBegun(world, { close: async () => {} });
  const { tenfold } = await world.open([flow], {}, store);
  const run = await world.happens(tenfold.start(flow, "A-1"));
  await world.until("it waits to be begun", isHeld);
  const closed = tenfold.close();
  await world.passes(100);
  letGo();
  await world.happens(closed);
  assert.equal(calls, 1);
  assert.deepEqual(world.journal(run.id).slice(0, 2), ["begun charge", "done charge"]);
});

test("a run that is moved to another graph while its body is called, or about to be, calls it once and asks nothing", async () => {
  for (const isBegun of [true, false]) {
    const world = new World();
    const gate = new Gate();
    let calls = 0;
    const charge = stepOf("charge", async () => (calls++, await gate.pass(), "ch_1"), { once: true });
    const ship = stepOf("ship", (given: unknown) => given);
    const of = (write: (go: unknown) => unknown) =>
      workflowOf("w", (n) => ({ charged: charge(n), go: write(untyped.waitFor("go")) }));
    const [before, next] = [of((go) => go), of((go) => ship(go))];
    const client = await world.open([before], { work: false });
    const { id } = await world.happens(client.tenfold.start(before, 1));
    let held: (() => void) | null = null;
    const store = withVerbs(world.store, {
      commit: async (...args) => {
        const begins = args[1].some(({ lines }) => lines.some(({ kind }) => kind === "begun"));
        if (!isBegun && held === null && begins) await new Promise<void>((resolve) => (held = resolve));
        return world.store.commit(...args);
      },
    });
    const { tenfold } = await world.open([next], {}, store);
    await world.until("it is called, or about to be", () => (isBegun ? calls === 1 : held !== null));
    const upgraded = tenfold.upgrade({ workflow: "w" });
    await world.passes(200);
    (held as (() => void) | null)?.();
    await world.happens(upgraded);
    assert.equal(world.record(id).graph, next.hash);
    await world.until("it is called", () => calls === 1);
    gate.open();
    await world.happens(tenfold.signal(id, "go", 7));
    await world.untilStatus(id, "completed");
    assert.equal(calls, 1);
    assert.ok(!world.journal(id).includes("unsure charge"));
  }
});

test("in a test a crash makes it unsure, and the test says what happened", async () => {
  const charge = stepOf("charge", (order: string) => `charged ${order}`, { once: true });
  const flow = workflowOf("orders", (order) => charge(order));
  await using env = await openTest({ workflows: [flow] });
  env.crashAfter("charge");
  const run = await env.tenfold.start(flow, "A-1");
  await env.advance("1 day");
  assert.equal(env.calls("charge").length, 1);
  assert.deepEqual(env.journal(run).map(({ kind }) => kind), ["begun", "unsure"]); // prettier-ignore
  await assert.rejects(env.finish(run), /charge may have happened/);
  await env.tenfold.resolve(run.id, { happened: false, by: "the test" });
  assert.equal(await env.finish(run), "charged A-1");
  assert.equal(env.calls("charge").length, 2);
  assert.match(env.timeline(run), /resolved\s+charge\s+not happened, says the test/);
});

test("a step that a script calls is called at most once too", async () => {
  const charge = stepOf("charge", (order: string) => `charged ${order}`, { once: true });
  const pay = async (ctx: any, order: string) => ctx.call(charge, order);
  const flow = workflowOf("orders", (order) => untyped.script("pay", pay)(order));
  await using env = await openTest({ workflows: [flow] });
  let isFirst = true;
  const dying = stepOf("charge", (order: string) => {
    if (isFirst) throw new Error("the line went dead");
    return `charged ${order}`;
  }, { once: true }); // prettier-ignore
  const run = await env.tenfold.start(flow, "A-1");
  assert.equal(await env.finish(run), "charged A-1");
  const again = workflowOf("again", (order) => untyped.script("pay", async (ctx: any, given: string) => ctx.call(dying, given))(order)); // prettier-ignore
  await using other = await openTest({ workflows: [again] });
  const asked = await other.tenfold.start(again, "A-2");
  await other.advance("1 day");
  const token = (await Array.fromAsync(other.tenfold.unsure()))[0]!.token;
  assert.equal(token, `${asked.id}:pay[0]/charge:1`);
  isFirst = false;
  await other.tenfold.resolve(token, { happened: true, output: "ch_1", by: "kim" });
  assert.equal(await other.finish(asked), "ch_1");
});
