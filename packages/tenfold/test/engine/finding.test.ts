/** Laws of finding runs: pages by key, filters, counts, and what is shown of one run. */
import assert from "node:assert/strict";
import { test } from "node:test";
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
