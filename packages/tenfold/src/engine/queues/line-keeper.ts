/**
 * Writes what is kept of a line for its next owner, before what it is of begins: slow buckets, and whom keys wait for.
 * Invariants: one write at a time, of all that was changed meanwhile; the last one of a scope says it all, also what
 * may begin after it.
 */
import type { ChangedBucket } from "../../core/queues/limit-changes.ts";
import type { KeptBucket } from "../../store/queues.ts";
import { LeaseLost, type Lease, type Store } from "../../store/store.ts";
import { isPassing } from "../passing.ts";
import { waitFor, type Clock } from "../ports.ts";

/** How long what could not be written waits for the next try. */
const RETRY_MS = 100;

export interface LineKeeperParts {
  readonly name: string;
  readonly store: Store;
  readonly clock: Clock;
  /** What the buckets are at worst now, by scope: bodies that were permitted may begin later than that. */
  readonly atWorst: () => (scope: string) => number;
}

/** A key waits for one of this rank. */
export interface KeptWait {
  readonly scope: string;
  readonly rank: number;
}

export class LineKeeper {
  readonly #parts: LineKeeperParts;
  readonly #lease: Lease;
  #waiting: (() => void)[] = [];
  #unwritten = new Map<string, number>();
  /** With the rank of the one that is waited for; null: of none any more. */
  #waits = new Map<string, number | null>();
  #isWriting = false;
  #isClosed = false;

  constructor(parts: LineKeeperParts, lease: Lease) {
    this.#parts = parts;
    this.#lease = lease;
  }

  /** Calls `then` once these are durable: at once if there are none. */
  keep(buckets: readonly ChangedBucket[], waits: readonly KeptWait[], then: () => void): void {
    if (buckets.length === 0 && waits.length === 0) return then();
    for (const { scope, tat } of buckets) this.#unwritten.set(scope, tat);
    for (const { scope, rank } of waits) this.#waits.set(scope, rank);
    this.#waiting.push(then);
    this.#write();
  }

  /** That a key waits is kept no more: with the next write, or soon. */
  forget(scope: string): void {
    this.#waits.set(scope, null);
    this.#parts.clock.soon(() => this.#write());
  }

  /** Nothing is written any more. */
  close(): void {
    this.#isClosed = true;
  }

  #write(): void {
    if (!this.#isWriting) void this.#writeAll();
  }

  async #writeAll(): Promise<void> {
    this.#isWriting = true;
    while ((this.#waiting.length > 0 || this.#waits.size > 0) && !this.#isClosed) {
      const { clock } = this.#parts;
      const at = clock.now();
      // The line's own clock only ever passes, and starts whenever.
      const offset = at - clock.elapsed();
      const worst = this.#parts.atWorst();
      const kept = Array.from(this.#unwritten, ([scope, tat]) => {
        return { scope, tat: Math.max(tat, worst(scope)) + offset, at };
      });
      const gone: string[] = [];
      for (const [scope, rank] of this.#waits) {
        if (rank === null) gone.push(scope);
        else kept.push({ scope, tat: rank, at });
      }
      const written = this.#waiting.splice(0);
      this.#unwritten.clear();
      this.#waits.clear();
      if (!(await this.#send(kept, gone))) return;
      for (const then of written) then();
    }
    this.#isWriting = false;
  }

  /** False: others may own the line. */
  async #send(kept: readonly KeptBucket[], gone: readonly string[]): Promise<boolean> {
    const { name, store, clock } = this.#parts;
    while (!this.#isClosed) {
      try {
        await store.queues.keepBuckets(this.#lease, name, kept, gone);
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
