/** What a run waits for from outside, told from its state by looking at every node that is open. */
import { openRequest, tokenOf } from "../../core/constructs/approval.ts";
import { doubtToken, openDoubt } from "../../core/constructs/undertaking.ts";
import { pathOf } from "../../core/path.ts";
import { isFailing } from "../../core/boundaries.ts";
import { ASLEEP, outputFrom, visitFrames, type Place, type RunState } from "../../core/state.ts";
import { evaluate } from "../../flow/evaluate.ts";

export interface AwaitedSignal {
  readonly signal: string;
  readonly for: string | null;
}

export interface AskedApproval {
  readonly node: string;
  /** What a decision on it names. */
  readonly token: string;
  readonly approved: number;
  /** Nobody decides on it before its time is over. */
  readonly timesOut: boolean;
}

/** Signals that are waited for where nothing is failing, once for each node that does. */
export function awaitedSignals(state: RunState): readonly AwaitedSignal[] {
  return placesOf(state).flatMap(({ frame, node }) => {
    if (frame.waits[node.local] !== ASLEEP || node.node.kind !== "wait" || isFailing(frame)) return [];
    const { signal, for: whom } = node.node;
    return { signal, for: whom === null ? null : String(evaluate(whom, outputFrom(state.compiled, frame))) };
  });
}

/** Approvals that were asked for and not decided. */
export function askedApprovals(state: RunState): readonly AskedApproval[] {
  return placesOf(state).flatMap((place) => {
    const request = openRequest(place);
    const { node } = place.node;
    if (request === undefined || node.kind !== "approval") return [];
    const path = pathOf(state.compiled, place.frame, place.node);
    return {
      node: path,
      token: tokenOf(state, place),
      approved: request.approvals.length,
      timesOut: node.timeoutMs !== null,
    };
  });
}

export interface AskedDoubt {
  readonly node: string;
  readonly token: string;
  readonly attempt: number;
}

/** Attempts of which somebody has to say whether they happened. */
export function askedDoubts(state: RunState): readonly AskedDoubt[] {
  return placesOf(state).flatMap((place) => {
    const doubt = openDoubt(place);
    if (doubt === undefined) return [];
    const node = pathOf(state.compiled, place.frame, place.node);
    return { node, token: doubtToken(state, place, doubt.attempt), attempt: doubt.attempt };
  });
}

function placesOf(state: RunState): Place[] {
  const places: Place[] = [];
  visitFrames(state.root, (frame) => {
    for (const node of frame.scope.nodes) places.push({ frame, node });
  });
  return places;
}
