/**
 * A graph whose runs carry no values: who waits for whom stays, and what only a value decides is asked for and drawn.
 * Invariants: a node has the index that it had; each waits for what it waited for; nothing that core evaluates in it can fail.
 */
import { compileGraph, type CompiledGraph, type Dependent } from "../../core/compile.ts";
import { visitRefs, type Graph, type GraphNode, type GraphScope, type Template } from "../../flow/graph.ts";

/** What a node that was added is to answer. */
export interface Asked {
  readonly kind: "items" | "last" | "moment";
  /** The node that goes by it. */
  readonly of: number;
}

export interface UnvaluedGraph {
  readonly compiled: CompiledGraph;
  /** By the index of the node that was added. */
  readonly asked: ReadonlyMap<number, Asked>;
}

/** What is asked is asked where the node that goes by it would have begun, so that all happens in the same order. */
export function compileUnvalued(graph: Graph): UnvaluedGraph {
  const { graph: drawn, asked } = unvalued(graph);
  const compiled = compileGraph(drawn);
  const standsAt = ({ node }: Dependent): number => asked.get(node.index)?.of ?? node.index;
  for (const { dependents } of compiled.nodes) (dependents as Dependent[]).sort((a, b) => standsAt(a) - standsAt(b));
  return { compiled, asked };
}

function unvalued(graph: Graph): { readonly graph: Graph; readonly asked: ReadonlyMap<number, Asked> } {
  const drawing: Drawing = { nodes: [], added: [], asked: new Map(), count: graph.nodes.length, last: new Map() };
  for (const [index, node] of graph.nodes.entries()) drawing.nodes.push(unvaluedNode(drawing, graph, index, node));
  const scopes = graph.scopes.map((scope, index): GraphScope => {
    const added = drawing.added.filter((node) => node.scope === index).map((node) => indexOf(drawing, node));
    const beside = (of: number): readonly number[] => added.filter((each) => drawing.asked.get(each)!.of === of);
    const nodes = scope.nodes.flatMap((node) => [...beside(node), node]);
    const behind = added.filter((each) => !nodes.includes(each));
    return { ...scope, nodes: [...nodes, ...behind], output: drawing.last.get(index) ?? loosened(scope.output) };
  });
  return { graph: { ...graph, nodes: [...drawing.nodes, ...drawing.added], scopes }, asked: drawing.asked };
}

interface Drawing {
  readonly nodes: GraphNode[];
  readonly added: GraphNode[];
  readonly asked: Map<number, Asked>;
  /** How many nodes the graph had. */
  readonly count: number;
  /** The outputs of rounds, by their scopes. */
  readonly last: Map<number, Template>;
}

function indexOf({ added, count }: Drawing, node: GraphNode): number {
  return count + added.indexOf(node);
}

function unvaluedNode(drawing: Drawing, graph: Graph, index: number, node: GraphNode): GraphNode {
  switch (node.kind) {
    case "step":
    case "call":
      return { ...node, input: loosened(node.input) };
    case "script": {
      const { id, scope, after, script, input } = node;
      return { kind: "step", id, scope, after, step: script, input: loosened(input) };
    }
    case "each":
      return {
        ...node,
        items: ask(drawing, { kind: "items", of: index }, node, node.items, node.after),
        ...(node.enough && { enough: { ...node.enough, count: loosened(node.enough.count) } }),
      };
    case "repeat": {
      const { output } = graph.scopes[node.body]!;
      const [state, isLast] = output.kind === "array" ? output.items : [output, NOTHING];
      const asked = ask(
        drawing,
        { kind: "last", of: index },
        { id: `${node.id}/until`, scope: node.body },
        isLast!,
        [],
      );
      drawing.last.set(node.body, { kind: "array", items: [loosened(state!), asked] });
      return { ...node, initial: loosened(node.initial) };
    }
    case "sleep": {
      if (!("at" in node.until)) return node;
      return { ...node, until: { at: ask(drawing, { kind: "moment", of: index }, node, node.until.at, node.after) } };
    }
    case "wait":
      return { ...node, for: null, after: [...node.after, ...refsOf(node.for)] };
    case "approval": {
      const { ask: shown, by, not, escalate } = node;
      const after = [...node.after, ...refsOf(shown), ...refsOf(by), ...refsOf(not), ...refsOf(escalate?.to ?? null)];
      return { ...node, after, ask: NOTHING, by: null, not: null, escalate: escalate && { ...escalate, to: NOBODY } };
    }
    default:
      return node;
  }
}

const NOTHING: Template = { kind: "constant", value: null };
const NOBODY: Template = { kind: "constant", value: [] };

/** A node that is done at once, when what `given` refers to is there; answers what refers to it. */
function ask(
  drawing: Drawing,
  asked: Asked,
  { id, scope }: Pick<GraphNode, "id" | "scope">,
  given: Template,
  after: readonly number[],
): Template {
  const index = drawing.count + drawing.added.length;
  drawing.added.push({
    ...{ kind: "derive", id: `${id}?`, scope, after, inputs: [loosened(given)], source: "" },
  });
  drawing.asked.set(index, asked);
  return { kind: "ref", node: index, path: [] };
}

/** What refers to the same nodes, and can always be computed. */
function loosened(template: Template): Template {
  switch (template.kind) {
    case "constant":
      return template;
    case "ref":
      return { ...template, path: [] };
    case "array":
      return { kind: "array", items: template.items.map(loosened) };
    case "object":
      return { kind: "object", entries: template.entries.map(([key, item]) => [key, loosened(item)]) };
    case "expression":
      return { kind: "array", items: template.operands.map(loosened) };
  }
}

function refsOf(template: Template | null): readonly number[] {
  const found = new Set<number>();
  if (template !== null) visitRefs(template, (node) => void found.add(node));
  return [...found];
}
