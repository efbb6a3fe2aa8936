/**
 * How long the JSON of a value is at least (characters), as far as that shows in the graph: what is written down in it, as
 * often as lists that are written down repeat it. Invariant: no run makes it shorter; what only a run knows counts as nothing.
 */
import { scopesOf, type Graph, type GraphNode, type Template } from "../../flow/graph.ts";
import { itemsKnown } from "./calls-per-run.ts";

export function leastSize(graph: Graph, template: Template): number {
  return sizeOf({ graph, known: new Map() }, template);
}

interface Measuring {
  readonly graph: Graph;
  /** By the node's index: a value that is used twice is measured once. */
  readonly known: Map<number, number>;
}

function sizeOf(measuring: Measuring, template: Template): number {
  switch (template.kind) {
    case "constant":
      return template.value === undefined ? 0 : JSON.stringify(template.value).length;
    case "array":
      return listSize(template.items.map((item) => sizeOf(measuring, item)));
    case "object":
      return listSize(
        template.entries.map(([key, item]) => {
          const size = sizeOf(measuring, item);
          // A value that is undefined leaves no name behind.
          return size === 0 ? 0 : JSON.stringify(key).length + 1 + size;
        }),
      );
    case "ref":
      return template.path.length > 0 ? 0 : nodeSize(measuring, template.node);
    case "expression":
      return "true".length;
  }
}

/** Of what stands between brackets, with a comma after each but the last; members of size 0 may be missing. */
function listSize(sizes: readonly number[]): number {
  const there = sizes.filter((size) => size > 0);
  return there.reduce((total, size) => total + size, 2) + Math.max(0, there.length - 1);
}

function nodeSize(measuring: Measuring, index: number): number {
  const known = measuring.known.get(index);
  if (known !== undefined) return known;
  const size = outputSize(measuring, measuring.graph.nodes[index]!);
  measuring.known.set(index, size);
  return size;
}

function outputSize(measuring: Measuring, node: GraphNode): number {
  const inside = (scope: number): number => sizeOf(measuring, measuring.graph.scopes[scope]!.output);
  switch (node.kind) {
    case "each": {
      const items = itemsKnown(node.items);
      if (items === null || node.enough !== undefined || node.onError !== "fail") return 0;
      return listSize(Array.from<number>({ length: items }).fill(Math.max(1, inside(node.body))));
    }
    case "match":
      // A `when` without the other arm may put out nothing.
      return node.form === "when" && node.otherwise === null ? 0 : Math.min(...scopesOf(node).map(inside));
    case "attempt":
      return Math.min(inside(node.body), inside(node.handler));
    default:
      return 0;
  }
}
