/**
 * The line before queues that share a dispatcher: who waits, who may start now, alone or in a batch, and when else somebody may.
 * Invariants: never more run than the limits of the key, the queue and the line let run at once, and nothing starts before
 * its buckets give what it costs; in a key they start by rank; between keys turns are fair (`turns.ts`); if nobody is
 * told to start, then nobody whose turn it is may. A key at its limit delays no other, a queue at its limit no other queue.
 *
 * One whose turn it is and whose cost a bucket does not have yet is not overtaken by a cheaper one, or it would wait for ever.
 */
import { invariant } from "../../value/error.ts";
import type { Rate } from "../../value/rate.ts";
import { costOf, countJoined, countLeft, firstOf } from "./batches.ts";
import { corrected, isKept, taken } from "./bucket.ts";
import { put, take } from "./heap.ts";
import {
  flowOf,
  queueOf,
  type Flow,
  type Line,
  type Place,
  type Queue,
  type Shared,
  type Waiting,
} from "./line-state.ts";
import { arrange, comesBefore, countIn, givesAt, isFull, isHeldUp, passTurn, wake, withdraw } from "./turns.ts";

export type Next =
  /** It runs from now on, until it is settled; so do those who start with it, each until it is settled itself. */
  | { readonly kind: "start"; readonly waiting: Waiting; readonly with: readonly Waiting[] }
  /** Nothing may start before `at`, whatever is settled; a join or a change may help sooner. */
  | { readonly kind: "later"; readonly at: number }
  /** No time helps: only that one is settled, joins, or that something is changed. */
  | { readonly kind: "none" };

const NONE: Next = Object.freeze({ kind: "none" });
const NOBODY: readonly Waiting[] = Object.freeze([]);

/** It waits from now on. */
export function join(line: Line, waiting: Waiting): void {
  invariant(!line.places.has(waiting), "who joins a line is not in it");
  invariant(waiting.cost > 0 && waiting.weight > 0, "who joins a line has a cost and a weight above 0");
  const queue = queueOf(line, waiting.queue);
  const flow = flowOf(line, queue, waiting.key);
  const place: Place = { waiting, flow, position: -1, since: waiting.since ?? line.now, together: null };
  countIn(line);
  countIn(queue);
  line.places.set(waiting, place);
  put(flow.places, place, waiting.id === flow.heldFor ? -Infinity : waiting.rank);
  countJoined(flow, place);
  if (place.position === 0 || queue.batch !== null) arrange(line, flow);
}

/** Whether it waits, and nobody of its key comes before it. */
export function isFirstOfKey(line: Line, waiting: Waiting): boolean {
  return line.places.get(waiting)?.position === 0;
}

/** It waits no more; whether it did. */
export function leave(line: Line, waiting: Waiting): boolean {
  const place = line.places.get(waiting);
  if (place === undefined || place.position < 0) return false;
  const { flow } = place;
  const wasFirst = place.position === 0;
  takeOut(line, place);
  line.places.delete(waiting);
  if (wasFirst || flow.queue.batch !== null) arrange(line, flow);
  return true;
}

function takeOut(line: Line, place: Place): void {
  take(place.flow.places, place);
  countLeft(place.flow, place);
  line.waiting--;
  place.flow.queue.waiting--;
}

/** Starts the one whose turn it is, with those who start with it, or says when it is worth asking again. */
export function next(line: Line, now: number): Next {
  line.now = Math.max(line.now, now);
  const { shared } = line;
  let first: Flow | undefined;
  let soonest = Infinity;
  for (const queue of line.queues.values()) {
    if (queue.waiting === 0) continue;
    wake(line, queue);
    if (queue.isPaused || isFull(queue.limit, queue.running)) continue;
    const flow = queue.turns.members[0];
    const opensAt = flow === undefined ? Infinity : givesAt(queue.tat, queue.limit.rate, costOf(line, flow));
    if (Math.max(opensAt, queue.slowUntil) > line.now) {
      soonest = Math.min(soonest, Math.max(queue.slowUntil, Math.min(opensAt, firstAwake(queue))));
      continue;
    }
    soonest = Math.min(soonest, firstAwake(queue));
    if (first === undefined || comesBefore(line, flow!, first)) first = flow;
  }
  if (isFull(shared.limit, shared.running)) return NONE;
  const opensAt = first === undefined ? Infinity : givesAt(shared.tat, shared.limit.rate, costOf(line, first));
  if (Math.max(opensAt, shared.slowUntil) <= line.now) return start(line, first!);
  const at = Math.max(shared.slowUntil, Math.min(opensAt, soonest));
  return at === Infinity ? NONE : { kind: "later", at };
}

