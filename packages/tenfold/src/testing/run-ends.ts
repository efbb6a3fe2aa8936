/**
 * Callers that wait for runs to end while nobody moves time for them.
 * Invariant: each is answered when its run ends, or refused when time stands still and the run waits for it.
 */
import { setTimeout } from "node:timers";
import type { Outcome } from "../engine/results.ts";

/** As it was when this was loaded: a test may put a clock of its own in its place. */
const afterMs = setTimeout;

interface Waiter {
  readonly run: string;
  readonly resolve: (outcome: Outcome) => void;
  readonly reject: (error: Error) => void;
}

export interface RunsSeen {
  /** How the run ended; null: it has not. */
  outcomeOf(run: string): Outcome | null;
  /** Why the run does not end by itself; asked when time stands still. */
  unfinished(run: string): Error;
  /** Grows while something happens; null: something is under way now. */
  progress(): number | null;
}

export class RunEnds {
  readonly #seen: RunsSeen;
  readonly #patienceMs: number;
  #waiters: Waiter[] = [];
  #timer: NodeJS.Timeout | null = null;

  constructor(seen: RunsSeen, patienceMs: number) {
    this.#seen = seen;
    this.#patienceMs = patienceMs;
  }

  /** How the run ends, once it has. */
  of(run: string): Promise<Outcome> {
    const outcome = new Promise<Outcome>((resolve, reject) => this.#waiters.push({ run, resolve, reject }));
    this.look();
    return outcome;
  }

  /** Some runs may have ended. */
  look(): void {
    if (this.#waiters.length === 0) return;
    this.#waiters = this.#waiters.filter(({ run, resolve }) => {
      const outcome = this.#seen.outcomeOf(run);
      if (outcome !== null) resolve(outcome);
      return outcome === null;
    });
    this.#watchTime();
  }

  close(error: Error): void {
    for (const { reject } of this.#waiters.splice(0)) reject(error);
    this.#watchTime();
  }

  #watchTime(): void {
    if (this.#timer !== null && this.#waiters.length === 0) {
      clearTimeout(this.#timer);
      this.#timer = null;
    }
    if (this.#timer !== null || this.#waiters.length === 0) return;
    const before = this.#seen.progress();
    this.#timer = afterMs(() => {
      this.#timer = null;
      if (before === null || before !== this.#seen.progress()) return this.#watchTime();
      for (const { run, reject } of this.#waiters.splice(0)) reject(this.#seen.unfinished(run));
    }, this.#patienceMs);
  }
}
