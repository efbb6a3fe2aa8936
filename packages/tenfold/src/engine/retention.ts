/**
 * Removes what has ended long ago, a few runs at a time; their keys are known on for longer.
 * Invariant: it leaves others as much of the store's time as it takes itself, so work goes on beside it.
 */
import { FINISHED, type Pruning, type RunRecord, type RunStatus } from "../store/store.ts";
import { durationMs, type Duration } from "../value/duration.ts";
import { TenfoldError } from "../value/error.ts";
import {
  checkFilter,
  checkOptions,
  isFlag,
  optional,
  CHECKED_APART,
  type OptionForm,
  type RunSearch,
} from "./caller-checks.ts";
import type { Engine } from "./engine.ts";
import { isMissing, RunCounts, runsOfLane, type RunCount } from "./listing.ts";
import { waitFor } from "./ports.ts";
import { SWEEP_PARTS } from "./run-files.ts";

export interface PruneOptions {
  /** Since a run's end; 10 minutes at least. */
  readonly olderThan: Duration;
  /** For how long after its run's end a key starts no second run; "365 days" by default. */
  readonly keepKeys?: Duration;
  /** For how long the id of an event is known, whatever the filter finds: by then it starts nothing again; "365 days" by default. */
  readonly keepEvents?: Duration;
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
  readonly counts: readonly RunCount[];
  /** Those that are gone; none of them in a dry run. */
  readonly pruned: number;
  /** Keys of runs that were pruned before, whose time is over. */
  readonly keysForgotten: number;
  /** Events that were emitted so long ago that their ids are known no more. */
  readonly eventsForgotten: number;
}

/** A start that got no answer is sent again for half a minute: it has to find the run that it made. */
const AGE_LEAST_MS = 600_000;
const KEYS_FOR_MS = 365 * 86_400_000;

/** A thousand years: what is to be known for longer is known for ever. */
const KEYS_FOR_MAX_MS = 1000 * KEYS_FOR_MS;

/** What one transaction removes at most: runs, their journal lines (one run's at least), keys. */
const RUNS_MAX = 200;
const LINES_MAX = 20_000;
const KEYS_MAX = 5000;
const EVENTS_MAX = 1000;

const OPTIONS: Readonly<Record<keyof PruneOptions, OptionForm>> = {
  olderThan: CHECKED_APART,
  keepKeys: CHECKED_APART,
  keepEvents: CHECKED_APART,
  dryRun: optional(isFlag, "Give true or false."),
  onProgress: optional((value) => typeof value === "function", "Give a function."),
  signal: optional((value) => value instanceof AbortSignal, "Give the `signal` of an AbortController."),
};

export async function prune(engine: Engine, filter: RunSearch, options: PruneOptions): Promise<Pruned> {
  const { clock } = engine.ports;
  checkOptions("`prune`", options, OPTIONS, "nothing was pruned");
  checkFilter(filter);
  const statuses = statusesOf(filter);
  const pruning: Pruning = {
    before: Math.floor(clock.now() - ageOf(options.olderThan)),
    keysForMs: keptForMs(options.keepKeys, "`keepKeys`"),
    linesMax: LINES_MAX,
  };
  const eventsForMs = Math.max(keptForMs(options.keepEvents, "`keepEvents`"), AGE_LEAST_MS);
  const eventsBefore = Math.floor(clock.now() - eventsForMs);
  const pass = { engine, pruning, eventsBefore, options, sum: new Sum() };
  for (let lane = 0; lane < engine.store.lanes; lane++) {
    for (const status of statuses) await pruneLane(pass, lane, { ...filter, status });
    if (options.dryRun === true) continue;
    await sweepFiles(pass, lane);
    await forgetKeys(pass, lane);
    await forgetEvents(pass, lane);
  }
  return pass.sum.told;
}

interface Pass {
  readonly engine: Engine;
  readonly pruning: Pruning;
  readonly eventsBefore: number;
  readonly options: PruneOptions;
  readonly sum: Sum;
}

