/**
 * What this handle knows of the runs that its leases own, so that a commit need not ask the file.
 * Invariants: a run in `runs` is owned by its lease for as long as that lives, and its journal is as long as
 * `length` says, since only a lease's own commits change either. A commit of the same lease through another handle
 * is counted in the lease's row, which every fence reads: then all is forgotten. So it is when a transaction fails.
 */
import { LeaseLost, type Lease } from "../store.ts";
import type { Connection } from "./connection.ts";

export const FENCE = `
  select number, outside_commits as outsideCommits
  from leases where lane = ? and owner = ? and is_alive = 1`;

export const COUNT_OUTSIDE_COMMIT =
  "update leases set outside_commits = outside_commits + 1 where lane = ? and owner = ?";

export interface HeldRun {
  readonly number: number;
  readonly workflow: string;
  /** The minute of its start (ms since 1970): the tally that it counts in. */
  readonly minute: number;
  /** The length of its journal. */
  length: number;
}

/** A lease that was found alive in the current transaction. */
export interface LiveLease {
  /** What `runs.owner` holds. */
  readonly number: number;
  /** Empty, and not to be filled, if another handle joined this lease. */
  readonly runs: Map<string, HeldRun>;
  readonly isOurs: boolean;
}

interface JoinedLease extends LiveLease {
  number: number;
  outsideCommits: number;
}

export class HeldRuns {
  readonly #connection: Connection;
  readonly #joined = new Map<string, JoinedLease>();

  constructor(connection: Connection) {
    this.#connection = connection;
    connection.onRollback = () => this.forget();
  }

  /** From now on this handle may remember what `lease` owns. */
  joined(lease: Lease): void {
    this.#joined.set(nameOf(lease), { number: 0, runs: new Map(), isOurs: true, outsideCommits: 0 });
  }

  /** The fence: throws LeaseLost unless `lease` is alive in the transaction that is open. */
  live(lease: Lease): LiveLease {
    const joined = this.#joined.get(nameOf(lease));
    const found = this.#connection.get<{ number: number; outsideCommits: number }>(FENCE, lease.lane, lease.owner);
    if (found === undefined) {
      this.#joined.delete(nameOf(lease));
      throw new LeaseLost(lease);
    }
    if (joined === undefined) return { number: found.number, runs: new Map(), isOurs: false };
    if (joined.outsideCommits !== found.outsideCommits) joined.runs.clear();
    joined.number = found.number;
    joined.outsideCommits = found.outsideCommits;
    return joined;
  }

  forget(): void {
    for (const { runs } of this.#joined.values()) runs.clear();
  }
}

/** Remembers a run that `lease` owns now. */
export function hold(lease: LiveLease, run: string, held: HeldRun): void {
  if (lease.isOurs) lease.runs.set(run, held);
}

function nameOf(lease: Lease): string {
  return `${lease.lane} ${lease.owner}`;
}
