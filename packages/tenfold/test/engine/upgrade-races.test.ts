/** Laws of moves to another graph that meet what they do not expect: another move, a journal that is spoilt, a worker that hangs. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Store } from "../../src/store/store.ts";
import { Gate, MINUTE, stepOf, untyped, withVerbs, workflowOf, World } from "./world.ts";

const { call, derive, script, waitFor } = untyped;
const echo = (name: string) => stepOf(name, (input: unknown) => input ?? null);
const [first, second, third] = [echo("first"), echo("second"), echo("third")];

const OLD = workflowOf("w", (n) => second(waited(first(n))));
const NEW = workflowOf("w", (n) => third(second(waited(first(n)))));

function waited(value: unknown): unknown {
  return derive.as("both")(value, waitFor("go"), (one: unknown) => one);
}

/** Nothing is parked. */
const STAYS = { limits: { parkAfterMs: Infinity } };

async function send(world: World, run: string, graph: string, key = "u1"): Promise<void> {
  const message = { key, body: { kind: "upgrade" as const, graph }, at: world.time.now };
  await world.store.send(0, [{ run, message, reopens: false }], world.time.now);
}

async function knows(world: World, ...flows: readonly { hash: string; graph: object }[]): Promise<void> {
  await world.store.putGraphs(0, flows.map(({ hash, graph }) => ({ hash, workflow: "w", graph: JSON.stringify(graph) }))); // prettier-ignore
}

for (const [what, line] of [
  ["names a node that there is none of", { node: "elsewhere" }],
  ["is of a kind that nobody knows", { kind: "undone" }],
  ["is no JSON", { data: "{" }],
] as const) {
  test(`a run in memory of whose journal a line ${what} in the store is not moved, and goes on with its worker`, async () => {
    const world = new World();
    let isSpoilt = true;
    const load: Store["load"] = async (...given) => {
      const loaded = await world.store.load(...given);
      const spoil = (lines: (typeof loaded)[number]["journal"]) => lines.map((each) => ({ ...each, ...line }));
      return isSpoilt ? loaded.map((one) => ({ ...one, journal: spoil(one.journal) })) : loaded;
    };
    const { tenfold } = await world.open([OLD], STAYS, withVerbs(world.store, { load }));
    const run = await world.happens(tenfold.start(OLD, 1));
    await world.passes(100);
    await knows(world, NEW);
    await send(world, run.id, NEW.hash);
    await world.until("it was refused", () => world.journal(run.id).includes("upgraded"));
    const entry = (await world.happens(tenfold.show(run.id))).entries.at(-1);
    assert.ok(entry?.kind === "upgraded");
    assert.match(entry.refused!.reason, /its journal cannot be read on that graph|was not read/);
    isSpoilt = false;
    await world.happens(tenfold.signal(run.id, "go"));
    assert.equal(await world.happens(run.result()), 1);
  });
}

test("a turn that a move gives up lets no other of the same run begin amid the move", async () => {
  const world = new World();
  const calls: number[] = [];
  const costly = stepOf("costly", (cost: number) => void calls.push(cost), {
    queue: { rate: "2/s burst 2", cost: (cost: number) => cost },
  });
  const other = workflowOf("other", (n) => costly(n));
  const both = (n: any) => ({ a: costly.as("a")(n.a), b: costly.as("b")(n.b) });
  const [old, next] = [workflowOf("w", both), workflowOf("w", (n) => third(both(n)))];
  const { tenfold } = await world.open([old, other], STAYS);
  await world.happens(tenfold.start(other, 1));
  await world.passes(20);
  const run = await world.happens(tenfold.start(old, { a: 2, b: 1 }));
  await world.passes(20);
  assert.deepEqual(calls, [1]);
  await knows(world, next);
  await send(world, run.id, next.hash);
  await world.until("it is moved", () => world.record(run.id).graph === next.hash);
  await world.passes(20);
  assert.deepEqual(calls, [1]);
  await world.passes(2000);
  assert.deepEqual(calls, [1, 2, 1]);
});

