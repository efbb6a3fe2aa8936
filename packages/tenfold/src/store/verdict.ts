/**
 * What a verb answers for one item, told from the rows that a store has read: one rule for every store.
 * Invariant: what is refused, or was there already, changes nothing.
 */
import type { JournalLine } from "../core/journal-line.ts";
import { startedAtOfRun } from "../value/id.ts";
import {
  FINISHED,
  type CommitAnswer,
  type PruneAnswer,
  type Pruning,
  type RunCommit,
  type RunStart,
  type RunStatus,
  type Send,
  type SendAnswer,
  type StartAnswer,
  type StartKey,
} from "./store.ts";

/** The run that a key was last used for, its status also where the run was removed since. */
export interface LastOfKey {
  readonly run: string;
  readonly generation: number;
  readonly inputHash: string;
  readonly status: RunStatus;
  /** How many messages it ever got; null where the run was removed since. */
  readonly mail: number | null;
}

export type StartVerdict =
  | Exclude<StartAnswer, { kind: "started" }>
  | { readonly kind: "new"; readonly generation: number }
  /** The run has not begun, and this start takes its place. */
  | { readonly kind: "postpone"; readonly run: string };

/** What becomes of a start under a key that was last used so, or never. */
export function startVerdict(key: StartKey, last: LastOfKey | undefined): StartVerdict {
  if (last === undefined) return { kind: "new", generation: 1 };
  if (key.debounce !== undefined) {
    return canBePostponed(last)
      ? { kind: "postpone", run: last.run }
      : { kind: "new", generation: last.generation + 1 };
  }
  if (key.again && FINISHED.has(last.status)) return { kind: "new", generation: last.generation + 1 };
  return last.inputHash === key.inputHash || key.formerHashes?.includes(last.inputHash)
    ? { kind: "existing", run: last.run, status: last.status }
    : { kind: "conflict", run: last.run };
}

/** Whether a run is still nobody's: what it was sent, such as a cancel, is meant for the run as it was then. */
export function canBePostponed({ status, mail }: Pick<LastOfKey, "status" | "mail">): boolean {
  return status === "waiting" && mail === 0;
}

/** When a run that waits until `wakeAt` (null: it is due) is due once these starts, in order, have taken its place: later than now, if it is not. */
export function postponedTo(
  wakeAt: number | null,
  run: string,
  starts: readonly RunStart[],
  now: number,
): number | null {
  return starts.reduce<number | null>((dueAt, { at, key }) => {
    if (dueAt === null || dueAt <= now) return dueAt;
    return Math.max(now + 1, Math.min(at ?? now, startedAtOfRun(run) + key!.debounce!.maxMs));
  }, wakeAt);
}

/** What is kept of a start in the place of what another run was started with. */
export function inPlaceOf(run: string, { input, key }: RunStart): string {
  return key?.debounce?.inputOf?.(run) ?? input;
}

/** A run as it stands before a commit. */
export interface RunToCommit {
  readonly owner: string | number | null;
  readonly committer: string | number;
  /** The length of its journal. */
  readonly length: number;
  /** How many messages it ever got. */
  readonly mail: number;
}

/** `kept` answers the lines that the journal has from `commit.from` on; "new": it is to be written. */
export function commitVerdict(
  commit: RunCommit,
  { owner, committer, length, mail }: RunToCommit,
  kept: () => readonly JournalLine[],
): CommitAnswer | "new" {
  const { from, lines, then, mailSeen } = commit;
  const isRepeated = lines.length > 0 && length === from + lines.length;
  if (isRepeated && (owner === null || owner === committer)) {
    return haveSameLines(kept(), lines) ? "written" : "lost";
  }
  if (owner !== committer || length !== from) return "lost";
  return then.kind !== "keep" && mail !== mailSeen ? "mail" : "new";
}

function haveSameLines(kept: readonly JournalLine[], sent: readonly JournalLine[]): boolean {
  return kept.every(({ kind, node, data, at }, index) => {
    const line = sent[index]!;
    return kind === line.kind && node === line.node && data === line.data && at === line.at;
  });
}

/** Why a message is not kept for a run of this status (undefined: there is no run); null: it is to be. */
export function sendRefusal({ reopens }: Send, status: RunStatus | undefined): SendAnswer | null {
  if (status === undefined) return { kind: "unknown" };
  const isOver = status === "completed" || (FINISHED.has(status) && !reopens);
  return isOver ? { kind: "finished", status } : null;
}

/** Whether a run that stands so is due at once with this message. */
export function wakesWithMail(
  { isPatient }: Send,
  { status, wakeAt }: { readonly status: RunStatus; readonly wakeAt: number | null },
  now: number,
): boolean {
  const isForLater = status === "waiting" && wakeAt !== null && wakeAt > now;
  return isPatient !== true || !isForLater;
}

/** Whether a run of this status is running again once it has mail. */
export function goesOnWithMail(status: RunStatus): boolean {
  return FINISHED.has(status) || status === "held";
}

/** A run as it stands before it may be removed. */
export interface RunToPrune {
  readonly status: RunStatus;
  readonly endedAt: number | null;
  readonly hasParcels: boolean;
  /** The length of its journal. */
  readonly length: number;
}

/** `of` answers the row of a run, undefined if there is none. */
export function pruneVerdicts(
  runs: readonly string[],
  of: (run: string) => RunToPrune | undefined,
  { before, linesMax }: Pruning,
): PruneAnswer[] {
  const pruned = new Set<string>();
  let lines = 0;
  return runs.map((run) => {
    const row = pruned.has(run) ? undefined : of(run);
    if (row === undefined || row.hasParcels || !FINISHED.has(row.status) || !(row.endedAt! < before)) return "kept";
    if (pruned.size > 0 && lines >= linesMax) return "left";
    pruned.add(run);
    lines += row.length;
    return "pruned";
  });
}
