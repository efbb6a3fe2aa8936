/**
 * A graph made ready for reducing: who waits for whom, counted once per graph instead of once per run.
 * Invariant: `waits` of a fresh frame counts each distinct node that a node needs, once, except inputs and items,
 * which are there from the start.
 */
import { scopesOf, templatesOf, visitRefs, type Graph, type GraphNode, type Template } from "../flow/graph.ts";

export interface CompiledGraph {
  readonly graph: Graph;
  readonly scopes: readonly CompiledScope[];
  readonly nodes: readonly CompiledNode[];
  readonly indexOf: ReadonlyMap<string, number>;
}

export interface CompiledScope {
  readonly index: number;
  readonly owner: number;
  /** The path segment under its owner's id. */
  readonly name: string;
  /** The owner's place in its own scope's arrays; -1 for the workflow. */
  readonly ownerLocal: number;
  readonly output: Template;
  readonly nodes: readonly CompiledNode[];
  /** What each node waits for in a fresh frame in which nothing outside is done yet. */
  readonly waits: readonly number[];
  /** The outputs of a fresh frame, and when its nodes became ready: none yet. */
  readonly blank: readonly undefined[];
  readonly never: readonly number[];
  /** Nodes that a fresh frame finds ready, and those that depend on the outside. */
  readonly first: readonly CompiledNode[];
  readonly outward: readonly CompiledNode[];
  /** How many nodes must be done before the frame is. */
  readonly size: number;
  /** How many entries a frame of it leaves in the journal, at least. */
  readonly entriesLeast: number;
  /** Whether it, or a scope in it, has a step with an undo. */
  readonly holdsUndo: boolean;
  /** Nodes with something to undo: each level uses nothing of those behind it, and may use those before. */
  readonly undoLevels: readonly (readonly CompiledNode[])[];
}

export interface CompiledNode {
  readonly index: number;
  /** Its place in its scope's arrays. */
  readonly local: number;
  readonly scope: number;
  /** "output" is a scope's result that uses nodes outside of the scope: done when they are. */
  readonly node: GraphNode | { readonly kind: "output"; readonly id: string; readonly scope: number };
  readonly dependents: readonly Dependent[];
  /** Whether some dependents stand in frames below its own. */
  readonly reachesBelow: boolean;
  /** The nodes outside of its scope that it waits for. */
  readonly outside: readonly number[];
  /** All that it waits for. */
  readonly needs: readonly number[];
  /** It is a step that can be undone. */
  readonly hasUndo: boolean;
}

/** A waiting node, and the constructs to descend through to reach it from the frame of what it waits for. */
export interface Dependent {
  readonly via: readonly CompiledNode[];
  readonly node: CompiledNode;
}

interface Draft {
  index: number;
  local: number;
  scope: number;
  node: CompiledNode["node"];
  dependents: { via: Draft[]; node: Draft }[];
  reachesBelow: boolean;
  outside: number[];
  needs: number[];
  inside: number;
  hasUndo: boolean;
}

/** Compiles `graph`; O(nodes + references). */
export function compileGraph(graph: Graph): CompiledGraph {
  const drafts: Draft[] = graph.nodes.map((node, index) => draft(index, node));
  const members: Draft[][] = graph.scopes.map((scope) => scope.nodes.map((index) => drafts[index]!));
  graph.scopes.forEach((scope, index) => {
    let reachesOut = false;
    visitRefs(scope.output, (node) => (reachesOut ||= graph.nodes[node]!.scope !== index));
    if (!reachesOut) return;
    const id = `${graph.nodes[scope.owner]!.id}/${scope.name === "" ? "" : `${scope.name}/`}output`;
    const output = draft(drafts.length, { kind: "output", id, scope: index });
    drafts.push(output);
    members[index]!.push(output);
  });
  for (const scope of members) scope.forEach((node, local) => (node.local = local));
  for (const node of drafts) connect(graph, drafts, node);
  const holdsUndo = scopesThatHoldUndo(graph, drafts);
  return {
    graph,
    nodes: drafts as readonly CompiledNode[],
    scopes: members.map((nodes, index) => compileScope(graph, drafts, nodes, index, holdsUndo)),
    indexOf: new Map(graph.nodes.map((node, index) => [node.id, index])),
  };
}

function draft(index: number, node: Draft["node"]): Draft {
  const hasUndo = node.kind === "step" && node.undo === true;
  const none = { dependents: [], reachesBelow: false, outside: [], needs: [], inside: 0 };
  return { index, local: 0, scope: node.scope, node, ...none, hasUndo };
}

