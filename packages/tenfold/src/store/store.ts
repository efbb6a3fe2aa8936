/**
 * The store's port: what is kept where, as laws; a store holds no rules of workflows.
 * Invariants of every verb: it touches one lane; a batch goes in and an answer per item comes out, in order; it is
 * all or nothing per run; what it has answered is durable; `now` is the caller's, the store reads no clock.
 * memory.ts is this file as a program; test/store/conformance.ts holds every store to it.
 */
import type { JournalLine } from "../core/journal-line.ts";
import type { CallerClient } from "./caller-client.ts";
import type { ClaimedRun } from "./claimed-run.ts";
import type { Files } from "./files.ts";
import type { Lease } from "./lease.ts";
import type { Events } from "./events.ts";
import type { Mail, Post, Send, SendAnswer } from "./mail.ts";
import type { NewPlace, Queues } from "./queues.ts";
import type { Attribute, Page, RunFilter, RunRecord, RunStatus, ShownLine, Tally } from "./run-record.ts";
import type { Schedules } from "./schedules.ts";
import type { Transactions } from "./transactions.ts";

export type { ClaimedRun } from "./claimed-run.ts";
export type { Lease } from "./lease.ts";
export type * from "./mail.ts";
export { FINISHED } from "./run-record.ts";
export type { Attribute, Page, RunFilter, RunRecord, RunStatus, ShownLine, Tally, Unread } from "./run-record.ts";

/** What a lease tells others about the worker that holds it. */
export interface Holder {
  readonly worker: string;
  /** Names the machine since its start, and the process on it; compared, never interpreted, by a store. */
  readonly host: string;
  readonly process: string;
}

export interface LeaseSeen extends Holder {
  readonly owner: string;
  /** Grows while the holder is alive; leases compare no clocks. */
  readonly beat: number;
}

export interface RunStart {
  /** Made by the caller, so that the same start sent twice is one run. */
  readonly id: string;
  readonly workflow: string;
  readonly graph: string;
  readonly tenant: string;
  readonly input: string;
  /** One run per (workflow, tenant, key, generation); null: no key. */
  readonly key: StartKey | null;
  readonly attributes: readonly Attribute[];
  /** Not before this time; null: at once. */
  readonly at: number | null;
}

export interface StartKey {
  readonly key: string;
  /** Another input under the same key is a conflict. */
  readonly inputHash: string;
  /** Those that the same input had before, under another key of a codec: it is the same input still. */
  readonly formerHashes?: readonly string[];
  /** Starts the next generation if the last one has ended. */
  readonly again: boolean;
  /** One run with the other starts of its key that come before it has begun; the next generation once it has. */
  readonly debounce?: Debounce;
}

export interface Debounce {
  /** How long after the first of them the run is due at the latest (ms). */
  readonly maxMs: number;
  /** Its input as it is kept of another run, whose id a codec binds it to; not there where that makes no difference. */
  readonly inputOf?: (run: string) => string;
}

export type StartAnswer =
  | { readonly kind: "started" }
  | { readonly kind: "existing"; readonly run: string; readonly status: RunStatus }
  | { readonly kind: "conflict"; readonly run: string }
  /**
   * A transaction that is open elsewhere has this key, or so many of the batch that this one was not tried alone:
   * nothing was written, ask again.
   */
  | { readonly kind: "locked" };

/** What a look has found. */
export interface Due {
  /** A claim would answer something. */
  readonly runs: boolean;
  /** Something lies in the lane's outbox. */
  readonly parcels: boolean;
  /** `mail` would answer something. */
  readonly mail: boolean;
  /** When the next parked run, of those that are not due now, is due; null: none is parked until a time. */
  readonly next: number | null;
}

/** What whoever watches wants to hear of: of runs, or of deliveries of events, that are due; of runs that ended; of new places in queues. */
export type Change = (typeof CHANGES)[number];
export const CHANGES = ["due", "delivery", "ended", "place"] as const;

/** What a run is found by from now on. */
export interface Fact {
  readonly name: string;
  readonly value: string | null;
}

/** What a driver decided about one run. */
export interface RunCommit {
  readonly run: string;
  /** The journal's length before `lines`. */
  readonly from: number;
  readonly lines: readonly JournalLine[];
  /** Keys of messages that `lines` made part of the journal, or that came to nothing. */
  readonly absorbed: readonly string[];
  /** `Mail.count` as the driver last saw it. */
  readonly mailSeen: number;
  /** The run got new lines after an owner died on it. */
  readonly clearsDeaths: boolean;
  /** Messages to other lanes, written to the outbox if `lines` are, and only then; one whose name is there already stays as it is. */
  readonly parcels?: readonly Send[] | undefined;
  /** Attributes that change with `lines`, each name once; null: the run has none of that name any more. */
  readonly facts?: readonly Fact[] | undefined;
  /** The hash of the graph that the run is on from now on; its store has that graph. */
  readonly graph?: string | undefined;
  /** Where it waits in queues once it is parked, each place once; one that is there stays as it is, but is new again, or not, as it says here. */
  readonly places?: readonly NewPlace[] | undefined;
  readonly then: Then;
}

