/**
 * A simulation: the rules of the core under virtual time, with luck in the place of bodies. The same `reduce` decides what follows, the
 * same lines decide whose turn it is, and what follows from a result begins when that is written, as in the engine.
 * Invariants: one seed gives one course of events; what a run draws does not depend on the others.
 */
import type { Command } from "../../core/command.ts";
import { dueOf } from "../../core/constructs/approval.ts";
import type { Entry, RunError } from "../../core/entry.ts";
import { pathOf } from "../../core/path.ts";
import { resume } from "../../core/reduce.ts";
import { earn, newBudget, nextAttempt, spend, type RetryBudget } from "../../core/retry.ts";
import { ASLEEP, RETRYING, type Place } from "../../core/state.ts";
import { invariant } from "../../value/error.ts";
import { drawn, identity, PURPOSE } from "../model/chance.ts";
import { Agenda } from "./agenda.ts";
import { GroupCommits } from "./group-commits.ts";
import type { Happening } from "./happening.ts";
import type { Ledger } from "./ledger.ts";
import { beginRun, done, failure, record } from "./recording.ts";
import { SimulatedAttempt, type AttemptHost, type Outcome } from "./simulated-attempt.ts";
import { SimulatedLine } from "./simulated-line.ts";
import { SimulatedRun, type SimulatedCaller } from "./simulated-run.ts";
import { Slots } from "./slots.ts";
import { Source } from "./source.ts";
import type { SimulatedUse, SimulatedWorkflow, World } from "./world.ts";

/** Who looks on. */
export interface Watch {
  came(run: SimulatedRun): void;
  /** An attempt asks: for its turn, or for a slot. */
  asked(attempt: SimulatedAttempt): void;
  began(attempt: SimulatedAttempt): void;
  /** `retryAt`: of one that failed; null: it is not made again. */
  settled(attempt: SimulatedAttempt, outcome: Outcome, retryAt: number | null): void;
  ended(run: SimulatedRun): void;
}

const FAILED: RunError = { code: "STEP_FAILED", message: "", node: "", attempt: 1 };
const TIMED_OUT: RunError = { code: "STEP_TIMED_OUT", message: "", node: "", attempt: 1 };

export class Simulation implements AttemptHost {
  readonly world: World;
  readonly seed: number;
  readonly agenda = new Agenda<Happening>();
  readonly workers: readonly Slots[];
  readonly lines: readonly SimulatedLine<SimulatedAttempt>[];
  readonly commits: GroupCommits<SimulatedRun>;
  readonly #starts: GroupCommits<SimulatedRun>;
  readonly #sources: readonly Source[];
  readonly #watch: Watch;
  readonly #budgets: (RetryBudget | null)[];
  /** Runs that have come, and those of them that have not ended. */
  comers = 0;
  inFlight = 0;

  /** `ledger`: where it is written what queues waited for; that takes time. */
  constructor(world: World, seed: number, watch: Watch, ledger: Ledger | null = null) {
    this.world = world;
    this.seed = seed;
    this.#watch = watch;
    const { agenda } = this;
    this.workers = Array.from({ length: world.workers.count }, () => new Slots(world.workers.slots));
    const begin = (together: readonly SimulatedAttempt[]): void => this.#begin(together);
    this.lines = world.lines.map(
      (limits, nth) => new SimulatedLine(limits, agenda, this.#workerOf(nth), begin, ledger),
    );
    const linesOf = (run: SimulatedRun): number => run.unwritten;
    this.commits = new GroupCommits(agenda, world.store, linesOf, (runs) => this.#written(runs));
    const claimed = (runs: readonly SimulatedRun[]): void => runs.forEach((run) => this.#claimed(run));
    this.#starts = new GroupCommits(agenda, world.store, () => 1, claimed);
    this.#budgets = world.steps.map(({ budget }) => (budget === null ? null : newBudget(budget)));
    this.#sources = world.workflows.map(
      (workflow) => new Source(workflow, seed, agenda, (cameAt) => this.#comes(workflow, cameAt)),
    );
  }

  get now(): number {
    return this.agenda.now;
  }

  plan(at: number, what: Happening): void {
    this.agenda.plan(at, what);
  }

  /** Has everything happen that is planned until then, and what follows. */
  runUntil(at: number): void {
    const { agenda } = this;
    while (agenda.size > 0 && agenda.nextAt <= at) agenda.next()!.happens();
  }

  /** No more runs come. */
  closeSources(): void {
    for (const source of this.#sources) source.close();
  }

  /** Lines, and runs, are spread over the workers. */
  #workerOf(nth: number): Slots {
    return this.workers[nth % this.workers.length]!;
  }

  /** Whose slots its bodies take: its line's owner's, or its run's driver's. */
  #workerFor(run: SimulatedRun, { step: { queue } }: SimulatedUse): Slots {
    return this.#workerOf(queue === null ? run.serial : queue.line);
  }

  #comes(workflow: SimulatedWorkflow, cameAt: number, caller: SimulatedCaller | null = null): void {
    const run = new SimulatedRun(workflow, this.comers++, this.seed, cameAt, caller);
    this.inFlight++;
    this.#watch.came(run);
    this.#starts.add(run);
  }

  #claimed(run: SimulatedRun): void {
    beginRun(run, this.now);
    if (run.unwritten > 0 || run.ending !== null) this.#changed(run);
    // What waits for nothing to be written starts at once.
    else this.#perform(run);
  }

