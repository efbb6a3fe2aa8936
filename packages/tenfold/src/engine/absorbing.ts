/** What messages come to in the journals of their runs. */
import { isOutdated } from "../core/constructs/call.ts";
import type { Entry } from "../core/entry.ts";
import { placesFrom } from "../core/retry-from.ts";
import type { Message } from "../store/store.ts";
import { invariant } from "../value/error.ts";
import type { LiveRun } from "./live-run.ts";

/** The entry that a message makes in the journal of its run; null: it comes to nothing. */
export function entryOf(run: LiveRun, { key: message, body }: Message, at: number, isLoading: boolean): Entry | null {
  switch (body.kind) {
    case "cancel": {
      const { reason, by, isJoined, undo } = body;
      if (by !== undefined && isOutdated(run.state, by)) return null;
      const said = { ...(by && { by }), ...(isJoined && { isJoined }), ...(undo && { undo }) };
      return { kind: "cancelled", at, message, reason, ...said };
    }
    case "returned":
      return { ...body, at, message };
    case "attach": {
      const { parent, of, attempt, depth } = body;
      if (isOutdated(run.state, { parent, node: of, attempt })) return null;
      return { kind: "attached", at, message, parent, of, attempt, depth };
    }
    case "signal":
      return { ...body, kind: "signalled", at, message };
    case "decide":
      return { ...body, kind: "decided", at, message };
    case "resolve":
      return { ...body, kind: "resolved", at, message };
    case "upgrade":
      invariant(false, "a move to another graph takes in the whole journal");
      return null;
    case "retry": {
      if (body.unlessCancelled === true && run.state.cancelled !== null) return null;
      const { from, newKeys } = body;
      const how = { ...(from === undefined ? {} : { from }), ...(newKeys === true ? { newKeys } : {}) };
      if ((from !== undefined || newKeys === true) && !mayBeginAnew(run, from, isLoading)) return null;
      return { kind: "retried", at, message, ...how };
    }
  }
}

/** Whether a run that has ended or is held goes on with this entry. */
export function hasGoOn(entry: Entry): boolean {
  return entry.kind === "retried" || (entry.kind === "attached" && entry.attempt > 1);
}

/** What has a body at work is not begun anew beside it: a run goes on from a node only while nothing of it is done. */
function mayBeginAnew(
  { state, attempts, calls, ending }: LiveRun,
  from: string | undefined,
  isLoading: boolean,
): boolean {
  const hasStopped = isLoading || ending !== null || state.cancelled !== null || state.root.failure !== null;
  if (!hasStopped || attempts.size > 0 || calls.size > 0) return false;
  return from === undefined || placesFrom(state, from).problem === null;
}
