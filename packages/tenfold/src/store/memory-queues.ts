/** The memory store's queues: each verb takes effect in one piece, in one lane. */
import { claimedRun, type Lane, type Mutable } from "./memory-lane.ts";
import { freeQueues, nameOf, rowOf, type KeptPlace } from "./memory-queue-rows.ts";
import { keptKey } from "./queue-key.ts";
import type { KeptBucket, ListedQueue, OwnedQueue, Place, QueueRow, Queues } from "./queues.ts";
import { LeaseLost, type ClaimedRun, type Lease } from "./store.ts";

export class MemoryQueues implements Queues {
  readonly #lane: (lane: number) => Lane;
  readonly #fenced: (lease: Lease) => Lane;

  constructor(lane: (lane: number) => Lane, fenced: (lease: Lease) => Lane) {
    this.#lane = lane;
    this.#fenced = fenced;
  }

  keyOf(key: string): string {
    return keptKey(key);
  }

  async own(lease: Lease, queues: readonly string[]): Promise<readonly OwnedQueue[]> {
    const lane = this.#fenced(lease);
    return queues.flatMap((queue) => {
      const row = rowOf(lane, queue);
      row.owner ??= lease.owner;
      if (row.owner !== lease.owner) return [];
      const { wasUsed, settings } = row;
      return [{ queue, wasUsed, settings, buckets: [...row.buckets.values()].sort(by(({ scope }) => [scope])) }];
    });
  }

  async release(lease: Lease, queues: readonly string[]): Promise<void> {
    const lane = this.#fenced(lease);
    freeQueues(lane, lease.owner, (queue) => queues.includes(queue));
  }

  async keepBuckets(
    lease: Lease,
    queue: string,
    buckets: readonly KeptBucket[],
    gone: readonly string[],
  ): Promise<void> {
    const row = this.#fenced(lease).queues.get(queue);
    if (row?.owner !== lease.owner) throw new LeaseLost(lease);
    for (const { scope, tat, at } of buckets) row.buckets.set(scope, { scope, tat, at });
    for (const scope of gone) row.buckets.delete(scope);
  }

  async arrivals(lease: Lease, queue: string, limit: number): Promise<readonly Place[]> {
    const arrived = [...this.#fenced(lease).places.values()]
      .filter((place) => place.queue === queue && place.isNew)
      .sort(by(({ rank, run, node, key }) => [rank, run, node, key]))
      .slice(0, limit);
    for (const place of arrived) place.isNew = false;
    return arrived.map(placeOf);
  }

  async firsts(lane: number, queue: string, after: string | null, limit: number): Promise<readonly Place[]> {
    const first = new Map<string, KeptPlace>();
    for (const place of this.#sorted(lane, queue)) {
      if ((after === null || place.key > after) && !first.has(place.key)) first.set(place.key, place);
    }
    return [...first.values()].slice(0, limit).map(placeOf);
  }

  async behind(lane: number, queue: string, after: Place, limit: number): Promise<readonly Place[]> {
    return this.#sorted(lane, queue)
      .filter((place) => place.key === after.key && inLine(place, after) > 0)
      .slice(0, limit)
      .map(placeOf);
  }

  async call(lease: Lease, workflows: readonly string[], places: readonly Place[]): Promise<readonly ClaimedRun[]> {
    const lane = this.#fenced(lease);
    const called: ClaimedRun[] = [];
    for (const place of places) {
      const run = lane.runs.get(place.run);
      const isOthers = run?.status === "running" && !workflows.includes(run.workflow);
      if (!isOthers) lane.places.delete(nameOf(place));
    }
    for (const { run } of places) {
      const row = lane.runs.get(run);
      if (row === undefined || row.status !== "running" || row.owner !== null) continue;
      if (!workflows.includes(row.workflow)) continue;
      row.owner = lease.owner;
      row.wakeAt = null;
      called.push(claimedRun(row));
    }
    return called;
  }

  async setSettings(lane: number, queue: string, settings: string | null): Promise<void> {
    rowOf(this.#lane(lane), queue).settings = settings;
  }

  async setStats(lease: Lease, queue: string, stats: string): Promise<void> {
    const row = this.#fenced(lease).queues.get(queue);
    if (row?.owner === lease.owner) row.stats = stats;
  }

  async list(lane: number): Promise<readonly ListedQueue[]> {
    const listed = new Map<string, Mutable<ListedQueue>>();
    const { queues, places } = this.#lane(lane);
    for (const [queue, { owner, settings, stats }] of queues) {
      listed.set(queue, { queue, owner, settings, stats, waiting: 0, oldest: null });
    }
    for (const { queue, rank } of places.values()) {
      const one = listed.get(queue) ?? { queue, owner: null, settings: null, stats: null, waiting: 0, oldest: null };
      listed.set(queue, { ...one, waiting: one.waiting + 1, oldest: Math.min(one.oldest ?? rank, rank) });
    }
    return [...listed.values()].sort(by(({ queue }) => [queue]));
  }

  async rows(lane: number, queues: readonly string[]): Promise<readonly QueueRow[]> {
    const known = [...this.#lane(lane).queues].filter(([queue]) => queues.includes(queue));
    return known
      .map(([queue, { owner, settings, stats }]) => ({ queue, owner, settings, stats }))
      .sort(by(({ queue }) => [queue]));
  }

  async ahead(lane: number, place: Place, most: number): Promise<number> {
    const before = this.#sorted(lane, place.queue).filter(({ key }) => key === place.key);
    return before.filter((each) => inLine(each, place) < 0).slice(0, most).length;
  }

  async count(lane: number, queue: string, most: number): Promise<number> {
    return this.#sorted(lane, queue).slice(0, most).length;
  }

  async unbegun(lane: number, workflow: string, most: number): Promise<number> {
    const begin = [...this.#lane(lane).open].filter((run) => run.workflow === workflow && run.turn !== null);
    return begin.slice(0, most).length;
  }

  /** The places that a run has right now, for those who look from outside of time. */
  peek(lane: number, run: string): readonly Place[] {
    return [...this.#lane(lane).places.values()].filter((place) => place.run === run).map(placeOf);
  }

  #sorted(lane: number, queue: string): KeptPlace[] {
    return [...this.#lane(lane).places.values()].filter((place) => place.queue === queue).sort(inLine);
  }
}

function placeOf({ isNew: _isNew, ...place }: KeptPlace): Place {
  return place;
}

const inLine = by<Place>(({ key, rank, run, node }) => [key, rank, run, node]);

function by<T>(of: (one: T) => readonly (string | number)[]): (one: T, other: T) => number {
  return (one, other) => {
    const others = of(other);
    for (const [nth, value] of of(one).entries()) {
      if (value !== others[nth]!) return value < others[nth]! ? -1 : 1;
    }
    return 0;
  };
}
