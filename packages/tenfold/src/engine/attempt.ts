/**
 * One attempt on its way: in the line for a slot, then its body called, then settled.
 * Invariants: it releases its slot when its body has settled; it answers its run once, or never if it was stopped.
 */
import { pathOf } from "../core/path.ts";
import { resume } from "../core/reduce.ts";
import { bornOf, RETRYING, type Place, type RunState, type Undo } from "../core/state.ts";
import { copyJson } from "../value/json.ts";
import { AttemptFiles } from "./attempt-files.ts";
import { callBody, inputOf, type Settled } from "./body.ts";
import { AttemptContext, type ContextRun } from "./context.ts";
import type { Ports } from "./ports.ts";
import type { RunFiles } from "./run-files.ts";
import type { StepPlan } from "./registry.ts";
import type { LaneSlots } from "./slots.ts";
import { judged } from "./unless.ts";

/** The reason with which a body's signal aborts, and with which its attempt is then recorded. */
class StepTimedOut extends Error {
  constructor(node: string, timeoutMs: number) {
    super(`${node} took longer than its timeout of ${timeoutMs} ms; it was told to stop, and its result is not used.`);
    this.name = "StepTimedOut";
  }
}

/** The run that an attempt works for. */
export interface AttemptRun {
  readonly id: string;
  readonly state: RunState;
  readonly context: ContextRun;
}

/** Whoever started the attempt, and hears of it. */
export interface AttemptHost<R extends AttemptRun> {
  readonly ports: Ports;
  readonly slots: LaneSlots;
  settled(attempt: Attempt<R>, result: Settled): void;
  filesOf(run: R): RunFiles;
  progressed(attempt: Attempt<R>, done: number, total: number | undefined): void;
}

export class Attempt<R extends AttemptRun = AttemptRun> {
  /** The run's id: the line for slots is served in its order. */
  readonly id: string;
  readonly run: R;
  place: Place;
  readonly path: string;
  readonly number: number;
  readonly step: StepPlan;
  /** What it takes back; null: it calls the step's body. */
  readonly undo: Undo | null;
  startedAt = 0;
  readonly #host: AttemptHost<R>;
  #context: AttemptContext | null = null;
  #isStopped = false;
  #cancelTimeout: (() => void) | null = null;

  constructor(host: AttemptHost<R>, run: R, place: Place, number: number, step: StepPlan, undo: Undo | null = null) {
    this.id = run.id;
    this.run = run;
    this.place = place;
    this.number = number;
    this.step = step;
    this.undo = undo;
    this.path = pathOf(run.state.compiled, place.frame, place.node);
    this.#host = host;
  }

  get isRunning(): boolean {
    return this.#context !== null;
  }

  /** Something may have come of it. */
  get isCalled(): boolean {
    return this.#context?.isCalled === true;
  }

  /** A slot is free: calls the body. */
  call(): void {
    const { ports, slots } = this.#host;
    if (this.#isStopped) return slots.release();
    if (slots.isPaused) return slots.setAside(this);
    this.startedAt = ports.clock.now();
    const { place, run } = this;
    const readyAt = this.undo === null ? place.frame.readyAt[place.node.local]! : this.undo.since;
    const context = new AttemptContext(this, run.context, readyAt, ports.log);
    this.#context = context;
    this.#armTimeout();
    const input = inputOf(run.state, place);
    const settle = (result: Settled): void => this.#settled(result);
    const undoes = this.undo === null ? null : { output: copyJson(place.frame.outputs[place.node.local]) };
    if (input.ok) callBody(this.step, copyJson(input.output), context, ports.executor, settle, undoes);
    else settle(input);
  }

  get key(): string {
    return keyOf(this.run.id, this.path, this.place, this.undo !== null);
  }

  /** Its run is on another graph: its node is this one there. */
  standsAt(place: Place): void {
    this.place = place;
    if (place.frame.waits[place.node.local] === RETRYING) resume(place);
  }

  progressed(done: number, total: number | undefined): void {
    this.#host.progressed(this, done, total);
  }

  filesFor(signal: AbortSignal): AttemptFiles {
    const { run, path: node } = this;
    return new AttemptFiles(this.#host.filesOf(run), { run: run.id, node, signal });
  }

  /** Tells the body to stop; whatever it answers is not used. */
  stop(reason: unknown): void {
    this.#isStopped = true;
    this.#cancelTimeout?.();
    this.#context?.abort(reason);
  }

  #armTimeout(): void {
    const { timeoutMs } = this.step;
    if (timeoutMs === null) return;
    this.#cancelTimeout = this.#host.ports.clock.at(this.startedAt + timeoutMs, () => {
      if (this.#isStopped) return;
      const timedOut = this.#timedOut(timeoutMs);
      this.stop(timedOut.thrown);
      this.#tell(timedOut);
    });
  }

  #timedOut(timeoutMs: number): Extract<Settled, { ok: false }> {
    const thrown = new StepTimedOut(this.undo === null ? this.path : `The undo of ${this.path}`, timeoutMs);
    const { path: node, number: attempt } = this;
    const error = { code: "STEP_TIMED_OUT", message: thrown.message, node, attempt, name: thrown.name };
    return { ok: false, error, isFinal: false, thrown };
  }

  /** A body that kept the loop busy past its timeout settles before the timer fires: it is late all the same. */
  #unlessLate(result: Settled): Settled {
    const { timeoutMs } = this.step;
    if (timeoutMs === null || this.#host.ports.clock.now() - this.startedAt <= timeoutMs) return result;
    return this.#timedOut(timeoutMs);
  }

  #settled(result: Settled): void {
    this.#cancelTimeout?.();
    this.#context?.settled();
    if (!this.#isStopped) {
      this.#isStopped = true;
      this.#tell(this.#unlessLate(result));
    }
    this.#host.slots.release();
  }

  #tell(result: Settled): void {
    this.#host.settled(this, result.ok ? result : judged(this.step.unless, result));
  }
}

/** The idempotency key of a node of a run: the same for each attempt, until it was undone; its undo has one of its own. */
function keyOf(run: string, path: string, { frame, node }: Place, isUndo: boolean): string {
  const { key } = bornOf(frame, node.local);
  return `${run}/${path}${key === 0 ? "" : `#${key}`}${isUndo ? "/undo" : ""}`;
}
