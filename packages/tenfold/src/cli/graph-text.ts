/** A graph drawn as text: levels of what runs side by side, with the arms of a match and the body of an each indented. */
import { templatesOf, visitRefs, type Graph, type GraphNode } from "../flow/graph.ts";
import { cut, pad, widthOf } from "./columns.ts";
import {
  approvalText,
  armsOf,
  callText,
  eachText,
  repeatText,
  scriptText,
  refText,
  shortName,
  sleepText,
  templateText,
  usesText,
  waitText,
  type DrawnGraph,
} from "./graph-words.ts";
import { queueText } from "./drawn-queue.ts";
import { plural } from "./time-text.ts";

const NAME_MOST = 32;
const OUTPUT_MOST = 60;

/** The drawing, line by line; with the `steps` of its workflow, their queues are in it. */
export function graphText(graph: Graph, steps: DrawnGraph["steps"] = new Map()): string {
  const count = graph.nodes.filter(({ kind }) => kind === "step").length;
  const output = usesText(graph, [graph.scopes[0]!.output]);
  const body = scopeLines({ ...graph, steps }, 0);
  return [
    `${graph.workflow}: ${plural(count, "step")}`,
    "",
    ...(body.length === 0 ? ["  nothing runs"] : body.map((line) => `  ${line}`)),
    "",
    `  output ← ${output === "" ? cut(templateText(graph, graph.scopes[0]!.output), OUTPUT_MOST) : output}`,
    "",
    "What has the same number runs side by side; ← is what it waits for.",
  ].join("\n");
}

/** A scope's nodes by level: 1 waits for nothing in the scope, each other for one of the level before. */
function levelsOf(graph: Graph, scope: number): readonly (readonly GraphNode[])[] {
  const levels: GraphNode[][] = [];
  const levelOf = new Map<number, number>();
  for (const index of graph.scopes[scope]!.nodes) {
    const node = graph.nodes[index]!;
    if (node.kind === "input" || node.kind === "item") continue;
    let level = 0;
    const wait = (need: number): void => void (level = Math.max(level, (levelOf.get(need) ?? -1) + 1));
    for (const template of templatesOf(node)) visitRefs(template, wait);
    node.after.forEach(wait);
    levelOf.set(index, level);
    (levels[level] ??= []).push(node);
  }
  return levels;
}

function scopeLines(graph: DrawnGraph, scope: number): string[] {
  const levels = levelsOf(graph, scope);
  const numberWidth = String(levels.length).length;
  const nameWidth = Math.min(
    NAME_MOST,
    levels.flat().reduce((most, node) => Math.max(most, widthOf(shortName(node))), 0),
  );
  return levels.flatMap((nodes, level) =>
    nodes.flatMap((node, index) => {
      const isFirst = index === 0;
      const isLast = index === nodes.length - 1;
      const number = isFirst ? String(level + 1).padStart(numberWidth) : " ".repeat(numberWidth);
      const branch = nodes.length === 1 ? "─" : isFirst ? "┬" : isLast ? "└" : "├";
      const line = `${number} ${branch} ${pad(shortName(node), nameWidth)}  ${nodeText(graph, node)}`.trimEnd();
      const below = `${" ".repeat(numberWidth)} ${isLast ? " " : "│"} `;
      return [line, ...insideLines(graph, node).map((inside) => `${below}${inside}`)];
    }),
  );
}

function nodeText(graph: DrawnGraph, node: GraphNode): string {
  const after = "after" in node ? node.after.map((index) => refText(graph, index, [])) : [];
  const order = after.length === 0 ? "" : `after ${after.join(", ")}`;
  return [ownText(graph, node), order].filter((text) => text !== "").join("; ");
}

function ownText(graph: DrawnGraph, node: GraphNode): string {
  switch (node.kind) {
    case "input":
    case "item":
      return "";
    case "step": {
      const uses = usesText(graph, [node.input]);
      const step = node.step === shortName(node) ? "" : `step ${node.step} `;
      const undo = node.undo === true ? " (can be undone)" : "";
      const queue = graph.steps.get(node.step)?.queue;
      const line = queue === undefined ? "" : ` (${queueText(queue)})`;
      return ((uses === "" ? step.trimEnd() : `${step}← ${uses}`) + line + undo).trimStart();
    }
    case "call":
      return callText(graph, node);
    case "script":
      return scriptText(graph, node);
    case "derive":
      return `computed ← ${usesText(graph, node.inputs)}`;
    case "match":
      return `${node.form === "when" ? "if" : "on"} ${templateText(graph, node.on)}`;
    case "each":
      return eachText(graph, node);
    case "sleep":
      return `waits ${sleepText(graph, node)}`;
    case "approval":
      return approvalText(graph, node);
    case "attempt":
      return "";
    case "repeat":
      return repeatText(graph, node);
    case "wait":
      return `waits ${waitText(graph, node)}`;
  }
}

function insideLines(graph: DrawnGraph, node: GraphNode): string[] {
  if (node.kind === "each" || node.kind === "repeat") return scopeLines(graph, node.body).map((line) => `  ${line}`);
  const arms = armsOf(node);
  return arms.flatMap(({ label, scope }, index) => {
    const isLast = index === arms.length - 1;
    const lines = scopeLines(graph, scope);
    const result = cut(templateText(graph, graph.scopes[scope]!.output), OUTPUT_MOST);
    const title = `${isLast ? "└" : "├"} ${label}${lines.length === 0 ? ` → ${result}` : ""}`;
    return [title, ...lines.map((line) => `${isLast ? " " : "│"}   ${line}`)];
  });
}
