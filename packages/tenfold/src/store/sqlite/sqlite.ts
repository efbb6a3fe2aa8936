/**
 * The embedded store: the port on one SQLite file, safe for several programs on it at once.
 * Invariants: each verb is one transaction, fenced inside by the lease's row; the file's lock is waited for in the
 * event loop, never in SQLite; what was answered is on the disk (WAL, synchronous = full).
 */
import type { JournalLine } from "../../core/journal-line.ts";
import { TenfoldError } from "../../value/error.ts";
import type { CallerClient } from "../caller-client.ts";
import type * as port from "../store.ts";
import { withinCaller } from "./caller-connection.ts";
import { claim, look } from "./claim.ts";
import { Commits } from "./commit.ts";
import type { Connection } from "./connection.ts";
import { SqliteFiles, type FileAccess } from "./files.ts";
import { SqliteEvents } from "./events.ts";
import { Heartbeats, type Tell } from "../heartbeat.ts";
import { HeldRuns } from "./held-runs.ts";
import { list } from "./list.ts";
import { loadRuns, mailOf, ownedRuns } from "./load.ts";
import { join, renew, takeOver } from "./membership.ts";
import { openConnection, type SqliteOptions } from "./open.ts";
import { SqlitePost, type PostAccess } from "./post.ts";
import { forgetKeys, pruneRuns } from "./prune.ts";
import { SqliteQueues } from "./queues.ts";
import { SqliteSchedules } from "./schedules.ts";
import { putGraphs, readGraph, readJournalOf, readRun } from "./read.ts";
import { sendAll } from "./send.ts";
import { Starts } from "./start.ts";
import { tallies } from "./tally.ts";
import { SqliteTransactions } from "./transactions.ts";
import { Watch } from "./watch.ts";

/** Opens the store in the file `path`, which is made if it does not exist; its folder must. */
export async function openSqlite(path: string, options: SqliteOptions = {}): Promise<SqliteStore> {
  const { connection, lanes } = await openConnection(path, options);
  return new SqliteStore(connection, lanes);
}

/** Beside this module, with the ending that it has itself. */
const ending = import.meta.url.endsWith(".ts") ? "ts" : "js";
const THREAD = new URL(`./heartbeat-thread.${ending}`, import.meta.url);

export class SqliteStore implements port.Store {
  readonly name: string;
  readonly lanes: number;
  readonly hears = true;
  readonly pipelinesCommits = false;
  readonly post: SqlitePost;
  readonly schedules: SqliteSchedules;
  readonly files: SqliteFiles;
  readonly events: SqliteEvents;
  readonly transactions: SqliteTransactions;
  readonly queues: SqliteQueues;
  readonly #connection: Connection;
  readonly #held: HeldRuns;
  readonly #watch: Watch;
  readonly #heartbeats = new Heartbeats<string>(THREAD);

