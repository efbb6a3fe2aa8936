/** `queue` of a workflow: how many of its runs are active at once, and how fast they begin. */
import { checkOptionNames, refused } from "./options.ts";
import { checkQueue, refuseDebounce, type QueueKeyOptions, type QueueOptions } from "./queue.ts";
import type { QueueDefinition } from "./queue-definition.ts";

/**
 * What limits the runs of a workflow. A run is active while a body of it runs, or waits for its turn; one that sleeps, or waits for a
 * person, a signal or a child, is not, and asks anew when it goes on. Functions are given the run's input.
 */
export interface WorkflowQueueOptions<I = unknown> extends Pick<
  QueueOptions<I>,
  "concurrency" | "rate" | "priority" | "maxBacklog"
> {
  /** What holds for each key, such as each customer. */
  readonly per?: Omit<QueueKeyOptions<I>, "order">;
  /** What `start` does where `maxBacklog` runs wait: it throws QUEUE_FULL ("refuse", as by default), or waits until there is room ("park"). */
  readonly whenFull?: "refuse" | "park";
}

const QUEUE = { known: ["concurrency", "rate", "per", "priority", "maxBacklog", "whenFull"], later: [] };

/** The definition; `owner` is for example `workflow "leads"`. */
export function checkWorkflowQueue(owner: string, queue: WorkflowQueueOptions<never>): QueueDefinition {
  refuseDebounce(owner, queue);
  checkOptionNames(`the queue of ${owner}`, queue, QUEUE, "QUEUE_INVALID");
  const { per } = queue;
  if (typeof per === "object" && per !== null && "order" in per && per.order !== undefined) {
    const way =
      "Leave it out: runs of a key begin in the order in which they were started. A step's queue can be strict.";
    throw refused("QUEUE_INVALID", owner, "its `queue.per` has an `order`, which runs do not have", way);
  }
  if ((queue as QueueOptions).whenFull === "drop-oldest") {
    const way = 'Write "refuse" or "park": a run that was started is not thrown away, `tenfold cancel` ends it.';
    throw refused(
      "QUEUE_INVALID",
      owner,
      'its `queue.whenFull` is "drop-oldest", which is for the queue of a step',
      way,
    );
  }
  return checkQueue(owner, queue);
}
