/**
 * Removes what has ended long ago, a few runs at a time; their keys are known on for longer.
 * Invariant: it leaves others as much of the store's time as it takes itself, so work goes on beside it.
 */
import { FINISHED, type Pruning, type RunFilter, type RunRecord, type RunStatus } from "../store/store.ts";
import { durationMs, type Duration } from "../value/duration.ts";
import { TenfoldError } from "../value/error.ts";
import { checkFilter, checkOptions, isFlag, optional, CHECKED_APART, type OptionForm } from "./caller-checks.ts";
import type { Engine } from "./engine.ts";
import { isMissing, runsOfLane } from "./listing.ts";
import { waitFor } from "./ports.ts";

export interface PruneOptions {
  /** Since a run's end; 10 minutes at least. */
  readonly olderThan: Duration;
  /** For how long after its run's end a key starts no second run; "365 days" by default. */
  readonly keepKeys?: Duration;
  /** Only counts. */
  readonly dryRun?: boolean;
  /** Is told now and then how far it is. */
  readonly onProgress?: (sofar: Pruned) => void;
  /** Has it stop behind what is under way; what it answers tells how far it came. */
  readonly signal?: AbortSignal;
}

export interface Pruned {
  /** Runs that the filter finds and that ended long enough ago. */
  readonly found: number;
  /** The same by workflow and status. */
  readonly counts: readonly { readonly workflow: string; readonly status: RunStatus; readonly runs: number }[];
  /** Those that are gone; none of them in a dry run. */
  readonly pruned: number;
  /** Keys of runs that were pruned before, whose time is over. */
  readonly keysForgotten: number;
}

/** A start that got no answer is sent again for half a minute: it has to find the run that it made. */
const AGE_LEAST_MS = 600_000;
const KEYS_FOR_MS = 365 * 86_400_000;

/** What one transaction removes at most: runs, their journal lines, keys. */
const RUNS_MAX = 500;
const LINES_MAX = 20_000;
const KEYS_MAX = 5000;

const OPTIONS: Readonly<Record<keyof PruneOptions, OptionForm>> = {
  olderThan: CHECKED_APART,
  keepKeys: CHECKED_APART,
  dryRun: optional(isFlag, "Give true or false."),
  onProgress: optional((value) => typeof value === "function", "Give a function."),
  signal: optional((value) => value instanceof AbortSignal, "Give the `signal` of an AbortController."),
};

export async function prune(engine: Engine, filter: RunFilter, options: PruneOptions): Promise<Pruned> {
  const { clock } = engine.ports;
  checkOptions("`prune`", options, OPTIONS, "nothing was pruned");
  checkFilter(filter);
  const statuses = statusesOf(filter);
  const pruning: Pruning = {
    before: clock.now() - ageOf(options.olderThan),
    keysForMs: options.keepKeys === undefined ? KEYS_FOR_MS : durationMs(options.keepKeys, "`keepKeys`"),
    linesMax: LINES_MAX,
  };
  const sum = new Sum();
  for (let lane = 0; lane < engine.store.lanes; lane++) {
    for (const status of statuses) {
      for await (const runs of ended(engine, lane, { ...filter, status }, pruning.before)) {
        sum.find(runs);
        const ids = runs.map(({ id }) => id);
        if (options.dryRun !== true) sum.pruned += await pruneSome(engine, lane, ids, pruning);
        options.onProgress?.(sum.told);
        if (options.signal?.aborted === true) return sum.told;
      }
    }
    if (options.dryRun !== true) sum.keysForgotten += await forgetKeys(engine, lane);
  }
  return sum.told;
}

class Sum {
  readonly #counts = new Map<string, { workflow: string; status: RunStatus; runs: number }>();
  pruned = 0;
  keysForgotten = 0;

  find(runs: readonly RunRecord[]): void {
    for (const { workflow, status } of runs) {
      const count = this.#counts.get(`${status} ${workflow}`) ?? { workflow, status, runs: 0 };
      count.runs++;
      this.#counts.set(`${status} ${workflow}`, count);
    }
  }

  get told(): Pruned {
    const counts = [...this.#counts.values()].map((count) => ({ ...count }));
    const found = counts.reduce((sum, { runs }) => sum + runs, 0);
    return { found, pruned: this.pruned, keysForgotten: this.keysForgotten, counts };
  }
}

/** Runs of the filter that ended before a time, some at a time: a run that ended before it has begun before it. */
async function* ended(
  { store }: Engine,
  lane: number,
  filter: RunFilter,
  before: number,
): AsyncGenerator<readonly RunRecord[]> {
  const until = Math.min(filter.until ?? before, before);
  for await (const page of runsOfLane(store, lane, { ...filter, until }, null, RUNS_MAX)) {
    const runs = page.filter(({ endedAt }) => endedAt !== null && endedAt < before);
    if (runs.length > 0) yield runs;
  }
}

async function pruneSome(engine: Engine, lane: number, runs: readonly string[], pruning: Pruning): Promise<number> {
  let pruned = 0;
  for (let left = runs; left.length > 0;) {
    const answers = await sharing(engine, () => engine.store.prune(lane, left, pruning));
    pruned += answers.filter((answer) => answer === "pruned").length;
    left = left.filter((_, place) => answers[place] === "left");
  }
  return pruned;
}

async function forgetKeys(engine: Engine, lane: number): Promise<number> {
  const { store, ports } = engine;
  let forgotten = 0;
  for (let last = KEYS_MAX; last === KEYS_MAX && !isMissing(store, lane); forgotten += last) {
    last = await sharing(engine, () => store.forgetKeys(lane, ports.clock.now(), KEYS_MAX));
  }
  return forgotten;
}

/** Calls `act`, then waits for as long as that took. */
async function sharing<T>({ ports: { clock } }: Engine, act: () => Promise<T>): Promise<T> {
  const from = clock.elapsed();
  const answer = await act();
  await waitFor(clock, clock.elapsed() - from);
  return answer;
}

function statusesOf({ status }: RunFilter): readonly RunStatus[] {
  if (status === undefined) return [...FINISHED];
  if (FINISHED.has(status)) return [status];
  throw new TenfoldError(
    "OPTION_UNSUPPORTED",
    `A run that is ${status} has not ended, so it cannot be pruned; nothing was pruned. Give one of ${[...FINISHED].join(", ")}, or leave \`status\` out.`,
  );
}

function ageOf(olderThan: Duration): number {
  const ms = durationMs(olderThan, "`olderThan`");
  if (ms >= AGE_LEAST_MS) return ms;
  throw new TenfoldError(
    "DURATION_INVALID",
    `\`olderThan\` is ${JSON.stringify(olderThan)}; nothing was pruned. Give 10 minutes or more: a start that got no answer is still sent again, and has to find its run.`,
    { facts: { duration: olderThan, what: "olderThan" } },
  );
}
