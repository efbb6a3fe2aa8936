/** Laws of runs that are moved to another graph: at work, parked, held; whoever dies meanwhile. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Gate, rejects, stepOf, untyped, withVerbs, workflowOf, World, type OpenedEngine } from "./world.ts";
import type { Store } from "../../src/store/store.ts";

const { approval, call, derive, eq, sleep, waitFor, when } = untyped;
const echo = (name: string) => stepOf(name, (input: unknown) => input ?? null);
const [first, second, third] = [echo("first"), echo("second"), echo("third")];

const OLD = workflowOf("w", (n) => second(after(first(n))));
const NEW = workflowOf("w", (n) => third(second(after(first(n)))));

/** What waits for a person between two steps. */
function after(value: unknown): unknown {
  return derive.as("both")(value, waitFor("go"), (one: unknown) => one);
}

function graphOf(world: World, run: string): string {
  return world.record(run).graph;
}

/** Nothing is parked. */
const STAYS = { limits: { parkAfterMs: Infinity } };

/** A run that waits for its signal, on the graph of `flow`, in the hands of an engine that has `next`. */
async function waiting(
  world: World,
  flow: any,
  next: any,
  parks = true,
  store: Store = world.store,
): Promise<{ opened: OpenedEngine; run: string }> {
  const before = await world.open([flow], parks ? {} : STAYS);
  const { id } = await world.happens(before.tenfold.start(flow, 1));
  await world.until("it waits", () => world.journal(id).length >= 1);
  await world.passes(10);
  // What is closed parks its runs; what dies leaves them to be driven at once.
  if (parks) await world.happens(before.tenfold.close());
  else before.clock.die();
  const opened = await world.open([next], parks ? {} : STAYS, store);
  if (!parks) await world.until("it is taken over", () => opened.engine.held === 1);
  return { opened, run: id };
}

test("a run goes on with the graph that it began with, whatever is deployed meanwhile", async () => {
  const world = new World();
  const { opened, run } = await waiting(world, OLD, NEW);
  await world.happens(opened.tenfold.signal(run, "go"));
  await world.untilStatus(run, "completed");
  assert.deepEqual(world.journal(run).filter((line) => line.startsWith("done ")), ["done first", "done both", "done second"]); // prettier-ignore
  assert.equal(graphOf(world, run), OLD.hash);
});

for (const way of ["parked", "in memory"]) {
  test(`a run that waits, ${way}, is moved, and goes on with what the new graph has`, async () => {
    const world = new World();
    const { opened, run } = await waiting(world, OLD, NEW, way === "parked");
    const dry = await world.happens(opened.tenfold.upgrade({ workflow: "w" }, { dryRun: true }));
    assert.deepEqual(dry, { found: 1, fit: 1, upgraded: 0, refused: [], pending: 0, ended: 0 });
    assert.equal(graphOf(world, run), OLD.hash);
    const done = await world.happens(opened.tenfold.upgrade(run));
    assert.deepEqual(done, { found: 1, fit: 1, upgraded: 1, refused: [], pending: 0, ended: 0 });
    assert.equal(graphOf(world, run), NEW.hash);
    assert.equal((await world.happens(opened.tenfold.graphOf(run))).nodes.length, NEW.graph.nodes.length);
    assert.equal((await world.happens(opened.tenfold.why(run))).waits[0]?.kind, "signal");
    await world.happens(opened.tenfold.signal(run, "go"));
    await world.untilStatus(run, "completed");
    assert.deepEqual(world.journal(run), ["done first", "upgraded", "signalled", "done both", "done second", "done third"]); // prettier-ignore
    assert.equal((await world.happens(opened.tenfold.upgrade({ workflow: "w" }))).found, 0);
  });
}

test("a run whose journal does not fit is refused with the node and the reason, and goes on as before", async () => {
  const world = new World();
  const other = workflowOf("w", (n) => second(after(third(n))));
  const { opened, run } = await waiting(world, OLD, [other, first][0]);
  const { fit, upgraded, refused } = await world.happens(opened.tenfold.upgrade(run));
  assert.deepEqual([fit, upgraded], [0, 0]);
  assert.deepEqual(refused, [{ workflow: "w", node: "first", reason: "the new graph has no such node", runs: 1, run }]);
  assert.deepEqual(world.journal(run), ["done first"]);
  // Its driver says the same of a message that was sent all the same.
  await send(world, run, other.hash);
  await world.until("it was refused", () => world.journal(run).includes("upgraded"));
  assert.equal(graphOf(world, run), OLD.hash);
  const entry = (await world.happens(opened.tenfold.show(run))).entries.at(-1);
  assert.ok(entry?.kind === "upgraded");
  assert.deepEqual(entry.refused, { entry: 0, node: "first", reason: "the new graph has no such node" });
  await world.happens(opened.tenfold.signal(run, "go"));
  await world.untilStatus(run, "completed");
});

