/** Laws of `ifRunning`: one run of a key at a time, and what becomes of a start that meets one. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { IF_RUNNING, type IfRunning } from "../../src/engine/start.ts";
import { Gate, rejects, stepOf, withVerbs, workflowOf, World, type OpenedEngine } from "./world.ts";

/** Runs of a key each wait at a gate of their own until they are told to stop. */
function syncing() {
  const gates = new Map<number, Gate>();
  const begun: number[] = [];
  const gateOf = (n: number): Gate => gates.getOrInsertComputed(n, () => new Gate());
  const sync = stepOf("sync", async ({ n }: { n: number }, { signal }) => {
    begun.push(n);
    const stopped = new Promise<never>((_, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason as Error));
    });
    await Promise.race([gateOf(n).pass(), stopped]);
    return n;
  });
  return { flow: workflowOf("syncing", (given) => sync(given), { key: (given: any) => given.shop }), begun, gateOf };
}

const input = (n: number, shop = "kim") => ({ shop, n });

async function answersOf({ tenfold }: OpenedEngine, flow: any, inputs: readonly unknown[], ifRunning: IfRunning) {
  const answers: string[] = [];
  for await (const answer of tenfold.startMany(flow, inputs, { ifRunning })) {
    assert.ok(answer.kind !== "refused");
    answers.push(`${answer.kind} ${answer.run.id}`);
  }
  return answers;
}

test("while a run of the key is not finished, a start with another input joins it, is skipped, or replaces it", async () => {
  const world = new World();
  const { flow, begun, gateOf } = syncing();
  const { tenfold } = await world.open([flow]);
  const first = await world.happens(tenfold.start(flow, input(1), { ifRunning: "join" }));
  await world.until("the first has begun", () => begun.length === 1);
  const joined = await world.happens(tenfold.start(flow, input(2), { ifRunning: "join" }));
  const skipped = await world.happens(tenfold.start(flow, input(3), { ifRunning: "skip" }));
  assert.deepEqual([first.existing, first.skipped], [false, false]);
  assert.deepEqual([joined.id, joined.existing, joined.skipped], [first.id, true, false]);
  assert.deepEqual([skipped.id, skipped.existing, skipped.skipped], [first.id, true, true]);
  const next = await world.happens(tenfold.start(flow, input(4), { ifRunning: "replace" }));
  assert.deepEqual([next.existing, next.skipped], [false, false]);
  assert.notEqual(next.id, first.id);
  const outcome = await world.happens(first.outcome());
  assert.equal(outcome.status, "cancelled");
  assert.match(outcome.error!.message, new RegExp(`replaced by run ${next.id}`));
  gateOf(4).open();
  assert.equal(await world.happens(next.result()), 4);
  assert.deepEqual(begun, [1, 4]);
});

test("once the last run of the key is finished the next one starts, and the same input answers the one that is not", async () => {
  for (const ifRunning of IF_RUNNING) {
    const world = new World();
    const { flow, gateOf } = syncing();
    const { tenfold } = await world.open([flow]);
    const first = await world.happens(tenfold.start(flow, input(1), { ifRunning }));
    const same = await world.happens(tenfold.start(flow, input(1), { ifRunning }));
    assert.deepEqual([same.id, same.existing, same.skipped], [first.id, true, false], ifRunning);
    gateOf(1).open();
    await world.happens(first.result());
    const next = await world.happens(tenfold.start(flow, input(1), { ifRunning }));
    assert.deepEqual([next.existing, next.id === first.id], [false, false], ifRunning);
    assert.equal(await world.happens(next.result()), 1);
  }
});

