/** What happens in an engine, told to whoever listens: progress displays, waiting callers, tests. */
import type { Attempt } from "./attempt.ts";
import type { Settled } from "./body.ts";
import { describe } from "../value/describe.ts";
import { TenfoldError } from "../value/error.ts";
import type { Ending } from "./live-run.ts";
import type { Log } from "./ports.ts";

export interface AttemptEvent {
  readonly workflow: string;
  readonly run: string;
  readonly node: string;
  readonly step: string;
  readonly attempt: number;
  /** It undoes what the step did. */
  readonly isUndo: boolean;
  readonly startedAt: number;
  readonly endedAt: number;
  readonly outcome: "done" | "failed" | "timed-out" | "unsure";
  /** The error's message, unless it is done. */
  readonly message: string | null;
}

/** An attempt of a `once` step may have happened: a person has to say whether it did. */
export interface UnsureEvent {
  readonly workflow: string;
  readonly run: string;
  readonly node: string;
  readonly attempt: number;
  /** What `resolve` takes. */
  readonly token: string;
  /** What is known of it. */
  readonly message: string;
}

/** This process drives a run from now on. */
export interface TakenEvent {
  readonly workflow: string;
  readonly run: string;
  /** Nothing of it has happened yet. */
  readonly isNew: boolean;
}

export interface RunEvent {
  readonly workflow: string;
  readonly run: string;
  readonly status: Ending["status"];
  readonly output: string | null;
  readonly error: string | null;
}

export interface ProgressEvent {
  readonly workflow: string;
  readonly run: string;
  readonly node: string;
  readonly done: number;
  readonly total: number | null;
}

export interface StallEvent {
  /** True when the store stops taking writes, false when it takes them again. */
  readonly isStalled: boolean;
  readonly cause: unknown;
}

export interface EventTypes {
  taken: TakenEvent;
  attempt: AttemptEvent;
  unsure: UnsureEvent;
  run: RunEvent;
  progress: ProgressEvent;
  stall: StallEvent;
}

export type Listener<T> = (event: T) => void;

export class EngineEvents {
  readonly #listeners: { readonly [K in keyof EventTypes]: Set<Listener<EventTypes[K]>> } = {
    taken: new Set(),
    attempt: new Set(),
    unsure: new Set(),
    run: new Set(),
    progress: new Set(),
    stall: new Set(),
  };

  readonly #log: Log;

  constructor(log: Log) {
    this.#log = log;
  }

  /** Calls `listener` for each event of this kind; answers how to stop. */
  on<K extends keyof EventTypes>(kind: K, listener: Listener<EventTypes[K]>): () => void {
    if (!Object.hasOwn(this.#listeners, kind)) {
      const known = Object.keys(this.#listeners).join(", ");
      throw new TenfoldError(
        "OPTION_UNSUPPORTED",
        `There is no event "${String(kind)}"; nothing listens. There are ${known}.`,
      );
    }
    if (typeof listener !== "function") {
      throw new TenfoldError(
        "OPTION_UNSUPPORTED",
        `What is to listen to "${kind}" is ${describe(listener)}; nothing listens. Give a function of the event.`,
      );
    }
    this.#listeners[kind].add(listener);
    return () => this.#listeners[kind].delete(listener);
  }

  taken(run: string, workflow: string, isNew: boolean): void {
    this.#tell("taken", { workflow, run, isNew });
  }

  attempted(attempt: Attempt, result: Settled, endedAt: number): void {
    if (this.#listeners.attempt.size === 0) return;
    const { run, path: node, number, startedAt, step } = attempt;
    const isTimedOut = !result.ok && result.error.code === "STEP_TIMED_OUT";
    const outcome = result.ok ? "done" : result.isUnsure === true ? "unsure" : isTimedOut ? "timed-out" : "failed";
    const { workflow, id } = run.context;
    const message = result.ok ? null : result.error.message;
    this.#tell("attempt", {
      workflow,
      run: id,
      node,
      step: step.step.name,
      attempt: number,
      isUndo: attempt.undo !== null,
      startedAt,
      endedAt,
      outcome,
      message,
    });
  }

  unsure(event: UnsureEvent): void {
    this.#tell("unsure", event);
  }

  progressed(attempt: Attempt, done: number, total: number | undefined): void {
    const { workflow, id: run } = attempt.run.context;
    this.#tell("progress", { workflow, run, node: attempt.path, done, total: total ?? null });
  }

  ended(run: string, workflow: string, { status, output, error }: Ending): void {
    this.#tell("run", { workflow, run, status, output, error });
  }

  stalled(isStalled: boolean, cause: unknown): void {
    this.#tell("stall", { isStalled, cause });
  }

  #tell<K extends keyof EventTypes>(kind: K, event: EventTypes[K]): void {
    for (const listener of this.#listeners[kind]) {
      try {
        listener(event);
      } catch (thrown) {
        // Whoever listens is told of runs; it is no part of them, and must not end them.
        const reason = thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown);
        this.#log.write("error", `a listener for "${kind}" threw`, { reason });
      }
    }
  }
}
