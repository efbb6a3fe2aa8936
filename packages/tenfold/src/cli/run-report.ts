/** What came out of `tenfold run`, for a person or as a document, and the exit code that it means. */
import type { RunError } from "../core/entry.ts";
import { undoNote } from "../core/undo-text.ts";
import { formatDuration } from "../value/duration.ts";
import type { Json } from "../value/json.ts";
import { EXIT, type Call } from "./command.ts";
import { brief, cut, oneLine, shortened } from "./columns.ts";
import { errorJson } from "./errors.ts";
import type { RowsInput } from "./run-input.ts";
import type { Refusal, StartedRows } from "./run-rows.ts";
import { countText, plural } from "./time-text.ts";

export interface Ended {
  readonly run: string;
  readonly status: string;
  readonly output: Json | undefined;
  readonly error: RunError | null;
}

const ENDINGS = ["completed", "failed", "cancelled", "held"];

/** Refusals, and failures, that are listed one by one. */
const LISTED = 20;

/** One run: its output on standard output, everything else beside it. */
export function tellOne(call: Call, workflow: string, ended: Ended, existing: boolean, tookMs: number): number {
  const { terminal } = call;
  const { run, status, output, error } = ended;
  if (terminal.isJson) {
    terminal.document({ workflow, run, status, existing, output: output ?? null, error: errorView(error), tookMs });
  } else if (status === "completed") {
    if (output !== undefined) terminal.print(JSON.stringify(output, null, 2));
    const without = output === undefined ? ", without an output" : "";
    const took = existing ? "" : ` in ${formatDuration(tookMs)}`;
    terminal.say(`${terminal.tint("green", "Completed")}${took}${without}: ${run}`);
  } else if (status === "pruned") {
    terminal.say(`Its run ${run} has ended, and was pruned since: what came out is not kept any more.`);
  } else {
    terminal.say(`${terminal.tint("red", failureWord(status))}: ${run}${errorText(error)}`);
    terminal.say(`\`tenfold show ${run}\` shows what happened; \`tenfold retry ${run}\` has it go on from there.`);
  }
  return exitCodeOfRuns([ended]);
}

/** Many runs: counts, and each refusal with its row. */
export function tellRows(
  call: Call,
  workflow: string,
  started: StartedRows,
  ended: readonly Ended[],
  waits: boolean,
  wallMs: number,
): number {
  const isBad = started.refused.length > 0 || started.unread !== null;
  const code = isBad ? EXIT.no : exitCodeOfRuns(ended);
  if (call.terminal.isJson) call.terminal.document(documentOf(workflow, started, ended, waits, wallMs));
  else printRows(call, workflow, started, ended, waits, wallMs);
  return code;
}

/** A file or a stream that is whole and has nothing in it: nothing is wrong, and nothing was done. */
export function tellNoRows(call: Call, workflow: string, { name, rows }: RowsInput, waits: boolean): number {
  const none: StartedRows = { rows: 0, started: [], known: [], skipped: 0, repeated: 0, refused: [], unread: null };
  const what = rows.header === null ? "has no rows" : "has a header and no row below it";
  if (call.terminal.isJson) call.terminal.document(documentOf(workflow, none, [], waits, 0));
  else
    call.terminal.say(
      `${name} ${what}; no run was started. Each row becomes one run of ${workflow}: add some, and start it again.`,
    );
  return EXIT.yes;
}

function documentOf(
  workflow: string,
  { rows, started, known, skipped, repeated, refused, unread }: StartedRows,
  ended: readonly Ended[],
  waits: boolean,
  wallMs: number,
): unknown {
  const endings = new Map(ended.map((one) => [one.run, one]));
  const runs = [...started, ...known]
    .sort((a, b) => a.row - b.row)
    .map(({ row, run }) => {
      const base = { row, run: run.id, existing: run.existing };
      const ending = endings.get(run.id);
      if (ending === undefined) return base;
      return { ...base, status: ending.status, output: ending.output ?? null, error: errorView(ending.error) };
    });
  return {
    workflow,
    rows,
    started: started.length,
    existing: known.length,
    skipped,
    repeated,
    ...(waits ? Object.fromEntries([...ENDINGS, "pruned"].map((status) => [status, count(ended, status)])) : {}),
    refused,
    unread: unread === null ? null : errorJson(unread),
    wallMs,
    runs,
  };
}

