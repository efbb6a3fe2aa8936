/** What a deploy comes to, as lines for people: for each workflow its difference, its runs in flight, what would be held. */
import type { DeployPlan, GraphPlan, HeldRuns, WorkflowPlan } from "../engine/plan-deploy.ts";
import type { Refused } from "../engine/misfits.ts";
import { diffLines } from "../flow/graph-diff.ts";
import { cut, oneLine } from "./columns.ts";
import type { Terminal } from "./terminal.ts";
import { countText, plural } from "./time-text.ts";

/** Nodes, reasons and differences that are listed one by one. */
const LISTED = 20;

/** How a hash is shown. */
export function shortHash(hash: string): string {
  return hash.slice(0, 8);
}

export function planLines(terminal: Terminal, { workflows }: DeployPlan): string[] {
  return workflows.flatMap((workflow, index) => [...(index === 0 ? [] : [""]), ...workflowLines(terminal, workflow)]);
}

const WORDS: Readonly<Record<WorkflowPlan["change"], string>> = {
  new: "new",
  unchanged: "unchanged",
  changed: "changed",
  gone: "gone",
};

function workflowLines(terminal: Terminal, plan: WorkflowPlan): string[] {
  const { workflow, change, diff, inFlight, counted, graphs } = plan;
  const style = change === "gone" ? "red" : change === "unchanged" ? "dim" : "yellow";
  const lines = [`${terminal.paint("bold", workflow)}  ${terminal.paint(style, WORDS[change])}`];
  const fit = (line: string): string => cut(oneLine(line), terminal.columns - 2);
  if (diff !== null) {
    const all = diffLines(diff);
    for (const line of all.slice(0, LISTED)) lines.push(`  ${tinted(terminal, fit(line))}`);
    if (all.length > LISTED) lines.push(`  … ${plural(all.length - LISTED, "difference")} more with --json`);
  } else if (change === "changed") lines.push("  in what no run sees: an order, a name of nothing");
  if (inFlight === 0) return [...lines, "  no run in flight"];
  const partly = counted < inFlight ? `, of which ${countText(counted)} were counted` : "";
  lines.push(`  ${plural(inFlight, "run")} in flight${partly}`);
  if (change === "gone") return [...lines, terminal.paint("red", `  nobody would work them: the workflow is not in this code`)]; // prettier-ignore
  for (const graph of graphs)
    lines.push(...graphLines(graph, workflow).map(({ depth, text }) => `${"  ".repeat(depth)}${fit(text)}`));
  return lines;
}

function tinted(terminal: Terminal, line: string): string {
  const style = line.startsWith("+") ? "green" : line.startsWith("-") ? "red" : "yellow";
  return terminal.paint(style, line);
}

interface PlanLine {
  readonly depth: number;
  readonly text: string;
}

function graphLines(plan: GraphPlan, workflow: string): PlanLine[] {
  const { graph, isToday, runs, looked, waiting, nodes, held, fit, refused } = plan;
  const partly = looked < runs ? ` (${countText(looked)} of them looked at)` : "";
  const stands = nodes.slice(0, LISTED).map(({ node, runs: many }) => `${countText(many)} at ${node}`);
  if (waiting > 0) stands.unshift(`${countText(waiting)} not begun`);
  if (nodes.length > LISTED) stands.push(`and at ${plural(nodes.length - LISTED, "node")} more`);
  const where = stands.length === 0 ? "" : `: ${stands.join(", ")}`;
  const below: string[] = held.slice(0, LISTED).map((one) => `would be held: ${heldText(one)}`);
  if (fit !== null && fit > 0)
    below.push(`${countText(fit)} can go on with this graph: tenfold upgrade --workflow ${workflow}`);
  for (const one of refused.slice(0, LISTED)) below.push(refusedText(one));
  if (refused.length > LISTED) below.push(`… ${plural(refused.length - LISTED, "reason")} more with --json`);
  const text = `${countText(runs)} on ${isToday ? "this graph" : `graph ${shortHash(graph)}`}${partly}${where}`;
  return [{ depth: 2, text }, ...below.map((line) => ({ depth: 3, text: line }))];
}

function heldText({ node, gone, now, later, run }: HeldRuns): string {
  const counts = [...(now > 0 ? [`${countText(now)} now`] : []), ...(later > 0 ? [`${countText(later)} once they get there`] : [])]; // prettier-ignore
  return `${counts.join(", ")}, at ${node}: ${gone} is gone (such as ${run})`;
}

/** "12 cannot: score: the new graph has no such node (such as 01m4…)". */
export function refusedText({ node, reason, runs, run }: Refused): string {
  return `${countText(runs)} cannot: ${node === "" ? "" : `${node}: `}${reason} (such as ${run})`;
}
