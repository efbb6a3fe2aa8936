/** What a change of a workflow comes to in its graph, in words. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { diffGraphs, diffLines, isEmptyDiff } from "../../src/flow/graph-diff.ts";
import * as flow from "../../src/flow/index.ts";
import { seededRandom } from "../../src/value/random.ts";
import { randomEdit, renamed, withWhenFirst } from "../core/edits.ts";
import { wildWorkflow } from "../core/wild-workflow.ts";

const { approval, call, derive, each, gte, match, repeat, sleep, waitFor, when } = flow as any;
const [one, two] = ["one", "two"].map((name) => (flow as any).step(name, { run: (input: unknown) => input }));

function graphOf(write: (input: any) => unknown) {
  return (flow as any).workflow("w", { flow: write }).graph as flow.Graph;
}

type Flow = (input: any) => unknown;

const changes: readonly (readonly [what: string, before: Flow, after: Flow, lines: readonly string[]])[] = [
  ["nothing", (n) => one(n), (n) => one(n), []],
  ["a node more", (n) => one(n), (n) => [one(n), two(n)], ["+ two (step two)", "~ output: value: one → [one, two]"]],
  [
    "a node less",
    (n) => one(two(n)),
    (n) => one(n),
    ["- two (step two)", "~ one: input: two → input", "+ input → one"],
  ],
  ["another step of the same name", (n) => one.as("x")(n), (n) => two.as("x")(n), ["~ x: step one → step two"]],
  ["another input", (n) => one(n.a), (n) => one({ a: n.b }), ["~ one: input: input.a → { a: input.b }"]],
  [
    "an order without data",
    (n) => [one(n), two(n)],
    (n) => {
      const first = one(n);
      return [first, (flow as any).after(first, () => two(n))];
    },
    ["+ one → two"],
  ],
  [
    "a condition",
    (n) => when(gte(n.a, 1), () => one(n)),
    (n) => when(gte(n.a, 2), () => one(n)),
    ["~ when-a: condition: gte(input.a, 1) → gte(input.a, 2)"],
  ],
  [
    "the source of a function",
    (n) => derive.as("x")(n, (v: number) => v),
    (n) => derive.as("x")(n, (v: number) => v + 1),
    ["~ x: the source of its function"],
  ],
  ["a timer", () => sleep.as("x")("3 days"), () => sleep.as("x")("2 days"), ["~ x: until: 3 d → 2 d"]],
  [
    "a timeout",
    () => waitFor.as("x")("paid"),
    () => waitFor.as("x")("paid", { timeout: "1d" }),
    ["~ x: timeout: none → 1 d"],
  ],
  [
    "who decides",
    (n) => approval.as("x")({ ask: n, by: "kim" }),
    (n) => approval.as("x")({ ask: n, by: ["kim", "lee"] }),
    ['~ x: by: "kim" → ["kim","lee"]'],
  ],
  ["what is called", (n) => call.as("x")("a", n), (n) => call.as("x")("b", n), ["~ x: call of a → call of b"]],
  [
    "how many at once",
    (n) => each.as("x")(n.a, (v: any) => one(v)),
    (n) => each.as("x")(n.a, (v: any) => one(v), { concurrency: 2 }),
    ["~ x: concurrency: none → 2"],
  ],
  [
    "enough of an each, and what becomes of the rest",
    (n) => each.as("x")(n.a, (v: any) => one(v), { enough: 1, rest: "finish" }),
    (n) => each.as("x")(n.a, (v: any) => one(v), { enough: 2, rest: "stop" }),
    ["~ x: enough: 1 → 2", "~ x: rest: finish → stop"],
  ],
  [
    "rounds",
    (n) => repeat.as("x")(n, (v: any) => one(v), { until: (v: any) => gte(v.a, 1), max: 2 }),
    (n) => repeat.as("x")(n, (v: any) => one(v), { until: (v: any) => gte(v.a, 1), max: 3 }),
    ["~ x: max: 2 → 3"],
  ],
  [
    "an arm",
    (n) => match.as("x")(n.a, { p: () => one(n) }),
    (n) => match.as("x")(n.a, { p: () => one(n), q: () => two(n) }),
    ["+ x/q/two (step two)", "~ x: arms: p: p → p: p, q: q", "~ x: result of q: none → x/q/two"],
  ],
];

for (const [what, before, after, lines] of changes) {
  test(`what is different is told: ${what}`, () => {
    const diff = diffGraphs(graphOf(before), graphOf(after));
    assert.deepEqual(diffLines(diff), lines);
    assert.equal(isEmptyDiff(diff), lines.length === 0);
  });
}

const seeds = fc.integer({ min: 1, max: 1_000_000_000 });

test("a graph is like itself, and any edit of it shows, the other way round when it is taken back", () => {
  fc.assert(
    fc.property(seeds, (seed) => {
      const random = seededRandom(seed);
      const { graph } = wildWorkflow(random, 12);
      assert.ok(isEmptyDiff(diffGraphs(graph, structuredClone(graph))));
      const other =
        random() < 0.3
          ? renamed(graph, graph.nodes.length - 1)
          : random() < 0.3
            ? withWhenFirst(graph)
            : randomEdit(graph, random);
      const [there, back] = [diffGraphs(graph, other), diffGraphs(other, graph)];
      const isSame = JSON.stringify(graph) === JSON.stringify(other);
      if (!isSame) assert.ok(!isEmptyDiff(there) || seesNoChange(graph, other), "an edit shows");
      assert.deepEqual(there.added, back.removed);
      assert.deepEqual(there.edgesAdded, back.edgesRemoved);
      assert.deepEqual(there.changed.map(({ node }) => node), back.changed.map(({ node }) => node).sort((a, b) => orderIn(other, a) - orderIn(other, b))); // prettier-ignore
    }),
    { numRuns: 300 },
  );
});

/** A step that used nothing has lost nothing. */
function seesNoChange(a: flow.Graph, b: flow.Graph): boolean {
  const shape = ({ nodes }: flow.Graph) => nodes.map(({ id, kind }) => `${id} ${kind}`).join();
  return shape(a) === shape(b);
}

function orderIn({ nodes }: flow.Graph, node: string): number {
  const index = nodes.findIndex(({ id }) => id === node);
  return index < 0 ? nodes.length : index;
}
