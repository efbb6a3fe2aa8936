/** What a run waits for, in words: told when a test asks why it does not end. */
import { waitsOf, waitText } from "../core/why.ts";
import { durationText } from "../value/duration.ts";
import { stateOf, type ShownRun } from "./run-journal.ts";

/** One part of a sentence for each open node: "remind sleeps for 2d more". */
export function openNodes(run: ShownRun, now: number): readonly string[] {
  return waitsOf(stateOf(run)).map((wait) => `${wait.node} ${waitText(wait, now, durationText)}`);
}
