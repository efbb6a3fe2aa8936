/**
 * What came of a simulation, counted as it goes: how long runs took, what failed, how long attempts waited and worked.
 * Invariants: what came before `from` is in no latency and no wait; runs in flight, added up over time, are the times that runs were there,
 * added up over runs (J. Little, "A proof for the queuing formula L = λW", 1961).
 */
import { Histogram } from "../statistics/histogram.ts";
import type { Outcome, SimulatedAttempt } from "./simulated-attempt.ts";
import type { SimulatedRun } from "./simulated-run.ts";
import type { Watch } from "./simulation.ts";
import type { World } from "./world.ts";

/** Of one step, in all workflows. */
export interface StepTally {
  readonly name: string;
  /** From when an attempt asks until its body begins (ms). */
  readonly waits: Histogram;
  began: number;
  failed: number;
  timedOut: number;
  /** How long its bodies held their slots (ms). */
  busyMs: number;
}

/** What Little's law is about. */
export interface Presence {
  /** Runs in flight, added up over time, and the times of runs since `from`, added up (run ms). */
  readonly inFlightMs: number;
  readonly presentMs: number;
}

export class Tally implements Watch {
  /** From when a run was to start until its end is written (ms). */
  readonly latency = new Histogram();
  readonly steps: readonly StepTally[];
  /** Runs that came from `from` on, and those of them that have ended, well or not. */
  arrived = 0;
  completed = 0;
  failed = 0;
  readonly #from: number;
  readonly #now: () => number;
  readonly #present = new Set<SimulatedRun>();
  #countedUntil: number;
  #inFlightMs = 0;
  #presentMs = 0;

  /** `from`: ms of virtual time, which `now` tells. */
  constructor({ steps }: World, from: number, now: () => number) {
    this.#from = this.#countedUntil = from;
    this.#now = now;
    this.steps = steps.map(({ name }) => {
      return { name, waits: new Histogram(), began: 0, failed: 0, timedOut: 0, busyMs: 0 };
    });
  }

  came(run: SimulatedRun): void {
    this.#count();
    this.#present.add(run);
    if (run.caller === null && run.cameAt >= this.#from) this.arrived++;
  }

  asked(): void {}

  began({ step, askedAt }: SimulatedAttempt): void {
    const now = this.#now();
    if (askedAt < this.#from) return;
    const tally = this.steps[step.number]!;
    tally.began++;
    tally.waits.add(now - askedAt);
  }

  settled({ step, beganAt }: SimulatedAttempt, outcome: Outcome): void {
    const now = this.#now();
    if (now < this.#from) return;
    const tally = this.steps[step.number]!;
    tally.busyMs += now - Math.max(beganAt, this.#from);
    if (outcome === "failed") tally.failed++;
    else if (outcome === "timed-out") tally.timedOut++;
  }

  ended(run: SimulatedRun): void {
    const now = this.#now();
    this.#count();
    this.#present.delete(run);
    if (now > this.#from) this.#presentMs += now - Math.max(run.cameAt, this.#from);
    // What a child took is in its parent's time.
    if (run.caller !== null || run.cameAt < this.#from) return;
    this.latency.add(now - run.cameAt);
    if (run.ending?.kind === "finish") this.completed++;
    else this.failed++;
  }

  /** As of now: both sides are the same, but for rounding. */
  presence(): Presence {
    this.#count();
    const now = this.#now();
    let presentMs = this.#presentMs;
    for (const { cameAt } of this.#present) presentMs += now - Math.max(cameAt, this.#from);
    return { inFlightMs: this.#inFlightMs, presentMs };
  }

  #count(): void {
    const now = this.#now();
    if (now <= this.#from) return;
    this.#inFlightMs += this.#present.size * (now - this.#countedUntil);
    this.#countedUntil = now;
  }
}
