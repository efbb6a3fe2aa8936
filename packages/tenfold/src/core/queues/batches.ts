/**
 * Who starts together in a queue whose bodies take several at once: the first ones of one key, up to a number.
 * Invariants: a batch starts when so many wait, or the oldest has waited for long enough, and not before; it costs what all of it
 * costs, and never more than what the buckets can hold, unless one alone does; one that starts alone is in no batch.
 */
import { put, take } from "./heap.ts";
import type { Batch, Flow, Line, Place } from "./line-state.ts";

/** From when on somebody of this key, where somebody waits, may start; in a queue without batches at any time. */
export function ripeAt(flow: Flow): number {
  const { batch } = flow.queue;
  if (batch === null) return -Infinity;
  const { members } = flow.places;
  if (members.length >= batch.max || members[0]!.waiting.isAlone === true) return -Infinity;
  // Fewer than fill a batch: as many are looked through as one that started has left behind, or somebody who left.
  flow.oldest ??= members.reduce((oldest, { since }) => Math.min(oldest, since), Infinity);
  return flow.oldest + batch.waitMs;
}

/** What those take of the buckets who start next of this key. */
export function costOf(line: Line, flow: Flow): number {
  return flow.queue.batch === null ? flow.places.members[0]!.waiting.cost : batchOf(line, flow).cost;
}

/** Those who start next of this key. */
export function firstOf(line: Line, flow: Flow): readonly Place[] {
  return flow.queue.batch === null ? [flow.places.members[0]!] : batchOf(line, flow).places;
}

/** One waits for this key, who did not. */
export function countJoined(flow: Flow, place: Place): void {
  if (flow.oldest !== null) flow.oldest = Math.min(flow.oldest, place.since);
  if (flow.batch !== null && (flow.batch.upTo === null || isBefore(place, flow.batch.upTo))) flow.batch = null;
}

/** One waits no more. */
export function countLeft(flow: Flow, { since }: Place): void {
  if (flow.oldest !== null && since <= flow.oldest) flow.oldest = null;
  flow.batch = null;
}

function batchOf(line: Line, flow: Flow): Batch {
  return (flow.batch ??= gathered(flow, flow.queue.batch!.max, mostOf(line, flow)));
}

/** What the buckets give at once when they are full. */
function mostOf({ shared }: Line, { queue }: Flow): number {
  const rates = [queue.per.rate, queue.limit.rate, shared.limit.rate];
  return Math.min(...rates.map((rate) => rate?.burst ?? Infinity));
}

function gathered({ places: heap }: Flow, max: number, costMost: number): Batch {
  const places: Place[] = [];
  let cost = 0;
  let upTo: Place | null = null;
  while (heap.members.length > 0 && upTo === null) {
    const place = heap.members[0]!;
    const { waiting } = place;
    const isAlone = waiting.isAlone === true;
    if (places.length > 0 && (isAlone || cost + waiting.cost > costMost)) {
      upTo = place;
      break;
    }
    take(heap, place);
    places.push(place);
    cost += waiting.cost;
    if (isAlone || places.length === max) upTo = place;
  }
  // They wait where they did: a heap has its order only from the top.
  for (const place of places) put(heap, place, place.waiting.rank);
  return { places, cost, upTo };
}

function isBefore({ waiting: a }: Place, { waiting: b }: Place): boolean {
  return a.rank < b.rank || (a.rank === b.rank && a.id < b.id);
}
