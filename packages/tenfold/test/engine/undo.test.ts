/** Laws of undoing in an engine: who is called with what, under which key, again after a crash, and what is said of it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { RunFailed } from "../../src/engine/results.ts";
import type { StepContext } from "../../src/flow/index.ts";
import { Gate, MINUTE, rejects, stepOf, untyped, workflowOf, World } from "./world.ts";

const { attempt, after, approval, call, each, sleep } = untyped;

/** What bodies and undos were called with, in order: `charge 5 r/charge`. */
interface Booked {
  readonly what: string;
  readonly key: string;
}

/** A step that books what is done and undone; it fails as long as `fails` says so. */
function booking(
  booked: Booked[],
  name: string,
  given: { fails?: () => boolean; undo?: (ctx: StepContext) => unknown } = {},
) {
  const run = (input: unknown, ctx: StepContext) => {
    booked.push({ what: `${name} ${JSON.stringify(input)}`, key: ctx.key });
    if (given.fails?.() === true) throw new Error(`${name} fails`);
    return { [name]: input };
  };
  const undo = (input: unknown, output: unknown, ctx: StepContext) => {
    booked.push({ what: `undo ${name} ${JSON.stringify(input)} ${JSON.stringify(output)}`, key: ctx.key });
    return given.undo?.(ctx);
  };
  return stepOf(name, run, { undo, retry: { attempts: 1 } });
}

const errorOf = (world: World, run: string) => JSON.parse(world.record(run).error ?? "null") as RunFailed["error"];

test("a run that fails is undone in reverse, also what failed in vain; retried, it does that again under other keys", async () => {
  const world = new World();
  const booked: Booked[] = [];
  let isOut = true;
  const book = booking(booked, "book");
  const charge = booking(booked, "charge");
  const ship = booking(booked, "ship", { fails: () => isOut });
  const plain = stepOf("plain", (n: number) => n);
  const flow = workflowOf("order", (n) => ship(charge(book(plain(n)))));
  const { tenfold } = await world.open([flow]);
  const run = await world.happens(tenfold.start(flow, 5));
  const failed = await rejects(world.happens(run.result()), "RUN_FAILED", "ship fails", "failed, undone");
  assert.ok(failed instanceof RunFailed);
  assert.deepEqual(failed.error.undo, { undone: 3, failed: 0, nodes: [] });
  assert.deepEqual(booked.map(({ what }) => what), [
    "book 5", 'charge {"book":5}', 'ship {"charge":{"book":5}}',
    'undo ship {"charge":{"book":5}} undefined', 'undo charge {"book":5} {"charge":{"book":5}}', 'undo book 5 {"book":5}',
  ]); // prettier-ignore
  const keys = booked.map(({ key }) => key.replace(run.id, "r"));
  assert.deepEqual(keys, ["r/book", "r/charge", "r/ship", "r/ship/undo", "r/charge/undo", "r/book/undo"]);
  isOut = false;
  booked.length = 0;
  await world.happens(tenfold.retry(run.id));
  await world.untilStatus(run.id, "completed");
  assert.deepEqual(
    booked.map(({ key }) => key.replace(run.id, "r")),
    ["r/book#1", "r/charge#1", "r/ship#1"],
  );
  assert.equal(world.journal(run.id).filter((line) => line === "done plain").length, 1);
});

