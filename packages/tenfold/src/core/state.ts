/**
 * A run's state in memory: a frame for each scope that is open, with what each of its nodes waits for.
 * Invariants: `waits` > 0 counts what a node still needs; 0 means open (its result is awaited); the negative values
 * are named in waits.ts. `running` of a boundary counts the open and retrying nodes below it, which a failure and a cancel wait
 * for, `open` of a frame its unfinished nodes.
 * Only core changes a state, in place; whoever holds it may read it.
 */
import type { Json } from "../value/json.ts";
import type { CompiledGraph, CompiledNode, CompiledScope } from "./compile.ts";
import type { Ask, CalledBy, RunError } from "./entry.ts";
import { DONE, OPENED } from "./waits.ts";
import type { GoOn, KeptSignal, ReceivedSignal } from "./told.ts";

export type { GoOn, KeptSignal, ReceivedSignal } from "./told.ts";
export * from "./waits.ts";

/**
 * The most entries of a run's journal: one that is longer takes long to load, and has outgrown being one run. It decides what
 * is opened, so it is part of what a journal means and never changes.
 */
export const HISTORY_MAX = 100_000;

export interface RunState {
  readonly run: string;
  readonly compiled: CompiledGraph;
  readonly startedAt: number;
  readonly root: Frame;
  /** How many entries made this state. */
  entries: number;
  cancelled: { readonly reason: string; readonly undoes: boolean } | null;
  /** Keys of the messages that were absorbed. */
  absorbed: Set<string> | null;
  /** Null until one comes, or is waited for. */
  signals: Signals | null;
  /** Null: nobody was ever asked for an approval. */
  asked: Asked | null;
  /** Attempts of which it was asked whether they happened, and some of which that was answered; null: there never was one. */
  unsure: Map<Undertaking, Place> | null;
  /** The nodes of other runs that called this one, by their run and path; null: none did. */
  calledBy: Map<string, Caller> | null;
  /** How many runs call each other above this one, as its first parent said; null: none calls it. */
  depth: number | null;
  /** What is being undone now, by the path of its node; null: never was anything. */
  undos: Map<string, Undo> | null;
  /** How often nodes of it were reset. */
  resets: number;
  /** Of nodes that were undone, by their path: the least that the number of their next key may be; null: none was. */
  keysLeast: Map<string, number> | null;
}

/** The approvals that were asked for and not decided. */
export interface Asked {
  readonly requests: Map<Request, Place>;
  /** How many of them each name or role may decide on; null: anybody. */
  readonly deciders: Map<string | null, number>;
  /** Another number whenever somebody is among them, or is none of them any more. */
  changes: number;
}

/** A call of another run that waits for this one, or did. */
export interface Caller extends CalledBy {
  readonly isOver: boolean;
  /** It started this run, and has let it go. */
  readonly hasLeft: boolean;
}

/** Signals that came, and the nodes that wait for some. */
export interface Signals {
  /** By address, in the order in which they came. */
  readonly kept: Map<string, KeptSignal[]>;
  /** By address. */
  readonly waiting: Map<string, WaitLine>;
  /** Which node has received which. */
  readonly received: ReceivedSignal[];
}

/** The nodes that wait at one address, in the order in which they began: from `first` on, and some of those wait no more. */
export interface WaitLine {
  places: Place[];
  first: number;
  /** How many it has before it is worth looking for those that wait no more. */
  sweepAt: number;
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
  children: Map<number, Child> | null;
  open: number;
  running: number;
  failure: RunError | null;
  /** Of whatever of it was not reset since. */
  readonly born: Born;
  /** Null until something of it can be undone, or was reset. */
  marks: Marks | null;
}

/** Which time it is that a node of this path runs: numbers of resets, 0 for the first time. */
export interface Born {
  /** With the path, the identity of what a node brings forth: never the same twice. */
  readonly generation: number;
  /** The same for as long as its bodies are to have the same key. */
  readonly key: number;
}

const FIRST: Born = Object.freeze({ generation: 0, key: 0 });

/** What is known of a frame's nodes beside where they stand. */
export interface Marks {
  /** Nodes that were reset. */
  readonly born: Map<number, Born>;
  /** Steps with an undo whose body was called, or may have been, with nothing to show for it. */
  readonly touched: Set<number>;
  /** Frames of a node that are closed, and in which something can be undone. */
  readonly kept: Map<number, Set<Frame>>;
  /** Undos that were made in vain, by the node. */
  readonly undoAttempts: Map<number, number>;
  /** Set while what happened below this frame, a boundary, is undone. */
  undoing: Undoing | null;
}

/** Undos at work, wave after wave: those of one at once. */
export interface Undoing {
  readonly boundary: Frame;
  /** Those to come; the last is the next. */
  readonly waves: Place[][];
  /** How many of the present wave are not over. */
  open: number;
  /** The run was retried, and goes on once all is undone. */
  readonly thenGoesOn: GoOn | null;
}

/** One node while it is undone. */
export interface Undo {
  readonly place: Place;
  readonly path: string;
  readonly of: Undoing;
  /** When its wave began (ms since 1970). */
  readonly since: number;
  /** Failed attempts since then, and before the run was last retried. */
  attempts: number;
  readonly before: number;
  /** When the next attempt may begin, and why the last one failed. */
  at: number;
  error: RunError | null;
  isOver: boolean;
}