  #happened(run: SimulatedRun, entry: Entry, place: Place | undefined): void {
    record(run, entry, place);
    this.#changed(run);
  }

  #changed(run: SimulatedRun): void {
    if (run.isDirty) return;
    run.isDirty = true;
    this.commits.add(run);
  }

  #written(runs: readonly SimulatedRun[]): void {
    for (const run of runs) {
      run.isDirty = false;
      run.unwritten = 0;
      if (run.settling.length > 0) for (const then of run.settling.splice(0)) then();
      if (run.ending === null) this.#perform(run);
      else this.#ended(run);
    }
  }

  #ended(run: SimulatedRun): void {
    this.inFlight--;
    // As owners do: nothing of the run comes any more.
    for (const line of this.lines) {
      for (const waiting of line.held) if (waiting.run === run) line.released(waiting);
      line.serve();
    }
    this.#watch.ended(run);
    for (const source of this.#sources) source.ended(run.workflow);
    const { caller, ending } = run;
    if (caller === null) return;
    const said = { node: "", at: this.now, message: run.id, attempt: caller.attempt, child: run.id };
    const ended =
      ending!.kind === "finish"
        ? ({ status: "completed", output: null } as const)
        : ({ status: "failed", error: FAILED } as const);
    this.#happened(caller.run, { kind: "returned", ...said, ...ended }, caller.place);
  }

  #perform(run: SimulatedRun): void {
    const commands = run.deferred;
    if (commands.length === 0) return;
    run.deferred = [];
    for (const command of commands) this.#do(run, command);
  }

  #do(run: SimulatedRun, command: Command): void {
    switch (command.kind) {
      case "execute":
        return this.#execute(run, command.place, command.attempt);
      case "wait": {
        const { place, attempt, until } = command;
        return this.#at(until, () => {
          resume(place);
          this.#execute(run, place, attempt);
        });
      }
      case "sleep":
        return this.#sleep(run, command.place, command.until);
      case "undo": {
        const { place, undo, attempt, until } = command;
        const use = this.#useAt(run, place);
        const ask = (): void => this.#ask(new SimulatedAttempt(this, run, place, use, attempt, this.#workerFor(run, use), undo)); // prettier-ignore
        return this.#at(until, ask);
      }
      case "call":
        return this.#call(run, command.place, command.attempt);
      default:
        invariant(false, `a simulation obeys ${command.kind}`);
    }
  }

  #at(until: number, happens: () => void): void {
    if (until <= this.now) happens();
    else this.agenda.plan(until, { happens });
  }

  #useAt(run: SimulatedRun, { node }: Place): SimulatedUse {
    const found = run.workflow.nodes[node.index]!;
    invariant(found.kind === "step", "what is executed is a step");
    return found.use;
  }

  #execute(run: SimulatedRun, place: Place, number: number): void {
    if (place.frame.waits[place.node.local] !== 0) return;
    const node = run.workflow.nodes[place.node.index]!;
    if (node.kind === "waits") {
      const ms = node.msOf(drawn(run.identityOf(place), PURPOSE.waits));
      return this.#at(this.now + ms, () => this.#done(run, place));
    }
    const use = this.#useAt(run, place);
    const budget = this.#budgets[use.step.number]!;
    if (number === 1 && budget !== null) earn(budget);
    this.#ask(new SimulatedAttempt(this, run, place, use, number, this.#workerFor(run, use)));
  }

  #ask(attempt: SimulatedAttempt): void {
    this.#watch.asked(attempt);
    const { queue } = attempt.step;
    if (queue === null) attempt.worker.take(attempt);
    else this.lines[queue.line]!.join(attempt);
  }

  begins(attempt: SimulatedAttempt): void {
    this.#begin([attempt]);
  }

  #begin(together: readonly SimulatedAttempt[]): void {
    for (const attempt of together) this.#watch.began(attempt);
    together[0]!.begin(together);
  }

  settled(attempt: SimulatedAttempt, outcome: Outcome): void {
    const { run, place, undo, number } = attempt;
    const at = this.now;
    const retryAt = outcome === "done" || undo !== null ? null : this.#retryAt(attempt);
    this.#watch.settled(attempt, outcome, retryAt);
    if (undo !== null) this.#happened(run, { kind: "undone", node: undo.path, at, attempt: number, tookMs: 0 }, place);
    else if (outcome === "done") this.#happened(run, done(at, number), place);
    else this.#happened(run, failure(at, number, outcome === "failed" ? FAILED : TIMED_OUT, retryAt), place);
  }

  isOver(attempt: SimulatedAttempt): void {
    const { step, run, place, undo } = attempt;
    if (step.queue === null) return;
    const line = this.lines[step.queue.line]!;
    line.settled(attempt, step.queue.isStrict);
    // Its key waits for its next attempt, or until what came of it is written.
    const comesAgain = undo === null && place.frame.waits[place.node.local] === RETRYING;
    if (step.queue.isStrict && !comesAgain) run.settling.push(() => line.released(attempt));
  }

  #retryAt({ use, number, run, place }: SimulatedAttempt): number | null {
    const { now } = this;
    const random = drawn(identity(run.identityOf(place), number), PURPOSE.backoff);
    const verdict = nextAttempt({ number, failedAt: now, isFinal: false }, use.retry, random);
    if (verdict.kind === "give-up") return null;
    const budget = this.#budgets[use.step.number]!;
    return budget === null ? verdict.at : spend(budget, verdict.at, now);
  }

  #done(run: SimulatedRun, place: Place): void {
    this.#happened(run, done(this.now, 0), place);
  }

  /** A sleep, or somebody outside who takes as long as they take. */
  #sleep(run: SimulatedRun, place: Place, until: number): void {
    const { frame, node } = place;
    const known = run.workflow.nodes[node.index]!;
    // The call of a child is over when that is.
    if (known.kind === "call") return;
    const isAsleep = (): boolean => frame.waits[node.local] === ASLEEP;
    if (known.kind !== "waits") return this.#at(until, () => isAsleep() && this.#done(run, place));
    const at = frame.readyAt[node.local]! + known.msOf(drawn(run.identityOf(place), PURPOSE.waits));
    if (at <= until) return this.#at(at, () => isAsleep() && this.#told(run, place));
    this.#at(until, () => {
      const due = node.node.kind === "approval" ? dueOf(place, this.now) : "timed-out";
      if (isAsleep() && due !== undefined) this.#happened(run, { kind: due, node: "", at: this.now }, place);
    });
  }

  /** The signal has come, or as many have approved as have to. */
  #told(run: SimulatedRun, place: Place): void {
    const { node } = place.node;
    const line = (): { readonly at: number; readonly message: string } => ({ at: this.now, message: `${run.state.entries}` }); // prettier-ignore
    if (node.kind === "wait") {
      return this.#happened(run, { kind: "signalled", ...line(), signal: node.signal, for: null }, undefined);
    }
    invariant(node.kind === "approval", "what is told of waits for a signal, or for people");
    const path = pathOf(run.workflow.compiled, place.frame, place.node);
    for (let nth = 0; nth < node.atLeast; nth++) {
      const by = { by: `${nth}`, roles: [], comment: null };
      this.#happened(run, { kind: "decided", ...line(), node: path, verdict: "approved", ...by }, undefined);
    }
  }

  #call(run: SimulatedRun, place: Place, attempt: number): void {
    const node = run.workflow.nodes[place.node.index]!;
    invariant(node.kind === "call", "only a call has a child");
    const child = this.world.workflows.find(({ name }) => name === node.workflow);
    invariant(child !== undefined, `the world has the workflow ${node.workflow}`);
    this.#comes(child, this.now, { run, place, attempt });
  }
}
