/**
 * Sends parts of files to the store, in order: whatever came while the last was in flight goes into the next transaction,
 * up to its bounds.
 * Invariants: one transaction at a time; a part is sent until it is answered, unless nobody wants it any more.
 */
import type { FilePart, PartAnswer } from "../store/files.ts";
import { LeaseLost, type Lease, type Store } from "../store/store.ts";
import { isPassing } from "./passing.ts";
import { waitFor, type Clock } from "./ports.ts";

/** Bounds of one transaction: so that none stops the loop, or the store's other writers, for long. */
const BYTES_MAX = 1024 * 1024;
const PARTS_MAX = 100;
const RETRY_FIRST_MS = 20;
const RETRY_MAX_MS = 2000;

export interface PartQueueHost {
  readonly clock: Clock;
  readonly store: Store;
  readonly lease: Lease;
  leaseLost(): void;
}

interface Waiting {
  readonly part: FilePart;
  readonly signal: AbortSignal;
  readonly resolve: (answer: PartAnswer) => void;
  readonly reject: (error: unknown) => void;
}

export class PartQueue {
  readonly #host: PartQueueHost;
  #waiting: Waiting[] = [];
  #isSending = false;
  #isClosed = false;

  constructor(host: PartQueueHost) {
    this.#host = host;
  }

  /** "lost" too where the lease is gone; "gone" where `signal` aborted before it was sent. */
  add(part: FilePart, signal: AbortSignal): Promise<PartAnswer> {
    if (this.#isClosed) return Promise.resolve("lost");
    const { promise, resolve, reject } = Promise.withResolvers<PartAnswer>();
    this.#waiting.push({ part, signal, resolve, reject });
    if (!this.#isSending) void this.#sendAll();
    return promise;
  }

  /** Sends nothing any more. */
  close(): void {
    this.#isClosed = true;
    for (const { resolve } of this.#waiting.splice(0)) resolve("lost");
  }

  async #sendAll(): Promise<void> {
    this.#isSending = true;
    for (let batch = this.#take(); batch.length > 0; batch = this.#take()) {
      try {
        const answers = await this.#send(batch.map(({ part }) => part));
        batch.forEach(({ resolve }, nth) => resolve(answers?.[nth] ?? "lost"));
      } catch (thrown) {
        for (const { reject } of batch) reject(thrown);
      }
    }
    this.#isSending = false;
  }

  #take(): Waiting[] {
    const batch: Waiting[] = [];
    let bytes = 0;
    while (this.#waiting.length > 0 && batch.length < PARTS_MAX) {
      const next = this.#waiting[0]!;
      if (batch.length > 0 && bytes + next.part.bytes.byteLength > BYTES_MAX) break;
      this.#waiting.shift();
      if (next.signal.aborted) {
        next.resolve("gone");
        continue;
      }
      bytes += next.part.bytes.byteLength;
      batch.push(next);
    }
    return batch;
  }

  /** Null: they never will be answered. */
  async #send(parts: readonly FilePart[]): Promise<readonly PartAnswer[] | null> {
    const { clock, store, lease } = this.#host;
    for (let delayMs = RETRY_FIRST_MS; !this.#isClosed; delayMs = Math.min(delayMs * 2, RETRY_MAX_MS)) {
      try {
        return await store.files.write(lease, parts, clock.now());
      } catch (thrown) {
        if (thrown instanceof LeaseLost) {
          if (!this.#isClosed) this.#host.leaseLost();
          return null;
        }
        if (!isPassing(thrown)) throw thrown;
        await waitFor(clock, delayMs);
      }
    }
    return null;
  }
}
