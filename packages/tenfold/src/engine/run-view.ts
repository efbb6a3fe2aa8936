/** A run as a user sees it: the store's row with its texts read. */
import type { Entry, RunError } from "../core/entry.ts";
import { readLine } from "../core/journal-line.ts";
import { orNull } from "../core/wake-time.ts";
import { decodedLines, decodedRecord } from "../store/codec/decoded.ts";
import type { RunRecord, ShownLine } from "../store/store.ts";
import type { TenfoldError } from "../value/error.ts";
import type { Json } from "../value/json.ts";
import { showAll, type Redact } from "../value/redact.ts";

/** A run as it is shown, its texts read; `wakeAt` is null where only a message can move it. */
export interface RunView extends Omit<RunRecord, "input" | "output" | "error" | "owner" | "unread"> {
  /** Null also where it could not be decoded, as `unread` tells then. */
  readonly input: Json;
  readonly output: Json | undefined;
  readonly error: RunError | null;
  readonly owned: boolean;
  /** What of it is kept and could not be decoded, and why: left out where there is nothing of that kind. */
  readonly unread?: readonly UnreadPart[];
}

export interface UnreadPart {
  /** "input", "output", "error", or an entry of the journal: "entry 3 (done enrich)". */
  readonly what: string;
  readonly code: string;
  readonly message: string;
}

export interface RunDetails extends RunView {
  /** Without those that `unread` names. */
  readonly entries: readonly Entry[];
}

/** What of a run, or of its outcome, has payloads in it. */
export interface ShownRun {
  readonly input?: Json;
  readonly output?: Json | undefined;
  readonly entries?: readonly Entry[];
}

/** The same with fields hidden. Errors stay: they are texts, in which no field can be told. */
export function redactedRun<T extends ShownRun>(run: T, redact: Redact): T {
  if (redact === showAll) return run;
  const shown: { -readonly [K in keyof ShownRun]: ShownRun[K] } = {};
  if (run.input !== undefined) shown.input = redact(run.input, "input");
  if (run.output !== undefined) shown.output = redact(run.output, "output");
  if (run.entries !== undefined) shown.entries = run.entries.map((entry) => redactedEntry(entry, redact));
  return { ...run, ...shown };
}

/** What an entry has that is no fact of tenfold's own: an output, what a signal carries, whatever has fields. */
function redactedEntry(entry: Entry, redact: Redact): Entry {
  const fields = Object.entries(entry).map(([name, field]: [string, unknown]) => {
    const isPayload = name === "output" || name === "payload" || (name !== "error" && typeof field === "object");
    return [name, isPayload ? redact(field, name) : field] as const;
  });
  return Object.fromEntries(fields) as unknown as Entry;
}

/** The view of a row. */
export function viewOf(kept: RunRecord): RunView {
  const { input, output, error, owner, unread, ...record } = decodedRecord(null, kept);
  const view = {
    ...record,
    wakeAt: record.wakeAt === null ? null : orNull(record.wakeAt),
    owned: owner !== null,
    input: JSON.parse(input) as Json,
    output: output === null ? undefined : (JSON.parse(output) as Json),
    error: error === null ? null : (JSON.parse(error) as RunError),
  };
  return unread === undefined ? view : { ...view, unread: unread.map(({ what, error: why }) => partOf(what, why)) };
}

/** The view of a row with its journal: the entries of it that could be decoded. */
export function detailsOf(kept: RunRecord, keptLines: readonly ShownLine[]): RunDetails {
  const view = viewOf(kept);
  const lines = decodedLines(null, kept.id, keptLines);
  const entries = lines.filter(({ unread }) => unread === undefined).map(readLine);
  if (entries.length === lines.length) return { ...view, entries };
  const unread = lines.flatMap(({ kind, node, unread: why }, seq) =>
    why === undefined ? [] : [partOf(`entry ${seq} (${node === "" ? kind : `${kind} ${node}`})`, why)],
  );
  return { ...view, entries, unread: [...(view.unread ?? []), ...unread] };
}

function partOf(what: string, { code, message }: TenfoldError): UnreadPart {
  return { what, code, message };
}
