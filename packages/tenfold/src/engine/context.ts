/** What a body is given: made for each attempt, and cheap, because most bodies use little of it. */
import type { StepContext, StepLog } from "../flow/definition.ts";
import { seededRandom, uuidFrom, type Random } from "../value/random.ts";
import type { AttemptFiles } from "./attempt-files.ts";
import type { Log, LogLevel } from "./ports.ts";

/** The run that a body works for. */
export type ContextRun = StepContext["run"];

/** The attempt that a context belongs to. */
export interface ContextAttempt {
  readonly key: string;
  readonly number: number;
  readonly path: string;
  progressed(done: number, total: number | undefined): void;
  spent(amount: number): void;
  filesFor(signal: AbortSignal): AttemptFiles;
}

/** The context of one attempt; what costs something is made when it is asked for. */
export class AttemptContext implements StepContext {
  readonly run: ContextRun;
  /** The body was called: what it did may have happened. */
  isCalled = false;
  /** The transaction that the body writes in, of a step that has one. */
  declare tx?: unknown;
  readonly #attempt: ContextAttempt;
  readonly #readyAt: number;
  readonly #sink: Log;
  #controller: AbortController | null = null;
  #reason: unknown = undefined;
  #random: Random | null = null;
  #log: StepLog | null = null;
  #files: AttemptFiles | null = null;

  constructor(attempt: ContextAttempt, run: ContextRun, readyAt: number, sink: Log) {
    this.run = run;
    this.#attempt = attempt;
    this.#readyAt = readyAt;
    this.#sink = sink;
  }

  get key(): string {
    return this.#attempt.key;
  }

  get attempt(): number {
    return this.#attempt.number;
  }

  get node(): string {
    return this.#attempt.path;
  }

  get signal(): AbortSignal {
    if (this.#controller === null) {
      this.#controller = new AbortController();
      if (this.#reason !== undefined) this.#controller.abort(this.#reason);
    }
    return this.#controller.signal;
  }

  get log(): StepLog {
    this.#log ??= {
      debug: (message, facts) => this.#write("debug", message, facts),
      info: (message, facts) => this.#write("info", message, facts),
      warn: (message, facts) => this.#write("warn", message, facts),
      error: (message, facts) => this.#write("error", message, facts),
    };
    return this.#log;
  }

  // Functions on their own, so that a body may take its context apart: `run(lead, { now, uuid })`.

  get progress(): StepContext["progress"] {
    return (done, total) => this.#attempt.progressed(done, total);
  }

  get spent(): StepContext["spent"] {
    return (amount) => this.#attempt.spent(amount);
  }

  get files(): AttemptFiles {
    this.#files ??= this.#attempt.filesFor(this.signal);
    return this.#files;
  }

  get random(): Random {
    this.#random ??= seededRandom(this.key);
    return this.#random;
  }

  get uuid(): () => string {
    const { random } = this;
    return () => uuidFrom(random);
  }

  get now(): () => number {
    const at = this.#readyAt;
    return () => at;
  }

  /** The body is called with this transaction: as for the first time, if it was called with another one before. */
  writesIn(transaction: unknown): void {
    this.tx = transaction;
    this.#random = null;
  }

  /** Tells the body to stop. */
  abort(reason: unknown): void {
    this.#reason ??= reason;
    this.#controller?.abort(reason);
  }

  /** The body has settled. */
  settled(): void {
    if (this.#files === null) return;
    const files = this.#files.close();
    if (files.length > 0)
      this.log.warn("files of the step are not kept: it did not wait for them, or they failed", { files });
  }

  #write(level: LogLevel, message: string, facts: Readonly<Record<string, unknown>> | undefined): void {
    const { run, node, attempt } = this;
    this.#sink.write(level, message, { workflow: run.workflow, run: run.id, node, attempt, ...facts });
  }
}
