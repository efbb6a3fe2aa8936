/**
 * The bodies that this program runs at once, and the line of those that wait for a place, oldest run first, and of one run in order.
 * Invariants: a slot is held until its body has settled, not until its timeout fired; a lane that is paused starts
 * none of its bodies, and keeps no slot from other lanes.
 */

export interface Waiting {
  /** Sorts by the start time of the run. */
  readonly id: string;
  readonly call: () => void;
}

/** Bodies of one run that came one after the other: they are one place in the heap. */
interface Group {
  readonly id: string;
  /** Of two groups of one run the first goes first. */
  readonly order: number;
  readonly bodies: Waiting[];
  next: number;
}

export class Slots {
  readonly size: number;
  #used = 0;
  /** True while the line is served: a body that settles at once must not serve it from below. */
  #serving = false;
  #groups = 0;
  /** A binary heap by id, then by order. */
  readonly #line: Group[] = [];
  #waiting = 0;
  /** The group that the last body went to, while it stands in the heap. */
  #last: Group | null = null;

  constructor(size: number) {
    this.size = size;
  }

  get used(): number {
    return this.#used;
  }

  get waiting(): number {
    return this.#waiting;
  }

  /** Calls at once if a slot is free and nobody older waits; else in turn. */
  take(waiting: Waiting): void {
    if (this.#used < this.size && this.#line.length === 0) {
      this.#used++;
      waiting.call();
    } else {
      this.#push(waiting);
    }
  }

  /** Takes a slot if one is free, whoever waits. */
  tryTake(): boolean {
    if (this.#used >= this.size) return false;
    this.#used++;
    return true;
  }

  /** A body has settled. */
  release(): void {
    this.#used--;
    this.#next();
  }

  #next(): void {
    if (this.#serving) return;
    this.#serving = true;
    try {
      while (this.#used < this.size && this.#line.length > 0) {
        this.#used++;
        this.#pop().call();
      }
    } finally {
      this.#serving = false;
    }
  }

  #push(waiting: Waiting): void {
    this.#waiting++;
    if (this.#last?.id === waiting.id) {
      this.#last.bodies.push(waiting);
      return;
    }
    const group: Group = { id: waiting.id, order: this.#groups++, bodies: [waiting], next: 0 };
    this.#last = group;
    const line = this.#line;
    let at = line.push(group) - 1;
    while (at > 0) {
      const above = (at - 1) >> 1;
      if (!isBefore(group, line[above]!)) break;
      line[at] = line[above]!;
      at = above;
    }
    line[at] = group;
  }

  #pop(): Waiting {
    this.#waiting--;
    const first = this.#line[0]!;
    const body = first.bodies[first.next++]!;
    if (first.next === first.bodies.length) this.#dropFirst(first);
    return body;
  }

  #dropFirst(first: Group): void {
    if (this.#last === first) this.#last = null;
    const line = this.#line;
    const last = line.pop()!;
    if (line.length === 0) return;
    let at = 0;
    for (let child = 1; child < line.length; child = 2 * at + 1) {
      if (child + 1 < line.length && isBefore(line[child + 1]!, line[child]!)) child++;
      if (!isBefore(line[child]!, last)) break;
      line[at] = line[child]!;
      at = child;
    }
    line[at] = last;
  }
}

function isBefore(a: Group, b: Group): boolean {
  return a.id < b.id || (a.id === b.id && a.order < b.order);
}

/** The slots as one lane uses them. */
export class LaneSlots {
  readonly #shared: Slots;
  /** Of the threads that bodies compute on, which all lanes share too. */
  readonly threads: Slots;
  #isPaused = false;
  /** Bodies whose turn came while the lane was paused. */
  #aside: Waiting[] = [];

  constructor(shared: Slots, threads: Slots) {
    this.#shared = shared;
    this.threads = threads;
  }

  get isPaused(): boolean {
    return this.#isPaused;
  }

  take(waiting: Waiting): void {
    if (this.#isPaused) this.#aside.push(waiting);
    else this.#shared.take(waiting);
  }

  /** Takes a slot if one is free, and the lane is not paused. */
  tryTake(): boolean {
    return !this.#isPaused && this.#shared.tryTake();
  }

  release(): void {
    this.#shared.release();
  }

  /** The body that was called gives its slot back, and is called again once the lane proceeds. */
  setAside(waiting: Waiting): void {
    this.#aside.push(waiting);
    this.#shared.release();
  }

  /** While paused, bodies that run go on, and none is started. */
  pause(): void {
    this.#isPaused = true;
  }

  proceed(): void {
    this.#isPaused = false;
    for (const waiting of this.#aside.splice(0).sort((a, b) => (a.id < b.id ? -1 : 1))) this.take(waiting);
  }
}
