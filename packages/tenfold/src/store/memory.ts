/**
 * The store's port in memory: the specification that one can run, and the store of tests and trials.
 * Invariant: each verb takes effect in one piece, when it is called; so it is serial, and its laws are easy to see.
 */
import { TenfoldError } from "../value/error.ts";
import type { JournalLine } from "../core/journal-line.ts";
import { clientRefused } from "./caller-client.ts";
import { matches } from "./filter.ts";
import {
  newLane,
  startRun,
  inOrder,
  commitRun,
  forgetKeys,
  pruneRuns,
  sendTo,
  claimedRun,
  mailOf,
  recordOf,
  type Lane,
  type Mutable,
  type Peek,
} from "./memory-lane.ts";
import { MemoryFiles } from "./memory-files.ts";
import { MemoryEvents } from "./memory-events.ts";
import { MemoryPost } from "./memory-post.ts";
import { freeQueues } from "./memory-queue-rows.ts";
import { MemoryQueues } from "./memory-queues.ts";
import { MemorySchedules } from "./memory-schedules.ts";
import { MemoryTransactions } from "./memory-transactions.ts";
import {
  LeaseLost,
  type ClaimedRun,
  type Change,
  type CommitAnswer,
  type Due,
  type Holder,
  type Lease,
  type LeaseSeen,
  type Mail,
  type Page,
  type PruneAnswer,
  type Pruning,
  type RunCommit,
  type RunFilter,
  type RunRecord,
  type RunStart,
  type Send,
  type SendAnswer,
  type StartAnswer,
  type Store,
  type StoredGraph,
  type Tally,
} from "./store.ts";

