/** Laws of `debounce`: starts of one key that come soon after each other are one run, on the last input. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { rejects, stepOf, untyped, workflowOf, World, type OpenedEngine } from "./world.ts";

/** What each run was called with, and when, counted from the beginning. */
function indexing(world: World, debounce: unknown = "10s") {
  const from = world.time.now;
  const begun: string[] = [];
  const index = stepOf("index", async ({ document, version }: any) => {
    begun.push(`${document} ${version} at ${world.time.now - from}`);
    await world.time.wait(3000);
    return version;
  });
  const options = {
    key: ({ document }: any) => document,
    attributes: ({ version }: any) => ({ version }),
    triggers: [untyped.on("saved")],
    debounce,
  };
  return { flow: workflowOf("reindex", (given) => index(given), options), begun };
}

const save = (version: number, document = "a") => ({ document, version });

async function started(world: World, { tenfold }: OpenedEngine, flow: any, version: number, afterMs: number) {
  const run = await world.happens(tenfold.start(flow, save(version)));
  await world.passes(afterMs);
  return run;
}

test("starts within `wait` of each other are one run on the last input, which begins `wait` after the last one", async () => {
  for (const work of [true, false]) {
    const world = new World();
    const { flow, begun } = indexing(world);
    const starter = await world.open([flow], { work });
    if (!work) await world.open([flow]);
    const from = world.time.now;
    const first = await started(world, starter, flow, 1, 4000);
    const second = await started(world, starter, flow, 2, 9000);
    const third = await started(world, starter, flow, 3, 0);
    const lastAt = world.time.now;
    assert.deepEqual([first.existing, second.existing, third.existing], [false, true, true]);
    assert.deepEqual(new Set([first.id, second.id, third.id]).size, 1);
    assert.equal(await world.happens(first.result()), 3);
    assert.equal(begun.length, 1);
    const [, version, , at] = begun[0]!.split(" ");
    assert.equal(version, "3");
    assert.ok(lastAt - from >= 13_000);
    const lateMs = Number(at) - (lastAt - from) - 10_000;
    assert.ok(lateMs >= 0 && lateMs < 1000, `${lateMs} ms late`);
    assert.equal(world.record(first.id).input, JSON.stringify(save(3)));
    const found = await world.happens(starter.tenfold.runs({ attribute: { name: "version", value: "3" } }).next());
    assert.equal((found.value as { id: string }).id, first.id);
  }
});

test("a run that is started on and on begins `max` after the first start, and the next start is the next run", async () => {
  for (const [debounce, maxMs] of [
    [{ wait: "10s", max: "25s" }, 25_000],
    ["10s", 100_000],
  ] as const) {
    const world = new World();
    const { flow, begun } = indexing(world, debounce);
    const opened = await world.open([flow]);
    const from = world.time.now;
    let last = 0;
    while (begun.length === 0) await started(world, opened, flow, ++last, 1000);
    const lateMs = world.time.now - from - maxMs;
    assert.ok(lateMs >= 0 && lateMs < 2500, `${lateMs} ms late`);
    const next = await world.happens(opened.tenfold.start(flow, save(1000)));
    await world.until("all have ended", () => world.records.every(({ status }) => status === "completed"));
    assert.ok(begun.at(-1)!.startsWith("a 1000 "));
    assert.equal(world.record(next.id).generation, 2);
    assert.equal(begun.length, 2);
  }
});

test("a start while a run of its key is at work makes the next run, which waits for its time only", async () => {
  const world = new World();
  const { flow, begun } = indexing(world, "1s");
  const opened = await world.open([flow]);
  const first = await started(world, opened, flow, 1, 0);
  await world.until("it has begun", () => begun.length === 1);
  const second = await started(world, opened, flow, 2, 0);
  assert.equal(second.existing, false);
  await world.until("the second has begun", () => begun.length === 2);
  assert.equal(world.record(first.id).status, "running");
  assert.deepEqual([await world.happens(first.result()), await world.happens(second.result())], [1, 2]);
});

test("a run that is cancelled while it waits takes no more starts, and none is lost", async () => {
  const world = new World();
  const { flow, begun } = indexing(world);
  const opened = await world.open([flow]);
  const first = await started(world, opened, flow, 1, 0);
  await world.happens(opened.tenfold.cancel(first.id));
  const [second, third] = await world.happens(
    Promise.all([opened.tenfold.start(flow, save(2)), opened.tenfold.start(flow, save(3))]),
  );
  assert.equal((await world.happens(first.outcome())).status, "cancelled");
  assert.deepEqual([second.existing, third.id], [false, second.id]);
  assert.equal(await world.happens(third.result()), 3);
  assert.equal(begun.length, 1);
});

test("starts of many keys in one batch are one run each, on the last input; so are events", async () => {
  const world = new World(2);
  const { flow, begun } = indexing(world);
  const { tenfold } = await world.open([flow]);
  const documents = Array.from({ length: 50 }, (_, n) => `d${n}`);
  const inputs = [1, 2, 3].flatMap((version) => documents.map((document) => save(version, document)));
  const kinds: string[] = [];
  const all = async () => {
    for await (const { kind } of tenfold.startMany(flow, inputs)) kinds.push(kind);
  };
  await world.happens(all());
  assert.deepEqual(Map.groupBy(kinds, (kind) => kind).get("started")?.length, 50);
  assert.deepEqual(Map.groupBy(kinds, (kind) => kind).get("existing")?.length, 100);
  await world.happens(tenfold.emit("saved", save(4, "d7"), { id: "one" }));
  await world.passes(5000);
  await world.happens(tenfold.emit("saved", save(5, "d7"), { id: "other" }));
  await world.until("all have ended", () => world.records.every(({ status }) => status === "completed"));
  assert.equal(world.records.length, 50);
  assert.deepEqual(
    begun.map((text) => text.split(" ").slice(0, 2).join(" ")).sort(),
    documents.map((document) => `${document} ${document === "d7" ? 5 : 3}`).sort(),
  );
});

test("`at`, `ifRunning` and `with` are refused of a debounced workflow, and so is a call of it", async () => {
  const world = new World();
  const { flow } = indexing(world);
  const byName = workflowOf("by-name", (given) => untyped.call("reindex", given));
  const { tenfold } = await world.open([flow]);
  const start = (options: object) => world.happens(tenfold.start(flow, save(1), options));
  await rejects(start({ at: world.time.now + 1000 }), "OPTION_UNSUPPORTED", "debounce", "`at`");
  await rejects(start({ ifRunning: "join" }), "OPTION_UNSUPPORTED", "debounce", "`ifRunning`");
  await rejects(start({ with: {} }), "OPTION_UNSUPPORTED", "debounce", "`with`");
  assert.deepEqual(world.records, []);
  assert.throws(() => world.engineOf([flow, byName]), { code: "CALL_INVALID", message: /debounce/ });
  assert.throws(() => workflowOf("direct", (given) => untyped.call(flow, given)), { code: "CALL_INVALID" });
});
