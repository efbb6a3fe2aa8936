/** Edits of a graph as data, as a person's change of a workflow would come to; each leaves a sound graph. */
import { checkGraph } from "../../src/flow/check-graph.ts";
import { visitRefs, templatesOf, type Graph, type GraphNode, type Template } from "../../src/flow/graph.ts";
import { TenfoldError } from "../../src/value/error.ts";
import type { Random } from "../../src/value/random.ts";

/** Copies the graph, has `change` change the copy, and checks that it is one. */
function edited(graph: Graph, change: (copy: any) => void): Graph {
  const copy = structuredClone(graph) as unknown;
  change(copy);
  return checkGraph(copy);
}

/** One more step, behind all that its scope has, that uses `use` or nothing. */
export function withStep(graph: Graph, scope: number, name: string, use: number | null): Graph {
  const { owner, name: own } = graph.scopes[scope]!;
  const prefix = owner < 0 ? "" : `${graph.nodes[owner]!.id}/${own === "" ? "" : `${own}/`}`;
  const input: Template = use === null ? { kind: "constant", value: 1 } : { kind: "ref", node: use, path: [] };
  return edited(graph, (copy) => {
    copy.scopes[scope].nodes.push(copy.nodes.length);
    copy.nodes.push({ kind: "step", id: `${prefix}${name}`, scope, after: [], step: "north", input });
  });
}

/** Another name for a node, and so for what stands in it. */
export function renamed(graph: Graph, index: number): Graph {
  const { id } = graph.nodes[index]!;
  return edited(graph, (copy) => {
    for (const node of copy.nodes) {
      if (node.id === id || node.id.startsWith(`${id}/`)) node.id = `${id}-anew${node.id.slice(id.length)}`;
    }
  });
}

/** A when that is drawn first: the numbers of all scopes that were drawn are others. */
export function withWhenFirst(graph: Graph): Graph {
  return edited(graph, (copy) => {
    const shift = (value: unknown): void => {
      if (typeof value !== "object" || value === null) return;
      for (const [name, inner] of Object.entries(value as Record<string, unknown>)) {
        const isScope = ["scope", "body", "handler", "otherwise", "show"].includes(name) && typeof inner === "number";
        if (isScope && inner >= 1) (value as Record<string, unknown>)[name] = inner + 1;
        else shift(inner);
      }
    };
    shift(copy.nodes);
    const at = copy.nodes.length;
    const on = { kind: "constant", value: true };
    const arms = [{ labels: ["true"], scope: 1 }];
    copy.nodes.push({ kind: "match", id: "when-first", scope: 0, after: [], form: "when", on, arms, otherwise: null });
    const id = "when-first/then/in-first";
    copy.nodes.push({ kind: "step", id, scope: 1, after: [], step: "north", input: { kind: "constant", value: 1 } });
    copy.scopes[0].nodes.push(at);
    const output = { kind: "ref", node: at + 1, path: [] };
    copy.scopes.splice(1, 0, { owner: at, name: "then", nodes: [at + 1], output });
  });
}

/** Another name for an arm of a match, and so for what stands in it. */
export function withArmRenamed(graph: Graph, scope: number): Graph {
  const { owner, name } = graph.scopes[scope]!;
  const prefix = `${graph.nodes[owner]!.id}/${name}/`;
  return edited(graph, (copy) => {
    copy.scopes[scope].name = `${name}-anew`;
    for (const node of copy.nodes) {
      if (node.id.startsWith(prefix)) node.id = `${prefix.slice(0, -1)}-anew/${node.id.slice(prefix.length)}`;
    }
  });
}

export function withOtherStep(graph: Graph, index: number): Graph {
  return edited(graph, (copy) => (copy.nodes[index].step = "another"));
}

/** A node waits for one more, which stands earlier in its scope. */
export function withAfter(graph: Graph, index: number, first: number): Graph {
  return edited(graph, (copy) => copy.nodes[index].after.push(first));
}

/** A step uses nothing any more. */
export function withoutInput(graph: Graph, index: number): Graph {
  return edited(graph, (copy) => {
    copy.nodes[index].after = [];
    copy.nodes[index].input = { kind: "constant", value: 1 };
  });
}

