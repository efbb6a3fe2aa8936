/**
 * Turns what happens in a run into entries, and core's commands into entries or into work that waits for the commit.
 * Invariant: every change of a run's state goes through `reduce`, and its line into what the next commit writes.
 */
import { commandFor } from "../core/advance.ts";
import { choose } from "../core/choose.ts";
import { dueOf } from "../core/constructs/approval.ts";
import { doubtToken } from "../core/constructs/undertaking.ts";
import { isStillAsked, type Command } from "../core/command.ts";
import type { AskedEntry, Entry, FailedEntry, RunError, UpgradedEntry } from "../core/entry.ts";
import { writeLine } from "../core/journal-line.ts";
import { pathOf } from "../core/path.ts";
import { reduce } from "../core/reduce.ts";
import { nextAttempt, spend, type FailedAttempt } from "../core/retry.ts";
import { type Place, type Undo } from "../core/state.ts";
import { wakeTime } from "../core/wake-time.ts";
import type { Message, Store } from "../store/store.ts";
import { unreachable } from "../value/error.ts";
import { laneOfRun } from "../value/id.ts";
import { copyJson } from "../value/json.ts";
import type { Attempt } from "./attempt.ts";
import { unlessTooLarge, type Settled } from "./body.ts";
import type { ChildCall } from "./child-call.ts";
import type { EngineEvents } from "./events.ts";
import { isJoined, knownChild } from "./child-id.ts";
import { foreseenChild } from "./child-start.ts";
import { farewell, type Returned } from "./family.ts";
import { entryOf, hasGoOn } from "./absorbing.ts";
import { endingOf } from "./ending.ts";
import { computeDerive } from "./compute-derive.ts";
import { codeGone } from "./held.ts";
import type { LiveRun } from "./live-run.ts";
import type { Ports } from "./ports.ts";
import type { Registry, StepPlan } from "./registry.ts";

/** Whoever has the functions of scripts. */
export interface ScriptCaller {
  /** Has the function of a script called, or go on. */
  call(run: LiveRun, place: Place, isAnew: boolean): void;
  /** A call of a script has come to its end. */
  answered(run: LiveRun, place: Place): void;
}

export interface RecorderHost {
  readonly ports: Ports;
  readonly store: Store;
  readonly registry: Registry;
  /** The longest JSON text of an output (characters). */
  readonly payloadMax: number;
  readonly scripts: ScriptCaller;
  /** A run in memory became larger. */
  grew(bytes: number): void;
  /** The run cannot go on here, for want of code. */
  hold(run: LiveRun, error: RunError): void;
}

export class Recorder {
  readonly #host: RecorderHost;
  readonly #events: EngineEvents;

  constructor(host: RecorderHost, events: EngineEvents) {
    this.#host = host;
    this.#events = events;
  }

  /** Does at once what needs no durable past, and puts off the rest; commands may grow while it goes. */
  obey(run: LiveRun, commands: Command[]): void {
    let isCancelled = false;
    for (let index = 0; index < commands.length; index++) {
      const command = commands[index]!;
      switch (command.kind) {
        case "execute":
        case "perform":
        case "wait":
        case "sleep":
        case "call":
        case "undo":
          run.defer(command);
          break;
        case "disown":
          this.#disown(run, command.place, command.attempt);
          break;
        case "script":
          this.#host.scripts.call(run, command.place, command.isAnew);
          break;
        case "answer":
          this.#host.scripts.answered(run, command.place);
          break;
        case "doubt":
          // The run goes on with another graph, and its body is at work here, or will be when that it was begun is durable.
          if (run.isAtWork(command.place))
            run.defer({ kind: "perform", place: command.place, attempt: command.attempt });
          else this.#doubt(run, command.place, command.attempt, command.error, commands);
          break;
        case "derive":
          this.#derive(run, command.place, commands);
          break;
        case "choose":
          this.#choose(run, command.place, commands);
          break;
        case "refuse":
          this.#refuse(run, command.place, command.error, commands);
          break;
        case "abandon":
          isCancelled = true;
          this.#abandon(run, command.place, commands);
          break;
        case "finish":
        case "fail":
        case "cancel":
          run.ending = endingOf(command);
          break;
        default:
          unreachable(command);
      }
    }
    if (isCancelled) run.deferred = run.deferred.filter(isStillAsked);
  }

  /** An attempt has settled; answers what is recorded of it, and in `commands` what follows. */
  settled(run: LiveRun, attempt: Attempt, result: Settled, at: number, commands: Command[]): Settled {
    const { place, path, number } = attempt;
    const tookMs = Math.max(0, at - attempt.startedAt);
    if (attempt.undo !== null) return this.#undone(run, attempt, attempt.undo, result, at, tookMs, commands);
    const recorded = result.ok ? this.#done(run, place, path, number, result, at, tookMs, commands) : result;
    if (recorded.ok) return recorded;
    if (attempt.mayHaveHappened(recorded)) {
      this.#doubt(run, place, number, recorded.error, commands);
      return { ...recorded, isUnsure: true };
    }
    this.#failed(run, attempt, recorded, at, tookMs, commands);
    return recorded;
  }

