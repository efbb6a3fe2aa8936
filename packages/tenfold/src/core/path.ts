/** Node paths: a node's id with the index of the item after each `each` around it (or of a script's call), both ways. */
import { invariant } from "../value/error.ts";
import { ownersAround, type CompiledGraph, type CompiledNode } from "./compile.ts";
import { framesOf } from "./opened.ts";
import type { Frame, Place, RunState } from "./state.ts";

/** The path of `node` in `frame`, as the journal names it. */
export function pathOf(compiled: CompiledGraph, frame: Frame, node: CompiledNode): string {
  if (frame.parent === null) return node.node.id;
  const owner = compiled.nodes[frame.scope.owner]!;
  const item = frame.item < 0 ? "" : `[${frame.item}]`;
  return pathOf(compiled, frame.parent, owner) + item + node.node.id.slice(owner.node.id.length);
}

/** The id of the node that a path is of: "each-orders[3]/price" is of "each-orders/price". */
export function idOfPath(path: string): string {
  return path.replaceAll(/\[\d+\](?=\/|$)/g, "");
}

/** The node with this path, or `undefined` if the run has no such node (yet). */
export function placeAt(state: RunState, path: string): Place | undefined {
  const direct = state.compiled.indexOf.get(path);
  if (direct !== undefined) {
    const node = state.compiled.nodes[direct]!;
    if (node.scope === 0) return { frame: state.root, node };
  }
  return descend(state, path);
}

function descend(state: RunState, path: string): Place | undefined {
  const { compiled } = state;
  const index = compiled.indexOf.get(idOfPath(path));
  if (index === undefined) return callAt(state, path);
  const node = compiled.nodes[index]!;
  const items = [...path.matchAll(/\[(\d+)\](?=\/|$)/g)].map((found) => Number(found[1]));
  let frame: Frame = state.root;
  for (const owner of ownersAround(compiled, node)) {
    const child = frame.children?.get(owner.local);
    if (child === undefined) return undefined;
    const next = "scope" in child ? child : child.frames[items.shift() ?? -1];
    if (next === undefined || next === null) return undefined;
    frame = next;
  }
  return frame.scope.index === node.scope ? { frame, node } : undefined;
}

/** A script's call stands in no graph: its script is found, and its frame there. */
function callAt(state: RunState, path: string): Place | undefined {
  const [, script, number] = /^(.+)\[(\d+)\]\/[^/]+$/.exec(path) ?? [];
  const place = script === undefined ? undefined : placeAt(state, script);
  if (place?.node.node.kind !== "script") return undefined;
  const child = place.frame.children?.get(place.node.local);
  const frame = child === undefined ? undefined : framesOf(child)[Number(number)];
  if (frame === undefined || frame === null) return undefined;
  const node = frame.scope.nodes[0]!;
  return pathOf(state.compiled, frame, node) === path ? { frame, node } : undefined;
}

/** The node with this path; an entry that names another one is a broken journal. */
export function mustFind(state: RunState, path: string): Place {
  const place = placeAt(state, path);
  invariant(place !== undefined, `the journal's node ${path} is open in workflow ${state.compiled.graph.workflow}`);
  return place;
}
