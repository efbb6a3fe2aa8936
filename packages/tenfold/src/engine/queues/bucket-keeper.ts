/**
 * Writes the buckets that are kept of a line, before what took from them begins.
 * Invariants: one write at a time, of all that was taken meanwhile; the last one of a scope says it all, also what
 * may begin after it.
 */
import type { ChangedBucket } from "../../core/queues/limit-changes.ts";
import { LeaseLost, type Lease, type Store } from "../../store/store.ts";
import { isPassing } from "../passing.ts";
import { waitFor, type Clock } from "../ports.ts";

/** How long what could not be written waits for the next try. */
const RETRY_MS = 100;

export interface BucketKeeperParts {
  readonly name: string;
  readonly store: Store;
  readonly clock: Clock;
  /** What the buckets are at worst now, by scope: bodies that were permitted may begin later than that. */
  readonly atWorst: () => (scope: string) => number;
}

export class BucketKeeper {
  readonly #parts: BucketKeeperParts;
  readonly #lease: Lease;
  #waiting: (() => void)[] = [];
  #unwritten = new Map<string, number>();
  #isWriting = false;
  #isClosed = false;

  constructor(parts: BucketKeeperParts, lease: Lease) {
    this.#parts = parts;
    this.#lease = lease;
  }

  /** Calls `then` once these are durable: at once if there are none. */
  keep(buckets: readonly ChangedBucket[], then: () => void): void {
    if (buckets.length === 0) return then();
    for (const { scope, tat } of buckets) this.#unwritten.set(scope, tat);
    this.#waiting.push(then);
    if (!this.#isWriting) void this.#write();
  }

  /** Nothing is written any more. */
  close(): void {
    this.#isClosed = true;
  }

  async #write(): Promise<void> {
    this.#isWriting = true;
    while (this.#waiting.length > 0 && !this.#isClosed) {
      const { clock } = this.#parts;
      const at = clock.now();
      // The line's own clock only ever passes, and starts whenever.
      const offset = at - clock.elapsed();
      const worst = this.#parts.atWorst();
      const buckets = Array.from(this.#unwritten, ([scope, tat]) => {
        return { scope, tat: Math.max(tat, worst(scope)) + offset, at };
      });
      const written = this.#waiting.splice(0);
      this.#unwritten.clear();
      if (!(await this.#send(buckets))) return;
      for (const then of written) then();
    }
    this.#isWriting = false;
  }

  /** False: others may own the line. */
  async #send(buckets: readonly { scope: string; tat: number; at: number }[]): Promise<boolean> {
    const { name, store, clock } = this.#parts;
    while (!this.#isClosed) {
      try {
        await store.queues.keepBuckets(this.#lease, name, buckets);
        return !this.#isClosed;
      } catch (thrown) {
        if (thrown instanceof LeaseLost) return false;
        if (!isPassing(thrown) && !this.#isClosed) throw thrown;
      }
      await waitFor(clock, RETRY_MS);
    }
    return false;
  }
}