test("startMany says of each input what came of it; those that replace each other end one by one, the last one stays", async () => {
  const world = new World(2);
  const { flow, gateOf } = syncing();
  const opened = await world.open([flow]);
  const inputs = [input(1), input(2), input(1), input(3, "ann"), input(4)];
  for (const ifRunning of ["join", "skip"] as const) {
    const answers = await world.happens(answersOf(opened, flow, inputs, ifRunning));
    const [kim, ann] = [answers[0]!.split(" ")[1], answers[3]!.split(" ")[1]];
    const other = ifRunning === "join" ? "existing" : "skipped";
    const [one, two] = ifRunning === "join" ? ["started", "started"] : ["existing", "existing"];
    assert.deepEqual(answers, [
      `${one} ${kim}`,
      `${other} ${kim}`,
      `existing ${kim}`,
      `${two} ${ann}`,
      `${other} ${kim}`,
    ]);
  }
  const answers = await world.happens(answersOf(opened, flow, inputs, "replace"));
  assert.deepEqual(
    answers.map((answer) => answer.split(" ")[0]),
    ["existing", "started", "started", "existing", "started"],
  );
  const last = answers[4]!.split(" ")[1]!;
  const open = world.records.filter(({ status }) => status === "waiting" || status === "running");
  assert.deepEqual(open.map(({ id }) => id).sort(), [last, answers[3]!.split(" ")[1]!].sort());
  assert.equal(world.records.filter(({ status }) => status === "cancelled").length, 3);
  gateOf(4).open();
  await world.untilStatus(last, "completed");
});

test("starts that replace one another at the same moment leave one run, which is one of theirs", async () => {
  const world = new World();
  const { flow } = syncing();
  const [one, other] = [await world.open([flow]), await world.open([flow])];
  await world.happens(one.tenfold.start(flow, input(0)));
  const numbers = [1, 2, 3, 4, 5, 6];
  const starts = numbers.map((n) =>
    (n % 2 === 0 ? one : other).tenfold.start(flow, input(n), { ifRunning: "replace" }),
  );
  const runs = await world.happens(Promise.all(starts));
  assert.equal(new Set(runs.map(({ id }) => id)).size, numbers.length);
  const open = () => world.records.filter(({ status }) => status === "waiting" || status === "running");
  await world.until("those that were replaced have ended", () => open().length === 1);
  assert.ok(runs.some(({ id }) => id === open()[0]!.id));
});

test("a run that ends before it can be replaced is in nobody's way, and one that waits for its time is replaced", async () => {
  const world = new World();
  const { flow, begun, gateOf } = syncing();
  const opened = await world.open([flow]);
  const first = await world.happens(opened.tenfold.start(flow, input(1)));
  await world.until("the first has begun", () => begun.length === 1);
  const late = withVerbs(world.store, {
    send: async (...given) => {
      gateOf(1).open();
      await world.untilStatus(first.id, "completed");
      return world.store.send(...given);
    },
  });
  const { tenfold } = await world.open([flow], { work: false }, late);
  const next = await world.happens(tenfold.start(flow, input(2), { ifRunning: "replace", at: world.time.now + 1e6 }));
  assert.deepEqual(
    [world.record(first.id).status, world.record(next.id).status, next.existing],
    ["completed", "waiting", false],
  );
  const { tenfold: here } = opened;
  const third = await world.happens(here.start(flow, input(3), { ifRunning: "replace" }));
  assert.equal(world.record(next.id).status, "cancelled");
  assert.equal(third.existing, false);
});

test("`ifRunning` without a key, with `again: false`, of another word, or replacing within a transaction is refused", async () => {
  const world = new World();
  const { flow } = syncing();
  const keyless = workflowOf("keyless", (given) => given);
  const { tenfold } = await world.open([flow, keyless]);
  const start = (options: object, what: any = flow) => world.happens(tenfold.start(what, input(1), options));
  await rejects(start({ ifRunning: "join" }, keyless), "KEY_INVALID", 'ifRunning: "join"', "Give `key`");
  await rejects(start({ ifRunning: "join", again: false }), "OPTION_UNSUPPORTED", "again: false");
  await rejects(start({ ifRunning: "wait" }), "OPTION_UNSUPPORTED", '"wait"', '"join", "replace", "skip"');
  await rejects(start({ ifRunning: "replace", with: {} }), "OPTION_UNSUPPORTED", "replaced within a transaction");
  assert.deepEqual(world.records, []);
});