export class MemoryStore implements Store {
  readonly name = ":memory:";
  readonly hears = true;
  readonly pipelinesCommits = false;
  readonly lanes: number;
  readonly post: MemoryPost;
  readonly schedules = new MemorySchedules((lane) => this.#lane(lane));
  readonly files = new MemoryFiles(
    (lane) => this.#lane(lane),
    (lease) => this.#fenced(lease),
  );
  readonly events: MemoryEvents;
  readonly transactions = new MemoryTransactions((lease) => this.#fenced(lease));
  readonly queues = new MemoryQueues(
    (lane) => this.#lane(lane),
    (lease) => this.#fenced(lease),
  );
  readonly #lanes: readonly Lane[];
  readonly #watchers = new Set<() => void>();
  readonly #placeWatchers = new Set<() => void>();

  constructor(lanes = 1) {
    this.lanes = lanes;
    this.#lanes = Array.from({ length: lanes }, newLane);
    const laneOf = (lane: number): Lane => this.#lane(lane);
    this.post = new MemoryPost(laneOf, () => this.#changed());
    this.events = new MemoryEvents(laneOf, () => this.#changed());
  }

  async putGraphs(lane: number, graphs: readonly StoredGraph[]): Promise<void> {
    for (const graph of graphs)
      if (!this.#lane(lane).graphs.has(graph.hash)) this.#lane(lane).graphs.set(graph.hash, graph);
  }

  async graph(lane: number, hash: string): Promise<StoredGraph | undefined> {
    return this.#lane(lane).graphs.get(hash);
  }

  async join(lease: Lease, holder: Holder): Promise<void> {
    const lane = this.#lane(lease.lane);
    if (lane.owners.has(lease.owner)) throw new LeaseLost(lease);
    lane.owners.add(lease.owner);
    lane.leases.set(lease.owner, { ...holder, owner: lease.owner, beat: 0 });
  }

  async renew(lease: Lease): Promise<readonly LeaseSeen[]> {
    const lane = this.#fenced(lease);
    lane.leases.get(lease.owner)!.beat++;
    return [...lane.leases.values()].map((seen) => ({ ...seen }));
  }

  async takeOver(lane: number, owner: string, beat: number | null, now: number, leaves: boolean): Promise<boolean> {
    const rows = this.#lane(lane);
    const { leases, open } = rows;
    const lease = leases.get(owner);
    if (lease === undefined || (beat !== null && lease.beat !== beat)) return false;
    leases.delete(owner);
    for (const row of open) {
      if (row.owner !== owner) continue;
      row.owner = null;
      row.wakeAt = now;
      if (!leaves) row.deaths++;
    }
    freeQueues(rows, owner, () => true);
    this.#changed();
    return true;
  }

  async start(
    laneNumber: number,
    starts: readonly RunStart[],
    now: number,
    lease: Lease | null,
  ): Promise<readonly StartAnswer[]> {
    const lane = lease === null ? this.#lane(laneNumber) : this.#fenced(lease);
    const answers = starts.map((start) => startRun(lane, start, now, lease));
    this.#changed();
    return answers;
  }

  async startWith(): Promise<never> {
    throw clientRefused(
      `The store ${this.name} is in no database, so no client given as \`with\` has a transaction on it`,
      "Leave `with` out, or open a store in an SQLite file or on Postgres.",
    );
  }

  async claim(
    lease: Lease,
    workflows: readonly string[],
    now: number,
    runsMax: number,
    bytesMax: number,
  ): Promise<readonly ClaimedRun[]> {
    const lane = this.#fenced(lease);
    const claimed: ClaimedRun[] = [];
    let bytes = 0;
    for (const row of inOrder(lane, workflows, now)) {
      if (claimed.length >= runsMax || (claimed.length > 0 && bytes >= bytesMax)) break;
      bytes += row.input.length + row.journal.reduce((sum, line) => sum + line.data.length, 0);
      if (row.turn !== null) lane.turnServed = Math.max(lane.turnServed, row.turn);
      row.turn = null;
      row.wakeAt = null;
      row.status = "running";
      row.owner = lease.owner;
      claimed.push(claimedRun(row));
    }
    return claimed;
  }

  async mail(lease: Lease, now: number): Promise<readonly Mail[]> {
    const mails: Mail[] = [];
    for (const row of this.#fenced(lease).open) {
      if (row.owner === lease.owner && row.wakeAt !== null && row.wakeAt <= now) mails.push(mailOf(row));
    }
    return mails;
  }

  async owned(lease: Lease): Promise<readonly string[]> {
    return [...this.#fenced(lease).open].filter((row) => row.owner === lease.owner).map((row) => row.id);
  }

  async load(lease: Lease, runs: readonly string[]): Promise<readonly ClaimedRun[]> {
    const lane = this.#fenced(lease);
    const rows = runs.map((run) => lane.runs.get(run));
    return rows.filter((row) => row !== undefined && row.owner === lease.owner).map((row) => claimedRun(row!));
  }

  async look(lease: Lease, workflows: readonly string[], now: number): Promise<Due> {
    const lane = this.#fenced(lease);
    const isDue = (row: { wakeAt: number | null }) => row.wakeAt !== null && row.wakeAt <= now;
    let next: number | null = null;
    for (const row of lane.open) {
      if (row.owner === null && row.wakeAt !== null && !isDue(row) && workflows.includes(row.workflow))
        next = Math.min(next ?? Infinity, row.wakeAt);
    }
    const mail = [...lane.open].some((row) => row.owner === lease.owner && isDue(row));
    return { runs: inOrder(lane, workflows, now).length > 0, parcels: lane.outbox.size > 0, mail, next };
  }

  async commit(lease: Lease, batch: readonly RunCommit[], now: number): Promise<readonly CommitAnswer[]> {
    const lane = this.#fenced(lease);
    const answers = batch.map((commit) => commitRun(lane, lease, commit, now));
    if (batch.some(({ places }) => places?.some(({ isNew }) => isNew) === true))
      for (const told of this.#placeWatchers) told();
    this.#changed();
    return answers;
  }

  async send(lane: number, sends: readonly Send[], now: number): Promise<readonly SendAnswer[]> {
    const answers = sends.map((send) => sendTo(this.#lane(lane), send, now));
    this.#changed();
    return answers;
  }

  async prune(lane: number, runs: readonly string[], pruning: Pruning): Promise<readonly PruneAnswer[]> {
    return pruneRuns(this.#lane(lane), runs, pruning);
  }

  async forgetKeys(lane: number, now: number, limit: number): Promise<number> {
    return forgetKeys(this.#lane(lane), now, limit);
  }

  async read(lane: number, runs: readonly string[]): Promise<readonly (RunRecord | undefined)[]> {
    return runs.map((run) => {
      const row = this.#lane(lane).runs.get(run);
      return row === undefined ? undefined : recordOf(row);
    });
  }

  async journal(lane: number, run: string): Promise<readonly JournalLine[]> {
    return [...(this.#lane(lane).runs.get(run)?.journal ?? [])];
  }

  async list(lane: number, filter: RunFilter, page: Page): Promise<readonly RunRecord[]> {
    return [...this.#lane(lane).runs.values()]
      .filter((row) => (page.before === null || row.id < page.before) && matches(row, row.attributes, filter))
      .sort((a, b) => (a.id < b.id ? 1 : -1))
      .slice(0, page.limit)
      .map(recordOf);
  }

  async tallies(lane: number, from: number | null, until: number | null): Promise<readonly Tally[]> {
    const counts = new Map<string, Mutable<Tally>>();
    for (const { workflow, status, startedAt } of this.#lane(lane).runs.values()) {
      const minute = Math.floor(startedAt / 60_000) * 60_000;
      if ((from !== null && minute < from) || (until !== null && minute >= until)) continue;
      const tally = counts.get(`${workflow} ${status}`) ?? { workflow, status, runs: 0 };
      tally.runs++;
      counts.set(`${workflow} ${status}`, tally);
    }
    return [...counts.values()];
  }

  /** What is held of a run right now, for those who look from outside of time. */
  peek(lane: number, run: string): Peek | undefined {
    const row = this.#lane(lane).runs.get(run);
    if (row === undefined) return undefined;
    const { journal, inbox, attributes } = row;
    return { record: recordOf(row), journal, unread: inbox.size, attributes };
  }

  /** What bodies have written, in order. */
  peekWritten(lane: number): readonly string[] {
    return this.#lane(lane).written;
  }

  peekAll(lane: number): readonly RunRecord[] {
    return [...this.#lane(lane).runs.values()].map(recordOf);
  }

  watch(what: Change, changed: () => void): () => void {
    // Of all but places it tells whatever changes.
    const watchers = what === "place" ? this.#placeWatchers : this.#watchers;
    watchers.add(changed);
    return () => watchers.delete(changed);
  }

  async close(): Promise<void> {
    this.#watchers.clear();
    this.#placeWatchers.clear();
  }

  #lane(lane: number): Lane {
    const found = this.#lanes[lane];
    if (found === undefined) throw new TenfoldError("INVARIANT_BROKEN", `There is no lane ${lane} in ${this.name}.`);
    return found;
  }

  #fenced(lease: Lease): Lane {
    const lane = this.#lane(lease.lane);
    if (!lane.leases.has(lease.owner)) throw new LeaseLost(lease);
    return lane;
  }

  #changed(): void {
    for (const changed of this.#watchers) changed();
  }
}
