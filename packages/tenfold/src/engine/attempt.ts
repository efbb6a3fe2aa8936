/**
 * One attempt on its way: in the line for a slot, then its body called, then settled.
 * Invariants: it releases its slot, and its thread, when its body has settled; it answers its run once, or never if it was stopped; the body
 * of a step that is called at most once is called when it is durable that it was begun, and not before.
 */
import { keyAt, keyText } from "../core/marks.ts";
import { pathOf } from "../core/path.ts";
import { resume } from "../core/reduce.ts";
import { RETRYING, type Place, type RunState, type Undo } from "../core/state.ts";
import type { Lease, Store } from "../store/store.ts";
import { copyJson, type Json } from "../value/json.ts";
import { NotDone } from "../flow/not-done.ts";
import { RateLimited } from "../flow/rate-limited.ts";
import { AttemptFiles } from "./attempt-files.ts";
import type { BatchCall } from "./batch-call.ts";
import { callBody, execute, inputOf, parseInput, unlessTooLarge, type Settled } from "./body.ts";
import { AttemptContext, type ContextRun } from "./context.ts";
import type { Ports } from "./ports.ts";
import type { RunFiles } from "./run-files.ts";
import type { StepPlan } from "./registry.ts";
import type { LaneSlots } from "./slots.ts";
import { callInTransaction, type Transacted } from "./transacted.ts";
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

/** Its turn in the queue of its step. */
export interface AttemptTurn {
  /** Its body has settled; `spent`: what it took of the rate, where it said so; `comesAgain`: there is to be another attempt. */
  over(spent: number | null, comesAgain: boolean): void;
  /** Calls what begins its body, at once or when rates let it. */
  begin(call: () => void): void;
  /** Its body was told to come later. */
  slow(forMs: number): void;
  /** It is stopped before its body was called. */
  gaveUp(): void;
}

/** Whoever started the attempt, and hears of it. */
export interface AttemptHost<R extends AttemptRun> {
  readonly ports: Ports;
  readonly slots: LaneSlots;
  settled(attempt: Attempt<R>, result: Settled): void;
  filesOf(run: R): RunFiles;
  /** The body is to be called once it is durable that it was begun: `perform` is called then. */
  begun(attempt: Attempt<R>): void;
  /** The longest JSON text of an output (characters). */
  readonly payloadMax: number;
  readonly store: Store;
  readonly lease: Lease;
  /** False where the lease may have been taken over without its worker having heard of it. */
  readonly holdsLease: boolean;
  leaseLost(): void;
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
  /** In the queue of its step; null: it has none, or has not asked. */
  turn: AttemptTurn | null = null;
  /** What its body said that it took of the rates of its queue; null: it said nothing. */
  spentAmount: number | null = null;
  readonly #host: AttemptHost<R>;
  #context: AttemptContext | null = null;
  #isStopped = false;
  #cancelTimeout: (() => void) | null = null;
  /** Calls a body that is called at most once; null: its attempt was not begun. */
  #body: (() => void) | null = null;
  /** That it was begun is durable. */
  #isDurable = false;
  /** Of a step that is called on one: it is its own until its body has settled. */
  #hasThread = false;
  /** The call of its body for several attempts, which has their slot; null: it is called for itself. */
  #batch: BatchCall | null = null;
  #hasJoined = false;

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

