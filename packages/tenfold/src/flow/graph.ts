/**
 * A drawn workflow as frozen data: what core reduces, stores keep under its hash, and tools draw.
 * Invariants: nodes and scopes refer to each other by index; a template refers only to nodes of its own scope or
 * of scopes around it; refs and `after` point to nodes that stand earlier in `nodes`, so a graph has no circle.
 */
import type { Calendar } from "../value/business-days.ts";
import type { Json, JsonPath } from "../value/json.ts";

export interface Graph {
  readonly format: 1;
  readonly workflow: string;
  readonly nodes: readonly GraphNode[];
  /** `scopes[0]` is the whole workflow; its output is the run's. */
  readonly scopes: readonly GraphScope[];
}

/** Nodes that live and finish together: the workflow itself, one arm of a match, the body of an each. */
export interface GraphScope {
  /** The index of the node that opens this scope; -1 for the workflow itself. */
  readonly owner: number;
  /** The path segment under the owner's id: the arm's name, "" for an each's body and the workflow. */
  readonly name: string;
  readonly nodes: readonly number[];
  readonly output: Template;
}

export type GraphNode =
  | InputNode
  | ItemNode
  | StepNode
  | MatchNode
  | EachNode
  | DeriveNode
  | SleepNode
  | WaitNode
  | ApprovalNode
  | AttemptNode
  | RepeatNode
  | CallNode
  | ScriptNode;

interface NodeBase {
  /** Unique in the graph: the path of scopes and the node's name, joined by "/". */
  readonly id: string;
  /** The index of the scope that it stands in. */
  readonly scope: number;
}

interface WorkNode extends NodeBase {
  /** Nodes that must be done first although none of their values is used. */
  readonly after: readonly number[];
}

/** The run's input; always node 0. */
export interface InputNode extends NodeBase {
  readonly kind: "input";
}

/** What a scope is given (an each's item, a repeat's state, an approval's request, an attempt's error); its first node. */
export interface ItemNode extends NodeBase {
  readonly kind: "item";
}

export interface StepNode extends WorkNode {
  readonly kind: "step";
  readonly step: string;
  readonly input: Template;
  /** What it does can be undone. */
  readonly undo?: true;
}

/** Exclusive branches: the arm whose label is the value's text runs; its scope's output is the node's. */
export interface MatchNode extends WorkNode {
  readonly kind: "match";
  readonly form: "match" | "when";
  readonly on: Template;
  readonly arms: readonly MatchArm[];
  /** The scope for a value that no arm is labelled with. */
  readonly otherwise: number | null;
}

export interface MatchArm {
  /** The texts of the values that take this arm; "null" stands for null and undefined. */
  readonly labels: readonly string[];
  readonly scope: number;
}

/** One instance of the body's scope an item; the output is the list of theirs, in order. */
export interface EachNode extends WorkNode {
  readonly kind: "each";
  readonly items: Template;
  readonly body: number;
  /** How many items are worked on at once; null: all of them. */
  readonly concurrency: number | null;
  /** "collect": a failed item is an output `{ ok: false, error }`, a good one `{ ok: true, value }`. */
  readonly onError: "fail" | "collect";
  /** More failed items than this (a number, or a share of them) fail a collecting each; none do where it is not there. */
  readonly failAbove?: { readonly count: number } | { readonly share: number };
  /** So many items that complete are enough; the rest is finished, unheard, or stopped. All are waited for where it is not there. */
  readonly enough?: { readonly count: Template; readonly rest: "finish" | "stop" };
}

/** A pure function of values, found in the code by the node's id. */
export interface DeriveNode extends WorkNode {
  readonly kind: "derive";
  readonly inputs: readonly Template[];
  /** The hash of the function's source, so that a change shows. */
  readonly source: string;
}

/** The longest sleep (ms): a hundred years. */
export const SLEEP_MAX_MS = 36_525 * 86_400_000;
/** A hundred years of weeks that have one business day each. */
export const BUSINESS_DAYS_MAX = 5000;

/** Done, with the output null, when its time has come. */
export interface SleepNode extends WorkNode {
  readonly kind: "sleep";
  /** So long (ms), or so many business days, after the last of what it waits for, or at a moment. */
  readonly until:
    | { readonly forMs: number }
    | { readonly businessDays: number; readonly calendar: Calendar }
    | { readonly at: Template };
}

/** Done when a signal of that name has come; its output is what the signal carries. */
export interface WaitNode extends WorkNode {
  readonly kind: "wait";
  readonly signal: string;
  /** What the signal is to be for, a text or a number; null: for the run as a whole. */
  readonly for: Template | null;
  /** The code has a schema for what the signal carries. */
  readonly isChecked: boolean;
  /** How long it is waited for (ms); null: for ever. */
  readonly timeoutMs: number | null;
  /** The scope that runs where none came in time; null: the node fails. */
  readonly otherwise: number | null;
}

/** Done when those who may decide have, or when its time is over. */
export interface ApprovalNode extends WorkNode {
  readonly kind: "approval";
  readonly ask: Template;
  /** Names, and roles ("role:finance"), of those who may decide: a text or a list of texts; null: anybody may. */
  readonly by: Template | null;
  /** Those who may not. */
  readonly not: Template | null;
  /** How many have to approve. */
  readonly atLeast: number;
  /** All times in ms; null: never. Reminders count from when it was shown last, the others from when it was asked. */
  readonly timeoutMs: number | null;
  readonly remindMs: number | null;
  readonly escalate: { readonly afterMs: number; readonly to: Template } | null;
  /** The scope that shows the request: opened when it is asked, at each reminder, and when it is escalated. */
  readonly show: number | null;
}