  /** The body of a step that is called at most once is about to be called; false: its run does not want it any more. */
  begun(begins: Attempt<LiveRun>): boolean {
    const { run, place, path: node, number: attempt } = begins;
    if (run.isGone || run.attempts.get(node) !== begins) return false;
    const commands: Command[] = [];
    this.#record(run, { kind: "begun", node, at: this.#now(), attempt }, commands, place);
    this.obey(run, commands);
    return true;
  }

  #doubt(run: LiveRun, place: Place, attempt: number, error: RunError, commands: Command[]): void {
    const node = pathOf(run.state.compiled, place.frame, place.node);
    this.#record(run, { kind: "unsure", node, at: this.#now(), attempt, error }, commands, place);
    const token = doubtToken(run.state, place, attempt);
    this.#events.unsure({ workflow: run.context.workflow, run: run.id, node, attempt, token, message: error.message });
  }

  /** A sleep is over, or the patience of a wait, or an approval is to be shown again. */
  woke(run: LiveRun, place: Place, node: string): void {
    const commands: Command[] = [];
    const at = this.#now();
    const { kind } = place.node.node;
    const isDue = wakeTime(run.state, place) <= at;
    const due = kind === "approval" ? dueOf(place, at) : !isDue ? undefined : kind === "wait" ? "timed-out" : "done";
    // A clock that was set back since, or a retry from which it waits anew: it is not due any more.
    if (due === undefined) commands.push(commandFor(run.state, place));
    else if (due !== "done") this.#record(run, { kind: due, node, at }, commands, place);
    else this.#done(run, place, node, 0, { ok: true, output: null }, at, 0, commands);
    this.obey(run, commands);
  }

  /** Makes a message part of the journal; true if it has the run go on. What it asks for is to be obeyed before the next. */
  absorb(run: LiveRun, message: Message, commands: Command[], isLoading = false): boolean {
    if (!run.absorb(message.key) || run.state.absorbed?.has(message.key) === true) return false;
    const entry = entryOf(run, message, this.#now(), isLoading);
    if (entry === null) return false;
    const goesOn = hasGoOn(entry);
    if (goesOn) {
      run.ending = null;
      run.facts?.mayBeGone();
    }
    this.#record(run, entry, commands);
    return goesOn;
  }

  /** The run is on another graph now, or could not be. */
  upgraded(run: LiveRun, entry: Omit<UpgradedEntry, "kind" | "at">): void {
    this.#record(run, { kind: "upgraded", at: this.#now(), ...entry }, []);
  }

  /** The child of a call is there, and knows whom to tell; or it was there, and had ended. */
  called(run: LiveRun, { place, path: node, attempt }: ChildCall, child: string, ended: Returned | null): void {
    const commands: Command[] = [];
    const at = this.#now();
    const message = `read ${child} ${attempt} ${node}`;
    if (ended === null) this.#record(run, { kind: "called", node, at, attempt, child }, commands, place);
    else this.#record(run, { kind: "returned", node, at, message, attempt, child, ...ended }, commands, place);
    this.obey(run, commands);
  }

  /** The function of a script has made a call. */
  asked(run: LiveRun, place: Place, entry: AskedEntry): void {
    const commands: Command[] = [];
    this.#record(run, entry, commands, place);
    this.obey(run, commands);
  }

  /** The function of a script has ended; `harmless`: as in the entry of a failure. */
  scriptEnded(run: LiveRun, place: Place, node: string, settled: Settled, harmless?: readonly number[]): void {
    const commands: Command[] = [];
    const recorded = settled.ok ? this.#done(run, place, node, 0, settled, this.#now(), 0, commands) : settled;
    if (!recorded.ok) this.#refuse(run, place, recorded.error, commands, harmless === undefined ? {} : { harmless });
    this.obey(run, commands);
  }

  /** The child of a call can be neither started nor joined. */
  refused(run: LiveRun, { place }: ChildCall, error: RunError): void {
    const commands: Command[] = [];
    this.#refuse(run, place, error, commands);
    this.obey(run, commands);
  }

  #now(): number {
    return this.#host.ports.clock.now();
  }

  #record(run: LiveRun, entry: Entry, commands: Command[], place?: Place): void {
    this.#host.grew(run.write(writeLine(entry)));
    reduce(run.state, entry, commands, place);
  }

  /** Answers why it is not kept, if it is not. */
  #done(
    run: LiveRun,
    place: Place,
    node: string,
    attempt: number,
    result: Extract<Settled, { ok: true }>,
    at: number,
    tookMs: number,
    commands: Command[],
  ): Settled {
    const { payloadMax } = this.#host;
    const { output } = result;
    const entry: Entry = { kind: "done", node, at, attempt, output: copyJson(output), tookMs };
    const line = writeLine(entry);
    if (line.data.length > payloadMax) {
      const judged = unlessTooLarge(result, node, attempt, payloadMax);
      if (!judged.ok) return judged;
    }
    this.#host.grew(run.write(line));
    reduce(run.state, entry, commands, place);
    return result;
  }

  #failed(
    run: LiveRun,
    { step, place, path: node, number: attempt, isCalled }: Attempt,
    { error, isFinal }: Extract<Settled, { ok: false }>,
    at: number,
    tookMs: number,
    commands: Command[],
  ): void {
    const before = place.frame.retries?.get(place.node.local)?.before ?? 0;
    const retryAt = this.#retryAt(step, { number: attempt - before, failedAt: at, isFinal });
    const said = isCalled || run.mayHaveCalled(place) ? {} : ({ uncalled: true } as const);
    this.#record(run, { kind: "failed", node, at, attempt, error, retryAt, tookMs, ...said }, commands, place);
  }

  /** When the attempt after this one may begin; null: never. */
  #retryAt({ retry, budget }: StepPlan, failed: FailedAttempt): number | null {
    const verdict = nextAttempt(failed, retry, this.#host.ports.random());
    const due = verdict.kind === "give-up" ? null : verdict.at;
    return due === null || budget === null ? due : spend(budget, due, failed.failedAt);
  }

  #undone(
    run: LiveRun,
    { step, path: node, number: attempt }: Attempt,
    { before }: Undo,
    result: Settled,
    at: number,
    tookMs: number,
    commands: Command[],
  ): Settled {
    if (result.ok) this.#record(run, { kind: "undone", node, at, attempt, tookMs }, commands);
    else {
      const { error, isFinal } = result;
      const retryAt = this.#retryAt(step, { number: attempt - before, failedAt: at, isFinal });
      this.#record(run, { kind: "undo-failed", node, at, attempt, error, retryAt, tookMs }, commands);
    }
    return result;
  }

  #refuse(
    run: LiveRun,
    place: Place,
    error: RunError,
    commands: Command[],
    said: Pick<FailedEntry, "harmless"> = {},
  ): void {
    const node = pathOf(run.state.compiled, place.frame, place.node);
    const { attempt } = error;
    const entry: Entry = { kind: "failed", node, at: this.#now(), attempt, error, retryAt: null, tookMs: 0, ...said };
    this.#record(run, entry, commands, place);
  }

  #choose(run: LiveRun, place: Place, commands: Command[]): void {
    const choice = choose(run.state, place);
    if (choice.kind === "refused") return this.#refuse(run, place, choice.error, commands);
    const node = pathOf(run.state.compiled, place.frame, place.node);
    this.#record(run, { kind: "chose", node, at: this.#now(), arm: choice.arm }, commands, place);
  }

  #derive(run: LiveRun, place: Place, commands: Command[]): void {
    const compute = run.plan.derives[place.node.index];
    if (compute === undefined)
      return this.#host.hold(run, codeGone(run.context.workflow, place.node.node.id, "function"));
    const path = pathOf(run.state.compiled, place.frame, place.node);
    const computed = computeDerive(run, place, path, compute);
    const recorded = computed.ok ? this.#done(run, place, path, 0, computed, this.#now(), 0, commands) : computed;
    if (!recorded.ok) this.#refuse(run, place, recorded.error, commands);
  }

  /** Nobody may know yet whether the child is there: it is told all the same. */
  #disown(run: LiveRun, place: Place, attempt: number): void {
    const { registry, store, payloadMax } = this.#host;
    const path = pathOf(run.state.compiled, place.frame, place.node);
    const child =
      knownChild(place) ?? foreseenChild({ run, place, path }, registry, { lanes: store.lanes, payloadMax });
    if (child === undefined || laneOfRun(child) === undefined) return;
    const by = { parent: run.id, node: path, attempt };
    run.owe(farewell(child, by, { isJoined: isJoined(child, run.id, place, path) }, this.#now()));
  }

  #abandon(run: LiveRun, place: Place, commands: Command[]): void {
    const node = pathOf(run.state.compiled, place.frame, place.node);
    const why = run.state.cancelled === null ? "Its result is not needed any more." : "The run was cancelled.";
    run.attempts.get(node)?.stop(new Error(why));
    run.attempts.delete(node);
    run.timers.cancel(node);
    this.#record(run, { kind: "abandoned", node, at: this.#now() }, commands, place);
  }
}
