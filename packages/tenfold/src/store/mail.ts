/** What reaches a run from outside: messages, within its lane and from lane to lane. */
import type { Decision } from "../core/constructs/approval.ts";
import type { CalledBy, RunError } from "../core/entry.ts";
import type { TenfoldError } from "../value/error.ts";
import type { Json } from "../value/json.ts";
import type { RunStatus } from "./run-record.ts";

/** The messages of a run that were not absorbed, and the count to compare when parking. */
export interface Mail {
  readonly run: string;
  readonly messages: readonly Message[];
  /** How many messages the run ever got. */
  readonly count: number;
  /** Why some of them could not be decoded: those are not in `messages`, and stay. */
  readonly unread?: TenfoldError;
}

export type MessageBody =
  /** `by`: the call that needs the run no more, if it is that; `isJoined`: it did not start it; `undo`: what it has done is undone. */
  | {
      readonly kind: "cancel";
      readonly reason: string;
      readonly by?: CalledBy;
      readonly isJoined?: boolean;
      readonly undo?: true;
    }
  /** A call of another run waits for this one from now on; its second attempt has an ended run go on. */
  | {
      readonly kind: "attach";
      readonly parent: string;
      readonly of: string;
      readonly attempt: number;
      /** How many runs call each other above this one. */
      readonly depth: number;
    }
  /** What came of the run that the call at this path waits for. */
  | {
      readonly kind: "returned";
      readonly node: string;
      readonly attempt: number;
      readonly child: string;
      readonly status: "completed" | "failed" | "cancelled";
      readonly output?: Json | undefined;
      readonly error?: RunError;
    }
  /** What a node of the run waits for, or will. */
  | {
      readonly kind: "signal";
      readonly signal: string;
      readonly for: string | null;
      readonly payload?: Json | undefined;
    }
  /** Somebody's decision on an approval, which stands at this path. */
  | ({ readonly kind: "decide"; readonly node: string } & Decision)
  /** Has the run go on on the graph of this hash, which its store has, if its journal fits it. */
  | { readonly kind: "upgrade"; readonly graph: string }
  /** Somebody says whether this attempt at this path has happened, and what it answered if it did. */
  | {
      readonly kind: "resolve";
      readonly node: string;
      readonly attempt: number;
      readonly happened: boolean;
      readonly output?: Json | undefined;
      readonly by: string;
      readonly comment: string | null;
    }
  /**
   * Has an ended run go on, from the node `from` if it says so; `newKeys`: what runs again has other keys than before.
   * `unlessCancelled`: not one that was cancelled by a message before this one.
   */
  | {
      readonly kind: "retry";
      readonly unlessCancelled?: boolean;
      readonly from?: string;
      readonly newKeys?: true;
    };

export interface Message {
  /** A second message with the key of one that its run has not absorbed yet is not kept. */
  readonly key: string;
  /** Kept as JSON: a store looks at nothing in it. */
  readonly body: MessageBody;
  readonly at: number;
}

export interface Send {
  readonly run: string;
  readonly message: Message;
  /** Delivered to a failed or cancelled run too, which is running again from then on. */
  readonly reopens: boolean;
  /** A run that was started for a later time begins then, and not with this message. */
  readonly isPatient?: boolean;
}

export type SendAnswer =
  { readonly kind: "sent" } | { readonly kind: "finished"; readonly status: RunStatus } | { readonly kind: "unknown" };

/** A message on its way from a run of one lane to a run of another; its sender and its message's key name it. */
export interface Parcel {
  readonly from: string;
  readonly send: Send;
}

export interface ParcelName {
  readonly from: string;
  readonly key: string;
}

/**
 * Carries parcels between lanes, each verb a transaction of one of them: (1) `deliver` to the receiver's lane, (2) `remove`
 * from the sender's outbox, (3) `release` at the receiver's what keeps a second delivery out. Whoever dies between two
 * of them leaves what another one finds: sent at least once, received once.
 */
export interface Post {
  /** The parcels of the lane's outbox, in the order of their names, from behind one on. */
  outgoing(lane: number, after: ParcelName | null, limit: number): Promise<readonly Parcel[]>;
  /** LAW: each message is kept as `send` keeps it, once, however often its parcel comes until it is released; "sent" for those that came before. Each delivery counts for `received`. */
  deliver(lane: number, parcels: readonly Parcel[], now: number): Promise<readonly SendAnswer[]>;
  /** LAW: they are in the outbox no more. */
  remove(lane: number, names: readonly ParcelName[]): Promise<void>;
  /** Parcels that were delivered to the lane before a time, and not released. */
  received(lane: number, before: number, limit: number): Promise<readonly ParcelName[]>;
  /** Whether each is in the lane's outbox. */
  holds(lane: number, names: readonly ParcelName[]): Promise<readonly boolean[]>;
  release(lane: number, names: readonly ParcelName[]): Promise<void>;
}
