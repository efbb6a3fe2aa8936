/** A run in the hands of a user: its id, and what may be asked of it. */
import type { RunStatus } from "../store/store.ts";
import { RunCancelled, RunFailed, type Outcome } from "./results.ts";

/** A run, by its id: also after a restart, and in another process. */
export interface RunHandle<O = unknown> {
  readonly id: string;
  /** The key was known: this is the run that it started then; of a debounced workflow, one that begins on this input, or a later one. */
  readonly existing: boolean;
  /** Nothing was started, since this run of the key was not finished: `{ ifRunning: "skip" }`. */
  readonly skipped: boolean;
  /** The run's output; throws RunFailed or RunCancelled. A held run is waited for. */
  result(): Promise<O>;
  /** How the run ended, whatever it was; throws RUN_UNKNOWN, CLOSED, and CODEC_* where that cannot be decoded. */
  outcome(): Promise<Outcome>;
  status(): Promise<RunStatus>;
}

/** Whoever can answer for runs; one for all handles, because there may be a million of them. */
export interface HandleQuestions {
  outcome(run: string): Promise<Outcome>;
  status(run: string): Promise<RunStatus>;
}

/** What a start came to: a run of its own, the run of its key, or one that is in its way and goes on without it. */
export type StartKind = "started" | "existing" | "skipped";

export type MakeHandle = (id: string, kind: StartKind, asked: HandleQuestions) => RunHandle;

export class Handle implements RunHandle {
  readonly id: string;
  readonly existing: boolean;
  readonly skipped: boolean;
  readonly #asked: HandleQuestions;

  constructor(id: string, kind: StartKind, asked: HandleQuestions) {
    this.id = id;
    this.existing = kind !== "started";
    this.skipped = kind === "skipped";
    this.#asked = asked;
  }

  outcome(): Promise<Outcome> {
    return this.#asked.outcome(this.id);
  }

  status(): Promise<RunStatus> {
    return this.#asked.status(this.id);
  }

  async result(): Promise<unknown> {
    const { status, output, error } = await this.outcome();
    if (status === "completed") return output;
    throw status === "cancelled" ? new RunCancelled(this.id, error!.message) : new RunFailed(this.id, error!);
  }
}
