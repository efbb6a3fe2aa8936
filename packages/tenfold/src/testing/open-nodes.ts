/** What of a run is open, in words: what it waits for when a test asks why it does not end. */
import { compileGraph } from "../core/compile.ts";
import { pathOf } from "../core/path.ts";
import { begin, reduce } from "../core/reduce.ts";
import { ASLEEP, RETRYING, visitFrames, type Frame, type Place, type RunState } from "../core/state.ts";
import { wakeTime } from "../core/wake-time.ts";
import { durationText } from "../value/duration.ts";
import type { Json } from "../value/json.ts";
import type { ShownRun } from "./run-journal.ts";

/** One part of a sentence for each open node: "remind sleeps for 2d more". */
export function openNodes(run: ShownRun, input: Json, now: number): readonly string[] {
  const state = begin(compileGraph(run.graph), input, run.startedAt, []);
  for (const entry of run.entries) reduce(state, entry, []);
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
    case ASLEEP:
      return `sleeps for ${durationText(Math.max(0, wakeTime(state, place) - now))} more`;
    default:
      // Of what holds others, those are told.
      return null;
  }
}

const UNANSWERED = "is open, and its body has not answered";
