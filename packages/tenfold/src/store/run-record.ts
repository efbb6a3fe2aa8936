/** A run as it is shown, listed and counted. */
import type { JournalLine } from "../core/journal-line.ts";
import type { TenfoldError } from "../value/error.ts";

export type RunStatus = "waiting" | "running" | "completed" | "failed" | "cancelled" | "held";

/** Statuses of runs that have their outcome. A held run has none: it waits for a person, or for its code. */
export const FINISHED: ReadonlySet<RunStatus> = new Set(["completed", "failed", "cancelled"]);

export interface Attribute {
  readonly name: string;
  readonly value: string;
}

/** A run as it is shown. */
export interface RunRecord {
  readonly id: string;
  readonly workflow: string;
  readonly graph: string;
  readonly status: RunStatus;
  readonly tenant: string;
  readonly key: string | null;
  readonly generation: number;
  readonly owner: string | null;
  readonly wakeAt: number | null;
  readonly deaths: number;
  readonly input: string;
  readonly output: string | null;
  readonly error: string | null;
  readonly startedAt: number;
  readonly endedAt: number | null;
  /** Those of its texts that could not be decoded: `input` is "null" then, `output` and `error` are null. */
  readonly unread?: readonly Unread[];
}

export interface Unread {
  readonly what: "input" | "output" | "error";
  readonly error: TenfoldError;
}

/** A line as it is read to be shown. */
export interface ShownLine extends JournalLine {
  /** Why it could not be decoded; `data` tells nothing then. */
  readonly unread?: TenfoldError;
}

export interface RunFilter {
  readonly workflow?: string;
  readonly status?: RunStatus;
  readonly tenant?: string;
  readonly key?: string;
  readonly attribute?: Attribute;
  /** Started at or after, and before (ms since 1970). */
  readonly from?: number;
  readonly until?: number;
}

export interface Page {
  /** Runs older than this one come next; null: the newest first. */
  readonly before: string | null;
  readonly limit: number;
}

export interface Tally {
  readonly workflow: string;
  readonly status: RunStatus;
  readonly runs: number;
}
