/** Workflows with those that they call: what a call needs code of comes along with it. */
import type { WorkflowDefinition } from "../flow/definition.ts";
import { describe } from "../value/describe.ts";
import { TenfoldError } from "../value/error.ts";

/** Each once, those given first (what a test has wrapped stands for what it wraps); CALL_INVALID where a call was drawn of something else than its function answers now, or of a workflow with a `debounce`. */
export function withCallees(definitions: readonly WorkflowDefinition[]): readonly WorkflowDefinition[] {
  const all = new Set(definitions);
  for (const definition of all) {
    for (const node of definition.graph.nodes) {
      const code = node.kind === "call" ? definition.code.get(node.id) : undefined;
      if (node.kind !== "call" || code?.kind !== "call") continue;
      const target: unknown = typeof code.target === "function" ? answerOf(code.target) : code.target;
      if (!isNamed(target, node.workflow)) throw otherCallee(definition.name, node.id, node.workflow, target);
      const isThere = [...all].some(({ name, hash }) => name === target.name && hash === target.hash);
      if (!isThere) all.add(target);
    }
  }
  for (const definition of all) checkDebounced(definition, all);
  return [...all];
}

/** Also of those that it calls by name, as far as they are known here. */
function checkDebounced({ name, graph }: WorkflowDefinition, all: ReadonlySet<WorkflowDefinition>): void {
  const debounced = new Set([...all].filter(({ debounce }) => debounce !== undefined).map((each) => each.name));
  if (debounced.size === 0) return;
  for (const node of graph.nodes) {
    if (node.kind === "call" && debounced.has(node.workflow)) throw callsDebounced(name, node.id, node.workflow);
  }
}

/** A call is answered with what its own input comes to, and the last of several inputs would answer them all. */
export function callsDebounced(workflow: string, node: string, callee: string): TenfoldError {
  return new TenfoldError(
    "CALL_INVALID",
    `Workflow "${workflow}", node "${node}": it calls "${callee}", which has a \`debounce\`, so that its run would be on the input of whoever starts it last; no run was started. Call a workflow of the same \`flow\` without \`debounce\`, or have a step start this one, and wait for nothing.`,
    { facts: { workflow, node, callee } },
  );
}

function answerOf(target: () => unknown): unknown {
  try {
    return target();
  } catch (thrown) {
    return thrown;
  }
}

function isNamed(target: unknown, name: string): target is WorkflowDefinition {
  return typeof target === "object" && target !== null && "graph" in target && "name" in target && target.name === name;
}

function otherCallee(workflow: string, node: string, drawn: string, found: unknown): TenfoldError {
  const is =
    found instanceof Error
      ? `throws "${found.message}"`
      : typeof found === "object" && found !== null && "graph" in found && "name" in found
        ? `answers the workflow "${String(found.name)}"`
        : `answers ${describe(found)}`;
  return new TenfoldError(
    "CALL_INVALID",
    `Workflow "${workflow}", node "${node}": its function had no answer when the workflow was drawn, so that it was taken to call "${drawn}", and it ${is} now; nothing was opened. A function is for the workflow itself: give another one that is defined later by its name, \`call("its-name", input)\`.`,
    { facts: { workflow, node, drawn } },
  );
}
