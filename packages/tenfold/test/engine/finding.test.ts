/** Laws of finding runs: pages by key, filters, counts, and what is shown of one run. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { ErrorCode } from "../../src/value/error.ts";
import { rejects, stepOf, workflowOf, World } from "./world.ts";

const step = stepOf("s", (n: number) => (n % 5 === 0 ? Promise.reject(new Error("busy")) : n), {
  retry: { attempts: 1 },
});
const flow = workflowOf("w", (lead) => step(lead.n), {
  key: (lead: any) => `lead-${lead.n}`,
  attributes: (lead: any) => ({ customer: `c${lead.n % 3}`, region: null }),
});
const other = workflowOf("other", (n) => step(n));

/** Thirty runs of `w`, one a second over two tenants, and one of another workflow. */
async function filled(lanes: number) {
  const world = new World(lanes);
  const opened = await world.open([flow, other]);
  const ids: string[] = [];
  for (let n = 0; n < 30; n++) {
    const tenant = n % 2 === 0 ? "even" : "odd";
    ids.push((await world.happens(opened.tenfold.start(flow, { n }, { tenant }))).id);
    await world.passes(1000);
  }
  await world.happens(opened.tenfold.start(other, 1));
  await world.passes(1000);
  return { world, ...opened, ids };
}

async function idsOf(runs: AsyncIterable<{ id: string }>): Promise<string[]> {
  const ids: string[] = [];
  for await (const { id } of runs) ids.push(id);
  return ids;
}

for (const lanes of [1, 3]) {
  test(`pages follow each other by key, newest first, each run once, also while runs are started (${lanes} lanes)`, async () => {
    const { world, tenfold, ids } = await filled(lanes);
    const seen: string[] = [];
    for (let before: string | undefined; ;) {
      const page = await world.happens(
        tenfold.page({ workflow: "w" }, { limit: 7, ...(before === undefined ? {} : { before }) }),
      );
      if (page.length === 0) break;
      seen.push(...page.map(({ id }) => id));
      before = page.at(-1)!.id;
      await world.happens(tenfold.start(flow, { n: 1000 + seen.length }));
    }
    assert.deepEqual(seen, ids.toReversed());
  });
}

test("runs are found by workflow, status, tenant, key, attribute and time", async () => {
  const { world, tenfold, ids } = await filled(2);
  const find = (filter: object) => world.happens(idsOf(tenfold.runs({ workflow: "w", ...filter })));
  const those = (holds: (n: number) => boolean) => ids.filter((_, n) => holds(n)).toReversed();
  assert.deepEqual(await find({}), ids.toReversed());
  assert.deepEqual(
    await find({ status: "failed" }),
    those((n) => n % 5 === 0),
  );
  assert.deepEqual(
    await find({ tenant: "odd", status: "completed" }),
    those((n) => n % 2 === 1 && n % 5 !== 0),
  );
  assert.deepEqual(await find({ key: "lead-7" }), [ids[7]]);
  assert.deepEqual(
    await find({ attribute: { name: "customer", value: "c2" } }),
    those((n) => n % 3 === 2),
  );
  assert.deepEqual(await find({ attribute: { name: "region", value: "null" } }), []);
  const [from, until] = [10, 20].map((n) => world.record(ids[n]!).startedAt);
  assert.deepEqual(await find({ from: from!, until: until! }), ids.slice(10, 20).toReversed());
  assert.deepEqual(await world.happens(idsOf(tenfold.runs({ workflow: "gone" }))), []);
});

test("counts tell how many runs of each workflow are in each status, over all lanes", async () => {
  const { world, tenfold } = await filled(3);
  assert.deepEqual(await world.happens(tenfold.counts()), [
    { workflow: "other", status: "completed", runs: 1 },
    { workflow: "w", status: "completed", runs: 24 },
    { workflow: "w", status: "failed", runs: 6 },
  ]);
  assert.deepEqual(await world.happens(tenfold.counts({ workflow: "other" })), [
    { workflow: "other", status: "completed", runs: 1 },
  ]);
});

test("a filter that is not known is refused, wherever one is taken", async () => {
  const { world, tenfold } = await filled(1);
  const wrong = { state: "failed" } as never;
  await rejects(world.happens(idsOf(tenfold.runs(wrong))), "OPTION_UNSUPPORTED", "`state`", "status");
  await rejects(world.happens(tenfold.page(wrong, { limit: 5 })), "OPTION_UNSUPPORTED");
  await rejects(world.happens(tenfold.counts(wrong)), "OPTION_UNSUPPORTED");
});

