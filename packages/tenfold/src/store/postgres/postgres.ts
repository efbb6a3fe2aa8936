/**
 * The fleet's store: the port on one Postgres database, for many workers at once.
 * Invariants: each verb is one transaction of one lane, fenced by the lease's row; what was answered is durable; no
 * verb of one kind waits behind a lock that another kind waits for, since each kind has a connection of its own.
 */
import type { JournalLine } from "../../core/journal-line.ts";
import { TenfoldError } from "../../value/error.ts";
import { Heartbeats, type Tell } from "../heartbeat.ts";
import type { CallerClient } from "../caller-client.ts";
import { movedMeanwhile } from "../moving.ts";
import * as port from "../store.ts";
import { STATUSES } from "../status-code.ts";
import { texts } from "./arrays.ts";
import { CallerTransactions } from "./caller-transactions.ts";
import { Claims } from "./claims.ts";
import { commitHeld, eachRunOnce } from "./commit.ts";
import { commitCarefully } from "./commit-carefully.ts";
import type { Answer, Connection, Statement } from "./connection.ts";
import type { Connections } from "./connections.ts";
import { PostgresFiles } from "./files.ts";
import { PostgresEvents } from "./events.ts";
import { FENCE_ALIVE, FENCE_ALONE } from "./fence.ts";
import type { BeatenStore } from "./heartbeat-thread.ts";
import { HeldRuns } from "./held-runs.ts";
import { HAS_LANE, LaneGone, LOCK_LANE } from "./lane-row.ts";
import { listOf } from "./list.ts";
import { loadedRuns, loadsOf, mailsOf, OWNED_IDS, READ_DUE_MAIL, type MailRow } from "./load.ts";
import { JOIN, renewOf, takeOverOf } from "./membership.ts";
import { hasMark } from "./move-mark.ts";
import type { Notices } from "./notices.ts";
import { PostgresPost } from "./post.ts";
import { PostgresQueues } from "./queues.ts";
import { PostgresSchedules } from "./schedules.ts";
import { forgetKeys, pruneRuns } from "./prune.ts";
import { PUT_GRAPHS, READ_GRAPH, READ_JOURNAL, READ_RUNS, recordOf, type RunRow } from "./read.ts";
import { sendAll } from "./send.ts";
import { startBatch } from "./start-batch.ts";
import { startWithin } from "./start-within.ts";
import { fold, FOLD_MAX, spansOf, SUM_TALLIES } from "./tally.ts";
import { PostgresTransactions } from "./transactions.ts";
import { TxClients } from "./tx-clients.ts";

/** Transactions that append to the tallies, after which they are folded. */
const CHANGES_PER_FOLD = 200;

/** Beside this module, with the ending that it has itself. */
const ending = import.meta.url.endsWith(".ts") ? "ts" : "js";
const THREAD = new URL(`./heartbeat-thread.${ending}`, import.meta.url);

export class PostgresStore implements port.Store {
  readonly name: string;
  readonly lanes: number;
  readonly pipelinesCommits = true;
  readonly post: PostgresPost;
  readonly schedules: PostgresSchedules;
  readonly files: PostgresFiles;
  readonly events: PostgresEvents;
  readonly transactions: PostgresTransactions;
  readonly queues: PostgresQueues;
  readonly #to: Connections;
  readonly #notices: Notices;
  readonly #callers: CallerTransactions;
  readonly #held = new HeldRuns();
  readonly #claims: Claims;
  readonly #heartbeats = new Heartbeats<BeatenStore>(THREAD);
  #changes = 0;
  #isClosed = false;

