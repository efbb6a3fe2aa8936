/**
 * Does what core asks for in a run: bodies, timers, children. What that comes to, its driver records.
 * Invariant: what led to a command is durable before the command is given.
 */
import type { Command } from "../core/command.ts";
import type { RunError } from "../core/entry.ts";
import { isScriptCall } from "../core/constructs/script.ts";
import { resume } from "../core/reduce.ts";
import { earn } from "../core/retry.ts";
import { ASLEEP, RETRYING, type Place } from "../core/state.ts";
import { Attempt, type AttemptHost } from "./attempt.ts";
import type { Children } from "./children.ts";
import { codeGone } from "./held.ts";
import type { LiveRun } from "./live-run.ts";
import type { DriverQueues } from "./queues/driver-queues.ts";
import { leaveLines } from "./queues/leave-lines.ts";
import { isQueued } from "../core/queues/queue-of.ts";
import type { Recorder } from "./recorder.ts";
import type { StepPlan } from "./registry.ts";
import type { Scripts } from "./scripts.ts";

/** What a performer asks of its driver. */
export interface PerformerHost extends AttemptHost<LiveRun> {
  readonly queues: DriverQueues;
  hold(run: LiveRun, error: RunError): void;
  /** Something is to be written, or the run only waits from now on. */
  changed(run: LiveRun): void;
}

export class Performer {
  readonly #host: PerformerHost;
  readonly #recorder: Recorder;
  readonly #children: Children;
  readonly #scripts: Scripts;
  /** Runs that go on elsewhere, once what of them is at work here has settled: they wait for a body that is not called here. */
  readonly #leaving = new WeakSet<LiveRun>();
  /** True once no body may be started any more. */
  #isDraining = false;

  constructor(host: PerformerHost, recorder: Recorder, children: Children, scripts: Scripts) {
    this.#host = host;
    this.#recorder = recorder;
    this.#children = children;
    this.#scripts = scripts;
  }

  get isDraining(): boolean {
    return this.#isDraining;
  }

  /** The run is to be parked as soon as no body of it is at work. */
  isGivenUp(run: LiveRun): boolean {
    return this.#isDraining || this.#leaving.has(run);
  }

  perform(run: LiveRun, commands: readonly Command[]): void {
    if (this.isGivenUp(run)) {
      for (const command of commands) {
        // It was begun, and counts as such: it is called while there is time.
        if (command.kind === "perform") run.perform(command.place);
        else run.defer(command);
      }
      if (run.attempts.size === 0) this.#host.changed(run);
      return;
    }
    for (const command of commands) {
      // Whoever takes the run next finds it open.
      if (this.#leaving.has(run) && command.kind !== "perform") continue;
      if (command.kind === "execute") this.#execute(run, command.place, command.attempt);
      else if (command.kind === "perform") run.perform(command.place);
      else if (command.kind === "call") this.#children.call(run, command.place, command.attempt);
      else if (command.kind === "sleep") {
        const { place } = command;
        this.#at(run, place, waiting(place, ASLEEP), command.until, (path) => this.#recorder.woke(run, place, path));
      } else if (command.kind === "wait") {
        const { place } = command;
        this.#at(run, place, waiting(place, RETRYING), command.until, () => {
          resume(place);
          this.#execute(run, place, command.attempt);
        });
      } else if (command.kind === "undo") {
        const { place, undo, until } = command;
        if (until <= this.#host.ports.clock.now()) this.#undo(run, command);
        else this.#at(run, place, () => !undo.isOver, until, () => this.#undo(run, command)); // prettier-ignore
      }
    }
  }

  /** Starts no body any more, and gives up those that only wait for a slot. */
  drain(runs: Iterable<LiveRun>): void {
    this.#isDraining = true;
    for (const run of runs) this.#giveUpWaiting(run, "This worker is shutting down.");
  }

  #giveUpWaiting(run: LiveRun, reason: string): void {
    leaveLines(run.turns, () => {
      for (const [path, attempt] of run.attempts) {
        if (attempt.isRunning) continue;
        attempt.stop(new Error(reason));
        run.attempts.delete(path);
        run.wakesNow = true;
      }
    });
  }

  /** Others go on with the run at once, or as soon as the bodies that are at work here have settled. */
  #leave(run: LiveRun): void {
    this.#leaving.add(run);
    run.wakesNow = true;
    this.#giveUpWaiting(run, "Its run goes on in a worker of another pool.");
    if (run.attempts.size === 0) this.#host.changed(run);
  }

  /** Where its pool is another's, it waits in its queue, and the run is theirs when its turn comes. */
  #isForOthers({ step }: StepPlan): boolean {
    return !this.#host.queues.servesPlain && !isQueued(step);
  }

  #execute(run: LiveRun, place: Place, number: number): void {
    if (run.isGone || run.ending !== null || place.frame.waits[place.node.local] !== 0) return;
    if (!this.#admits(run, { kind: "execute", place, attempt: number })) return;
    const isCall = isScriptCall(place.node);
    const step = isCall ? this.#scripts.stepOf(run, place, number) : run.plan.steps[place.node.index];
    if (step === undefined && isCall) return;
    if (step === undefined) return this.#host.hold(run, codeGone(run.context.workflow, place.node.node.id, "step"));
    if (this.#isForOthers(step)) return this.#leave(run);
    if (number === 1 && step.budget !== null) earn(step.budget);
    const attempt = new Attempt(this.#host, run, place, number, step);
    if (run.attempts.has(attempt.path)) return;
    this.#begin(run, attempt);
  }

  /** Has the body called once there is a slot, or its turn in the queue of its step has come. */
  #begin(run: LiveRun, attempt: Attempt<LiveRun>): void {
    run.attempts.set(attempt.path, attempt);
    const { step } = attempt.step;
    if (isQueued(step)) this.#host.queues.ask(run, attempt, step);
    else this.#host.slots.take(attempt);
  }

  #undo(run: LiveRun, command: Extract<Command, { kind: "undo" }>): void {
    const { place, undo, attempt: number } = command;
    const { node } = place.node;
    const step = run.plan.steps[place.node.index];
    if (run.isGone || run.ending !== null || undo.isOver || run.attempts.has(undo.path)) return;
    if (!this.#admits(run, command)) return;
    if (step?.step.undo === undefined) return this.#host.hold(run, codeGone(run.context.workflow, node.id, "undo"));
    if (this.#isForOthers(step)) return this.#leave(run);
    this.#begin(run, new Attempt(this.#host, run, place, number, step, undo));
  }

  /** Whether the run may be active; if not, the command comes again when it may. */
  #admits(run: LiveRun, command: Command): boolean {
    return this.#host.queues.admits(run, command, (held) => this.perform(run, held));
  }

  #at(run: LiveRun, place: Place, isStill: () => boolean, until: number, act: (path: string) => void): void {
    run.timers.at(this.#host.ports.clock, place, isStill, until, (path) => {
      // Whoever takes the run next finds it due.
      if (this.isGivenUp(run)) return void (run.wakesNow = true);
      if (path !== null) act(path);
      this.#host.changed(run);
    });
  }
}

function waiting({ frame, node }: Place, waits: number): () => boolean {
  return () => frame.waits[node.local] === waits;
}
