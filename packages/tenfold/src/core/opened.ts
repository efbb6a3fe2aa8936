/** What a node has opened: which of the constructs it is, and the frames that are open of it. */
import type { Child, Frame, Request, Rounds, Spread } from "./state.ts";

export function isSpread(child: Child): child is Spread {
  return "items" in child;
}

export function isRounds(child: Child): child is Rounds {
  return "ahead" in child;
}

export function isRequest(child: Child): child is Request {
  return "ask" in child;
}

/** The frames that are open of it; null stands for one that is not any more, or not yet. */
export function framesOf(child: Child): readonly (Frame | null)[] {
  return "scope" in child ? [child] : child.frames;
}