const WRONG: readonly (readonly [string, (tenfold: any) => Promise<unknown>, ErrorCode, readonly string[]])[] = [
  ["a status that there is not", (t) => t.page({ status: "nope" }, { limit: 5 }), "OPTION_UNSUPPORTED", ['"nope"', "failed"]], // prettier-ignore
  ["a status from every object", (t) => t.page({ status: "toString" }, { limit: 5 }), "OPTION_UNSUPPORTED", ["failed"]],
  ["a filter that is null", (t) => idsOf(t.runs(null)), "OPTION_UNSUPPORTED", ["null"]],
  ["a filter that is a text", (t) => t.page("failed", { limit: 5 }), "OPTION_UNSUPPORTED", ['"failed"']],
  ["a filter that is undefined", (t) => idsOf(t.runs({ tenant: undefined })), "OPTION_UNSUPPORTED", ["`tenant`"]],
  ["a time that is a Date", (t) => idsOf(t.runs({ from: new Date(0) })), "OPTION_UNSUPPORTED", ["a Date", "getTime()"]],
  ["an attribute without a name", (t) => idsOf(t.runs({ attribute: "country=DE" })), "OPTION_UNSUPPORTED", ["name"]],
  ["a key that is no text", (t) => idsOf(t.runs({ key: 5 })), "OPTION_UNSUPPORTED", ["5", "`key`"]],
  ["a count by what is not counted", (t) => t.counts({ tenant: "odd" }), "OPTION_UNSUPPORTED", ["`tenant`"]],
  ["a page of -1 runs", (t) => t.page({}, { limit: -1 }), "OPTION_UNSUPPORTED", ["-1", "from 1"]],
  ["a page of no runs", (t) => t.page({}, { limit: 0 }), "OPTION_UNSUPPORTED", ["`limit`"]],
  ["a page without an end", (t) => t.page({}, {}), "OPTION_UNSUPPORTED", ["undefined", "`limit`"]],
  ["a page after a number", (t) => t.page({}, { limit: 5, before: 7 }), "OPTION_UNSUPPORTED", ["7", "`before`"]],
  ["a mistyped part of a page", (t) => t.page({}, { limt: 5 }), "OPTION_UNSUPPORTED", ["`limit`"]],
  ["no page", (t) => t.page({}), "OPTION_UNSUPPORTED", ["undefined"]],
  ["a run that is undefined", (t) => t.run(undefined).status(), "RUN_UNKNOWN", ["undefined", "`id`"]],
  ["an outcome of undefined", (t) => t.run(undefined).outcome(), "RUN_UNKNOWN", ["undefined"]],
  ["a result of a number", (t) => t.run(7).result(), "RUN_UNKNOWN", ["7"]],
  ["a handle for an id", (t) => t.show(t.run("x")), "RUN_UNKNOWN", ["a Handle", "`id`"]],
  ["a graph of null", (t) => t.graphOf(null), "RUN_UNKNOWN", ["null"]],
  ["null for the options of a cancel", (t) => t.cancel("x", null), "OPTION_UNSUPPORTED", ["`cancel`", "null"]],
  ["a dry run that is a text", (t) => t.retry({ key: "x" }, { dryRun: "no" }), "OPTION_UNSUPPORTED", ["`retry`", '"no"']], // prettier-ignore
  ["a reason that is no text", (t) => t.cancel("x", { reason: 5 }), "OPTION_UNSUPPORTED", ["`reason`"]],
  ["a cancel of nothing said", (t) => t.cancel(undefined), "OPTION_UNSUPPORTED", ["Which runs"]],
];

test("what is asked for wrongly is refused by what it is, and says the way out", async () => {
  const { world, tenfold } = await filled(1);
  for (const [what, ask, code, parts] of WRONG) {
    const error = await rejects(world.happens(ask(tenfold)), code, ...parts).catch((thrown: Error) => {
      throw new Error(`${what}: ${thrown.message}`, { cause: thrown });
    });
    assert.match(error.message, /; nothing was (?:done|changed)\. \S/, what);
  }
});

test("one caller's wrong id is not told to those who wait for other runs", async () => {
  const world = new World();
  const { tenfold } = await world.open([flow], { work: false });
  const run = await world.happens(tenfold.start(flow, { n: 1 }));
  const waiting = run.outcome();
  await rejects(world.happens(tenfold.run(undefined as never).outcome()), "RUN_UNKNOWN");
  await world.open([flow]);
  assert.equal((await world.happens(waiting)).status, "completed");
});

test("show tells a run's input, output, error and entries, read from their texts", async () => {
  const { world, tenfold, ids } = await filled(1);
  const done = await world.happens(tenfold.show(ids[7]!));
  assert.deepEqual([done.status, done.input, done.output, done.error, done.key], ["completed", { n: 7 }, 7, null, "lead-7"]); // prettier-ignore
  assert.deepEqual(
    done.entries.map((entry) => [entry.kind, "node" in entry ? entry.node : ""]),
    [["done", "s"]],
  );
  const failed = await world.happens(tenfold.show(ids[5]!));
  assert.deepEqual([failed.status, failed.output, failed.error?.code, failed.owned], ["failed", undefined, "STEP_FAILED", false]); // prettier-ignore
  const graph = await world.happens(tenfold.graphOf(ids[5]!));
  assert.deepEqual(graph, flow.graph);
});

test("the graph of a run that the store has lost is told of as damage, with the way out", async () => {
  const { world, ids } = await filled(1);
  const { tenfold } = await world.open([], { work: false });
  world.store.graph = async () => undefined;
  await rejects(world.happens(tenfold.graphOf(ids[5]!)), "STORE_CORRUPT", ids[5]!, "Restore the store from a backup");
});
