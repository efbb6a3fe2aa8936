/** `limit`: one limit that several steps share, each with a queue of its own; named, since a limit holds over all workers. */
import { describe } from "../value/describe.ts";
import { rateOf, type Rate } from "../value/rate.ts";
import { checkName } from "./naming.ts";
import { checkOptionNames, refused } from "./options.ts";
import type { LimitDefinition } from "./queue-definition.ts";

export interface LimitOptions {
  /** How many bodies of all these steps run at once: a whole number from 1. */
  readonly concurrency?: number;
  /** How fast they start: "100/s", or "20/min burst 5". */
  readonly rate?: string;
}

declare const made: unique symbol;

/** What `limit(…)` answered; steps take it as `queue: { limit }`. */
export interface Limit extends LimitDefinition {
  readonly [made]: true;
}

const OPTIONS = { known: ["concurrency", "rate"], later: [] };

/** `limit("openai", { rate: "60/min" })`: what the steps that name it do together stays within it, on all workers. */
export function limit(name: string, options: LimitOptions): Limit {
  checkName("QUEUE_INVALID", "a limit", name);
  const owner = `limit "${name}"`;
  checkOptionNames(owner, options, OPTIONS, "QUEUE_INVALID");
  const { concurrency, rate } = options;
  if (concurrency === undefined && rate === undefined) {
    const way = 'Say what it limits: `concurrency: 5`, `rate: "100/s"`, or both.';
    throw refused("QUEUE_INVALID", owner, "it limits nothing", way);
  }
  return Object.freeze<LimitDefinition>({
    name,
    concurrency: checkConcurrency(owner, "concurrency", concurrency),
    rate: checkRate(owner, "rate", rate),
  }) as Limit;
}

/** Whether `value` is what `limit` answered: frozen, with its rate read. */
export function isLimit(value: unknown): value is LimitDefinition {
  if (typeof value !== "object" || value === null || !Object.isFrozen(value)) return false;
  const { name, concurrency, rate } = value as Partial<LimitDefinition>;
  return typeof name === "string" && concurrency !== undefined && (rate === null || typeof rate === "object");
}

/** A number of bodies at once; null where none was given. */
export function checkConcurrency(owner: string, option: string, concurrency: unknown): number | null {
  if (concurrency === undefined) return null;
  if (Number.isSafeInteger(concurrency) && (concurrency as number) >= 1) return concurrency as number;
  const way = `Give how many may run at once, a whole number from 1; \`rate: "100/s"\` is for how fast they start.`;
  throw refused("QUEUE_INVALID", owner, `its \`${option}\` is ${describe(concurrency)}`, way);
}

/** A rate as it was written, read; null where none was given. */
export function checkRate(owner: string, option: string, rate: unknown): Rate | null {
  return rate === undefined ? null : rateOf(rate as string, `\`${option}\` of ${owner}`);
}
