/** What becomes of an attempt whose queue is full: it fails, and is not made again. */
import type { Attempt } from "../attempt.ts";
import type { Settled } from "../body.ts";
import type { QueuedStep } from "../../core/queues/queue-of.ts";

const HAPPENED = {
  QUEUE_FULL: "came when as many waited as its `queue.maxBacklog` lets",
  QUEUE_DROPPED: "had waited longest when another came, and as many waited as its `queue.maxBacklog` lets",
} as const;

export function turnedAway(
  code: keyof typeof HAPPENED,
  { name, queue }: QueuedStep,
  { path: node, number: attempt }: Attempt,
): Extract<Settled, { ok: false }> {
  const message = `${node} was not called: it ${HAPPENED[code]} in the line of the step "${name}" (${queue.backlog?.max}). It is not attempted again; \`attempt\` catches it, and \`tenfold retry\` has it ask once more.`;
  return { ok: false, error: { code, message, node, attempt }, isFinal: true, thrown: undefined };
}
