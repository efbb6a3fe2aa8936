/**
 * The queues of an encoded store: a key, which is often an address, stands in it as a keyed hash; all else tells nothing of a run.
 * Invariant: no key reaches the store plain, whoever asks; one that is hashed already stays as it is, also where the codec's key
 * has changed since.
 */
import { HASHED } from "../queue-key.ts";
import type { KeptBucket, ListedQueue, OwnedQueue, Place, QueueRow, Queues } from "../queues.ts";
import type { ClaimedRun, Lease } from "../store.ts";
import type { Codec } from "./codec.ts";
import { decodedClaim } from "./decoded.ts";

export class EncodedQueues implements Queues {
  readonly #queues: Queues;
  readonly #codec: Codec;

  constructor(queues: Queues, codec: Codec) {
    this.#queues = queues;
    this.#codec = codec;
  }

  keyOf(key: string): string {
    return hashedKey(this.#codec, key);
  }

  own(lease: Lease, queues: readonly string[]): Promise<readonly OwnedQueue[]> {
    return this.#queues.own(lease, queues);
  }

  release(lease: Lease, queues: readonly string[]): Promise<void> {
    return this.#queues.release(lease, queues);
  }

  keepBuckets(lease: Lease, queue: string, buckets: readonly KeptBucket[], gone: readonly string[]): Promise<void> {
    return this.#queues.keepBuckets(lease, queue, buckets, gone);
  }

  arrivals(lease: Lease, queue: string, limit: number): Promise<readonly Place[]> {
    return this.#queues.arrivals(lease, queue, limit);
  }

  firsts(lane: number, queue: string, after: string | null, limit: number): Promise<readonly Place[]> {
    return this.#queues.firsts(lane, queue, after === null ? null : this.keyOf(after), limit);
  }

  behind(lane: number, queue: string, after: Place, limit: number): Promise<readonly Place[]> {
    return this.#queues.behind(lane, queue, hashedPlace(this.#codec, after), limit);
  }

  async call(lease: Lease, workflows: readonly string[], places: readonly Place[]): Promise<readonly ClaimedRun[]> {
    const hashed = places.map((place) => hashedPlace(this.#codec, place));
    return (await this.#queues.call(lease, workflows, hashed)).map((run) => decodedClaim(this.#codec, run));
  }

  setSettings(lane: number, queue: string, settings: string | null): Promise<void> {
    return this.#queues.setSettings(lane, queue, settings);
  }

  setStats(lease: Lease, queue: string, stats: string): Promise<void> {
    return this.#queues.setStats(lease, queue, stats);
  }

  list(lane: number): Promise<readonly ListedQueue[]> {
    return this.#queues.list(lane);
  }

  rows(lane: number, queues: readonly string[]): Promise<readonly QueueRow[]> {
    return this.#queues.rows(lane, queues);
  }

  ahead(lane: number, place: Place, most: number): Promise<number> {
    return this.#queues.ahead(lane, hashedPlace(this.#codec, place), most);
  }

  count(lane: number, queue: string, most: number): Promise<number> {
    return this.#queues.count(lane, queue, most);
  }

  unbegun(lane: number, workflow: string, most: number): Promise<number> {
    return this.#queues.unbegun(lane, workflow, most);
  }
}

export function hashedPlace<T extends { readonly key: string }>(codec: Codec, place: T): T {
  return { ...place, key: hashedKey(codec, place.key) };
}

/** The empty one tells nothing. */
function hashedKey(codec: Codec, key: string): string {
  return key === "" || key.startsWith(HASHED) ? key : `${HASHED}${codec.digests(`queue ${key}`)[0]}`;
}