async function send(world: World, run: string, graph: string, key = "u1"): Promise<void> {
  const message = { key, body: { kind: "upgrade" as const, graph }, at: world.time.now };
  await world.store.send(0, [{ run, message, reopens: false }], world.time.now);
}

test("a run that is held because a step is gone goes on once it is moved to a graph without it", async () => {
  const world = new World();
  const without = workflowOf("w", (n) => third(after(first(n))));
  const { opened, run } = await waiting(world, OLD, without);
  await world.happens(opened.tenfold.signal(run, "go"));
  const { error } = await world.untilStatus(run, "held");
  assert.match(error ?? "", /STEP_UNKNOWN.*The step of second/);
  const done = await world.happens(opened.tenfold.upgrade({ status: "held" }));
  assert.equal(done.upgraded, 1);
  const { output } = await world.untilStatus(run, "completed");
  assert.equal(output, "1");
});

test("a held run that cannot be moved stays held for the same reason", async () => {
  const world = new World();
  const other = workflowOf("w", (n) => third.as("first")(n));
  const { opened, run } = await waiting(world, OLD, other);
  await world.happens(opened.tenfold.signal(run, "go"));
  const { error } = await world.untilStatus(run, "held");
  await send(world, run, other.hash);
  await world.until("it was refused", () => world.journal(run).includes("upgraded"));
  const { error: again } = await world.untilStatus(run, "held");
  assert.equal(again, error);
});

test("a run that is held because a step is gone goes on by itself when the code is back", async () => {
  const world = new World();
  const without = workflowOf("w", (n) => third(n));
  const { opened, run } = await waiting(world, OLD, without);
  await world.happens(opened.tenfold.signal(run, "go"));
  await world.untilStatus(run, "held");
  await world.happens(opened.tenfold.close());
  await world.open([OLD]);
  await world.untilStatus(run, "completed");
});

test("a body that executes goes on where its node is open in the new graph, and is called once", async () => {
  const world = new World();
  const gate = new Gate();
  const slow = stepOf("slow", async (n: number) => (await gate.pass(), n));
  const old = workflowOf("w", (n) => [known(n), slow(n)]);
  const next = workflowOf("w", (n) => [known(n), third(slow(n)), second(n)]);
  const { opened, run } = await beforeDeploy(world, old, next, gate);
  await world.happens(opened.tenfold.upgrade(run));
  await world.until("the new node is done", () => world.journal(run).includes("done second"));
  gate.open();
  await world.untilStatus(run, "completed");
  assert.equal(gate.entered, 1);
  assert.deepEqual(world.journal(run), ["chose when-input", "upgraded", "done second", "done slow", "done third"]);
});

test("a body that executes and is no part of the new graph keeps its run where it is", async () => {
  const world = new World();
  const gate = new Gate();
  const slow = stepOf("slow", async (n: number) => (await gate.pass(), n));
  const old = workflowOf("w", (n) => slow(n));
  const next = workflowOf("w", (n) => third(n));
  const { opened, run } = await beforeDeploy(world, old, next, gate);
  const { fit, upgraded, refused } = await world.happens(opened.tenfold.upgrade(run));
  assert.deepEqual([fit, upgraded], [1, 0]);
  assert.match(refused[0]!.reason, /its body is executing/);
  assert.equal(refused[0]!.node, "slow");
  gate.open();
  await world.untilStatus(run, "completed");
  assert.equal(graphOf(world, run), old.hash);
});

/** A run of `old` whose body runs in an old worker; the engine that is answered has the new code, and works nothing. */
async function beforeDeploy(world: World, old: any, next: any, gate: Gate) {
  const worker = await world.open([old]);
  const { id: run } = await world.happens(worker.tenfold.start(old, 1));
  await world.until("its body runs", () => gate.entered === 1);
  return { opened: await world.open([next], { work: false }), run };
}