/** The most rounds of a repeat: each leaves lines in its run's journal. */
export const REPEAT_MAX = 100_000;

/** Its body's output; where that fails, the handler's. */
export interface AttemptNode extends WorkNode {
  readonly kind: "attempt";
  readonly body: number;
  readonly handler: number;
  /** What finished in a body that fails is kept, not undone. */
  readonly undo?: false;
}

/** One instance of the body's scope a round, each given what the one before put out, until the second of its outputs is true. */
export interface RepeatNode extends WorkNode {
  readonly kind: "repeat";
  readonly initial: Template;
  /** Its output is a list of two: the next state, and whether it is the last. */
  readonly body: number;
  readonly max: number;
  /** What becomes of it where `max` rounds were not enough. */
  readonly onMax: "fail" | "last";
}

/** Done when the run that it starts, the child, has ended; its output is the child's. */
export interface CallNode extends WorkNode {
  readonly kind: "call";
  /** The name of the child's workflow. */
  readonly workflow: string;
  readonly input: Template;
}

/** The most calls of a script: each leaves lines in its run's journal, and all are replayed when it is loaded. */
export const SCRIPT_CALLS_MAX = 40_000;

/** Done when its function has answered, which is found in the code by the node's id. */
export interface ScriptNode extends WorkNode {
  readonly kind: "script";
  readonly script: string;
  readonly input: Template;
  /** The hash of the function's source, so that a change shows. */
  readonly source: string;
  /** The most calls that it makes. */
  readonly max: number;
  /** The signals that it may wait for; null: any. */
  readonly signals: readonly { readonly signal: string; readonly isChecked: boolean }[] | null;
}

/** JSON with references to values in it; a constant without `value` is undefined, which is not null. */
export type Template =
  | { readonly kind: "constant"; readonly value?: Json }
  | { readonly kind: "ref"; readonly node: number; readonly path: JsonPath }
  | { readonly kind: "object"; readonly entries: readonly (readonly [string, Template])[] }
  | { readonly kind: "array"; readonly items: readonly Template[] }
  | { readonly kind: "expression"; readonly operator: Operator; readonly operands: readonly Template[] };

export type Operator = "eq" | "gt" | "gte" | "lt" | "lte" | "oneOf" | "present" | "all" | "any" | "not";

/** Calls `visit` with the index of every node that `template` refers to. */
export function visitRefs(template: Template, visit: (node: number, path: JsonPath) => void): void {
  switch (template.kind) {
    case "constant":
      return;
    case "ref":
      visit(template.node, template.path);
      return;
    case "object":
      for (const [, item] of template.entries) visitRefs(item, visit);
      return;
    case "array":
      for (const item of template.items) visitRefs(item, visit);
      return;
    case "expression":
      for (const operand of template.operands) visitRefs(operand, visit);
  }
}

/** The templates of a node whose values it needs before it can start. */
export function templatesOf(node: GraphNode): readonly Template[] {
  switch (node.kind) {
    case "input":
    case "item":
      return [];
    case "step":
    case "call":
    case "script":
      return [node.input];
    case "match":
      return [node.on];
    case "each":
      return node.enough === undefined ? [node.items] : [node.items, node.enough.count];
    case "derive":
      return node.inputs;
    case "sleep":
      return "at" in node.until ? [node.until.at] : [];
    case "wait":
      return node.for === null ? [] : [node.for];
    case "approval":
      return [node.ask, node.by, node.not, node.escalate?.to ?? null].filter((template) => template !== null);
    case "attempt":
      return [];
    case "repeat":
      return [node.initial];
  }
}

/** The scopes that a node opens, in the order they were drawn. */
export function scopesOf(node: GraphNode): readonly number[] {
  switch (node.kind) {
    case "each":
    case "repeat":
      return [node.body];
    case "attempt":
      return [node.body, node.handler];
    case "wait":
      return node.otherwise === null ? [] : [node.otherwise];
    case "approval":
      return node.show === null ? [] : [node.show];
    case "match": {
      const scopes = node.arms.map((arm) => arm.scope);
      return node.otherwise === null || scopes.includes(node.otherwise) ? scopes : [...scopes, node.otherwise];
    }
    default:
      return [];
  }
}

/** The scope of a node that begins with what it is given, if it has one. */
export function givenScopeOf(node: GraphNode): number | null {
  if (node.kind === "each" || node.kind === "repeat") return node.body;
  if (node.kind === "attempt") return node.handler;
  return node.kind === "approval" ? node.show : null;
}

/** The signals that runs of a graph wait for, and whether what each carries is checked; those of its scripts, null for any. */
export function signalsOf({ nodes }: Graph): {
  readonly known: ReadonlyMap<string, boolean>;
  readonly ofScripts: ReadonlySet<string> | null;
} {
  const scripts = nodes.filter((node) => node.kind === "script");
  const said = scripts.flatMap(({ signals }) => signals ?? []);
  const waited = [...nodes.filter((node) => node.kind === "wait"), ...said];
  const takesAny = scripts.some(({ signals }) => signals === null);
  return {
    known: new Map(waited.map(({ signal, isChecked }) => [signal, isChecked])),
    ofScripts: takesAny ? null : new Set(said.map(({ signal }) => signal)),
  };
}

/** Whether a node's scope may be opened more than once: its nodes' paths have an index after the node's own. */
export function opensMany({ kind }: GraphNode): boolean {
  return kind === "each" || kind === "repeat" || kind === "approval";
}
