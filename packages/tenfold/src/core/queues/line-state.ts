/**
 * What a line knows: its limits, who waits and who runs, by queue and by key. State that is changed in place by one owner.
 * Invariants: a place is in the heap of its key while it waits, and in none while it runs; a key that nobody waits or runs
 * for and whose bucket is full may be forgotten at any time: it is then as one that never came.
 */
import type { Rate } from "../../value/rate.ts";
import { isKept, unknown } from "./bucket.ts";
import { newHeap, type Heap, type Member } from "./heap.ts";

export interface Limit {
  /** How many may run at once. */
  readonly concurrency: number | null;
  readonly rate: Rate | null;
}

/** How many of one key start together, and how long the first of them waits for the others (ms). */
export interface BatchSize {
  readonly max: number;
  readonly waitMs: number;
}

/** What holds for one queue: as a whole, and for each of its keys. A batch counts as one for `concurrency`. */
export interface QueueLimits {
  readonly queue: string;
  readonly own: Limit;
  readonly per: Limit | null;
  /** Null, or not there: each starts by itself. */
  readonly batch?: BatchSize | null;
}

/** What holds for a line: for each of its queues, and for all of them together. */
export interface LineLimits {
  readonly shared: Limit | null;
  readonly queues: readonly QueueLimits[];
}

export const NO_LIMIT: Limit = Object.freeze({ concurrency: null, rate: null });

/** Somebody who waits, and is then permitted: known by the object, not by what is in it. */
export interface Waiting {
  readonly queue: string;
  readonly key: string;
  /** Within a key the lower goes first, and of the same rank the lower id. */
  readonly rank: number;
  readonly id: string;
  /** What it takes from buckets, and from its key's share: above 0. One above the burst of a rate owes the rest. */
  readonly cost: number;
  /** How much more than one of weight 1 its key is to have: above 0. */
  readonly weight: number;
  /** Since when it has waited, where it starts with others; it may be before it joined, and is that where it is not there. */
  readonly since?: number;
  /** It starts with nobody else, at once when its turn comes. */
  readonly isAlone?: boolean;
}

/** One that waits or runs, as its line knows it. */
export interface Place extends Member {
  readonly waiting: Waiting;
  readonly flow: Flow;
  readonly since: number;
  /** Those who were started together with it; null: it was started by itself, or was not yet. */
  together: Together | null;
}

/** A batch, of whom so many have not been settled. */
export interface Together {
  running: number;
}

/** Those of a key who would start together now. */
export interface Batch {
  readonly places: readonly Place[];
  readonly cost: number;
  /** Whoever comes behind this one is not in it; null: everybody may be. */
  readonly upTo: Place | null;
}

/** What a limit counts: how many run, and its bucket. */
interface Gate {
  running: number;
  tat: number;
}

/** A key of a queue. */
export interface Flow extends Gate, Member {
  readonly of: "key";
  readonly queue: Queue;
  readonly key: string;
  readonly places: Heap<Place>;
  /** Since when the oldest of them waits, in a queue of batches; null: it has to be looked for. */
  oldest: number | null;
  /** Who of them would start together; null: that has to be gathered. */
  batch: Batch | null;
  /** Where it stands: among those whose turn comes, among those that wait for their bucket, or nowhere. */
  heap: Heap<Flow> | null;
  /** Who goes before all others of the key, also while it does not wait: none of them starts meanwhile; null: nobody. */
  heldFor: string | null;
  /** Of its first place, as long as it stands in a heap. */
  rank: number;
  id: string;
  /** What it has had, in the virtual times of its queue and of the line. */
  finish: number;
  lineFinish: number;
}

/** Virtual time: how far those are that had least; and how far whoever had most. */
export interface Turns {
  virtual: number;
  highest: number;
  waiting: number;
}

export interface Queue extends Gate, Turns {
  readonly of: "queue";
  readonly name: string;
  limit: Limit;
  per: Limit;
  batch: BatchSize | null;
  slowUntil: number;
  isPaused: boolean;
  readonly flows: Map<string, Flow>;
  /** With so many keys it is worth looking for those to forget. */
  sweepAt: number;
  /** Keys that may start one, by their tags. */
  readonly turns: Heap<Flow>;
  /** Keys whose bucket is not ready, by when it is. */
  readonly asleep: Heap<Flow>;
}

