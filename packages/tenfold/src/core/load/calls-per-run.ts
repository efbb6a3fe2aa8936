/**
 * How often a run calls a step, read off its graph: at least, and at most.
 * Invariants: `least` holds in every run of which nothing fails or times out, whichever arms it takes; `most` in every run,
 * and it is Infinity if and only if `open` names what has no bound. Retries are not counted: each call is one.
 * What a script calls is in its function, where nobody sees it: a script counts as nothing.
 */
import type { WorkflowDefinition } from "../../flow/definition.ts";
import {
  scopesOf,
  type ApprovalNode,
  type CallNode,
  type EachNode,
  type GraphNode,
  type StepNode,
  type Template,
} from "../../flow/graph.ts";

export interface CallsPerRun {
  readonly least: number;
  readonly most: number;
  /** What is repeated as often as only a run can know: an `each` over a list that comes with it, a recursion. */
  readonly open: readonly OpenNode[];
}

export interface OpenNode {
  readonly workflow: string;
  readonly node: EachNode | CallNode;
}

/** What one call counts: 0 for a step that is not looked at. */
export type Weigh = (definition: WorkflowDefinition, node: StepNode) => number;

/** What a call runs; undefined where nobody knows, or where its runs are counted elsewhere. */
export type FindCallee = (node: CallNode) => WorkflowDefinition | undefined;

export function callsPerRun(definition: WorkflowDefinition, weigh: Weigh, callee: FindCallee): CallsPerRun {
  return countWorkflow({ weigh, callee, known: new Map(), recursions: new Map() }, definition);
}

interface Counting {
  readonly weigh: Weigh;
  readonly callee: FindCallee;
  /** Null as long as it is being counted. */
  readonly known: Map<WorkflowDefinition, CallsPerRun | null>;
  /** The call that led back into a workflow. */
  readonly recursions: Map<WorkflowDefinition, OpenNode>;
}

const NONE: CallsPerRun = { least: 0, most: 0, open: [] };

function countWorkflow(counting: Counting, definition: WorkflowDefinition): CallsPerRun {
  const known = counting.known.get(definition);
  if (known !== undefined) return known ?? NONE;
  counting.known.set(definition, null);
  const once = countScope(counting, definition, 0);
  const recursion = counting.recursions.get(definition);
  const counted = recursion === undefined ? once : times(once, 1, Infinity, recursion);
  counting.known.set(definition, counted);
  return counted;
}

function countScope(counting: Counting, definition: WorkflowDefinition, scope: number): CallsPerRun {
  const { nodes, scopes } = definition.graph;
  return sum(scopes[scope]!.nodes.map((index) => countNode(counting, definition, nodes[index]!)));
}

function countNode(counting: Counting, definition: WorkflowDefinition, node: GraphNode): CallsPerRun {
  const inside = (scope: number): CallsPerRun => countScope(counting, definition, scope);
  switch (node.kind) {
    case "step": {
      const weight = counting.weigh(definition, node);
      return { least: weight, most: weight, open: [] };
    }
    case "match":
      // A `when` may do nothing; a `match` that no arm is for fails.
      return either([
        ...scopesOf(node).map(inside),
        ...(node.form === "when" && node.otherwise === null ? [NONE] : []),
      ]);
    case "each": {
      const items = itemsKnown(node.items);
      return times(inside(node.body), leastItems(node, items), items ?? Infinity, {
        workflow: definition.name,
        node,
      });
    }
    case "repeat":
      return times(inside(node.body), 1, node.max);
    case "attempt":
      return sum([inside(node.body), times(inside(node.handler), 0, 1)]);
    case "wait":
      return node.otherwise === null ? NONE : times(inside(node.otherwise), 0, 1);
    case "approval":
      return node.show === null ? NONE : times(inside(node.show), 0, timesShown(node));
    case "call":
      return countCall(counting, definition, node);
    default:
      return NONE;
  }
}

function countCall(counting: Counting, { name: workflow }: WorkflowDefinition, node: CallNode): CallsPerRun {
  const child = counting.callee(node);
  if (child === undefined) return NONE;
  if (counting.known.get(child) === null) counting.recursions.set(child, { workflow, node });
  return countWorkflow(counting, child);
}

/** How many items a list has that is written down in the flow; null: that shows in a run. */
export function itemsKnown(items: Template): number | null {
  if (items.kind === "array") return items.items.length;
  return items.kind === "constant" && Array.isArray(items.value) ? items.value.length : null;
}

/** One that has enough may stop before the rest has begun. */
function leastItems({ enough }: EachNode, items: number | null): number {
  if (enough === undefined) return items ?? 0;
  if (enough.rest === "finish" && items !== null) return items;
  const { count } = enough;
  const needed = count.kind === "constant" && typeof count.value === "number" ? count.value : 0;
  return Math.min(needed, items ?? Infinity);
}

/** Whoever decides before it is shown is shown nothing. Reminders without an end are as slow as people are, and count as none. */
function timesShown({ escalate, remindMs, timeoutMs }: ApprovalNode): number {
  const reminders = remindMs === null || timeoutMs === null ? 0 : Math.floor(timeoutMs / remindMs);
  return 1 + reminders + (escalate === null ? 0 : 1);
}

function sum(counts: readonly CallsPerRun[]): CallsPerRun {
  return {
    least: counts.reduce((total, { least }) => total + least, 0),
    most: counts.reduce((total, { most }) => total + most, 0),
    open: openOf(counts),
  };
}

function either(counts: readonly CallsPerRun[]): CallsPerRun {
  return {
    least: counts.length === 0 ? 0 : Math.min(...counts.map(({ least }) => least)),
    most: Math.max(0, ...counts.map(({ most }) => most)),
    open: openOf(counts),
  };
}

function openOf(counts: readonly CallsPerRun[]): readonly OpenNode[] {
  return [...new Map(counts.flatMap(({ open }) => open).map((one) => [one.node, one])).values()];
}

/** `opener` is what has no bound, where `most` is Infinity. */
function times({ least, most, open }: CallsPerRun, leastTimes: number, mostTimes: number, opener?: OpenNode) {
  if (most === 0 || mostTimes === 0) return NONE;
  const isOpened = mostTimes === Infinity && opener !== undefined;
  return { least: least * leastTimes, most: most * mostTimes, open: isOpened ? [opener, ...open] : open };
}