  constructor(name: string, lanes: number, connections: Connections, notices: Notices) {
    this.name = name;
    this.lanes = lanes;
    this.#to = connections;
    this.#notices = notices;
    this.post = new PostgresPost(connections, name, () => notices.tell("due"));
    this.schedules = new PostgresSchedules(connections, name);
    this.files = new PostgresFiles(connections.files, name, (lease) => this.#lost(lease));
    this.queues = new PostgresQueues(connections, name, this.#held);
    this.events = new PostgresEvents(connections, name, () => notices.tell("delivery"));
    this.transactions = new PostgresTransactions(new TxClients(connections.commits.url, connections.commits.options));
    this.#callers = new CallerTransactions(name, connections.starts.options.schema);
    this.#claims = new Claims(connections, lanes);
    notices.onLate = () => this.expectLate();
  }

  /** Something may have become due in the past: the next claim, and the next look, read all that waits. */
  expectLate(): void {
    this.#claims.expectLate();
  }

  get hears(): boolean {
    return this.#notices.isHearing;
  }

  async putGraphs(lane: number, graphs: readonly port.StoredGraph[]): Promise<void> {
    this.#checkLane(lane);
    const columns = [
      texts(graphs.map(({ hash }) => hash)),
      texts(graphs.map(({ workflow }) => workflow)),
      texts(graphs.map(({ graph }) => graph)),
    ];
    await this.#inLane(lane, this.#to.starts, { sql: PUT_GRAPHS, values: [lane, ...columns] });
  }

  async graph(lane: number, hash: string): Promise<port.StoredGraph | undefined> {
    this.#checkLane(lane);
    return (await this.#to.reads.rows<port.StoredGraph>(READ_GRAPH, lane, hash))[0];
  }

  async join(lease: port.Lease, { worker, host, process }: port.Holder): Promise<void> {
    this.#checkLane(lease.lane);
    const join = { sql: JOIN, values: [lease.lane, lease.owner, worker, host, process] };
    const joined = await this.#inLane(lease.lane, this.#to.commits, join);
    if (joined.count === 0) throw new port.LeaseLost(lease);
    this.#held.joined(lease);
  }

  async renew(lease: port.Lease): Promise<readonly port.LeaseSeen[]> {
    const { lane, owner } = lease;
    this.#checkLane(lane);
    const [beaten, seen] = await this.#to.commits.send(renewOf(lane, owner));
    if (beaten!.count === 0) throw this.#lost(lease);
    return seen!.rows as unknown as port.LeaseSeen[];
  }

  async takeOver(lane: number, owner: string, beat: number | null, now: number, leaves: boolean): Promise<boolean> {
    this.#checkLane(lane);
    const [, killed] = await this.#to.careful.transaction(({ commit }) =>
      commit(takeOverOf(lane, owner, beat, now, leaves)),
    );
    if (killed!.count > 0) this.#notices.tell("due");
    return killed!.count > 0;
  }

  async start(
    lane: number,
    starts: readonly port.RunStart[],
    now: number,
    lease: port.Lease | null,
  ): Promise<readonly port.StartAnswer[]> {
    this.#checkLane(lane);
    const started = await startBatch(this.#to, lane, starts, { lease, now });
    if (started === null) throw lease === null ? new LaneGone(lane, this.name) : this.#lost(lease);
    const known = lease === null ? undefined : this.#held.of(lease);
    for (const { id, workflow, at } of started.fresh) {
      if (at === null || at <= now) known?.runs.set(id, { workflow, length: 0 });
    }
    if (started.answers.every(({ kind }) => kind !== "started")) return started.answers;
    if (lease === null) this.#notices.tell("due");
    else if (started.fresh.some(({ at }) => at !== null && at > now)) this.#notices.tellHere("due");
    this.#changed(lane);
    return started.answers;
  }

  async startWith(
    client: CallerClient,
    lane: number,
    starts: readonly port.RunStart[],
    now: number,
  ): Promise<readonly port.StartAnswer[]> {
    this.#checkLane(lane);
    return this.#callers.within(client, (send) => startWithin(send, lane, starts, now, this.#notices.dueWithin()));
  }

  async claim(
    lease: port.Lease,
    workflows: readonly string[],
    now: number,
    runsMax: number,
    bytesMax: number,
  ): Promise<readonly port.ClaimedRun[]> {
    const { lane, owner } = lease;
    this.#checkLane(lane);
    const claimed = await this.#claims.claim({ lane, owner, workflows, now, runsMax, bytesMax });
    if (claimed === null) throw this.#lost(lease);
    const known = this.#held.of(lease);
    for (const { id, workflow, journal } of claimed) known?.runs.set(id, { workflow, length: journal.length });
    return claimed;
  }

  async mail(lease: port.Lease, now: number): Promise<readonly port.Mail[]> {
    const { lane, owner } = lease;
    const [mail] = await this.#fenced(FENCE_ALIVE, lease, { sql: READ_DUE_MAIL, values: [lane, owner, now] });
    return mailsOf(mail!.rows as unknown as MailRow[]);
  }

  async owned(lease: port.Lease): Promise<readonly string[]> {
    this.#checkLane(lease.lane);
    const rows = await this.#to.reads.rows<{ id: string | null }>(OWNED_IDS, lease.lane, lease.owner);
    if (rows.length === 0) throw this.#lost(lease);
    return rows.flatMap(({ id }) => id ?? []);
  }

  async load(lease: port.Lease, runs: readonly string[]): Promise<readonly port.ClaimedRun[]> {
    const { lane, owner } = lease;
    const loaded = loadedRuns(runs, await this.#fenced(FENCE_ALONE, lease, ...loadsOf(lane, owner, runs)));
    const known = this.#held.of(lease);
    for (const { id, workflow, journal } of loaded) known?.runs.set(id, { workflow, length: journal.length });
    return loaded;
  }

  async look(lease: port.Lease, workflows: readonly string[], now: number): Promise<port.Due> {
    const { lane, owner } = lease;
    this.#checkLane(lane);
    const due = await this.#claims.look(lane, owner, workflows, now);
    if (due === undefined) throw this.#lost(lease);
    return due;
  }

  async commit(
    lease: port.Lease,
    batch: readonly port.RunCommit[],
    now: number,
  ): Promise<readonly port.CommitAnswer[]> {
    this.#checkLane(lease.lane);
    const answers: port.CommitAnswer[] = [];
    for (const part of eachRunOnce(batch)) answers.push(...(await this.#commitPart(lease, part, now)));
    if (batch.some(({ then }) => then.kind === "end")) this.#notices.tell("ended");
    if (batch.some(({ places }) => places?.some(({ isNew }) => isNew))) this.#notices.tell("place");
    // A run that is due later is found by this worker; if it leaves or dies, that is told.
    const parks = batch.filter(({ then }) => then.kind === "park").map(({ then }) => then as port.Park);
    if (parks.some(({ wakeAt }) => wakeAt <= now)) this.#notices.tell("due");
    else if (parks.length > 0 || batch.some(({ parcels }) => parcels !== undefined)) this.#notices.tellHere("due");
    this.#changed(lease.lane);
    return answers;
  }

  async #commitPart(lease: port.Lease, batch: readonly port.RunCommit[], now: number): Promise<port.CommitAnswer[]> {
    const known = this.#held.of(lease);
    const answers = known === undefined ? null : await commitHeld(this.#to.commits, lease, known, batch, now);
    if (answers !== null) return answers;
    const careful = await commitCarefully(this.#to.careful, batch, { lease, known, now });
    if (careful === "gone") throw this.#lost(lease);
    return careful;
  }

  async send(lane: number, sends: readonly port.Send[], now: number): Promise<readonly port.SendAnswer[]> {
    this.#checkLane(lane);
    const answers = await this.#to.careful.transaction((transaction) => sendAll(transaction, lane, sends, now));
    if (answers === null) throw new LaneGone(lane, this.name);
    this.#notices.tell("due");
    this.#changed(lane);
    return answers;
  }

  async prune(lane: number, runs: readonly string[], pruning: port.Pruning): Promise<readonly port.PruneAnswer[]> {
    this.#checkLane(lane);
    const answers = await this.#to.careful.transaction((transaction) => pruneRuns(transaction, lane, runs, pruning));
    if (answers === null) throw new LaneGone(lane, this.name);
    // Each run may have a minute of its own.
    this.#changed(lane, Math.ceil(runs.length / 100));
    return answers;
  }

  async forgetKeys(lane: number, now: number, limit: number): Promise<number> {
    this.#checkLane(lane);
    const { careful } = this.#to;
    // What was pruned before is folded as well: whoever prunes may be the only one who writes.
    while ((await careful.transaction((transaction) => fold(transaction, lane))) === FOLD_MAX);
    const mark = hasMark(careful);
    const forgotten = await careful.transaction((transaction) => forgetKeys(transaction, lane, now, limit, mark));
    if (forgotten === null) throw new LaneGone(lane, this.name);
    if (forgotten === "moved") throw movedMeanwhile(this.name, undefined);
    return forgotten;
  }

  async read(lane: number, runs: readonly string[]): Promise<readonly (port.RunRecord | undefined)[]> {
    this.#checkLane(lane);
    const rows = await this.#to.reads.rows<RunRow>(READ_RUNS, lane, texts(runs));
    const byId = new Map(rows.map((row) => [row.id, recordOf(row)]));
    return runs.map((run) => byId.get(run));
  }

  async journal(lane: number, run: string): Promise<readonly JournalLine[]> {
    this.#checkLane(lane);
    return this.#to.reads.rows<JournalLine>(READ_JOURNAL, lane, run);
  }

  async list(lane: number, filter: port.RunFilter, page: port.Page): Promise<readonly port.RunRecord[]> {
    this.#checkLane(lane);
    const { sql, values } = listOf(lane, filter, page);
    return (await this.#to.reads.rows<RunRow>(sql, ...values!)).map(recordOf);
  }

  async tallies(lane: number, from: number | null, until: number | null): Promise<readonly port.Tally[]> {
    this.#checkLane(lane);
    const rows = await this.#to.reads.rows<{ workflow: string; status: number; runs: number }>(
      SUM_TALLIES,
      ...spansOf(lane, from, until),
    );
    return rows.map(({ workflow, status, runs }) => ({ workflow, status: STATUSES[status]!, runs }));
  }

  /** Whether the lane is here; asked right behind a read, whether it was when that was answered. */
  async holds(lane: number): Promise<boolean> {
    this.#checkLane(lane);
    return (await this.#to.reads.rows<{ here: boolean }>(HAS_LANE, lane))[0]!.here;
  }

  watch(what: port.Change, changed: () => void): () => void {
    return this.#notices.watch(what, changed);
  }

  beat(lease: port.Lease, everyMs: number, tell: Tell): () => void {
    const { url, options } = this.#to.commits;
    const store: BeatenStore = { url, options: { ...options, purpose: "heartbeat" } };
    return this.#heartbeats.start({ store, lease, everyMs }, tell);
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await Promise.all([this.#heartbeats.close(), this.#notices.close(), this.transactions.close()]);
    await Promise.all(Object.values(this.#to).map((connection: Connection) => connection.close()));
  }

  /** Writes without a lease: where the lane is, or not at all. */
  async #inLane(lane: number, connection: Connection, statement: Statement): Promise<Answer> {
    const [here, answer] = await connection.send([{ sql: LOCK_LANE, values: [lane] }, statement]);
    if (here!.count === 0) throw new LaneGone(lane, this.name);
    return answer!;
  }

  async #fenced(fence: string, { lane, owner }: port.Lease, ...statements: readonly Statement[]) {
    this.#checkLane(lane);
    const [alive, ...answers] = await this.#to.reads.send([{ sql: fence, values: [lane, owner] }, ...statements]);
    if (alive!.count === 0) throw this.#lost({ lane, owner });
    return answers;
  }

  #lost(lease: port.Lease): port.LeaseLost {
    this.#held.lost(lease);
    return new port.LeaseLost(lease);
  }

  #changed(lane: number, transactions = 1): void {
    this.#changes += transactions;
    if (this.#changes < CHANGES_PER_FOLD || this.#isClosed) return;
    this.#changes = 0;
    // The counts are right without it; what fails is folded another time.
    void this.#to.careful.transaction((transaction) => fold(transaction, lane)).catch(() => undefined);
  }

  #checkLane(lane: number): void {
    if (Number.isInteger(lane) && lane >= 0 && lane < this.lanes) return;
    throw new TenfoldError("INVARIANT_BROKEN", `There is no lane ${lane} in ${this.name}.`);
  }
}
