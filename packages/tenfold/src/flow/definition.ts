/** What a user defined, as frozen data plus its code: a step, a workflow, and what a body is given. */
import type { Duration } from "../value/duration.ts";
import type { Schema } from "../value/schema.ts";
import type { StepFiles } from "./files.ts";
import type { Graph } from "./graph.ts";
import type { QueueDefinition } from "./queue-definition.ts";
import type { ThreadModule } from "./thread-module.ts";
import type { TriggerDefinition } from "./trigger.ts";

/** What a step's body is given beside its input. */
export interface StepContext {
  /** The same for every attempt of this node in this run: the idempotency key for the outside world. */
  readonly key: string;
  /** The number of this attempt, from 1. */
  readonly attempt: number;
  /** Aborts on timeout, cancel, shutdown, or when this worker is about to lose the run. */
  readonly signal: AbortSignal;
  readonly log: StepLog;
  readonly run: {
    readonly id: string;
    readonly workflow: string;
    readonly key: string | null;
    readonly tenant: string;
  };
  readonly node: string;
  /** Tells how far a long body is: shown by `tenfold dev` while it runs, and told to `tenfold.on("progress", …)` there. */
  progress(done: number, total?: number): void;
  /** Tells what this call really took of the rates of its queue, in the unit of `cost`; the last one counts. */
  spent(amount: number): void;
  /** Artifacts of the run, such as an `.xlsx`: kept in the store, and found by later steps and by people. */
  readonly files: StepFiles;
  /** Chance in [0, 1) derived from `key`: the same sequence in every attempt. */
  random(): number;
  /** A UUID derived from `key`: the same sequence in every attempt. */
  uuid(): string;
  /** When this node became ready (ms since 1970): the same in every attempt. */
  now(): number;
}

export interface StepLog {
  debug(message: string, facts?: Readonly<Record<string, unknown>>): void;
  info(message: string, facts?: Readonly<Record<string, unknown>>): void;
  warn(message: string, facts?: Readonly<Record<string, unknown>>): void;
  error(message: string, facts?: Readonly<Record<string, unknown>>): void;
}

export interface RetryOptions {
  /** Attempts in all, the first included; 3 by default, 1 never retries. */
  readonly attempts?: number;
  /** How the delay grows from attempt to attempt; "exponential" by default. */
  readonly backoff?: "exponential" | "constant";
  /** The delay before the second attempt; "1s" by default. */
  readonly first?: Duration;
  /** The longest delay; "5m" by default. */
  readonly max?: Duration;
  /** "full" (the default) draws the delay uniformly from [0, delay]; "none" takes it as it is. */
  readonly jitter?: "full" | "none";
  /**
   * Says that an error is final: true ends the retries at once. It decides at once: an async one is refused. One that
   * throws has decided nothing: the attempt counts as one that may be made again, and its message says both.
   */
  readonly unless?: (error: unknown) => boolean;
  /**
   * The share of attempts that may be retries ("10%"), per step and worker. A spent budget delays retries and
   * lets one probe through a second; it never fails a run.
   */
  readonly budget?: `${number}%`;
}

/** The stores whose transactions a step may ask for. */
export type StepTransaction = "sqlite" | "postgres";

/** The part of a step's options that one use of it may set anew (`enrich.with({ timeout: "1s" })(lead)`). */
export interface StepOverrides {
  readonly retry?: RetryOptions;
  /** The longest one attempt may take; none by default. */
  readonly timeout?: Duration;
}

