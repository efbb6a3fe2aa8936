/** A timeline as text: a row per node with its attempts as bars over time, and what failed below it. */
import type { Graph, GraphNode } from "../flow/graph.ts";
import { waitText, type Wait } from "../core/why.ts";
import { formatDuration } from "../value/duration.ts";
import { cut, oneLine, pad, widthOf } from "./columns.ts";
import { shortName } from "./graph-words.ts";
import type { Style } from "./terminal.ts";
import { idOfPath } from "../core/path.ts";
import { type TimelineAttempt, type TimelineNode } from "./timeline.ts";
import { countText, plural } from "./time-text.ts";

export interface TimelineView {
  readonly from: number;
  /** The end of the run, or now. */
  readonly to: number;
  readonly now: number;
  /** A worker drives the run now, or takes it later, or none does as it is held, or has ended. */
  readonly driven: "now" | "later" | "held" | "ended";
  readonly columns: number;
  /** Also what is otherwise summed up: each item of a long list, each failed attempt. */
  readonly all: boolean;
  paint(style: Style, text: string): string;
}

interface Line {
  readonly label: string;
  readonly attempts: readonly TimelineAttempt[];
  readonly mark: number | null;
  readonly text: string;
  readonly style: Style | null;
  readonly below: readonly string[];
}

/** Rows of one node, and failed attempts of one row, that are shown one by one. */
const SHOWN = 5;
/** Calls of a script that are shown one by one. */
const CALLS_SHOWN = 20;
const LABEL_MOST = 36;
const BAR_LEAST = 10;
const BAR_MOST = 50;

/** The rows of `nodes` in the order of the graph, so that what is in an arm or an each stands below it. */
export function timelineLines(graph: Graph, nodes: readonly TimelineNode[], view: TimelineView): readonly string[] {
  const byId = Map.groupBy(nodes, ({ path }) => idOfPath(path));
  const lines = graph.nodes.flatMap((node) => {
    const rows = byId.get(node.id) ?? [];
    const label = "  ".repeat(depthOf(graph, node)) + shortName(node);
    if (node.kind === "each" && rows.length === 0) return headerOf(node, label, nodes);
    const calls =
      node.kind === "script" ? callLines(node, `${label.slice(0, -shortName(node).length)}  `, nodes, view) : [];
    if (rows.length > SHOWN && !view.all) return [...summed(label, rows, view), ...calls];
    const own = rows.map((row) => lineOf(rows.length === 1 ? label : `${label}${itemText(row.path)}`, row, view));
    return [...own, ...calls];
  });
  const labelWidth = Math.min(
    LABEL_MOST,
    lines.reduce((most, { label }) => Math.max(most, widthOf(label)), 0),
  );
  const textWidth = lines.reduce((most, { text }) => Math.max(most, widthOf(text)), 0);
  const barWidth = Math.min(BAR_MOST, view.columns - labelWidth - Math.min(textWidth, 30) - 6);
  return lines.flatMap(({ label, attempts, mark, text, style, below }) => {
    const bar = barWidth < BAR_LEAST ? "" : `  ${barOf(attempts, mark, barWidth, view)}`;
    const fitting = cut(text, view.columns - labelWidth - (bar === "" ? 0 : barWidth + 2) - 4);
    const line = `  ${pad(cut(label, labelWidth), labelWidth)}${bar}  ${style === null ? fitting : view.paint(style, fitting)}`;
    const indent = " ".repeat(4 + label.length - label.trimStart().length);
    return [line.trimEnd(), ...below.map((one) => indent + view.paint("dim", cut(one, view.columns - indent.length)))];
  });
}

