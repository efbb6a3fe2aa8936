/**
 * Drives the runs that this worker owns: loads them, starts what is ready, and sees them parked, ended or given back.
 * Invariants: it drives a run only under its lease; every change goes through `reduce` and into the journal; a body
 * is called, and an ending announced, only after what led to it is written.
 */
import type { Command } from "../core/command.ts";
import type { RunError } from "../core/entry.ts";
import { readLine } from "../core/journal-line.ts";
import { begin, openWork, reduce } from "../core/reduce.ts";
import { decodedMail } from "../store/codec/decoded.ts";
import type { ClaimedRun, CommitAnswer, Lease, Mail, RunCommit, Store, Then } from "../store/store.ts";
import { startedAtOfRun } from "../value/id.ts";
import type { Json } from "../value/json.ts";
import { adopt, type Adopter } from "./adoption.ts";
import type { Attempt } from "./attempt.ts";
import type { Settled } from "./body.ts";
import { Children } from "./children.ts";
import { fetchMail } from "./fetch-mail.ts";
import { Committer, type Sent } from "./committer.ts";
import type { DriverHost } from "./driver-host.ts";
import { diedTooOften, undecoded, unreplayable, UNREPLAYABLE } from "./held.ts";
import { linger } from "./lingering.ts";
import { Messages } from "./messages.ts";
import { LiveRun } from "./live-run.ts";
import { busyRuns } from "./run-counts.ts";
import { longestIdle, thenOf } from "./parking.ts";
import { DriverQueues } from "./queues/driver-queues.ts";
import { leaveLines } from "./queues/leave-lines.ts";
import { Performer } from "./performer.ts";
import type { Ports } from "./ports.ts";
import { Recorder } from "./recorder.ts";
import type { Plan, Registry } from "./registry.ts";
import { DriverFiles, type RunFiles } from "./run-files.ts";
import { Scripts } from "./scripts.ts";
import type { LaneSlots } from "./slots.ts";
import { Suspects } from "./suspects.ts";
import { Upgrades } from "./upgrading.ts";

export class Driver {
  readonly lease: Lease;
  readonly registry: Registry;
  readonly slots: LaneSlots;
  readonly runs = new Map<string, LiveRun>();
  readonly #host: DriverHost;
  readonly #isSure: () => boolean;
  readonly #committer: Committer;
  readonly #recorder: Recorder;
  readonly #children: Children;
  readonly #performer: Performer;
  readonly #upgrades: Upgrades;
  readonly #messages: Messages;
  readonly scripts: Scripts;
  readonly queues: DriverQueues;
  /** Bytes of all runs in memory. */
  bytes = 0;
  readonly #suspects: Suspects;
  readonly #files: DriverFiles;
  #isClosed = false;

