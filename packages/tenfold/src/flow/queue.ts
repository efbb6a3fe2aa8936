/** `queue`: the line before a step, with what it limits; checked, and made the definition that the engine reads. */
import { describe } from "../value/describe.ts";
import { durationMs, type Duration } from "../value/duration.ts";
import type { TenfoldError } from "../value/error.ts";
import { checkBacklog, type BacklogOptions } from "./backlog.ts";
import { checkBatch, type BatchOptions } from "./batch.ts";
import { checkConcurrency, checkRate, isLimit, type Limit } from "./limit.ts";
import { checkName } from "./naming.ts";
import { checkOptionNames, isAsyncFunction, refused } from "./options.ts";
import { DEFAULT_POOL, PRIORITY_MOST, type QueueDefinition, type QueueKeyDefinition } from "./queue-definition.ts";

/**
 * What a step's queue takes; `{}` is a line without limits. Its functions are given the step's input as it is stored, which is
 * what the flow passes: they are called before the step's `input` schema parses it.
 */
export interface QueueOptions<I = unknown> extends BacklogOptions {
  /** How many of its bodies run at once, on all workers together: a whole number from 1. */
  readonly concurrency?: number;
  /** How fast they start: "100/s", or "20/min burst 5", where so many may start at once after a pause. */
  readonly rate?: string;
  /** What holds for each key, such as each customer. */
  readonly per?: QueueKeyOptions<I>;
  /** From -9 to 9, 0 by default, higher first: one class above is to have come a minute earlier. */
  readonly priority?: number | Priority<I>["of"];
  /** What one call takes of each rate, such as its tokens: above 0, 1 by default. `ctx.spent` says what it really took. */
  cost?(input: I): number;
  /** A limit that other steps share: `limit("openai", { rate: "60/min" })`. */
  readonly limit?: Limit;
  /** Only workers that serve this pool call its body: `tenfold work --only heavy`. */
  readonly pool?: string;
}

/** What the queue of a step takes whose body is given several inputs at once. */
export interface BatchedQueueOptions<I = unknown> extends QueueOptions<I> {
  /** How many inputs it is given at once, and how long the first waits for others: `{ max: 100, wait: "200ms" }`. */
  readonly batch: BatchOptions;
}

/** A method, as the other functions are: TypeScript compares one whose parameter is written down before it knows what `run` takes. */
interface Priority<I> {
  of(input: I): number;
}

/** What holds for each key of a queue: at least one of these beside its `key`. */
export interface QueueKeyOptions<I = unknown> {
  /** Whose it is: `(order) => order.customer`. */
  key(input: I): string;
  /** How many of one key run at once. */
  readonly concurrency?: number;
  /** How fast those of one key start. */
  readonly rate?: string;
  /** The key's share where several wait: one of weight 2 has twice as many turns. Above 0, 1 by default. */
  weight?(input: I): number;
  /** "strict": of one key one at a time, in the order in which they came; what waits for its next attempt keeps its place. */
  readonly order?: "strict";
}

const QUEUE = {
  known: ["concurrency", "rate", "per", "priority", "cost", "limit", "pool", "batch", "maxBacklog", "whenFull"],
  later: [],
};
const PER = { known: ["key", "concurrency", "rate", "weight", "order"], later: [] };

type Given = QueueOptions<never> & { readonly batch?: BatchOptions };

/** The definition; `owner` is for example `step "enrich"`, `expires` the step's. */
export function checkQueue(owner: string, queue: Given, expires?: Duration): QueueDefinition {
  refuseDebounce(owner, queue);
  refuseExpires(owner, queue);
  checkOptionNames(`the queue of ${owner}`, queue, QUEUE, "QUEUE_INVALID");
  const { concurrency, rate, per, priority, limit, pool, batch } = queue;
  const definition: QueueDefinition = Object.freeze({
    concurrency: checkConcurrency(owner, "queue.concurrency", concurrency),
    rate: checkRate(owner, "queue.rate", rate),
    per: per === undefined ? null : checkPer(owner, per),
    priority: priority === undefined ? 0 : checkPriority(owner, queue),
    // As methods of the options, so that they may use `this`.
    cost: isGiven(owner, "cost", queue.cost, "(call) => call.tokens") ? (input: never) => queue.cost!(input) : null,
    limit: checkLimit(owner, limit),
    pool: pool === undefined ? null : checkPool(owner, pool),
    expiresMs: expires === undefined ? null : checkExpires(owner, expires),
    batch: batch === undefined ? null : checkBatch(owner, batch),
    backlog: checkBacklog(owner, queue),
  });
  if (definition.batch !== null && definition.per?.isStrict === true) {
    const way = "Leave one of them out: in a strict order one follows the other, and in a batch they go together.";
    throw invalid(owner, 'its `queue` has both a `batch` and `order: "strict"`', way);
  }
  const hasRate = [definition, definition.per, definition.limit].some((limits) => (limits?.rate ?? null) !== null);
  if (definition.cost === null || hasRate) return definition;
  throw invalid(
    owner,
    "its `queue.cost` is taken of no rate",
    'Add the rate that it is a part of: `rate: "1000/min"`.',
  );
}

