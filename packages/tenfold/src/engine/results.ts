/**
 * Callers that wait for runs to end: told at once by the driver of this process, else by looking into the store.
 * Invariant: every waiting caller is answered once the run has its outcome, whoever drove it.
 */
import { decodedRecord } from "../store/codec/decoded.ts";
import { FINISHED, type RunRecord, type Store } from "../store/store.ts";
import { undoText } from "../core/undo-text.ts";
import { TenfoldError } from "../value/error.ts";
import { runUnknown } from "./caller-checks.ts";
import { laneOfRun } from "../value/id.ts";
import type { Json } from "../value/json.ts";
import type { RunError } from "../core/entry.ts";
import { isPassing } from "./passing.ts";
import type { EngineEvents, RunEvent } from "./events.ts";
import { isMissing } from "./listing.ts";
import type { Clock } from "./ports.ts";

/** How a run ended; `output` is undefined where its flow returns nothing. */
export interface Outcome {
  readonly status: string;
  readonly output: Json | undefined;
  readonly error: RunError | null;
}

/** The run failed; `error` says at which node and why. */
export class RunFailed extends TenfoldError {
  readonly run: string;
  readonly error: RunError;

  constructor(run: string, error: RunError) {
    const undone = error.undo === undefined ? "" : ` (failed${undoText(error.undo)})`;
    const message = `Run ${run} failed at ${error.node || "its end"}: ${error.message}${undone}`;
    super("RUN_FAILED", message, { facts: { run, error } });
    this.name = "RunFailed";
    this.run = run;
    this.error = error;
  }
}

/** Somebody cancelled the run. */
export class RunCancelled extends TenfoldError {
  readonly run: string;

  constructor(run: string, reason: string) {
    super("RUN_CANCELLED", `Run ${run} was cancelled: ${reason}`, { facts: { run, reason } });
    this.name = "RunCancelled";
    this.run = run;
  }
}

type Waiter = { readonly resolve: (outcome: Outcome) => void; readonly reject: (error: Error) => void };

const LOOK_GAP_MS = 10;
const LOOK_MAX_MS = 500;
const READ_MAX = 1000;
/** The more callers wait, the rarer the looks: those whose runs are driven here need none. */
const WAITERS_READ_PER_MS = 20;

export class Results {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #waiters = new Map<string, Waiter[]>();
  readonly #unwatch: () => void;
  readonly #unlisten: () => void;
  #cancelLook: (() => void) | null = null;
  #lookAt = Infinity;
  #isClosed = false;

  constructor(store: Store, clock: Clock, events: EngineEvents) {
    this.#store = store;
    this.#clock = clock;
    this.#unlisten = events.on("run", (event) => this.#told(event));
    this.#unwatch = store.watch("ended", () => this.#lookSoon(LOOK_GAP_MS));
  }

  /** Resolves when the run has its outcome; rejects with RUN_UNKNOWN if there is no such run. */
  async of(run: string): Promise<Outcome> {
    const outcome = new Promise<Outcome>((resolve, reject) => {
      const waiters = this.#waiters.get(run);
      if (waiters === undefined) this.#waiters.set(run, [{ resolve, reject }]);
      else waiters.push({ resolve, reject });
    });
    this.#lookSoon(LOOK_GAP_MS);
    return outcome;
  }

  close(): void {
    this.#isClosed = true;
    this.#unwatch();
    this.#unlisten();
    this.#lookNoMore();
    for (const [run, waiters] of this.#waiters) {
      const error = new TenfoldError(
        "CLOSED",
        `Closed while waiting for run ${run}; the run itself goes on where it is driven.`,
      );
      for (const { reject } of waiters) reject(error);
    }
    this.#waiters.clear();
  }

  #told({ run, status, output, error }: RunEvent): void {
    if (status !== "held") this.#answer(run, status, output, error);
  }

  #answer(run: string, status: string, output: string | null, error: string | null): void {
    const waiters = this.#waiters.get(run);
    if (waiters === undefined) return;
    this.#waiters.delete(run);
    if (this.#waiters.size === 0) this.#lookNoMore();
    const outcome: Outcome = {
      status,
      output: output === null ? undefined : (JSON.parse(output) as Json),
      error: error === null ? null : (JSON.parse(error) as RunError),
    };
    for (const { resolve } of waiters) resolve(outcome);
  }

  #lookSoon(delayMs: number): void {
    if (this.#waiters.size === 0 || this.#isClosed) return;
    const at = this.#clock.now() + delayMs + this.#waiters.size / WAITERS_READ_PER_MS;
    if (this.#lookAt <= at) return;
    this.#lookNoMore();
    this.#lookAt = at;
    this.#cancelLook = this.#clock.at(at, () => {
      this.#lookAt = Infinity;
      this.#look().then(
        () => this.#lookSoon(LOOK_MAX_MS),
        (thrown: unknown) => this.#couldNotLook(thrown),
      );
    });
  }

  #lookNoMore(): void {
    this.#cancelLook?.();
    this.#cancelLook = null;
    this.#lookAt = Infinity;
  }

  async #look(): Promise<void> {
    const byLane = Map.groupBy([...this.#waiters.keys()], (run) => laneOfRun(run) ?? -1);
    for (const [lane, runs] of byLane) {
      for (let from = 0; from < runs.length && !this.#isClosed; from += READ_MAX) {
        const part = runs.slice(from, from + READ_MAX);
        const known = lane < 0 || lane >= this.#store.lanes;
        const records = known ? part.map(() => undefined) : await this.#read(lane, part);
        if (records === null) break;
        part.forEach((run, index) => {
          const record = records[index];
          if (record === undefined) this.#refuse(run, runUnknown(run));
          else if (FINISHED.has(record.status)) this.#found(decodedRecord(null, record));
        });
      }
    }
  }

  /** Null: what is out of reach is asked again with the next look, and the other lanes with this one. */
  async #read(lane: number, runs: readonly string[]): Promise<readonly (RunRecord | undefined)[] | null> {
    try {
      return await this.#store.read(lane, runs);
    } catch (thrown) {
      if (isMissing(this.#store, lane) && isPassing(thrown)) return null;
      throw thrown;
    }
  }

  /** A store that is busy or away is asked again; anything else is told to those who wait. */
  #couldNotLook(thrown: unknown): void {
    if (isPassing(thrown)) return this.#lookSoon(LOOK_MAX_MS);
    for (const waiters of this.#waiters.values()) for (const { reject } of waiters) reject(thrown as Error);
    this.#waiters.clear();
  }

  /** An outcome that cannot be decoded is no other outcome. */
  #found({ id, status, output, error, unread }: RunRecord): void {
    const lost = unread?.find(({ what }) => what !== "input");
    if (lost === undefined) this.#answer(id, status, output, error);
    else this.#refuse(id, lost.error);
  }

  #refuse(run: string, error: TenfoldError): void {
    const waiters = this.#waiters.get(run) ?? [];
    this.#waiters.delete(run);
    for (const { reject } of waiters) reject(error);
  }
}
