/** Why a run is held: nobody drives it until a person, or its code, comes. Each reason says what its way on is. */
import { callersIn } from "../core/constructs/call.ts";
import type { AttachedEntry, CancelledEntry, Entry, RunError } from "../core/entry.ts";
import { readLine, writeLine } from "../core/journal-line.ts";
import type { ClaimedRun, RunCommit, RunStatus, Then } from "../store/store.ts";
import type { TenfoldError } from "../value/error.ts";
import { tidings } from "./family.ts";
import { unloaded } from "./parking.ts";

/** Workers die of it: a person has to look before another one tries. */
export function diedTooOften(claimed: ClaimedRun): RunError {
  const message = `${claimed.deaths} workers died while they drove this run, and its journal did not grow; the run is held. Look at its open steps, then retry or cancel it.`;
  return { code: "RUN_HELD", message, node: "", attempt: 0 };
}

/** The code of a node is not here; with it back, the run goes on by itself. */
export function codeGone(workflow: string, node: string, what: "step" | "function" | "undo"): RunError {
  const message = `The ${what} of ${node} is not in today's code of workflow ${workflow}; the run is held. Bring the code back, and it goes on by itself; or move it to a newer graph with \`tenfold upgrade\`, or cancel it.`;
  return { code: "STEP_UNKNOWN", message, node, attempt: 0 };
}

/** The workflow that a node calls is none of those that the store was opened with. */
export function calleeGone(workflow: string, node: string, callee: string): RunError {
  const message = `The workflow "${callee}" that ${node} of workflow ${workflow} calls is none of those that the store was opened with; the run is held. Open it with that one too, and the run goes on; or cancel the run.`;
  return { code: "STEP_UNKNOWN", message, node, attempt: 0 };
}

/** Its graph is not in the store, or not whole: it cannot even be loaded. */
export function withoutGraph(reason: string): RunError {
  return { code: "STORE_CORRUPT", message: `The run is held. ${reason}`, node: "", attempt: 0 };
}

/** What is logged of a run that goes against the rules. */
export const UNREPLAYABLE = "a run cannot be replayed; the others go on";

/** Its journal, or what was sent to it, goes against the rules by which a run is driven. */
export function unreplayable({ journal }: ClaimedRun, thrown: unknown): RunError {
  const reason = thrown instanceof Error ? thrown.message : String(thrown);
  const message = `The run is held. Its journal of ${journal.length} entries cannot be replayed: ${reason} Nothing was written to it. It is of a newer version, damaged, or a bug of tenfold: please report it. Retry the run with a version that replays it, or cancel it.`;
  return { code: "JOURNAL_UNREADABLE", message, node: "", attempt: 0 };
}

/** A payload of it cannot be decoded. */
export function undecoded({ code, message }: TenfoldError): RunError {
  const way =
    code === "CODEC_KEY_MISSING"
      ? "The run then goes on by itself once a worker opens the store with it, or when it is retried"
      : "Then retry the run";
  return { code, message: `The run is held. ${message} ${way}; or cancel it.`, node: "", attempt: 0 };
}

/**
 * What is written of a run that cannot be loaded: it is held for `reason`, or cancelled if that is the last that was said
 * to it, as a cancel needs nothing of what is kept. Then its parents are told, as far as it can be read who they are.
 */
export function heldUnloaded(claimed: ClaimedRun, reason: RunError, now: number): RunCommit {
  const said = claimed.mail.messages.filter(({ body }) => body.kind === "cancel" || body.kind === "retry");
  const absorbed = said.map(({ key }) => key);
  const last = said.findLast(({ body }) => body.kind !== "retry" || body.unlessCancelled !== true);
  const { parents, isNeededNoMore } = callersIn(readable(claimed));
  const isForNobody = last?.body.kind === "cancel" && (last.body.by === undefined || isNeededNoMore);
  if (last?.body.kind !== "cancel" || !isForNobody) return { ...unloaded(claimed, endedAs("held", reason)), absorbed };
  const { kind: _, reason: message, ...whose } = last.body;
  const entry: Entry = { kind: "cancelled", at: now, message: last.key, reason: message, ...whose };
  const then = endedAs("cancelled", { code: "RUN_CANCELLED", message, node: "", attempt: 0 });
  const ended = { id: claimed.id, length: claimed.journal.length + 1, parents };
  return { ...unloaded(claimed, then), lines: [writeLine(entry)], absorbed, parcels: tidings(ended, then, now) };
}

/** What of the journal and the mail of a run tells of its parents, without the rest of it. */
function* readable({ journal, mail }: ClaimedRun): Generator<AttachedEntry | CancelledEntry> {
  for (const line of journal) {
    if (line.kind !== "attached" && line.kind !== "cancelled") continue;
    try {
      yield readLine(line) as AttachedEntry | CancelledEntry;
    } catch {
      // A line that cannot be decoded: who is named there is not known.
    }
  }
  for (const { key: message, body, at } of mail.messages) {
    if (body.kind === "attach") yield { ...body, kind: "attached", message, at };
    if (body.kind === "cancel") yield { ...body, kind: "cancelled", message, at };
  }
}

function endedAs(status: RunStatus, error: RunError): Extract<Then, { kind: "end" }> {
  return { kind: "end", status, output: null, error: JSON.stringify(error) };
}

/** The graph that a run began with is not in its store. */
export function graphGone({ id, graph }: Pick<ClaimedRun, "id" | "graph">): string {
  return `The graph ${graph} that run ${id} began with is not in the store. Restore the store from a backup, or cancel the run.`;
}