/** It is looked for where it does not belong: what comes to be one run does so before the run, and its queues, are there. */
export function refuseDebounce(owner: string, queue: unknown): void {
  if (Object(queue).debounce === undefined) return;
  const way = 'Give it to the workflow, beside its `key`: `workflow("reindex", { key, debounce: "10s", … })`.';
  throw refused("OPTION_UNSUPPORTED", owner, "its `queue` has a `debounce`, which belongs to a workflow", way);
}

function refuseExpires(owner: string, queue: unknown): void {
  if (Object(queue).expires === undefined) return;
  throw invalid(
    owner,
    "its `queue` has an `expires`",
    'It stands beside the queue: `{ queue: { … }, expires: "10m" }`.',
  );
}

function checkExpires(owner: string, expires: Duration): number {
  const expiresMs = durationMs(expires, `\`expires\` of ${owner}`);
  if (expiresMs > 0) return expiresMs;
  throw refused("DURATION_INVALID", owner, "its `expires` is 0, so no attempt could begin in time", 'Write "10m".');
}

function checkPer(owner: string, per: NonNullable<Given["per"]>): QueueKeyDefinition {
  checkOptionNames(`the \`queue.per\` of ${owner}`, per, PER, "QUEUE_INVALID");
  const { concurrency, rate, order } = per;
  const hasKey = isGiven(owner, "per.key", per.key, KEY);
  if (!hasKey) throw invalid(owner, "its `queue.per` has no key", `Say whose an input is: \`key: ${KEY}\`.`);
  const hasWeight = isGiven(owner, "per.weight", per.weight, '(order) => (order.plan === "gold" ? 2 : 1)');
  if (order !== undefined && order !== "strict") {
    const way = 'Write `order: "strict"`, or leave it out: then they begin in the order in which they came.';
    throw invalid(owner, `its \`queue.per.order\` is ${describe(order)}`, way);
  }
  if (concurrency === undefined && rate === undefined && order === undefined && !hasWeight) {
    const way =
      'Give what holds for each key: `concurrency`, `rate` or `order: "strict"`. `weight: () => 1` gives each the same share.';
    throw invalid(owner, "its `queue.per` has a key, and nothing that holds for it", way);
  }
  const isStrict = order === "strict";
  const atOnce = checkConcurrency(owner, "queue.per.concurrency", concurrency);
  if (isStrict && atOnce !== null && atOnce > 1) {
    const way = 'Leave one of them out: `order: "strict"` is one at a time.';
    throw invalid(owner, `its \`queue.per\` has \`order: "strict"\`, and ${atOnce} of a key at once`, way);
  }
  return Object.freeze({
    key: (input: never) => per.key(input),
    concurrency: isStrict ? 1 : atOnce,
    rate: checkRate(owner, "queue.per.rate", rate),
    weight: hasWeight ? (input: never) => per.weight!(input) : null,
    isStrict,
  });
}

const KEY = "(order) => order.customer";

/** Whether the function is there; one that is no function, or async, is refused. */
function isGiven(owner: string, option: string, given: unknown, example: string): boolean {
  if (given === undefined) return false;
  const way = `Give a plain function of the step's input: \`${example}\`.`;
  if (typeof given !== "function") throw invalid(owner, `its \`queue.${option}\` is ${describe(given)}`, way);
  if (!isAsyncFunction(given)) return true;
  throw invalid(owner, `its \`queue.${option}\` is async, and what it answers is needed at once`, way);
}

function checkPriority(owner: string, queue: Given): QueueDefinition["priority"] {
  const { priority } = queue;
  if (isPriority(priority)) return priority;
  const way = `Give a whole number from -${PRIORITY_MOST} to ${PRIORITY_MOST}, higher first, or a function of the input that answers one.`;
  if (typeof priority !== "function") throw invalid(owner, `its \`queue.priority\` is ${describe(priority)}`, way);
  isGiven(owner, "priority", priority, "(order) => (order.isUrgent ? 5 : 0)");
  return (input) => (queue.priority as (input: never) => number)(input);
}

/** A class of priority. */
export function isPriority(value: unknown): value is number {
  return Number.isInteger(value) && Math.abs(value as number) <= PRIORITY_MOST;
}

function checkLimit(owner: string, limit: unknown): QueueDefinition["limit"] {
  if (limit === undefined) return null;
  if (isLimit(limit)) return limit;
  const way = 'Give one that `limit(…)` answered: `const openai = limit("openai", { rate: "60/min" })`.';
  const most = Array.isArray(limit) ? ", and a step shares at most one limit" : "";
  throw invalid(owner, `its \`queue.limit\` is ${describe(limit)}${most}`, way);
}

function checkPool(owner: string, pool: unknown): string {
  if (pool === DEFAULT_POOL) {
    throw invalid(owner, `its \`queue.pool\` is "${DEFAULT_POOL}", the pool of steps without one`, "Leave `pool` out.");
  }
  return checkName("QUEUE_INVALID", `the pool of ${owner}`, pool as string);
}

function invalid(owner: string, happened: string, wayOut: string): TenfoldError {
  return refused("QUEUE_INVALID", owner, happened, wayOut);
}