/** Runs that ended before a time have begun before it. */
async function pruneLane({ engine, pruning, options, sum }: Pass, lane: number, filter: RunSearch): Promise<void> {
  const { before } = pruning;
  const until = Math.min(filter.until ?? before, before);
  const pages = runsOfLane(engine.store, lane, { ...filter, until }, null, RUNS_MAX);
  const isStopped = (): boolean => options.signal?.aborted ?? false;
  while (!isStopped()) {
    const page = await sharing(engine, () => pages.next());
    if (page.done === true) return;
    const runs = page.value.filter(({ endedAt }) => endedAt !== null && endedAt < before);
    sum.find(runs);
    for (let left = options.dryRun === true ? [] : runs.map(({ id }) => id); left.length > 0;) {
      const asked = left;
      const answers = await sharing(engine, () => engine.store.prune(lane, asked, pruning));
      sum.pruned += answers.filter((answer) => answer === "pruned").length;
      left = left.filter((_, place) => answers[place] === "left");
      options.onProgress?.(sum.told);
      if (isStopped()) return;
    }
    if (options.dryRun === true) options.onProgress?.(sum.told);
  }
}

/** What the files of runs that are gone take up. */
async function sweepFiles({ engine, options }: Pass, lane: number): Promise<void> {
  const { store } = engine;
  while (options.signal?.aborted !== true && !isMissing(store, lane)) {
    if ((await sharing(engine, () => store.files.sweep(lane, SWEEP_PARTS))) === 0) return;
  }
}

async function forgetKeys({ engine, options, sum }: Pass, lane: number): Promise<void> {
  const { store, ports } = engine;
  while (options.signal?.aborted !== true && !isMissing(store, lane)) {
    const forgotten = await sharing(engine, () => store.forgetKeys(lane, ports.clock.now(), KEYS_MAX));
    if (forgotten === 0) return;
    sum.keysForgotten += forgotten;
    options.onProgress?.(sum.told);
  }
}

async function forgetEvents({ engine, eventsBefore, options, sum }: Pass, lane: number): Promise<void> {
  const { store } = engine;
  while (options.signal?.aborted !== true && !isMissing(store, lane)) {
    const forgotten = await sharing(engine, () => store.events.forgetEvents(lane, eventsBefore, EVENTS_MAX));
    if (forgotten === 0) return;
    sum.eventsForgotten += forgotten;
    options.onProgress?.(sum.told);
  }
}

class Sum {
  readonly #counts = new RunCounts();
  pruned = 0;
  keysForgotten = 0;
  eventsForgotten = 0;

  find(runs: readonly RunRecord[]): void {
    for (const run of runs) this.#counts.add(run);
  }

  get told(): Pruned {
    const counts = this.#counts.all;
    const found = counts.reduce((sum, { runs }) => sum + runs, 0);
    const { pruned, keysForgotten, eventsForgotten } = this;
    return { found, pruned, keysForgotten, eventsForgotten, counts };
  }
}

/** Calls `act`, then waits for as long as that took. */
async function sharing<T>({ ports: { clock } }: Engine, act: () => Promise<T>): Promise<T> {
  const from = clock.elapsed();
  const answer = await act();
  await waitFor(clock, clock.elapsed() - from);
  return answer;
}

function statusesOf({ status }: RunSearch): readonly RunStatus[] {
  if (status === undefined) return [...FINISHED];
  if (FINISHED.has(status)) return [status];
  throw new TenfoldError(
    "OPTION_UNSUPPORTED",
    `A run that is ${status} has not ended, so it cannot be pruned; nothing was pruned. Give one of ${[...FINISHED].join(", ")}, or leave \`status\` out.`,
  );
}

function keptForMs(given: Duration | undefined, option: string): number {
  if (given === undefined) return KEYS_FOR_MS;
  return Math.min(Math.ceil(durationMs(given, option)), KEYS_FOR_MAX_MS);
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
