/**
 * A run's timeline as data: each node with its attempts, and what is open now, out of its graph and journal.
 * What is open is told by `reduce`, the same code that drives the run.
 */
import { compileGraph } from "../core/compile.ts";
import type { Entry, RunError } from "../core/entry.ts";
import { decidersOf, openRequest } from "../core/constructs/approval.ts";
import { pathOf } from "../core/path.ts";
import { begin, reduce } from "../core/reduce.ts";
import { ASLEEP, framesOf, isSpread, OPENED, RETRYING, type Frame, type Place, type RunState } from "../core/state.ts";
import { addressAt } from "../core/signals.ts";
import { NEVER, wakeTime } from "../core/wake-time.ts";
import type { Graph } from "../flow/graph.ts";
import type { Json } from "../value/json.ts";

export interface TimelineNode {
  /** Its path: "each-orders[3]/price". */
  readonly path: string;
  readonly kind: "step" | "match" | "each" | "derive" | "sleep" | "wait" | "approval" | "attempt" | "repeat";
  readonly attempts: TimelineAttempt[];
  state: NodeState;
}

export interface TimelineAttempt {
  readonly number: number;
  readonly from: number;
  readonly to: number;
  /** Null: it is done. */
  readonly error: RunError | null;
}

export type NodeState =
  | { readonly kind: "done"; readonly at: number }
  | { readonly kind: "failed"; readonly at: number }
  | { readonly kind: "abandoned"; readonly at: number }
  /** The arm that a match took; null: none. */
  | { readonly kind: "chose"; readonly at: number; readonly arm: string | null }
  /** Its body runs, or waits for a worker, since then. */
  | { readonly kind: "open"; readonly since: number }
  | { readonly kind: "retrying"; readonly until: number; readonly error: RunError }
  | { readonly kind: "asleep"; readonly until: number }
  /** A signal is waited for; null: for ever. */
  | { readonly kind: "waiting"; readonly signal: string; readonly for: string | null; readonly until: number | null }
  | { readonly kind: "timed-out"; readonly at: number }
  | {
      readonly kind: "decided";
      readonly at: number;
      readonly verdict: "approved" | "refused";
      readonly by: string;
      readonly comment: string | null;
    }
  /** People have to decide; null: anybody may. */
  | {
      readonly kind: "asked";
      readonly of: readonly string[] | null;
      readonly approved: number;
      readonly needed: number;
    }
  /** Its items are being worked on. */
  | { readonly kind: "opened"; readonly done: number; readonly items: number };

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
  for (const entry of run.entries) addEntry(graph, nodes, entry);
  if (run.unread !== undefined) return [...nodes.values()];
  const state = stateOf(graph, run);
  for (const { node, at } of state.signals?.received ?? []) nodeAt(graph, nodes, node, { kind: "done", at });
  addOpen(nodes, state);
  return [...nodes.values()];
}

/** The node that a path is of: "each-orders[3]/price" is of "each-orders/price". */
export function nodeIdOf(path: string): string {
  return path.replaceAll(/\[\d+\](?=\/|$)/g, "");
}

function addEntry(graph: Graph, nodes: Map<string, TimelineNode>, entry: Entry): void {
  switch (entry.kind) {
    case "signalled":
    case "reminded":
    case "escalated":
    case "cancelled":
    case "retried":
      return;
    case "decided": {
      const { verdict, by, comment, at } = entry;
      nodeAt(graph, nodes, entry.node, { kind: "decided", at, verdict, by, comment });
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
      const arm = entry.scope < 0 ? null : (graph.scopes[entry.scope]?.name ?? null);
      nodeAt(graph, nodes, entry.node, { kind: "chose", at: entry.at, arm });
      return;
    }
    case "abandoned":
      nodeAt(graph, nodes, entry.node, { kind: "abandoned", at: entry.at });
  }
}

function nodeAt(graph: Graph, nodes: Map<string, TimelineNode>, path: string, state: NodeState): TimelineNode {
  const known = nodes.get(path);
  if (known !== undefined) {
    known.state = state;
    return known;
  }
  const id = nodeIdOf(path);
  const kind = graph.nodes.find((node) => node.id === id)?.kind ?? "step";
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

function stateOf(graph: Graph, { id, input, startedAt, entries }: TimelineRun): RunState {
  const state = begin(compileGraph(graph), { run: id, input, startedAt }, []);
  for (const entry of entries) reduce(state, entry, []);
  return state;
}

function asleep(state: RunState, place: Place): NodeState {
  const until = wakeTime(state, place);
  const { node } = place.node;
  const request = openRequest(place);
  if (request !== undefined) {
    const { approvals, atLeast } = request;
    return { kind: "asked", of: decidersOf(request), approved: approvals.length, needed: atLeast };
  }
  if (node.kind !== "wait") return { kind: "asleep", until };
  const whom = addressAt(state, place).slice(node.signal.length + 1);
  return {
    kind: "waiting",
    signal: node.signal,
    for: node.for === null ? null : whom,
    until: until === NEVER ? null : until,
  };
}

function addOpen(nodes: Map<string, TimelineNode>, state: RunState): void {
  const { graph } = state.compiled;
  visit(state.root);

  function visit(frame: Frame): void {
    for (const node of frame.scope.nodes) {
      const waits = frame.waits[node.local];
      const child = frame.children?.get(node.local);
      if (node.node.kind === "output") continue;
      const path = pathOf(state.compiled, frame, node);
      if (waits === 0) nodeAt(graph, nodes, path, { kind: "open", since: frame.readyAt[node.local]! });
      if (waits === ASLEEP) nodeAt(graph, nodes, path, asleep(state, { frame, node }));
      const retry = waits === RETRYING ? frame.retries?.get(node.local) : undefined;
      if (retry !== undefined) nodeAt(graph, nodes, path, { kind: "retrying", until: retry.at, error: retry.error });
      if (waits === OPENED && child !== undefined && isSpread(child)) {
        nodeAt(graph, nodes, path, { kind: "opened", done: child.next - child.active, items: child.items.length });
      }
      if (child === undefined) continue;
      for (const inner of framesOf(child)) if (inner !== null) visit(inner);
    }
  }
}
