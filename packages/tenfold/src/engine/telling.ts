/** Tells runs something: one by its id, or all that a filter finds, a batch at a time. */
import type { Message, MessageBody, RunRecord, RunStatus, Send } from "../store/store.ts";
import { TenfoldError, type ErrorCode } from "../value/error.ts";
import { laneIn, type RunSearch } from "./caller-checks.ts";
import type { Engine } from "./engine.ts";
import { readRun } from "./inspect.ts";
import { listRuns } from "./listing.ts";

/** Messages sent with one verb. */
const SEND_MANY = 1000;

/** One run by its id, or all that a filter finds. */
export type Selection = string | RunSearch;

export interface Changed {
  /** Runs that the selection found. */
  readonly found: number;
  /** Those that were told; none of them in a dry run. */
  readonly changed: number;
  /** Those that what was asked for cannot be done to; not there where that is looked at in no run. */
  readonly refused?: number;
  /** The first of them. */
  readonly refusals?: readonly Refusal[];
}

/** Why what was asked for cannot be done to a run. */
export interface Refusal {
  readonly run: string;
  readonly code: ErrorCode;
  readonly message: string;
}

export interface ChangeOptions {
  /** Only counts. */
  readonly dryRun?: boolean;
}

export interface CancelOptions extends ChangeOptions {
  /** Why; kept with the run. */
  readonly reason?: string;
  /** What the run has done is undone before it ends. */
  readonly undo?: boolean;
}

export interface Telling {
  readonly body: MessageBody;
  /** Runs that it means something to. */
  readonly statuses: readonly RunStatus[];
  readonly reopens: boolean;
  /** Looks at a run before it is told. */
  readonly refusal?: (run: RunRecord) => Promise<Refusal | null>;
}

/** Refusals that are told of one by one. */
const REFUSALS_MAX = 20;

/** RUN_UNKNOWN or RUN_FINISHED for a run that is named and cannot be told. */
export async function tellRuns(
  engine: Engine,
  selection: Selection,
  telling: Telling,
  { dryRun = false }: ChangeOptions,
): Promise<Changed> {
  let found = 0;
  let changed = 0;
  let refused = 0;
  const refusals: Refusal[] = [];
  const { refusal } = telling;
  for await (const records of selected(engine, selection, telling)) {
    found += records.length;
    const runs: string[] = [];
    for (const record of records) {
      const problem = refusal === undefined ? null : await refusal(record);
      if (problem === null) runs.push(record.id);
      else if (typeof selection === "string") throw refusedRun(problem);
      else if (refused++ < REFUSALS_MAX) refusals.push(problem);
    }
    if (!dryRun) changed += await send(engine, runs, telling);
  }
  return refusal === undefined ? { found, changed } : { found, changed, refused, refusals };
}

function refusedRun({ run, code, message }: Refusal): TenfoldError {
  return new TenfoldError(code, `Run ${run}: ${message}`, { facts: { run } });
}

async function* selected(
  engine: Engine,
  selection: Selection,
  { statuses, body }: Telling,
): AsyncGenerator<readonly RunRecord[]> {
  if (typeof selection === "string") {
    const record = await readRun(engine, selection);
    if (!statuses.includes(record.status)) throw runFinished(selection, record.status, body);
    yield [record];
    return;
  }
  const wanted = selection.status === undefined ? statuses : statuses.filter((status) => status === selection.status);
  for (const status of wanted) {
    let batch: RunRecord[] = [];
    for await (const record of listRuns(engine.store, { ...selection, status }, null)) {
      if (batch.push(record) < SEND_MANY) continue;
      yield batch;
      batch = [];
    }
    if (batch.length > 0) yield batch;
  }
}

async function send(engine: Engine, runs: readonly string[], { body, reopens }: Telling): Promise<number> {
  const { store, ports, newId } = engine;
  let changed = 0;
  for (const [lane, inLane] of Map.groupBy(runs, (run) => laneIn(store, run))) {
    const sends = inLane.map((run): Send => {
      const message: Message = { key: newId(lane), body, at: ports.clock.now() };
      return { run, message, reopens };
    });
    const answers = await store.send(lane, sends, ports.clock.now());
    changed += answers.filter(({ kind }) => kind === "sent").length;
  }
  engine.look();
  return changed;
}

function runFinished(run: string, status: RunStatus, { kind }: MessageBody): TenfoldError {
  const what = kind === "cancel" ? "cancelled" : "retried";
  return new TenfoldError("RUN_FINISHED", `Run ${run} is ${status} and was not ${what}; nothing was changed.`, {
    facts: { run, status },
  });
}
