/** How often a run calls a step lies where its graph says, whatever the graph is and whichever way the run goes. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { callsPerRun, type CallsPerRun, type Weigh } from "../../../src/core/load/calls-per-run.ts";
import type { WorkflowDefinition } from "../../../src/flow/definition.ts";
import {
  attempt,
  call,
  each,
  eq,
  match,
  repeat,
  step,
  waitFor,
  when,
  workflow,
  type Lifted,
} from "../../../src/index.ts";
import { answerOf } from "../../../src/testing/simulator/answer.ts";
import { decisionOf, signalOf } from "../../../src/testing/simulator/fates.ts";
import { interpret, STEPS } from "../../../src/testing/simulator/interpreter.ts";
import { hash32 } from "../../../src/value/hash.ts";
import type { Json } from "../../../src/value/json.ts";
import { seededRandom } from "../../../src/value/random.ts";
import { RUN } from "../life.ts";
import { wildWorkflow } from "../wild-workflow.ts";

const ofStep =
  (name: string): Weigh =>
  (_definition, node) =>
    node.step === name ? 1 : 0;

const NOBODY = (): undefined => undefined;

/** The calls of each step in a run of which one node in `rarity` fails, and whether anything failed. */
function callsIn(definition: WorkflowDefinition, seed: number, rarity: number) {
  const called = new Map<string, string>();
  const failed = new Set<string>();
  const answer = (name: string, given: Json | undefined) => answerOf(name, given) as unknown as Json;
  const fateOf = (path: string, name: string, given: Json | undefined) => {
    called.set(path, name);
    if (hash32(`${seed} ${path}`) % rarity > 0) return { output: answer(name, given) };
    failed.add(path);
    return { error: path };
  };
  const { failures } = interpret(
    definition.graph,
    answer("input", seed),
    fateOf,
    (_node, [seen]) => answer("derive", seen),
    {
      signalOf,
      decisionOf: (path) => decisionOf(RUN, path),
      childOf: (_path, name, given) => ({ output: answer(name, given) }),
    },
  );
  const names = [...called.values()];
  // Each handler of these graphs calls a step.
  const isSound = failures.size + failed.size === 0 && ![...called.keys()].some((path) => path.includes("/catch/"));
  return { isSound, calls: STEPS.map((name) => [name, names.filter((one) => one === name).length] as const) };
}

test("in a random graph no run calls a step more often than at most, and none that nothing fails in less than at least", () => {
  fc.assert(
    fc.property(fc.nat(), fc.constantFrom(Infinity, 6), (seed, rarity) => {
      const definition = wildWorkflow(seededRandom(seed), 14, { scripts: false, races: false });
      const { isSound, calls: counts } = callsIn(definition, seed, rarity);
      for (const [name, calls] of counts) {
        const { least, most, open } = callsPerRun(definition, ofStep(name), NOBODY);
        assert.ok(calls <= most, `${name} is called ${calls} times, and at most ${most}`);
        assert.ok(!isSound || calls >= least, `${name} is called ${calls} times, and at least ${least}`);
        assert.equal(most === Infinity, open.length > 0);
      }
    }),
    { numRuns: 1000 },
  );
});

const one = step("one", { run: (input: unknown) => input === null });
const two = step("two", { run: (input: unknown) => input === null });

function counted(flow: (input: Lifted<{ kind: string; list: string[] }>) => unknown): CallsPerRun {
  const drawn = workflow<{ kind: string; list: string[] }>("drawn", { flow: flow as never });
  return callsPerRun(drawn, ofStep("one"), NOBODY);
}

test("each construct multiplies the calls of what is in it", () => {
  const three = () => [one.as("a")(1), one.as("b")(2), one.as("c")(3)];
  const cases: readonly (readonly [
    string,
    CallsPerRun["least"],
    CallsPerRun["most"],
    Parameters<typeof counted>[0],
  ])[] = [
    ["a list that is written down", 4, 4, () => each([1, 2, 3, 4], (item) => one(item))],
    ["a list in a list", 6, 6, () => each([1, 2, 3], (n) => each([1, 2], (m) => one({ n, m })))],
    ["a list that comes with the run", 0, Infinity, ({ list }) => each(list, (item) => one(item))],
    ["a list of things that do not call it", 0, 0, ({ list }) => each(list, (item) => two(item))],
    ["enough of a list", 2, 4, () => each([1, 2, 3, 4], (item) => one(item), { enough: 2, rest: "stop" })],
    ["enough, and the rest", 4, 4, () => each([1, 2, 3, 4], (item) => one(item), { enough: 2, rest: "finish" })],
    ["rounds", 1, 7, () => repeat(true, (s) => one(s), { until: (s) => eq(s, true), max: 7 })],
    ["the arm with the most calls, and the one with the fewest", 0, 3, ({ kind }) => match(kind, { a: three, b: () => one(1), otherwise: () => two(1) })], // prettier-ignore
    ["either way", 1, 1, ({ kind }) => when(eq(kind, "a"), () => one(1), () => one.as("other")(2))], // prettier-ignore
    ["a handler that may be needed", 1, 2, () => attempt(() => one(1), () => one.as("again")(2))], // prettier-ignore
    ["what runs where nothing came", 0, 1, () => waitFor("go", { timeout: "1s", otherwise: () => one(1) })],
  ];
  for (const [what, least, most, flow] of cases) {
    const found = counted(flow);
    assert.deepEqual([found.least, found.most], [least, most], what);
  }
});

test("what children call counts as often as they are called, and a recursion has no bound", () => {
  const child = workflow("child", { flow: (n: Lifted<number>) => [one(n), one.as("more")(n)] });
  const parent = workflow("parent", { flow: () => each([1, 2, 3], (n) => call(child, n)) });
  const tree: WorkflowDefinition = workflow("tree", {
    flow: (n: Lifted<number>) => when(eq(n, 0), () => one(n), () => call("tree", n)), // prettier-ignore
  });
  const empty: WorkflowDefinition = workflow("empty", { flow: (n: Lifted<number>) => [two(n), call("empty", n)] });
  const known = new Map<string, WorkflowDefinition>([child, parent, tree, empty].map((each) => [each.name, each]));
  const count = (definition: WorkflowDefinition) =>
    callsPerRun(definition, ofStep("one"), (node) => known.get(node.workflow));
  assert.deepEqual(count(parent), { least: 6, most: 6, open: [] });
  const { least, most, open } = count(tree);
  assert.deepEqual([least, most, open.map(({ node }) => node.id)], [0, Infinity, ["when-input/otherwise/call-tree"]]);
  assert.deepEqual(count(empty), { least: 0, most: 0, open: [] });
});
