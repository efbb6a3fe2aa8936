/** Whether a line of a journal changed anything: what came too late, or was not allowed, stands there as well. */
import { decisionProblem, openRequest } from "./constructs/approval.ts";
import { awaited } from "./constructs/call.ts";
import type { Entry } from "./entry.ts";
import { placeAt } from "./path.ts";
import type { RunState } from "./state.ts";

/** Why a decision, or the end of a child, changes nothing in a run in this state, behind "because"; undefined: it does, or is neither. */
export function whyVain(state: RunState, entry: Entry): string | undefined {
  if (entry.kind !== "decided" && entry.kind !== "returned") return undefined;
  if (state.absorbed?.has(entry.message) === true) return "it was taken in before";
  const place = placeAt(state, entry.node);
  if (entry.kind === "returned") {
    const call = place && awaited(state, place, entry);
    return call === undefined ? "the call did not wait for it" : undefined;
  }
  const request = place && openRequest(place);
  return request === undefined ? "nothing was to be decided any more" : decisionProblem(request, entry);
}

/** Whether this node still waits for people to decide. */
export function isUndecided(state: RunState, node: string): boolean {
  const place = placeAt(state, node);
  return place !== undefined && openRequest(place) !== undefined;
}
