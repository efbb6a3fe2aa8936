/**
 * What is simulated beside the code: how often runs come, how long steps take and how often they fail, which way runs go, and on
 * what they run. Data, as it is recorded, declared or assumed. All times are milliseconds.
 */
import type { Distribution } from "./distribution.ts";

export interface Model {
  readonly workflows: Readonly<Record<string, WorkflowModel>>;
  /** By the names of steps. */
  readonly steps: Readonly<Record<string, StepModel>>;
  readonly workers: WorkersModel;
  /** Null: what is written takes no time. */
  readonly store: StoreModel | null;
}

export interface WorkflowModel {
  /** Null: only other workflows start its runs. */
  readonly arrivals: Arrivals | null;
  /** The shares of the arms of each match, by its node's id; "" is no arm at all. Arms that are not named share what is left. */
  readonly arms?: Readonly<Record<string, Readonly<Record<string, number>>>>;
  /** How many items each `each` has, by its node's id. */
  readonly items?: Readonly<Record<string, Distribution>>;
  /** How many rounds each `repeat` makes. */
  readonly rounds?: Readonly<Record<string, Distribution>>;
  /** How long signals, decisions and moments are waited for. */
  readonly waits?: Readonly<Record<string, Distribution>>;
  /** The customers of runs, for queues that have keys. */
  readonly keys?: KeysModel;
}

/** How runs come, as they were meant to: open, so that who is slow does not make fewer of them come. */
export type Arrivals =
  | { readonly kind: "poisson"; readonly perSecond: number }
  | { readonly kind: "even"; readonly perSecond: number }
  /** As they came, or are to come; more often by repeating each with what is between it and the next. */
  | { readonly kind: "times"; readonly at: readonly number[] }
  /** So many runs at any time: each that ends is followed by another one after a pause. */
  | { readonly kind: "closed"; readonly runs: number; readonly pause: Distribution };

/** So many keys; the nth has a share of 1 / n^skew: 0 is the same for all. */
export interface KeysModel {
  readonly count: number;
  readonly skew: number;
}

export interface StepModel {
  /** What an attempt takes beside computing: mostly waiting for others. */
  readonly takes: Distribution;
  /** What it keeps the event loop of its worker busy for. */
  readonly computes?: Distribution;
  /** The share of attempts that fail, 0 to 1. */
  readonly fails?: number;
  /** What a call takes of rates, where its queue has a cost. */
  readonly costs?: Distribution;
  /** The classes of priority, where its queue has a function for them: pairs of class and share. */
  readonly priorities?: readonly (readonly [number, number])[];
}

export interface WorkersModel {
  readonly count: number;
  /** Bodies at once in each. */
  readonly slots: number;
}

/** What a group commit takes: so much, and so much more for each line of a journal. */
export interface StoreModel {
  readonly commitMs: number;
  readonly lineMs: number;
  /** Of one worker at a time. */
  readonly commitsAtOnce: 1 | 2;
}
