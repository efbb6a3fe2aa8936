/** Laws of drawing calls: what a call may name, how a workflow calls itself, and what is refused. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Registry } from "../../src/engine/registry.ts";
import { checkGraph } from "../../src/flow/check-graph.ts";
import * as flow from "../../src/flow/index.ts";
import type { WorkflowDefinition } from "../../src/flow/definition.ts";
import { refuses } from "./refuses.ts";

const { call, each, step, workflow } = flow as any;
const work = step("work", { run: (n: number) => n });
const child: WorkflowDefinition = workflow("child", { flow: (n: unknown) => work(n) });
const callsOf = ({ graph }: WorkflowDefinition) =>
  graph.nodes.flatMap((node) => (node.kind === "call" ? [`${node.id}: ${node.workflow}`] : []));

test("a call is a node of its own, named after the workflow or as it is told", () => {
  const parent = workflow("parent", {
    flow: (n: any) => [call(child, n), call.as("again")(child, { n }), call("other")],
  });
  assert.deepEqual(callsOf(parent), ["call-child: child", "again: child", "call-other: other"]);
  assert.deepEqual(checkGraph(JSON.parse(JSON.stringify(parent.graph))), parent.graph);
});

test("a workflow calls itself by a function that has no answer yet", () => {
  const late: { tree?: WorkflowDefinition } = {};
  const tree: WorkflowDefinition = workflow("tree", {
    flow: (n: any) => each(n.list, (m: unknown) => call(() => tree, m)),
  });
  late.tree = workflow("later", { flow: (n: unknown) => call(() => late.tree, n) });
  assert.deepEqual(callsOf(tree), ["each-list/call-tree: tree"]);
  assert.deepEqual(callsOf(late.tree!), ["call-later: later"]);
  assert.deepEqual(new Registry([tree, late.tree!]).names, ["tree", "later"]);
});

test("a function that answers another workflow once it has an answer is refused when the store is opened", () => {
  const one: WorkflowDefinition = workflow("one", { flow: (n: unknown) => call(() => two, n) });
  const two: WorkflowDefinition = workflow("two", { flow: (n: unknown) => call(one, n) });
  refuses(() => new Registry([one]), "CALL_INVALID", '"one"', 'answers the workflow "two"', "call(");
  const missing = () => {
    throw new ReferenceError("nowhere is not defined");
  };
  const typo: WorkflowDefinition = workflow("typo", { flow: (n: unknown) => call(missing, n) });
  refuses(() => new Registry([typo]), "CALL_INVALID", "nowhere is not defined");
});

test("what a workflow calls comes along, and what that calls", () => {
  const middle = workflow("middle", { flow: (n: unknown) => call(child, n) });
  const outer = workflow("outer", { flow: (n: unknown) => call(middle, n) });
  assert.deepEqual(new Registry([outer]).names, ["outer", "middle", "child"]);
});

const bad: readonly (readonly [string, (n: any) => unknown, string])[] = [
  ["a step", (n) => call(work, n), "a step"],
  ["a value", (n) => call(n, n), "a value"],
  ["a function that answers something else", (n) => call(() => 5, n), "answers 5"],
  ["nothing", () => call(undefined), "undefined"],
  ["a name that none may have", () => call("Not A Name"), "cannot be the name"],
];

for (const [what, draw, part] of bad) {
  test(`a call of ${what} is refused`, () => {
    refuses(() => workflow("w", { flow: draw }), "CALL_INVALID", part);
  });
}