/** A step as the engine sees it; types are erased, schemas and body are kept. */
export interface StepDefinition extends StepOverrides {
  readonly name: string;
  readonly input?: Schema;
  readonly output?: Schema;
  /** With a batch in its queue it takes a list of inputs and a `BatchContext`, and answers a list. */
  readonly run: (input: never, ctx: StepContext) => unknown;
  /** Takes back what `run` did; without an output it is not known whether that has happened. */
  readonly undo?: (input: never, output: never, ctx: StepContext) => unknown;
  /** Its body is an `async` function; a plain one may answer a promise all the same. */
  readonly isAsync: boolean;
  /** It is called at most once: an attempt that may have happened is not repeated before a person has said that it did not. */
  readonly once?: true;
  /** Its writes to the store's own database commit with its result: exactly once. */
  readonly tx?: StepTransaction;
  /** The line that it waits in; no part of the graph. Undefined: it runs as soon as its worker has a slot. */
  readonly queue?: QueueDefinition;
  /** How long an attempt is expected to take, before anything was measured: "300ms p95 800ms". */
  readonly takes?: string;
  /** How long it may wait in its queue: "p95 < 1s". */
  readonly wait?: string;
  /** Where a thread finds its body. Undefined: it is called where its run is driven. */
  readonly threads?: ThreadModule;
}

/** The function of a script, as the engine calls it: with a `ScriptContext`. */
export type ScriptBody = (ctx: never, input: never) => unknown;

/** What stays in code for a node: found by the node's id, never stored. */
export type NodeCode =
  | { readonly kind: "derive"; readonly compute: (...inputs: never[]) => unknown }
  | { readonly kind: "step"; readonly overrides: StepOverrides }
  | { readonly kind: "script"; readonly run: ScriptBody }
  /** What a call runs; a function of it where it was not there yet when the call was drawn. */
  | { readonly kind: "call"; readonly target: WorkflowDefinition | (() => WorkflowDefinition) };

/** The objective that the 10x test holds a workflow to; checked for form when it is defined. */
export interface Expect {
  readonly volume?: string;
  readonly peak?: string;
  readonly finish?: string;
  readonly failed?: string;
  readonly drain?: string;
  readonly cost?: string;
}

/** Something the drawing noticed that is probably not meant. */
export interface Warning {
  readonly code: "UNUSED_RESULT";
  readonly node: string;
  readonly message: string;
}

/** What a run is found by: each is a fact of few words. */
export type Attributes = Readonly<Record<string, string | number | boolean | null | undefined>>;

/** How long starts of one key wait for each other. */
export interface DebounceDefinition {
  /** From the last one to the run's beginning. */
  readonly waitMs: number;
  /** From the first one, at the most. */
  readonly maxMs: number;
}

/** A workflow as the engine sees it. */
export interface WorkflowDefinition {
  readonly name: string;
  readonly graph: Graph;
  /** The content hash of the graph. */
  readonly hash: string;
  readonly steps: ReadonlyMap<string, StepDefinition>;
  readonly code: ReadonlyMap<string, NodeCode>;
  /** The schemas of signals, by their names; undefined: whatever is JSON. */
  readonly signals: ReadonlyMap<string, Schema | undefined>;
  readonly warnings: readonly Warning[];
  /** The source of its `flow`, for `check`; not hashed. */
  readonly source?: string;
  readonly input?: Schema;
  readonly key?: (input: never) => string;
  readonly attributes?: (input: never) => Attributes;
  readonly expect?: Expect;
  /** What starts runs by itself; no part of the graph. */
  readonly triggers?: readonly TriggerDefinition[];
  /** How long a start waits for others of its key; no part of the graph. */
  readonly debounce?: DebounceDefinition;
  /** What limits its runs; no part of the graph. */
  readonly queue?: QueueDefinition;
}

declare const inputType: unique symbol;
declare const outputType: unique symbol;

/** A defined workflow, with the types of its input and output. */
export interface Workflow<I = unknown, O = unknown> extends WorkflowDefinition {
  readonly [inputType]?: (input: I) => void;
  readonly [outputType]?: () => O;
}

export type WorkflowInput<W> = W extends Workflow<infer I, infer _O> ? I : never;
export type WorkflowOutput<W> = W extends Workflow<infer _I, infer O> ? O : never;