/** The failed attempts of a node since it began, or since the run was last retried. */
export interface Retry {
  attempts: number;
  /** Attempts before the run was last retried: they count in the attempt's number, not against the policy. */
  before: number;
  /** From when on the next attempt may begin: by the policy, or because a person has said so. */
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
  /** Items that failed, of an each that fails with too many of them: they go on if it is retried. */
  readonly failed: Frame[];
  /** So many that complete are enough; null: all have to be over. */
  readonly enough: number | null;
  completed: number;
  /** Enough have completed, and what waits for the each goes on; the others are at work still, and nobody hears of them. */
  isUnheard: boolean;
  /** True while items are being opened: one that finishes at once must not open the next from below. */
  opening: boolean;
}

/** A repeat at work: the round that goes on, those before it forgotten. */
export interface Rounds {
  readonly frames: (Frame | null)[];
  /** The first round that counts for the most there may be: the one after it was last retried. */
  from: number;
  /** The next round, while this one is still being opened: it was over at once. */
  ahead: { readonly index: number; readonly state: Json } | null;
  opening: boolean;
}

/** An approval at work: what was asked of whom, who has decided, and the frames that show it. */
export interface Request {
  readonly ask: Json;
  /** Names and roles; null: anybody. */
  readonly by: readonly string[] | null;
  readonly not: readonly string[];
  readonly atLeast: number;
  /** Who may decide as well once it is escalated. */
  readonly later: readonly string[];
  /** Those who approved so far, each once. */
  readonly approvals: { readonly by: string; readonly comment: string | null }[];
  readonly frames: (Frame | null)[];
  isEscalated: boolean;
  /** When it was shown last (ms since 1970). */
  shownAt: number;
  /** What was decided; undefined: nothing yet. */
  outcome: Json | undefined;
}

/** A call at work: the run that it waits for. */
export interface Called {
  /** Its id, once it is there and knows its parent. */
  child: string | null;
  /** How often the child was asked for; each time after the first has it go on. */
  readonly attempt: number;
  readonly frames: readonly Frame[];
}

/** A script at work: the calls that its function has made, and what it was told, or is to be told, of them. */
export interface ScriptCalls {
  readonly calls: ScriptCall[];
  /** Which calls have come to their end, in the order in which they did, and when. */
  answers: { readonly call: number; readonly at: number }[];
  /** Of a function that has failed: calls whose failures led to no other call, although others came after them. */
  harmless: readonly number[];
  /** Of the calls that are open, by their number. */
  readonly frames: (Frame | null)[];
  /** How many those are. */
  open: number;
  /** What the function has answered; null: nothing yet. */
  end: { readonly output: Json | undefined } | null;
}

export interface ScriptCall {
  readonly ask: Ask;
  /** How many answers the function had heard when it made this call, of those that count yet. */
  heard: number;
  result:
    { readonly ok: true; readonly output: Json | undefined } | { readonly ok: false; readonly error: RunError } | null;
  /** Its frame, if it has failed: it goes on there if it is tried again. */
  failed: Frame | null;
}

/** An attempt that is not made a second time, from when it was begun until it is known what came of it. */
export interface Undertaking {
  readonly attempt: number;
  /** Ms since 1970. */
  readonly begunAt: number;
  /** Of the key that its body was given, as in `Born`. */
  readonly key: number;
  /** What is known of it, once a person is asked whether it happened; null: its body is at work. */
  doubt: RunError | null;
  readonly frames: readonly Frame[];
}

/** What a node has opened. */
export type Child = Frame | Spread | Rounds | Request | Called | ScriptCalls | Undertaking;

/** A node of a run: where it stands, and in which frame. */
export interface Place {
  readonly frame: Frame;
  readonly node: CompiledNode;
}

/** The node has opened something, and waits for what comes of it. */
export function opened({ frame, node }: Place, child: Child): void {
  frame.waits[node.local] = OPENED;
  keepChild(frame, node, child);
}

/** What the node has opened from now on. */
export function keepChild(frame: Frame, node: CompiledNode, child: Child): void {
  frame.children ??= new Map();
  frame.children.set(node.local, child);
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
    born: parent === null ? FIRST : bornOf(parent, scope.ownerLocal),
    marks: null,
  };
  (frame as { boundary: Frame }).boundary = isBoundary || parent === null ? frame : parent.boundary;
  const first = scope.nodes[0];
  if (first !== undefined && (first.node.kind === "input" || first.node.kind === "item")) {
    frame.waits[0] = DONE;
    frame.outputs[0] = input;
  }
  return frame;
}

export function bornOf(frame: Frame, local: number): Born {
  return frame.marks?.born.get(local) ?? frame.born;
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

/** Calls `visit` with `frame` and each that is open below it. */
export function visitFrames(frame: Frame, visit: (frame: Frame) => void): void {
  visit(frame);
  if (frame.children === null) return;
  for (const child of frame.children.values()) {
    if ("scope" in child) visitFrames(child, visit);
    else for (const inner of child.frames) if (inner) visitFrames(inner, visit);
  }
}
