/** `queue: { batch }`: one body for several inputs at once, what it is given and what it answers. */
import { describe } from "../value/describe.ts";
import { durationMs, type Duration } from "../value/duration.ts";
import type { StepContext } from "./definition.ts";
import { checkOptionNames, refused } from "./options.ts";
import type { BatchDefinition } from "./queue-definition.ts";

export interface BatchOptions {
  /** How many inputs a body is given at once, at most: a whole number from 1 to 1000. */
  readonly max: number;
  /** How long the first of them waits for others: "200ms". */
  readonly wait: Duration;
}

/** What a body is given beside its inputs. */
export interface BatchContext {
  /** For each input, in order, what a body of its own would be given. */
  readonly items: readonly StepContext[];
  /** Aborts when none of them is waited for any more: on timeout, shutdown, or when all their runs are cancelled. */
  readonly signal: AbortSignal;
}

/** What is recorded of an item, of what a body may answer for it: an error fails that one alone. */
export type Answered<R> = R extends Error ? ("stack" extends keyof R ? never : R) : R;

/** The most inputs that a body may be given at once: they wait in memory until it is called. */
const BATCH_MOST = 1000;
const BATCH = { known: ["max", "wait"], later: [] };

export function checkBatch(owner: string, batch: BatchOptions): BatchDefinition {
  checkOptionNames(`the \`queue.batch\` of ${owner}`, batch, BATCH, "QUEUE_INVALID");
  const { max, wait } = batch;
  if (!Number.isInteger(max) || max < 1 || max > BATCH_MOST) {
    const way = `Give how many inputs a body takes at once, a whole number from 1 to ${BATCH_MOST}: \`{ max: 100, wait: "200ms" }\`.`;
    throw refused("QUEUE_INVALID", owner, `its \`queue.batch.max\` is ${describe(max)}`, way);
  }
  if (wait === undefined) {
    const way = 'Say how long the first waits for others: `{ max: 100, wait: "200ms" }`.';
    throw refused("QUEUE_INVALID", owner, "its `queue.batch` has no `wait`", way);
  }
  return Object.freeze({ max, waitMs: durationMs(wait, `\`queue.batch.wait\` of ${owner}`) });
}

/** A body for several inputs cannot promise what is promised of one, and is called where its inputs are gathered. */
export function checkBatched(
  owner: string,
  options: { readonly once?: unknown; readonly tx?: unknown; readonly threads?: unknown },
): void {
  const { once, tx, threads } = options;
  if (threads !== undefined) {
    const way = "Leave one of them out: a thread is given one input, and a batch is several.";
    throw refused("QUEUE_INVALID", owner, "it has both `queue.batch` and `threads`", way);
  }
  if (once !== true && tx === undefined) return;
  const promise = once === true ? "once" : "tx";
  const way = `Leave \`${promise}\` out, or \`batch\`: what is promised of one call cannot be of several that fail each for itself.`;
  throw refused("QUEUE_INVALID", owner, `it has both \`queue.batch\` and \`${promise}\``, way);
}
