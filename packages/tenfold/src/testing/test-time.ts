/**
 * Virtual time as a test moves it: what is due now happens by itself, what is due later when the test says so.
 * Invariants: one turn at a time, in the order in which they were asked for; time moves only within a turn that is to
 * move it, and never while something is under way outside.
 */
import { VirtualTime } from "./virtual-time.ts";

export class TestTime {
  readonly line: VirtualTime;
  #turns = 0;
  #last: Promise<unknown> = Promise.resolve();
  #isPassing = false;
  #isStirred = false;

  /** `outside` answers what is under way in real time; `due` is called when something is to happen now. */
  constructor(now: number, outside: () => Promise<unknown> | null, due: () => void) {
    this.line = new VirtualTime(now, outside, () => {
      due();
      this.stir();
    });
  }

  get now(): number {
    return this.line.now;
  }

  get hasDue(): boolean {
    return (this.line.nextAt ?? Infinity) <= this.line.now;
  }

  /** How often somebody had something happen: while it grows, time does not stand still. */
  get turns(): number {
    return this.#turns;
  }

  get isPassing(): boolean {
    return this.#isPassing;
  }

  /** Calls `act` when all that was asked for before has happened. */
  turn<T>(act: () => Promise<T>): Promise<T> {
    this.#turns++;
    const turn = this.#last.then(act);
    this.#last = turn.catch(() => {});
    return turn;
  }

  /** Within a turn: lets happen what is due until `until`, or until `isDone`; answers whether it stopped because of that. */
  async pass(until: number, isDone?: () => boolean): Promise<boolean> {
    this.#isPassing = true;
    let isOver = false;
    try {
      isOver = await this.line.pass(until, isDone);
    } finally {
      this.#isPassing = false;
    }
    // What came after the last look, or was left when `isDone` said to stop.
    if (this.hasDue) this.stir();
    return isOver;
  }

  /** Has happen what is due now, though nobody waits for it. */
  stir(): void {
    if (this.#isPassing || this.#isStirred) return;
    this.#isStirred = true;
    const happens = (): Promise<unknown> => {
      this.#isStirred = false;
      return this.pass(this.now);
    };
    // What goes wrong here goes wrong again for whoever waits next, and is told to them.
    this.turn(happens).catch(() => {});
  }
}
