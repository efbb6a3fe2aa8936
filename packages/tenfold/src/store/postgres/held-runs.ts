/**
 * What this handle knows of the runs that its leases own, so that a commit need not ask the server.
 * Invariants: a run in `runs` is owned by its lease for as long as that lives, and its journal is as long as `length`
 * says, since only a lease's own commits change either. A commit of the same lease through another handle is counted
 * in the lease's row, which every fenced statement compares. After an error all of a lease is forgotten.
 */
import type { Lease, RunCommit } from "../store.ts";

export interface HeldRun {
  readonly workflow: string;
  /** The length of its journal. */
  length: number;
}

export interface KnownLease {
  readonly runs: Map<string, HeldRun>;
  outsideCommits: number;
}

export class HeldRuns {
  readonly #joined = new Map<string, KnownLease>();

  /** From now on this handle may remember what `lease` owns. */
  joined(lease: Lease): void {
    this.#joined.set(nameOf(lease), { runs: new Map(), outsideCommits: 0 });
  }

  /** What is known of a lease that this handle joined. */
  of(lease: Lease): KnownLease | undefined {
    return this.#joined.get(nameOf(lease));
  }

  lost(lease: Lease): void {
    this.#joined.delete(nameOf(lease));
  }
}

/** What is known of a run after a commit of it was written. */
export function remember(known: KnownLease, { run, from, lines, then }: RunCommit, workflow: string): void {
  if (then.kind !== "keep") known.runs.delete(run);
  else known.runs.set(run, { workflow, length: from + lines.length });
}

function nameOf(lease: Lease): string {
  return `${lease.lane} ${lease.owner}`;
}
