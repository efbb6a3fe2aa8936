/** A run that goes on elsewhere, or anew, leaves the lines that it waits in. */
import type { Turn } from "./turn.ts";

/**
 * `giveUp` has the attempts of these turns stopped. Given up one by one they let others go on only once all are given up, not each other; keys
 * that wait for them go on waiting: they come again.
 */
export function leaveLines(waiting: Iterable<Turn>, giveUp: () => void): void {
  const turns = [...waiting];
  for (const turn of turns) turn.goAway();
  giveUp();
  for (const turn of turns) turn.lineGoesOn();
}
