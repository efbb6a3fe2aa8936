/**
 * A heap whose members know their place, so that any of them can be taken out or moved in O(log n).
 * Invariants: a member is in one heap at most, and its `position` is its index there, or -1; the numbers that order them
 * lie in an array of their own, four children side by side: a large heap costs a cache line a level, not an object.
 */
import { invariant } from "../../value/error.ts";

/** What can stand in a heap. */
export interface Member {
  position: number;
}

export interface Heap<M extends Member> {
  readonly members: M[];
  readonly orders: number[];
  /** Decides between two members of the same order. */
  readonly isBefore: (a: M, b: M) => boolean;
}

const WIDTH = 4;

export function newHeap<M extends Member>(isBefore: (a: M, b: M) => boolean): Heap<M> {
  return { members: [], orders: [], isBefore };
}

/** Puts `member` in at `order`, or moves it there if it is in. */
export function put<M extends Member>(heap: Heap<M>, member: M, order: number): void {
  if (member.position < 0) {
    rise(heap, heap.members.length, member, order);
  } else if (!rise(heap, member.position, member, order)) {
    sink(heap, member.position, member, order);
  }
}

/** Takes `member`, which is in, out. */
export function take<M extends Member>(heap: Heap<M>, member: M): void {
  const { members, orders } = heap;
  const at = member.position;
  invariant(members[at] === member, "who is taken out of a heap is in it");
  member.position = -1;
  const last = members.pop()!;
  const order = orders.pop()!;
  if (last !== member && !rise(heap, at, last, order)) sink(heap, at, last, order);
}

/** Puts `member` at `at` or above; whether it is above. */
function rise<M extends Member>(heap: Heap<M>, at: number, member: M, order: number): boolean {
  const { members, orders, isBefore } = heap;
  let place = at;
  while (place > 0) {
    const above = (place - 1) >> 2;
    const other = orders[above]!;
    if (order > other || (order === other && !isBefore(member, members[above]!))) break;
    stand(heap, place, members[above]!, other);
    place = above;
  }
  stand(heap, place, member, order);
  return place < at;
}

function sink<M extends Member>(heap: Heap<M>, at: number, member: M, order: number): void {
  const { members, orders, isBefore } = heap;
  const { length } = members;
  let place = at;
  for (let first = WIDTH * place + 1; first < length; first = WIDTH * place + 1) {
    const end = Math.min(first + WIDTH, length);
    let least = first;
    for (let child = first + 1; child < end; child++) {
      const difference = orders[child]! - orders[least]!;
      if (difference < 0 || (difference === 0 && isBefore(members[child]!, members[least]!))) least = child;
    }
    const other = orders[least]!;
    if (order < other || (order === other && isBefore(member, members[least]!))) break;
    stand(heap, place, members[least]!, other);
    place = least;
  }
  stand(heap, place, member, order);
}

function stand<M extends Member>({ members, orders }: Heap<M>, place: number, member: M, order: number): void {
  orders[place] = order;
  members[place] = member;
  member.position = place;
}
