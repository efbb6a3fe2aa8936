/** Laws of runs that are held because workers die on them, and of their way on. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Store } from "../../src/store/store.ts";
import { Gate, stepOf, withVerbs, workflowOf, World, type OpenedEngine } from "./world.ts";

/** Brings a run so far that its engine died on it `count` times while its body ran. */
async function dies(
  world: World,
  opened: OpenedEngine,
  reopen: () => Promise<OpenedEngine>,
  isRunning: () => boolean,
  count: number,
): Promise<OpenedEngine> {
  let living = opened;
  for (let death = 0; death < count; death++) {
    await world.until("the body runs", isRunning);
    living.clock.die();
    living = await reopen();
  }
  return living;
}

for (const way of ["retry", "cancel"] as const) {
  test(`a run on which three workers died is held, and ${way} is its way on`, async () => {
    const world = new World();
    let entered = 0;
    let deaths = 0;
    const deadly = stepOf("deadly", () => {
      entered++;
      return deaths < 3 ? new Promise(() => {}) : "survived";
    });
    const flow = workflowOf("w", (n) => deadly(n));
    const reopen = () => world.open([flow]);
    const isRunning = () => entered > deaths && (deaths++, true);
    let opened = await reopen();
    const run = await world.happens(opened.tenfold.start(flow, 1));
    opened = await dies(world, opened, reopen, isRunning, 3);
    const waiting = opened.tenfold.run(run.id).outcome();
    const { error, endedAt } = await world.untilStatus(run.id, "held");
    assert.match(error ?? "", /RUN_HELD.*3 workers died/);
    assert.equal(endedAt, null);
    assert.equal(entered, 3);
    await world.passes(60_000);
    await world.happens(opened.tenfold[way](run.id));
    const { output } = await world.untilStatus(run.id, way === "retry" ? "completed" : "cancelled");
    assert.equal(output, way === "retry" ? '"survived"' : null);
    assert.equal((await world.happens(waiting)).status, way === "retry" ? "completed" : "cancelled");
    assert.equal(entered, way === "retry" ? 4 : 3);
  });
}

test("a retry that comes while a run is on its way to being held has it go on", async () => {
  const world = new World();
  const gate = new Gate();
  const slow = withVerbs(world.store, {
    commit: async (lease, batch, now) => {
      if (batch.some(({ then }) => then.kind === "end" && then.status === "held")) await gate.pass();
      return world.store.commit(lease, batch, now);
    },
  });
  let entered = 0;
  let deaths = 0;
  const flow = workflowOf("w", (n) => stepOf("s", () => (++entered <= 3 ? new Promise(() => {}) : "survived"))(n));
  const reopen = () => world.open([flow], {}, slow);
  const first = await reopen();
  const run = await world.happens(first.tenfold.start(flow, 1));
  await dies(world, first, reopen, () => entered > deaths && (deaths++, true), 3);
  await world.until("it is about to be held", () => gate.entered === 1);
  const message = { key: "r1", body: { kind: "retry" as const }, at: world.time.now };
  await world.store.send(0, [{ run: run.id, message, reopens: true }], world.time.now);
  await world.passes(2000);
  gate.open();
  await world.untilStatus(run.id, "completed");
  assert.equal(entered, 4);
});

test("deaths count only while the journal does not grow: a long run that loses a worker now and then is not held", async () => {
  const world = new World();
  let entered = 0;
  const step = stepOf("s", async () => {
    entered++;
    await world.time.wait(20_000);
    return null;
  });
  const flow = workflowOf("w", (n) => {
    let last: unknown = n;
    for (let index = 0; index < 10; index++) last = step.as(`s${index}`)(last);
    return last;
  });
  let opened = await world.open([flow]);
  const run = await world.happens(opened.tenfold.start(flow, 1));
  for (let death = 0; death < 5; death++) {
    const before = entered;
    await world.until("another step runs, after one was done", () => entered > before + 1);
    opened.clock.die();
    opened = await world.open([flow]);
  }
  await world.untilStatus(run.id, "completed");
});

test("a run of new code that an old worker was given, and held, goes on once that worker has left", async () => {
  const world = new World();
  const old = await world.open([workflowOf("w", (n) => stepOf("first", () => 1)(n))]);
  const next = workflowOf("w", (n) => stepOf("second", () => 2)(n));
  let hasLeft = false;
  const claim: Store["claim"] = (...given) => (hasLeft ? world.store.claim(...given) : Promise.resolve([]));
  const fresh = await world.open([next], {}, withVerbs(world.store, { claim }));
  await world.open([next], {}, withVerbs(world.store, { claim }));
  const { engine } = await world.open([next], { work: false });
  const [lane, start] = [0, { id: engine.newId(0), workflow: "w", graph: next.hash, tenant: "", input: "1" }];
  await world.happens(engine.start(lane, [{ ...start, key: null, attributes: [], at: null }]));
  assert.match((await world.untilStatus(start.id, "held")).error ?? "", /STEP_UNKNOWN/);
  await world.passes(60_000);
  assert.equal(world.record(start.id).status, "held");
  hasLeft = true;
  await world.happens(old.tenfold.close());
  await world.untilStatus(start.id, "completed");
  // However many saw it leave, it was told once.
  assert.deepEqual(world.journal(start.id), ["retried", "done second"]);
  assert.ok(fresh.engine.isReady);
});
