/**
 * One attempt of a step, from when it asks for its turn until its body has settled.
 * Invariants: what it takes and whether it fails is drawn for it alone; it holds its slot until its body has settled, which heeds
 * its timeout where it waits, and not where it computes.
 */
import type { Waiting } from "../../core/queues/line-state.ts";
import { pathOf } from "../../core/path.ts";
import type { Place, Undo } from "../../core/state.ts";
import { drawn, identity, PURPOSE } from "../model/chance.ts";
import type { Happening } from "./happening.ts";
import type { SimulatedRun } from "./simulated-run.ts";
import type { Slots, SlotWaiting } from "./slots.ts";
import type { SimulatedStep, SimulatedUse } from "./world.ts";

export type Outcome = "done" | "failed" | "timed-out";

export interface AttemptHost {
  readonly now: number;
  plan(at: number, what: Happening): void;
  /** It has a slot, without a line. */
  begins(attempt: SimulatedAttempt): void;
  settled(attempt: SimulatedAttempt, outcome: Outcome): void;
  /** Its slot is free. */
  isOver(attempt: SimulatedAttempt): void;
}

export class SimulatedAttempt implements Waiting, SlotWaiting, Happening {
  readonly run: SimulatedRun;
  readonly place: Place;
  readonly number: number;
  readonly use: SimulatedUse;
  /** Null: it is not to take back what another one did. */
  readonly undo: Undo | null;
  /** When it asked. */
  readonly askedAt: number;
  readonly worker: Slots;
  beganAt = 0;
  readonly #host: AttemptHost;
  /** Its draws. */
  readonly #identity: number;
  /** Those that its body was called with, itself among them; null: it was called for itself. */
  #together: readonly SimulatedAttempt[] | null = null;
  /** Its timeout comes before what it waits for. */
  #isCutOff = false;
  /** It does not wait for others any more. */
  #hasComputed = false;

  // In its line.
  readonly queue: string;
  readonly key: string;
  readonly rank: number;
  readonly id: string;
  readonly cost: number;
  readonly weight = 1;
  readonly isAlone: boolean;
  // In the line for slots.
  readonly age: number;
  position = -1;
  ticket = 0;

  constructor(
    host: AttemptHost,
    run: SimulatedRun,
    place: Place,
    use: SimulatedUse,
    number: number,
    worker: Slots,
    undo: Undo | null = null,
  ) {
    this.run = run;
    this.place = place;
    this.number = number;
    this.use = use;
    this.undo = undo;
    this.worker = worker;
    this.#host = host;
    this.askedAt = host.now;
    const node = run.identityOf(place);
    this.#identity = identity(node, undo === null ? number : -number);
    this.age = run.serial;
    const { queue, name } = use.step;
    const dueAt = undo?.since ?? place.frame.readyAt[place.node.local]!;
    this.queue = name;
    this.key = queue?.hasKeys === true ? run.key : "";
    this.rank =
      queue === null || queue.earlierOf === null ? dueAt : dueAt - queue.earlierOf(drawn(node, PURPOSE.priority));
    this.cost = queue === null || queue.costOf === null ? 1 : queue.costOf(drawn(node, PURPOSE.cost));
    this.id = queue === null ? "" : run.id + pathOf(run.workflow.compiled, place.frame, place.node);
    this.isAlone = queue === null || !queue.isBatched || undo !== null;
  }

  get step(): SimulatedStep {
    return this.use.step;
  }

  hasSlot(): void {
    this.#host.begins(this);
  }

  /** Its body is called, for all of these. */
  begin(together: readonly SimulatedAttempt[]): void {
    const { now } = this.#host;
    for (const attempt of together) attempt.beganAt = now;
    this.#together = together.length > 1 ? together : null;
    const { step, timeoutMs } = this.use;
    const takesMs = step.takes(drawn(this.#identity, PURPOSE.takes));
    this.#isCutOff = takesMs >= timeoutMs;
    this.#host.plan(now + (this.#isCutOff ? timeoutMs : takesMs), this);
  }

  /** It has waited for what it waits for; what it has to compute comes then. */
  happens(): void {
    const { now } = this.#host;
    const { step, timeoutMs } = this.use;
    // One that keeps the loop busy past its timeout is late when it has done.
    const isLate = this.#isCutOff || (this.#hasComputed && now - this.beganAt > timeoutMs);
    if (step.computes !== null && !this.#hasComputed && !isLate) {
      this.#hasComputed = true;
      const ms = step.computes(drawn(this.#identity, PURPOSE.takes));
      return this.#host.plan(this.worker.computes(now, ms), this);
    }
    const together = this.#together ?? [this];
    for (const attempt of together)
      this.#host.settled(attempt, isLate ? "timed-out" : attempt.#fails() ? "failed" : "done");
    this.worker.release();
    for (const attempt of together) this.#host.isOver(attempt);
  }

  #fails(): boolean {
    const { fails } = this.use.step;
    return fails > 0 && this.undo === null && drawn(this.#identity, PURPOSE.fails) < fails;
  }
}