/** In an arm that is not taken: so that the old worker has the code of what is new. */
function known(n: any): unknown {
  return when(eq(n, 99), () => third.as("known")(second.as("known-too")(n)));
}

test("a sleep is counted anew from when it began, and its timer is the new one", async () => {
  const world = new World();
  const old = workflowOf("w", (n) => [sleep.as("rest")("10 days"), first(n)]);
  const next = workflowOf("w", (n) => [sleep.as("rest")("2 days"), first(n)]);
  const { opened, run } = await waiting(world, old, next);
  const started = world.record(run).startedAt;
  await world.happens(opened.tenfold.upgrade(run));
  await world.untilStatus(run, "completed", 3 * 86_400_000);
  const slept = world.record(run).endedAt! - started;
  assert.ok(slept >= 2 * 86_400_000 && slept < 2.1 * 86_400_000, `${slept} ms`);
});

test("an approval is found by those who may decide in the new graph", async () => {
  const world = new World();
  const old = workflowOf("w", (n) => [first(n), approval({ ask: n, by: "kim" })]);
  const next = workflowOf("w", (n) => [first(n), approval({ ask: n, by: "lee" })]);
  const { opened, run } = await waiting(world, old, next);
  const asked = async (by: string) => {
    let found = 0;
    for await (const one of opened.tenfold.approvals({ by })) found += one.run === run ? 1 : 0;
    return found;
  };
  assert.deepEqual([await world.happens(asked("kim")), await world.happens(asked("lee"))], [1, 0]);
  await world.happens(opened.tenfold.upgrade(run));
  assert.deepEqual([await world.happens(asked("kim")), await world.happens(asked("lee"))], [0, 1]);
});

test("a parent goes on waiting for the same child", async () => {
  const world = new World();
  const child = workflowOf("child", (n) => derive(waitFor("go"), n, (_: unknown, value: unknown) => value));
  const old = workflowOf("w", (n) => call(child, n));
  const next = workflowOf("w", (n) => third(call(child, n)));
  const { opened, run } = await waiting(world, old, next);
  assert.equal((await world.happens(opened.tenfold.upgrade(run))).upgraded, 1);
  const children = () => world.records.filter(({ workflow }) => workflow === "child");
  assert.equal(children().length, 1);
  await world.happens(opened.tenfold.signal(children()[0]!.id, "go"));
  const { output } = await world.untilStatus(run, "completed");
  assert.equal(output, "1");
  assert.equal(children().length, 1);
});

test("what is recorded while the journal is read belongs to the move", async () => {
  const world = new World();
  const gate = new Gate();
  const load = async (...given: Parameters<typeof world.store.load>) => {
    const loaded = await world.store.load(...given);
    await gate.pass();
    return loaded;
  };
  const slow = withVerbs(world.store, { load });
  const { opened, run } = await waiting(world, OLD, NEW, false, slow);
  const { tenfold } = opened;
  const moved = tenfold.upgrade(run);
  await world.until("the journal is being read", () => gate.entered > 0);
  await world.happens(tenfold.signal(run, "go"));
  await world.until("it went on", () => world.journal(run).includes("done second"));
  assert.equal(world.record(run).status, "running");
  gate.open();
  assert.equal((await world.happens(moved)).upgraded, 1);
  await world.untilStatus(run, "completed");
  assert.deepEqual(world.journal(run).slice(-2), ["upgraded", "done third"]);
});

test("a worker that ends while a run is about to end leaves the move of it to the next", async () => {
  const world = new World();
  const stuck = withVerbs(world.store, { load: () => new Promise(() => {}) });
  const { opened, run } = await waiting(world, OLD, OLD, false, stuck);
  await world.store.putGraphs(0, [{ hash: NEW.hash, workflow: "w", graph: JSON.stringify(NEW.graph) }]);
  await send(world, run, NEW.hash);
  await world.passes(100);
  await world.happens(opened.tenfold.signal(run, "go"));
  await world.until("it would end", () => world.journal(run).includes("done second"));
  await world.happens(opened.tenfold.close());
  assert.equal(world.record(run).status, "running");
  await world.open([NEW]);
  await world.untilStatus(run, "completed");
  assert.deepEqual(world.journal(run).slice(-2), ["upgraded", "done third"]);
});

