/** Why a run is held: nobody drives it until a person, or its code, comes. Each reason says what its way on is. */
import type { RunError } from "../core/entry.ts";
import type { ClaimedRun } from "../store/store.ts";

/** Workers die of it: a person has to look before another one tries. */
export function diedTooOften(claimed: ClaimedRun): RunError {
  const message = `${claimed.deaths} workers died while they drove this run, and its journal did not grow; the run is held. Look at its open steps, then retry or cancel it.`;
  return { code: "RUN_HELD", message, node: "", attempt: 0 };
}

/** The code of a node is not here; with it back, the run goes on when the store is opened. */
export function codeGone(workflow: string, node: string, what: "step" | "function"): RunError {
  const message = `The ${what} of ${node} is not in today's code of workflow ${workflow}; the run is held. Bring the code back, and it goes on when the store is opened with it; or cancel the run.`;
  return { code: "STEP_UNKNOWN", message, node, attempt: 0 };
}

/** It cannot even be loaded. */
export function unreadable(claimed: ClaimedRun): RunError {
  return { code: "STORE_CORRUPT", message: `The run is held. ${graphGone(claimed)}`, node: "", attempt: 0 };
}

/** The graph that a run began with is not in its store. */
export function graphGone({ id, graph }: Pick<ClaimedRun, "id" | "graph">): string {
  return `The graph ${graph} that run ${id} began with is not in the store. Restore the store from a backup, or cancel the run.`;
}
