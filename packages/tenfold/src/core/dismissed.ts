/** Frames that are given up: nothing in them is waited for any more. */
import type { RunError } from "./entry.ts";
import { ASLEEP, SUPPRESSED, visitFrames, type Frame } from "./state.ts";

/** What sleeps in a frame that is given up is waited for by nobody. */
export function wakeNoMore(frame: Frame): void {
  visitFrames(frame, ({ waits }) => {
    waits.forEach((wait, local) => {
      if (wait === ASLEEP) waits[local] = SUPPRESSED;
    });
  });
}

/** Why nothing starts any more in a frame that is not needed. */
const DISMISSED: RunError = Object.freeze({
  code: "DISMISSED",
  message: "It is not needed any more.",
  node: "",
  attempt: 0,
});

/** Nothing starts in this frame, a boundary, any more; what is open there is to be abandoned. */
export function dismiss(frame: Frame): void {
  frame.failure = DISMISSED;
  wakeNoMore(frame);
}

/** Whether the frame, or one around it, is not needed any more. */
export function isDismissed(frame: Frame): boolean {
  for (let boundary: Frame | null = frame.boundary; boundary !== null; boundary = boundary.parent?.boundary ?? null) {
    if (boundary.failure === DISMISSED) return true;
  }
  return false;
}