/** When the first key of those that wait for their bucket may have its turn. */
function firstAwake({ asleep }: Queue): number {
  return asleep.orders[0] ?? Infinity;
}

function start(line: Line, flow: Flow): Next {
  const { queue } = flow;
  const places = firstOf(line, flow);
  const together = places.length > 1 ? { running: places.length } : null;
  withdraw(flow);
  let cost = 0;
  let share = 0;
  for (const place of places) {
    takeOut(line, place);
    place.together = together;
    cost += place.waiting.cost;
    share += place.waiting.cost / place.waiting.weight;
  }
  flow.heldFor = null;
  flow.running++;
  queue.running++;
  line.shared.running++;
  spend(line, flow, queue.per.rate, cost);
  spend(line, queue, queue.limit.rate, cost);
  spend(line, line.shared, line.shared.limit.rate, cost);
  passTurn(line, flow, share);
  arrange(line, flow);
  const { waiting } = places[0]!;
  return { kind: "start", waiting, with: together === null ? NOBODY : places.slice(1).map((each) => each.waiting) };
}

function spend(line: Line, gate: Flow | Queue | Shared, rate: Rate | null, cost: number): void {
  if (rate === null) return;
  gate.tat = taken(gate.tat, rate, cost, line.now);
  if (isKept(rate)) line.changed.add(gate);
}

/** What was started has ended, however it did; what it limited is free when all have that were started together. */
export function settled(line: Line, waiting: Waiting, now: number): void {
  const flow = end(line, waiting, now);
  // One that stands somewhere was not held up by how many run.
  if (flow?.heap === null) arrange(line, flow);
}

/**
 * As `settled`, but it comes again: nobody else of its key starts before it has, or is `released`. It may wait `again`
 * already, if its body was late.
 */
export function hold(line: Line, waiting: Waiting, now: number, again: Waiting | undefined): void {
  const flow = end(line, waiting, now);
  invariant(flow?.heldFor === null, "a key is held for one at a time");
  flow.heldFor = waiting.id;
  const place = again && line.places.get(again);
  if (place !== undefined && place.position >= 0) put(flow.places, place, -Infinity);
  arrange(line, flow);
}

/** Nobody else of its key starts before this one, which was started elsewhere, has come, or is `released`. */
export function awaits(line: Line, { queue, key, id }: Waiting): void {
  const flow = flowOf(line, queueOf(line, queue), key);
  flow.heldFor = id;
  arrange(line, flow);
}

/** Whether its key waits for another one, of whom nobody can say here when it comes. */
export function isHeldBack(line: Line, { queue, key, id }: Waiting): boolean {
  const flow = line.queues.get(queue)?.flows.get(key);
  return flow !== undefined && isHeldUp(flow, id);
}

/** One for which its key is held does not come any more; if it waits, it leaves next. */
export function released(line: Line, { queue, key, id }: Waiting): void {
  const flow = line.queues.get(queue)?.flows.get(key);
  if (flow?.heldFor !== id) return;
  flow.heldFor = null;
  arrange(line, flow);
}

/** Null: others that were started with it have not ended. */
function end(line: Line, waiting: Waiting, now: number): Flow | null {
  const place = line.places.get(waiting);
  invariant(place !== undefined && place.position < 0, "who is settled was started");
  const { flow } = place;
  line.now = Math.max(line.now, now);
  line.places.delete(waiting);
  if (place.together !== null && --place.together.running > 0) return null;
  flow.running--;
  flow.queue.running--;
  line.shared.running--;
  return flow;
}

/** What was started has cost `more` than it said; less, if that is negative. Also after it was settled. */
export function spent(line: Line, waiting: Waiting, more: number): void {
  const queue = queueOf(line, waiting.queue);
  correct(line, queue, queue.limit.rate, more);
  correct(line, line.shared, line.shared.limit.rate, more);
  if (queue.per.rate === null) return;
  const flow = flowOf(line, queue, waiting.key);
  correct(line, flow, queue.per.rate, more);
  arrange(line, flow);
}

function correct(line: Line, gate: Flow | Queue | Shared, rate: Rate | null, more: number): void {
  if (rate === null) return;
  gate.tat = corrected(gate.tat, rate, more, line.now);
  if (isKept(rate)) line.changed.add(gate);
}

/** The queue, or with null the whole line, starts nothing before `until`: what it calls has said so. */
export function slow(line: Line, queue: string | null, until: number): void {
  const gate = queue === null ? line.shared : queueOf(line, queue);
  gate.slowUntil = Math.max(gate.slowUntil, until);
}

/** The queue starts nothing until it is told to go on. */
export function pause(line: Line, queue: string, isPaused: boolean): void {
  queueOf(line, queue).isPaused = isPaused;
}
