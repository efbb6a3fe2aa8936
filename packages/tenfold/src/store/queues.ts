/**
 * What of queues is durable: a sub-port of the store, beside its post. Who owns a queue, which runs that are parked have a
 * place in it, and what its owner keeps. Who is next, and when, others decide.
 * Invariants: a queue's row is in one lane, the places are in those of their runs; a place is a hint, whose run may not wait any
 * more, and may be gone. Keys are as `keyOf` answers them, wherever they are compared with what a store has answered.
 */
import type { ClaimedRun } from "./claimed-run.ts";
import type { Lease } from "./lease.ts";

/** Where a run waits in a queue: within a key by rank, then by run and node. */
export interface Place {
  readonly queue: string;
  readonly key: string;
  readonly rank: number;
  readonly run: string;
  readonly node: string;
  readonly cost: number;
  readonly weight: number;
}

/** A place that is written with the commit of its run. */
export interface NewPlace extends Omit<Place, "run"> {
  /** The queue's owner is to hear of it; false: that one writes it itself. */
  readonly isNew: boolean;
}

/**
 * What an owner keeps of a queue for the next one: how far a bucket of a rate that is slow is used up, or for whom a key waits,
 * and when that was written (ms since 1970).
 */
export interface KeptBucket {
  /** Whose bucket of the queue it is, or which key waits for whom; a key is in it as `keyOf` answers it. */
  readonly scope: string;
  /** Of a key that waits: the rank of the one that it waits for. */
  readonly tat: number;
  readonly at: number;
}

export interface OwnedQueue {
  readonly queue: string;
  /** Somebody owned it before. */
  readonly wasUsed: boolean;
  readonly settings: string | null;
  /** By their scopes. */
  readonly buckets: readonly KeptBucket[];
}

/** What is known of a queue beside its places. */
export interface QueueRow {
  readonly queue: string;
  readonly owner: string | null;
  readonly settings: string | null;
  /** What its owner said last, or the one before did. */
  readonly stats: string | null;
}

/** A queue as it is shown. */
export interface ListedQueue extends QueueRow {
  /** Its places in this lane, and the least rank of them. */
  readonly waiting: number;
  readonly oldest: number | null;
}

export interface Queues {
  /**
   * How a key stands in this store: the same for equal keys, and the same again for what this has answered. Itself, unless it
   * is encoded, or no index could hold it. Asks nobody.
   */
  keyOf(key: string): string;

  /**
   * LAW: a queue has one owner at most, and that one's lease is alive; answers those of `queues`, in order, that are this
   * lease's from now on, or were already, and says the same of them when it is asked again. Throws LeaseLost if the lease is
   * dead.
   */
  own(lease: Lease, queues: readonly string[]): Promise<readonly OwnedQueue[]>;
  /** They are nobody's again, if they are this owner's. */
  release(lease: Lease, queues: readonly string[]): Promise<void>;
  /**
   * Keeps these, and none of `gone`, which are others. LAW: written, as a whole, only by the queue's owner, whose lease is alive
   * (LeaseLost otherwise); durable when answered; the last one written of a scope stays.
   */
  keepBuckets(lease: Lease, queue: string, buckets: readonly KeptBucket[], gone: readonly string[]): Promise<void>;

  /**
   * At most `limit` places of the queue in the lease's lane that were written since somebody last asked here, by rank, run
   * and node: they are not new from then on. LAW: what is new is answered to one, once. The queue's own row may be in another
   * lane, so this is for its owner, but checks only the lease (LeaseLost if it is dead).
   */
  arrivals(lease: Lease, queue: string, limit: number): Promise<readonly Place[]>;
  /** The first place of each key after `after`, by key. */
  firsts(lane: number, queue: string, after: string | null, limit: number): Promise<readonly Place[]>;
  /** The places of one key that come behind one. */
  behind(lane: number, queue: string, after: Place, limit: number): Promise<readonly Place[]>;
  /**
   * Calls up the runs of these places. LAW: each of their runs that has begun and not ended, is of `workflows`, and nobody's
   * (whenever it is due) is this owner's from now on, and is answered as `claim` would: once, however many of its places are
   * named, in the order in which they are. The places are gone, but for those of unfinished runs of other workflows.
   */
  call(lease: Lease, workflows: readonly string[], places: readonly Place[]): Promise<readonly ClaimedRun[]>;

  /** What somebody wants of a queue, which need not have been used yet; null: nothing any more. */
  setSettings(lane: number, queue: string, settings: string | null): Promise<void>;
  /** Written if the queue is this owner's. Throws LeaseLost if the lease is dead. */
  setStats(lease: Lease, queue: string, stats: string): Promise<void>;
  /** All queues that the lane knows, or has places of, by their names. */
  list(lane: number): Promise<readonly ListedQueue[]>;
  /** Those of `queues` that the lane knows, by their names; costs nothing for their places. */
  rows(lane: number, queues: readonly string[]): Promise<readonly QueueRow[]>;
  /** How many places of its key come before this one in the lane, counted up to `most`; it need not be there itself. */
  ahead(lane: number, place: Place, most: number): Promise<number>;
  /** How many places the queue has in the lane, counted up to `most`. */
  count(lane: number, queue: string, most: number): Promise<number>;
  /** How many runs of a workflow nobody has begun, though they could be, counted up to `most`; not those that were started for later. */
  unbegun(lane: number, workflow: string, most: number): Promise<number>;
}
