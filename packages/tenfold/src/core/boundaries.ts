/** What holds of a frame because of the boundaries around it: the run, bodies of attempts, items that are collected. */
import type { Frame } from "./state.ts";

/** True while nothing new may start in `frame`: the run, or an item around it, is failing. */
export function isFailing(frame: Frame): boolean {
  for (let boundary: Frame | null = frame.boundary; boundary !== null; boundary = boundary.parent?.boundary ?? null) {
    if (boundary.failure !== null) return true;
  }
  return false;
}

/** Adds to the open nodes of every boundary around `frame`. */
export function countOpen(frame: Frame, change: 1 | -1): void {
  for (let boundary: Frame | null = frame.boundary; boundary !== null; boundary = boundary.parent?.boundary ?? null) {
    boundary.running += change;
  }
}
