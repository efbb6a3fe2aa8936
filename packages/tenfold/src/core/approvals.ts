/** The approvals of a run that people have to decide on now. */
import { openRequest, tokenOf } from "./constructs/approval.ts";
import { pathOf } from "./path.ts";
import { bornOf, type Place, type Request, type RunState } from "./state.ts";
import { approvalTimes, orNull } from "./wake-time.ts";

export interface OpenApproval {
  readonly node: string;
  readonly token: string;
  /** Of its place: 0 where it was never reset. */
  readonly generation: number;
  readonly place: Place;
  readonly request: Request;
  /** When it was asked, will be escalated, and is over (ms since 1970); null: never. */
  readonly since: number;
  readonly escalatesAt: number | null;
  readonly timesOutAt: number | null;
}

/** In the order in which they were asked. */
export function openApprovals(state: RunState): readonly OpenApproval[] {
  if (state.asked === null) return [];
  return [...state.asked.requests.values()].flatMap((place) => {
    const request = openRequest(place);
    if (request === undefined) return [];
    const times = approvalTimes(place);
    return {
      node: pathOf(state.compiled, place.frame, place.node),
      token: tokenOf(state, place),
      generation: bornOf(place.frame, place.node.local).generation,
      place,
      request,
      since: place.frame.readyAt[place.node.local]!,
      escalatesAt: orNull(times.escalated),
      timesOutAt: orNull(times["timed-out"]),
    };
  });
}
