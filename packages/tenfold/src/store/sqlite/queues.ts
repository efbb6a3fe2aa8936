/** The SQLite store's queues: each verb is one transaction. */
import { keptKey } from "../queue-key.ts";
import type { KeptBucket, ListedQueue, OwnedQueue, Place, QueueRow, Queues } from "../queues.ts";
import { RUNNING } from "../status-code.ts";
import { LeaseLost, type ClaimedRun, type Lease } from "../store.ts";
import { minuteOf } from "../tally-spans.ts";
import { CLAIM_RUNS } from "./claim.ts";
import type { Connection } from "./connection.ts";
import type { FileAccess } from "./files.ts";
import { hold, type LiveLease } from "./held-runs.ts";
import { loadRun, type RunToLoad } from "./load.ts";

/** An owner whose lease is dead was taken over by a program that knows no queues. */
export const OWN_QUEUE = `
  insert into queues (lane, queue, owner, was_used) values (?1, ?2, ?3, 0)
  on conflict (lane, queue) do update set owner = ?3, was_used = queues.was_used or queues.owner is not null
  where queues.owner is null
    or not exists (select 1 from leases l where l.lane = ?1 and l.owner = queues.owner and l.is_alive = 1)`;

export const READ_OWNED_QUEUE = `
  select was_used as wasUsed, settings from queues where lane = ? and queue = ? and owner = ?`;

export const READ_BUCKETS = "select scope, tat, at from buckets where lane = ? and queue = ? order by scope";

export const RELEASE_QUEUE = `
  update queues set owner = null, was_used = 1 where lane = ? and queue = ? and owner = ?`;

export const KEEP_BUCKET = `
  insert into buckets (lane, queue, scope, tat, at) values (?, ?, ?, ?, ?)
  on conflict (lane, queue, scope) do update set tat = excluded.tat, at = excluded.at`;

export const DROP_BUCKET = "delete from buckets where lane = ? and queue = ? and scope = ?";

export const NEW_PLACES = `
  select queue, key, rank, run, node, cost, weight
  from tasks where lane = ? and queue = ? and is_new = 1 order by rank, run, node, key limit ?`;

export const HEAR_OF_PLACE = `
  update tasks set is_new = 0 where lane = ? and queue = ? and key = ? and rank = ? and run = ? and node = ?`;

export const FIRST_PLACE = `
  select queue, key, rank, run, node, cost, weight
  from tasks where lane = ? and queue = ? order by key, rank, run, node limit 1`;

export const FIRST_PLACE_BEHIND = `
  select queue, key, rank, run, node, cost, weight
  from tasks where lane = ? and queue = ? and key > ? order by key, rank, run, node limit 1`;

export const PLACES_BEHIND = `
  select queue, key, rank, run, node, cost, weight
  from tasks where lane = ? and queue = ? and key = ? and (rank, run, node) > (?, ?, ?)
  order by rank, run, node limit ?`;

export const DROP_PLACE = `
  delete from tasks
  where lane = ?1 and queue = ?2 and key = ?3 and rank = ?4 and run = ?5 and node = ?6
    and not exists (
      select 1 from runs r
      where r.lane = ?1 and r.id = ?5 and r.status = ${RUNNING}
        and r.workflow not in (select value from json_each(?7)))`;

export const PARKED_RUN = `
  select number, id, workflow, graph, status, tenant, key, input, deaths, mail
  from runs where lane = ? and id = ? and owner is null and status = ${RUNNING}`;

export const SET_SETTINGS = `
  insert into queues (lane, queue, was_used, settings) values (?, ?, 0, ?)
  on conflict (lane, queue) do update set settings = excluded.settings`;

export const SET_STATS = "update queues set stats = ? where lane = ? and queue = ? and owner = ?";

export const READ_QUEUES = "select queue, owner, settings, stats from queues where lane = ? order by queue";

export const READ_QUEUE = "select queue, owner, settings, stats from queues where lane = ? and queue = ?";

