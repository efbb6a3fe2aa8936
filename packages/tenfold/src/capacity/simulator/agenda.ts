/**
 * What is to happen, and when: a heap by time, and at one time by the order of planning.
 * Invariant: the same plans in the same order give the same order of happening, on every machine.
 */
import { invariant } from "../../value/error.ts";

/** Children of a place side by side: a level costs one cache line. */
const WIDTH = 4;

export class Agenda<T> {
  #times = new Float64Array(1024);
  /** The order of planning, so that what is planned later at one time happens later. */
  #orders = new Float64Array(1024);
  readonly #plans: (T | undefined)[] = [];
  #size = 0;
  #planned = 0;
  /** When what happens now was planned for (ms). */
  now = 0;

  get size(): number {
    return this.#size;
  }

  /** When the next one happens; Infinity: nothing is planned. */
  get nextAt(): number {
    return this.#size === 0 ? Infinity : this.#times[0]!;
  }

  plan(at: number, what: T): void {
    invariant(at >= this.now, "nothing is planned for what is past");
    if (this.#size === this.#times.length) this.#grow();
    const [times, orders, plans] = [this.#times, this.#orders, this.#plans];
    let place = this.#size++;
    while (place > 0) {
      const above = (place - 1) >> 2;
      const other = times[above]!;
      if (at >= other) break;
      times[place] = other;
      orders[place] = orders[above]!;
      plans[place] = plans[above]!;
      place = above;
    }
    times[place] = at;
    orders[place] = this.#planned++;
    plans[place] = what;
  }

  /** Takes the next one out, which happens now; undefined: nothing is planned. */
  next(): T | undefined {
    if (this.#size === 0) return undefined;
    const [times, orders, plans] = [this.#times, this.#orders, this.#plans];
    const first = plans[0]!;
    this.now = times[0]!;
    const last = --this.#size;
    const at = times[last]!;
    const order = orders[last]!;
    const what = plans[last];
    // Kept as long as it is: what is planned next takes its place.
    plans[last] = undefined;
    if (last === 0) return first;
    let place = 0;
    for (let child = 1; child < last; child = WIDTH * place + 1) {
      const end = child + WIDTH < last ? child + WIDTH : last;
      let least = child;
      for (let other = child + 1; other < end; other++) if (this.#isBefore(other, least)) least = other;
      const time = times[least]!;
      if (at < time || (at === time && order < orders[least]!)) break;
      times[place] = time;
      orders[place] = orders[least]!;
      plans[place] = plans[least]!;
      place = least;
    }
    times[place] = at;
    orders[place] = order;
    plans[place] = what;
    return first;
  }

  #isBefore(a: number, b: number): boolean {
    const difference = this.#times[a]! - this.#times[b]!;
    return difference < 0 || (difference === 0 && this.#orders[a]! < this.#orders[b]!);
  }

  #grow(): void {
    const [times, orders] = [this.#times, this.#orders];
    this.#times = new Float64Array(times.length * 2);
    this.#orders = new Float64Array(times.length * 2);
    this.#times.set(times);
    this.#orders.set(orders);
  }
}
