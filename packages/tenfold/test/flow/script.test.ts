/** Laws of drawing scripts: a node with the hash of its function, the signals that it says, and what is refused. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { checkGraph } from "../../src/flow/check-graph.ts";
import * as flow from "../../src/flow/index.ts";
import type { ScriptNode } from "../../src/flow/graph.ts";
import type { WorkflowDefinition } from "../../src/flow/definition.ts";
import { refuses } from "./refuses.ts";

const { after, script, step, waitFor, workflow } = flow as any;
const SCHEMA = { "~standard": { version: 1, vendor: "test", validate: (value: unknown) => ({ value }) } };
const work = step("work", { run: (n: number) => n });
const agent = script("agent", async () => 1);

const scriptsOf = ({ graph }: WorkflowDefinition) =>
  graph.nodes.filter((node): node is ScriptNode => node.kind === "script");

test("a script is a node of its own, named as it is or as it is told, with its input and what it waits for", () => {
  const drawn = workflow("w", {
    flow: (n: any) => {
      const first = agent(n.text);
      return after(work(n), () => agent.as("again")({ first }));
    },
  });
  const [first, again] = scriptsOf(drawn);
  assert.deepEqual([first!.id, first!.script, first!.max, first!.signals], ["agent", "agent", 10_000, null]);
  assert.deepEqual(first!.input, { kind: "ref", node: 0, path: ["text"] });
  assert.deepEqual([again!.id, again!.script, again!.after.length], ["again", "agent", 1]);
  assert.equal(drawn.code.get("again")?.kind, "script");
  assert.deepEqual(checkGraph(JSON.parse(JSON.stringify(drawn.graph))), drawn.graph);
});

test("another function is another graph, and the same is the same", () => {
  const of = (run: unknown) => workflow("w", { flow: () => script("agent", run)() }).hash;
  assert.equal(of(async () => 1), of(async () => 1)); // prettier-ignore
  assert.notEqual(
    of(async () => 1),
    of(async () => 2),
  );
});

test("a script's signals are those of its workflow, with one schema each", () => {
  const paid = script("agent", { max: 5, signals: { paid: SCHEMA, stopped: null } }, async () => 1);
  const drawn = workflow("w", { flow: () => [paid(), waitFor("paid", { schema: SCHEMA })] });
  assert.deepEqual(scriptsOf(drawn)[0]!.signals, [
    { signal: "paid", isChecked: true },
    { signal: "stopped", isChecked: false },
  ]);
  assert.equal(drawn.signals.get("paid"), SCHEMA);
  refuses(
    () => workflow("w", { flow: () => [paid(), waitFor("paid")] }),
    "WAIT_INVALID",
    `the signal "paid" is waited for with another schema`,
  );
});

test("two scripts, or a script and a step, in one scope need two names", () => {
  refuses(() => workflow("w", { flow: () => [agent(), agent()] }), "NODE_NAME_TAKEN", '.as("agent-again")');
});

test("a damaged script is refused with node and reason", () => {
  const { graph } = workflow("w", { flow: (n: unknown) => agent(n) }) as WorkflowDefinition;
  const damages: [string, (node: any) => void][] = [
    ["it names no script", (node) => delete node.script],
    ["it names no script, or no source", (node) => (node.source = 1)],
    ["its max is no whole number", (node) => (node.max = 0)],
    ["its max is no whole number", (node) => (node.max = 1e9)],
    ["its signals are damaged", (node) => (node.signals = ["paid"])],
    ["its input is no template", (node) => (node.input = null)],
  ];
  for (const [reason, damage] of damages) {
    const copy = JSON.parse(JSON.stringify(graph));
    damage(copy.nodes[1]);
    refuses(() => checkGraph(copy), "WORKFLOW_INVALID", reason);
  }
});
