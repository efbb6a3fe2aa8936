/**
 * Checks a graph that was loaded as data. What a `flow` drew has these invariants by the way it is drawn; a stored
 * or sent graph may be damaged, or made by hand, and core relies on them.
 */
import { TenfoldError, type ErrorCode } from "../value/error.ts";
import { isRecord, nodeProblem, scopeProblem } from "./graph-shape.ts";
import { givenScopeOf, scopesOf, templatesOf, visitRefs, type Graph, type GraphNode } from "./graph.ts";

/** `graph` if it holds the invariants of a graph; else throws GRAPH_CYCLE or WORKFLOW_INVALID. */
export function checkGraph(graph: unknown): Graph {
  const name = isRecord(graph) && typeof graph["workflow"] === "string" ? graph["workflow"] : "?";
  const refuse = (node: string, reason: string): TenfoldError => refusal("WORKFLOW_INVALID", name, node, reason);
  if (!isRecord(graph) || graph["format"] !== 1 || name === "?") {
    throw refuse("?", "it is no graph of format 1 with the name of a workflow");
  }
  const { nodes, scopes } = graph;
  if (!Array.isArray(nodes) || !Array.isArray(scopes) || scopes.length === 0 || nodes.length === 0) {
    throw refuse("?", "its nodes and scopes are not both lists with something in them");
  }
  nodes.forEach((node, index) => {
    const reason = nodeProblem(node, nodes.length, scopes.length);
    if (reason !== undefined) throw refuse(idOf(node, index), reason);
  });
  scopes.forEach((scope, index) => {
    const reason = scopeProblem(scope, nodes.length);
    if (reason !== undefined) throw refuse(`scope ${index}`, reason);
  });
  const sound = graph as unknown as Graph;
  checkPlaces(sound, refuse);
  checkCycles(sound);
  checkRefs(sound, refuse);
  return sound;
}

type Refuse = (node: string, reason: string) => TenfoldError;

/** Every node stands in exactly its scope, every scope is opened by exactly its owner, ids are unique. */
function checkPlaces({ nodes, scopes }: Graph, refuse: Refuse): void {
  if (nodes[0]!.kind !== "input" || nodes[0]!.scope !== 0)
    throw refuse(nodes[0]!.id, "the first node is not the input");
  if (scopes[0]!.owner !== -1) throw refuse("scope 0", "the first scope is not the workflow's");
  const ids = new Set<string>();
  const placed = new Map<number, number>();
  scopes.forEach((scope, index) => {
    for (const node of scope.nodes) {
      if (placed.has(node) || nodes[node]!.scope !== index) {
        throw refuse(nodes[node]!.id, "it is listed in a scope that it does not stand in");
      }
      placed.set(node, index);
    }
  });
  const opened = new Set<number>([0]);
  nodes.forEach((node, index) => {
    if (ids.has(node.id)) throw refuse(node.id, "its id is taken");
    ids.add(node.id);
    if (!placed.has(index)) throw refuse(node.id, "its scope does not list it");
    if (node.kind === "input" && index !== 0) throw refuse(node.id, "it is a second input");
    if (node.kind === "item" && !isItemOf(nodes, scopes, node.scope, index)) {
      throw refuse(node.id, "it is an item, but not the first node of a scope that is given one");
    }
    const given = givenScopeOf(node);
    if (given !== null && nodes[scopes[given]!.nodes[0] ?? 0]!.kind !== "item") {
      throw refuse(node.id, "its scope does not begin with what it is given");
    }
    for (const scope of scopesOf(node)) {
      if (opened.has(scope) || scopes[scope]!.owner !== index)
        throw refuse(node.id, `it opens scope ${scope}, which is not its own`);
      if (scopes[scope]!.nodes.some((inner) => inner <= index))
        throw refuse(node.id, "it stands after a node that is in it");
      opened.add(scope);
    }
  });
  scopes.forEach((_, index) => {
    if (!opened.has(index)) throw refuse(`scope ${index}`, "no node opens it");
  });
}

function isItemOf(nodes: readonly GraphNode[], scopes: Graph["scopes"], scope: number, index: number): boolean {
  const { owner, nodes: inner } = scopes[scope]!;
  return owner >= 0 && givenScopeOf(nodes[owner]!) === scope && inner[0] === index;
}

/** Finds nodes that wait for each other in a circle, through inputs, `after`, and what scopes contain. */
function checkCycles({ workflow, nodes, scopes }: Graph): void {
  const finished = new Set<number>();
  const path: number[] = [];
  const visit = (index: number): void => {
    if (finished.has(index)) return;
    const from = path.indexOf(index);
    if (from >= 0) {
      const circle = [...path.slice(from), index].map((node) => nodes[node]!.id).join(" -> ");
      throw refusal("GRAPH_CYCLE", workflow, nodes[index]!.id, `it waits for itself: ${circle}`);
    }
    path.push(index);
    for (const need of needsOf(nodes[index]!)) visit(need);
    for (const scope of scopesOf(nodes[index]!)) {
      for (const inner of scopes[scope]!.nodes) visit(inner);
      visitRefs(scopes[scope]!.output, visit);
    }
    path.pop();
    finished.add(index);
  };
  nodes.forEach((_, index) => visit(index));
}

/** Every reference points to an earlier node, in the scope it stands in or one around that. */
function checkRefs({ nodes, scopes }: Graph, refuse: Refuse): void {
  const isInScope = (target: number, from: number): boolean => {
    for (let at = from; ; at = nodes[scopes[at]!.owner]!.scope) {
      if (nodes[target]!.scope === at) return true;
      if (scopes[at]!.owner < 0) return false;
    }
  };
  nodes.forEach((node, index) => {
    for (const need of needsOf(node)) {
      if (need >= index) throw refuse(node.id, `it refers to "${nodes[need]!.id}", which stands later`);
      if (!isInScope(need, node.scope))
        throw refuse(node.id, `it refers to "${nodes[need]!.id}", which is out of its scope`);
    }
  });
  scopes.forEach((scope, index) => {
    visitRefs(scope.output, (target) => {
      if (!isInScope(target, index)) {
        throw refuse(`scope ${index}`, `its output refers to "${nodes[target]!.id}", which is out of its scope`);
      }
    });
  });
}

function needsOf(node: GraphNode): readonly number[] {
  const needs: number[] = "after" in node ? [...node.after] : [];
  for (const template of templatesOf(node)) visitRefs(template, (index) => needs.push(index));
  return needs;
}

function refusal(code: ErrorCode, workflow: string, node: string, reason: string): TenfoldError {
  return new TenfoldError(
    code,
    `The graph of workflow "${workflow}", node "${node}": ${reason}; the graph was not loaded. It is damaged, or was made by hand or by another release: draw the workflow again.`,
    { facts: { workflow, node, reason } },
  );
}

function idOf(node: unknown, index: number): string {
  return isRecord(node) && typeof node["id"] === "string" ? node["id"] : `number ${index}`;
}
