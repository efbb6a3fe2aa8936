/** `maxBacklog` and `whenFull` of a queue: how many may wait in it, and what becomes of more. */
import { describe } from "../value/describe.ts";
import { refused } from "./options.ts";
import type { BacklogDefinition, WhenFull } from "./queue-definition.ts";

export interface BacklogOptions {
  /** How many wait in it, on all workers together, before `whenFull` holds: a whole number from 1. What runs is not counted. */
  readonly maxBacklog?: number;
  /** What becomes of the one that is too many: it fails ("refuse", as by default), the one that waits longest does, or none ("park"). */
  readonly whenFull?: WhenFull;
}

const WAYS: readonly WhenFull[] = ["refuse", "drop-oldest", "park"];

/** Null: as many wait as come. */
export function checkBacklog(owner: string, { maxBacklog, whenFull }: BacklogOptions): BacklogDefinition | null {
  if (maxBacklog === undefined) {
    if (whenFull === undefined) return null;
    const way = "Say when it is full, `maxBacklog: 1000`, or leave it out: then as many wait as come.";
    throw refused("QUEUE_INVALID", owner, "its `queue` has a `whenFull`, and no `maxBacklog`", way);
  }
  if (!Number.isSafeInteger(maxBacklog) || maxBacklog < 1) {
    const way = "Give how many may wait, a whole number from 1; `concurrency` is for how many run at once.";
    throw refused("QUEUE_INVALID", owner, `its \`queue.maxBacklog\` is ${describe(maxBacklog)}`, way);
  }
  if (whenFull !== undefined && !WAYS.includes(whenFull)) {
    const way =
      'Write "refuse": the one that is too many fails; "drop-oldest": the one that waits longest does; or "park": none does.';
    throw refused("QUEUE_INVALID", owner, `its \`queue.whenFull\` is ${describe(whenFull)}`, way);
  }
  return Object.freeze({ max: maxBacklog, whenFull: whenFull ?? "refuse" });
}