test("the function of a script that a move left behind records nothing any more", async () => {
  const world = new World();
  let strays: (() => void)[] = [];
  let calls = 0;
  const body = async (ctx: any) => {
    calls++;
    // It may not: what else it awaits comes after the move.
    await Promise.race([ctx.waitFor("go"), new Promise<void>((resolve) => strays.push(resolve))]);
    return "strayed";
  };
  const old = workflowOf("w", (n) => script("talks", body).as("talks")(n));
  const next = workflowOf("w", (n) => [script("talks", body).as("talks")(n), waitFor("never")]);
  const { tenfold } = await world.open([old], STAYS);
  const run = await world.happens(tenfold.start(old, 1));
  await world.passes(100);
  await knows(world, next);
  await send(world, run.id, next.hash);
  await world.until("it is moved", () => world.record(run.id).graph === next.hash);
  await world.until("its function is called anew", () => calls === 2);
  await world.passes(100);
  strays[0]!();
  await world.passes(100);
  assert.deepEqual(world.journal(run.id), ["asked talks", "upgraded"]);
  strays = strays.slice(1);
  assert.equal(strays.length, 1);
});

test("a script goes on where it was on the new graph, and the body that it waits for is called once", async () => {
  const world = new World();
  const gate = new Gate();
  let calls = 0;
  const slow = stepOf("slow", async (n: number) => (await gate.pass(), n + 1));
  const body = async (ctx: any, n: number) => {
    calls++;
    await ctx.call(first, n);
    return ctx.call(slow, n);
  };
  const talk = () => script("talks", body).as("talks");
  const old = workflowOf("w", (n) => talk()(n));
  // The old worker has the code of what is new: in a graph that nobody is on.
  const next = workflowOf("w", (n) => second(talk()(n)));
  const { tenfold } = await world.open([next], STAYS);
  const { engine } = await world.open([old], { work: false });
  const id = engine.newId(0);
  await world.store.putGraphs(0, [{ hash: old.hash, workflow: "w", graph: JSON.stringify(old.graph) }]);
  const start = { id, workflow: "w", graph: old.hash, tenant: "", input: "1", key: null, attributes: [], at: null };
  await world.happens(engine.start(0, [start]));
  await world.until("its body runs", () => gate.entered === 1);
  assert.equal((await world.happens(tenfold.upgrade(id))).upgraded, 1);
  gate.open();
  const { output } = await world.untilStatus(id, "completed");
  assert.deepEqual([output, gate.entered, calls], ["2", 1, 2]);
  assert.deepEqual(world.journal(id), ["asked talks", "done talks[0]/first", "asked talks", "upgraded", "done talks[1]/slow", "done talks", "done second"]); // prettier-ignore
});

test("a child is moved while its parent waits, and the parent while its child does: each alone, and both end", async () => {
  const world = new World(2);
  const childOf = (more: boolean) => workflowOf("child", (n) => (more ? second(waited(n)) : waited(n)));
  const parentOf = (child: unknown, more: boolean) => {
    const answer = (n: unknown) => call.as("asks")(child, n);
    return workflowOf("parent", (n) => (more ? third(answer(n)) : answer(n)));
  };
  const before = await world.open([parentOf(childOf(false), false)]);
  const run = await world.happens(before.tenfold.start(before.tenfold.workflows.find(({ name }) => name === "parent") as any, 7)); // prettier-ignore
  await world.passes(MINUTE);
  await world.happens(before.tenfold.close());
  const after = parentOf(childOf(true), true);
  const { tenfold } = await world.open([after]);
  const child = world.records.find(({ workflow }) => workflow === "child")!.id;
  assert.equal((await world.happens(tenfold.upgrade(child))).upgraded, 1);
  assert.notEqual(world.record(run.id).graph, after.hash);
  assert.equal((await world.happens(tenfold.upgrade(run.id))).upgraded, 1);
  await world.happens(tenfold.signal(child, "go"));
  assert.equal(await world.happens(tenfold.run(run.id).result()), 7);
  assert.deepEqual(world.journal(child), ["attached", "upgraded", "signalled", "done both", "done second"]);
  assert.deepEqual(world.journal(run.id), ["called asks", "upgraded", "returned asks", "done third"]);
});

