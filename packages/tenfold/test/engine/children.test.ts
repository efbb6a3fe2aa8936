/** Laws of calls: a child is one run, whatever crashes; what came of it, and what becomes of its parent, is told. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { MemoryStore } from "../../src/store/memory.ts";
import type { Store } from "../../src/store/store.ts";
import { laneOfRun } from "../../src/value/id.ts";
import { dyingWorker } from "./dying-worker.ts";
import { MINUTE, rejects, stepOf, untyped, workflowOf, World } from "./world.ts";

const { attempt, call, each, waitFor } = untyped;

const twice = stepOf("twice", (n: number) => n * 2);
const childrenIn = (world: World) => world.records.filter(({ workflow }) => workflow === "child");
const childOf = (world: World) => {
  const [only, ...more] = childrenIn(world);
  assert.ok(only !== undefined && more.length === 0, `there are ${more.length + (only ? 1 : 0)} children`);
  return only;
};

test("a call is done with what its child puts out; the parent waits in no worker's memory", async () => {
  for (const lanes of [1, 2]) {
    const world = new World(lanes);
    const slow = stepOf("slow", async (n: number) => {
      await world.time.wait(10 * MINUTE);
      return n * 2;
    });
    const child = workflowOf("child", (n) => slow(n));
    const parent = workflowOf("parent", (n) => ({ got: call(child, n) }));
    const { tenfold, engine } = await world.open([parent]);
    const run = await world.happens(tenfold.start(parent, 21, { tenant: "acme" }));
    await world.passes(5 * MINUTE);
    assert.equal(engine.held, 1, "only the child is at work");
    assert.deepEqual(await world.happens(run.result()), { got: 42 });
    assert.deepEqual(world.journal(run.id), ["called call-child", "returned call-child"]);
    assert.equal(childOf(world).tenant, "acme");
    assert.deepEqual(world.journal(childOf(world).id), ["attached", "done slow"]);
  }
});

test("a call of each of 1,000 items writes a line or two for each", async () => {
  const world = new World(2);
  const child = workflowOf("child", (n) => twice(n));
  const parent = workflowOf("parent", (items) => each(items, (n: unknown) => call(child, n)));
  const { tenfold } = await world.open([parent]);
  const items = Array.from({ length: 1000 }, (_, index) => index);
  const run = await world.happens(tenfold.start(parent, items));
  assert.deepEqual(await world.happens(run.result()), items.map((n) => n * 2)); // prettier-ignore
  assert.equal(world.records.length, 1001);
  assert.equal(new Set(world.records.map(({ id }) => laneOfRun(id))).size, 2, "children spread over the lanes");
  assert.ok(world.journal(run.id).length <= 2000);
});

test("a tree of depth 6 is 127 runs of one workflow that calls itself", async () => {
  const world = new World(2);
  const sum = stepOf("sum", ({ of }: { of: number[] }) => of.reduce((a, b) => a + b, 1));
  const below = stepOf("below", (depth: number) => (depth === 0 ? [] : [depth - 1, depth - 1]));
  const tree: any = workflowOf("tree", (depth) =>
    sum({ of: each(below(depth), (next: unknown) => call(() => tree, next)) }),
  );
  const { tenfold } = await world.open([tree]);
  const run = await world.happens(tenfold.start(tree, 6));
  assert.equal(await world.happens(run.result()), 127);
  assert.equal(world.records.length, 127);
});

test("a child that fails fails its call; the parent's retry has the same child go on, in whichever lane it is", async () => {
  for (const lanes of [1, 2, 3]) {
    const world = new World(lanes);
    let isBroken = true;
    const shaky = stepOf("shaky", (n: number) => { if (isBroken) throw new Error("no paper"); return n; }, { retry: { attempts: 1 } }); // prettier-ignore
    const child = workflowOf("child", (n) => shaky(twice(n)));
    const parent = workflowOf("parent", (n) => call(child, n));
    const { tenfold } = await world.open([parent]);
    const run = await world.happens(tenfold.start(parent, 1));
    const failed = await world.untilStatus(run.id, "failed");
    const { id } = childOf(world);
    const error = JSON.parse(failed.error!) as { code: string; message: string; node: string };
    assert.deepEqual([error.code, error.node], ["CHILD_FAILED", "call-child"]);
    assert.ok(error.message.includes(id) && error.message.includes("no paper"), error.message);
    isBroken = false;
    await world.happens(tenfold.retry(run.id));
    assert.equal(await world.happens(run.result()), 2);
    assert.equal(childOf(world).id, id);
    assert.equal(world.journal(id).filter((line) => line === "done twice").length, 1);
  }
});

test("a child's own retry does not move a parent that has failed; the parent's retry finds the child completed", async () => {
  const world = new World(2);
  let isBroken = true;
  const shaky = stepOf("shaky", () => { if (isBroken) throw new Error("no"); return "well"; }, { retry: { attempts: 1 } }); // prettier-ignore
  const child = workflowOf("child", (n) => shaky(n));
  const parent = workflowOf("parent", (n) => call(child, n));
  const { tenfold } = await world.open([parent]);
  const run = await world.happens(tenfold.start(parent, 1));
  await world.untilStatus(run.id, "failed");
  isBroken = false;
  await world.happens(tenfold.retry(childOf(world).id));
  await world.untilStatus(childOf(world).id, "completed");
  await world.passes(MINUTE);
  assert.equal(world.record(run.id).status, "failed");
  await world.happens(tenfold.retry(run.id));
  assert.equal(await world.happens(run.result()), "well");
});

test("a cancel goes down to children and theirs, and a retry of the first brings all of them back", async () => {
  const world = new World(2);
  const child = workflowOf("child", () => waitFor("go"));
  const middle = workflowOf("middle", (n) => call(child, n));
  const parent = workflowOf("parent", (n) => call(middle, n));
  const { tenfold } = await world.open([parent]);
  const run = await world.happens(tenfold.start(parent, 1));
  await world.until("the child waits", () => childrenIn(world).some(({ status }) => status === "running"));
  await world.passes(MINUTE);
  await world.happens(tenfold.cancel(run.id));
  const all = (status: string) => world.records.every((row) => row.status === status);
  await world.until("all are cancelled", () => all("cancelled"));
  await world.happens(tenfold.retry(run.id));
  await world.until("all run again", () => all("running"));
  await world.passes(MINUTE);
  await world.happens(tenfold.signal(childOf(world).id, "go", "gone"));
  assert.equal(await world.happens(run.result()), "gone");
  assert.equal(world.records.length, 3);
});

test("a cancelled child fails its call, and a parent may catch that", async () => {
  const world = new World(2);
  const child = workflowOf("child", () => waitFor("go"));
  const parent = workflowOf("parent", (n) => attempt(() => call(child, n), (error: any) => stepOf("caught", (e: any) => e.code)(error))); // prettier-ignore
  const { tenfold } = await world.open([parent]);
  const run = await world.happens(tenfold.start(parent, 1));
  await world.until("the child waits", () => childrenIn(world).some(({ status }) => status === "running"));
  await world.happens(tenfold.cancel(childOf(world).id));
  assert.equal(await world.happens(run.result()), "CHILD_CANCELLED");
});

test("a body that is caught lets its other children go", async () => {
  const world = new World(2);
  const child = workflowOf("child", () => waitFor("go"));
  const breaks = stepOf("breaks", () => { throw new Error("no"); }, { retry: { attempts: 1 } }); // prettier-ignore
  const parent = workflowOf("parent", (n) => attempt(() => ({ a: call(child, n), b: breaks(n) }), () => stepOf("caught", () => "well")(1))); // prettier-ignore
  const { tenfold } = await world.open([parent]);
  const run = await world.happens(tenfold.start(parent, 1));
  assert.equal(await world.happens(run.result()), "well");
  await world.until("nothing is left", () => childrenIn(world).every(({ status }) => status === "cancelled"));
});

test("what is called with a known key is joined, with another input refused, and never cancelled for its parent", async () => {
  const world = new World(2);
  const child = workflowOf("child", () => waitFor("go"), { key: ({ id }: { id: string }) => id });
  const parent = workflowOf("parent", (n) => call(child, n));
  const { tenfold } = await world.open([parent]);
  const known = await world.happens(tenfold.start(child, { id: "A-1" }));
  const [first, second] = [await world.happens(tenfold.start(parent, { id: "A-1" })), await world.happens(tenfold.start(parent, { id: "A-1" }))]; // prettier-ignore
  await world.until("both wait", () => world.journal(known.id).length === 2);
  const other = await world.happens(tenfold.start(parent, { id: "A-1", more: true }));
  await rejects(world.happens(other.result()), "RUN_FAILED", "under this key with another input");
  await world.happens(tenfold.cancel(second.id));
  await world.untilStatus(second.id, "cancelled");
  await world.passes(MINUTE);
  await world.happens(tenfold.signal(known.id, "go", 7));
  assert.equal(await world.happens(first.result()), 7);
  assert.equal(childOf(world).id, known.id);
  const late = await world.happens(tenfold.start(parent, { id: "A-1" }));
  assert.equal(await world.happens(late.result()), 7, "it had ended before it was asked");
});

test("a call that would wait for its own run is refused", async () => {
  const world = new World();
  const self: any = workflowOf("self", (n) => call(() => self, n), { key: () => "same" });
  const { tenfold } = await world.open([self]);
  const run = await world.happens(tenfold.start(self, 1));
  await rejects(world.happens(run.result()), "RUN_FAILED", "would wait for itself");
});

test("an input that the child's schema refuses fails the call, and no child exists", async () => {
  const { z } = await import("zod");
  const world = new World(2);
  const child = workflowOf("child", (n) => twice(n), { input: z.number() });
  const parent = workflowOf("parent", (n) => call(child, n));
  const { tenfold } = await world.open([parent]);
  const run = await world.happens(tenfold.start(parent, "one"));
  await rejects(world.happens(run.result()), "RUN_FAILED", "does not fit the schema");
  assert.equal(childrenIn(world).length, 0);
});

test("a workflow that is called by its name and is not here holds the run, until it is", async () => {
  const world = new World(2);
  const parent = workflowOf("parent", (n) => call("child", n));
  const first = await world.open([parent]);
  const run = await world.happens(first.tenfold.start(parent, 2));
  const held = await world.untilStatus(run.id, "held");
  assert.match(held.error!, /workflow \\"child\\" that call-child/);
  await world.happens(first.tenfold.close());
  const { tenfold } = await world.open([parent, workflowOf("child", (n) => twice(n))]);
  assert.equal(await world.happens(tenfold.run(run.id).result()), 4);
});

test("whichever verb its worker dies before or after, a call has one child, whose end it is told; cancelled, nothing is left", async () => {
  for (const isCancelled of [false, true]) {
    for (let nth = 1; nth <= 60; nth++) {
      for (const when of ["before", "after"] as const) {
        const world = new World(2);
        const child = workflowOf("child", (n) => (isCancelled ? waitFor("go") : twice(n)));
        const parent = workflowOf("parent", (items) => each(items, (n: unknown) => call(child, n)));
        const starter = await world.open([parent], { work: false });
        const run = await world.happens(starter.tenfold.start(parent, [1, 2, 3]));
        const dying = await dyingWorker(world, parent, nth, when);
        await world.passes(isCancelled ? 300 : 1000);
        if (isCancelled) await world.happens(starter.tenfold.cancel(run.id));
        await world.passes(1000);
        dying.clock.die();
        await world.open([parent], { leaseMs: 3000, beatMs: 1000 });
        const status = isCancelled ? "cancelled" : "completed";
        await world.untilStatus(run.id, status);
        await world.until(`all are ${status}, dying ${when} verb ${nth}`, () =>
          world.records.every((row) => row.status === status),
        );
        assert.ok(childrenIn(world).length <= 3);
        if (!isCancelled) assert.deepEqual(JSON.parse(world.record(run.id).output!), [2, 4, 6]);
      }
    }
  }
});

test("a store that takes nothing for a while delays a call, and no more", async () => {
  const world = new World(2);
  let failures = 5;
  const { TenfoldError } = await import("../../src/value/error.ts");
  const store = new Proxy(world.store, {
    get(target: MemoryStore, name) {
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== "function") return member;
      if (name !== "send") return member.bind(target) as unknown;
      return (...given: Parameters<Store["send"]>) => {
        if (failures-- > 0) return Promise.reject(new TenfoldError("STORE_BUSY", "not now"));
        return target.send(...given);
      };
    },
  });
  const parent = workflowOf("parent", (n) =>
    call(
      workflowOf("child", (m) => twice(m)),
      n,
    ),
  );
  const { tenfold } = await world.open([parent], {}, store);
  const run = await world.happens(tenfold.start(parent, 4));
  assert.equal(await world.happens(run.result()), 8);
  assert.equal(failures < 0, true);
});

test("a parent that is cancelled while its child is being started lets that go once it is there", async () => {
  for (const verb of ["start", "send"] as const) {
    const world = new World(2);
    const child = workflowOf("child", () => waitFor("go"));
    const parent = workflowOf("parent", (n) => call(child, n));
    const client = await world.open([parent], { work: false });
    let isSlow = false;
    const store = new Proxy(world.store, {
      get(target: MemoryStore, name) {
        const member: unknown = Reflect.get(target, name, target);
        if (typeof member !== "function") return member;
        if (name !== verb) return member.bind(target) as unknown;
        return async (...given: unknown[]) => {
          isSlow = true;
          await world.time.wait(5000);
          return (member as (...args: unknown[]) => unknown).apply(target, given);
        };
      },
    });
    await world.open([parent], {}, store);
    const run = await world.happens(client.tenfold.start(parent, 1));
    await world.until("the child is being started", () => isSlow);
    await world.happens(client.tenfold.cancel(run.id));
    await world.untilStatus(run.id, "cancelled");
    await world.passes(MINUTE);
    assert.equal(childOf(world).status, "cancelled");
  }
});
