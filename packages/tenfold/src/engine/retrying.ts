/** `retry` as it is asked for: from where runs stopped, or from a node; which of them can is core's to say. */
import { placesFrom } from "../core/retry-from.ts";
import type { RunRecord, RunStatus } from "../store/store.ts";
import type { Engine } from "./engine.ts";
import { isUnreadable, stateOf } from "./inspect.ts";
import { tellRuns, type Changed, type ChangeOptions, type Refusal, type Selection } from "./telling.ts";

export interface RetryRunOptions extends ChangeOptions {
  /** The id of a node, or its path in the run: it and all that depends on it is done once more, with the keys it had. */
  readonly from?: string;
  /** What runs again has other keys than before. */
  readonly newKeys?: boolean;
}

/** Runs that there is something to go on with. */
const STATUSES: readonly RunStatus[] = ["failed", "cancelled", "held"];

/** RUN_UNKNOWN, RUN_FINISHED, NODE_UNKNOWN or RETRY_REFUSED for a run that is named and cannot; of many those are counted. */
export function retryRuns(
  engine: Engine,
  selection: Selection,
  { from, newKeys, ...options }: RetryRunOptions,
): Promise<Changed> {
  const named = from === undefined ? {} : { from };
  const body = { kind: "retry", ...named, ...(newKeys === true ? { newKeys } : {}) } as const;
  const telling = { body, statuses: STATUSES, reopens: true };
  if (from === undefined) return tellRuns(engine, selection, telling, options);
  return tellRuns(engine, selection, { ...telling, refusal: (record) => refusalOf(engine, record, from) }, options);
}

/** Why a run cannot go on from there; null: it can. One that cannot be read stops no other. */
async function refusalOf(engine: Engine, record: RunRecord, from: string): Promise<Refusal | null> {
  const { id: run } = record;
  try {
    const { problem } = placesFrom(await stateOf(engine, record), from);
    return problem === null ? null : { run, ...problem };
  } catch (thrown) {
    if (!isUnreadable(thrown)) throw thrown;
    return { run, code: thrown.code, message: thrown.message };
  }
}
