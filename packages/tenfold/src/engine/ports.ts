/** What the engine asks of the world: time, chance, bodies, a log. Tests and the simulator bring their own. */
import type { BatchContext } from "../flow/batch.ts";
import type { StepContext, StepDefinition } from "../flow/definition.ts";

export interface Clock {
  /** The store's time as this worker knows it (ms since 1970). */
  now(): number;
  /** Time that only ever passes (ms since whenever): for how long, never for when. */
  elapsed(): number;
  /** Calls `callback` once, not before `at`; answers how to take it back. */
  at(at: number, callback: () => void): () => void;
  /** Calls `callback` when what is happening now has happened: the results of this turn of the loop are in. */
  soon(callback: () => void): void;
}

export function waitFor(clock: Clock, ms: number): Promise<void> {
  return new Promise((resolve) => void clock.at(clock.now() + ms, resolve));
}

/** Resolves when `holds` does, looked at again and again. */
export async function waitUntil(clock: Clock, holds: () => boolean): Promise<void> {
  for (let delayMs = 0; !holds(); delayMs = Math.min(delayMs + 1, 10)) await waitFor(clock, delayMs);
}

/** What a step's undo is to take back: the output that is recorded, or undefined where none is. */
export interface Undoes {
  readonly output: unknown;
}

/** Calls a body, or, with `undoes`, the step's undo. Whatever it throws or rejects with is the attempt's failure. */
export interface Executor {
  execute(step: StepDefinition, input: unknown, ctx: StepContext, undoes: Undoes | null): unknown;
  /** Calls the body of a step that takes several inputs; where it is not there, the step's own. */
  executeBatch?(step: StepDefinition, inputs: readonly unknown[], ctx: BatchContext): unknown;
  /** The step as it is executed here, of one that a script calls: tests follow its schemas. */
  prepare?(step: StepDefinition): StepDefinition;
  /** Nothing is called any more; what still runs elsewhere is ended. */
  close?(): Promise<void>;
}

export type LogLevel = "debug" | "info" | "warn" | "error";

export interface Log {
  write(level: LogLevel, message: string, facts: Readonly<Record<string, unknown>>): void;
}

/** Who this process is, and whether another one on the same machine is surely gone. */
export interface Host {
  /** The worker's name: the same after a restart. */
  readonly worker: string;
  readonly host: string;
  readonly process: string;
  isGone(process: string): boolean;
}

/** All of the above, as the parts of an engine share them. */
export interface Ports {
  readonly clock: Clock;
  readonly random: () => number;
  readonly executor: Executor;
  readonly log: Log;
}
