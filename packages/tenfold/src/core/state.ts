/**
 * A run's state in memory: a frame for each scope that is open, with what each of its nodes waits for.
 * Invariants: `waits` > 0 counts what a node still needs; 0 means open (its result is awaited); the negative values
 * are named below. `running` of a boundary counts the open and retrying nodes below it, which a failure and a cancel wait
 * for, `open` of a frame its unfinished nodes.
 * Only core changes a state, in place; whoever holds it may read it.
 */
import type { Json } from "../value/json.ts";
import type { CompiledGraph, CompiledNode, CompiledScope } from "./compile.ts";
import type { RunError } from "./entry.ts";

/** The node has its result. */
export const DONE = -1;
/** The node failed for good. */
export const FAILED = -2;
/** The node could start, but its run (or item) is failing or cancelled. */
export const SUPPRESSED = -3;
/** An attempt failed; the next starts at the time in `retries`. */
export const RETRYING = -4;
/** A match whose arm is open, an each whose items are. */
export const OPENED = -5;
/** Nothing of it runs until its time, or its signal, comes: a run that fails or is cancelled does not wait for it. */
export const ASLEEP = -6;

export interface RunState {
  readonly compiled: CompiledGraph;
  readonly startedAt: number;
  readonly root: Frame;
  /** How many entries made this state. */
  entries: number;
  cancelled: { readonly reason: string } | null;
  /** Keys of the messages that were absorbed. */
  absorbed: Set<string> | null;
  /** Null until one comes, or is waited for. */
  signals: Signals | null;
}

/** Signals that came, and the nodes that wait for some. */
export interface Signals {
  /** By address, in the order in which they came. */
  readonly kept: Map<string, KeptSignal[]>;
  /** By address, in the order in which they began; some of them wait no more. */
  readonly waiting: Map<string, Place[]>;
  /** Which node has received which. */
  readonly received: ReceivedSignal[];
}

export interface KeptSignal {
  /** The key of the message that brought it. */
  readonly message: string;
  readonly payload: Json | undefined;
  readonly at: number;
}

export interface ReceivedSignal {
  /** The path of the node. */
  readonly node: string;
  readonly message: string;
  /** When the node had it (ms since 1970). */
  readonly at: number;
}

export interface Frame {
  readonly scope: CompiledScope;
  readonly parent: Frame | null;
  /** The item's index in the each that opened it; -1 elsewhere. */
  readonly item: number;
  /** The nearest frame around, itself included, at which a failure stops: the run, or an item that is collected. */
  readonly boundary: Frame;
  readonly waits: number[];
  readonly outputs: (Json | undefined)[];
  /** When each node became ready (ms since 1970); NaN until then. */
  readonly readyAt: number[];
  retries: Map<number, Retry> | null;
  children: Map<number, Frame | Spread> | null;
  open: number;
  running: number;
  failure: RunError | null;
}

/** The failed attempts of a node since it began, or since the run was last retried. */
export interface Retry {
  attempts: number;
  /** Attempts before the run was last retried: they count in the attempt's number, not against the policy. */
  before: number;
  at: number;
  error: RunError;
}

/** An each at work: its items, their frames, their results so far. */
export interface Spread {
  readonly items: readonly Json[];
  readonly frames: (Frame | null)[];
  readonly results: (Json | undefined)[];
  next: number;
  active: number;
  /** True while items are being opened: one that finishes at once must not open the next from below. */
  opening: boolean;
}

/** A node of a run: where it stands, and in which frame. */
export interface Place {
  readonly frame: Frame;
  readonly node: CompiledNode;
}

export function isSpread(child: Frame | Spread): child is Spread {
  return "items" in child;
}

/** A frame in which nothing has started; `input` is what its first node, if it is an input or item, holds. */
export function newFrame(
  scope: CompiledScope,
  parent: Frame | null,
  item: number,
  isBoundary: boolean,
  input: Json | undefined,
): Frame {
  const frame: Frame = {
    scope,
    parent,
    item,
    boundary: null as unknown as Frame,
    waits: scope.waits.slice(),
    outputs: scope.blank.slice(),
    readyAt: scope.never.slice(),
    retries: null,
    children: null,
    open: scope.size,
    running: 0,
    failure: null,
  };
  (frame as { boundary: Frame }).boundary = isBoundary || parent === null ? frame : parent.boundary;
  const first = scope.nodes[0];
  if (first !== undefined && (first.node.kind === "input" || first.node.kind === "item")) {
    frame.waits[0] = DONE;
    frame.outputs[0] = input;
  }
  return frame;
}

/** The frame around `frame` (or itself) that holds the node with this index. */
export function frameOf(frame: Frame, node: CompiledNode): Frame {
  let found: Frame = frame;
  while (found.scope.index !== node.scope) found = found.parent!;
  return found;
}

/** Reads the output of any node that is visible from `frame`. */
export function outputFrom(compiled: CompiledGraph, frame: Frame): (node: number) => Json | undefined {
  return (index) => {
    const node = compiled.nodes[index]!;
    return frameOf(frame, node).outputs[node.local];
  };
}

/** True while nothing new may start in `frame`: the run, or an item around it, is failing. */
export function isFailing(frame: Frame): boolean {
  for (let boundary: Frame | null = frame.boundary; boundary !== null; boundary = boundary.parent?.boundary ?? null) {
    if (boundary.failure !== null) return true;
  }
  return false;
}

/** Calls `visit` with `frame` and each that is open below it. */
export function visitFrames(frame: Frame, visit: (frame: Frame) => void): void {
  visit(frame);
  for (const child of frame.children?.values() ?? []) {
    if (!isSpread(child)) visitFrames(child, visit);
    else for (const item of child.frames) if (item) visitFrames(item, visit);
  }
}
