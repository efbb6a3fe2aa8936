/** The queue before a step, and a limit that several steps share, as the engine sees them: no part of the graph. */
import type { Rate } from "../value/rate.ts";

/** The highest class of priority; the lowest is as far below 0. */
export const PRIORITY_MOST = 9;

/** What the pool of steps without one is called where workers say which they serve. */
export const DEFAULT_POOL = "default";

export interface LimitDefinition {
  readonly name: string;
  /** How many bodies at once. */
  readonly concurrency: number | null;
  readonly rate: Rate | null;
}

/**
 * The functions see the step's input as it is stored, which is before its schema has parsed it, and not to be changed by
 * them; what they answer is checked by `queueAnswers`.
 */
export interface QueueDefinition {
  readonly concurrency: number | null;
  readonly rate: Rate | null;
  readonly per: QueueKeyDefinition | null;
  /** From -9 to 9, higher first. */
  readonly priority: number | ((input: never) => number);
  /** What a call takes of each rate; null: 1. */
  readonly cost: ((input: never) => number) | null;
  readonly limit: LimitDefinition | null;
  /** Whose workers call its body; null: those that serve steps without one. */
  readonly pool: string | null;
  /** The longest that an attempt waits here for its turn; null: as long as it has to. */
  readonly expiresMs: number | null;
  /** Its body takes several inputs at once; null: one. */
  readonly batch: BatchDefinition | null;
  /** How many may wait; null: as many as come. */
  readonly backlog: BacklogDefinition | null;
}

/** What becomes of what is too many: "refuse": it fails; "drop-oldest": what waits longest fails; "park": whoever starts runs waits. */
export type WhenFull = "refuse" | "drop-oldest" | "park";

export interface BacklogDefinition {
  readonly max: number;
  readonly whenFull: WhenFull;
}

export interface BatchDefinition {
  readonly max: number;
  readonly waitMs: number;
}

/** What holds for each key of a queue. */
export interface QueueKeyDefinition {
  readonly key: (input: never) => string;
  /** 1 where it is strict. */
  readonly concurrency: number | null;
  readonly rate: Rate | null;
  /** A key's share beside the others; null: 1. */
  readonly weight: ((input: never) => number) | null;
  /** One at a time, in the order in which they came, which retries do not change. */
  readonly isStrict: boolean;
}
