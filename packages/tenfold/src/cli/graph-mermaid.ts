/** A graph as a Mermaid flowchart: edges labelled with what flows, arms and the bodies of eaches as subgraphs. */
import { templatesOf, type Graph, type GraphNode, type Template } from "../flow/graph.ts";
import { pathText } from "../value/json.ts";
import { cut } from "./columns.ts";
import {
  approvalText,
  armsOf,
  eachText,
  repeatText,
  shortName,
  sleepText,
  templateText,
  usesOf,
  waitText,
  type DrawnGraph,
} from "./graph-words.ts";
import { queueText } from "./drawn-queue.ts";

const TEXT_MOST = 60;

/** The text of a Mermaid diagram; with the `steps` of its workflow, their queues are in it. */
export function graphMermaid(graph: Graph, steps: DrawnGraph["steps"] = new Map()): string {
  const edges: string[] = [];
  const lines = [
    "flowchart TD",
    ...scopeLines({ ...graph, steps }, 0, edges).map((line) => `  ${line}`),
    `  output([${quoted("output")}])`,
  ];
  addUses(edges, [graph.scopes[0]!.output], "output");
  return [...lines, ...edges.map((edge) => `  ${edge}`)].join("\n");
}

function scopeLines(graph: DrawnGraph, scope: number, edges: string[]): string[] {
  return graph.scopes[scope]!.nodes.flatMap((index) => {
    const node = graph.nodes[index]!;
    addUses(edges, templatesOf(node), `n${index}`);
    if ("after" in node) for (const first of node.after) edges.push(`n${first} -. after .-> n${index}`);
    return [`n${index}${shapeOf(graph, node)}`, ...insideLines(graph, node, index, edges)];
  });
}

function shapeOf(graph: DrawnGraph, node: GraphNode): string {
  switch (node.kind) {
    case "input":
    case "item":
      return `([${quoted(node.kind)}])`;
    case "step": {
      const lines = [node.step === shortName(node) ? node.step : `${shortName(node)}\n(step ${node.step})`];
      const queue = graph.steps.get(node.step)?.queue;
      if (queue !== undefined) lines.push(`(${queueText(queue)})`);
      if (node.undo === true) lines.push("(can be undone)");
      return `[${quoted(lines.join("\n"))}]`;
    }
    case "call":
      return `[[${quoted(`${shortName(node)}\nworkflow ${node.workflow}`)}]]`;
    case "script":
      return `[[${quoted(`${shortName(node)}\nscript, ${node.max} calls at most`)}]]`;
    case "derive":
      return `[/${quoted(shortName(node))}/]`;
    case "match":
      return `{${quoted(templateText(graph, node.on))}}`;
    case "each":
      return `[[${quoted(`${shortName(node)}\n${eachText(graph, node)}`)}]]`;
    case "sleep":
      return `>${quoted(`${shortName(node)}\nwaits ${sleepText(graph, node)}`)}]`;
    case "approval":
      return `>${quoted(`${shortName(node)}\n${approvalText(graph, node)}`)}]`;
    case "attempt":
      return `[[${quoted(shortName(node))}]]`;
    case "repeat":
      return `[[${quoted(`${shortName(node)}\n${repeatText(graph, node)}`)}]]`;
    case "wait":
      return `>${quoted(`${shortName(node)}\nwaits ${waitText(graph, node)}`)}]`;
  }
}

function insideLines(graph: DrawnGraph, node: GraphNode, index: number, edges: string[]): string[] {
  if (node.kind === "each" || node.kind === "repeat") {
    edges.push(`n${index} --> s${node.body}`);
    return subgraph(graph, node.body, node.kind === "each" ? "for each item" : "each round", edges);
  }
  return armsOf(node).flatMap(({ label, scope }) => {
    edges.push(`n${index} -- ${quoted(label)} --> s${scope}`);
    return subgraph(graph, scope, label, edges);
  });
}

function subgraph(graph: DrawnGraph, scope: number, title: string, edges: string[]): string[] {
  const inside = scopeLines(graph, scope, edges);
  // Mermaid draws nothing for a subgraph without a node, and then edges to it dangle.
  if (inside.length === 0) inside.push(`e${scope}([${quoted(templateText(graph, graph.scopes[scope]!.output))}])`);
  return [`subgraph s${scope}[${quoted(title)}]`, ...inside.map((line) => `  ${line}`), "end"];
}

function addUses(edges: string[], templates: readonly Template[], to: string): void {
  for (const [node, path] of usesOf(templates)) {
    const label = pathText(path);
    edges.push(label === "" ? `n${node} --> ${to}` : `n${node} -- ${quoted(label)} --> ${to}`);
  }
}

/** Text between quotes, with what Mermaid would take for its own written as entities. */
function quoted(text: string): string {
  const safe = text
    .split("\n")
    .map((line) => cut(line, TEXT_MOST))
    .join("\n")
    .replaceAll("#", "#35;")
    .replaceAll('"', "#quot;")
    .replaceAll("<", "#lt;")
    .replaceAll(">", "#gt;")
    .replaceAll("\n", "<br>");
  return `"${safe}"`;
}
