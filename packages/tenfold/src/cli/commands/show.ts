/** `tenfold show`: one run, its timeline, its input, its output or error. */
import type { RunDetails } from "../../engine/run-view.ts";
import type { Graph } from "../../flow/graph.ts";
import type { Entry } from "../../core/entry.ts";
import { undoText } from "../../core/undo-text.ts";
import { FINISHED } from "../../store/store.ts";
import { formatDuration } from "../../value/duration.ts";
import type { FileView } from "../../flow/files.ts";
import { TenfoldError } from "../../value/error.ts";
import { EXIT, type Call, type Command } from "../command.ts";
import { brief, cut, oneLine, pad, shortened, wrapped } from "../columns.ts";
import { fileLines } from "../file-lines.ts";
import { openStored } from "../opening.ts";
import { shortHash } from "../plan-lines.ts";
import { filesIfRead, filesJson } from "../run-files.ts";
import { runJson } from "../run-json.ts";
import { paintStatus } from "../status.ts";
import type { Terminal } from "../terminal.ts";
import { timelineOf, type TimelineNode } from "../timeline.ts";
import { timelineLines } from "../timeline-lines.ts";
import { agoText, plural, timeText } from "../time-text.ts";

/** The width of a drawing that goes into a file or pipe. */
const PIPE_COLUMNS = 120;
/** Lines of an input or output that are printed without being asked for. */
const JSON_LINES = 20;
/** Parts that could not be decoded and are named one by one. */
const UNREAD_SHOWN = 5;
/** Files that are listed without being asked for. */
const FILES_SHOWN = 20;

export const showCommand: Command = {
  name: "show",
  takes: "<run>",
  counts: { least: 1, most: 1 },
  summary: "Shows one run: what happened when, what is open, its input, its output or error.",
  about: "In the timeline █ is an attempt that is done, ▒ one that failed, · the wait between two, ◆ a moment.",
  flags: {
    all: { type: "boolean", text: "everything: each item of a long list, the whole input and output, error stacks" },
  },
  examples: [
    { line: "tenfold show 01m4qk0v6b7x3c9r5t8w2000", does: "a run by its id, as `tenfold runs` lists it" },
    { line: "tenfold show 01m4qk0v6b7x3c9r5t8w2000 --json", does: "with its whole journal, for a program" },
  ],
  async run(call: Call): Promise<number> {
    const [id] = call.words;
    const tenfold = await openStored(call);
    try {
      const run = await tenfold.show(id!);
      const graph = await tenfold.graphOf(id!);
      // From the run as it is: a branch goes by a field that may be hidden.
      const timeline = timelineOf(graph, run);
      const shown = tenfold.redacted(run);
      const files = await filesIfRead(tenfold, id!);
      const [newest] = await tenfold.page({ workflow: run.workflow }, { limit: 1 });
      if (call.terminal.isJson) call.terminal.document({ ...runJson(shown), ...filesJson(files), timeline });
      else tell(call, shown, files, { graph, nodes: timeline, newest: newest?.graph ?? run.graph });
      return EXIT.yes;
    } finally {
      await tenfold.close();
    }
  },
};

interface Drawn {
  readonly graph: Graph;
  readonly nodes: readonly TimelineNode[];
  /** The hash of the graph that the workflow's newest run is on. */
  readonly newest: string;
}

function tell(
  call: Call,
  run: RunDetails,
  files: readonly FileView[] | TenfoldError,
  { graph, nodes, newest }: Drawn,
): void {
  const { terminal, flags } = call;
  const now = Date.now();
  for (const [name, text] of factsOf(terminal, run, now, newest))
    terminal.print(`${terminal.paint("dim", pad(name, 10))}${text}`);
  terminal.print("");
  if (nodes.length === 0) terminal.print(run.unread === undefined ? "Nothing of it has happened yet." : "No timeline.");
  else {
    const to = run.endedAt ?? now;
    terminal.print(terminal.paint("bold", `Timeline, ${formatDuration(Math.max(1, to - run.startedAt))}`));
    const columns = terminal.columns === Infinity ? PIPE_COLUMNS : terminal.columns;
    const { paint } = terminal;
    const driven = FINISHED.has(run.status) ? "ended" : run.status === "held" ? "held" : run.owned ? "now" : "later";
    const view = { from: run.startedAt, to, now, driven, columns, all: flags.has("all"), paint } as const;
    for (const line of timelineLines(graph, nodes, view)) terminal.print(line);
  }
  tellUnread(call, run);
  if (run.unread?.some(({ what }) => what === "input") !== true) tellJson(call, "Input", run.input);
  if (run.output !== undefined) tellJson(call, "Output", run.output);
  tellFiles(call, run.id, files);
  tellError(call, run);
}

