/**
 * The Postgres store's queues: each verb is one transaction of one lane, fenced by the lease's row.
 * Invariant: the rows of the runs that are called up are held before their places go, so that a run that is parked meanwhile is
 * called up, or keeps its place.
 */
import { keptKey } from "../queue-key.ts";
import type { KeptBucket, ListedQueue, OwnedQueue, Place, QueueRow, Queues } from "../queues.ts";
import { LeaseLost, type ClaimedRun, type Lease } from "../store.ts";
import { plain, texts } from "./arrays.ts";
import type { Answer, Connection, Statement } from "./connection.ts";
import { FENCE_ALIVE } from "./fence.ts";
import type { HeldRuns } from "./held-runs.ts";
import { LaneGone } from "./lane-row.ts";
import { loadedRuns, READ_JOURNALS, READ_MAIL } from "./load.ts";
import * as sql from "./queue-statements.ts";

export interface QueueConnections {
  readonly careful: Connection;
  readonly claims: Connection;
  readonly reads: Connection;
}

export class PostgresQueues implements Queues {
  readonly #to: QueueConnections;
  readonly #store: string;
  readonly #held: HeldRuns;

  /** `store` is its name, as a person would say it; `held` is told what a lease owns. */
  constructor(to: QueueConnections, store: string, held: HeldRuns) {
    this.#to = to;
    this.#store = store;
    this.#held = held;
  }

  keyOf(key: string): string {
    return keptKey(key);
  }

