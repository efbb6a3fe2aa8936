/** Laws of what a deploy would come to: told from the store as it is, and without a change of it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { DeployPlan } from "../../src/engine/plan-deploy.ts";
import { rejects, stepOf, untyped, withVerbs, workflowOf, World } from "./world.ts";

const { derive, sleep, waitFor, when, eq } = untyped;
const echo = (name: string) => stepOf(name, (input: unknown) => input ?? null);
const [first, second, third] = [echo("first"), echo("second"), echo("third")];

/** Runs with the inputs `inputs` of a workflow that wait for a signal, on a store whose writes fail from then on. */
async function deployed(flow: any, inputs: readonly unknown[], options: object = {}) {
  const world = new World(2);
  const before = await world.open([flow]);
  const runs: string[] = [];
  for (const input of inputs) runs.push((await world.happens(before.tenfold.start(flow, input, options))).id);
  await world.passes(1000);
  await world.happens(before.tenfold.close());
  const refuse = () => assert.fail("a plan writes nothing");
  const frozen = withVerbs(world.store, {
    putGraphs: refuse,
    send: refuse,
    commit: refuse,
    start: refuse,
    join: refuse,
  });
  const client = world.engineOf([], { work: false }, frozen);
  const plan = (workflows: readonly any[], more: object = {}): Promise<DeployPlan> =>
    world.happens(client.tenfold.plan({ workflows, ...more }));
  return { world, runs, plan, client };
}

const OLD = workflowOf("w", (n) => second(derive.as("both")(first(n), waitFor("go"), (v: unknown) => v)));

test("nothing that has changed, and nobody whom it touches", async () => {
  const { plan } = await deployed(OLD, [1, 2]);
  const { workflows, held, isPartial } = await plan([OLD]);
  assert.deepEqual([held, isPartial, workflows.length], [0, false, 1]);
  const { change, diff, inFlight, counted, graphs } = workflows[0]!;
  assert.deepEqual([change, diff, inFlight, counted], ["unchanged", null, 2, 2]);
  assert.deepEqual(graphs, [
    {
      graph: OLD.hash,
      isToday: true,
      runs: 2,
      looked: 2,
      waiting: 0,
      nodes: [{ node: "wait-go", runs: 2 }],
      held: [],
      fit: null,
      refused: [],
    },
  ]);
});

test("runs whose code is gone would be held, now or when they come to it; those that fit could be moved", async () => {
  const { plan, runs } = await deployed(OLD, [1, 2, 3]);
  const next = workflowOf("w", (n) => third(derive.as("both")(first(n), waitFor("go"), (v: unknown) => v)));
  const { workflows, held } = await plan([next]);
  assert.equal(held, 3);
  const [graph] = workflows[0]!.graphs;
  assert.equal(workflows[0]!.change, "changed");
  assert.equal(workflows[0]!.diff?.added[0]?.node, "third");
  assert.deepEqual([graph!.isToday, graph!.fit, graph!.refused], [false, 3, []]);
  assert.equal(graph!.held.length, 1);
  const { run, ...hold } = graph!.held[0]!;
  assert.deepEqual(hold, { node: "second", gone: "the step second", now: 0, later: 3 });
  assert.ok(runs.includes(run));
});

test("a run that stands where the code is gone would be held at once", async () => {
  const stuck = stepOf("stuck", () => Promise.reject(new Error("no")), { retry: { first: "1h", jitter: "none" } });
  const { plan } = await deployed(
    workflowOf("w", (n) => stuck(n)),
    [1],
  );
  const { workflows } = await plan([workflowOf("w", (n) => first(n))]);
  const [graph] = workflows[0]!.graphs;
  assert.deepEqual([graph!.held[0]!.now, graph!.held[0]!.node], [1, "stuck"]);
  assert.match(graph!.refused[0]!.reason, /no such node/);
});

test("what a run has behind it, or does not come to, needs no code any more", async () => {
  const flow = workflowOf("w", (n) => [when(eq(n, 9), () => third(n)), second(n), waitFor("go")]);
  const { plan } = await deployed(flow, [1]);
  const next = workflowOf("w", (n) => [first(n), waitFor("go")]);
  assert.equal((await plan([next])).held, 0);
});

