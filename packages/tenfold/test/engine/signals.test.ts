/** Laws of signals: whoever sends one is told at once what is wrong with it; what was accepted reaches its run. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { z } from "zod";
import { MINUTE, rejects, stepOf, untyped, workflowOf, World } from "./world.ts";

const { after, each, sleep, waitFor } = untyped;
const HOUR = 60 * MINUTE;
const Payment = z.object({ euro: z.number(), at: z.string().default("today") });

const orders = () =>
  workflowOf("orders", () => waitFor("paid", { schema: Payment }), { key: ({ id }: { id: string }) => id });

test("a run that waits for a signal is in no worker's memory, and goes on when it comes, a day later", async () => {
  const world = new World();
  const flow = orders();
  const { tenfold, engine } = await world.open([flow]);
  const run = await world.happens(tenfold.start(flow, { id: "A-1" }));
  await world.passes(MINUTE);
  assert.equal(engine.held, 0);
  await world.passes(30 * HOUR);
  assert.equal((await world.happens(tenfold.show(run.id))).wakeAt, null);
  assert.deepEqual(await world.happens(tenfold.signal(run.id, "paid", { euro: 5 })), { run: run.id });
  assert.deepEqual(await world.happens(run.result()), { euro: 5, at: "today" });
  assert.deepEqual(world.journal(run.id), ["signalled"]);
});

test("a signal reaches the last run of a workflow's key, and a client that executes nothing sends it too", async () => {
  const world = new World(2);
  const flow = orders();
  const worker = await world.open([flow]);
  const client = await world.open([flow], { work: false });
  for (const id of ["A-1", "A-2", "A-3"]) {
    const run = await world.happens(client.tenfold.start(flow, { id }));
    const address = { workflow: "orders", key: id };
    assert.deepEqual(await world.happens(client.tenfold.signal(address, "paid", { euro: 1 })), { run: run.id });
    await world.untilStatus(run.id, "completed");
    await rejects(world.happens(client.tenfold.signal(address, "paid", { euro: 1 })), "RUN_FINISHED", run.id);
  }
  await rejects(
    world.happens(worker.tenfold.signal({ workflow: "orders", key: "A-9" }, "paid", {})),
    "RUN_UNKNOWN",
    "A-9",
  );
});

test("a signal that is sent again under its id is answered as the first time, also once the run has ended with it", async () => {
  const world = new World(2);
  const flow = orders();
  const { tenfold } = await world.open([flow]);
  const run = await world.happens(tenfold.start(flow, { id: "A-1" }));
  const sent = (id: string) => world.happens(tenfold.signal(run.id, "paid", { euro: 5 }, { id }));
  assert.deepEqual(await sent("event-1"), { run: run.id });
  await world.untilStatus(run.id, "completed");
  assert.deepEqual(await sent("event-1"), { run: run.id });
  await rejects(sent("event-2"), "RUN_FINISHED");
  await rejects(world.happens(tenfold.signal(run.id, "paid", { euro: 5 })), "RUN_FINISHED");
  assert.deepEqual(world.journal(run.id), ["signalled"]);
});

test("what cannot be taken is refused where it is sent, and the run waits on", async () => {
  const world = new World();
  const flow = workflowOf("w", () => ({ paid: waitFor("paid", { schema: Payment }), any: waitFor("any") }));
  const { tenfold } = await world.open([flow], { limits: { payloadMax: 50 } });
  const run = await world.happens(tenfold.start(flow, null));
  const sent = (...given: [string, unknown?, object?]) => world.happens(tenfold.signal(run.id, ...given));
  const { facts } = await rejects(sent("paid", { euro: "five" }), "SIGNAL_INVALID", "euro", "no signal was sent");
  assert.equal((facts["issues"] as { path: string }[])[0]!.path, "euro");
  await rejects(sent("any", new Date()), "SIGNAL_INVALID", "not JSON");
  await rejects(sent("any", "x".repeat(60)), "PAYLOAD_TOO_LARGE", "62", "50");
  await rejects(sent("payd", {}), "SIGNAL_UNKNOWN", '"paid"');
  await rejects(sent(undefined as never), "SIGNAL_UNKNOWN", "paid, any");
  await rejects(sent("any", 1, { key: "x" }), "OPTION_UNSUPPORTED", "`key`");
  await rejects(sent("any", 1, { id: "" }), "OPTION_UNSUPPORTED", "`id`");
  await rejects(sent("any", 1, { for: {} }), "OPTION_UNSUPPORTED", "`for`");
  await rejects(world.happens(tenfold.signal("nonsense", "any")), "RUN_UNKNOWN");
  await rejects(world.happens(tenfold.signal({ workflow: "w" } as never, "any")), "OPTION_UNSUPPORTED", "`key`");
  assert.deepEqual(world.journal(run.id), []);
  assert.equal(world.record(run.id).status, "running");
});

test("a schema that only the code has is asked of the code: without it, nothing is sent", async () => {
  const world = new World();
  const flow = orders();
  const { tenfold } = await world.open([flow]);
  const run = await world.happens(tenfold.start(flow, { id: "A-1" }));
  const other = await world.open([workflowOf("other", (n) => n)], { work: false });
  await rejects(
    world.happens(other.tenfold.signal(run.id, "paid", { euro: 1 })),
    "SIGNAL_INVALID",
    '"orders"',
    "workflows",
  );
});

test("sent again with its id, a signal counts once, however late", async () => {
  const world = new World();
  const flow = workflowOf("w", () => {
    const first = waitFor.as("first")("paid");
    const late = after(after(first, () => sleep("2h")), () => waitFor.as("second")("paid")); // prettier-ignore
    return { first, late };
  });
  const { tenfold } = await world.open([flow]);
  const run = await world.happens(tenfold.start(flow, null));
  for (let time = 0; time < 3; time++) {
    await world.happens(tenfold.signal(run.id, "paid", "one", { id: "e-1" }));
    await world.passes(HOUR);
  }
  assert.equal(world.record(run.id).status, "running");
  await world.happens(tenfold.signal(run.id, "paid", "two", { id: "e-2" }));
  assert.deepEqual(await world.happens(run.result()), { first: "one", late: "two" });
});

test("a signal that no wait of its name could receive is refused: without `for` where each has one, and the other way round", async () => {
  const world = new World();
  const flow = workflowOf("w", () => ({
    one: waitFor.as("one")("delivered", { for: "p1" }),
    two: waitFor.as("two")("delivered", { for: "p2" }),
    paid: waitFor("paid"),
    both: [waitFor.as("any")("seen"), waitFor.as("only")("seen", { for: "p1" })],
  }));
  const { tenfold } = await world.open([flow]);
  const run = await world.happens(tenfold.start(flow, null));
  const sent = (signal: string, options: object = {}) => world.happens(tenfold.signal(run.id, signal, 1, options));
  await rejects(sent("delivered"), "SIGNAL_UNKNOWN", "{ for: … }", "--for", "no signal was sent");
  await rejects(sent("paid", { for: "p1" }), "SIGNAL_UNKNOWN", "for no single thing", "no signal was sent");
  for (const options of [{}, { for: "p1" }]) await sent("seen", options);
  for (const whom of ["p1", "p2"]) await sent("delivered", { for: whom });
  await sent("paid");
  assert.deepEqual(await world.happens(run.result()), { one: 1, two: 1, paid: 1, both: [1, 1] });
});

test("a thousand signals at once each reach the item that they are for", async () => {
  const world = new World();
  const flow = workflowOf("w", (items) => each(items, (item: number) => waitFor("delivered", { for: item })));
  const { tenfold } = await world.open([flow]);
  const items = Array.from({ length: 1000 }, (_, index) => index);
  const run = await world.happens(tenfold.start(flow, items));
  await world.happens(
    Promise.all(items.toReversed().map((item) => tenfold.signal(run.id, "delivered", item * 2, { for: item }))),
  );
  assert.deepEqual(await world.happens(run.result()), items.map((item) => item * 2)); // prettier-ignore
});

test("a wait is given up when its time has come, also while no worker lived", async () => {
  const world = new World();
  const called: number[] = [];
  const step = stepOf("s", (n: number) => {
    called.push(world.time.now);
    return n;
  });
  const flow = workflowOf("w", (n) => waitFor("paid", { timeout: "3h", otherwise: () => step(n) }));
  const first = await world.open([flow]);
  const from = world.time.now;
  const early = await world.happens(first.tenfold.start(flow, 1));
  await world.untilStatus(early.id, "completed", 4 * HOUR);
  assert.ok(called[0]! >= from + 3 * HOUR && called[0]! < from + 3 * HOUR + 2000);
  const late = await world.happens(first.tenfold.start(flow, 2));
  await world.passes(1000);
  first.clock.die();
  await world.passes(5 * HOUR);
  const { tenfold } = await world.open([flow]);
  await world.untilStatus(late.id, "completed");
  assert.deepEqual(world.journal(late.id), ["timed-out wait-paid", "done wait-paid/otherwise/s"]);
  await rejects(world.happens(tenfold.signal(late.id, "paid")), "RUN_FINISHED");
});

test("a signal to a held run is kept, and received when it goes on", async () => {
  const world = new World();
  const before = workflowOf("w", (n) => ({ n: stepOf("gone", (m: number) => m)(n), paid: waitFor("paid") }));
  const first = await world.open([workflowOf("w", (n) => stepOf("other", (m: number) => m)(n))]);
  const starter = await world.open([before], { work: false });
  const run = await world.happens(starter.tenfold.start(before, 1));
  await world.untilStatus(run.id, "held");
  await world.happens(starter.tenfold.signal(run.id, "paid", "kept"));
  await world.passes(MINUTE);
  assert.equal(world.record(run.id).status, "held");
  await world.happens(first.tenfold.close());
  const { tenfold } = await world.open([before]);
  assert.deepEqual(await world.happens(tenfold.run(run.id).result()), { n: 1, paid: "kept" });
});

test("a run that is to begin tomorrow is not begun by a signal, nor by a call that joins it; a cancel does not wait", async () => {
  const { call } = untyped;
  const world = new World(2);
  const begun: number[] = [];
  const begins = stepOf("begins", () => begun.push(world.time.now));
  const flow = workflowOf("later", () => ({ n: begins(1), go: waitFor("go") }), { key: (n: number) => `${n}` });
  const parent = workflowOf("parent", (n) => call(flow, n));
  const { tenfold } = await world.open([flow, parent]);
  const at = world.time.now + 24 * HOUR;
  const run = await world.happens(tenfold.start(flow, 1, { at }));
  const other = await world.happens(tenfold.start(flow, 2, { at }));
  const joining = await world.happens(tenfold.start(parent, 1));
  await world.happens(tenfold.signal(run.id, "go", "early"));
  await world.happens(tenfold.cancel(other.id));
  await world.untilStatus(other.id, "cancelled");
  await world.passes(HOUR);
  assert.equal(world.record(run.id).status, "waiting");
  await world.passes(24 * HOUR);
  assert.deepEqual(await world.happens(joining.result()), { n: 1, go: "early" });
  assert.ok(begun.length === 1 && begun[0]! >= at);
});
