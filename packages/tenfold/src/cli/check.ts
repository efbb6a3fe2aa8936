/** What a workflow's graph shows before anything runs: findings, each with its way out. */
import { scopesOf, templatesOf, visitRefs, type EachNode, type Graph, type GraphNode } from "../flow/graph.ts";
import type { WorkflowDefinition } from "../flow/definition.ts";
import { unreachableArms } from "./check-arms.ts";
import { testedValues } from "./check-source.ts";

export type FindingCode =
  | "ARM_UNREACHABLE"
  | "VALUE_TESTED"
  | "ORDER_WITHOUT_DATA"
  | "STEP_WITHOUT_TIMEOUT"
  | "EACH_ALL_AT_ONCE"
  | "UNUSED_RESULT"
  | "TICK_REFUSED"
  | "CALENDAR_ENDS"
  | "RATE_BELOW_VOLUME"
  | "RATE_BELOW_WORST_CASE"
  | "RATE_BELOW_PEAK"
  | "DRAIN_TOO_SLOW"
  | "FAN_OUT_UNKNOWN"
  | "CONCURRENCY_BELOW_TIMEOUT"
  | "RETRIES_BEYOND_FINISH"
  | "RETRIES_BEYOND_INTERVAL"
  | "RETRY_AMPLIFICATION"
  | "PAYLOAD_TOO_LARGE"
  | "EACH_ABOVE_QUEUE";

export interface Finding {
  readonly code: FindingCode;
  /** An error is never meant; a note may be. */
  readonly level: "error" | "note";
  readonly workflow: string;
  /** Or which of its triggers, or the limit that its steps share. */
  readonly node: string;
  /** What is found, and the way out. */
  readonly message: string;
}

/** All findings, errors first, in the order of the graph. */
export function checkWorkflow(definition: WorkflowDefinition): readonly Finding[] {
  const { name: workflow, graph, warnings } = definition;
  const findings: Finding[] = [
    ...unreachableArms(graph).map(({ node, message }): Finding => ({
      code: "ARM_UNREACHABLE",
      level: "error",
      workflow,
      node,
      message,
    })),
    ...testedValues(definition).map(({ node, message }): Finding => ({
      code: "VALUE_TESTED",
      level: "error",
      workflow,
      node,
      message,
    })),
    ...orderWithoutData(graph),
    ...stepsWithoutTimeout(definition),
    ...eachesAllAtOnce(graph),
    ...warnings.map(({ node, message }): Finding => ({
      code: "UNUSED_RESULT",
      level: "note",
      workflow,
      node,
      message,
    })),
  ];
  return errorsFirst(findings);
}

export function errorsFirst(findings: readonly Finding[]): readonly Finding[] {
  return findings.toSorted((a, b) => Number(a.level === "note") - Number(b.level === "note"));
}

/** An order that `after` demands and no data does: the two could run side by side. */
function orderWithoutData(graph: Graph): Finding[] {
  const reached = new Map<number, ReadonlySet<number>>();
  return graph.nodes.flatMap((node, index) => {
    if (!("after" in node) || node.after.length === 0) return [];
    const byData = reachedByData(graph, index, reached);
    return node.after
      .filter((first) => !byData.has(first) && !isDrawnForOrder(graph.nodes[first]!))
      .map((first): Finding => {
        const before = graph.nodes[first]!.id;
        return {
          code: "ORDER_WITHOUT_DATA",
          level: "note",
          workflow: graph.workflow,
          node: node.id,
          message: `It waits for "${before}" and uses nothing of it. If the order does not matter, draw it outside of \`after\`, and both run at once; if it does, all is well.`,
        };
      });
  });
}

/** A sleep has no data, and a signal may be nothing but the word to go on. */
function isDrawnForOrder({ kind }: GraphNode): boolean {
  return kind === "sleep" || kind === "wait";
}

/** Every node that the node, or what is in its scopes, uses the data of, directly or through others. */
function reachedByData(graph: Graph, index: number, known: Map<number, ReadonlySet<number>>): ReadonlySet<number> {
  const found = known.get(index);
  if (found !== undefined) return found;
  const reached = new Set<number>();
  const add = (from: number): void => {
    // What is used in a node's own scopes stands after it in the list, so this ends.
    reached.add(from);
    if (from < index) for (const further of reachedByData(graph, from, known)) reached.add(further);
  };
  visitUses(graph, index, add);
  known.set(index, reached);
  return reached;
}

function visitUses(graph: Graph, index: number, add: (node: number) => void): void {
  const node = graph.nodes[index]!;
  for (const template of templatesOf(node)) visitRefs(template, add);
  for (const scope of scopesOf(node)) {
    for (const inner of graph.scopes[scope]!.nodes) visitUses(graph, inner, add);
    visitRefs(graph.scopes[scope]!.output, add);
  }
}

/**
 * Only of `async` bodies: no timeout stops what a plain one does at once, and whether it answers a promise shows only
 * in a run. So a plain body that waits is passed over, and none that cannot hang is told of.
 */
function stepsWithoutTimeout({ name: workflow, graph, steps, code }: WorkflowDefinition): Finding[] {
  const nodes = new Map<string, string[]>();
  for (const node of graph.nodes) {
    if (node.kind !== "step") continue;
    const step = steps.get(node.step);
    if (step?.isAsync !== true || step.timeout !== undefined) continue;
    const use = code.get(node.id);
    if (use?.kind === "step" && use.overrides.timeout !== undefined) continue;
    nodes.set(node.step, [...(nodes.get(node.step) ?? []), node.id]);
  }
  return [...nodes].map(([step, [first, ...others]]): Finding => {
    const queue = steps.get(step)?.queue;
    const isCounted = [queue, queue?.per, queue?.limit].some((limits) => (limits?.concurrency ?? null) !== null);
    const held = isCounted
      ? "its run, a slot, and a place among those that its queue lets run at once"
      : "its run, and a slot";
    const also = others.length === 0 ? "" : ` (used ${others.length + 1} times)`;
    return {
      code: "STEP_WITHOUT_TIMEOUT",
      level: "note",
      workflow,
      node: first!,
      message: `The step "${step}"${also} has no timeout: an attempt that hangs holds ${held}, for ever. Give it one: \`step("${step}", { timeout: "30s", … })\`.`,
    };
  });
}

function eachesAllAtOnce(graph: Graph): Finding[] {
  // A list that is written down is as long as it is, and may be of things that have to compete.
  const mayBeLong = ({ items }: EachNode): boolean => items.kind === "ref";
  return graph.nodes
    .filter((node): node is EachNode => node.kind === "each" && node.concurrency === null && mayBeLong(node))
    .map((node): Finding => ({
      code: "EACH_ALL_AT_ONCE",
      level: "note",
      workflow: graph.workflow,
      node: node.id,
      message: `It opens all its items at once, and they stay in one worker. If the list may be long, say how many at a time: \`each(items, draw, { concurrency: 50 })\`.`,
    }));
}
