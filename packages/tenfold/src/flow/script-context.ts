/** What the function of a script is given: all that it may wait for, and what it may know. */
import type { Duration } from "../value/duration.ts";
import type { Schema } from "../value/schema.ts";
import type { StepContext, StepLog, Workflow } from "./definition.ts";
import type { Step } from "./step.ts";

type CallInput<I> = undefined extends I ? [input?: I] : [input: I];

/** The signals that a script may wait for, each with its schema, null for whatever is JSON. */
export type ScriptSignals = Readonly<Record<string, Schema | null>>;

/** What such a signal carries, once its schema has read it. */
type Carried<S> = [S] extends [Schema<infer T>] ? T : unknown;

/**
 * The context of a script. Whatever it answers as a promise is recorded, and is the same when the function is called again:
 * a function that awaits nothing else, and decides by nothing else, comes to where it was.
 */
export interface ScriptContext<S extends ScriptSignals = ScriptSignals> {
  /** Has a step executed, with its own retries and timeout; rejects with a TenfoldError once it has failed for good. */
  call<I, O, Parsed, Returned>(step: Step<I, O, Parsed, Returned>, ...input: CallInput<I>): Promise<O>;
  /** Has a run of another workflow started, the child, and waits for its end. */
  call<I, O>(workflow: Workflow<I, O>, ...input: CallInput<I>): Promise<O>;
  sleep(duration: Duration): Promise<null>;
  /** Until a moment: ms since 1970, or ISO 8601 with an offset; at once if it is past. */
  sleepUntil(moment: string | number): Promise<null>;
  /**
   * What the next signal of this name carries, of the type that its schema in the script's `signals` says; rejects with
   * SIGNAL_TIMED_OUT where none came within `timeout`.
   */
  waitFor<T = never, N extends keyof S & string = keyof S & string>(
    signal: N,
    options?: ScriptWaitOptions,
  ): Promise<[T] extends [never] ? Carried<S[N]> : T>;
  /** The results of all, in order, once each has come; where some failed, the first of these in the list is thrown then. */
  all<const T extends readonly unknown[]>(promises: T): Promise<{ -readonly [K in keyof T]: Awaited<T[K]> }>;
  /** When the last result came, or the script began (ms since 1970): journal time, the same whenever it is replayed. */
  now(): number;
  /** Chance in [0, 1): the same sequence whenever it is replayed. */
  random(): number;
  uuid(): string;
  /** Says nothing while the function only comes to where it was. */
  readonly log: StepLog;
  readonly run: StepContext["run"];
  /** The script's path in its run. */
  readonly node: string;
}

export interface ScriptWaitOptions {
  /** Which of several things it is about: only a signal that is sent `{ for: … }` the same one is taken. */
  readonly for?: string | number;
  /** How long it is waited for; without it, for ever. */
  readonly timeout?: Duration;
}
