/** Stubs in a user's test: whose body is called, what it is given, what is noted of it, and what is refused. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { z } from "zod";
import { call as callOf, each, script, step, workflow, type Lifted } from "../../src/flow/index.ts";
import { answers, failsFirst, openTest, takes } from "../../src/testing/index.ts";
import { call, COLD, enrich, HOT, refuses, remind, trial } from "./trial.ts";

const lookUp = step("look-up", { run: (id: string) => `real ${id}` });
const orders = workflow("orders", {
  flow(order: Lifted<{ customer: string; items: readonly string[] }>) {
    const customer = lookUp.as("customer")(order.customer);
    const items = each.as("items")(order.items, (item) => lookUp.as("thing")(item));
    return { customer, items };
  },
});
const ORDER = { customer: "kim", items: ["a", "b"] };

test("a stub takes the place of a body, from the next call on, and the step's own body can be put back", async () => {
  await using env = await openTest({ workflows: [trial] });
  env.stub(enrich, async (lead) => ({ tier: lead.email === HOT.email ? "cold" : "hot" }));
  assert.equal(await env.finish(await env.tenfold.start(trial, HOT)), "reminded kim@example.com");
  env.stub(enrich, enrich.run);
  assert.equal(await env.finish(await env.tenfold.start(trial, HOT)), "called kim@example.com");
});

test("a node's stub goes before the step's, and an item's before that of its node", async () => {
  await using env = await openTest({ workflows: [orders] });
  env.stub(lookUp, (id) => `item 1 ${id}`, { node: "items[1]/thing" });
  env.stub(lookUp, (id) => `any item ${id}`, { node: "items/thing" });
  const run = () => env.tenfold.start(orders, ORDER).then((started) => started.result());
  assert.deepEqual(await run(), { customer: "real kim", items: ["any item a", "item 1 b"] });
  env.stub(lookUp, (id) => `stubbed ${id}`);
  assert.deepEqual(await run(), { customer: "stubbed kim", items: ["any item a", "item 1 b"] });
});

test("a stub is found by its step's name where the step itself is out of reach", async () => {
  await using env = await openTest({ workflows: [orders, trial] });
  env.stub("look-up", (id: string) => id.toUpperCase());
  const run = await env.tenfold.start(orders, ORDER);
  assert.deepEqual(await run.result(), { customer: "KIM", items: ["A", "B"] });
  assert.equal(env.calls("look-up").length, 3);
});

test("what was called is noted: of real bodies and stubs, by step and by node, with inputs, attempts, keys and times", async () => {
  await using env = await openTest({ workflows: [orders], now: 1000 });
  env.stub(lookUp, failsFirst(1, takes("2s", lookUp.run)), { node: "customer" });
  const run = await env.tenfold.start(orders, ORDER);
  await env.finish(run);
  const [first, second, ...rest] = env.calls(lookUp, { node: "customer" });
  assert.deepEqual(rest, []);
  const of = { workflow: "orders", run: run.id, node: "customer", key: `${run.id}/customer`, input: "kim" };
  assert.deepEqual(first, { ...of, attempt: 1, at: 1000, after: "0s" });
  assert.deepEqual(second, { ...of, attempt: 2, at: second!.at, after: second!.after });
  assert.ok(second!.at > 1000 && second!.at <= 2000, "after its backoff");
  assert.deepEqual(env.calls(lookUp, { node: "items/thing" }).map(({ node, input }) => [node, input]), [
    ["items[0]/thing", "a"],
    ["items[1]/thing", "b"],
  ]); // prettier-ignore
  assert.equal(env.calls(lookUp, { node: "items[1]/thing" }).length, 1);
  assert.equal(env.calls(lookUp).length, 4);
});

test("what a body does to its input changes nothing of what is noted", async () => {
  const change = step("change", {
    run(list: string[]) {
      list.push("more");
      return list.length;
    },
  });
  const changes = workflow("changes", { flow: (list: Lifted<string[]>) => change(list) });
  await using env = await openTest({ workflows: [changes] });
  assert.equal(await env.finish(await env.tenfold.start(changes, ["a"])), 2);
  assert.deepEqual(env.calls(change)[0]!.input, ["a"]);
});

test("a body that takes longer than its step's timeout is told to stop, and what it would have done is not done", async () => {
  await using env = await openTest({ workflows: [trial] });
  let worked = 0;
  const slow = takes("20s", async (lead: typeof HOT) => {
    worked++;
    return enrich.run(lead);
  });
  env.stub(enrich, slow);
  const run = await env.tenfold.start(trial, HOT);
  await refuses(() => env.finish(run), "RUN_FAILED", "timeout of 10000 ms");
  assert.equal(worked, 0);
  const times = env.journal(run).map(({ after, error }) => [after, error?.code]);
  assert.deepEqual(times, [
    ["10s", "STEP_TIMED_OUT"],
    ["21s", "STEP_TIMED_OUT"],
    ["33s", "STEP_TIMED_OUT"],
  ]);
  env.stub(enrich, takes("9999ms", enrich.run));
  assert.equal(await env.finish(await env.tenfold.start(trial, HOT)), "called kim@example.com");
});

test("a stub's body gets the context of a body: also where it hands it on to the step's own", async () => {
  const tell = step("tell", {
    retry: { attempts: 3 },
    run: (_input: null, ctx) => ({
      ...ctx.run,
      id: "",
      node: ctx.node,
      attempt: ctx.attempt,
      key: ctx.key,
      drawn: ctx.uuid(),
    }),
  });
  const tells = workflow("tells", { key: () => "k", flow: (input: Lifted<null>) => tell(input) });
  await using env = await openTest({ workflows: [tells] });
  const own = await env.finish(await env.tenfold.start(tells, null));
  env.stub(tell, failsFirst(2, tell.run));
  const stubbed = await env.finish(await env.tenfold.start(tells, null, { again: true }));
  const ignoring = { attempt: 0, key: "", drawn: "" };
  assert.deepEqual({ ...stubbed, ...ignoring }, { ...own, ...ignoring });
  assert.equal(stubbed.attempt, 3);
  assert.match(stubbed.key, /\/tell$/);
  assert.notEqual(stubbed.drawn, own.drawn);
});

test("answers are given one a call, errors among them are thrown, and a call too many is told to the test", async () => {
  await using env = await openTest({ workflows: [trial] });
  env.stub(enrich, answers({ tier: "cold" as const }, new Error("503"), { tier: "hot" as const }));
  assert.equal(await env.finish(await env.tenfold.start(trial, HOT)), "reminded kim@example.com");
  const second = await env.tenfold.start(trial, HOT);
  assert.equal(await env.finish(second), "called kim@example.com");
  assert.equal(env.journal(second)[0]!.error?.message, "503");
  await env.tenfold.start(trial, HOT);
  await refuses(() => env.settle(), "STUB_MISSING", "enrich", "call 4", "3 answers");
});

test("a stub's answer passes the step's schemas, as its own does", async () => {
  const date = step("date", {
    input: z.object({ day: z.coerce.number() }),
    output: z.date().transform((at) => at.toISOString()),
    run: ({ day }) => new Date(day),
  });
  const dates = workflow("dates", { flow: (input: Lifted<{ day: string }>) => date(input) });
  await using env = await openTest({ workflows: [dates] });
  env.stub(date, ({ day }) => new Date(day + 1));
  assert.equal(await env.finish(await env.tenfold.start(dates, { day: "7" })), "1970-01-01T00:00:00.008Z");
  env.stub(date, () => "today" as never);
  const run = await env.tenfold.start(dates, { day: "7" });
  await refuses(() => env.finish(run), "RUN_FAILED", "does not fit the step's schema");
});

test("a strict test is told of a step without a stub, and its body is not called", async () => {
  let isCalled = false;
  const pay = step("pay", { retry: { attempts: 1 }, run: () => void (isCalled = true) });
  const pays = workflow("pays", { flow: (_input: Lifted<null>) => pay() });
  await using env = await openTest({ workflows: [pays, trial], strict: true });
  const run = await env.tenfold.start(pays, null);
  await refuses(() => env.settle(), "STUB_MISSING", `"pay"`, "was not called", "pay.run");
  assert.equal(isCalled, false);
  assert.equal(await run.status(), "failed");
  await env.settle();
  env.stub(pay, pay.run);
  await env.finish(await env.tenfold.start(pays, null));
  assert.equal(isCalled, true);
});

test("a stub that no call could ever get is refused, with the nearest name", async () => {
  await using env = await openTest({ workflows: [trial, orders] });
  const other = step("enrich", { run: () => ({ tier: "hot" as const }) });
  const enrol = step("enrcih", { run: () => 1 });
  const far = step("something-else-altogether", { run: () => 1 });
  await refuses(() => env.stub(enrol, () => 2), "STUB_INVALID", `"enrcih"`, "`enrich`");
  await refuses(() => env.stub(far, () => 2), "STUB_INVALID", "They use enrich, call, remind, look-up");
  await refuses(() => env.stub(other, () => ({ tier: "hot" })), "STUB_INVALID", "another step", `"enrich"`);
  await refuses(() => env.stub("remid", () => 2), "STUB_INVALID", "`remind`");
  await refuses(() => env.stub(lookUp, () => "", { node: "custmer" }), "STUB_INVALID", "custmer", "`customer`");
  await refuses(() => env.stub(call, () => "", { node: "remind" }), "STUB_INVALID", "match-tier/hot/call");
  await refuses(() => env.stub(call, "called" as never), "STUB_INVALID", `"called"`, "Give a function");
  await refuses(() => env.stub(undefined as never, () => ""), "STUB_INVALID", "undefined is no step");
  await refuses(() => env.calls(enrol), "STUB_INVALID", "`enrich`");
  await refuses(() => env.crashAfter(enrol), "STUB_INVALID", "`enrich`");
  await refuses(() => failsFirst(0.5, () => 1), "STUB_INVALID", "0.5");
  await refuses(() => takes("a while", () => 1), "DURATION_INVALID");
  const mistyped = { nod: "remind" } as never;
  for (const act of [
    () => env.stub(remind, () => "", mistyped),
    () => env.calls(remind, mistyped),
    () => env.undos(remind, mistyped),
    () => env.crashAfter(remind, mistyped),
  ]) {
    await refuses(act, "OPTION_UNSUPPORTED", "`nod`", "`node`");
  }
  assert.equal(await env.finish(await env.tenfold.start(trial, COLD)), "reminded sam@example.com");
  assert.equal(env.calls(remind).length, 1);
});

test("the steps of a workflow that is called are stubbed too, whether the workflow is given to the test or comes along", async () => {
  const parent = workflow("parent", {
    flow: (order: Lifted<{ customer: string; items: string[] }>) => callOf(orders, order),
  });
  for (const workflows of [[parent], [parent, orders]]) {
    await using env = await openTest({ workflows });
    env.stub(lookUp, (id) => `stubbed ${id}`);
    const run = await env.tenfold.start(parent, ORDER);
    assert.deepEqual(await env.finish(run), { customer: "stubbed kim", items: ["stubbed a", "stubbed b"] });
    assert.deepEqual(env.path(run), ["call-orders"]);
  }
});

test("an undo can be stubbed, its calls are told apart, and what a stub did the step's own undo does not touch", async () => {
  const touched: string[] = [];
  const pay = step("pay", {
    run: (euros: number) => `real ${euros}`,
    undo: (_euros, payment) => void touched.push(`real undo of ${payment}`),
  });
  const fail = step("fail", { retry: { attempts: 1 }, run: (_given: string): string => { throw new Error("no"); } }); // prettier-ignore
  const shop = workflow("shop", { flow: (euros: Lifted<number>) => fail(pay(euros)) });
  await using env = await openTest({ workflows: [shop] });
  const ends = async () => (await env.tenfold.start(shop, 5)).result().catch(() => {});
  await ends();
  assert.deepEqual(touched, ["real undo of real 5"]);
  env.stub(pay, () => "stubbed");
  await ends();
  assert.equal(touched.length, 1);
  env.stubUndo(pay, (euros, payment) => void touched.push(`undo ${euros} ${payment}`));
  await ends();
  assert.deepEqual(touched.slice(1), ["undo 5 stubbed"]);
  assert.equal(env.calls(pay).length, 3);
  assert.deepEqual(env.undos(pay).map(({ input, output }) => [input, output]), [[5, "real 5"], [5, "stubbed"], [5, "stubbed"]]); // prettier-ignore
});

const send = step("send", {
  queue: { batch: { max: 10, wait: "200ms" } },
  run: (words: string[]) => words.map((word) => (word === "" ? new Error("nothing to send") : `sent ${word}`)),
  retry: { attempts: 1 },
});
const sending = workflow("sending", { flow: (words: Lifted<readonly string[]>) => each(words, (word) => send(word)) });

test("of a step that takes a batch a stub is called for each input, and its own body for the rest together", async () => {
  await using env = await openTest({ workflows: [sending] });
  env.stub(send, (word) => `stubbed ${word.length}`, { node: "each-input[1]/send" });
  const words = await env.finish(await env.tenfold.start(sending, ["a", "bc", "d"]));
  assert.deepEqual(words, ["sent a", "stubbed 2", "sent d"]);
  assert.deepEqual(env.calls(send).map(({ input }) => input).toSorted(), ["a", "bc", "d"]); // prettier-ignore
  env.stub(send, () => {
    throw new Error("made to fail");
  }); // prettier-ignore
  await assert.rejects(env.finish(await env.tenfold.start(sending, ["a"])), /made to fail/);
});

test("a script cannot call a step that takes a batch", async () => {
  const agent = workflow("agent", {
    flow: (word: Lifted<string>) =>
      script("agent", (ctx, given: string) => ctx.call(send, given as never) as never)(word),
  });
  await using env = await openTest({ workflows: [agent] });
  await assert.rejects(env.finish(await env.tenfold.start(agent, "a")), /whose body takes a batch/);
});
