/** A law of every state of a life: what is counted as nodes open and close is what going over all of them would find. */
import { equal } from "node:assert/strict";
import { isSpread } from "../../src/core/opened.ts";
import { DONE, RETRYING, visitFrames, type Frame, type RunState } from "../../src/core/state.ts";

export function checkCounts({ root }: RunState): void {
  const running = new Map<Frame, number>();
  const frames: Frame[] = [];
  visitFrames(root, (frame) => void frames.push(frame));
  for (const frame of frames) {
    const atWork = frame.waits.filter((waits) => waits === 0 || waits === RETRYING).length;
    const undoing = (frame.marks?.undoing ?? null) === null ? 0 : 1;
    for (const boundary of boundariesAround(frame))
      running.set(boundary, (running.get(boundary) ?? 0) + atWork + undoing);
    equal(frame.open, openIn(frame), `open nodes of ${frame.scope.name}`);
    for (const child of frame.children?.values() ?? []) {
      if (isSpread(child)) equal(child.active, child.frames.filter((item) => item !== null).length, "items at work");
    }
  }
  for (const frame of frames)
    if (frame.boundary === frame) equal(frame.running, running.get(frame) ?? 0, `what is at work in ${frame.scope.name}`); // prettier-ignore
}

function boundariesAround(frame: Frame): Frame[] {
  const outer = frame.boundary.parent;
  return outer === null ? [frame.boundary] : [frame.boundary, ...boundariesAround(outer)];
}

/** Those without a result, and eaches whose rest is not over. */
function openIn({ scope, waits, children }: Frame): number {
  return scope.nodes.filter(({ local, node: { kind } }) => {
    if (kind === "input" || kind === "item") return false;
    const child = children?.get(local);
    return waits[local] !== DONE || (child !== undefined && isSpread(child) && child.isUnheard);
  }).length;
}
