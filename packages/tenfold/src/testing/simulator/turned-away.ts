/** Steps of some seeds whose queues let only so many wait, and what the journal says of those who were too many. */
import { readLine } from "../../core/journal-line.ts";
import { seededRandom } from "../../value/random.ts";
import type { BodyCall } from "./body-call.ts";
import type { OpenBook } from "./open-book.ts";
import { pathOfCall } from "./random-script.ts";
import { Violation } from "./violation.ts";

const CODES: ReadonlySet<string> = new Set(["QUEUE_FULL", "QUEUE_DROPPED"]);

/** What a queue of this seed says of it; what it draws it draws from the number, so that the others stay the stories they were. */
export function backlogOf(seed: number, step: string): object {
  const random = seededRandom(`backlog ${seed} ${step}`);
  if (seed % 3 !== 0 || random() < 0.3) return {};
  const maxBacklog = 1 + Math.floor(random() * random() * 5);
  return { maxBacklog, whenFull: random() < 0.5 ? "refuse" : "drop-oldest" };
}

/** The nodes of a run of which the last that is recorded is that they were too many, each with that attempt. */
export function turnedAway(book: OpenBook, run: string): ReadonlyMap<string, number> {
  const nodes = new Map<string, number>();
  for (const entry of book.journal(run).map(readLine)) {
    if (entry.kind !== "failed" && entry.kind !== "done" && entry.kind !== "resolved") continue;
    const node = pathOfCall(entry.node);
    if (entry.kind === "failed" && CODES.has(entry.error.code)) nodes.set(node, entry.attempt);
    // Somebody may say again what came of an attempt before.
    else if (entry.kind !== "resolved" || entry.attempt >= (nodes.get(node) ?? 0)) nodes.delete(node);
  }
  return nodes;
}

/** What was turned away had not begun: no body of that attempt came to its end undisturbed, in a worker that lives. */
export function checkTurnedAway(book: OpenBook, calls: readonly BodyCall[]): void {
  for (const [run, ofRun] of Map.groupBy(calls, (call) => call.run)) {
    const away = turnedAway(book, run);
    // What begins anew is counted anew.
    if (away.size === 0 || book.journal(run).some(({ kind }) => kind === "retried")) continue;
    for (const call of ofRun) {
      // What takes something back has attempts of its own.
      if (call.key.endsWith("/undo")) continue;
      const isOver = call.endedAt < Infinity && !call.wasStopped && !call.isGone() && book.isAlive(call.owner);
      if (isOver && away.get(pathOfCall(call.node)) === call.attempt)
        throw new Violation("what is turned away from its queue has not begun", { call });
    }
  }
}
