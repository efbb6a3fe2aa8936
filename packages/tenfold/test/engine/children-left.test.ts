/** Laws of what is left of calls: children that nobody needs any more, that were removed, or that come too late. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Store } from "../../src/store/store.ts";
import { TenfoldError } from "../../src/value/error.ts";
import { dyingWorker } from "./dying-worker.ts";
import { MINUTE, stepOf, untyped, withVerbs, workflowOf, World } from "./world.ts";

const { approval, call, each, waitFor } = untyped;

const childrenIn = (world: World) => world.records.filter(({ workflow }) => workflow === "child");
const once = { retry: { attempts: 1 } };

test("a parent that is retried after its child was removed hears of the new one, as long a journal as it may have", async () => {
  const world = new World(2);
  let isBroken = true;
  const shaky = stepOf("shaky", () => { if (isBroken) throw new Error("no"); return "well"; }, once); // prettier-ignore
  const child = workflowOf("child", (n) => shaky(n));
  const parent = workflowOf("parent", (n) => call(child, n));
  const { tenfold } = await world.open([parent]);
  const run = await world.happens(tenfold.start(parent, 1));
  await world.untilStatus(run.id, "failed");
  await world.passes(120 * MINUTE);
  const { pruned } = await world.happens(tenfold.prune({ workflow: "child" }, { olderThan: "1 hour" }));
  assert.equal(pruned, 1);
  isBroken = false;
  await world.happens(tenfold.retry(run.id));
  assert.equal(await world.happens(run.result()), "well");
});

test("of runs that call each other, those in the middle may be removed: one retry of the first has the last go on", async () => {
  const world = new World(2);
  let isBroken = true;
  const shaky = stepOf("shaky", () => { if (isBroken) throw new Error("no"); return "well"; }, once); // prettier-ignore
  const last = workflowOf("last", (n) => shaky(n));
  const middle = workflowOf("middle", (n) => call(last, n));
  const second = workflowOf("second", (n) => call(middle, n));
  const parent = workflowOf("parent", (n) => call(second, n));
  const { tenfold } = await world.open([parent]);
  const run = await world.happens(tenfold.start(parent, 1));
  await world.untilStatus(run.id, "failed");
  await world.passes(120 * MINUTE);
  for (const workflow of ["second", "middle"])
    assert.equal((await world.happens(tenfold.prune({ workflow }, { olderThan: "1 hour" }))).pruned, 1);
  isBroken = false;
  await world.happens(tenfold.retry(run.id));
  assert.equal(await world.happens(run.result()), "well");
  assert.equal(world.records.filter(({ workflow }) => workflow === "last").length, 1);
});

test("a request that cannot be shown lets the children go that were to show it", async () => {
  const world = new World();
  const breaks = stepOf("breaks", async () => { await world.time.wait(1000); throw new Error("no"); }, once); // prettier-ignore
  const child = workflowOf("child", () => waitFor("go"));
  const show = ({ ask }: any) => ({ a: call(child, ask), b: breaks(1) });
  const parent = workflowOf("parent", (n) => approval({ ask: n, show }));
  const { tenfold } = await world.open([parent]);
  const run = await world.happens(tenfold.start(parent, "really?"));
  await world.untilStatus(run.id, "failed");
  await world.until("the child is let go", () => childrenIn(world)[0]?.status === "cancelled");
});

test("whichever verb its worker dies before or after, a parent that is cancelled lets children with keys go", async () => {
  for (let nth = 10; nth <= 25; nth++) {
    for (const when of ["before", "after"] as const) {
      const world = new World(2);
      const child = workflowOf("child", () => waitFor("go"), { key: (n: number) => `key ${n}` });
      const parent = workflowOf("parent", (items) => each(items, (n: unknown) => call(child, n)));
      const client = await world.open([parent], { work: false });
      const run = await world.happens(client.tenfold.start(parent, [1, 2, 3]));
      const dying = await dyingWorker(world, parent, nth, when);
      await world.passes(300);
      await world.happens(client.tenfold.cancel(run.id));
      await world.passes(1000);
      dying.clock.die();
      await world.open([parent], { leaseMs: 3000, beatMs: 1000 });
      await world.untilStatus(run.id, "cancelled");
      await world.until(`all are cancelled, dying ${when} verb ${nth}`, () =>
        childrenIn(world).every(({ status }) => status === "cancelled"),
      );
    }
  }
});

test("a run that fails starts no child that was not asked for yet; retried, it does", async () => {
  const world = new World(2);
  let isBroken = true;
  let isOut = false;
  const breaks = stepOf("breaks", async () => { await world.time.wait(1000); if (isBroken) throw new Error("no"); return "well"; }, once); // prettier-ignore
  const long = stepOf("long", async () => { await world.time.wait(MINUTE); return "done"; }); // prettier-ignore
  const child = workflowOf("child", (n) => n);
  const parent = workflowOf("parent", (n) => ({ a: call(child, n), b: breaks(n), c: long(n) }));
  const start: Store["start"] = (lane, starts, ...rest) => {
    const isRefused = isOut && starts.some(({ workflow }) => workflow === "child");
    return isRefused ? Promise.reject(new TenfoldError("STORE_BUSY", "not now")) : world.store.start(lane, starts, ...rest); // prettier-ignore
  };
  const { tenfold } = await world.open([parent], {}, withVerbs(world.store, { start }));
  isOut = true;
  const run = await world.happens(tenfold.start(parent, 1));
  await world.passes(2000);
  isOut = false;
  await world.untilStatus(run.id, "failed");
  await world.passes(MINUTE);
  assert.equal(childrenIn(world).length, 0);
  isBroken = false;
  await world.happens(tenfold.retry(run.id));
  assert.deepEqual(await world.happens(run.result()), { a: 1, b: "well", c: "done" });
});

test("a child that several calls wait for goes on as long as one of them does, and is cancelled with the last", async () => {
  for (const isOneParent of [false, true]) {
    for (const lets of ["both", "starter"] as const) {
      const world = new World(3);
      const child = workflowOf("child", () => waitFor("go"), { key: () => "the same" });
      const breaks = stepOf("breaks", async (ms: number) => { if (ms === 0) return 0; await world.time.wait(ms); throw new Error("no"); }, once); // prettier-ignore
      const item = (ms: unknown) => ({ child: call(child, 1), broken: breaks(ms) });
      const parent = workflowOf("parent", (items) => each(items, item, { onError: "collect" }));
      const { tenfold } = await world.open([parent]);
      const times = [MINUTE, lets === "both" ? 2 * MINUTE : 0];
      const runs: { id: string }[] = [];
      for (const given of isOneParent ? [times] : times.map((ms) => [ms])) {
        runs.push(await world.happens(tenfold.start(parent, given)));
        await world.until("the child waits", () => childrenIn(world)[0]?.status === "running");
        await world.passes(100);
      }
      const { id } = childrenIn(world)[0]!;
      await world.passes(1.5 * MINUTE);
      assert.equal(world.record(id).status, "running");
      if (lets === "both") await world.untilStatus(id, "cancelled");
      else {
        await world.happens(tenfold.signal(id, "go", "gone"));
        const results = JSON.parse((await world.untilStatus(runs.at(-1)!.id, "completed")).output!) as { ok: boolean; value?: { child: string } }[]; // prettier-ignore
        assert.equal(results.at(-1)!.value?.child, "gone");
      }
      assert.equal(childrenIn(world).length, 1);
    }
  }
});

test("a run that others started is never cancelled for those that joined it, in whatever order they let it go", async () => {
  const world = new World(2);
  const child = workflowOf("child", () => waitFor("go"), { key: () => "the same" });
  const parent = workflowOf("parent", (n) => call(child, n));
  const { tenfold } = await world.open([parent, child]);
  const known = await world.happens(tenfold.start(child, 1));
  const parents = [await world.happens(tenfold.start(parent, 1)), await world.happens(tenfold.start(parent, 1))];
  await world.passes(MINUTE);
  for (const { id } of parents) await world.happens(tenfold.cancel(id));
  for (const { id } of parents) await world.untilStatus(id, "cancelled");
  await world.passes(MINUTE);
  assert.equal(world.record(known.id).status, "running");
  await world.happens(tenfold.retry(parents[0]!.id));
  await world.passes(MINUTE);
  await world.happens(tenfold.signal(known.id, "go", "gone"));
  assert.equal(await world.happens(parents[0]!.result()), "gone");
});
