/**
 * How a child is named before it is there.
 * Invariant: its id follows from its parent's, the call's path, its generation and when the call became ready, so a start
 * sent again is the same run.
 */
import { isCalled } from "../core/constructs/call.ts";
import { bornOf, type Place } from "../core/state.ts";
import { hash32 } from "../value/hash.ts";
import { derivedRunId, laneOfRun } from "../value/id.ts";

/** The id of the run that a call starts in `lane`. */
export function childId(parent: string, { frame, node }: Place, path: string, lane: number): string {
  const { generation } = bornOf(frame, node.local);
  const name = `${nameOfCall(parent, path)}${generation === 0 ? "" : ` #${generation}`}`;
  return derivedRunId(name, frame.readyAt[node.local]!, lane);
}

/** The lane of a child whose workflow has no key. */
export function laneOfChild(parent: string, path: string, lanes: number): number {
  return hash32(nameOfCall(parent, path)) % lanes;
}

function nameOfCall(parent: string, path: string): string {
  return `${parent} ${path}`;
}

/** Whether others had started the child of a call. */
export function isJoined(child: string, parent: string, place: Place, path: string): boolean {
  return childId(parent, place, path, laneOfRun(child)!) !== child;
}

/** The child that a call has, or had, as far as its journal tells. */
export function knownChild({ frame, node }: Place): string | undefined {
  const called = frame.children?.get(node.local);
  return called !== undefined && isCalled(called) ? (called.child ?? undefined) : undefined;
}