/** All queues of a line together. */
export interface Shared extends Gate {
  readonly of: "shared";
  limit: Limit;
  slowUntil: number;
}

export interface Line extends Turns {
  readonly shared: Shared;
  readonly queues: Map<string, Queue>;
  readonly places: Map<Waiting, Place>;
  /** The latest time that it was told. */
  now: number;
  readonly beganAt: number;
  readonly isFirst: boolean;
  /** Of those whose bucket is kept, those whose bucket changed. */
  readonly changed: Set<Flow | Queue | Shared>;
}

const SWEEP_LEAST = 1024;

/**
 * A line of which nobody waits. `isFirst`: nobody ever used these limits. Otherwise a bucket that is not kept may just have
 * been emptied by the owner before; one that is kept, and was not, is full: it would have been written.
 */
export function newLine(limits: LineLimits, now: number, isFirst: boolean): Line {
  const shared: Shared = { of: "shared", limit: limits.shared ?? NO_LIMIT, running: 0, tat: now, slowUntil: -Infinity };
  const line: Line = {
    shared,
    queues: new Map(),
    places: new Map(),
    virtual: 0,
    highest: 0,
    waiting: 0,
    now,
    beganAt: now,
    isFirst,
    changed: new Set(),
  };
  shared.tat = freshTat(line, shared.limit);
  for (const queue of limits.queues) newQueue(line, queue);
  return line;
}

/** The bucket of a limit that was not used since the line began. */
function freshTat({ isFirst, beganAt }: Line, { rate }: Limit): number {
  return rate === null || isFirst || isKept(rate) ? beganAt : unknown(rate, beganAt);
}

export function newQueue(line: Line, { queue: name, own, per, batch = null }: QueueLimits): Queue {
  const queue: Queue = {
    of: "queue",
    name,
    limit: own,
    per: per ?? NO_LIMIT,
    batch,
    running: 0,
    tat: freshTat(line, own),
    slowUntil: -Infinity,
    isPaused: false,
    virtual: 0,
    highest: 0,
    waiting: 0,
    flows: new Map(),
    sweepAt: SWEEP_LEAST,
    turns: newHeap(isBeforeFlow),
    asleep: newHeap(isBeforeFlow),
  };
  line.queues.set(name, queue);
  return queue;
}

/** The queue of that name; one that no limits name has none. */
export function queueOf(line: Line, name: string): Queue {
  return line.queues.get(name) ?? newQueue(line, { queue: name, own: NO_LIMIT, per: null });
}

export function flowOf(line: Line, queue: Queue, key: string): Flow {
  const known = queue.flows.get(key);
  if (known !== undefined) return known;
  if (queue.flows.size >= queue.sweepAt) forgetIdle(line, queue);
  const flow: Flow = {
    of: "key",
    queue,
    key,
    places: newHeap(isBeforePlace),
    oldest: null,
    batch: null,
    heap: null,
    heldFor: null,
    position: -1,
    running: 0,
    tat: freshTat(line, queue.per),
    rank: 0,
    id: "",
    finish: 0,
    lineFinish: 0,
  };
  queue.flows.set(key, flow);
  return flow;
}

/**
 * Forgets keys that have nobody, each at the cost of one that came since the last time. What they have had is forgotten too,
 * also where it is more than others had: virtual time stands still as long as only new keys come, and every one of them would
 * be kept. One that comes back after so many others gains a turn at most.
 */
function forgetIdle(line: Line, queue: Queue): void {
  const { rate } = queue.per;
  for (const [key, flow] of queue.flows) {
    const isIdle = flow.running === 0 && flow.places.members.length === 0 && flow.heldFor === null;
    if (isIdle && (rate === null || flow.tat <= line.now) && !line.changed.has(flow)) queue.flows.delete(key);
  }
  queue.sweepAt = Math.max(SWEEP_LEAST, 2 * queue.flows.size);
}

/** Within a key: two of the same rank. */
function isBeforePlace(a: Place, b: Place): boolean {
  return a.waiting.id < b.waiting.id;
}

/** Between keys: two of the same tag. */
export function isBeforeFlow(a: Flow, b: Flow): boolean {
  return a.rank < b.rank || (a.rank === b.rank && a.id < b.id);
}