function connect(graph: Graph, drafts: readonly Draft[], to: Draft): void {
  const needs = new Set<number>();
  if (to.node.kind === "output") {
    visitRefs(graph.scopes[to.scope]!.output, (node) => {
      if (graph.nodes[node]!.scope !== to.scope) needs.add(node);
    });
  } else {
    for (const template of templatesOf(to.node)) visitRefs(template, (node) => needs.add(node));
    if ("after" in to.node) for (const node of to.node.after) needs.add(node);
  }
  for (const index of needs) {
    const from = drafts[index]!;
    if (from.node.kind === "input" || from.node.kind === "item") continue;
    to.needs.push(index);
    if (from.scope === to.scope) to.inside++;
    else to.outside.push(index);
    from.reachesBelow ||= from.scope !== to.scope;
    from.dependents.push({ via: routeBetween(graph, drafts, from.scope, to.scope), node: to });
  }
}

function routeBetween(graph: Graph, drafts: readonly Draft[], outer: number, inner: number): Draft[] {
  const route: Draft[] = [];
  for (let scope = inner; scope !== outer; scope = route[0]!.scope) {
    route.unshift(drafts[graph.scopes[scope]!.owner]!);
  }
  return route;
}

function compileScope(
  graph: Graph,
  drafts: readonly Draft[],
  nodes: Draft[],
  index: number,
  holdsUndo: readonly boolean[],
): CompiledScope {
  const isWork = (node: Draft) => node.node.kind !== "input" && node.node.kind !== "item";
  const compiled = nodes as readonly CompiledNode[];
  return {
    index,
    owner: graph.scopes[index]!.owner,
    name: graph.scopes[index]!.name,
    ownerLocal: drafts[graph.scopes[index]!.owner]?.local ?? -1,
    output: graph.scopes[index]!.output,
    nodes: compiled,
    waits: nodes.map((node) => node.inside + node.outside.length),
    blank: nodes.map(() => undefined),
    never: nodes.map(() => NaN),
    first: compiled.filter(
      (_, local) => isWork(nodes[local]!) && nodes[local]!.inside + nodes[local]!.outside.length === 0,
    ),
    outward: compiled.filter((node) => node.outside.length > 0),
    size: nodes.filter(isWork).length,
    entriesLeast: entriesOf(graph, index),
    holdsUndo: holdsUndo[index]!,
    undoLevels: holdsUndo[index]! ? (undoLevels(nodes, holdsUndo) as readonly (readonly CompiledNode[])[]) : [],
  };
}

/** By the scope's index. */
function scopesThatHoldUndo({ scopes, nodes }: Graph, drafts: readonly Draft[]): readonly boolean[] {
  const holds: boolean[] = scopes.map(() => false);
  for (const { hasUndo, scope } of drafts) {
    if (!hasUndo) continue;
    for (let at = scope; !holds[at]; at = nodes[scopes[at]!.owner]!.scope) {
      holds[at] = true;
      if (scopes[at]!.owner < 0) break;
    }
  }
  return holds;
}

/** Sorts a scope's nodes by the longest way to them; whatever is used inside of a construct stands before it. */
function undoLevels(nodes: readonly Draft[], holdsUndo: readonly boolean[]): Draft[][] {
  const next = nodes.map((node) => [...new Set(node.dependents.map(({ via, node: user }) => (via[0] ?? user).local))]);
  const waits = nodes.map(() => 0);
  const level = nodes.map(() => 0);
  for (const users of next) for (const user of users) waits[user]!++;
  const ready = nodes.filter(({ local }) => waits[local] === 0);
  const levels: Draft[][] = [];
  for (const node of ready) {
    const at = level[node.local]!;
    const { node: drawn } = node;
    const holds = drawn.kind !== "output" && scopesOf(drawn).some((scope) => holdsUndo[scope]);
    if (node.hasUndo || holds) (levels[at] ??= []).push(node);
    for (const user of next[node.local]!) {
      level[user] = Math.max(level[user]!, at + 1);
      if (--waits[user]! === 0) ready.push(nodes[user]!);
    }
  }
  return levels.filter((one) => one !== undefined);
}

function entriesOf(graph: Graph, scope: number): number {
  let entries = 0;
  for (const index of graph.scopes[scope]!.nodes) {
    const node = graph.nodes[index]!;
    if (node.kind === "attempt" || node.kind === "repeat") entries += entriesOf(graph, node.body);
    // An each may have no items; an arm that is not taken leaves nothing.
    else if (node.kind !== "input" && node.kind !== "item" && node.kind !== "each") entries++;
  }
  return entries;
}

/** The arm of this name that a node may open, if it has one. */
export function armNamed(compiled: CompiledGraph, { node }: CompiledNode, name: string): CompiledScope | undefined {
  if (node.kind !== "match") return undefined;
  const scope = scopesOf(node).find((index) => compiled.scopes[index]!.name === name);
  return scope === undefined ? undefined : compiled.scopes[scope];
}

/** The scopes around a node, from the workflow's own inwards, each with the node that opens it. */
export function ownersAround(compiled: CompiledGraph, node: CompiledNode): CompiledNode[] {
  const owners: CompiledNode[] = [];
  for (let scope = node.scope; scope !== 0; scope = owners[0]!.scope) {
    owners.unshift(compiled.nodes[compiled.scopes[scope]!.owner]!);
  }
  return owners;
}
