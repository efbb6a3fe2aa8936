/**
 * What outlives a limit or its owner: limits that change while a line is in use, and buckets that are kept for a new owner.
 * Invariant: what is counted stays where the name is the same: who runs, and what is taken of a bucket.
 */
import type { Rate } from "../../value/rate.ts";
import { converted, isKept, resumed, unknown, type KeptBucket } from "./bucket.ts";
import {
  flowOf,
  newQueue,
  NO_LIMIT,
  type Flow,
  type Limit,
  type Line,
  type LineLimits,
  type Queue,
  type QueueLimits,
  type Shared,
} from "./line-state.ts";
import { arrange } from "./turns.ts";

/**
 * Other limits hold from now on. More may be running than they let: nothing starts until fewer are. A queue that they do not
 * name has no limits of its own, and is forgotten once nobody waits or runs there.
 */
export function change(line: Line, limits: LineLimits): void {
  changeLimit(line, line.shared, limits.shared ?? NO_LIMIT);
  for (const named of limits.queues) {
    const queue = line.queues.get(named.queue);
    if (queue === undefined) newQueue(line, named);
    else changeQueue(line, queue, named);
  }
  const named = new Set(limits.queues.map(({ queue }) => queue));
  for (const queue of line.queues.values()) {
    if (named.has(queue.name)) continue;
    changeQueue(line, queue, { queue: queue.name, own: NO_LIMIT, per: null });
    if (queue.waiting === 0 && queue.running === 0) forget(line, queue);
  }
}

function changeQueue(line: Line, queue: Queue, { own, per, batch = null }: QueueLimits): void {
  changeLimit(line, queue, own);
  const before = queue.per;
  queue.per = per ?? NO_LIMIT;
  queue.batch = batch;
  for (const flow of queue.flows.values()) {
    convert(line, flow, before.rate, queue.per.rate);
    // Who starts together depends on each of the limits.
    flow.batch = null;
    arrange(line, flow);
  }
}

function changeLimit(line: Line, gate: Queue | Shared, limit: Limit): void {
  convert(line, gate, gate.limit.rate, limit.rate);
  gate.limit = limit;
}

function convert(line: Line, gate: Flow | Queue | Shared, from: Rate | null, to: Rate | null): void {
  line.changed.delete(gate);
  if (to === null) gate.tat = line.beganAt;
  // What began while there was no rate may have been as much as all of it.
  else if (from === null) gate.tat = unknown(to, line.now);
  else gate.tat = converted(gate.tat, from, to, line.now);
  // Written anew even where the rate is the same: the change before it may not have been.
  if (to !== null && isKept(to) && gate.tat > line.now) line.changed.add(gate);
}

function forget(line: Line, queue: Queue): void {
  line.queues.delete(queue.name);
  for (const flow of queue.flows.values()) line.changed.delete(flow);
}

export interface ChangedBucket {
  /** Names the limit, or the key of a limit, in this line; `restore` understands it. */
  readonly scope: string;
  readonly tat: number;
}

/** The buckets to be kept that have changed since this was last asked: to be written before what was started begins. */
export function changed(line: Line): readonly ChangedBucket[] {
  if (line.changed.size === 0) return [];
  const buckets = Array.from(line.changed, (gate) => ({ scope: scopeOf(gate), tat: gate.tat }));
  line.changed.clear();
  return buckets;
}

function scopeOf(gate: Flow | Queue | Shared): string {
  if (gate.of === "shared") return "[]";
  return JSON.stringify(gate.of === "queue" ? [gate.name] : [gate.queue.name, gate.key]);
}

/** Goes on with a bucket that was kept; `now` is by a clock of the same kind as that which wrote it. */
export function restore(line: Line, scope: string, kept: KeptBucket, now: number): void {
  line.now = Math.max(line.now, now);
  const [name, key] = JSON.parse(scope) as readonly string[];
  const queue = name === undefined ? undefined : line.queues.get(name);
  if (name !== undefined && queue === undefined) return;
  const rate = (queue === undefined ? line.shared.limit : key === undefined ? queue.limit : queue.per).rate;
  // What is not kept now was used since without being written.
  if (rate === null || !isKept(rate)) return;
  const tat = resumed(kept, rate, line.now);
  if (queue === undefined || key === undefined) {
    const gate = queue ?? line.shared;
    gate.tat = Math.max(gate.tat, tat);
  } else if (tat > line.now) {
    const flow = flowOf(line, queue, key);
    flow.tat = Math.max(flow.tat, tat);
    arrange(line, flow);
  }
}