  async own(lease: Lease, queues: readonly string[]): Promise<readonly OwnedQueue[]> {
    const values = [lease.lane, lease.owner, texts([...new Set(queues)])];
    // What was changed while a lock was waited for is seen by the statements that come after it.
    const [, owned, buckets] = await this.#fenced(this.#to.careful, lease, [
      { sql: sql.OWN_QUEUES, values },
      { sql: sql.OWNED_QUEUES, values },
      { sql: sql.READ_BUCKETS, values },
    ]);
    const rows = new Map((owned!.rows as unknown as Omit<OwnedQueue, "buckets">[]).map((row) => [row.queue, row]));
    const kept = Map.groupBy(buckets!.rows as unknown as (KeptBucket & { queue: string })[], ({ queue }) => queue);
    return queues.flatMap((queue) => {
      const row = rows.get(queue);
      return row === undefined ? [] : [{ ...row, buckets: (kept.get(queue) ?? []).map(bucketOf) }];
    });
  }

  async release(lease: Lease, queues: readonly string[]): Promise<void> {
    const values = [lease.lane, lease.owner, texts(queues)];
    await this.#fenced(this.#to.careful, lease, [{ sql: sql.RELEASE_QUEUES, values }]);
  }

  async keepBuckets(
    lease: Lease,
    queue: string,
    buckets: readonly KeptBucket[],
    gone: readonly string[],
  ): Promise<void> {
    const by = [lease.lane, lease.owner, queue];
    const last = [...new Map(buckets.map((bucket) => [bucket.scope, bucket])).values()];
    const columns = [
      texts(last.map(({ scope }) => scope)),
      plain(last.map(({ tat }) => tat)),
      plain(last.map(({ at }) => at)),
    ];
    const [owned] = await this.#fenced(this.#to.careful, lease, [
      { sql: sql.LOCK_OWNED_QUEUE, values: by },
      ...(last.length === 0 ? [] : [{ sql: sql.KEEP_BUCKETS, values: [...by, ...columns] }]),
      ...(gone.length === 0 ? [] : [{ sql: sql.DROP_BUCKETS, values: [...by, texts(gone)] }]),
    ]);
    if (owned!.count === 0) throw new LeaseLost(lease);
  }

  async arrivals(lease: Lease, queue: string, limit: number): Promise<readonly Place[]> {
    const values = [lease.lane, lease.owner, queue, limit];
    const [heard] = await this.#fenced(this.#to.claims, lease, [{ sql: sql.HEAR_OF_PLACES, values }]);
    return (heard!.rows as unknown as Place[]).toSorted(byRank);
  }

  async firsts(lane: number, queue: string, after: string | null, limit: number): Promise<readonly Place[]> {
    // No text is between one and that with the least letter that Postgres has behind it.
    const from = after === null ? "" : `${after}\u0001`;
    return this.#to.reads.rows<Place>(sql.FIRST_PLACES, lane, queue, from, limit);
  }

  async behind(lane: number, queue: string, after: Place, limit: number): Promise<readonly Place[]> {
    const { key, rank, run, node } = after;
    return this.#to.reads.rows<Place>(sql.PLACES_BEHIND, lane, queue, key, rank, run, node, limit);
  }

  async call(lease: Lease, workflows: readonly string[], places: readonly Place[]): Promise<readonly ClaimedRun[]> {
    const { lane, owner } = lease;
    const runs = [...new Set(places.map(({ run }) => run))];
    const called = await this.#to.claims.transaction(async ({ send, commit }) => {
      const [alive, , , rows] = await send([
        { sql: FENCE_ALIVE, values: [lane, owner] },
        { sql: sql.LOCK_RUNS_TO_CALL, values: [lane, texts(runs)] },
        { sql: sql.DROP_PLACES, values: [lane, owner, ...columnsOf(places), texts([...new Set(workflows)])] },
        { sql: sql.CALL_RUNS, values: [lane, owner, texts(runs), texts([...new Set(workflows)])] },
      ]);
      if (alive!.count === 0) throw this.#lost(lease);
      const ids = texts((rows!.rows as { id: string }[]).map(({ id }) => id));
      const read = await commit([
        { sql: READ_JOURNALS, values: [lane, ids] },
        { sql: READ_MAIL, values: [lane, ids] },
      ]);
      return loadedRuns(runs, [rows!, ...read]);
    });
    const known = this.#held.of(lease);
    for (const { id, workflow, journal } of called) known?.runs.set(id, { workflow, length: journal.length });
    return called;
  }

  async setSettings(lane: number, queue: string, settings: string | null): Promise<void> {
    const [set] = await this.#to.careful.send([{ sql: sql.SET_SETTINGS, values: [lane, queue, settings] }]);
    if (set!.count === 0) throw new LaneGone(lane, this.#store);
  }

  async setStats(lease: Lease, queue: string, stats: string): Promise<void> {
    const values = [lease.lane, lease.owner, queue, stats];
    await this.#fenced(this.#to.careful, lease, [{ sql: sql.SET_STATS, values }]);
  }

  async list(lane: number): Promise<readonly ListedQueue[]> {
    return this.#to.reads.rows<ListedQueue>(sql.LIST_QUEUES, lane);
  }

  async rows(lane: number, queues: readonly string[]): Promise<readonly QueueRow[]> {
    return this.#to.reads.rows<QueueRow>(sql.READ_QUEUES, lane, texts(queues));
  }

  async ahead(lane: number, { queue, key, rank, run, node }: Place, most: number): Promise<number> {
    const [counted] = await this.#to.reads.rows<{ ahead: number }>(
      sql.COUNT_PLACES_AHEAD,
      ...[lane, queue, key, rank, run, node, most],
    );
    return counted!.ahead;
  }

  count(lane: number, queue: string, most: number): Promise<number> {
    return this.#counted(sql.COUNT_PLACES, lane, queue, most);
  }

  unbegun(lane: number, workflow: string, most: number): Promise<number> {
    return this.#counted(sql.COUNT_BEGINNING, lane, workflow, most);
  }

  async #counted(statement: string, lane: number, name: string, most: number): Promise<number> {
    const [row] = await this.#to.reads.rows<{ counted: number }>(statement, lane, name, most);
    return row!.counted;
  }

  async #fenced(connection: Connection, lease: Lease, statements: readonly Statement[]): Promise<readonly Answer[]> {
    const fence = { sql: FENCE_ALIVE, values: [lease.lane, lease.owner] };
    const [alive, ...answers] = await connection.send([fence, ...statements]);
    if (alive!.count === 0) throw this.#lost(lease);
    return answers;
  }

  #lost(lease: Lease): LeaseLost {
    this.#held.lost(lease);
    return new LeaseLost(lease);
  }
}

function bucketOf({ scope, tat, at }: KeptBucket): KeptBucket {
  return { scope, tat, at };
}

/** Queues, keys, ranks, runs, nodes. */
function columnsOf(places: readonly Place[]): readonly string[] {
  return [
    texts(places.map(({ queue }) => queue)),
    texts(places.map(({ key }) => key)),
    plain(places.map(({ rank }) => rank)),
    texts(places.map(({ run }) => run)),
    texts(places.map(({ node }) => node)),
  ];
}

function byRank(one: Place, other: Place): number {
  return (
    one.rank - other.rank ||
    compared(one.run, other.run) ||
    compared(one.node, other.node) ||
    compared(one.key, other.key)
  );
}

function compared(one: string, other: string): number {
  return one === other ? 0 : one < other ? -1 : 1;
}
