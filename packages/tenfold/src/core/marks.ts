/** What is remembered of a run's frames beyond what is open: those that are closed and may be undone, and what was reset. */
import type { CompiledNode } from "./compile.ts";
import { framesOf, isSpread } from "./opened.ts";
import { bornOf, type Frame, type Marks, type Place, type RunState } from "./state.ts";

export function marksOf(frame: Frame): Marks {
  frame.marks ??= { born: new Map(), touched: new Set(), kept: new Map(), undoAttempts: new Map(), undoing: null };
  return frame.marks;
}

/** A body was called, or may have been, and there is no result of it: it is undone, if it can be. */
export function touch(frame: Frame, node: CompiledNode): void {
  if (node.hasUndo) marksOf(frame).touched.add(node.local);
}

/** Keeps a frame that is closed, if something in it can be undone. */
export function keepFrame(inner: Frame): void {
  if (!inner.scope.holdsUndo || inner.parent === null) return;
  const { kept } = marksOf(inner.parent);
  const others = kept.get(inner.scope.ownerLocal);
  if (others === undefined) kept.set(inner.scope.ownerLocal, new Set([inner]));
  else others.add(inner);
}

/** All frames that a node has opened and that are there yet, those that are closed first. */
export function framesBelow(frame: Frame, local: number): readonly Frame[] {
  const kept = [...(frame.marks?.kept.get(local) ?? [])];
  const child = frame.children?.get(local);
  if (child === undefined) return kept;
  const open = framesOf(child).filter((inner) => inner !== null);
  return isSpread(child) ? [...kept, ...child.failed, ...open] : [...kept, ...open];
}

/** Calls `visit` with `frame` and each below it that is there yet, closed or not. */
export function visitAllFrames(frame: Frame, visit: (frame: Frame) => void): void {
  visit(frame);
  for (const local of new Set([...(frame.children?.keys() ?? []), ...(frame.marks?.kept.keys() ?? [])]))
    for (const inner of framesBelow(frame, local)) visitAllFrames(inner, visit);
}

/** Whether what happened in the frame is being undone now. */
export function isBeingUndone(frame: Frame): boolean {
  for (let boundary: Frame | null = frame.boundary; boundary !== null; boundary = boundary.parent?.boundary ?? null) {
    if ((boundary.marks?.undoing ?? null) !== null) return true;
  }
  return false;
}

/** The number of the key that bodies of the node at `path` have: never one that was undone, whatever has become of its frame. */
export function keyAt({ keysLeast }: RunState, path: string, { frame, node }: Place): number {
  const { key } = bornOf(frame, node.local);
  return keysLeast === null ? key : Math.max(key, keysLeast.get(path) ?? 0);
}

/** The key of what was done `key` resets ago, as bodies have it. */
export function keyText(run: string, path: string, key: number): string {
  return `${run}/${path}${key === 0 ? "" : `#${key}`}`;
}
