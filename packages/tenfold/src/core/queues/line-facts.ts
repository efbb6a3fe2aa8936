/** What people are told of a line: how many wait and run, which limit holds a queue up, and why one does not start. */
import { costOf, ripeAt } from "./batches.ts";
import { isBeforeFlow, type Flow, type Line, type Queue, type Waiting } from "./line-state.ts";
import { givesAt, isFull, isHeldUp } from "./turns.ts";

/** A limit that holds something up; `until` is when that ends at the earliest, where time alone ends it. */
export interface Binding {
  /** "batch": it waits for others to start with. */
  readonly kind: "concurrency" | "rate" | "slow" | "paused" | "batch";
  readonly of: "shared" | "queue" | "key";
  readonly until: number | null;
}

export type Reason =
  /** At least so many go first: those before it in its key, and one of each other key whose turn is before. */
  { readonly kind: "turn"; readonly ahead: number } | Binding;

/** How many wait in a queue. */
export function size(line: Line, queue: string): number {
  return line.queues.get(queue)?.waiting ?? 0;
}

/** How many run of a queue. */
export function running(line: Line, queue: string): number {
  return line.queues.get(queue)?.running ?? 0;
}

export interface KeyCounts {
  readonly key: string;
  readonly waiting: number;
  readonly running: number;
}

/** The keys of a queue that somebody waits or runs for. */
export function keys(line: Line, queue: string): readonly KeyCounts[] {
  const flows = [...(line.queues.get(queue)?.flows.values() ?? [])];
  return flows
    .map(({ key, places, running }) => ({ key, waiting: places.members.length, running }))
    .filter(({ waiting, running }) => waiting + running > 0);
}

/** Which limit keeps the queue from starting one now; null: none does, or nobody waits. */
export function binding(line: Line, name: string, now: number): Binding | null {
  const queue = line.queues.get(name);
  if (queue === undefined || queue.waiting === 0) return null;
  return stopOf(line, queue, now) ?? limitBefore(line, queue, firstOf(queue, now), now);
}

/** Why it does not start now; null: it does not wait here. */
export function reasonOf(line: Line, waiting: Waiting, now: number): Reason | null {
  const place = line.places.get(waiting);
  if (place === undefined || place.position < 0) return null;
  const { flow } = place;
  const { queue } = flow;
  const stop = stopOf(line, queue, now) ?? limitOfKey(line, flow, now);
  if (stop !== null) return stop;
  const ahead = aheadInKey(flow, waiting) + keysAhead(flow, now);
  const limit = ahead > 0 ? null : limitBefore(line, queue, flow, now);
  return limit ?? { kind: "turn", ahead };
}

/** What holds up whoever waits in the queue, whatever it costs. */
function stopOf({ shared }: Line, queue: Queue, now: number): Binding | null {
  if (queue.isPaused) return { kind: "paused", of: "queue", until: null };
  if (queue.slowUntil > now) return { kind: "slow", of: "queue", until: queue.slowUntil };
  if (shared.slowUntil > now) return { kind: "slow", of: "shared", until: shared.slowUntil };
  return null;
}

function limitOfKey(line: Line, flow: Flow, now: number): Binding | null {
  const { per } = flow.queue;
  const isHeld = isHeldUp(flow, flow.places.members[0]?.waiting.id ?? "");
  if (isHeld || isFull(per, flow.running)) return { kind: "concurrency", of: "key", until: null };
  const until = ripeAt(flow);
  if (until > now) return { kind: "batch", of: "key", until };
  return rateThat("key", givesAt(flow.tat, per.rate, costOf(line, flow)), now);
}

/** What holds up the first key of a queue; with none, whatever holds up all of its keys. */
function limitBefore(line: Line, queue: Queue, first: Flow | undefined, now: number): Binding | null {
  if (isFull(queue.limit, queue.running)) return { kind: "concurrency", of: "queue", until: null };
  if (first === undefined) {
    const asleep = queue.asleep.members[0];
    return asleep === undefined ? { kind: "concurrency", of: "key", until: null } : limitOfKey(line, asleep, now);
  }
  const { shared } = line;
  const cost = costOf(line, first);
  const ofQueue = rateThat("queue", givesAt(queue.tat, queue.limit.rate, cost), now);
  if (ofQueue !== null) return ofQueue;
  if (isFull(shared.limit, shared.running)) return { kind: "concurrency", of: "shared", until: null };
  return rateThat("shared", givesAt(shared.tat, shared.limit.rate, cost), now);
}

function rateThat(of: Binding["of"], givesAt: number, now: number): Binding | null {
  return givesAt > now ? { kind: "rate", of, until: givesAt } : null;
}

/** The key whose turn it is; those that wait for their bucket may not know yet that it is ready. */
function firstOf({ turns, asleep }: Queue, now: number): Flow | undefined {
  return turns.members[0] ?? (asleep.orders[0]! <= now ? asleep.members[0] : undefined);
}

function aheadInKey({ places }: Flow, { rank, id }: Waiting): number {
  let ahead = 0;
  for (const { waiting } of places.members) {
    if (waiting.rank < rank || (waiting.rank === rank && waiting.id < id)) ahead++;
  }
  return ahead;
}

function keysAhead(flow: Flow, now: number): number {
  const { turns, asleep } = flow.queue;
  const isAhead = (other: Flow): boolean => other !== flow && isTurnBefore(other, flow);
  const awake = asleep.members.filter((other) => asleep.orders[other.position]! <= now);
  return turns.members.filter(isAhead).length + awake.filter(isAhead).length;
}

function isTurnBefore(a: Flow, b: Flow): boolean {
  const { virtual } = a.queue;
  const difference = Math.max(virtual, a.finish) - Math.max(virtual, b.finish);
  return difference === 0 ? isBeforeFlow(a, b) : difference < 0;
}
