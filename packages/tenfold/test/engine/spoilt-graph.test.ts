/** Laws of a graph that is not in its store as it was written: its runs are held, or stay where they are, and harm no other. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Store } from "../../src/store/store.ts";
import { MINUTE, rejects, stepOf, untyped, withVerbs, workflowOf, World } from "./world.ts";

const { after, approval, attempt, call, waitFor } = untyped;
const [first, second] = ["first", "second"].map((name) => stepOf(name, (input: unknown) => input ?? null));

const OLD = workflowOf("w", (n) => after(first(n), () => waitFor("go")));
const NEW = workflowOf("w", (n) => second(after(first(n), () => waitFor("go"))));
const OTHER = workflowOf("other", (n) => after(first(n), () => waitFor("go")));

/** What of a graph may be there instead of it. */
const SPOILT = [
  ["is no JSON", (graph: string) => graph.slice(0, 40)],
  ["is no graph", () => '{"format":1,"workflow":"w","nodes":[],"scopes":[]}'],
  ["is another graph", (graph: string) => graph.replaceAll('"go"', '"no"')],
] as const;

/** The world's store, with what it has under one hash spoilt. */
function spoilt(world: World, hash: string, spoil: (graph: string) => string): Store {
  return withVerbs(world.store, {
    graph: async (lane, name) => {
      const stored = await world.store.graph(lane, name);
      return stored === undefined || name !== hash ? stored : { ...stored, graph: spoil(stored.graph) };
    },
  });
}

/** Runs of these workflows that wait for a signal, and whose workers have left. */
async function waiting(world: World, ...flows: readonly any[]): Promise<string[]> {
  const { tenfold } = await world.open(flows);
  const runs: string[] = [];
  for (const flow of flows) runs.push((await world.happens(tenfold.start(flow, 1))).id);
  await world.passes(MINUTE);
  await world.happens(tenfold.close());
  return runs;
}

for (const [what, spoil] of SPOILT) {
  test(`a run whose graph ${what} is held and says so, the others go on, and it does with the graph restored`, async () => {
    const world = new World();
    const [run, other] = (await waiting(world, OLD, OTHER)) as [string, string];
    const client = await world.open([NEW, OTHER], { work: false });
    const bad = await world.open([NEW, OTHER], {}, spoilt(world, OLD.hash, spoil));
    for (const id of [run, other]) await world.happens(client.tenfold.signal(id, "go", "gone"));
    const { error } = await world.untilStatus(run, "held");
    assert.match(error!, /STORE_CORRUPT.*The run is held\. The graph \S+ .*backup/);
    await world.untilStatus(other, "completed");
    await rejects(world.happens(bad.tenfold.graphOf(run)), "STORE_CORRUPT", OLD.hash);
    const why = await world.happens(bad.tenfold.why(run));
    assert.deepEqual([why.status, why.waits, why.error?.code], ["held", [], "STORE_CORRUPT"]);
    await world.happens(bad.tenfold.close());
    const good = await world.open([NEW, OTHER]);
    await world.happens(good.tenfold.retry(run));
    assert.equal(await world.happens(good.tenfold.run(run).result()), "gone");
  });

  test(`of runs that are looked at, those whose graph ${what} are counted with why, and the others are moved`, async () => {
    const world = new World();
    const WAS = workflowOf("w", (n) => [first(n), waitFor("go")]);
    const [bad] = (await waiting(world, WAS)) as [string];
    const [run] = (await waiting(world, OLD)) as [string];
    const { tenfold } = await world.open([NEW], {}, spoilt(world, WAS.hash, spoil));
    const { workflows } = await world.happens(tenfold.plan());
    const counted = workflows[0]!.graphs.flatMap(({ refused, fit }) => [fit, ...refused.map(({ reason }) => reason)]);
    assert.deepEqual([counted[0], counted[1], counted.length], [1, 0, 3]);
    assert.match(String(counted[2]), new RegExp(`graph ${WAS.hash}`));
    const done = await world.happens(tenfold.upgrade({ workflow: "w" }));
    assert.deepEqual([done.found, done.upgraded, done.refused.map((one) => one.run)], [2, 1, [bad]]);
    assert.equal(world.record(run).graph, NEW.hash);
  });

  test(`a run that is told to go on with a graph that ${what} is refused, and goes on as before`, async () => {
    for (const isParked of [true, false]) {
      const world = new World();
      const store = spoilt(world, NEW.hash, spoil);
      const { tenfold } = await world.open([OLD], isParked ? {} : { limits: { parkAfterMs: Infinity } }, store);
      const run = await world.happens(tenfold.start(OLD, 1));
      await world.passes(MINUTE);
      await world.store.putGraphs(0, [{ hash: NEW.hash, workflow: "w", graph: JSON.stringify(NEW.graph) }]);
      const message = { key: "u1", body: { kind: "upgrade" as const, graph: NEW.hash }, at: world.time.now };
      await world.store.send(0, [{ run: run.id, message, reopens: false }], world.time.now);
      await world.until("it was refused", () => world.journal(run.id).includes("upgraded"));
      assert.equal(world.record(run.id).graph, OLD.hash);
      await world.happens(tenfold.signal(run.id, "go", "gone"));
      assert.equal(await world.happens(run.result()), "gone");
    }
  });
}

test("a child whose graph is spoilt stops nobody, and tells its parent once it is cancelled", async () => {
  const world = new World(2);
  const caught = stepOf("caught", (error: { code: string }) => error.code);
  const parent = workflowOf("parent", (n) => attempt(() => call(OLD, n), (error: unknown) => caught(error))); // prettier-ignore
  const [run] = (await waiting(world, parent)) as [string];
  const child = world.records.find(({ workflow }) => workflow === "w")!.id;
  const anew = workflowOf("parent", (n) => attempt(() => call(NEW, n), (error: unknown) => caught(error))); // prettier-ignore
  const { tenfold } = await world.open([anew], {}, spoilt(world, OLD.hash, SPOILT[1][1]));
  const client = await world.open([anew], { work: false });
  await world.happens(client.tenfold.signal(child, "go"));
  await world.untilStatus(child, "held");
  await world.happens(tenfold.cancel(child));
  assert.equal(await world.happens(tenfold.run(run).result()), "CHILD_CANCELLED");
});

test("whoever lists what people are asked, or retries many, is told of one whose graph is spoilt, and of the others as ever", async () => {
  const world = new World();
  const asks = (name: string) => workflowOf(name, (n) => [first(n), approval({ ask: n })]);
  const [WAS, IS] = [asks("w"), asks("other")];
  const [bad, good] = (await waiting(world, WAS, IS)) as [string, string];
  const store = spoilt(world, WAS.hash, SPOILT[1][1]);
  const { tenfold, log } = await world.open([OLD, IS], {}, store);
  const asked = await world.happens(Array.fromAsync(tenfold.approvals()));
  assert.deepEqual(asked.map(({ run }) => run), [good]); // prettier-ignore
  assert.ok(log.some(({ message }) => message.includes(bad) && message.includes("backup")));
  await world.happens(tenfold.cancel({ status: "running" }));
  for (const run of [bad, good]) await world.untilStatus(run, "cancelled");
  const done = await world.happens(tenfold.retry({ status: "cancelled" }, { from: "first" }));
  const [refusal] = done.refusals!;
  assert.deepEqual([done.found, done.changed, refusal?.run, refusal?.code], [2, 1, bad, "STORE_CORRUPT"]);
});
