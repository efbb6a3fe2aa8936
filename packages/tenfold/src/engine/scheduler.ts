/**
 * Has the schedules of one lane go on: wakes when the next tick is due, and not before.
 * Invariants: who has a schedule go on from where is decided by the store, so that many workers do no harm to each
 * other; one turn at a time; a schedule that cannot go on keeps no other one waiting.
 */
import type { Reached } from "../store/schedules.ts";
import type { Store } from "../store/store.ts";
import { TenfoldError } from "../value/error.ts";
import { isClosed, isPassing } from "./passing.ts";
import type { Clock, Log, LogLevel } from "./ports.ts";
import { startChosen, stepOf, type GoOn } from "./schedule-steps.ts";
import type { Starts } from "./starts.ts";
import { nameOf, type Scheduled } from "./tick-starts.ts";

/** Schedules that take part in one turn. */
const SCHEDULES_MAX = 500;
/** How long a schedule waits whose tick could not be started: doubled until it can. */
const RETRY_FIRST_MS = 1000;
const RETRY_MAX_MS = 60_000;
/** A queue looks for the end of a run when one is told of, at most so often, and now and then by itself. */
const ENDED_GAP_MS = 250;
const ENDED_POLL_MS = 10_000;
/** Before any time that a clock tells. */
const AT_ONCE = 0;

export interface SchedulerParts {
  readonly store: Store;
  readonly lane: number;
  readonly clock: Clock;
  readonly log: Log;
  readonly starts: Starts;
  readonly schedules: readonly Scheduled[];
}

/** A schedule, and when to look at it again. */
interface Plan {
  readonly scheduled: Scheduled;
  lookAt: number;
  retryMs: number;
  /** Its next tick waits for the end of a run. */
  isQueued: boolean;
}

interface Planned {
  readonly plan: Plan;
  readonly step: GoOn;
}

export class Scheduler {
  readonly #parts: SchedulerParts;
  readonly #plans: readonly Plan[];
  #timer: { readonly at: number; readonly cancel: () => void } | null = null;
  #unwatch: (() => void) | null = null;
  #isTurning = false;
  #hasHeard = false;
  #isStopped = false;