test("an undo has the step's attempts; what cannot be undone stops nothing else, is named, and is undone first by a retry", async () => {
  const world = new World();
  const booked: Booked[] = [];
  let isDown = true;
  const failsOnce = ({ attempt }: StepContext) => {
    if (attempt === 1) throw new Error("not yet");
  };
  const one = stepOf("one", (n: number) => n, {
    retry: { attempts: 2, first: "1m", jitter: "none" },
    undo: (_input: unknown, _output: unknown, ctx: StepContext) => {
      booked.push({ what: `undo one ${ctx.attempt} ${ctx.now()}`, key: ctx.key });
      failsOnce(ctx);
    },
  });
  const two = stepOf("two", (n: number) => n, {
    retry: { attempts: 2, first: "1m", jitter: "none" },
    undo: (_input: unknown, _output: unknown, ctx: StepContext) => {
      booked.push({ what: `undo two ${ctx.attempt}`, key: ctx.key });
      if (isDown) throw new Error("the bank is down");
    },
  });
  const bad = stepOf("bad", () => { if (isDown) throw new Error("bad"); return 1; }, { retry: { attempts: 1 } }); // prettier-ignore
  const flow = workflowOf("w", (n) => bad(two(one(n))));
  const { tenfold } = await world.open([flow]);
  const run = await world.happens(tenfold.start(flow, 1));
  await world.until("the undo of two was called", () => booked.length === 1);
  const why = await world.happens(tenfold.why(run.id));
  assert.equal(why.status, "running");
  assert.deepEqual(
    why.waits.map(({ kind, node }) => `${kind} ${node}`),
    ["undo two"],
  );
  await world.untilStatus(run.id, "failed");
  const [first, second, ...rest] = booked.map(({ what }) => what.replace(/ \d{10,}/, ""));
  assert.deepEqual([first, second, ...rest], ["undo two 1", "undo two 2", "undo one 1", "undo one 2"]);
  const times = booked.filter(({ what }) => what.startsWith("undo one")).map(({ what }) => what.split(" ")[3]);
  assert.equal(times[0], times[1], "now is the same in each attempt");
  assert.equal(new Set(booked.map(({ key }) => key)).size, 2);
  assert.deepEqual(errorOf(world, run.id).undo, { undone: 1, failed: 1, nodes: ["two"] });
  assert.match((await rejects(world.happens(run.result()), "RUN_FAILED")).message, /failed, undo incomplete: two/);
  isDown = false;
  booked.length = 0;
  await world.happens(tenfold.retry(run.id));
  await world.untilStatus(run.id, "completed");
  assert.deepEqual(
    booked.map(({ what }) => what),
    ["undo two 3"],
  );
});

test("a worker that dies while it undoes leaves the rest to the next, and what is undone is not undone again", async () => {
  const world = new World();
  const booked: Booked[] = [];
  const gate = new Gate();
  const steps = ["a", "b", "c"].map((name) =>
    booking(booked, name, { undo: () => (name === "b" ? gate.pass() : null) }),
  );
  const bad = booking(booked, "bad", { fails: () => true });
  const flow = workflowOf("w", (n) => bad(steps.reduce((value, step) => step(value), n)));
  const first = await world.open([flow]);
  const run = await world.happens(first.tenfold.start(flow, 1));
  await world.until("b is being undone", () => gate.entered === 1);
  await world.passes(1000);
  first.clock.die();
  const second = await world.open([flow]);
  await world.until("b is being undone once more", () => gate.entered === 2, 10 * MINUTE);
  gate.open();
  await world.untilStatus(run.id, "failed");
  const undone = booked.filter(({ what }) => what.startsWith("undo")).map(({ what }) => what.split(" ")[1]);
  assert.deepEqual(undone, ["bad", "c", "b", "b", "a"]);
  await world.happens(second.tenfold.close());
});

