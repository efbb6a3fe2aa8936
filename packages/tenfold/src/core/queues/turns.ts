/**
 * Whose turn it is between the keys of a line: start-time fair queuing (Goyal, Vin, Cheng, "Start-time Fair Queueing", 1996).
 * Invariants: a key is among those whose turn comes if and only if its own limits let it start one, or a batch, as of the latest time
 * that the line was told; no tag among them is below the virtual time of their queue.
 *
 * A queue has a virtual time of its own, which stands still while the queue may not start anything: else others would carry
 * it past all tags, and whoever is oldest would always go first. Each queue puts up its first key, and those are chosen from
 * by what they have had in the virtual time of the line.
 */
import type { Rate } from "../../value/rate.ts";
import { costOf, ripeAt } from "./batches.ts";
import { readyAt } from "./bucket.ts";
import { put, take, type Heap } from "./heap.ts";
import { isBeforeFlow, type Flow, type Limit, type Line, type Queue, type Turns } from "./line-state.ts";

/** Whether so many are all that may run at once. */
export function isFull({ concurrency }: Limit, running: number): boolean {
  return concurrency !== null && running >= concurrency;
}

/** From when on a bucket gives `cost`; all of what it holds, where that is less. */
export function givesAt(tat: number, rate: Rate | null, cost: number): number {
  return rate === null ? -Infinity : readyAt(tat, rate, Math.min(cost, rate.burst));
}

/** Whether the key waits for another one than `id`. */
export function isHeldUp({ heldFor }: Flow, id: string): boolean {
  return heldFor !== null && heldFor !== id;
}

/** Puts a key where it belongs after its places, its bucket or what runs of it have changed, or when it is ripe. */
export function arrange(line: Line, flow: Flow): void {
  const { queue } = flow;
  const first = flow.places.members[0]?.waiting;
  if (first === undefined || isHeldUp(flow, first.id) || isFull(queue.per, flow.running)) return withdraw(flow);
  flow.rank = first.rank;
  flow.id = first.id;
  const ripe = ripeAt(flow);
  // What a batch costs is known when it is complete.
  const at = ripe > line.now ? ripe : givesAt(flow.tat, queue.per.rate, costOf(line, flow));
  if (at > line.now) return stand(flow, queue.asleep, at);
  // What a key did not use while it could not is not made up for. Among those whose turn comes the tag never moves: the
  // virtual time of the queue does not pass the lowest of them.
  stand(flow, queue.turns, Math.max(queue.virtual, flow.finish));
}

export function withdraw(flow: Flow): void {
  if (flow.heap !== null) take(flow.heap, flow);
  flow.heap = null;
}

function stand(flow: Flow, heap: Heap<Flow>, order: number): void {
  if (flow.heap !== heap) withdraw(flow);
  flow.heap = heap;
  put(heap, flow, order);
}

/** The keys whose bucket has become ready by now have their turn. */
export function wake(line: Line, { asleep }: Queue): void {
  for (let first = asleep.members[0]; first !== undefined && asleep.orders[0]! <= line.now; first = asleep.members[0]) {
    arrange(line, first);
  }
}

/** Whether `a` comes before `b`, the first key of another queue. */
export function comesBefore(line: Line, a: Flow, b: Flow): boolean {
  const difference = Math.max(line.virtual, a.lineFinish) - Math.max(line.virtual, b.lineFinish);
  if (difference !== 0) return difference < 0;
  return isBeforeFlow(a, b);
}

/** The key has its turn, for `share` of service. */
export function passTurn(line: Line, flow: Flow, share: number): void {
  flow.finish = advance(flow.queue, flow.finish, share);
  flow.lineFinish = advance(line, flow.lineFinish, share);
}

function advance(turns: Turns, finish: number, share: number): number {
  turns.virtual = Math.max(turns.virtual, finish);
  const after = turns.virtual + share;
  turns.highest = Math.max(turns.highest, after);
  return after;
}

/** One more waits. Where nobody did, a new busy period begins: what was had before does not count. */
export function countIn(turns: Turns): void {
  if (turns.waiting++ === 0) turns.virtual = turns.highest;
}