/** Counted by whoever reads them: a count of no more than so many would scan what it counts. */
export const PLACES_AHEAD = `
  select 1 as ahead
  from tasks where lane = ? and queue = ? and key = ? and (rank, run, node) < (?, ?, ?) limit ?`;

export const PLACES_OF_QUEUE = `
  select 1 as waits
  from tasks where lane = ? and queue = ? limit ?`;

export const RUNS_BEGINNING = `
  select 1 as begins
  from runs where lane = ? and workflow = ? and turn is not null limit ?`;

/** All that there are: the least rank is found while they are counted. */
export const COUNT_PLACES = `
  select queue, count(*) as waiting, min(rank) as oldest from tasks where lane = ? group by queue order by queue`;

export class SqliteQueues implements Queues {
  readonly #access: FileAccess;

  constructor(access: FileAccess) {
    this.#access = access;
  }

  keyOf(key: string): string {
    return keptKey(key);
  }

  async own(lease: Lease, queues: readonly string[]): Promise<readonly OwnedQueue[]> {
    const { lane, owner } = lease;
    return this.#fenced(lease, (connection) =>
      queues.flatMap((queue) => {
        connection.run(OWN_QUEUE, lane, queue, owner);
        const row = connection.get<{ wasUsed: number; settings: string | null }>(READ_OWNED_QUEUE, lane, queue, owner);
        if (row === undefined) return [];
        const buckets = connection.objects<KeptBucket>(READ_BUCKETS, lane, queue);
        return [{ queue, wasUsed: row.wasUsed === 1, settings: row.settings, buckets }];
      }),
    );
  }

  async release(lease: Lease, queues: readonly string[]): Promise<void> {
    await this.#fenced(lease, (connection) => {
      for (const queue of queues) connection.run(RELEASE_QUEUE, lease.lane, queue, lease.owner);
    });
  }

  async keepBuckets(
    lease: Lease,
    queue: string,
    buckets: readonly KeptBucket[],
    gone: readonly string[],
  ): Promise<void> {
    const { lane, owner } = lease;
    await this.#fenced(lease, (connection) => {
      if (connection.get(READ_OWNED_QUEUE, lane, queue, owner) === undefined) throw new LeaseLost(lease);
      for (const { scope, tat, at } of buckets) connection.run(KEEP_BUCKET, lane, queue, scope, tat, at);
      for (const scope of gone) connection.run(DROP_BUCKET, lane, queue, scope);
    });
  }

  async arrivals(lease: Lease, queue: string, limit: number): Promise<readonly Place[]> {
    const { lane } = lease;
    const places = (connection: Connection, most: number) => {
      return connection.objects<Place>(NEW_PLACES, lane, queue, most);
    };
    // Whoever finds nothing waits for no other program's writing.
    const areThere = await this.#access.read(lane, (connection) => {
      this.#access.live(lease);
      return places(connection, 1).length > 0;
    });
    if (!areThere) return [];
    return this.#fenced(lease, (connection) => {
      const arrived = places(connection, limit);
      for (const place of arrived) connection.run(HEAR_OF_PLACE, lane, ...cellsOf(place));
      return arrived;
    });
  }

  async firsts(lane: number, queue: string, after: string | null, limit: number): Promise<readonly Place[]> {
    return this.#access.read(lane, (connection) => {
      const firsts: Place[] = [];
      for (let last = after; firsts.length < limit; last = firsts.at(-1)!.key) {
        const place =
          last === null
            ? connection.get<Place>(FIRST_PLACE, lane, queue)
            : connection.get<Place>(FIRST_PLACE_BEHIND, lane, queue, last);
        if (place === undefined) break;
        firsts.push({ ...place });
      }
      return firsts;
    });
  }

  async behind(lane: number, queue: string, after: Place, limit: number): Promise<readonly Place[]> {
    const { key, rank, run, node } = after;
    return this.#access.read(lane, (connection) =>
      connection.objects<Place>(PLACES_BEHIND, lane, queue, key, rank, run, node, limit),
    );
  }

  async call(lease: Lease, workflows: readonly string[], places: readonly Place[]): Promise<readonly ClaimedRun[]> {
    return this.#fenced(lease, (connection, live) => {
      const known = JSON.stringify(workflows);
      for (const place of places) connection.run(DROP_PLACE, lease.lane, ...cellsOf(place), known);
      const runs = new Set(places.map(({ run }) => run));
      return callRuns(connection, lease.lane, live, new Set(workflows), runs);
    });
  }

  async setSettings(lane: number, queue: string, settings: string | null): Promise<void> {
    await this.#access.write(lane, (connection) => connection.run(SET_SETTINGS, lane, queue, settings));
  }

  async setStats(lease: Lease, queue: string, stats: string): Promise<void> {
    await this.#fenced(lease, (connection) => connection.run(SET_STATS, stats, lease.lane, queue, lease.owner));
  }

  async list(lane: number): Promise<readonly ListedQueue[]> {
    return this.#access.read(lane, (connection) => {
      const none = { owner: null, settings: null, stats: null, waiting: 0, oldest: null };
      const listed = new Map<string, ListedQueue>();
      for (const row of connection.all<Pick<ListedQueue, "queue">>(READ_QUEUES, lane)) {
        listed.set(row.queue, { ...none, ...row });
      }
      for (const row of connection.all<Pick<ListedQueue, "queue">>(COUNT_PLACES, lane)) {
        listed.set(row.queue, { ...none, ...listed.get(row.queue), ...row });
      }
      return [...listed.values()].sort((one, other) => (one.queue < other.queue ? -1 : 1));
    });
  }

  async rows(lane: number, queues: readonly string[]): Promise<readonly QueueRow[]> {
    return this.#access.read(lane, (connection) =>
      [...new Set(queues)].sort().flatMap((queue) => connection.objects<QueueRow>(READ_QUEUE, lane, queue)),
    );
  }

  async ahead(lane: number, { queue, key, rank, run, node }: Place, most: number): Promise<number> {
    return this.#access.read(lane, (connection) => {
      return connection.all<{ ahead: number }>(PLACES_AHEAD, lane, queue, key, rank, run, node, most).length;
    });
  }

  async count(lane: number, queue: string, most: number): Promise<number> {
    return this.#access.read(lane, (connection) => connection.all(PLACES_OF_QUEUE, lane, queue, most).length);
  }

  async unbegun(lane: number, workflow: string, most: number): Promise<number> {
    return this.#access.read(lane, (connection) => connection.all(RUNS_BEGINNING, lane, workflow, most).length);
  }

  #fenced<T>(lease: Lease, act: (connection: Connection, live: LiveLease) => T): Promise<T> {
    return this.#access.write(lease.lane, (connection) => act(connection, this.#access.live(lease)));
  }
}

function callRuns(
  connection: Connection,
  lane: number,
  lease: LiveLease,
  workflows: ReadonlySet<string>,
  runs: ReadonlySet<string>,
): ClaimedRun[] {
  const called: ClaimedRun[] = [];
  const numbers: number[] = [];
  for (const id of runs) {
    const row = connection.get<RunToLoad>(PARKED_RUN, lane, id);
    if (row === undefined || !workflows.has(row.workflow)) continue;
    const run = loadRun(connection, lane, row);
    const { number, workflow } = row;
    hold(lease, id, { number, workflow, minute: minuteOf(id), length: run.journal.length });
    called.push(run);
    numbers.push(number);
  }
  if (numbers.length > 0) connection.run(CLAIM_RUNS, lane, lease.number, RUNNING, JSON.stringify(numbers));
  return called;
}

function cellsOf({ queue, key, rank, run, node }: Place): [string, string, number, string, string] {
  return [queue, key, rank, run, node];
}
