/**
 * The journal's lines: everything that ever changes a run's state, as data.
 * Invariant: a run's state is a function of its graph, its input, its start time and its entries, in order.
 */
import type { Json } from "../value/json.ts";

export type Entry =
  | DoneEntry
  | FailedEntry
  | ChoseEntry
  | AbandonedEntry
  | UndoneEntry
  | UndoFailedEntry
  | BegunEntry
  | UnsureEntry
  | ResolvedEntry
  | TimedOutEntry
  | RemindedEntry
  | EscalatedEntry
  | SignalledEntry
  | DecidedEntry
  | CalledEntry
  | ReturnedEntry
  | AskedEntry
  | AttachedEntry
  | CancelledEntry
  | RetriedEntry
  | UpgradedEntry;

interface NodeEntry {
  /** The node's path: its id, with the item's index after each `each` around it (`each-orders[3]/price`). */
  readonly node: string;
  /** When it happened (ms since 1970). */
  readonly at: number;
}

/** A body answered, or a `derive` was computed (attempt 0). */
export interface DoneEntry extends NodeEntry {
  readonly kind: "done";
  readonly attempt: number;
  readonly output: Json | undefined;
  /** How long the attempt took (ms); 0 for a derive. */
  readonly tookMs: number;
}

/** An attempt failed; the next one may start at `retryAt`, or never. */
export interface FailedEntry extends NodeEntry {
  readonly kind: "failed";
  readonly attempt: number;
  readonly error: RunError;
  readonly retryAt: number | null;
  readonly tookMs: number;
  /** Its body was not called: its input was refused. */
  readonly uncalled?: true;
  /** Of a script's function: failed calls that none of its later calls follows from, by their numbers. A retry takes them back. */
  readonly harmless?: readonly number[];
}

/** A match took the arm of this name: its scope's, the same in every graph; null where a `when` without otherwise was false. */
export interface ChoseEntry extends NodeEntry {
  readonly kind: "chose";
  readonly arm: string | null;
}

/** A node that was open when the run was cancelled has stopped without a result; its body may have been called. */
export interface AbandonedEntry extends NodeEntry {
  readonly kind: "abandoned";
}

/** What the node did was taken back. */
export interface UndoneEntry extends NodeEntry {
  readonly kind: "undone";
  readonly attempt: number;
  readonly tookMs: number;
}

/** An attempt to undo the node failed; the next one may start at `retryAt`, or never. */
export interface UndoFailedEntry extends NodeEntry {
  readonly kind: "undo-failed";
  readonly attempt: number;
  readonly error: RunError;
  readonly retryAt: number | null;
  readonly tookMs: number;
}

/** The body of a step that is called at most once is called as soon as this is durable: from then on it may have happened. */
export interface BegunEntry extends NodeEntry {
  readonly kind: "begun";
  readonly attempt: number;
}

/** What was begun has no result, and is not called again: whether it happened is for a person to say. */
export interface UnsureEntry extends NodeEntry {
  readonly kind: "unsure";
  readonly attempt: number;
  /** What is known of it: what the body threw, or that nothing came of it. */
  readonly error: RunError;
}

/** Somebody said whether what was begun has happened; without effect if that is not asked, or was answered before. */
export interface ResolvedEntry extends NodeEntry {
  readonly kind: "resolved";
  readonly message: string;
  /** The attempt that it is about. */
  readonly attempt: number;
  readonly happened: boolean;
  /** What it answered; undefined also if it did not happen. */
  readonly output?: Json | undefined;
  readonly by: string;
  readonly comment: string | null;
}

/** A wait, or an approval, has lasted as long as it may. */
export interface TimedOutEntry extends NodeEntry {
  readonly kind: "timed-out";
}

/** Somebody sent the run a signal: it goes to the node that waits for it, or is kept for the first that will. */
export interface SignalledEntry {
  readonly kind: "signalled";
  readonly at: number;
  readonly message: string;
  readonly signal: string;
  /** Which of several things it is about; null: the run as a whole. */
  readonly for: string | null;
  readonly payload?: Json | undefined;
}

/** An approval is shown once more. */
export interface RemindedEntry extends NodeEntry {
  readonly kind: "reminded";
}

/** An approval may be given by others too from now on, and is shown once more. */
export interface EscalatedEntry extends NodeEntry {
  readonly kind: "escalated";
}