export type Then =
  | { readonly kind: "keep" }
  /** Nobody owns it until `wakeAt`, or until mail comes. */
  | Park
  | { readonly kind: "end"; readonly status: RunStatus; readonly output: string | null; readonly error: string | null };

export interface Park {
  readonly kind: "park";
  readonly wakeAt: number;
}

export type CommitAnswer =
  | "written"
  /** Mail came that the driver has not seen: nothing was written of this run; absorb it first. */
  | "mail"
  /** The run is not (or no longer) this owner's, or its journal has another length: nothing was written of it. */
  | "lost";

/** Which of some runs are removed. */
export interface Pruning {
  /** Finished ones that ended before this time (ms since 1970). */
  readonly before: number;
  /** For how long after its run's end a key is known on (ms). */
  readonly keysForMs: number;
  /** No further one is removed once those before it had so many journal lines: a bound for one transaction. */
  readonly linesMax: number;
}

export type PruneAnswer =
  | "pruned"
  /** It has not finished, or not before that time; it has parcels that are on their way; or there is no such run. */
  | "kept"
  /** It would have been removed, but for `linesMax`: ask again. */
  | "left";

export interface StoredGraph {
  readonly hash: string;
  readonly workflow: string;
  readonly graph: string;
}

/** Lanes that are not reached now, and where they are. */
export interface Missing {
  readonly lanes: readonly number[];
  /** The server that they are on, as a person would name it. */
  readonly server: string;
  readonly reason: string;
}

/** A worker that lost its lease may write nothing: the answer to whatever it sends. */
export class LeaseLost extends Error {
  constructor(lease: Lease) {
    super(`The lease ${lease.owner} of lane ${lease.lane} is gone; nothing was written.`);
    this.name = "LeaseLost";
  }
}

export interface Store {
  /** Where it is kept, as a person would name it. */
  readonly name: string;
  readonly lanes: number;
  /** It works on a second commit of a lease while the first is on its way, and answers them in order. */
  readonly pipelinesCommits: boolean;
  /** False while `watch` cannot hear of what others change: then only looking finds it. */
  readonly hears: boolean;
  /** What is known to be out of reach of a store that is kept in several places, while the others go on. */
  readonly missing?: readonly Missing[] | undefined;
  /** What goes from lane to lane. */
  readonly post: Post;
  readonly schedules: Schedules;
  readonly files: Files;
  readonly events: Events;
  readonly transactions: Transactions;
  readonly queues: Queues;

  /** LAW: after it, a run may name these graphs; a hash is written once and never changes. */
  putGraphs(lane: number, graphs: readonly StoredGraph[]): Promise<void>;
  graph(lane: number, hash: string): Promise<StoredGraph | undefined>;

  /** LAW: from then on `lease.owner` may own runs; an owner that ever was is refused. */
  join(lease: Lease, holder: Holder): Promise<void>;
  /** Adds one to the lease's beat and answers all leases of its lane. LAW: rejects with LeaseLost if it is dead. */
  renew(lease: Lease): Promise<readonly LeaseSeen[]>;
  /**
   * Kills a lease whose beat is still `beat`, then frees what it owned: due at `now`, with one death more for runs
   * that were in an owner's hands, unless it `leaves` of its own will; and its queues.
   * LAW: no commit of that owner is written after the answer; none in flight is lost. False: it was alive, or gone.
   */
  takeOver(lane: number, owner: string, beat: number | null, now: number, leaves: boolean): Promise<boolean>;

  /**
   * LAW: a run exists, once, for each "started"; the same start sent again is "started" again. With a lease (of this
   * lane) the new runs that are due are its own from the start; without one they wait for a claim. Where many
   * may write at once, a transaction that is left open elsewhere holds up nobody: starts of its keys are "locked".
   * One with `debounce`, whose key's last run has not begun and has no mail, is "existing" and has that run be as if it
   * was started so, the last one of several: on its graph and input, with its attributes, due at its time, but no later than
   * `maxMs` after the run's start; a run that is due already stays so. No claim comes between.
   */
  start(lane: number, starts: readonly RunStart[], now: number, lease: Lease | null): Promise<readonly StartAnswer[]>;
  /**
   * Starts by statements of `client`, which has a transaction open: nothing of it is durable, or seen by others, before
   * that commits. What `client` may be is the store's to say; OPTION_UNSUPPORTED for any other.
   * LAW: a run exists for each "started" if and only if the transaction commits, and waits for a claim, since no driver
   * can own what may be undone; a known key is answered without harm to the transaction; where this rejects, nothing
   * of these starts is in it. It waits for another transaction that has the same key, and is never "locked". None of them
   * has `debounce`: a run that waits cannot be kept from its mail for as long as somebody's transaction is open.
   */
  startWith(
    client: CallerClient,
    lane: number,
    starts: readonly RunStart[],
    now: number,
  ): Promise<readonly StartAnswer[]>;