/** Arms in another order. */
function withArmsTurned(graph: Graph, index: number): Graph {
  return edited(graph, (copy) => copy.nodes[index].arms.reverse());
}

/** What a construct is set to, or a step with an undo, otherwise. */
function withOtherOptions(graph: Graph, index: number, random: Random): Graph {
  return edited(graph, (copy) => {
    const node = copy.nodes[index];
    const below = (limit: number) => Math.floor(random() * limit);
    const constant = (value: number) => ({ kind: "constant", value });
    const change: Record<string, () => void> = {
      step: () => (node.undo === true ? delete node.undo : (node.undo = true)),
      each: () => {
        const which = below(4);
        if (which === 0) node.concurrency = node.concurrency === null ? 1 + below(2) : null;
        else if (which === 1) node.failAbove = { count: below(3) };
        else if (which === 2 && node.enough !== undefined && random() < 0.5) delete node.enough;
        else if (which === 2) node.enough = { count: constant(1 + below(2)), rest: random() < 0.5 ? "stop" : "finish" };
        else node.onError = node.onError === "fail" ? "collect" : "fail";
      },
      repeat: () => void (node.max = 1 + below(4)),
      attempt: () => (node.undo === false ? delete node.undo : (node.undo = false)),
      wait: () => void (node.signal = node.signal === "paid" ? "shipped" : "paid"),
      call: () => void (node.workflow = `${node.workflow}-anew`),
      approval: () => void (node.atLeast = 1 + below(2)),
      sleep: () => void (node.until = { forMs: below(2000) }),
      derive: () => void (node.source = "another"),
    };
    change[node.kind]?.();
  });
}

/** One edit of any kind; none, where it would come to no graph: a name that is taken, nodes that wait for each other. */
export function randomEdit(graph: Graph, random: Random): Graph {
  try {
    return anyEdit(graph, random);
  } catch (thrown) {
    if (thrown instanceof TenfoldError) return graph;
    throw thrown;
  }
}

function anyEdit(graph: Graph, random: Random): Graph {
  const pick = <T>(items: readonly T[]): T | undefined => items[Math.floor(random() * items.length)];
  const nodes = graph.nodes.map((node, index) => ({ node, index }));
  const work = nodes.filter(({ node }) => node.kind !== "input" && node.kind !== "item");
  const steps = work.filter(({ node }) => node.kind === "step");
  const any = pick(work);
  const turned = pick(nodes.filter(({ node }) => node.kind === "match" && node.arms.length > 1));
  if (any !== undefined && random() < 0.3) return withOtherOptions(graph, any.index, random);
  if (turned !== undefined && random() < 0.05) return withArmsTurned(graph, turned.index);
  const chance = random();
  const step = pick(steps);
  if (chance < 0.15 || any === undefined) return withWhenFirst(graph);
  if (chance < 0.35) return withStep(graph, Math.floor(random() * graph.scopes.length), "added", null);
  if (chance < 0.5) return renamed(graph, any.index);
  const arms = graph.scopes.flatMap(({ owner }, index) => (graph.nodes[owner]?.kind === "match" ? [index] : []));
  const arm = pick(arms);
  if (chance < 0.57 && arm !== undefined) return withArmRenamed(graph, arm);
  if (chance < 0.65 && step !== undefined) return withOtherStep(graph, step.index);
  if (chance < 0.75 && step !== undefined) return withoutInput(graph, step.index);
  const earlier = work.filter(({ node, index }) => {
    return node.scope === any.node.scope && index < any.index && !usesOf(any.node).has(index);
  });
  const first = pick(earlier);
  return first === undefined
    ? withStep(graph, 0, "added", any.node.scope === 0 ? any.index : null)
    : withAfter(graph, any.index, first.index);
}

function usesOf(node: GraphNode): ReadonlySet<number> {
  const uses = new Set<number>("after" in node ? node.after : []);
  for (const template of templatesOf(node)) visitRefs(template, (index) => uses.add(index));
  return uses;
}