  /** A slot is free: calls the body, or has it called together with those of others. */
  call(batch: BatchCall | null = null): void {
    const { slots } = this.#host;
    this.#batch = batch;
    if (this.#isStopped) return this.#release();
    if (batch === null && slots.isPaused) return this.#setAside();
    if (!this.#takesThread()) return;
    if (this.#isDurable) this.#whenItMay(() => this.#callDurable());
    // What is to be durable before its body, or in its transaction, comes before that begins.
    else if (batch !== null || (this.undo === null && (this.step.once || this.step.transacts))) this.#callNow(batch);
    else this.#whenItMay(() => (slots.isPaused ? this.#setAside() : this.#callNow(null)));
  }

  /** Calls its body, or what is to come of it, when that may begin by the limits of its queue. */
  #whenItMay(call: () => void): void {
    const { turn } = this;
    if (turn === null) call();
    else turn.begin(() => (this.#isStopped ? this.#release() : call()));
  }

  #callNow(batch: BatchCall | null): void {
    const { ports } = this.#host;
    const { place, run } = this;
    this.startedAt = ports.clock.now();
    const readyAt = this.undo === null ? place.frame.readyAt[place.node.local]! : this.undo.since;
    const context = new AttemptContext(this, run.context, readyAt, ports.log);
    this.#context = context;
    this.#armTimeout();
    const input = inputOf(run.state, place);
    const settle = (result: Settled): void => this.#settledAs(this.#isStopped ? result : this.#unlessLate(result));
    if (!input.ok) settle(input);
    else if (this.undo !== null) {
      const undoes = { output: copyJson(place.frame.outputs[place.node.local]) };
      callBody(this.step, copyJson(input.output), context, ports.executor, settle, undoes);
    } else if (batch !== null) this.#join(batch, copyJson(input.output), context, settle);
    else if (this.step.transacts) this.#transact(copyJson(input.output), context, settle);
    else if (this.step.once) this.#begin(copyJson(input.output), context, settle);
    else callBody(this.step, copyJson(input.output), context, ports.executor, settle);
  }

  /** False: there is no thread for it now. It waits without its slot, so that bodies that only wait do not wait for it. */
  #takesThread(): boolean {
    const { slots } = this.#host;
    if (this.step.step.threads === undefined || this.#hasThread) return true;
    this.#hasThread = slots.threads.tryTake();
    if (this.#hasThread) return true;
    const call = (): void => {
      this.#hasThread = true;
      slots.take(this);
    };
    slots.threads.take({ id: this.id, call });
    slots.release();
    return false;
  }

  #leaveThread(): void {
    if (this.#hasThread) this.#host.slots.threads.release();
    this.#hasThread = false;
  }

  #setAside(): void {
    this.#leaveThread();
    this.#host.slots.setAside(this);
  }

  #join(batch: BatchCall, input: Json | undefined, context: AttemptContext, settle: (result: Settled) => void): void {
    const [plan, { executor }] = [this.step, this.#host.ports];
    parseInput(plan, input, context, settle, (parsed) => {
      if (this.#isStopped) return this.#release();
      this.#hasJoined = true;
      batch.joins({ plan, input: parsed, context, executor, settle, isStopped: () => this.#isStopped });
    });
  }

  #begin(input: Json | undefined, context: AttemptContext, settle: (result: Settled) => void): void {
    const { executor } = this.#host.ports;
    parseInput(this.step, input, context, settle, (parsed) => {
      if (this.#isStopped) return this.#release();
      this.#cancelTimeout?.();
      this.#body = () => execute(this.step, parsed, context, executor, settle, null);
      this.#host.begun(this);
    });
  }

  #transact(input: Json | undefined, context: AttemptContext, settle: (result: Settled) => void): void {
    const { id, number, step } = this;
    const { ports, payloadMax, store, lease } = this.#host;
    const { clock, executor } = ports;
    parseInput(step, input, context, settle, (parsed) => {
      // What it waits for from here on, until its body is called, is not the body's time.
      this.#cancelTimeout?.();
      const call: Transacted = {
        ...{ run: id, number, step, input: parsed, context, executor, clock },
        isStopped: () => this.#isStopped,
        begin: (body) => (this.turn === null ? body() : this.turn.begin(body)),
        kind: store.transactions.kind,
        transact: (work) => store.transactions.transact(lease, work),
        leaseLost: () => this.#host.leaseLost(),
        called: () => {
          this.#cancelTimeout?.();
          this.startedAt = clock.now();
          this.#armTimeout();
        },
        judged: (result) => {
          this.#cancelTimeout?.();
          return unlessTooLarge(this.#unlessLate(result), this.path, number, payloadMax);
        },
      };
      void callInTransaction(call).then((result) => this.#settledAs(result));
    });
  }

  /** Its body is not called: this came of it instead. */
  refuse(result: Extract<Settled, { ok: false }>): void {
    if (this.#isStopped) return;
    this.startedAt = this.#host.ports.clock.now();
    this.#isStopped = true;
    this.#tell(result);
  }

  /** That it was begun is durable: calls the body. */
  perform(): void {
    if (this.#isStopped || this.#isDurable) return;
    this.#isDurable = true;
    this.call();
  }

  #callDurable(): void {
    // Somebody may have said meanwhile that it did not happen.
    if (!this.#host.holdsLease) {
      this.#release();
      return this.#host.leaseLost();
    }
    this.startedAt = this.#host.ports.clock.now();
    this.#armTimeout();
    this.#body!();
  }

  /** Whether this failure leaves it open that what the step is for has happened. */
  mayHaveHappened({ thrown }: Extract<Settled, { ok: false }>): boolean {
    return this.#body !== null && !(thrown instanceof NotDone);
  }

  /** The idempotency key: the same for each attempt, until what it did was undone; an undo has one of its own. */
  get key(): string {
    const { run, path, place, undo } = this;
    return `${keyText(run.id, path, keyAt(run.state, path, place))}${undo === null ? "" : "/undo"}`;
  }

  /** Its run is on another graph: its node is this one there. */
  standsAt(place: Place): void {
    this.place = place;
    if (place.frame.waits[place.node.local] === RETRYING) resume(place);
  }

  progressed(done: number, total: number | undefined): void {
    this.#host.progressed(this, done, total);
  }

  spent(amount: number): void {
    // A response may lack its usage: what is no amount is as if nothing had been said.
    if (Number.isFinite(amount) && amount >= 0) this.spentAmount = amount;
  }

  filesFor(signal: AbortSignal): AttemptFiles {
    const { run, path: node } = this;
    return new AttemptFiles(this.#host.filesOf(run), { run: run.id, node, signal });
  }

  /** Tells the body to stop; whatever it answers is not used. */
  stop(reason: unknown): void {
    const { ports } = this.#host;
    if (!this.isRunning) this.turn?.gaveUp();
    // It holds its slot, and will never be called. Whoever waits for it is served once all that stops now has stopped.
    if (!this.#isStopped && this.#body !== null && !this.#isDurable) ports.clock.soon(() => this.#release());
    this.#isStopped = true;
    this.#cancelTimeout?.();
    this.#context?.abort(reason);
    this.#batch?.stopped(reason);
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

  #settledAs(result: Settled): void {
    this.#cancelTimeout?.();
    this.#context?.settled();
    if (!this.#isStopped) {
      this.#isStopped = true;
      this.#tell(result);
    }
    this.#release();
  }

  /** Others may be called in its place. */
  #release(): void {
    this.#leaveThread();
    if (this.#batch === null) this.#host.slots.release();
    const { frame, node } = this.place;
    const comesAgain = this.undo === null && frame.waits[node.local] === RETRYING;
    this.turn?.over(this.spentAmount, comesAgain);
    this.#batch?.leaves(this.#hasJoined);
  }

  #tell(result: Settled): void {
    if (!result.ok && result.thrown instanceof RateLimited) this.turn?.slow(result.thrown.retryAfterMs);
    this.#host.settled(this, result.ok ? result : judged(this.step.unless, result));
  }
}