/** Somebody decided on an approval; without effect if it may not be, or was before. */
export interface DecidedEntry extends NodeEntry {
  readonly kind: "decided";
  readonly message: string;
  readonly verdict: "approved" | "refused";
  /** The name of who decided, and their roles. */
  readonly by: string;
  readonly roles: readonly string[];
  readonly comment: string | null;
  /** Which time it is that the approval is asked for, where it was reset; a decision on another one is without effect. */
  readonly generation?: number;
}

/** The child of a call is there, and knows its parent. */
export interface CalledEntry extends NodeEntry {
  readonly kind: "called";
  readonly attempt: number;
  /** The child's id. */
  readonly child: string;
}

/** The child of a call has ended; without effect if the call is over, or has asked for it once more since. */
export interface ReturnedEntry extends NodeEntry {
  readonly kind: "returned";
  readonly message: string;
  /** That of the call which is answered. */
  readonly attempt: number;
  readonly child: string;
  readonly status: "completed" | "failed" | "cancelled";
  readonly output?: Json | undefined;
  readonly error?: RunError;
}

/** The function of a script has made a call; `node` is the script's. */
export interface AskedEntry extends NodeEntry {
  readonly kind: "asked";
  /** Its number, from 0. */
  readonly call: number;
  /** How many answers the function had heard before. */
  readonly heard: number;
  readonly ask: Ask;
}

/** A call of a script: what is to be done, and the name that its node has below the script's. */
export type Ask =
  | { readonly kind: "step"; readonly name: string; readonly step: string; readonly input?: Json }
  | { readonly kind: "call"; readonly name: string; readonly workflow: string; readonly input: Json }
  | { readonly kind: "sleep"; readonly name: string; readonly forMs: number }
  /** Ms since 1970, or ISO 8601. */
  | { readonly kind: "sleep"; readonly name: string; readonly at: number | string }
  | {
      readonly kind: "wait";
      readonly name: string;
      readonly signal: string;
      readonly for: string | null;
      readonly timeoutMs: number | null;
    };

/** A call of another run, its parent, waits for this run; its second attempt has this run go on if it has failed. */
export interface AttachedEntry {
  readonly kind: "attached";
  readonly at: number;
  readonly message: string;
  readonly parent: string;
  /** The path of the call in the parent. */
  readonly of: string;
  readonly attempt: number;
  /** How many runs call each other above this one. */
  readonly depth: number;
}

/** One attempt of a call, as its child knows it: the run and its node's path. */
export interface CalledBy {
  readonly parent: string;
  readonly node: string;
  readonly attempt: number;
}

/** Somebody cancelled the run. */
export interface CancelledEntry {
  readonly kind: "cancelled";
  readonly at: number;
  /** The key of the message that said so: absorbed once. */
  readonly message: string;
  readonly reason: string;
  /** The call that needs this run no more, if it was that: without effect as long as another call waits for it. */
  readonly by?: CalledBy;
  /** That call had only joined the run, which others had started. */
  readonly isJoined?: boolean;
  /** What it has done is to be undone. */
  readonly undo?: true;
}

/** Somebody had a failed, cancelled or held run go on from where it stopped. */
export interface RetriedEntry {
  readonly kind: "retried";
  readonly at: number;
  readonly message: string;
  /** The id or path of the node from which on all is done once more; from where it stopped if it is not there. */
  readonly from?: string;
  /** What runs again has other keys than before. */
  readonly newKeys?: true;
}

/**
 * Somebody had the run go on with a newer graph, on which its whole journal is read from then on; or that could not be,
 * and nothing changed.
 */
export interface UpgradedEntry {
  readonly kind: "upgraded";
  readonly at: number;
  readonly message: string;
  /** The hashes of the graphs. */
  readonly from: string;
  readonly to: string;
  /** Why it was refused. */
  readonly refused?: Misfit;
}

/** What of a journal does not fit a graph. */
export interface Misfit {
  /** The place in the journal of the first entry that does not; null: what the journal comes to does not. */
  readonly entry: number | null;
  /** The path of the node that it is about. */
  readonly node: string;
  readonly reason: string;
}

/** Why a node or a run failed, as it is kept and shown. */
export interface RunError {
  readonly code: string;
  readonly message: string;
  readonly node: string;
  readonly attempt: number;
  /** The name of the thrown error's class, and where it was thrown, if it was an error. */
  readonly name?: string;
  readonly stack?: string;
  /** What came of undoing the run that ended with this error. */
  readonly undo?: UndoOutcome;
}

export interface UndoOutcome {
  /** How many nodes are undone, and how many could not be. */
  readonly undone: number;
  readonly failed: number;
  /** Paths of those that could not be; of very many the first. */
  readonly nodes: readonly string[];
}
