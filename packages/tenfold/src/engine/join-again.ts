/** Joins a lane that could not be joined, after ever longer pauses. */
import { isPassing } from "./passing.ts";
import type { Clock } from "./ports.ts";

const FIRST_MS = 100;
const MAX_MS = 5000;

export interface Joining {
  isStopping(): boolean;
  join(): Promise<void>;
}

/** Calls `joined` once it is; never, if it is stopping before it is tried again. */
export function joinAgain(clock: Clock, joining: Joining, joined: () => void, delayMs = FIRST_MS): void {
  clock.at(clock.now() + delayMs, () => {
    if (joining.isStopping()) return;
    joining.join().then(joined, (thrown: unknown) => {
      if (!isPassing(thrown)) throw thrown;
      joinAgain(clock, joining, joined, Math.min(delayMs * 2, MAX_MS));
    });
  });
}
