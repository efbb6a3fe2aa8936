/**
 * Time that a simulation or a test owns: one line of events, in order of time and then of planning.
 * Invariant: between two events every promise that can settle has settled, and nothing is waited for outside of this
 * program, so a seed always gives the same order.
 */
import type { Clock } from "../engine/ports.ts";
import { whenIdle } from "./real-time.ts";

interface Planned {
  readonly at: number;
  readonly order: number;
  callback: (() => void) | null;
}

export class VirtualTime {
  now: number;
  #order = 0;
  /** A binary heap by time, then by order. */
  readonly #heap: Planned[] = [];
  readonly #outside: () => Promise<unknown> | null;
  readonly #due: () => void;

  /**
   * `outside` answers what is under way in real time, and is waited for; `due` is called when something is planned that need
   * not wait for time to pass.
   */
  constructor(now: number, outside: () => Promise<unknown> | null = () => null, due: () => void = () => {}) {
    this.now = now;
    this.#outside = outside;
    this.#due = due;
  }

  /** When the next thing happens; undefined: nothing is planned. */
  get nextAt(): number | undefined {
    while (this.#heap[0]?.callback === null) this.#pop();
    return this.#heap[0]?.at;
  }

  /** Plans `callback`; answers how to take it back. */
  at(at: number, callback: () => void): () => void {
    const planned: Planned = { at: Math.max(at, this.now), order: this.#order++, callback };
    this.#push(planned);
    if (planned.at <= this.now) this.#due();
    return () => {
      planned.callback = null;
    };
  }

  wait(ms: number): Promise<void> {
    return new Promise((resolve) => this.at(this.now + ms, resolve));
  }

  /** Lets everything happen until `until`, or until `isDone`; answers whether it stopped because of `isDone`. */
  async pass(until: number, isDone: () => boolean = () => false): Promise<boolean> {
    await this.#settled();
    while (!isDone()) {
      const next = this.#heap[0];
      if (next === undefined || next.at > until) {
        this.now = Math.max(this.now, until);
        return false;
      }
      this.#pop();
      if (next.callback === null) continue;
      this.now = Math.max(this.now, next.at);
      next.callback();
      await this.#settled();
    }
    return true;
  }

  async #settled(): Promise<void> {
    await settled();
    for (let outside = this.#outside(); outside !== null; outside = this.#outside()) {
      await outside;
      await settled();
    }
  }

  #push(planned: Planned): void {
    const heap = this.#heap;
    let at = heap.push(planned) - 1;
    while (at > 0) {
      const above = (at - 1) >> 1;
      if (!isBefore(planned, heap[above]!)) break;
      heap[at] = heap[above]!;
      at = above;
    }
    heap[at] = planned;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop()!;
    if (heap.length === 0) return;
    let at = 0;
    for (let child = 1; child < heap.length; child = 2 * at + 1) {
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++;
      if (!isBefore(heap[child]!, last)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = last;
  }
}

function isBefore(a: Planned, b: Planned): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}

/** Every promise that can settle without time passing has settled. */
function settled(): Promise<void> {
  return new Promise((resolve) => void whenIdle(resolve));
}

/** What happens to a simulated process from outside: it is frozen, goes on, or dies; its clock may be set. */
export class WorkerTime implements Clock {
  readonly #time: VirtualTime;
  #offsetMs = 0;
  #isFrozen = false;
  #isDead = false;
  #missed: (() => void)[] = [];

  constructor(time: VirtualTime) {
    this.#time = time;
  }

  get isDead(): boolean {
    return this.#isDead;
  }

  get isFrozen(): boolean {
    return this.#isFrozen;
  }

  now(): number {
    return this.#time.now + this.#offsetMs;
  }

  elapsed(): number {
    return this.#time.now;
  }

  at(at: number, callback: () => void): () => void {
    let isTaken = false;
    let cancel = () => {};
    const fire = () => {
      if (isTaken) return;
      if (this.now() >= at) return this.run(() => (isTaken ? undefined : callback()));
      cancel = this.#time.at(at - this.#offsetMs, fire);
    };
    cancel = this.#time.at(at - this.#offsetMs, fire);
    return () => {
      isTaken = true;
      cancel();
    };
  }

  soon(callback: () => void): void {
    this.#time.at(this.#time.now, () => this.run(callback));
  }

  /** Lets this process do something: now, when it is thawed, or never. */
  run(callback: () => void): void {
    if (this.#isDead) return;
    if (this.#isFrozen) this.#missed.push(callback);
    else callback();
  }

  freeze(): void {
    this.#isFrozen = true;
  }

  thaw(): void {
    if (this.#isDead || !this.#isFrozen) return;
    this.#isFrozen = false;
    const missed = this.#missed;
    this.#missed = [];
    for (const callback of missed) this.#time.at(this.#time.now, () => this.run(callback));
  }

  die(): void {
    this.#isDead = true;
    this.#missed = [];
  }

  /** Somebody set the machine's clock. */
  set(offsetMs: number): void {
    this.#offsetMs = offsetMs;
  }
}
