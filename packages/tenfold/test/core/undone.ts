/**
 * What can be said of undoing from the outside: effects that stand, and which node uses which, found in the graph by
 * plain recursion, which shares no code with core.
 */
import { scopesOf, templatesOf, visitRefs, type Graph, type GraphNode } from "../../src/flow/graph.ts";
import type { Entry } from "../../src/core/entry.ts";
import { placeAt } from "../../src/core/path.ts";
import { bornOf, type RunState } from "../../src/core/state.ts";

/** Effects of steps with an undo, as a run's journal tells of them. */
export class Effects {
  readonly #undoable: ReadonlySet<string>;
  readonly #uses: (user: string, used: string) => boolean;
  /** Paths of nodes whose effect stands. */
  readonly standing = new Set<string>();
  readonly violations: string[] = [];

  constructor(graph: Graph) {
    this.#undoable = new Set(graph.nodes.flatMap((node) => (node.kind === "step" && node.undo ? [node.id] : [])));
    this.#uses = usesIn(graph, "surely");
  }

  see(entry: Entry): void {
    if (!("node" in entry)) return;
    const { node, kind } = entry;
    if (kind === "done" && this.#undoable.has(idOf(node))) {
      if (this.standing.has(node)) this.violations.push(`${node} is done twice, and not undone between`);
      this.standing.add(node);
    }
    if (kind !== "undone") return;
    const users = [...this.standing].filter((user) => user !== node && this.#uses(user, node));
    if (users.length > 0) this.violations.push(`${node} is undone before ${users.join(", ")}, which used it`);
    this.standing.delete(node);
  }
}

export function idOf(path: string): string {
  return path.replaceAll(/\[\d+\](?=\/|$)/g, "");
}

/**
 * Whether the node at the first path uses what the one at the second answered, directly or through others: surely, or where
 * those arms were taken, and there were items, through which it does.
 */
export function usesIn(
  { nodes, scopes }: Graph,
  how: "surely" | "maybe" = "maybe",
): (user: string, used: string) => boolean {
  const known = new Map<number, ReadonlySet<number>>();
  const index = new Map(nodes.map((node, at) => [node.id, at]));
  const needsOf = (at: number): ReadonlySet<number> => {
    const found = known.get(at);
    if (found !== undefined) return found;
    const all = new Set<number>();
    known.set(at, all);
    const add = (needed: number): void => {
      for (const inside of [needed, ...insideOf(needed)]) {
        if (all.has(inside)) continue;
        all.add(inside);
        if (how === "surely" && inside !== needed) continue;
        for (const further of needsOf(inside)) all.add(further);
        if (how === "surely") continue;
        for (const scope of scopesOf(nodes[inside]!)) visitRefs(scopes[scope]!.output, add);
      }
    };
    // A construct with nothing in it that uses a node may still put it out.
    if (how === "maybe") for (const scope of scopesOf(nodes[at]!)) visitRefs(scopes[scope]!.output, add);
    for (let node: GraphNode | undefined = nodes[at]; node !== undefined; node = ownerOf(node)) {
      for (const template of templatesOf(node)) visitRefs(template, add);
      if ("after" in node) for (const before of node.after) add(before);
      const owner = ownerOf(node);
      // A handler comes after all of the body; of what failed there nobody knows what it had used before.
      if (owner?.kind !== "attempt" || node.scope !== owner.handler) continue;
      for (const one of scopes[owner.body]!.nodes) if (how === "surely") all.add(one); else add(one); // prettier-ignore
    }
    return all;
  };
  const ownerOf = (node: GraphNode): GraphNode | undefined => nodes[scopes[node.scope]!.owner];
  const insideOf = (at: number): number[] =>
    scopesOf(nodes[at]!).flatMap((scope) => scopes[scope]!.nodes.flatMap((inner) => [inner, ...insideOf(inner)]));
  return (user, used) => {
    const repeats = repeatOrder(nodes, index, user, used);
    if (repeats !== undefined) return repeats;
    return isNear(user, used) && needsOf(index.get(idOf(user))!).has(index.get(idOf(used))!);
  };
}

/** Of two nodes in different rounds of one loop the later one uses the earlier; undefined for all others. */
function repeatOrder(
  nodes: readonly GraphNode[],
  index: ReadonlyMap<string, number>,
  user: string,
  used: string,
): boolean | undefined {
  // prettier-ignore
  const [a, b] = [user.split("/"), used.split("/")];
  for (let at = 0; at < Math.min(a.length, b.length); at++) {
    if (a[at] === b[at]) continue;
    if (idOf(a[at]!) !== idOf(b[at]!)) return undefined;
    const owner = nodes[index.get(idOf(a.slice(0, at + 1).join("/")))!]!;
    if (owner.kind !== "repeat") return undefined;
    return roundOf(a[at]!) > roundOf(b[at]!);
  }
  return undefined;
}

function roundOf(part: string): number {
  return Number(/\[(\d+)\]$/.exec(part)?.[1]);
}

/** They stand in no two different items of one construct. */
function isNear(user: string, used: string): boolean {
  const [a, b] = [user.split("/"), used.split("/")];
  for (let at = 0; at < Math.min(a.length, b.length); at++) {
    if (a[at] === b[at]) continue;
    return idOf(a[at]!) !== idOf(b[at]!);
  }
  return true;
}

/** The constructs around a node, from the outermost inwards, by their ids. */
export function ownersOf(path: string): string[] {
  const parts = idOf(path).split("/");
  return parts.slice(0, -1).map((_, depth) => parts.slice(0, depth + 1).join("/"));
}

/** Which time it is that the node at this path stands there: 0 where it was never reset. */
export function generationAt(state: RunState, path: string): number {
  const place = placeAt(state, path);
  return place === undefined ? 0 : bornOf(place.frame, place.node.local).generation;
}
