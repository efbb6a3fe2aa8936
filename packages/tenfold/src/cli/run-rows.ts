/** Starts one run per row: what was started, what was known, what was refused and why, each with its row. */
import type { Tenfold } from "../engine/client.ts";
import type { RunHandle } from "../engine/run-handle.ts";
import type { StartOptions } from "../engine/start.ts";
import type { WorkflowDefinition } from "../flow/definition.ts";
import { TenfoldError } from "../value/error.ts";
import type { Json } from "../value/json.ts";
import { parseWith } from "../value/schema.ts";
import { nearestName } from "../value/nearest.ts";
import type { Row, Rows } from "./row.ts";

/** A run and the first row that named it. */
export interface StartedRow {
  readonly row: number;
  readonly run: RunHandle;
}

export interface Refusal {
  readonly row: number;
  /** The column, or the path in the row, that is wrong; null where it is the row as a whole. */
  readonly path: string | null;
  readonly code: string;
  readonly reason: string;
}

export interface StartedRows {
  /** Rows that were read. */
  readonly rows: number;
  readonly started: readonly StartedRow[];
  /** Runs that there were before. */
  readonly known: readonly StartedRow[];
  /** Rows of which nothing came, since a run of their key was not finished: `--if-running skip`. */
  readonly skipped: number;
  /** Rows whose run an earlier row of the same file has started. */
  readonly repeated: number;
  readonly refused: readonly Refusal[];
  /** Why the file could not be read to its end. */
  readonly unread: TenfoldError | null;
}

/** Starts runs until the rows end or `isStopped` says so. */
export async function startRows(
  tenfold: Tenfold,
  workflow: WorkflowDefinition,
  rows: AsyncIterable<Row>,
  options: Omit<StartOptions, "key">,
  isStopped: () => boolean,
  onRun: (started: StartedRow, isKnown: boolean) => void,
): Promise<StartedRows> {
  const refused: Refusal[] = [];
  const sent: number[] = [];
  let read = 0;
  let unread: TenfoldError | null = null;

  async function* inputs(): AsyncGenerator<Json> {
    try {
      for await (const row of rows) {
        if (isStopped()) return;
        read++;
        if (row.kind === "bad") {
          refused.push({ row: row.row, path: null, code: "ROWS_INVALID", reason: row.reason });
        } else {
          sent.push(row.row);
          yield row.input;
        }
      }
    } catch (thrown) {
      if (!(thrown instanceof TenfoldError)) throw thrown;
      unread = thrown;
    }
  }

  const started = new Map<string, StartedRow>();
  const known = new Map<string, StartedRow>();
  let skipped = 0;
  let repeated = 0;
  let answered = 0;
  for await (const answer of tenfold.startMany(workflow, inputs(), options)) {
    const row = sent[answered++]!;
    if (answer.kind === "refused") {
      refused.push(...refusalsOf(row, answer.error));
    } else if (answer.kind === "skipped") {
      skipped++;
    } else if (started.has(answer.run.id) || known.has(answer.run.id)) {
      repeated++;
    } else {
      const one = { row, run: answer.run };
      (answer.kind === "existing" ? known : started).set(answer.run.id, one);
      onRun(one, answer.kind === "existing");
    }
  }
  refused.sort((a, b) => a.row - b.row);
  return { rows: read, started: [...started.values()], known: [...known.values()], skipped, repeated, refused, unread };
}

/** One refusal for each thing that is wrong in the row. */
function refusalsOf(row: number, { code, message, facts }: TenfoldError): Refusal[] {
  const issues = facts["issues"] as readonly { readonly path: string; readonly reason: string }[] | undefined;
  if (issues !== undefined && issues.length > 0) {
    return issues.map(({ path, reason }) => ({ row, path: path === "" ? null : path, code, reason }));
  }
  if (code !== "KEY_CONFLICT") return [{ row, path: null, code, reason: message }];
  const run = String(facts["run"]);
  return [{ row, path: null, code, reason: `run ${run} has the same key with another input; nothing was changed` }];
}

/** Rows that are looked at to say that a column is missing: of all of them, or it may be a matter of the row. */
const PROBED = 20;

/**
 * The same rows, after a look at the first of them; null if there are none. Throws ROWS_INVALID, before anything is
 * written, where the workflow's schema wants a column that the header does not have.
 */
export async function checkColumns(
  workflow: WorkflowDefinition,
  { header, rows }: Rows,
  name: string,
): Promise<AsyncIterable<Row> | null> {
  const pending = rows[Symbol.asyncIterator]();
  const first: Row[] = [];
  while (first.length < PROBED) {
    const next = await pending.next();
    if (next.done === true) break;
    first.push(next.value);
  }
  if (header !== null && workflow.input !== undefined) {
    const missing = await missingColumns(workflow, header, first);
    if (missing.length > 0) throw lacksColumns(workflow.name, name, header, missing);
  }
  if (first.length === 0) return null;
  return (async function* () {
    yield* first;
    for (let next = await pending.next(); next.done !== true; next = await pending.next()) yield next.value;
  })();
}

async function missingColumns(workflow: WorkflowDefinition, header: readonly string[], rows: readonly Row[]) {
  let missing: Set<string> | undefined;
  for (const row of rows) {
    if (row.kind === "bad") continue;
    const parsed = await parseWith(workflow.input!, row.input);
    const paths = parsed.ok ? [] : parsed.issues.map(({ path }) => path[0]);
    const here = new Set(paths.filter((part) => typeof part === "string").filter((part) => !header.includes(part)));
    missing = missing === undefined ? here : missing.intersection(here);
    if (missing.size === 0) break;
  }
  return [...(missing ?? [])];
}

function lacksColumns(
  workflow: string,
  name: string,
  header: readonly string[],
  missing: readonly string[],
): TenfoldError {
  const guesses = missing.flatMap((column) => {
    const nearest = nearestName(column, header);
    return nearest === undefined ? [] : [`"${nearest}" may be meant for "${column}"`];
  });
  const list = missing.map((column) => `"${column}"`).join(", ");
  return new TenfoldError(
    "ROWS_INVALID",
    `${name} lacks ${missing.length === 1 ? "the column" : "the columns"} ${list}, which workflow "${workflow}" needs; its first row names ${header.join(", ")}. No run was started. Add ${missing.length === 1 ? "it" : "them"} to the first row${guesses.length === 0 ? "" : `: ${guesses.join(", ")}`}.`,
    { facts: { file: name, missing, header } },
  );
}