test("a workflow that is gone leaves its runs to nobody; one that is new has none", async () => {
  const { plan } = await deployed(OLD, [1]);
  const { workflows, held } = await plan([workflowOf("other", (n) => first(n))]);
  assert.deepEqual(workflows.map(({ workflow, change, inFlight }) => [workflow, change, inFlight]), [["other", "new", 0], ["w", "gone", 1]]); // prettier-ignore
  assert.equal(held, 1);
  assert.deepEqual(
    (await plan([OLD], { workflow: "w" })).workflows.map(({ workflow }) => workflow),
    ["w"],
  );
});

test("runs that have not begun are told as such", async () => {
  const { plan } = await deployed(OLD, [1], { at: new Date(Date.now() * 2) });
  const [graph] = (await plan([OLD])).workflows[0]!.graphs;
  assert.deepEqual([graph!.waiting, graph!.nodes], [1, []]);
});

test("finished runs are not read, but the newest one: its graph is what a change is measured from", async () => {
  const flow = workflowOf("w", (n) => first(n));
  const { world, runs, client } = await deployed(flow, [1, 2, 3]);
  for (const run of runs) await world.untilStatus(run, "completed");
  let listed = 0;
  const list = async (...given: Parameters<typeof world.store.list>) => {
    const page = await world.store.list(...given);
    listed += page.length;
    return page;
  };
  const counting = world.engineOf([], { work: false }, withVerbs(world.store, { list, journal: () => assert.fail("no journal is read") })); // prettier-ignore
  const { workflows } = await world.happens(counting.tenfold.plan({ workflows: [workflowOf("w", (n) => second(n))] }));
  assert.equal(workflows[0]!.change, "changed");
  assert.deepEqual(workflows[0]!.diff?.removed, [{ node: "first", what: "step first" }]);
  assert.ok(listed <= 2, `${listed} rows were read`);
  await rejects(client.tenfold.plan({ workflows: [flow], workflow: "x" }), "WORKFLOW_UNKNOWN");
  await rejects(client.tenfold.plan({ runs: 1 } as object), "OPTION_UNSUPPORTED", "runs");
});

test("what was not looked at is told", async () => {
  const { plan } = await deployed(OLD, [1, 2, 3, 4]);
  const few = await plan([OLD], { runsMax: 2 });
  assert.deepEqual([few.isPartial, few.workflows[0]!.inFlight, few.workflows[0]!.counted], [true, 4, 2]);
  const fewer = await plan([OLD], { journalsMax: 1 });
  assert.deepEqual([fewer.isPartial, fewer.workflows[0]!.graphs[0]!.runs, fewer.workflows[0]!.graphs[0]!.looked], [true, 4, 1]); // prettier-ignore
});

test("a sleep of another length is a difference, and keeps nobody from being moved", async () => {
  const { plan } = await deployed(
    workflowOf("w", (n) => [sleep.as("rest")("3 days"), first(n)]),
    [1],
  );
  const { workflows } = await plan([workflowOf("w", (n) => [sleep.as("rest")("2 days"), first(n)])]);
  assert.deepEqual(workflows[0]!.diff?.changed, [{ node: "rest", changes: ["until: 3 d → 2 d"] }]);
  assert.equal(workflows[0]!.graphs[0]!.fit, 1);
});

test("functions of scripts, and undos, that are gone would hold those that may need them", async () => {
  const { script } = untyped;
  const charge = (more: object) => stepOf("charge", (n: unknown) => n, more);
  const flow = workflowOf("w", (n) => script("talks", (ctx: any) => ctx.waitFor("go")).as("talks")(charge({ undo: () => {} })(n))); // prettier-ignore
  const { plan } = await deployed(flow, [1]);
  const gone = (found: DeployPlan) => found.workflows[0]!.graphs[0]!.held.map(({ run: _run, ...one }) => one);
  const noScript = workflowOf("w", (n) => waitFor.as("talks")("go", {}, [charge({ undo: () => {} })(n)]));
  assert.deepEqual(gone(await plan([noScript])), [{ node: "talks", gone: "the function of a script", now: 1, later: 0 }]); // prettier-ignore
  const noUndo = workflowOf("w", (n) => script("talks", (ctx: any) => ctx.waitFor("go")).as("talks")(charge({})(n)));
  assert.deepEqual(gone(await plan([noUndo])), [{ node: "charge", gone: "the undo of the step charge", now: 0, later: 1 }]); // prettier-ignore
});