test("one run that nobody answers for keeps nobody from hearing that the others are moved", async () => {
  const world = new World();
  const before = await world.open([OLD]);
  for (let n = 0; n < 250; n++) await world.happens(before.tenfold.start(OLD, n));
  await world.passes(MINUTE);
  await world.happens(before.tenfold.close());
  // The newest is in the hands of a worker that hangs.
  const stuck = world.records.map(({ id }) => id).sort().at(-1)!; // prettier-ignore
  const claim: Store["claim"] = async (...given) => (await world.store.claim(...given)).filter(({ id }) => id !== stuck); // prettier-ignore
  const owned: Store["owned"] = async (...given) => (await world.store.owned(...given)).filter((id) => id !== stuck);
  const { tenfold } = await world.open([NEW], {}, withVerbs(world.store, { claim, owned }));
  const done = await world.happens(tenfold.upgrade({ workflow: "w" }));
  assert.deepEqual([done.found, done.fit, done.upgraded, done.pending], [250, 250, 249, 1]);
});

test("a run that was moved, and then by others to another graph, is told as such and not waited for", async () => {
  const world = new World();
  const { tenfold: old } = await world.open([OLD]);
  const run = await world.happens(old.start(OLD, 1));
  await world.passes(MINUTE);
  const later = workflowOf("w", (n) => [third(second(waited(first(n)))), waitFor("more")]);
  await knows(world, later);
  // Whoever asks for the one has asked for the other before anybody looks.
  const send2: Store["send"] = async (lane, sends, now) => {
    const answers = await world.store.send(lane, sends, now);
    const [{ message }] = sends as [(typeof sends)[number]];
    if (message.body.kind === "upgrade") await send(world, run.id, later.hash, "u2");
    return answers;
  };
  const { tenfold } = await world.open([NEW], { work: false }, withVerbs(world.store, { send: send2 }));
  const began = world.time.now;
  const done = await world.happens(tenfold.upgrade(run.id));
  assert.ok(world.time.now - began < 5000, "it waits for nothing");
  assert.deepEqual([done.upgraded, done.pending], [0, 0]);
  assert.match(done.refused[0]!.reason, /was moved, and then to graph/);
  assert.equal(world.record(run.id).graph, later.hash);
});

test("an old worker that is told to move a run to code that it lacks holds it, and it goes on once that worker has left", async () => {
  const world = new World();
  const old = await world.open([OLD], STAYS);
  const run = await world.happens(old.tenfold.start(OLD, 1));
  await world.passes(100);
  const next = await world.open([NEW]);
  assert.equal((await world.happens(next.tenfold.upgrade(run.id))).upgraded, 1);
  await world.happens(next.tenfold.signal(run.id, "go"));
  assert.match((await world.untilStatus(run.id, "held")).error!, /STEP_UNKNOWN.*The step of third/);
  await world.passes(MINUTE);
  assert.equal(world.record(run.id).status, "held");
  await world.happens(old.tenfold.close());
  await world.untilStatus(run.id, "completed");
});

test("a run that was moved and retried from a node may be taken back as long as nothing of the new nodes is recorded", async () => {
  const world = new World();
  let isMended = false;
  const rough = stepOf("rough", (n: unknown) => (isMended ? n : Promise.reject(new Error("no"))), { retry: { attempts: 1 } }); // prettier-ignore
  const was = workflowOf("w", (n) => rough(waited(first(n))));
  const is = workflowOf("w", (n) => third(rough(waited(first(n)))));
  const { tenfold, engine } = await world.open([was]);
  const run = await world.happens(tenfold.start(was, 1));
  await world.happens(tenfold.signal(run.id, "go"));
  await world.untilStatus(run.id, "failed");
  await world.happens(tenfold.close());
  assert.equal(engine.held, 0);
  const next = await world.open([is]);
  await world.happens(next.tenfold.retry(run.id, { from: "wait-go" }));
  await world.until("it waits once more", () => world.record(run.id).status === "running");
  await world.passes(MINUTE);
  assert.equal((await world.happens(next.tenfold.upgrade(run.id))).upgraded, 1);
  await world.happens(next.tenfold.close());
  const back = await world.open([was]);
  assert.equal((await world.happens(back.tenfold.upgrade(run.id))).upgraded, 1);
  isMended = true;
  await world.happens(back.tenfold.signal(run.id, "go"));
  await world.untilStatus(run.id, "completed");
  assert.deepEqual(world.journal(run.id).slice(4), ["retried", "upgraded", "upgraded", "signalled", "done both", "done rough"]); // prettier-ignore
});
