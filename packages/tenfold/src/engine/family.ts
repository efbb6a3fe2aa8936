/**
 * What parents and children write to each other.
 * Invariant: it goes out with the commit that decided it; its key names it.
 */
import type { CalledBy, ReturnedEntry, RunError } from "../core/entry.ts";
import { FINISHED, type RunRecord, type Send, type Then } from "../store/store.ts";
import type { Json } from "../value/json.ts";

/** How a child has ended. */
export type Returned = Pick<ReturnedEntry, "status" | "output" | "error">;

/** Of a child that is let go: others had started it; or it was not there yet when the call was given up. */
export interface LetGo {
  readonly isJoined: boolean;
  /** What was written when the call was given up may have found nobody. */
  readonly isLate?: boolean;
}

/** Tells the child of a call that is given up that this one needs it no more. */
export function farewell(child: string, by: CalledBy, { isJoined, isLate = false }: LetGo, now: number): Send {
  const reason = `its parent, run ${by.parent}, needs it no more`;
  const key = `disown ${child} ${by.parent} ${by.node} ${by.attempt}${isLate ? " late" : ""}`;
  const body = { kind: "cancel", reason, by, ...(isJoined && { isJoined }) } as const;
  // A second attempt may be on its way to have an ended child go on: it finds that it comes too late.
  return { run: child, message: { key, body, at: now }, reopens: by.attempt > 1 && !isJoined };
}

/** Has a run tell the call when it ends, and go on if this is not the call's first attempt. */
export function attachment(child: string, { parent, node, attempt }: CalledBy, depth: number, now: number): Send {
  const body = { kind: "attach", parent, of: node, attempt, depth } as const;
  return { run: child, message: { key: `attach ${parent} ${node} ${attempt}`, body, at: now }, reopens: attempt > 1 };
}

/** A run that ends, the length of its journal then, and those that wait for it. */
export interface Ended {
  readonly id: string;
  readonly length: number;
  readonly parents: readonly CalledBy[];
}

/** What a run that ends tells those that wait for it. */
export function tidings(
  { id: child, length, parents }: Ended,
  { status, output, error }: Extract<Then, { kind: "end" }>,
  now: number,
): Send[] {
  if (parents.length === 0 || !isOver(status)) return [];
  const ended = returnedOf(status, output, error);
  return parents.map(({ parent, node, attempt }) => {
    const body = { kind: "returned", node, attempt, child, ...ended } as const;
    return {
      run: parent,
      // A run that was removed and started anew under the same id ends with another attempt.
      message: { key: `returned ${child} ${attempt} ${length} ${parent} ${node}`, body, at: now },
      reopens: false,
    };
  });
}

/** How a run has ended, as its row tells; null: it has not. */
export function endOf({ status, output, error }: RunRecord): Returned | null {
  return isOver(status) ? returnedOf(status, output, error) : null;
}

function isOver(status: RunRecord["status"]): status is Returned["status"] {
  return FINISHED.has(status);
}

function returnedOf(status: Returned["status"], output: string | null, error: string | null): Returned {
  return {
    status,
    ...(output === null ? {} : { output: JSON.parse(output) as Json }),
    ...(error === null ? {} : { error: JSON.parse(error) as RunError }),
  };
}