  constructor(connection: Connection, lanes: number) {
    this.name = connection.path;
    this.lanes = lanes;
    this.#connection = connection;
    this.#held = new HeldRuns(connection);
    this.#watch = new Watch(() => connection.dataVersion());
    const access: PostAccess = {
      read: (lane, act) => this.#read(lane, act),
      write: (lane, act) => this.#write(lane, act),
      changed: () => this.#watch.changed(),
    };
    this.post = new SqlitePost(access);
    this.schedules = new SqliteSchedules(access);
    const fenced: FileAccess = { ...access, live: (lease) => this.#held.live(lease) };
    this.files = new SqliteFiles(fenced);
    this.queues = new SqliteQueues(fenced);
    this.events = new SqliteEvents(access);
    this.transactions = new SqliteTransactions(connection.path, connection.options);
  }

  async putGraphs(lane: number, graphs: readonly port.StoredGraph[]): Promise<void> {
    await this.#write(lane, (connection) => putGraphs(connection, lane, graphs));
  }

  async graph(lane: number, hash: string): Promise<port.StoredGraph | undefined> {
    return this.#read(lane, (connection) => readGraph(connection, lane, hash));
  }

  async join(lease: port.Lease, holder: port.Holder): Promise<void> {
    await this.#write(lease.lane, (connection) => join(connection, lease, holder));
    this.#held.joined(lease);
  }

  async renew(lease: port.Lease): Promise<readonly port.LeaseSeen[]> {
    return this.#write(lease.lane, (connection) => renew(connection, lease));
  }

  async takeOver(lane: number, owner: string, beat: number | null, now: number, leaves: boolean): Promise<boolean> {
    const isDead = await this.#write(lane, (connection) => takeOver(connection, lane, owner, beat, now, leaves));
    if (isDead) this.#watch.changed();
    return isDead;
  }

  async start(
    lane: number,
    starts: readonly port.RunStart[],
    now: number,
    lease: port.Lease | null,
  ): Promise<readonly port.StartAnswer[]> {
    const answers = await this.#write(lane, (connection, careful) => {
      const live = lease === null ? null : this.#held.live(lease);
      return new Starts(connection, lane, now, live).startAll(starts, careful);
    });
    this.#watch.changed();
    return answers;
  }

  async startWith(
    client: CallerClient,
    lane: number,
    starts: readonly port.RunStart[],
    now: number,
  ): Promise<readonly port.StartAnswer[]> {
    this.#checkLane(lane);
    return withinCaller(client, this.name, (connection) =>
      new Starts(connection, lane, now, null).startAll(starts, true),
    );
  }

  async claim(
    lease: port.Lease,
    workflows: readonly string[],
    now: number,
    runsMax: number,
    bytesMax: number,
  ): Promise<readonly port.ClaimedRun[]> {
    const { lane } = lease;
    return this.#write(lane, (connection) =>
      claim(connection, this.#held.live(lease), { lane, workflows, now, runsMax, bytesMax }),
    );
  }

  async mail(lease: port.Lease, now: number): Promise<readonly port.Mail[]> {
    return this.#read(lease.lane, (connection) => mailOf(connection, lease.lane, this.#held.live(lease), now));
  }

  async owned(lease: port.Lease): Promise<readonly string[]> {
    return this.#read(lease.lane, (connection) => ownedRuns(connection, lease.lane, this.#held.live(lease)));
  }

  async load(lease: port.Lease, runs: readonly string[]): Promise<readonly port.ClaimedRun[]> {
    return this.#read(lease.lane, (connection) => loadRuns(connection, lease.lane, this.#held.live(lease), runs));
  }

  async look(lease: port.Lease, workflows: readonly string[], now: number): Promise<port.Due> {
    const { lane } = lease;
    return this.#read(lane, (connection) => look(connection, this.#held.live(lease), { lane, workflows, now }));
  }

  async commit(
    lease: port.Lease,
    batch: readonly port.RunCommit[],
    now: number,
  ): Promise<readonly port.CommitAnswer[]> {
    const answers = await this.#write(lease.lane, (connection, careful) =>
      new Commits(connection, lease.lane, this.#held.live(lease), now).commitAll(lease.owner, batch, careful),
    );
    this.#watch.changed();
    return answers;
  }

  async send(lane: number, sends: readonly port.Send[], now: number): Promise<readonly port.SendAnswer[]> {
    const answers = await this.#write(lane, (connection) => sendAll(connection, lane, sends, now));
    this.#watch.changed();
    return answers;
  }

  async prune(lane: number, runs: readonly string[], pruning: port.Pruning): Promise<readonly port.PruneAnswer[]> {
    return this.#write(lane, (connection) => pruneRuns(connection, lane, runs, pruning));
  }

  async forgetKeys(lane: number, now: number, limit: number): Promise<number> {
    return this.#write(lane, (connection) => forgetKeys(connection, lane, now, limit));
  }

  async read(lane: number, runs: readonly string[]): Promise<readonly (port.RunRecord | undefined)[]> {
    return this.#read(lane, (connection) => runs.map((run) => readRun(connection, lane, run)));
  }

  async journal(lane: number, run: string): Promise<readonly JournalLine[]> {
    return this.#read(lane, (connection) => readJournalOf(connection, lane, run));
  }

  async list(lane: number, filter: port.RunFilter, page: port.Page): Promise<readonly port.RunRecord[]> {
    return this.#read(lane, (connection) => list(connection, lane, filter, page));
  }

  async tallies(lane: number, from: number | null, until: number | null): Promise<readonly port.Tally[]> {
    return this.#read(lane, (connection) => tallies(connection, lane, from, until));
  }

  watch(_what: port.Change, changed: () => void): () => void {
    return this.#watch.add(changed);
  }

  beat(lease: port.Lease, everyMs: number, tell: Tell): () => void {
    return this.#heartbeats.start({ store: this.#connection.path, lease, everyMs }, tell);
  }

  async close(): Promise<void> {
    this.#watch.close();
    await this.#heartbeats.close();
    await this.transactions.close();
    await this.#connection.close();
  }

  async #write<T>(lane: number, act: (connection: Connection, careful: boolean) => T): Promise<T> {
    this.#checkLane(lane);
    return this.#connection.write((careful) => act(this.#connection, careful));
  }

  async #read<T>(lane: number, act: (connection: Connection) => T): Promise<T> {
    this.#checkLane(lane);
    return this.#connection.read(() => act(this.#connection));
  }

  #checkLane(lane: number): void {
    if (Number.isInteger(lane) && lane >= 0 && lane < this.lanes) return;
    throw new TenfoldError("INVARIANT_BROKEN", `There is no lane ${lane} in ${this.name}.`);
  }
}
