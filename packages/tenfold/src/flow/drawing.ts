/**
 * A workflow while it is drawn: nodes and scopes so far, and where the next node goes.
 * Invariants: a construct's node stands before the nodes of its scopes; ids are unique; only a `flow` on the call
 * stack changes a drawing, and it is dropped when the definition is made.
 */
import { TenfoldError, type ErrorCode } from "../value/error.ts";
import type { Schema } from "../value/schema.ts";
import type { NodeCode, StepDefinition } from "./definition.ts";
import type { GraphNode, Template } from "./graph.ts";

export interface Drawing {
  readonly workflow: string;
  readonly nodes: GraphNode[];
  readonly scopes: DraftScope[];
  readonly indexes: Map<string, number>;
  readonly steps: Map<string, StepDefinition>;
  readonly code: Map<string, NodeCode>;
  readonly signals: Map<string, Schema | undefined>;
  /** Conditions that nothing has used so far. */
  readonly unusedConditions: Set<Template>;
  /** The scope that nodes are drawn in now. */
  scope: number;
  /** What nodes drawn now wait for beside their inputs. */
  after: readonly number[];
}

interface DraftScope {
  readonly owner: number;
  readonly name: string;
  /** The scope around it; -1 for the workflow itself. */
  readonly parent: number;
  /** What its nodes' ids begin with. */
  readonly prefix: string;
  readonly nodes: number[];
  output: Template;
}

/** An output that nothing was returned for. */
const NOTHING: Template = Object.freeze({ kind: "constant" });

export function startDrawing(workflow: string): Drawing {
  const root: DraftScope = { owner: -1, name: "", parent: -1, prefix: "", nodes: [], output: NOTHING };
  const drawing: Drawing = {
    workflow,
    nodes: [],
    scopes: [root],
    indexes: new Map(),
    steps: new Map(),
    code: new Map(),
    signals: new Map(),
    unusedConditions: new Set(),
    scope: 0,
    after: [],
  };
  addNode(drawing, { kind: "input", id: "input", scope: 0 });
  return drawing;
}

/** The id that a node named `name` gets in the current scope; refused if another node has it. */
export function nodeId(drawing: Drawing, name: string): string {
  const id = drawing.scopes[drawing.scope]!.prefix + name;
  const taken = drawing.indexes.get(id);
  if (taken === undefined) return id;
  throw drawingError("NODE_NAME_TAKEN", drawing, id, {
    happened: `the name is taken in its scope by a node of kind "${drawing.nodes[taken]!.kind}"`,
    wayOut: `Name one of the two: \`.as("${name}-again")(…)\`.`,
  });
}

export function addNode(drawing: Drawing, node: GraphNode): number {
  const index = drawing.nodes.push(node) - 1;
  drawing.scopes[node.scope]!.nodes.push(index);
  drawing.indexes.set(node.id, index);
  return index;
}

/** Draws a scope that the node `owner` opens; `draw` answers the scope's output. */
export function drawScope(drawing: Drawing, owner: number, name: string, draw: (scope: number) => Template): number {
  const before = { scope: drawing.scope, after: drawing.after };
  const ownerId = drawing.nodes[owner]!.id;
  const prefix = name === "" ? `${ownerId}/` : `${ownerId}/${name}/`;
  const draft: DraftScope = { owner, name, parent: before.scope, prefix, nodes: [], output: NOTHING };
  const scope = drawing.scopes.push(draft) - 1;
  drawing.scope = scope;
  // The construct itself waits, so what is in it need not.
  drawing.after = [];
  try {
    draft.output = draw(scope);
    return scope;
  } finally {
    drawing.scope = before.scope;
    drawing.after = before.after;
  }
}

/** Whether `scope` is `around` or lies in it. */
export function isWithin(drawing: Drawing, scope: number, around: number): boolean {
  for (let at = scope; at >= 0; at = drawing.scopes[at]!.parent) if (at === around) return true;
  return false;
}

/** What a scope is called in a message. */
export function scopeText(drawing: Drawing, scope: number): string {
  const { owner, prefix } = drawing.scopes[scope]!;
  if (owner < 0) return `the workflow "${drawing.workflow}" itself`;
  const { kind, id } = drawing.nodes[owner]!;
  if (kind === "each" || kind === "repeat") return `the body of "${id}"`;
  return kind === "match" ? `the arm "${prefix.slice(0, -1)}"` : `"${prefix.slice(0, -1)}"`;
}

/** The way out wherever a flow waits for something. */
export const NO_AWAIT =
  "Draw without `async`, `await` and `then`: a step answers a value at once, and the graph does the waiting.";

export interface DrawingFault {
  readonly happened: string;
  readonly wayOut: string;
  readonly facts?: Readonly<Record<string, unknown>>;
  readonly cause?: unknown;
}

/** An error of the one shape that all errors of drawing have: workflow, node, what happened, the way out. */
export function drawingError(code: ErrorCode, drawing: Drawing, node: string, fault: DrawingFault): TenfoldError {
  const { workflow } = drawing;
  return new TenfoldError(
    code,
    `Workflow "${workflow}", node "${node}": ${fault.happened}; the workflow was not defined. ${fault.wayOut}`,
    { facts: { workflow, node, ...fault.facts }, cause: fault.cause },
  );
}
