/**
 * A run's timeline as data: each node with its attempts, and what is open now, out of its graph and journal.
 * What is open is told by `reduce`, the same code that drives the run.
 */
import { compileGraph } from "../core/compile.ts";
import { hasItemsAtWork } from "../core/constructs/each.ts";
import { isScript } from "../core/constructs/script.ts";
import { isUndecided, whyVain } from "../core/effect.ts";
import type { Entry, RunError } from "../core/entry.ts";
import { idOfPath, pathOf } from "../core/path.ts";
import { begin, reduce } from "../core/reduce.ts";
import { isSpread } from "../core/opened.ts";
import { OPENED, visitFrames, type Child, type Place, type RunState } from "../core/state.ts";
import { waitAt, waitsOf, type Wait } from "../core/why.ts";
import type { Graph, GraphNode } from "../flow/graph.ts";
import type { Json } from "../value/json.ts";

export interface TimelineNode {
  /** Its path: "each-orders[3]/price". */
  readonly path: string;
  readonly kind: Exclude<GraphNode["kind"], "input" | "item">;
  readonly attempts: TimelineAttempt[];
  /** The run that a call has as its child. */
  child?: string;
  /** Decisions on an approval that changed nothing. */
  vain?: VainText[];
  state: NodeState;
}

export interface TimelineAttempt {
  readonly number: number;
  readonly from: number;
  readonly to: number;
  /** Null: it is done. */
  readonly error: RunError | null;
  /** It was to undo what the node did. */
  readonly isUndo?: true;
}

export interface VainText {
  readonly at: number;
  readonly verdict: "approved" | "refused";
  readonly by: string;
  readonly comment: string | null;
  /** Behind "because". */
  readonly why: string;
}

type VainDecision = Extract<Entry, { kind: "decided" }> & { readonly why: string };

export type NodeState =
  | { readonly kind: "done"; readonly at: number }
  | { readonly kind: "failed"; readonly at: number }
  | { readonly kind: "abandoned"; readonly at: number }
  | { readonly kind: "undone"; readonly at: number }
  | { readonly kind: "undo-failed"; readonly at: number }
  /** The arm that a match took; null: none. */
  | { readonly kind: "chose"; readonly at: number; readonly arm: string | null }
  | { readonly kind: "timed-out"; readonly at: number }
  | {
      readonly kind: "decided";
      readonly at: number;
      readonly verdict: "approved" | "refused";
      readonly by: string;
      readonly comment: string | null;
    }
  | { readonly kind: "resolved"; readonly at: number; readonly by: string; readonly comment: string | null }
  /** It is open, and waits for that. */
  | { readonly kind: "open"; readonly wait: Wait }
  /** Its items, or the calls that it has made so far, are being worked on. */
  | { readonly kind: "opened"; readonly of: "item" | "call"; readonly done: number; readonly items: number };

export interface TimelineRun {
  readonly id: string;
  readonly input: Json;
  readonly startedAt: number;
  readonly entries: readonly Entry[];
  /** Some of it could not be decoded: what is open cannot be told. */
  readonly unread?: readonly unknown[];
}

/** The nodes that something happened to, in the order in which it began. */
export function timelineOf(graph: Graph, run: TimelineRun): readonly TimelineNode[] {
  const nodes = new Map<string, TimelineNode>();
  try {
    if (run.unread === undefined) return replayed(graph, run);
  } catch {
    // A run that is held because its journal cannot be replayed: what there is is shown, as it stands there.
  }
  for (const entry of run.entries) addEntry(graph, nodes, entry);
  return [...nodes.values()];
}

function replayed(graph: Graph, { id, input, startedAt, entries }: TimelineRun): readonly TimelineNode[] {
  const nodes = new Map<string, TimelineNode>();
  const state = begin(compileGraph(graph), { run: id, input, startedAt }, []);
  const vain: VainDecision[] = [];
  for (const entry of entries) {
    const why = whyVain(state, entry);
    reduce(state, entry, []);
    if (why === undefined) {
      const isOneOfMany = entry.kind === "decided" && isUndecided(state, entry.node);
      if (!isOneOfMany) addEntry(graph, nodes, entry);
    } else if (entry.kind === "decided") vain.push({ ...entry, why });
  }
  for (const { node, at } of state.signals?.received ?? []) nodeAt(graph, nodes, node, { kind: "done", at });
  addOpen(nodes, state);
  for (const { node, at, verdict, by, comment, why } of vain) {
    const shown = nodes.get(node) ?? nodeAt(graph, nodes, node, { kind: "abandoned", at });
    (shown.vain ??= []).push({ at, verdict, by, comment, why });
  }
  return [...nodes.values()];
}