/** The calls of a script, in their order; where they are many, those of one name together. */
function callLines(script: GraphNode, indent: string, nodes: readonly TimelineNode[], view: TimelineView): Line[] {
  const calls = nodes.filter(({ path }) => idOfPath(path).startsWith(`${script.id}/`));
  const nameOf = ({ path }: TimelineNode): string => path.slice(path.lastIndexOf("/") + 1);
  const lineOfCall = (row: TimelineNode): Line => lineOf(`${indent}${itemText(row.path)} ${nameOf(row)}`, row, view);
  if (calls.length <= CALLS_SHOWN || view.all) return calls.map(lineOfCall);
  return [...Map.groupBy(calls, nameOf)].flatMap(([name, rows]) =>
    rows.length > SHOWN ? summed(`${indent}${name}`, rows, view) : rows.map(lineOfCall),
  );
}

function depthOf(graph: Graph, node: GraphNode): number {
  let depth = 0;
  for (let { owner } = graph.scopes[node.scope]!; owner >= 0; depth++) {
    owner = graph.scopes[graph.nodes[owner]!.scope]!.owner;
  }
  return depth;
}

/** An each that is done leaves no entry of its own: it is there if its items are. */
function headerOf(node: GraphNode, label: string, nodes: readonly TimelineNode[]): Line[] {
  const begins = `${node.id}/`;
  const isThere = nodes.some(({ path }) => idOfPath(path).startsWith(begins));
  return isThere ? [{ label, attempts: [], mark: null, text: "", style: null, below: [] }] : [];
}

function itemText(path: string): string {
  return [...path.matchAll(/\[\d+\](?=\/|$)/g)].map(([item]) => item).join("");
}

function lineOf(label: string, row: TimelineNode, view: TimelineView): Line {
  const { attempts } = row;
  const failed = attempts.filter(({ error }) => error !== null);
  const shown = view.all ? failed : failed.slice(-3);
  const below = shown.map(
    ({ number, from, to, error, isUndo }) =>
      `${isUndo === true ? "undo, " : ""}attempt ${number} failed after ${formatDuration(Math.max(1, to - from))}: ${oneLine(error!.message)}`,
  );
  if (shown.length < failed.length) below.unshift(`… ${plural(failed.length - shown.length, "failed attempt")} before`);
  for (const { verdict, by, comment, why } of row.vain ?? []) {
    const said = comment === null ? "" : `: ${oneLine(comment)}`;
    below.push(`without effect: ${verdict} by ${oneLine(by)}${said}, because ${oneLine(why)}`);
  }
  const mark =
    "at" in row.state
      ? row.state.at
      : row.state.kind === "open" && row.state.wait.kind === "body"
        ? row.state.wait.since
        : null;
  const { text, style } = stateText(row, view);
  const child = row.child === undefined || row.state.kind === "open" ? "" : `, run ${row.child}`;
  return { label, attempts, mark, text: text + child, style, below };
}

const WITHOUT_ATTEMPT: Partial<Record<TimelineNode["kind"], string>> = {
  derive: "computed",
  sleep: "slept",
  wait: "received",
};

function stateText({ state, attempts, kind }: TimelineNode, view: TimelineView): { text: string; style: Style | null } {
  const own = attempts.filter(({ isUndo }) => isUndo !== true);
  const many = own.length > 1 ? `, ${own.length} attempts` : "";
  switch (state.kind) {
    case "done": {
      const took = own.at(-1);
      if (took === undefined) return { text: WITHOUT_ATTEMPT[kind] ?? "done", style: null };
      return { text: `${formatDuration(Math.max(1, took.to - took.from))}${many}`, style: null };
    }
    case "failed":
      return { text: `failed${own.length > 1 ? ` after ${own.length} attempts` : ""}`, style: "red" };
    case "abandoned":
      return { text: "stopped", style: "yellow" };
    case "undone":
      return { text: "undone", style: "yellow" };
    case "undo-failed":
      return { text: "could not be undone", style: "red" };
    case "chose":
      return { text: state.arm === null ? "→ none" : `→ ${state.arm.replaceAll("|", " or ")}`, style: null };
    case "open":
      return openText(state.wait, view);
    case "timed-out":
      return { text: kind === "approval" ? "nobody decided in time" : "no signal came in time", style: "yellow" };
    case "decided": {
      const comment = state.comment === null ? "" : `: ${oneLine(state.comment)}`;
      return {
        text: `${state.verdict} by ${oneLine(state.by)}${comment}`,
        style: state.verdict === "refused" ? "yellow" : null,
      };
    }
    case "resolved": {
      const comment = state.comment === null ? "" : `: ${oneLine(state.comment)}`;
      return { text: `happened, says ${oneLine(state.by)}${comment}`, style: null };
    }
    case "opened":
      return { text: `${countText(state.done)} of ${plural(state.items, state.of)} done`, style: "cyan" };
  }
}