  /**
   * LAW: a due run has one owner, and stays its own until it parks or ends it, or dies. Runs that continue come
   * before runs that begin; those come in turn by tenant, so that no tenant's many delay another's few. Only runs of
   * `workflows`, at most `runsMax`, and about `bytesMax` of inputs and journals, but one at least if one is due. The
   * cost does not grow with the runs that wait, of these workflows or of others.
   */
  claim(
    lease: Lease,
    workflows: readonly string[],
    now: number,
    runsMax: number,
    bytesMax: number,
  ): Promise<readonly ClaimedRun[]>;
  /** LAW: answers the mail of every run of this owner that got some since it last absorbed all it had seen. */
  mail(lease: Lease, now: number): Promise<readonly Mail[]>;
  /** LAW: answers every run that this owner owns. */
  owned(lease: Lease): Promise<readonly string[]>;
  /** What `claim` would answer of those `runs` that are this owner's: for a worker that lost an answer. */
  load(lease: Lease, runs: readonly string[]): Promise<readonly ClaimedRun[]>;
  /**
   * What a worker would find: cheap, because idle workers ask it again and again. LAW: runs of `workflows` that are
   * due, mail of the owner's, and parcels are told of. Rejects with LeaseLost if the lease is dead.
   */
  look(lease: Lease, workflows: readonly string[], now: number): Promise<Due>;

  /**
   * Writes what a driver decided.
   * LAW: at most one commit per (run, journal length before it) is ever "written"; the same lines sent again while
   * nobody else owns the run are "written" again, and kept once; a dead lease writes nothing (LeaseLost); "park" and
   * "end" are written only if `mailSeen` is the run's count; "keep" that absorbs with it ends the mail's being due.
   * Parcels, facts and the graph are written if the lines are, and only then; places if it is a "park" that is written.
   */
  commit(lease: Lease, batch: readonly RunCommit[], now: number): Promise<readonly CommitAnswer[]>;

  /**
   * LAW: a message "sent" is in the run's mail until it is absorbed, and the run, held ones too, is due at once, but for
   * one that was started for later and a message that is patient; "finished" and "unknown" keep nothing.
   */
  send(lane: number, sends: readonly Send[], now: number): Promise<readonly SendAnswer[]>;

  /**
   * Removes runs: their rows, journals, mail, attributes, files, and what they count in the tallies.
   * LAW: what is "kept" or "left" is whole; the files of what is removed can be read no more, and `files.sweep` frees them. The key of a removed run is known on as if its run were there, `again`
   * included, until `forgetKeys`.
   */
  prune(lane: number, runs: readonly string[], pruning: Pruning): Promise<readonly PruneAnswer[]>;
  /**
   * Forgets keys of which every run was removed, and was to be known until a time before `now`; `limit` of them, those
   * first whose time was over first. Answers how many runs they had. LAW: a key is forgotten as a whole.
   */
  forgetKeys(lane: number, now: number, limit: number): Promise<number>;

  /** Answers what is known of each run, `undefined` where there is none. */
  read(lane: number, runs: readonly string[]): Promise<readonly (RunRecord | undefined)[]>;
  journal(lane: number, run: string): Promise<readonly ShownLine[]>;
  /** Newest first. LAW: pages that follow each other by `before` show each run that was there from the start once. */
  list(lane: number, filter: RunFilter, page: Page): Promise<readonly RunRecord[]>;
  /** How many runs of each workflow are in each status, of those started in [from, until) to the minute. */
  tallies(lane: number, from: number | null, until: number | null): Promise<readonly Tally[]>;

  /**
   * LAW: `changed` is called soon after somebody else (or this handle) made some due, ended some, or wrote some; it may be
   * called for nothing. Answers how to stop.
   */
  watch(what: Change, changed: () => void): () => void;
  /**
   * Renews a lease from outside of the main loop, where the store can, and tells each time what `renew` would answer;
   * null: the lease is dead. Answers how to stop.
   */
  beat?(lease: Lease, everyMs: number, tell: (seen: readonly LeaseSeen[] | null) => void): () => void;
  close(): Promise<void>;
}
