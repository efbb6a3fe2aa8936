/**
 * How much more often a step is called when whatever it calls fails: its attempts, times those of the retries around them.
 * A retry is a step's own attempts, an `attempt` whose handler calls the same step again, and a `repeat` that goes on though
 * a round of it failed; a child that is called inside of them is in them.
 * Invariants: a step with a retry budget counts as one call, since its budget bounds what it repeats; rounds between which
 * the run sleeps or waits count as one, since they are spread over time.
 */
import type { StepDefinition, WorkflowDefinition } from "../../flow/definition.ts";
import { scopesOf, type CallNode, type Graph, type GraphNode } from "../../flow/graph.ts";
import type { FindCallee } from "./calls-per-run.ts";
import { stepUse } from "./step-use.ts";

/** More calls of one step that fails than this are told of. */
export const AMPLIFICATION_MOST = 3;

export interface Amplification {
  readonly step: string;
  /** The node that fails, with the workflow in which it stands. */
  readonly workflow: string;
  readonly node: string;
  /** The calls that come of one. */
  readonly calls: number;
  /** How they come together: "3 attempts × 5 rounds of \"repeat\"". */
  readonly arithmetic: string;
}

/** Of each step that a run reaches and that retries of this workflow multiply: retries around retries, not attempts alone. */
export function amplifications(definition: WorkflowDefinition, callee: FindCallee): readonly Amplification[] {
  return [...stepsReached(definition, callee)].flatMap((step) => {
    const failing = failScope({ step, callee, above: [] }, definition, 0);
    if (failing === null || failing.nested === 0 || failing.levels < 2 || failing.calls <= AMPLIFICATION_MOST)
      return [];
    const { workflow, node, calls, arithmetic } = failing;
    return [{ step: step.name, workflow, node, calls, arithmetic }];
  });
}

/** What becomes of a part of the graph in which every attempt of the step fails. */
interface Failing {
  readonly workflow: string;
  readonly node: string;
  readonly calls: number;
  readonly arithmetic: string;
  /** The arithmetic ends with an addition. */
  readonly isSum: boolean;
  /** How many retries are around each other, and how many of them are in this workflow, not in its children. */
  readonly levels: number;
  readonly nested: number;
  /** The part fails with the step; false: the failure is caught in it. */
  readonly fails: boolean;
}

interface Looking {
  readonly step: StepDefinition;
  readonly callee: FindCallee;
  /** The workflows around, so that a recursion ends. */
  readonly above: readonly WorkflowDefinition[];
}

/** Null: the step is not in it. Of several calls of it the one that comes to most stands for all: each is a call of its own. */
function failScope(looking: Looking, definition: WorkflowDefinition, scope: number): Failing | null {
  const { nodes, scopes } = definition.graph;
  const found = scopes[scope]!.nodes.map((index) => failNode(looking, definition, nodes[index]!));
  const most = worst(found);
  return most && { ...most, fails: found.some((one) => one?.fails === true) };
}

function failNode(looking: Looking, definition: WorkflowDefinition, node: GraphNode): Failing | null {
  const inside = (scope: number): Failing | null => failScope(looking, definition, scope);
  switch (node.kind) {
    case "step": {
      if (definition.steps.get(node.step) !== looking.step) return null;
      const { retry } = stepUse(definition, node);
      const calls = retry.budget === null ? retry.attemptsMax : 1;
      const levels = calls > 1 ? 1 : 0;
      const arithmetic = calls === 1 ? "1 call" : `${calls} attempts`;
      const place = { workflow: definition.name, node: node.id };
      return { ...place, calls, arithmetic, isSum: false, levels, nested: levels, fails: true };
    }
    case "match":
      return worst(scopesOf(node).map(inside));
    case "each": {
      const body = inside(node.body);
      return body && { ...body, fails: body.fails && node.onError === "fail" };
    }
    case "attempt":
      return handled(inside(node.body), inside(node.handler));
    case "repeat": {
      const round = inside(node.body);
      const isSpread = waitsIn(definition.graph, node.body);
      return round === null || round.fails || isSpread ? round : repeated(round, node);
    }
    case "call":
      return failCall(looking, definition, node);
    default:
      return null;
  }
}

function failCall({ step, callee, above }: Looking, definition: WorkflowDefinition, node: CallNode): Failing | null {
  const child = callee(node);
  if (child === undefined || child === definition || above.includes(child)) return null;
  const failing = failScope({ step, callee, above: [...above, definition] }, child, 0);
  return failing && { ...failing, nested: 0 };
}

/** The handler is called where the body failed, and tries the step once more if that is in it. */
function handled(body: Failing | null, handler: Failing | null): Failing | null {
  if (body === null || !body.fails) return body ?? handler;
  if (handler === null) return { ...body, fails: false };
  return {
    ...body,
    calls: body.calls + handler.calls,
    arithmetic: `${body.arithmetic} + ${handler.arithmetic}`,
    isSum: true,
    levels: Math.max(body.levels, handler.levels) + 1,
    nested: Math.max(body.nested, handler.nested) + 1,
    fails: handler.fails,
  };
}

function repeated(round: Failing, { id, max }: { readonly id: string; readonly max: number }): Failing {
  if (max === 1) return round;
  const inner = round.isSum ? `(${round.arithmetic})` : round.arithmetic;
  return {
    ...round,
    calls: round.calls * max,
    arithmetic: `${inner} × ${max} rounds of "${id}"`,
    isSum: false,
    levels: round.levels + 1,
    nested: round.nested + 1,
  };
}

function worst(found: readonly (Failing | null)[]): Failing | null {
  return found.reduce((most, one) => {
    if (one === null || (most !== null && most.calls > one.calls)) return most;
    return most !== null && most.calls === one.calls && !most.fails ? most : one;
  }, null);
}

/** Rounds of a scope are apart in time: each of them sleeps, or waits for somebody. */
function waitsIn({ nodes, scopes }: Graph, scope: number): boolean {
  return scopes[scope]!.nodes.some((index) => ["sleep", "wait", "approval"].includes(nodes[index]!.kind));
}

function stepsReached(definition: WorkflowDefinition, callee: FindCallee): ReadonlySet<StepDefinition> {
  const workflows = new Set([definition]);
  for (const { graph } of workflows) {
    for (const node of graph.nodes) {
      const child = node.kind === "call" ? callee(node) : undefined;
      if (child !== undefined) workflows.add(child);
    }
  }
  return new Set(
    [...workflows].flatMap(({ graph, steps }) =>
      graph.nodes.flatMap((node) => (node.kind === "step" ? [steps.get(node.step)!] : [])),
    ),
  );
}
