/**
 * Group commit: what became ready while the last commit was in flight goes into the next one.
 * Where the store works on two commits at once, the runs go in two halves: one is driven while the other is written.
 * Invariants: a run is in one commit at a time; its lines are sent in order, and again until they are answered; nothing
 * that follows from a line happens before the line is written.
 */
import { LeaseLost, type CommitAnswer, type RunCommit, type Send, type Then } from "../store/store.ts";
import type { Command } from "../core/command.ts";
import { parentsOf } from "../core/constructs/call.ts";
import { NO_FACTS } from "./facts.ts";
import { tidings, type Ended } from "./family.ts";
import type { DriverQueues } from "./queues/driver-queues.ts";
import type { LiveRun } from "./live-run.ts";
import { isPassing } from "./passing.ts";
import { waitFor, type Ports } from "./ports.ts";

/** Bounds of one commit: so that none stops the loop, or the store's other writers, for long. */
const LINES_MAX = 4000;
const BYTES_MAX = 8 * 1024 * 1024;
/** Commits in flight, where the store says that it takes several. */
const COMMITS_MAX = 2;
const RETRY_FIRST_MS = 20;
const RETRY_MAX_MS = 2000;

export interface Sent {
  readonly run: LiveRun;
  readonly commit: RunCommit;
  /** What may be done once it is written. */
  readonly deferred: readonly Command[];
  readonly settling: readonly (() => void)[];
  /** Messages to other runs that it writes however the run ends. */
  readonly parcels: readonly Send[];
  /** The names of the facts that the store has of the run once it is written. */
  readonly facts: ReadonlySet<string>;
}

export interface CommitterHost {
  readonly ports: Ports;
  /** Sends a batch to the store, under this worker's lease. */
  commit(batch: readonly RunCommit[]): Promise<readonly CommitAnswer[]>;
  /**
   * Sends one again that may have been written. What it parked may be this worker's again by now: whatever was claimed before is known
   * here first, and nothing is claimed meanwhile, or it would be parked behind the back of who drives it.
   */
  commitAgain(batch: readonly RunCommit[]): Promise<readonly CommitAnswer[]>;
  readonly queues: DriverQueues;
  /** What becomes of the run after what it has to write now. */
  thenOf(run: LiveRun): Then;
  answered(sent: Sent, answer: CommitAnswer): void;
  /** The lease is gone: nothing that was sent is ours to write any more. */
  leaseLost(): void;
  /** The store does not take writes (true), or takes them again. */
  stalled(isStalled: boolean, cause: unknown): void;
}

export class Committer {
  readonly #host: CommitterHost;
  readonly #runsPerCommit: number;
  #dirty: LiveRun[] = [];
  #isScheduled = false;
  #inFlight = 0;
  /** Those of them that the store does not take now. */
  #refused = 0;
  #isClosed = false;

  /** `runsPerCommit`, at most; beside another commit, at least half as many. Infinity: one commit at a time. */
  constructor(host: CommitterHost, runsPerCommit: number) {
    this.#host = host;
    this.#runsPerCommit = runsPerCommit;
  }

  /** The run has something to write. */
  add(run: LiveRun): void {
    if (run.isDirty) return;
    run.isDirty = true;
    this.#dirty.push(run);
    this.#schedule();
  }

  get isIdle(): boolean {
    return this.#inFlight === 0 && this.#dirty.length === 0;
  }

  /** Sends nothing any more. */
  close(): void {
    this.#isClosed = true;
    this.#dirty = [];
  }

  #schedule(): void {
    if (this.#isScheduled || this.#isClosed || this.#dirty.length === 0 || this.#inFlight >= COMMITS_MAX) return;
    if (this.#inFlight > 0 && this.#dirty.length < this.#runsPerCommit / 2) return;
    this.#isScheduled = true;
    this.#host.ports.clock.soon(() => {
      this.#isScheduled = false;
      void this.#flush();
    });
  }

  async #flush(): Promise<void> {
    const batch = this.#take();
    if (batch.length === 0) return;
    this.#inFlight++;
    const sending = this.#send(batch.map((sent) => sent.commit));
    this.#schedule();
    const answers = await sending;
    this.#inFlight--;
    for (const { run } of batch) run.isCommitting = run.isParking = false;
    if (answers === null) return;
    batch.forEach((sent, index) => this.#host.answered(sent, answers[index]!));
    this.#schedule();
  }

  #take(): Sent[] {
    const batch: Sent[] = [];
    let lines = 0;
    let bytes = 0;
    let taken = 0;
    const left: LiveRun[] = [];
    for (const run of this.#dirty) {
      if (lines >= LINES_MAX || bytes >= BYTES_MAX || batch.length >= this.#runsPerCommit) break;
      taken++;
      if (run.isCommitting) {
        left.push(run);
        continue;
      }
      run.isDirty = false;
      if (run.isGone) continue;
      const then = this.#host.thenOf(run);
      // What was put off is started when a commit is answered, also where that has nothing to write.
      if (then.kind === "keep" && !run.hasNews && run.deferred.length === 0) continue;
      const facts = run.facts?.after(then) ?? NO_FACTS;
      const changed = run.facts?.changesTo(facts);
      const told = then.kind === "end" ? tidings(endedOf(run), then, this.#host.ports.clock.now()) : [];
      const places = then.kind === "park" && run.turns.size > 0 ? this.#host.queues.placesOf(run) : undefined;
      const parcels = told.length === 0 ? run.parcels : [...run.parcels, ...told];
      const commit: RunCommit = {
        run: run.id,
        from: run.journalLength,
        lines: run.lines,
        absorbed: run.absorbed,
        mailSeen: run.mailSeen,
        clearsDeaths: run.clearsDeaths && run.lines.length > 0,
        parcels: parcels.length === 0 ? undefined : parcels,
        facts: changed,
        graph: run.movesTo,
        places,
        then,
      };
      lines += run.lines.length + 1;
      for (const line of run.lines) bytes += line.data.length;
      batch.push({ run, commit, deferred: run.deferred, settling: run.settling, parcels: run.parcels, facts });
      run.sent();
      run.isCommitting = true;
      run.isParking = then.kind === "park";
    }
    this.#dirty = taken === this.#dirty.length ? left : [...left, ...this.#dirty.slice(taken)];
    return batch;
  }

  /** Sends the same batch until it is answered; null if it never will be. */
  async #send(batch: readonly RunCommit[]): Promise<readonly CommitAnswer[] | null> {
    const { ports } = this.#host;
    for (let delayMs = RETRY_FIRST_MS, failures = 0; ; delayMs = Math.min(delayMs * 2, RETRY_MAX_MS)) {
      if (this.#isClosed) return null;
      try {
        const answers = await (failures === 0 ? this.#host.commit(batch) : this.#host.commitAgain(batch));
        if (this.#isClosed) return null;
        if (failures > 0 && --this.#refused === 0) this.#host.stalled(false, undefined);
        return answers;
      } catch (thrown) {
        if (this.#isClosed) return null;
        if (thrown instanceof LeaseLost) {
          this.#host.leaseLost();
          return null;
        }
        if (!isPassing(thrown)) throw thrown;
        if (failures++ === 0 && this.#refused++ === 0) this.#host.stalled(true, thrown);
        await waitFor(ports.clock, delayMs);
      }
    }
  }
}

function endedOf({ id, journalLength, lines, state }: LiveRun): Ended {
  return { id, length: journalLength + lines.length, parents: parentsOf(state) };
}