function printRows(
  call: Call,
  workflow: string,
  started: StartedRows,
  ended: readonly Ended[],
  waits: boolean,
  wallMs: number,
): void {
  const { terminal } = call;
  const { rows, known, skipped, repeated, refused, unread } = started;
  if (refused.length > 0) {
    const refusedRows = new Set(refused.map(({ row }) => row)).size;
    terminal.say(`${terminal.tint("red", `${plural(refusedRows, "row")} refused`)}, for which no run was started:`);
    for (const refusal of refused.slice(0, LISTED)) terminal.say(`  ${refusalText(refusal)}`);
    if (refused.length > LISTED) terminal.say(`  … and ${refused.length - LISTED} more; --json has all of them`);
  }
  if (unread !== null) terminal.say(`${terminal.tint("red", `error ${unread.code}`)}: ${shortened(unread.message)}`);
  const bad = ended.filter(({ status }) => status !== "completed" && status !== "pruned");
  for (const [reason, runs] of Map.groupBy(bad, reasonOf)) {
    terminal.say(`${terminal.tint("red", plural(runs.length, "run"))} ${reason}, the first is ${runs[0]!.run}`);
  }
  const facts = [plural(rows, "row"), `${countText(started.started.length)} started`];
  if (known.length > 0) facts.push(`${countText(known.length)} already known`);
  if (skipped > 0) facts.push(`${countText(skipped)} skipped`);
  if (repeated > 0) facts.push(`${countText(repeated)} repeated in the file`);
  for (const status of [...ENDINGS, "pruned"]) {
    const runs = count(ended, status);
    if (runs > 0) facts.push(`${countText(runs)} ${status}`);
  }
  const summary = `${workflow}: ${facts.join(", ")}; ${formatDuration(wallMs)}`;
  if (waits) terminal.print(summary);
  else for (const { run } of started.started) terminal.print(run.id);
  if (!waits) terminal.say(summary);
  const next = !waits
    ? "They are durable; `tenfold dev` works them."
    : bad.length > 0
      ? `\`tenfold runs --workflow ${workflow} --status ${bad[0]!.status}\` lists them; \`tenfold retry --workflow ${workflow}\` has them go on.`
      : `\`tenfold runs --workflow ${workflow}\` lists them; \`tenfold show <run>\` shows one.`;
  terminal.say(next);
}

/** "row 12, email: is no e-mail address". */
function refusalText({ row, path, reason }: Refusal): string {
  return `row ${row}${path === null ? "" : `, ${oneLine(path)}`}: ${brief(reason)}`;
}

function reasonOf({ status, error }: Ended): string {
  if (error === null) return status;
  const where = error.node === "" ? "the end" : error.node;
  return `${status} at ${where}${undoNote(error.undo)}: ${cut(oneLine(error.message), 100)}`;
}

function errorText(error: RunError | null): string {
  if (error === null) return "";
  const where = error.node === "" ? "its end" : error.node;
  return ` at ${where}${undoNote(error.undo)}: ${oneLine(shortened(error.message))}`;
}

function failureWord(status: string): string {
  return status.charAt(0).toUpperCase() + status.slice(1);
}

/** A run's error as a program reads it; its stack is for `tenfold show`. */
function errorView(error: RunError | null): unknown {
  if (error === null) return null;
  const { code, message, node, attempt } = error;
  return { code, message, node, attempt };
}

function count(ended: readonly Ended[], status: string): number {
  return ended.filter((one) => one.status === status).length;
}

/** No if one failed or was cancelled; not enough to say if one is held; else yes. */
function exitCodeOfRuns(ended: readonly Ended[]): number {
  if (ended.some(({ status }) => status === "failed" || status === "cancelled")) return EXIT.no;
  return ended.some(({ status }) => status === "held") ? EXIT.unsure : EXIT.yes;
}
