/**
 * How many wait and run in the queues of a workflow's steps, asked for again and again.
 * Invariants: asking takes a third of the time at most, however many wait, and a tenth of it where what is known is fresh all the
 * same; what could not be asked for is shown no longer.
 */
import type { Tenfold } from "../engine/client.ts";
import { isQueued } from "../core/queues/queue-of.ts";
import { TenfoldError } from "../value/error.ts";
import { countQueues, type ProgressCounts } from "./progress-counts.ts";

const ASK_MS = 250;
/** What is older than this is asked for again, as soon as a third of the time allows it. */
const FRESH_MS = 500;

/** Keeps the queues of `counts` as they are now; answers how to stop, from where on there are none. */
export function followQueues(tenfold: Tenfold, counts: ProgressCounts): () => void {
  const steps = tenfold.workflows.find(({ name }) => name === counts.workflow)?.steps ?? new Map<never, never>();
  if (![...steps.values()].some(isQueued)) return () => undefined;
  let isStopped = false;
  let timer: NodeJS.Timeout | undefined;
  void ask();
  return () => {
    isStopped = true;
    clearTimeout(timer);
    countQueues(counts, []);
  };

  async function ask(): Promise<void> {
    const askedAt = performance.now();
    const views = await tenfold.queues().catch((error: unknown) => {
      if (error instanceof TenfoldError && error.code === "CLOSED") isStopped = true;
      return [];
    });
    if (isStopped) return countQueues(counts, []);
    countQueues(counts, views);
    const tookMs = performance.now() - askedAt;
    timer = setTimeout(() => void ask(), Math.max(ASK_MS, Math.min(FRESH_MS, 9 * tookMs), 2 * tookMs));
    timer.unref();
  }
}
