/**
 * A run's journal as tests compare it: plain data and text, in which times count from the run's start.
 * Invariant: nothing in it depends on the machine or on real time, so that the same test gives the same.
 */
import { compileGraph } from "../core/compile.ts";
import type { Ask, Entry } from "../core/entry.ts";
import { replay } from "../core/reduce.ts";
import type { RunState } from "../core/state.ts";
import { askText } from "../engine/script-calls.ts";
import type { Graph } from "../flow/graph.ts";
import { durationText } from "../value/duration.ts";
import type { Json } from "../value/json.ts";

/** One entry of a run's journal. What an entry has not is left out. */
export interface TestEntry {
  /** How long after the run's start: "0s", "3d", "1h 30m". */
  readonly after: string;
  readonly kind: Entry["kind"];
  /** The node's path. */
  readonly node?: string;
  /** Of a step, from 1. */
  readonly attempt?: number;
  readonly output?: Json;
  /** The arm that a match took; null: none. */
  readonly arm?: string | null;
  readonly error?: { readonly code: string; readonly message: string };
  /** When the next attempt starts, after the run's start; null: there is none. */
  readonly retryAfter?: string | null;
  /** Why the run was cancelled. */
  readonly reason?: string;
  /** The signal that came, which of several things it is for, and what it carries. */
  readonly signal?: string;
  readonly for?: string;
  readonly payload?: Json;
  /** What somebody decided, in which roles, and why. */
  readonly verdict?: "approved" | "refused";
  readonly by?: string;
  readonly roles?: readonly string[];
  readonly comment?: string;
  /** Whether somebody said that an attempt has happened. */
  readonly happened?: boolean;
  /** The run that a call has as its child, and how that ended. */
  readonly child?: string;
  readonly status?: "completed" | "failed" | "cancelled";
  /** The number of a script's call, from 0, and what it asks for. */
  readonly call?: number;
  readonly ask?: Ask;
  /** The run that called this one, and its node. */
  readonly parent?: string;
  readonly of?: string;
}

/** The run that is shown. */
export interface ShownRun {
  readonly id: string;
  readonly workflow: string;
  readonly status: string;
  readonly input: Json;
  readonly startedAt: number;
  readonly endedAt: number | null;
  readonly graph: Graph;
  readonly entries: readonly Entry[];
}

export function entriesOf({ entries, startedAt }: ShownRun): readonly TestEntry[] {
  return entries.map((entry) => {
    const { at, kind, node, ...rest } = entry as Entry & Readonly<Record<string, unknown>>;
    const shown = { after: durationText(at - startedAt), kind, ...(node === undefined ? {} : { node }) };
    for (const [name, value] of Object.entries(rest)) Object.assign(shown, shownPart(name, value, startedAt));
    return shown as TestEntry;
  });
}

function shownPart(name: string, value: unknown, startedAt: number): object {
  switch (name) {
    // How long an attempt took shows in the times; the key of a message is chance, and says nothing; what a script had heard, and what of that a retry takes back, serves its replay.
    case "tookMs":
    case "message":
    case "heard":
    case "harmless":
      return {};
    case "attempt":
      return value === 0 ? {} : { attempt: value };
    case "error": {
      const { code, message } = value as { readonly code: string; readonly message: string };
      return { error: { code, message } };
    }
    case "retryAt":
      return { retryAfter: value === null ? null : durationText((value as number) - startedAt) };
    case "for":
    case "comment":
      return value === null ? {} : { [name]: value };
    case "roles":
      return (value as readonly string[]).length === 0 ? {} : { roles: value };
    default:
      return value === undefined ? {} : { [name]: value };
  }
}

/** The run's state after its journal; `reached` sees it after each entry. */
export function stateOf(
  { id: run, graph, input, startedAt, entries }: ShownRun,
  reached?: (state: RunState, entry: Entry) => void,
): RunState {
  return replay(compileGraph(graph), { run, input, startedAt }, entries, reached);
}

/** The nodes that came to a result, in order; a match with the arm that it took, a wait that ended without its signal as such. */
export function pathTaken(run: ShownRun): readonly string[] {
  const path: string[] = [];
  let received = 0;
  stateOf(run, (state, entry) => {
    if (entry.kind === "done") path.push(entry.node);
    if (entry.kind === "chose") path.push(`${entry.node}: ${entry.arm ?? "none"}`);
    if (entry.kind === "decided") path.push(`${entry.node}: ${entry.verdict} by ${entry.by}`);
    if (entry.kind === "returned")
      path.push(entry.status === "completed" ? entry.node : `${entry.node}: ${entry.status}`);
    if (entry.kind === "resolved" && entry.happened) path.push(entry.node);
    if (entry.kind === "timed-out") path.push(`${entry.node}: timed-out`);
    // An entry may bring several nodes their signals: those that wait from now on for what came before.
    for (const { node } of state.signals?.received.slice(received) ?? []) path.push(node);
    received = state.signals?.received.length ?? 0;
  });
  return path;
}

/** Longer outputs are cut (characters of JSON). */
const OUTPUT_MAX = 100;

/** The journal as lines of text. */
export function timelineText(run: ShownRun): string {
  const { workflow, status, startedAt, endedAt } = run;
  const ended = endedAt === null ? status : `${status} after ${durationText(endedAt - startedAt)}`;
  const rows = entriesOf(run).map((entry) => [entry.after, entry.kind, entry.node ?? "", resultOf(entry)] as const);
  const widths = [0, 1, 2].map((column) => Math.max(0, ...rows.map((row) => row[column]!.length)));
  const lines = rows.map((row) => {
    return `  ${row.map((text, column) => text.padEnd(widths[column] ?? 0)).join("  ")}`.trimEnd();
  });
  return [`${workflow}: ${ended}`, ...lines].join("\n");
}

function resultOf({ kind, attempt, output, arm, error, retryAfter, reason, call, ask, ...signal }: TestEntry): string {
  if (ask !== undefined)
    return cut(`[${call}] ${askText(ask)}${"input" in ask ? ` ${JSON.stringify(ask.input)}` : ""}`);
  if (kind === "chose") return arm ?? "none";
  if (kind === "signalled") return signalText(signal);
  if (kind === "decided")
    return `${signal.verdict} by ${signal.by}${signal.comment === undefined ? "" : `: ${cut(signal.comment)}`}`;
  if (kind === "resolved")
    return `${signal.happened ? "happened" : "not happened"}, says ${signal.by}${signal.comment === undefined ? "" : `: ${cut(signal.comment)}`}`;
  if (reason !== undefined) return reason;
  if (error === undefined) return output === undefined ? "" : cut(JSON.stringify(output));
  const next = retryAfter === undefined || retryAfter === null ? "" : `, again after ${retryAfter}`;
  return `${attempt === undefined ? "" : `attempt ${attempt}: `}${error.code} ${cut(error.message)}${next}`;
}

function signalText({ signal, for: whom, payload }: Pick<TestEntry, "signal" | "for" | "payload">): string {
  const meant = whom === undefined ? signal! : `${signal!} for ${whom}`;
  return payload === undefined ? meant : `${meant} ${cut(JSON.stringify(payload))}`;
}

function cut(text: string): string {
  const line = text.replaceAll("\n", " ");
  return line.length <= OUTPUT_MAX ? line : `${line.slice(0, OUTPUT_MAX - 1)}…`;
}