test("the body of an attempt is undone before its handler begins, and kept where it says so until the run fails", async () => {
  for (const keeps of [false, true]) {
    const world = new World();
    const booked: Booked[] = [];
    const [pay, fail, note, last] = [
      booking(booked, "pay"),
      booking(booked, "fail", { fails: () => true }),
      booking(booked, "note"),
      booking(booked, "last", { fails: () => keeps }),
    ];
    const options = keeps ? { undo: false } : {};
    const flow = workflowOf("w", (n) => last(attempt(() => fail(pay(n)), () => note("caught"), options))); // prettier-ignore
    const { tenfold } = await world.open([flow]);
    const run = await world.happens(tenfold.start(flow, 1));
    await world.untilStatus(run.id, keeps ? "failed" : "completed");
    const names = booked.map(({ what }) => what.replace(/ [{"\d].*/, ""));
    const undone = ["undo fail", "undo pay"];
    assert.deepEqual(names, keeps
      ? ["pay", "fail", "note", "last", "undo last", "undo note", ...undone]
      : ["pay", "fail", ...undone, "note", "last"]); // prettier-ignore
  }
});

test("a run that is cancelled is undone if that is asked for, and is not otherwise", async () => {
  for (const undo of [true, false]) {
    const world = new World();
    const booked: Booked[] = [];
    const done = booking(booked, "done");
    const flow = workflowOf("w", (n) => after(done(n), () => sleep("1 day")));
    const { tenfold } = await world.open([flow]);
    const run = await world.happens(tenfold.start(flow, 1));
    await world.passes(MINUTE);
    await world.happens(tenfold.cancel(run.id, { undo }));
    await world.untilStatus(run.id, "cancelled");
    assert.deepEqual(booked.map(({ what }) => what), undo ? ["done 1", 'undo done 1 {"done":1}'] : ["done 1"]); // prettier-ignore
    assert.deepEqual(errorOf(world, run.id).undo?.undone, undo ? 1 : undefined);
  }
});

test("where the code of an undo is gone the run is held, and goes on with its undoing once it is back", async () => {
  const world = new World();
  const booked: Booked[] = [];
  const gate = new Gate();
  const bad = stepOf("bad", async () => { await gate.pass(); throw new Error("bad"); }, { retry: { attempts: 1 } }); // prettier-ignore
  const withUndo = booking(booked, "charge");
  const flow = workflowOf("w", (n) => bad(withUndo(n)));
  const without = workflowOf("w", (n) => bad(stepOf("charge", (x: unknown) => x)(n)));
  const first = await world.open([flow]);
  const run = await world.happens(first.tenfold.start(flow, 1));
  await world.until("bad runs", () => gate.entered === 1);
  first.clock.die();
  gate.open();
  const second = await world.open([without]);
  await world.untilStatus(run.id, "held", 10 * MINUTE);
  assert.match(errorOf(world, run.id).message, /The undo of charge is not in today's code/);
  await world.happens(second.tenfold.close());
  const third = await world.open([flow]);
  await world.untilStatus(run.id, "failed", 10 * MINUTE);
  assert.deepEqual(errorOf(world, run.id).undo, { undone: 1, failed: 0, nodes: [] });
  await world.happens(third.tenfold.close());
});

test("a step whose body was not called, because its input does not fit, is not undone", async () => {
  const world = new World();
  const booked: Booked[] = [];
  const refuses = { "~standard": { version: 1, vendor: "test", validate: () => ({ issues: [{ message: "no" }] }) } };
  const strict = stepOf("strict", () => 1, {
    input: refuses,
    undo: () => booked.push({ what: "undo strict", key: "" }),
  });
  const flow = workflowOf("w", (n) => strict(booking(booked, "before")(n)));
  const { tenfold } = await world.open([flow]);
  const run = await world.happens(tenfold.start(flow, 1));
  await world.untilStatus(run.id, "failed");
  assert.deepEqual(booked.map(({ what }) => what), ["before 1", 'undo before 1 {"before":1}']); // prettier-ignore
});

test("from a node on, a run does it and what depends on it once more, with the same keys, or with new ones if asked", async () => {
  for (const newKeys of [false, true]) {
    const world = new World();
    const booked: Booked[] = [];
    let price = 1;
    let isBroken = true;
    const enrich = stepOf("enrich", (_n: number, { key }) => (booked.push({ what: "enrich", key }), price));
    const score = stepOf("score", (n: number, { key }) => (booked.push({ what: `score ${n}`, key }), n * 10));
    const other = stepOf("other", (n: number, { key }) => (booked.push({ what: "other", key }), n));
    const bad = stepOf("bad", ({ s }: { s: number }) => { if (isBroken) throw new Error("bad"); return s; }, { retry: { attempts: 1 } }); // prettier-ignore
    const flow = workflowOf("w", (n) => bad({ s: score(enrich(n)), o: other(n) }));
    const { tenfold } = await world.open([flow]);
    const run = await world.happens(tenfold.start(flow, 1));
    await world.untilStatus(run.id, "failed");
    await rejects(world.happens(tenfold.retry(run.id, { from: "enrch" })), "NODE_UNKNOWN", "enrich");
    await rejects(world.happens(tenfold.retry(run.id, { from: "input" })), "NODE_UNKNOWN");
    const looked = await world.happens(tenfold.retry({ workflow: "w" }, { from: "enrich", dryRun: true }));
    assert.deepEqual(looked, { found: 1, changed: 0, refused: 0, refusals: [] });
    booked.length = 0;
    price = 7;
    isBroken = false;
    await world.happens(tenfold.retry(run.id, { from: "enrich", newKeys }));
    await world.untilStatus(run.id, "completed");
    assert.equal(world.record(run.id).output, "70");
    const suffix = newKeys ? "#1" : "";
    assert.deepEqual(booked, [
      { what: "enrich", key: `${run.id}/enrich${suffix}` },
      { what: "score 7", key: `${run.id}/score${suffix}` },
    ]);
  }
});

test("items that are finished and forgotten are begun again from their each, and the way to that is told", async () => {
  const world = new World();
  let isBroken = true;
  const price = stepOf("price", (n: number) => n);
  const bad = stepOf("bad", (n: unknown) => { if (isBroken) throw new Error("bad"); return n; }, { retry: { attempts: 1 } }); // prettier-ignore
  const flow = workflowOf("w", (list) => bad(each(list, (n: unknown) => price(n))));
  const { tenfold } = await world.open([flow]);
  const run = await world.happens(tenfold.start(flow, [1, 2]));
  await world.untilStatus(run.id, "failed");
  for (const from of ["each-input/price", "each-input[1]/price"])
    await rejects(world.happens(tenfold.retry(run.id, { from })), "RETRY_REFUSED", 'from "each-input"');
  const looked = await world.happens(tenfold.retry({ workflow: "w" }, { from: "each-input/price", dryRun: true }));
  assert.equal(looked.refused, 1);
  isBroken = false;
  await world.happens(tenfold.retry(run.id, { from: "each-input" }));
  await world.untilStatus(run.id, "completed");
  assert.equal(world.journal(run.id).filter((line) => line === "done each-input[1]/price").length, 2);
});

test("a call that is begun anew has another child, and what comes of the former one changes nothing", async () => {
  const world = new World(2);
  const booked: Booked[] = [];
  let isBroken = true;
  const child = workflowOf("child", (n) => stepOf("inside", (x: unknown) => x)(n));
  const first = booking(booked, "first");
  const bad = stepOf("bad", (n: unknown) => { if (isBroken) throw new Error("bad"); return n; }, { retry: { attempts: 1 } }); // prettier-ignore
  const flow = workflowOf("parent", (n) => bad(call(child, first(n))));
  const { tenfold } = await world.open([flow]);
  const run = await world.happens(tenfold.start(flow, 1));
  await world.untilStatus(run.id, "failed");
  isBroken = false;
  await world.happens(tenfold.retry(run.id));
  await world.untilStatus(run.id, "completed");
  assert.equal(world.records.filter(({ workflow }) => workflow === "child").length, 2);
  const lines = world.journal(run.id);
  assert.equal(lines.filter((line) => line === "returned call-child").length, 2);
});

test("a decision on a request that was made before a reset is refused, and moves the new one in no way", async () => {
  const world = new World();
  const booked: Booked[] = [];
  let isBroken = true;
  const draft = booking(booked, "draft");
  const bad = stepOf("bad", (n: unknown) => { if (isBroken) throw new Error("bad"); return n; }, { retry: { attempts: 1 } }); // prettier-ignore
  const flow = workflowOf("w", (n) => bad(approval({ ask: draft(n) }).outcome));
  const { tenfold } = await world.open([flow]);
  const run = await world.happens(tenfold.start(flow, 1));
  await world.passes(MINUTE);
  const [before] = await world.happens(Array.fromAsync(tenfold.approvals()));
  await world.happens(tenfold.approve(before!.token, { by: "kim" }));
  await world.untilStatus(run.id, "failed");
  isBroken = false;
  await world.happens(tenfold.retry(run.id));
  await world.passes(MINUTE);
  await rejects(world.happens(tenfold.approve(before!.token, { by: "kim" })), "APPROVAL_UNKNOWN", "#1");
  const message = { key: "late", at: world.time.now, body: { kind: "decide", node: before!.node, verdict: "refused", by: "kim", roles: [], comment: null } } as const; // prettier-ignore
  await world.happens(world.store.send(0, [{ run: run.id, message, reopens: false }], world.time.now));
  await world.passes(MINUTE);
  const [again] = await world.happens(Array.fromAsync(tenfold.approvals()));
  assert.notEqual(again!.token, before!.token);
  await world.happens(tenfold.approve(again!.token, { by: "kim" }));
  await world.untilStatus(run.id, "completed");
  assert.equal(world.record(run.id).output, '"approved"');
});
