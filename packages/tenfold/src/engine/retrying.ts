/** `retry` as it is asked for: from where runs stopped, or from a node; which of them can is core's to say. */
import { placesFrom, type RetryFrom } from "../core/retry-from.ts";
import type { RunRecord, RunStatus } from "../store/store.ts";
import { TenfoldError, type ErrorCode } from "../value/error.ts";
import type { Engine } from "./engine.ts";
import { stateOf } from "./inspect.ts";
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
  const refusal = async (record: RunRecord): Promise<Refusal | null> => {
    const problem = await problemFrom(engine, record, from);
    return problem === null ? null : { run: record.id, ...problem };
  };
  return tellRuns(engine, selection, { ...telling, refusal }, options);
}

/** Why the run cannot go on from there; one that cannot be read stops no other. */
async function problemFrom(engine: Engine, record: RunRecord, from: string): Promise<RetryFrom["problem"]> {
  try {
    return placesFrom(await stateOf(engine, record), from).problem;
  } catch (thrown) {
    if (!(thrown instanceof TenfoldError) || !isUnreadable(thrown.code)) throw thrown;
    return { code: thrown.code, message: thrown.message };
  }
}

function isUnreadable(code: ErrorCode): boolean {
  return code.startsWith("CODEC_") || code === "STORE_CORRUPT" || code === "INVARIANT_BROKEN";
}
