/** A call of a body as it is noted outside of the engine, and what has to hold of a step that is called at most once. */
import { readLine, type JournalLine } from "../../core/journal-line.ts";
import type { Json } from "../../value/json.ts";
import { Violation } from "./violation.ts";

export interface BodyCall {
  readonly run: string;
  readonly node: string;
  readonly attempt: number;
  readonly key: string;
  readonly readyAt: number;
  /** The incarnation that called it. */
  readonly owner: string;
  readonly at: number;
  /** The engine's clock at the call. */
  readonly clock: number;
  /** Its process is dead: what it has not answered it never will. */
  readonly isGone: () => boolean;
  /** Its step is called at most once. */
  readonly isOnce: boolean;
  /** What it writes commits with its result. */
  readonly isTx: boolean;
  endedAt: number;
  /** What it answered: it has happened; undefined: it has not, so far. */
  answer: Json | undefined;
  /** The signal was aborted, or its process died: it may overlap with another. */
  wasStopped: boolean;
  /** It goes on when it is told to stop. */
  ignoresSignal: boolean;
  /** It was told that its file is kept. */
  wroteFile: boolean;
}

/** Under its key it has not happened before, no earlier call was made of the same attempt, and that it was begun is durable. */
export function checkOnce(call: BodyCall, before: readonly BodyCall[], journal: readonly JournalLine[]): void {
  const entries = journal.map(readLine);
  const begun = entries.filter((entry) => entry.kind === "begun" && entry.node === call.node && entry.attempt === call.attempt); // prettier-ignore
  // Whoever has it go on from a node says that all which depends on that is to happen again.
  const isNamed = entries.some((entry) => entry.kind === "retried" && entry.from !== undefined);
  const same = before.filter(({ key }) => key === call.key);
  for (const earlier of same) {
    const isAnew = isNamed && same.filter(({ attempt }) => attempt === call.attempt).length < begun.length;
    if (!isAnew && (earlier.answer !== undefined || earlier.attempt === call.attempt))
      throw new Violation("what is called at most once does not happen twice", { earlier, call });
  }
  const last = entries.findLast((entry) => {
    // What somebody says once more of an attempt that is over is without effect.
    const isLate = entry.kind === "resolved" && entry.attempt < call.attempt;
    return "node" in entry && entry.node === call.node && !isLate;
  });
  if (last?.kind === "begun" && last.attempt === call.attempt) return;
  throw new Violation("a body that is called at most once is called when that it was begun is durable", { call, last });
}

/** What became of an attempt, as somebody finds it who looks; null: its body may be at work. */
export function whatCameOf(calls: readonly BodyCall[], attempt: number): { readonly answer: Json | undefined } | null {
  const call = calls.findLast((one) => one.attempt === attempt);
  if (call === undefined) return { answer: undefined };
  return call.endedAt === Infinity && !call.isGone() ? null : { answer: call.answer };
}
