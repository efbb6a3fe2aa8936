/** What of a run is open, in words: what it waits for when a test asks why it does not end. */
import { decidersOf, openRequest } from "../core/constructs/approval.ts";
import { pathOf } from "../core/path.ts";
import { addressAt } from "../core/signals.ts";
import { ASLEEP, RETRYING, visitFrames, type Frame, type Place, type RunState } from "../core/state.ts";
import { NEVER, wakeTime } from "../core/wake-time.ts";
import { durationText } from "../value/duration.ts";
import { replay, type ShownRun } from "./run-journal.ts";

/** One part of a sentence for each open node: "remind sleeps for 2d more". */
export function openNodes(run: ShownRun, now: number): readonly string[] {
  const state = replay(run);
  const open: string[] = [];
  visitFrames(state.root, (frame: Frame) => {
    for (const node of frame.scope.nodes) {
      const waits = frame.waits[node.local]!;
      if (waits > 0 || node.node.kind === "output") continue;
      const said = openText(state, { frame, node }, now);
      if (said !== null) open.push(`${pathOf(state.compiled, frame, node)} ${said}`);
    }
  });
  return open;
}

function openText(state: RunState, place: Place, now: number): string | null {
  const { frame, node } = place;
  switch (frame.waits[node.local]) {
    case 0:
      return UNANSWERED;
    case RETRYING: {
      const leftMs = frame.retries!.get(node.local)!.at - now;
      return leftMs <= 0 ? UNANSWERED : `is to be tried again in ${durationText(leftMs)}`;
    }
    case ASLEEP: {
      const until = wakeTime(state, place);
      const left = until === NEVER ? "" : ` for ${durationText(Math.max(0, until - now))} more`;
      const request = openRequest(place);
      if (request !== undefined) return `waits for an approval of ${decidersOf(request)?.join(" or ") ?? "anybody"}`;
      return node.node.kind === "wait" ? `waits${left} for the signal ${addressText(state, place)}` : `sleeps${left}`;
    }
    default:
      // Of what holds others, those are told.
      return null;
  }
}

function addressText(state: RunState, place: Place): string {
  const { node } = place.node;
  const signal = node.kind === "wait" ? node.signal : "";
  const whom = addressAt(state, place).slice(signal.length + 1);
  return whom === "" ? `"${signal}"` : `"${signal}" for ${whom}`;
}

const UNANSWERED = "is open, and its body has not answered";
