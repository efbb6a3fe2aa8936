/**
 * Callers that wait for runs to end while nobody moves time for them.
 * Invariant: each is answered when its run ends, or refused when time stands still and the run waits for it.
 */
import type { Outcome } from "../engine/results.ts";
import { afterRealMs } from "./real-time.ts";

interface Waiter {
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
  readonly #waiters = new Map<string, Waiter[]>();
  #stopWatching: (() => void) | null = null;

  constructor(seen: RunsSeen, patienceMs: number) {
    this.#seen = seen;
    this.#patienceMs = patienceMs;
  }

  /** How the run ends, once it has. */
  of(run: string): Promise<Outcome> {
    return new Promise((resolve, reject) => {
      const waiters = this.#waiters.get(run);
      if (waiters === undefined) this.#waiters.set(run, [{ resolve, reject }]);
      else waiters.push({ resolve, reject });
      this.told(run);
    });
  }

  /** The run may have ended. */
  told(run: string): void {
    const waiters = this.#waiters.get(run);
    const outcome = waiters === undefined ? null : this.#seen.outcomeOf(run);
    if (outcome !== null) {
      this.#waiters.delete(run);
      for (const { resolve } of waiters!) resolve(outcome);
    }
    this.#watchTime();
  }

  /** Any run may have ended. */
  look(): void {
    for (const run of [...this.#waiters.keys()]) this.told(run);
  }

  close(error: Error): void {
    this.#refuse(() => error);
  }

  #refuse(why: (run: string) => Error): void {
    const waiting = [...this.#waiters];
    this.#waiters.clear();
    for (const [run, waiters] of waiting) {
      const error = why(run);
      for (const { reject } of waiters) reject(error);
    }
    this.#watchTime();
  }

  #watchTime(): void {
    if (this.#waiters.size === 0) {
      this.#stopWatching?.();
      this.#stopWatching = null;
    }
    if (this.#stopWatching !== null || this.#waiters.size === 0) return;
    const before = this.#seen.progress();
    this.#stopWatching = afterRealMs(this.#patienceMs, () => {
      this.#stopWatching = null;
      if (before === null || before !== this.#seen.progress()) return this.#watchTime();
      this.#refuse((run) => this.#seen.unfinished(run));
    });
  }
}
