/**
 * Group commit: what is given while the last batch is on its way goes into the next one.
 * Invariant: one batch is on its way at a time, of those that waited longest; what it throws is told to all that are in it.
 */
import type { Clock } from "./ports.ts";

export interface GroupCommitParts<T, A> {
  readonly clock: Clock;
  /** Of one batch, as `sizeOf` counts; what is larger goes alone. */
  readonly max: number;
  readonly sizeOf: (item: T) => number;
  /** An answer per item, in order. */
  readonly send: (items: readonly T[]) => Promise<readonly A[]>;
}

interface Waiting<T, A> {
  readonly item: T;
  readonly resolve: (answer: A) => void;
  readonly reject: (error: unknown) => void;
}

export class GroupCommit<T, A> {
  readonly #parts: GroupCommitParts<T, A>;
  #waiting: Waiting<T, A>[] = [];
  #isBusy = false;

  constructor(parts: GroupCommitParts<T, A>) {
    this.#parts = parts;
  }

  add(item: T): Promise<A> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ item, resolve, reject });
      if (this.#isBusy) return;
      this.#isBusy = true;
      this.#parts.clock.soon(() => void this.#flush());
    });
  }

  async #flush(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = this.#take();
      try {
        const answers = await this.#parts.send(batch.map(({ item }) => item));
        batch.forEach(({ resolve }, nth) => resolve(answers[nth]!));
      } catch (thrown) {
        for (const { reject } of batch) reject(thrown);
      }
    }
    this.#isBusy = false;
  }

  /** One at least. */
  #take(): Waiting<T, A>[] {
    const { max, sizeOf } = this.#parts;
    let size = 0;
    let taken = 0;
    for (const { item } of this.#waiting) {
      size += sizeOf(item);
      if (taken > 0 && size > max) break;
      taken++;
    }
    return this.#waiting.splice(0, taken);
  }
}