function openText(wait: Wait, view: TimelineView): { text: string; style: Style | null } {
  // It waits for nothing any more; a retry has it wait again.
  if (view.driven === "ended") return { text: "open when the run ended", style: null };
  if (wait.kind === "body") {
    if (view.driven === "held") return { text: "open when it was held", style: "yellow" };
    const since = formatDuration(Math.max(1, view.now - wait.since));
    return { text: `${view.driven === "now" ? "running" : "waits for a worker,"} for ${since}`, style: "cyan" };
  }
  if (wait.kind === "retry" && view.driven === "held")
    return { text: `held before attempt ${wait.attempt}`, style: "yellow" };
  return {
    text: oneLine(waitText(wait, view.now)),
    style: wait.kind === "retry" || wait.kind === "unsure" ? "yellow" : "cyan",
  };
}

/** One line for many rows of the same node; those that failed are told one by one. */
function summed(label: string, rows: readonly TimelineNode[], view: TimelineView): Line[] {
  const failed = rows.filter(({ state }) => state.kind === "failed" || state.kind === "undo-failed");
  const done = rows.filter(({ state }) => state.kind === "done" || state.kind === "chose").length;
  const undone = rows.filter(({ state }) => state.kind === "undone").length;
  const open = rows.length - done - failed.length - undone;
  const parts = [`${countText(done)} done`];
  if (undone > 0) parts.push(`${countText(undone)} undone`);
  if (failed.length > 0) parts.push(`${countText(failed.length)} failed`);
  if (open > 0) parts.push(`${countText(open)} open`);
  const style = failed.length > 0 ? "red" : open > 0 ? "cyan" : null;
  const attempts = rows.flatMap((row) => row.attempts);
  const sum: Line = {
    label: `${label} ×${countText(rows.length)}`,
    attempts,
    mark: null,
    text: parts.join(", "),
    style,
    below: [],
  };
  const told = failed.slice(0, SHOWN).map((row) => lineOf(`${label}${itemText(row.path)}`, row, view));
  return [sum, ...told];
}

function barOf(attempts: readonly TimelineAttempt[], mark: number | null, width: number, view: TimelineView): string {
  const cells: ("done" | "failed" | "mark" | "wait" | null)[] = Array.from({ length: width }, () => null);
  const span = Math.max(1, view.to - view.from);
  const cellOf = (at: number): number =>
    Math.min(width - 1, Math.max(0, Math.floor(((at - view.from) / span) * width)));
  const fill = (from: number, to: number, what: (typeof cells)[number]): void => {
    for (let cell = cellOf(from); cell <= cellOf(to); cell++) cells[cell] = what;
  };
  if (attempts.length === 0 && mark !== null) cells[cellOf(mark)] = "mark";
  const first = attempts[0];
  const last = attempts.at(-1);
  if (first !== undefined && last !== undefined) fill(first.from, last.to, "wait");
  for (const { from, to, error } of attempts) fill(from, to, error === null ? "done" : "failed");
  return cells
    .map((cell) => {
      switch (cell) {
        case "done":
          return view.paint("green", "█");
        case "failed":
          return view.paint("red", "▒");
        case "wait":
          return view.paint("dim", "·");
        case "mark":
          return "◆";
        default:
          return " ";
      }
    })
    .join("");
}