test("a filter moves all that fit, and counts the others by why", async () => {
  const world = new World();
  const before = await world.open([OLD], {}, world.store);
  const runs: string[] = [];
  for (let n = 0; n < 250; n++) runs.push((await world.happens(before.tenfold.start(OLD, n))).id);
  await world.passes(100);
  for (const run of runs.slice(0, 30)) await world.happens(before.tenfold.signal(run, "go"));
  await world.passes(100);
  await world.happens(before.tenfold.close());
  // Those that have ended are none of its business, and those that wait fit.
  const { tenfold } = await world.open([NEW]);
  const seen: number[] = [];
  const done = await world.happens(tenfold.upgrade({ workflow: "w" }, { onProgress: ({ found }) => seen.push(found) }));
  assert.deepEqual(done, { found: 220, fit: 220, upgraded: 220, refused: [], pending: 0, ended: 0 });
  assert.deepEqual(seen, [100, 200, 220]);
});

test("where nobody works, runs are told, and moved once somebody does", async () => {
  const world = new World();
  const { opened, run } = await waiting(world, OLD, OLD);
  await world.happens(opened.tenfold.close());
  const { tenfold } = await world.open([NEW], { work: false });
  const done = await world.happens(tenfold.upgrade(run));
  assert.deepEqual([done.upgraded, done.pending], [0, 1]);
  await world.open([NEW]);
  await world.until("it is moved", () => graphOf(world, run) === NEW.hash);
});

test("a run that has not begun, has ended, or is unknown is refused by name, and so is an option that is none", async () => {
  const world = new World();
  const { tenfold } = await world.open([OLD]);
  const later = await world.happens(tenfold.start(OLD, 1, { at: new Date(world.time.now + 1e6) }));
  await rejects(tenfold.upgrade(later.id), "RUN_WAITING", later.id, "has not begun");
  const { id } = await world.happens(tenfold.start(OLD, 1));
  await world.happens(tenfold.cancel(id));
  await world.untilStatus(id, "cancelled");
  await rejects(tenfold.upgrade(id), "RUN_FINISHED", id, "is cancelled");
  await rejects(tenfold.upgrade("nobody"), "RUN_UNKNOWN");
  await rejects(tenfold.upgrade({}), "OPTION_UNSUPPORTED", "Which runs is not said");
  await rejects(tenfold.upgrade({ workflow: "x" }), "WORKFLOW_UNKNOWN");
  await rejects(tenfold.upgrade({ workflow: "w" }, { dry: true } as object), "OPTION_UNSUPPORTED", "dry");
});

const VERBS = ["load", "commit", "mail", "claim", "graph"] as const;

for (const when of ["before", "after"] as const) {
  for (const parks of [true, false]) {
    test(`a worker that dies ${when} any verb of a move leaves a run that is moved once (${parks ? "parked" : "in memory"})`, async () => {
      let died = 0;
      for (let fatal = 1; fatal <= 12; fatal++) {
        const world = new World();
        let left = Infinity;
        const store = deadly(
          world,
          () => --left === 0,
          when,
          () => opened.clock.die(),
        );
        const { opened, run } = await waiting(world, OLD, NEW, parks, store);
        await world.store.putGraphs(0, [{ hash: NEW.hash, workflow: "w", graph: JSON.stringify(NEW.graph) }]);
        left = fatal;
        await send(world, run, NEW.hash);
        await world.passes(200);
        if (left <= 0) died++;
        opened.clock.die();
        const { tenfold } = await world.open([NEW]);
        await world.until("it is moved", () => graphOf(world, run) === NEW.hash);
        await world.happens(tenfold.signal(run, "go"));
        await world.untilStatus(run, "completed");
        assert.deepEqual(world.journal(run), ["done first", "upgraded", "signalled", "done both", "done second", "done third"]); // prettier-ignore
      }
    });
  }
}

/** The world's store for a worker that dies before or after a verb. */
function deadly(world: World, isFatal: () => boolean, when: "before" | "after", die: () => void) {
  const verbs = VERBS.map((name) => {
    const verb = async (...given: unknown[]) => {
      const dies = isFatal();
      if (dies && when === "before") return (die(), new Promise(() => {}));
      const answer = await (world.store[name] as (...all: unknown[]) => Promise<unknown>)(...given);
      if (dies) return (die(), new Promise(() => {}));
      return answer;
    };
    return [name, verb] as const;
  });
  return withVerbs(world.store, Object.fromEntries(verbs));
}
