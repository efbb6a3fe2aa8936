/**
 * How long an attempt may wait in the line of its step, and what becomes of it then.
 * Invariant: while it waits its run has a timer for that, so that the run is parked no longer and hears of it wherever it is.
 */
import { durationText } from "../../value/duration.ts";
import type { Attempt } from "../attempt.ts";
import type { Settled } from "../body.ts";
import type { LiveRun } from "../live-run.ts";
import type { Clock } from "../ports.ts";
import type { QueuedStep } from "../../core/queues/queue-of.ts";
import type { Turn } from "./turn.ts";

/** When it has waited for long enough (ms since 1970), from when it could have been called; Infinity: it waits as long as it has to. */
export function expiresAt({ queue }: QueuedStep, attempt: Attempt, dueAt: number): number {
  // What was done is to be taken back, however late.
  return attempt.undo === null ? dueAt + (queue.expiresMs ?? Infinity) : Infinity;
}

/** The attempt has failed: nobody wants its result any more. */
export function expired({ name, queue }: QueuedStep, attempt: Attempt): Extract<Settled, { ok: false }> {
  const { path: node, number } = attempt;
  const message = `${node} was not called: it has waited for ${durationText(queue.expiresMs!)} in the line of the step "${name}", the longest that its \`expires\` lets it. It is not attempted again; \`attempt\` catches it, and \`tenfold retry\` has it wait once more.`;
  return {
    ok: false,
    error: { code: "QUEUE_EXPIRED", message, node, attempt: number },
    isFinal: true,
    thrown: undefined,
  };
}

/** Has the attempt fail at that time if it still waits; answers how to take that back. */
export function armExpiry(
  clock: Clock,
  run: LiveRun,
  attempt: Attempt<LiveRun>,
  step: QueuedStep,
  turn: Turn,
  at: number,
): () => void {
  if (at === Infinity) return () => {};
  let isArmed = true;
  const waits = (): boolean => turn.state === "waits" || turn.state === "away";
  run.timers.at(clock, attempt.place, waits, at, (path) => {
    isArmed = false;
    if (path === null) return;
    turn.gaveUp();
    attempt.refuse(expired(step, attempt));
  });
  return () => {
    // Another timer of the same node may have come since.
    if (isArmed) run.timers.cancel(attempt.path);
    isArmed = false;
  };
}