function addEntry(graph: Graph, nodes: Map<string, TimelineNode>, entry: Entry): void {
  switch (entry.kind) {
    case "signalled":
    case "reminded":
    case "escalated":
    case "cancelled":
    case "retried":
    case "attached":
    case "upgraded":
      return;
    // As long as it is open that is told instead.
    case "asked": {
      const { ask, node, at } = entry;
      nodeAt(graph, nodes, node, { kind: "abandoned", at });
      nodeAt(graph, nodes, `${node}[${entry.call}]/${ask.name}`, { kind: "abandoned", at }, ask.kind);
      return;
    }
    case "called":
      nodeAt(graph, nodes, entry.node, { kind: "abandoned", at: entry.at }).child = entry.child;
      return;
    case "returned": {
      const kind = entry.status === "completed" ? "done" : "failed";
      nodeAt(graph, nodes, entry.node, { kind, at: entry.at }).child = entry.child;
      return;
    }
    case "decided": {
      const { verdict, by, comment, at } = entry;
      nodeAt(graph, nodes, entry.node, { kind: "decided", at, verdict, by, comment });
      return;
    }
    // As long as it is open that is told instead.
    case "begun":
      nodeAt(graph, nodes, entry.node, { kind: "abandoned", at: entry.at });
      return;
    case "unsure": {
      const node = nodeAt(graph, nodes, entry.node, { kind: "abandoned", at: entry.at });
      node.attempts.push(attemptOf({ ...entry, tookMs: 0 }, entry.error));
      return;
    }
    case "resolved": {
      const { happened, by, comment, at } = entry;
      nodeAt(graph, nodes, entry.node, happened ? { kind: "resolved", at, by, comment } : { kind: "abandoned", at });
      return;
    }
    case "timed-out":
      nodeAt(graph, nodes, entry.node, { kind: "timed-out", at: entry.at });
      return;
    case "done": {
      const node = nodeAt(graph, nodes, entry.node, { kind: "done", at: entry.at });
      if (entry.attempt > 0) node.attempts.push(attemptOf(entry, null));
      return;
    }
    case "failed": {
      const node = nodeAt(graph, nodes, entry.node, { kind: "failed", at: entry.at });
      node.attempts.push(attemptOf(entry, entry.error));
      return;
    }
    case "chose": {
      nodeAt(graph, nodes, entry.node, { kind: "chose", at: entry.at, arm: entry.arm });
      return;
    }
    case "abandoned":
      nodeAt(graph, nodes, entry.node, { kind: "abandoned", at: entry.at });
      return;
    case "undone":
    case "undo-failed": {
      const { kind, at } = entry;
      const node = nodeAt(graph, nodes, entry.node, { kind, at });
      node.attempts.push({ ...attemptOf(entry, kind === "undone" ? null : entry.error), isUndo: true });
    }
  }
}

function nodeAt(
  graph: Graph,
  nodes: Map<string, TimelineNode>,
  path: string,
  state: NodeState,
  kindOfCall: TimelineNode["kind"] = "step",
): TimelineNode {
  const known = nodes.get(path);
  if (known !== undefined) {
    known.state = state;
    return known;
  }
  const id = idOfPath(path);
  const kind = graph.nodes.find((node) => node.id === id)?.kind ?? kindOfCall;
  const made: TimelineNode = { path, kind: kind === "input" || kind === "item" ? "step" : kind, attempts: [], state };
  nodes.set(path, made);
  return made;
}

function attemptOf(
  { attempt, at, tookMs }: { readonly attempt: number; readonly at: number; readonly tookMs: number },
  error: RunError | null,
): TimelineAttempt {
  return { number: attempt, from: at - tookMs, to: at, error };
}

function addOpen(nodes: Map<string, TimelineNode>, state: RunState): void {
  const { graph } = state.compiled;
  for (const wait of waitsOf(state)) if (wait.kind === "undo") nodeAt(graph, nodes, wait.node, { kind: "open", wait });
  visitFrames(state.root, (frame) => {
    for (const node of frame.scope.nodes) {
      const wait = waitAt(state, { frame, node });
      if (wait !== undefined) nodeAt(graph, nodes, wait.node, { kind: "open", wait });
      const child = frame.children?.get(node.local);
      if (child === undefined) continue;
      const opened = openedState({ frame, node }, child);
      if (opened !== null) nodeAt(graph, nodes, pathOf(state.compiled, frame, node), opened);
    }
  });
}

function openedState(place: Place, child: Child): NodeState | null {
  if (isSpread(child) && hasItemsAtWork(place, child))
    return { kind: "opened", of: "item", done: child.next - child.active, items: child.items.length };
  if (!isScript(child) || place.frame.waits[place.node.local] !== OPENED) return null;
  return { kind: "opened", of: "call", done: child.answers.length, items: child.calls.length };
}
