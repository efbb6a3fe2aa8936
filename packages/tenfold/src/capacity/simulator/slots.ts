/**
 * What a worker has to give: slots for bodies, oldest run first, and one event loop, which computes one thing at a time.
 * Invariant: as many bodies as there are slots, and no more, whoever waits; a line that found no slot free is served when one is.
 */
import { newHeap, put, take, type Heap, type Member } from "../../core/queues/heap.ts";

/** A body that waits for a slot, or a line that does. */
export interface SlotWaiting extends Member {
  /** The number of its run, in the order in which they came; below all of them: a line. */
  readonly age: number;
  /** Of those of one age the first one goes first. */
  ticket: number;
  /** It has a slot. */
  hasSlot(): void;
}

export class Slots {
  readonly #size: number;
  readonly #waiting: Heap<SlotWaiting> = newHeap((a, b) => a.ticket < b.ticket);
  #tickets = 0;
  #used = 0;
  #isServing = false;
  /** When the event loop has done what it was given so far. */
  #loopFreeAt = 0;
  /** How long bodies have computed (ms). */
  computedMs = 0;

  constructor(size: number) {
    this.#size = size;
  }

  get used(): number {
    return this.#used;
  }

  /** At once if a slot is free and nobody waits; else in turn. */
  take(waiting: SlotWaiting): void {
    if (this.#used < this.#size && this.#waiting.members.length === 0) {
      this.#used++;
      waiting.hasSlot();
    } else {
      waiting.ticket = this.#tickets++;
      put(this.#waiting, waiting, waiting.age);
    }
  }

  tryTake(): boolean {
    if (this.#used >= this.#size) return false;
    this.#used++;
    return true;
  }

  release(): void {
    this.#used--;
    if (this.#isServing) return;
    this.#isServing = true;
    while (this.#used < this.#size && this.#waiting.members.length > 0) {
      const first = this.#waiting.members[0]!;
      take(this.#waiting, first);
      this.#used++;
      first.hasSlot();
    }
    this.#isServing = false;
  }

  /** When `ms` of computing are done that are asked for at `now`. */
  computes(now: number, ms: number): number {
    this.computedMs += ms;
    return (this.#loopFreeAt = Math.max(now, this.#loopFreeAt) + ms);
  }
}
