/** What a lane of the memory store has of queues, and how it changes beside the verbs of queues. */
import type { KeptBucket, NewPlace, Place } from "./queues.ts";

export interface KeptQueue {
  owner: string | null;
  wasUsed: boolean;
  settings: string | null;
  stats: string | null;
  /** By their scopes. */
  readonly buckets: Map<string, KeptBucket>;
}

export interface KeptPlace extends Place {
  isNew: boolean;
}

/** What a lane has of queues. */
export interface QueueRows {
  /** By their names. */
  readonly queues: Map<string, KeptQueue>;
  /** By their names: a run's places are many. */
  readonly places: Map<string, KeptPlace>;
}

/** Those of an owner's that are `asked` for are nobody's from now on. */
export function freeQueues({ queues }: QueueRows, owner: string, isAsked: (queue: string) => boolean): void {
  for (const [queue, row] of queues) {
    if (row.owner === owner && isAsked(queue)) Object.assign(row, { owner: null, wasUsed: true });
  }
}

/** One that is there stays as it is, but for being new. */
export function keepPlaces({ places }: QueueRows, run: string, written: readonly NewPlace[]): void {
  for (const { queue, key, rank, node, cost, weight, isNew } of written) {
    const place = { queue, key, rank, run, node, cost, weight };
    const known = places.get(nameOf(place));
    if (known === undefined) places.set(nameOf(place), { ...place, isNew });
    else known.isNew = isNew;
  }
}

export function rowOf({ queues }: QueueRows, queue: string): KeptQueue {
  const row = queues.get(queue) ?? { owner: null, wasUsed: false, settings: null, stats: null, buckets: new Map() };
  queues.set(queue, row);
  return row;
}

export function nameOf({ queue, key, rank, run, node }: Place): string {
  return JSON.stringify([queue, key, rank, run, node]);
}
