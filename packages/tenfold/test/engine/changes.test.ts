/** Laws of cancel, retry and held runs, and of runs whose workflow has changed since they began. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { each } from "../../src/flow/index.ts";
import type { Send } from "../../src/store/store.ts";
import { Gate, rejects, stepOf, untyped, workflowOf, World } from "./world.ts";

test("cancel stops what is open, starts nothing more, and a cancelled run is refused a second cancel", async () => {
  const world = new World();
  const gate = new Gate();
  const called: string[] = [];
  const step = stepOf("s", async (_n, { node }) => {
    called.push(node);
    if (node === "slow") await gate.pass();
    return null;
  });
  const flow = workflowOf("w", (n) => step.as("last")({ a: step.as("slow")(n), b: step.as("quick")(n) }));
  const { tenfold } = await world.open([flow]);
  const run = await world.happens(tenfold.start(flow, 1));
  await world.until("the slow body runs", () => gate.entered === 1);
  assert.deepEqual(await world.happens(tenfold.cancel(run.id)), { found: 1, changed: 1 });
  await world.untilStatus(run.id, "cancelled");
  gate.open();
  await world.passes(5000);
  assert.deepEqual(called, ["slow", "quick"]);
  assert.deepEqual(world.journal(run.id), ["done quick", "cancelled", "abandoned slow"]);
  await rejects(world.happens(tenfold.cancel(run.id)), "RUN_FINISHED", "cancelled");
});

test("a run that waits for its time, or for a retry, or in the store, is cancelled without a body being called", async () => {
  const world = new World();
  const step = stepOf("s", () => Promise.reject(new Error("busy")), { retry: { first: "10m", jitter: "none" } });
  const flow = workflowOf("w", (n) => step(n));
  const { tenfold, attempts, engine } = await world.open([flow]);
  const later = await world.happens(tenfold.start(flow, 1, { at: world.time.now + 3_600_000 }));
  const parked = await world.happens(tenfold.start(flow, 1));
  await world.until("the retry left memory", () => attempts.length === 1 && engine.held === 0);
  await world.happens(tenfold.cancel({ workflow: "w" }));
  for (const { id } of [later, parked]) await world.untilStatus(id, "cancelled");
  assert.equal(attempts.length, 1);
});

test("retry runs what was not done, with new attempts numbered on, and keeps keys and results", async () => {
  const world = new World();
  const called: string[] = [];
  let isBroken = true;
  const step = stepOf("s", (_n, { node, attempt, key }) => {
    called.push(`${node} ${attempt} ${key.split("/")[1]}`);
    if (node === "bad" && isBroken) throw new Error("busy");
    return called.length;
  }, { retry: { attempts: 2, first: "1s" } }); // prettier-ignore
  const flow = workflowOf("w", (n) => step.as("last")({ good: step.as("good")(n), bad: step.as("bad")(n) }));
  const { tenfold } = await world.open([flow]);
  const run = await world.happens(tenfold.start(flow, 1));
  await world.untilStatus(run.id, "failed");
  isBroken = false;
  assert.deepEqual(await world.happens(tenfold.retry(run.id)), { found: 1, changed: 1 });
  await world.untilStatus(run.id, "completed");
  assert.deepEqual(called, ["good 1 good", "bad 1 bad", "bad 2 bad", "bad 3 bad", "last 1 last"]);
  assert.equal(world.record(run.id).error, null);
  await rejects(world.happens(tenfold.retry(run.id)), "RUN_FINISHED", "completed");
});

test("a retried node has all the attempts of its policy again", async () => {
  const world = new World();
  const step = stepOf("s", () => Promise.reject(new Error("busy")), { retry: { attempts: 2, first: "1s" } });
  const flow = workflowOf("w", (n) => step(n));
  const { tenfold, attempts } = await world.open([flow]);
  const run = await world.happens(tenfold.start(flow, 1));
  await world.untilStatus(run.id, "failed");
  await world.happens(tenfold.retry(run.id));
  await world.until("it fails again", () => attempts.length > 2 && world.record(run.id).status === "failed");
  const numbers = attempts.map(({ attempt }) => attempt);
  assert.deepEqual(numbers, [1, 2, 3, 4]);
});

test("a cancelled run that is retried goes on from where it was", async () => {
  const world = new World();
  const gate = new Gate();
  const step = stepOf("s", async (n, { node }) => {
    if (node === "second") await gate.pass();
    return n + 1;
  });
  const flow = workflowOf("w", (n) => step.as("third")(step.as("second")(step.as("first")(n))));
  const { tenfold } = await world.open([flow]);
  const run = await world.happens(tenfold.start(flow, 1));
  await world.until("the second body runs", () => gate.entered === 1);
  await world.happens(tenfold.cancel(run.id));
  await world.untilStatus(run.id, "cancelled");
  gate.open();
  await world.happens(tenfold.retry(run.id));
  await world.untilStatus(run.id, "completed");
  assert.equal(world.record(run.id).output, "4");
  assert.equal(gate.entered, 2);
  assert.equal(world.journal(run.id).filter((line) => line === "done first").length, 1);
});

for (const kinds of [
  ["cancel", "retry"],
  ["cancel", "retry", "cancel"],
  ["cancel", "retry", "cancel", "retry"],
] as const) {
  const comes = kinds.at(-1) === "cancel" ? "cancelled" : "completed";
  test(`${kinds.join(", ")} at the same moment come to what they come to one after the other: ${comes}`, async () => {
    const world = new World();
    const gate = new Gate();
    const step = stepOf("s", async (n, { node }) => {
      if (node !== "last") await gate.pass();
      return n + 1;
    });
    const flow = workflowOf("w", (n) => step.as("last")({ a: step.as("a")(n), b: step.as("b")(n) }.a));
    const { tenfold } = await world.open([flow]);
    const run = await world.happens(tenfold.start(flow, 1));
    await world.until("the bodies run", () => gate.entered === 2);
    const sends = kinds.map((kind, nth): Send => {
      const body = kind === "cancel" ? { kind, reason: "no more" } : { kind };
      return { run: run.id, message: { key: `m${nth}`, body, at: world.time.now }, reopens: kind === "retry" };
    });
    await world.store.send(0, sends, world.time.now);
    await world.passes(2000);
    gate.open();
    await world.untilStatus(run.id, comes);
    if (comes === "completed") assert.equal(world.record(run.id).output, "3");
    const done = world.journal(run.id).filter((line) => line.startsWith("done"));
    assert.equal(new Set(done).size, done.length);
  });
}

test("a filter changes all that it finds, a dry run only counts them, and a mistyped filter changes nothing", async () => {
  const world = new World(2);
  let isBroken = true;
  const step = stepOf("s", () => (isBroken ? Promise.reject(new Error("busy")) : null), { retry: { attempts: 1 } });
  const flow = workflowOf("w", (n) => step(n));
  const other = workflowOf("other", (n) => step(n));
  const { tenfold } = await world.open([flow, other]);
  for (const which of [flow, other]) {
    for (let n = 0; n < 10; n++) await world.happens(tenfold.start(which, n, { tenant: n < 3 ? "north" : "south" }));
  }
  await world.until("all have failed", () => world.records.every(({ status }) => status === "failed"));
  isBroken = false;
  const filter = { workflow: "w", tenant: "north" };
  assert.deepEqual(await world.happens(tenfold.retry(filter, { dryRun: true })), { found: 3, changed: 0 });
  await rejects(world.happens(tenfold.retry({ workflw: "w" } as never)), "OPTION_UNSUPPORTED", "`workflow`");
  await rejects(world.happens(tenfold.cancel({ failedIn: "s" } as never)), "OPTION_UNSUPPORTED", "failedIn");
  await world.passes(5000);
  assert.ok(world.records.every(({ status }) => status === "failed"));
  assert.deepEqual(await world.happens(tenfold.retry(filter)), { found: 3, changed: 3 });
  await world.passes(5000);
  const completed = world.records.filter(({ status }) => status === "completed");
  assert.deepEqual(new Set(completed.map(({ workflow, tenant }) => `${workflow} ${tenant}`)), new Set(["w north"]));
  assert.equal(completed.length, 3);
  assert.deepEqual(await world.happens(tenfold.cancel({ status: "failed" })), { found: 0, changed: 0 });
});

const kept = stepOf("kept", (n: number) => n + 1);
const gone = stepOf("gone", (n: number) => n * 10);

test("a run whose step is gone from the code is held with that reason, and goes on by itself when the code is back", async () => {
  const world = new World();
  const gate = new Gate();
  const first = stepOf("first", async (n: number) => { await gate.pass(); return n; }); // prettier-ignore
  const before = workflowOf("w", (n) => kept(gone(first(n))));
  const after = workflowOf("w", (n) => kept(first(n)));
  const old = await world.open([before]);
  const run = await world.happens(old.tenfold.start(before, 3));
  await world.until("the first body runs", () => gate.entered === 1);
  old.clock.die();
  gate.open();
  const now = await world.open([after]);
  const { error } = await world.untilStatus(run.id, "held");
  assert.match(error ?? "", /STEP_UNKNOWN.*gone.*[Bb]ring the code back/);
  const fresh = await world.happens(now.tenfold.start(after, 3));
  assert.equal(await world.happens(fresh.result()), 4);
  await world.happens(now.tenfold.retry(run.id));
  await world.passes(5000);
  await world.untilStatus(run.id, "held");
  await world.happens(now.tenfold.close());
  await world.open([before]);
  await world.untilStatus(run.id, "completed");
  assert.equal(world.record(run.id).output, "31");
});

test("a run finishes on the graph it began with, after its workflow was changed; new runs take the new one", async () => {
  const world = new World();
  const gate = new Gate();
  const first = stepOf("first", async (list: number[]) => { await gate.pass(); return list; }); // prettier-ignore
  const before = workflowOf("w", (list) => each(first(list), (n) => gone(n)));
  const both = workflowOf("w", (list) => ({
    sum: kept.as("sum")(untyped.derive(first(list), (all: number[]) => all.length)),
    unused: gone(1),
  }));
  const old = await world.open([before]);
  const run = await world.happens(old.tenfold.start(before, [1, 2]));
  await world.until("the first body runs", () => gate.entered === 1);
  old.clock.die();
  gate.open();
  const { tenfold } = await world.open([both]);
  await world.untilStatus(run.id, "completed");
  assert.equal(world.record(run.id).output, "[10,20]");
  const fresh = await world.happens(tenfold.start(both, [1, 2]));
  assert.deepEqual(await world.happens(fresh.result()), { sum: 3, unused: 10 });
  assert.notDeepEqual(await world.happens(tenfold.graphOf(run.id)), await world.happens(tenfold.graphOf(fresh.id)));
});

test("a run of a workflow that is not open here waits for a worker that has it", async () => {
  const world = new World();
  const flow = workflowOf("w", (n) => kept(n));
  const client = await world.open([flow], { work: false });
  const run = await world.happens(client.tenfold.start(flow, 1));
  const stranger = await world.open([workflowOf("other", (n) => kept(n))]);
  await world.passes(60_000);
  assert.equal(world.record(run.id).status, "waiting");
  assert.equal(stranger.engine.held, 0);
  await world.open([flow]);
  assert.equal(await world.happens(run.result()), 2);
});

test("runs are found and retried by the node at which they failed, of whatever item, and no more once they go on", async () => {
  const world = new World(2);
  let isBroken = true;
  const options = { retry: { attempts: 1 } };
  const step = stepOf("charge", (n: number) => (isBroken && n > 1 ? Promise.reject(new Error("no")) : n), options);
  const other = stepOf("mail", (n: number) => (isBroken && n === 0 ? Promise.reject(new Error("no")) : n), options);
  const flow = workflowOf("w", (n) => ({
    list: untyped.each([n, n], (item: any) => step(item)),
    mail: other(n),
  }));
  const { tenfold } = await world.open([flow]);
  const runs = [];
  for (const n of [0, 1, 2, 3]) runs.push(await world.happens(tenfold.start(flow, n)));
  const [mailFailed, completed, ...charged] = runs;
  for (const run of charged) await world.untilStatus(run!.id, "failed");
  await world.untilStatus(mailFailed!.id, "failed");
  await world.untilStatus(completed!.id, "completed");
  const node = (JSON.parse(world.record(charged[0]!.id).error!) as { node: string }).node;
  const id = node.replaceAll(/\[\d+\]/g, "");
  const found = async (): Promise<string[]> =>
    (await world.happens(Array.fromAsync(tenfold.runs({ failedAt: id })))).map((run) => run.id);
  assert.deepEqual((await found()).toSorted(), charged.map((run) => run!.id).toSorted());
  assert.ok(id.endsWith("/charge") && node !== id);
  await rejects(
    world.happens(tenfold.retry({ failedAt: id, attribute: { name: "a", value: "b" } })),
    "OPTION_UNSUPPORTED",
    "both",
  );
  assert.deepEqual(await world.happens(tenfold.retry({ failedAt: id }, { dryRun: true })), { found: 2, changed: 0 });
  isBroken = false;
  assert.deepEqual(await world.happens(tenfold.retry({ workflow: "w", failedAt: id })), { found: 2, changed: 2 });
  for (const run of charged) await world.untilStatus(run!.id, "completed");
  assert.deepEqual(await found(), []);
  assert.equal(world.record(mailFailed!.id).status, "failed");
});