  constructor(parts: SchedulerParts) {
    this.#parts = parts;
    this.#plans = parts.schedules.map((scheduled) => {
      return { scheduled, lookAt: AT_ONCE, retryMs: RETRY_FIRST_MS, isQueued: false };
    });
  }

  open(): void {
    this.#arm();
  }

  /** Starts no tick from now on; what is under way may still be written. */
  stop(): void {
    this.#isStopped = true;
    this.#timer?.cancel();
    this.#unwatch?.();
  }

  #arm(): void {
    if (this.#isStopped || this.#isTurning) return;
    const { clock } = this.#parts;
    const first = this.#plans.reduce((sofar, { lookAt }) => Math.min(sofar, lookAt), Infinity);
    const at = Math.max(clock.now(), first);
    if (at === Infinity || this.#timer?.at === at) return;
    this.#timer?.cancel();
    const cancel = clock.at(at, () => {
      this.#timer = null;
      void this.#turn();
    });
    this.#timer = { at, cancel };
  }

  async #turn(): Promise<void> {
    const now = this.#parts.clock.now();
    const due = this.#plans
      .filter(({ lookAt }) => lookAt <= now)
      .sort((one, other) => one.lookAt - other.lookAt)
      .slice(0, SCHEDULES_MAX);
    this.#isTurning = true;
    this.#hasHeard = false;
    try {
      if (due.length > 0) await this.#goOn(due);
    } catch (thrown) {
      if (isClosed(thrown) && this.#isStopped) return;
      if (!isPassing(thrown)) throw thrown;
      for (const plan of due) this.#later(plan);
    } finally {
      this.#isTurning = false;
    }
    this.#listen();
    this.#arm();
  }

  async #goOn(due: readonly Plan[]): Promise<void> {
    const { store, lane } = this.#parts;
    const names = due.map(({ scheduled }) => nameOf(scheduled));
    const reached = await store.schedules.reached(lane, names);
    const steps = await Promise.all(due.map((plan, nth) => this.#unlessRefused(plan, () => this.#look(plan, reached[nth]!)))); // prettier-ignore
    const taken = await this.#advance(steps);
    const chosen = taken.filter(({ step }) => step.chosen !== null);
    const started = chosen.map(({ plan, step }) =>
      this.#unlessRefused(plan, async () => ({ plan, step: await startChosen(this.#parts, step) })),
    );
    await this.#advance(await Promise.all(started));
  }

  /** How a schedule is to go on; null: not now. */
  async #look(plan: Plan, reached: Reached | null): Promise<Planned | null> {
    const now = this.#parts.clock.now();
    const step = await stepOf(this.#parts, plan.scheduled, reached, now);
    plan.isQueued = step.kind === "wait";
    if (step.kind === "go-on") return { plan, step };
    plan.lookAt = step.kind === "wait" ? now + ENDED_POLL_MS : this.#nextTick(plan, step.settled);
    return null;
  }

  /** Answers those that this worker had go on; of the others it shows at once where they are. */
  async #advance(planned: readonly (Planned | null)[]): Promise<readonly Planned[]> {
    const all = planned.filter((each) => each !== null);
    if (all.length === 0 || this.#isStopped) return [];
    const { store, lane } = this.#parts;
    const batch = all.map(({ step }) => step.advance);
    const isDone = await store.schedules.advance(lane, batch);
    for (const [nth, { plan, step }] of all.entries()) {
      plan.retryMs = RETRY_FIRST_MS;
      plan.lookAt = isDone[nth]! ? this.#nextTick(plan, step.advance.to.at) : AT_ONCE;
      if (isDone[nth]!) for (const { level, message, facts } of step.notes) this.#tell(plan, level, message, facts);
    }
    return all.filter((_, nth) => isDone[nth]!);
  }

  /** A tick that cannot be started keeps its schedule waiting, and no other one. */
  async #unlessRefused(plan: Plan, act: () => Promise<Planned | null>): Promise<Planned | null> {
    try {
      return await act();
    } catch (thrown) {
      if (!(thrown instanceof TenfoldError) || thrown.code === "INVARIANT_BROKEN" || isClosed(thrown)) throw thrown;
      if (!isPassing(thrown)) {
        plan.retryMs = RETRY_MAX_MS;
        this.#tell(plan, "error", "a tick could not be started; it is tried again", { reason: thrown.message });
      }
      this.#later(plan);
      return null;
    }
  }

  #nextTick({ scheduled }: Plan, settled: number): number {
    return scheduled.ticks.next(settled) ?? Infinity;
  }

  #later(plan: Plan): void {
    plan.lookAt = this.#parts.clock.now() + plan.retryMs;
    plan.retryMs = Math.min(plan.retryMs * 2, RETRY_MAX_MS);
  }

  /** Hears of runs that end while a tick waits for one. */
  #listen(): void {
    const isWaiting = this.#plans.some(({ isQueued }) => isQueued);
    if (!isWaiting || this.#isStopped) {
      this.#unwatch?.();
      this.#unwatch = null;
    } else if (this.#unwatch === null) {
      this.#unwatch = this.#parts.store.watch("ended", () => this.#ended());
      // It may have ended before this watched.
      this.#ended();
    } else if (this.#hasHeard) this.#ended();
  }

  #ended(): void {
    this.#hasHeard = true;
    const soon = this.#parts.clock.now() + ENDED_GAP_MS;
    for (const plan of this.#plans) if (plan.isQueued) plan.lookAt = Math.min(plan.lookAt, soon);
    this.#arm();
  }

  #tell({ scheduled }: Plan, level: LogLevel, message: string, facts: Readonly<Record<string, unknown>>): void {
    this.#parts.log.write(level, message, { ...nameOf(scheduled), ...facts });
  }
}