function factsOf(terminal: Terminal, run: RunDetails, now: number, newest: string): (readonly [string, string])[] {
  const facts: [string, string][] = [
    ["run", run.id],
    ["workflow", run.workflow],
    ["status", `${paintStatus(terminal.paint, run.status)}${undoText(run.error?.undo)}${waitText(run, now)}`],
    ["started", `${timeText(run.startedAt)}, ${agoText(run.startedAt, now)}`],
  ];
  if (run.endedAt !== null) {
    const took = formatDuration(Math.max(1, run.endedAt - run.startedAt));
    facts.push(["ended", `${timeText(run.endedAt)}, after ${took}`]);
  }
  if (run.key !== null)
    facts.push(["key", `${oneLine(run.key)}${run.generation > 1 ? ` (its run number ${run.generation})` : ""}`]);
  for (const parent of new Set(run.entries.flatMap((entry) => (entry.kind === "attached" ? [parentText(entry)] : []))))
    facts.push(["parent", parent]);
  const moves = run.entries.flatMap((entry) => (entry.kind === "upgraded" ? [moveText(entry, now)] : []));
  if (run.graph !== newest || moves.length > 0)
    facts.push(["graph", shortHash(run.graph) + (run.graph === newest ? "" : `; the newest run is on ${shortHash(newest)}`)]); // prettier-ignore
  for (const move of moves) facts.push(["", move]);
  if (run.tenant !== "") facts.push(["tenant", oneLine(run.tenant)]);
  if (run.deaths > 0) facts.push(["deaths", `${run.deaths} of its workers died while they drove it`]);
  return facts;
}

function parentText({ parent, of }: Extract<Entry, { kind: "attached" }>): string {
  return `${parent}, its node ${of}`;
}

function moveText({ at, from, to, refused }: Extract<Entry, { kind: "upgraded" }>, now: number): string {
  const ago = agoText(at, now);
  if (refused === undefined) return `moved from ${shortHash(from)} to ${shortHash(to)}, ${ago}`;
  const where = refused.node === "" ? "" : `${refused.node}: `;
  return oneLine(`not moved to ${shortHash(to)}, ${ago}: ${where}${refused.reason}`);
}

function waitText({ status, owned, wakeAt }: RunDetails, now: number): string {
  if (FINISHED.has(status) || status === "held") return "";
  if (owned) return ", a worker drives it";
  if (wakeAt === null && status === "running") return ", until somebody sends it something";
  if (wakeAt !== null && wakeAt > now) return `, waits until ${timeText(wakeAt)} (${agoText(wakeAt, now)})`;
  return ", waits for a worker: `tenfold dev` works this store";
}

/** What of it is kept, and cannot be decoded here. */
function tellUnread({ terminal }: Call, { unread = [] }: RunDetails): void {
  if (unread.length === 0) return;
  terminal.print("");
  terminal.print(terminal.paint("bold", "Not decoded"));
  for (const [code, parts] of Map.groupBy(unread, (part) => part.code)) {
    const names = parts.slice(0, UNREAD_SHOWN).map(({ what }) => what);
    const more =
      parts.length > UNREAD_SHOWN ? ` and ${plural(parts.length - UNREAD_SHOWN, "entry", "entries")} more` : "";
    terminal.print(`  ${terminal.paint("red", code)}: ${names.join(", ")}${more}`);
    for (const line of wrapped(oneLine(shortened(parts[0]!.message)), terminal.columns - 2))
      terminal.print(`  ${line}`);
  }
}

function tellJson({ terminal, flags }: Call, title: string, value: unknown): void {
  const lines = JSON.stringify(value, null, 2).split("\n");
  const isLong = lines.length > JSON_LINES && !flags.has("all");
  terminal.print("");
  terminal.print(terminal.paint("bold", title));
  const width = flags.has("all") ? Infinity : terminal.columns - 2;
  for (const line of isLong ? lines.slice(0, JSON_LINES) : lines) terminal.print(`  ${cut(line, width)}`);
  if (isLong) terminal.print(terminal.paint("dim", `  … ${lines.length - JSON_LINES} lines more with --all`));
}

function tellFiles({ terminal, flags }: Call, run: string, files: readonly FileView[] | TenfoldError): void {
  if (!(files instanceof TenfoldError) && files.length === 0) return;
  terminal.print("");
  terminal.print(terminal.paint("bold", "Files"));
  if (files instanceof TenfoldError) {
    for (const line of wrapped(oneLine(`${files.code}: ${files.message}`), terminal.columns - 2))
      terminal.print(`  ${line}`);
    return;
  }
  const shown = flags.has("all") ? files : files.slice(0, FILES_SHOWN);
  for (const line of fileLines(shown, Date.now(), terminal.columns - 2)) terminal.print(`  ${line}`);
  if (shown.length < files.length) {
    terminal.print(terminal.paint("dim", `  … ${files.length - shown.length} more with --all`));
  }
  terminal.say(`\`tenfold files ${run} <file> --out .\` writes one out.`);
}

function tellError({ terminal, flags }: Call, { id, status, error }: RunDetails): void {
  if (error !== null) {
    const where = error.node === "" ? "" : ` at ${error.node}`;
    const attempt = error.attempt > 0 ? `, attempt ${error.attempt}` : "";
    terminal.print("");
    terminal.print(terminal.paint("bold", `Error${where}${attempt}`));
    const width = terminal.columns - 2;
    const message = flags.has("all") ? error.message : shortened(error.message);
    const [first, ...more] = wrapped(`${error.code}: ${oneLine(message)}`, width);
    terminal.print(`  ${terminal.paint("red", error.code)}${first!.slice(error.code.length)}`);
    for (const line of more) terminal.print(`  ${line}`);
    const stack = error.stack?.split("\n") ?? [];
    const lines = flags.has("all") ? stack.map(oneLine) : stack.slice(0, 1).map((line) => cut(brief(line), width));
    for (const line of lines) terminal.print(terminal.paint("dim", `  ${line}`));
  }
  if (status === "failed" || status === "cancelled" || status === "held") {
    terminal.say("");
    terminal.say(`\`tenfold retry ${id}\` has it go on from there.`);
  }
}