  constructor(host: DriverHost, lease: Lease, isSure: () => boolean) {
    this.#host = host;
    this.lease = lease;
    this.registry = host.registry;
    this.slots = host.slots;
    this.#isSure = isSure;
    this.#committer = new Committer(this, host.store.pipelinesCommits ? host.limits.runsPerCommit : Infinity);
    this.#recorder = new Recorder(this, host.events);
    this.#children = new Children(host, {
      recorder: this.#recorder,
      hold: (run, error) => this.hold(run, error),
      changed: (run) => this.changed(run),
    });
    this.queues = new DriverQueues(host.dispatchers, this);
    this.scripts = new Scripts(this, this.#recorder);
    this.#performer = new Performer(this, this.#recorder, this.#children, this.scripts);
    this.#upgrades = new Upgrades(this, this.#recorder);
    this.#messages = new Messages(this.#recorder, this.#upgrades);
    this.#suspects = new Suspects(host.limits.deathsMax);
    const { ports, store } = host;
    this.#files = new DriverFiles({ ...{ ...ports, store, lease }, leaseLost: () => this.leaseLost() });
  }

  get ports(): Ports {
    return this.#host.ports;
  }

  get holdsLease(): boolean {
    return this.#isSure();
  }

  get payloadMax(): number {
    return this.#host.limits.payloadMax;
  }

  get store(): Store {
    return this.#host.store;
  }

  /** Runs that do more than wait. */
  get busy(): number {
    return busyRuns(this.runs);
  }

  /** Everything decided is written, and no body runs. */
  get isQuiet(): boolean {
    return this.#committer.isIdle && this.runs.values().every(({ attempts }) => attempts.size === 0);
  }

  /** Drives these runs from now on. */
  adopt(claimed: readonly ClaimedRun[]): Promise<void> {
    const { registry, events, ports, store } = this.#host;
    const adopter: Adopter = {
      ...{ lane: this.lease.lane, clock: ports.clock, store, registry, events },
      ...{ suspects: this.#suspects, runs: this.runs },
      isAwaited: (run) => this.#host.dispatchers.waitsFor(run),
      isClosed: () => this.#isClosed,
      isIncomplete: () => this.#host.left(true),
      drive: (run, plan) => this.#load(run, plan),
      commit: (batch) => this.commit(batch),
    };
    return adopt(adopter, claimed);
  }

  /** Loads one run and does first what is open; one that cannot be loaded is found in this worker's name, and held. */
  drive(claimed: ClaimedRun, plan: Plan): void {
    if (this.#load(claimed, plan) !== null) this.#host.left(true);
  }

  /** Why the run cannot be loaded, and is not; null: it is. */
  #load(claimed: ClaimedRun, plan: Plan): RunError | null {
    try {
      this.#loadOne(claimed, plan);
      return null;
    } catch (thrown) {
      this.#drop(claimed.id, thrown);
      return unreplayable(claimed, thrown);
    }
  }

  #loadOne(claimed: ClaimedRun, plan: Plan): void {
    const commands: Command[] = [];
    const input = JSON.parse(claimed.input) as Json;
    const state = begin(plan.compiled, { run: claimed.id, input, startedAt: startedAtOfRun(claimed.id) }, commands);
    for (const line of claimed.journal) reduce(state, readLine(line), []);
    const run = new LiveRun(claimed, plan, state, this.ports.clock.now());
    this.runs.set(run.id, run);
    this.bytes += run.bytes;
    const goOn = claimed.mail.messages.map((message) => this.#messages.takeIn(run, message, claimed.journal));
    const isDeadly = claimed.deaths >= this.#host.limits.deathsMax && run.state.cancelled === null;
    if (isDeadly && !goOn.includes(true)) return this.hold(run, diedTooOften(claimed));
    this.#host.events.taken(run.id, run.context.workflow, run.state.entries === 0);
    if (this.#suspects.isSuspect(claimed)) this.#suspects.drives(run);
    if (run.state.entries > 0) {
      commands.length = 0;
      openWork(run.state, commands);
    }
    linger(run, claimed.mail.messages, this);
    this.#recorder.obey(run, commands);
    this.#proceed(run);
  }

  /** Takes in messages that came for runs of this driver. */
  receive(mails: readonly Mail[]): void {
    for (const kept of mails) {
      const mail = decodedMail(null, kept);
      const run = this.runs.get(mail.run);
      if (run === undefined) continue;
      run.mailSeen = mail.count;
      try {
        for (const message of mail.messages) this.#messages.receive(run, message);
      } catch (thrown) {
        // As it is loaded anew it is found out whether its journal is broken, or only what was in memory of it.
        this.#drop(run.id, thrown);
        this.#host.left(true);
        continue;
      }
      linger(run, mail.messages, this);
      if (mail.unread !== undefined && run.state.cancelled === null) this.hold(run, undecoded(mail.unread));
      this.#committer.add(run);
    }
  }

  /** Parks the run at once, stopping its bodies. */
  giveBackOne(run: LiveRun, reason: unknown): void {
    if (run.attempts.size > 0 || run.busyScripts > 0) run.wakesNow = true;
    run.upgradesLater();
    run.isGivenBack = true;
    leaveLines(run.turns, () => {
      for (const attempt of run.attempts.values()) attempt.stop(reason);
    });
    run.attempts.clear();
    this.#committer.add(run);
  }

  get isDraining(): boolean {
    return this.#performer.isDraining;
  }

  /** Starts no body any more: `isQuiet` tells when the last one has settled and is written. */
  drain(): void {
    this.#children.drain(this.runs.values());
    this.#performer.drain(this.runs.values());
  }

  /** Parks every run that is left, stopping its bodies: others may go on with them at once. */
  giveBack(reason: unknown): void {
    for (const run of this.runs.values()) this.giveBackOne(run, reason);
  }

  /** Forgets everything at once; nothing more is written. */
  close(reason: unknown): void {
    this.#isClosed = true;
    this.#committer.close();
    this.#children.close();
    this.#files.close();
    for (const run of this.runs.values()) run.drop(reason);
    this.runs.clear();
    this.bytes = 0;
  }

  /** Writes parked whatever only waits, the longest waits first, until `bytes` are free. */
  parkIdle(bytes: number): void {
    for (const run of longestIdle(this.runs.values(), bytes)) {
      run.wantsPark = true;
      this.#committer.add(run);
    }
  }

  thenOf(run: LiveRun): Then {
    return thenOf(run, this.ports.clock.now(), this.#host.limits.parkAfterMs, this.#performer.isGivenUp(run));
  }

  answered({ run, commit, deferred, settling, parcels, facts }: Sent, answer: CommitAnswer): void {
    if (run.isGone) return;
    if (answer === "lost") {
      this.#leave(run);
      // It may have been parked by this very commit, whose answer was not heard.
      if (commit.places !== undefined) this.queues.parked(run.id, commit.places);
      return;
    }
    if (answer === "mail") {
      run.takeBack({ ...commit, graph: commit.graph, deferred, settling, parcels });
      this.queues.stays(run);
      this.#upgrades.answered(run);
      return void fetchMail(run, this, (mail) => this.receive([mail]));
    }
    run.journalLength += commit.lines.length;
    run.facts?.written(facts);
    if (commit.clearsDeaths) run.clearsDeaths = false;
    run.wantsPark = false;
    for (const then of settling) then();
    if (commit.then.kind === "keep") {
      // What was put off is asked for anew on the new graph.
      if (!this.#upgrades.answered(run)) this.#performer.perform(run, deferred);
      return this.queues.rests(run);
    }
    this.#leave(run);
    if (commit.places !== undefined) this.queues.parked(run.id, commit.places);
    if (commit.then.kind === "end") this.queues.ended(run);
    if (commit.then.kind === "end") this.#host.events.ended(run.id, run.context.workflow, commit.then);
  }

  commit(batch: readonly RunCommit[]): Promise<readonly CommitAnswer[]> {
    return this.#host.commit(this.lease, batch);
  }

  commitAgain(batch: readonly RunCommit[]): Promise<readonly CommitAnswer[]> {
    return this.#host.exclusively(() => this.commit(batch));
  }

  grew(bytes: number): void {
    this.bytes += bytes;
  }

  leaseLost(): void {
    this.#host.leaseLost();
  }

  stalled(isStalled: boolean, cause: unknown): void {
    this.#host.stalled(isStalled, cause);
  }

  settled(attempt: Attempt<LiveRun>, result: Settled): void {
    const { run } = attempt;
    if (run.isGone || run.attempts.get(attempt.path) !== attempt) return;
    run.attempts.delete(attempt.path);
    const at = this.ports.clock.now();
    const commands: Command[] = [];
    const recorded = this.#recorder.settled(run, attempt, result, at, commands);
    this.#host.events.attempted(attempt, recorded, at);
    this.#recorder.obey(run, commands);
    this.#committer.add(run);
  }

  begun(attempt: Attempt<LiveRun>): void {
    if (this.#recorder.begun(attempt)) this.#committer.add(attempt.run);
  }

  progressed(attempt: Attempt<LiveRun>, done: number, total: number | undefined): void {
    this.#host.events.progressed(attempt, done, total);
  }

  filesOf(run: LiveRun): RunFiles {
    return this.#files.of(run);
  }

  /** After loading: what waits for nothing to be written starts at once, unless all of it waits for long. */
  #proceed(run: LiveRun): void {
    if (run.hasNews || run.ending !== null || this.thenOf(run).kind === "park") return this.#committer.add(run);
    const { deferred } = run;
    run.sent();
    this.#performer.perform(run, deferred);
  }

  /** What led to this command is durable. */
  execute(run: LiveRun, command: Extract<Command, { kind: "execute" }>): void {
    this.#performer.perform(run, [command]);
  }

  /** Something is to be written, or it only waits from now on. */
  changed(run: LiveRun): void {
    this.#committer.add(run);
  }

  /** Nobody drives it until a person, or its code, comes. */
  hold(run: LiveRun, error: RunError): void {
    run.stopAll(new Error(error.message));
    run.ending = { kind: "end", status: "held", output: null, error: JSON.stringify(error) };
    this.#committer.add(run);
  }

  /** Nothing more of a run is written that does not go by the rules. */
  #drop(id: string, thrown: unknown): void {
    const run = this.runs.get(id);
    const reason = thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown);
    this.ports.log.write("error", UNREPLAYABLE, { run: id, reason });
    if (run === undefined) return;
    run.drop(thrown);
    this.runs.delete(id);
    this.bytes -= run.bytes;
  }

  #leave(run: LiveRun): void {
    // Errors are dear to make, and hardly any run has a body left when it leaves.
    run.drop(run.attempts.size === 0 ? undefined : new Error("The run is not this worker's any more."));
    this.runs.delete(run.id);
    this.bytes -= run.bytes;
    this.#host.left(run.isClaimedAgain);
  }
}
