/** Laws of approvals from outside: who may not decide is told at once, and runs are found by whom they wait for. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { ApprovalFilter } from "../../src/engine/approvals.ts";
import type { Tenfold } from "../../src/engine/client.ts";
import { MINUTE, rejects, stepOf, untyped, workflowOf, World } from "./world.ts";

const { approval } = untyped;
const HOUR = 60 * MINUTE;

const refund = () =>
  workflowOf(
    "refund",
    (order) =>
      approval({
        ask: "Refund?",
        by: { anyOf: ["kim", "role:finance"], not: order.clerk },
        escalate: { after: "2h", to: "max" },
        timeout: "5h",
      }),
    { key: (order: { id: string }) => order.id },
  );

async function listed(world: World, tenfold: Tenfold, filter: ApprovalFilter = {}): Promise<string[]> {
  const views = await world.happens(Array.fromAsync(tenfold.approvals(filter)));
  return views.map(({ key }) => key!);
}

test("an approval is listed for those who may give it, as long as it waits, and decided from any process", async () => {
  const world = new World(2);
  const flow = refund();
  const { tenfold } = await world.open([flow]);
  const client = await world.open([], { work: false });
  const start = (id: string, clerk: string) => world.happens(tenfold.start(flow, { id, clerk }));
  const [one, two] = [await start("A-1", "lee"), await start("A-2", "kim")];
  await world.passes(MINUTE);
  const all = await world.happens(Array.fromAsync(client.tenfold.approvals()));
  assert.deepEqual(all.map(({ key }) => key).toSorted(), ["A-1", "A-2"]);
  const { token, ask, by, not, since, escalatesAt, timesOutAt } = all.find(({ key }) => key === "A-1")!;
  assert.deepEqual([token, ask, by, not], [`${one.id}:approval`, "Refund?", ["kim", "role:finance"], ["lee"]]);
  assert.deepEqual([escalatesAt! - since, timesOutAt! - since], [2 * HOUR, 5 * HOUR]);
  assert.deepEqual(await listed(world, client.tenfold, { by: "kim" }), ["A-1"]);
  assert.deepEqual(await listed(world, client.tenfold, { by: "eve" }), []);
  assert.deepEqual(await listed(world, client.tenfold, { by: "max" }), []);
  assert.deepEqual((await listed(world, client.tenfold, { by: "eve", roles: ["finance"] })).toSorted(), ["A-1", "A-2"]);
  assert.deepEqual(await listed(world, client.tenfold, { workflow: "other" }), []);
  const comment = "seen the invoice";
  const decided = await world.happens(client.tenfold.approve(token, { by: "kim", comment }));
  assert.deepEqual(decided, { run: one.id, node: "approval" });
  const approvals = [{ by: "kim", comment }];
  assert.deepEqual(await world.happens(one.result()), { outcome: "approved", by: "kim", comment, approvals });
  assert.deepEqual(await listed(world, client.tenfold), ["A-2"]);
  await world.passes(2 * HOUR);
  assert.deepEqual(await listed(world, client.tenfold, { by: "max" }), ["A-2"]);
  await world.happens(tenfold.refuse(two.id, { by: "max" }));
  assert.equal((await world.happens(two.result()) as { outcome: string }).outcome, "refused"); // prettier-ignore
  assert.deepEqual(await listed(world, client.tenfold), []);
});

test("who may not decide is told, and the run waits on; so is whoever names nothing that waits", async () => {
  const world = new World();
  const flow = refund();
  const two = workflowOf("two", () => ({ a: approval.as("a")({ ask: 1 }), b: approval.as("b")({ ask: 2 }) }));
  const { tenfold } = await world.open([flow, two]);
  const run = await world.happens(tenfold.start(flow, { id: "A-1", clerk: "kim" }));
  const both = await world.happens(tenfold.start(two, null));
  await world.passes(1000);
  const approve = (token: string, options: object) => world.happens(tenfold.approve(token, options as never));
  await rejects(approve(run.id, { by: "kim" }), "APPROVAL_FORBIDDEN", "may not decide", "nothing was decided");
  await rejects(approve(run.id, { by: "eve" }), "APPROVAL_FORBIDDEN", "kim, role:finance");
  await rejects(approve(run.id, { by: "kim", roles: ["finance"] }), "APPROVAL_FORBIDDEN", "kim");
  await rejects(approve(`${run.id}:other`, { by: "x" }), "APPROVAL_UNKNOWN", `${run.id}:approval`);
  await rejects(approve(both.id, { by: "x" }), "APPROVAL_UNKNOWN", `${both.id}:a, ${both.id}:b`);
  await rejects(approve("nonsense", { by: "x" }), "RUN_UNKNOWN");
  await rejects(approve(run.id, {}), "OPTION_UNSUPPORTED", "`by`");
  await rejects(approve(run.id, { by: "x", role: "finance" }), "OPTION_UNSUPPORTED", "`roles`");
  assert.deepEqual(world.journal(run.id), []);
  await approve(`${both.id}:a`, { by: "x" });
  await approve(`${both.id}:b`, { by: "x" });
  await world.untilStatus(both.id, "completed");
  await rejects(approve(both.id, { by: "x" }), "RUN_FINISHED", both.id);
});

test("a month of reminders goes by with no run in memory, and each is sent once, by whichever worker lives", async () => {
  const world = new World();
  const told: number[] = [];
  const tell = stepOf("tell", ({ reason }: { reason: string }) => {
    if (reason === "reminded") told.push(world.time.now);
    return null;
  });
  const flow = workflowOf("w", () => approval({ ask: 1, show: (request: any) => tell(request), remind: "24h" }));
  const first = await world.open([flow]);
  const run = await world.happens(first.tenfold.start(flow, null));
  await world.passes(49 * HOUR);
  assert.equal(first.engine.held, 0);
  first.clock.die();
  await world.passes(60 * HOUR);
  const { tenfold } = await world.open([flow]);
  await world.passes(30 * HOUR);
  assert.equal(told.length, 4, "two before, one for those that were missed, one after");
  await world.happens(tenfold.approve(run.id, { by: "kim" }));
  await world.untilStatus(run.id, "completed");
});

test("a run that failed is not listed, and is again once it is retried", async () => {
  const world = new World();
  let isBroken = true;
  const step = stepOf("s", () => (isBroken ? Promise.reject(new Error("no")) : 1), { retry: { attempts: 1 } });
  const flow = workflowOf("w", (n) => ({ n: step(n), asked: approval({ ask: 1 }) }), { key: () => "K" });
  const { tenfold } = await world.open([flow]);
  const run = await world.happens(tenfold.start(flow, 1));
  await world.untilStatus(run.id, "failed");
  assert.deepEqual(await listed(world, tenfold), []);
  isBroken = false;
  await world.happens(tenfold.retry(run.id));
  await world.passes(MINUTE);
  assert.deepEqual(await listed(world, tenfold), ["K"]);
  await world.happens(tenfold.approve(run.id, { by: "kim" }));
  await world.untilStatus(run.id, "completed");
  assert.deepEqual(await listed(world, tenfold), []);
});

test("an attribute cannot pass for one of tenfold's own", async () => {
  const world = new World();
  const flow = workflowOf("w", (n) => n, { attributes: () => ({ "tenfold.approval": "open" }) });
  const { tenfold } = await world.open([flow]);
  await rejects(world.happens(tenfold.start(flow, 1)), "ATTRIBUTES_INVALID", "tenfold's own");
});

test("a run that waited with nothing in its journal is listed no more once it has ended, and the newest come first", async () => {
  const world = new World();
  const flow = workflowOf("w", (who) => approval({ ask: 1, by: who }), { key: (who: string) => who });
  const { tenfold } = await world.open([flow], { limits: { payloadMax: 300 } });
  const first = await world.happens(tenfold.start(flow, "kim"));
  await world.passes(MINUTE);
  const second = await world.happens(tenfold.start(flow, "role:finance"));
  await world.passes(MINUTE);
  assert.deepEqual(await listed(world, tenfold, { by: "kim", roles: ["finance"] }), ["role:finance", "kim"]);
  await rejects(listed(world, tenfold, { roles: ["finance"] }), "OPTION_UNSUPPORTED", "`by`");
  const approve = (options: object) => world.happens(tenfold.approve(second.id, options as never));
  await rejects(approve({ by: "role:finance" }), "OPTION_UNSUPPORTED", "`by`");
  await rejects(approve({ by: "x", roles: ["finance"], comment: "x".repeat(400) }), "PAYLOAD_TOO_LARGE", "300");
  await world.happens(tenfold.cancel(first.id));
  await world.untilStatus(first.id, "cancelled");
  await approve({ by: "x", roles: ["finance"] });
  await world.untilStatus(second.id, "completed");
  assert.deepEqual(await listed(world, tenfold), []);
  const facts = [first, second].map(({ id }) => world.store.peek(0, id)!.attributes.size);
  assert.deepEqual(facts, [0, 0]);
});
