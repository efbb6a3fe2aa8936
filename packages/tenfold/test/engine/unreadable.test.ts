/** Laws of a run whose journal, or mail, goes against the rules: it is held, says so, and harms no other. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { ClaimedRun, Message, Store } from "../../src/store/store.ts";
import { laneOfRun } from "../../src/value/id.ts";
import { MINUTE, stepOf, untyped, withVerbs, workflowOf, World } from "./world.ts";

const { after, approval, attempt, call, waitFor } = untyped;

const work = stepOf("work", (n: number) => n * 2);
const flow = workflowOf("w", (n) => after(work(n), () => waitFor("go")));

/** A store of which one run's journal is read otherwise than it is. */
function broken(world: World, run: () => string, line: (line: ClaimedRun["journal"][number]) => object): Store {
  const spoilt = (claimed: readonly ClaimedRun[]) =>
    claimed.map((one) => (one.id === run() ? { ...one, journal: one.journal.map((each) => ({ ...each, ...line(each) })) } : one)); // prettier-ignore
  return withVerbs(world.store, {
    claim: async (...given) => spoilt(await world.store.claim(...given)),
    load: async (...given) => spoilt(await world.store.load(...given)),
  });
}

for (const [what, line] of [
  ["names a node that there is none of", () => ({ node: "elsewhere" })],
  ["is of a kind that nobody knows", () => ({ kind: "undone" })],
] as const) {
  for (const way of ["retry", "cancel"] as const) {
    test(`a run of whose journal a line ${what} is held, the others go on, and ${way} is its way on`, async () => {
      const world = new World();
      const first = await world.open([flow]);
      const run = await world.happens(first.tenfold.start(flow, 1));
      const other = await world.happens(first.tenfold.start(flow, 2));
      await world.passes(MINUTE);
      await world.happens(first.tenfold.close());
      const bad = await world.open(
        [flow],
        {},
        broken(world, () => run.id, line),
      );
      for (const { id } of [run, other]) await world.happens(bad.tenfold.signal(id, "go", "gone"));
      const { error } = await world.untilStatus(run.id, "held");
      assert.match(error!, /JOURNAL_UNREADABLE.*1 entries cannot be replayed/);
      await world.untilStatus(other.id, "completed");
      assert.deepEqual(bad.log.map(({ message, facts }) => [message, facts["run"]]), [["a run cannot be replayed; the others go on", run.id]]); // prettier-ignore
      if (way === "cancel") {
        await world.happens(bad.tenfold.cancel(run.id));
        await world.untilStatus(run.id, "cancelled");
      } else {
        await world.happens(bad.tenfold.retry(run.id));
        await world.passes(MINUTE);
        assert.equal(world.record(run.id).status, "held", "nothing has changed");
        await world.happens(bad.tenfold.close());
        const good = await world.open([flow]);
        await world.happens(good.tenfold.retry(run.id));
        assert.equal(await world.happens(good.tenfold.run(run.id).result()), "gone");
        assert.deepEqual(world.journal(run.id), ["done work", "signalled", "retried"]);
      }
    });
  }
}

test("of runs that are looked at, those whose journals cannot be replayed are told together, and the others are moved", async () => {
  const world = new World();
  const first = await world.open([flow]);
  const start = async (n: number) => (await world.happens(first.tenfold.start(flow, n))).id;
  const runs = [await start(1), await start(2), await start(3)];
  await world.passes(MINUTE);
  await world.happens(first.tenfold.close());
  const bad = new Set(runs.slice(1));
  const journal: Store["journal"] = async (lane, run) => {
    const lines = await world.store.journal(lane, run);
    return bad.has(run) ? lines.map((line) => ({ ...line, node: "elsewhere" })) : lines;
  };
  const next = workflowOf("w", (n) => [work.as("more")(n), after(work(n), () => waitFor("go"))]);
  const { tenfold } = await world.open([next], {}, withVerbs(world.store, { journal }));
  const { workflows } = await world.happens(tenfold.plan());
  const done = await world.happens(tenfold.upgrade({ workflow: "w" }));
  assert.deepEqual([done.found, done.upgraded, workflows[0]!.graphs[0]!.fit], [3, 1, 1]);
  for (const { refused } of [done, workflows[0]!.graphs[0]!]) {
    assert.deepEqual(refused.map((one) => one.runs), [2]); // prettier-ignore
    assert.match(refused[0]!.reason, new RegExp(`${refused[0]!.run} cannot be replayed`));
  }
});

test("a message that goes against the rules has its run held, not what it says, and its worker works on", async () => {
  const world = new World();
  const asks = workflowOf("asks", () => approval({ ask: "really?", by: "role:boss" }));
  const { tenfold } = await world.open([asks, flow]);
  const run = await world.happens(tenfold.start(asks, 1));
  const other = await world.happens(tenfold.start(flow, 2));
  await world.passes(100);
  const body = { kind: "decide", node: "approval", verdict: "approved", by: "kim" } as Message["body"];
  const message: Message = { key: "without roles", body, at: world.time.now };
  await world.store.send(laneOfRun(run.id)!, [{ run: run.id, message, reopens: false }], world.time.now);
  await world.untilStatus(run.id, "held");
  assert.match(world.record(run.id).error!, /JOURNAL_UNREADABLE/);
  assert.deepEqual(world.journal(run.id), []);
  await world.happens(tenfold.signal(other.id, "go", "gone"));
  assert.equal(await world.happens(other.result()), "gone");
  await world.happens(tenfold.cancel(run.id));
  await world.untilStatus(run.id, "cancelled");
});

test("a child that cannot be replayed and is cancelled tells its parent, which would wait for it for ever", async () => {
  const world = new World(2);
  const caught = stepOf("caught", (error: { code: string }) => error.code);
  const parent = workflowOf("parent", (n) => attempt(() => call(flow, n), (error: unknown) => caught(error))); // prettier-ignore
  const first = await world.open([parent]);
  const run = await world.happens(first.tenfold.start(parent, 1));
  await world.passes(MINUTE);
  await world.happens(first.tenfold.close());
  const child = world.records.find(({ workflow }) => workflow === "w")!.id;
  const line = ({ kind }: { kind: string }) => (kind === "done" ? { node: "elsewhere" } : {});
  const { tenfold } = await world.open([parent], {}, broken(world, () => child, line)); // prettier-ignore
  await world.happens(tenfold.signal(child, "go"));
  await world.untilStatus(child, "held");
  await world.passes(MINUTE);
  assert.equal(world.record(run.id).status, "running");
  await world.happens(tenfold.cancel(child));
  assert.equal(await world.happens(tenfold.run(run.id).result()), "CHILD_CANCELLED");
});
