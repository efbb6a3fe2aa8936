/** Durations in a drawing: known when it is drawn, and no longer than a store can keep. */
import { durationMs, type Duration } from "../value/duration.ts";
import { TenfoldError } from "../value/error.ts";
import { drawingError, type Drawing } from "./drawing.ts";
import { SLEEP_MAX_MS } from "./graph.ts";
import { originOf } from "./value.ts";

/** `duration` in whole ms, rounded up; DURATION_INVALID of the node `id` where it is none. `what` is such as "its timeout". */
export function checkedDuration(drawing: Drawing, id: string, what: string, duration: unknown): number {
  if (originOf(duration) !== undefined) {
    throw drawingError("DURATION_INVALID", drawing, id, {
      happened: `${what} is a value, and has to be known when the workflow is drawn`,
      wayOut: "Compute the moment in a step or a `derive`, and give that to `sleepUntil`.",
    });
  }
  const ms = Math.ceil(asOfNode(drawing, id, () => durationMs(duration as Duration, what)));
  if (ms <= SLEEP_MAX_MS) return ms;
  throw drawingError("DURATION_INVALID", drawing, id, {
    happened: `${what} is longer than a hundred years`,
    wayOut: "A run that nobody is to wake is one that has ended.",
  });
}

/** What `read` answers; what it throws is told as an error of this node. */
export function asOfNode<T>(drawing: Drawing, id: string, read: () => T): T {
  try {
    return read();
  } catch (thrown) {
    if (!(thrown instanceof TenfoldError)) throw thrown;
    const [happened, ...way] = thrown.message.split(". ");
    throw drawingError(thrown.code, drawing, id, { happened: happened!, wayOut: way.join(". ") });
  }
}
