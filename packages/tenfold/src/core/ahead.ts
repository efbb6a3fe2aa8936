/**
 * What a run may still come to: the nodes whose code it may need, from where it stands on.
 * Invariant: a node that can still be begun, now or after a retry, or undone, is among them; those of an arm that was not
 * taken are not. What the function of a script calls stands in no graph.
 */
import { scopesOf } from "../flow/graph.ts";
import { isScriptCall } from "./constructs/script.ts";
import type { CompiledGraph, CompiledNode } from "./compile.ts";
import { visitAllFrames } from "./marks.ts";
import { framesOf, isRequest, isSpread } from "./opened.ts";
import { DONE, visitFrames, type Frame, type RunState } from "./state.ts";

/** The indexes of the nodes of its graph that a run may still begin, or has open. */
export function nodesAhead(state: RunState): ReadonlySet<number> {
  const ahead = new Set<number>();
  visitFrames(state.root, (frame) => {
    for (const node of frame.scope.nodes) {
      const waits = frame.waits[node.local]!;
      if (waits === DONE || node.node.kind === "output" || isScriptCall(node)) continue;
      ahead.add(node.index);
      for (const scope of scopesLeft(frame, node)) addScope(state.compiled, scope, ahead);
    }
  });
  if (!state.root.scope.holdsUndo) return ahead;
  visitAllFrames(state.root, (frame) => {
    for (const node of frame.scope.nodes) if (node.hasUndo && frame.waits[node.local] === DONE) ahead.add(node.index);
  });
  return ahead;
}

/** The scopes of a node that may still be opened, once more or for the first time. */
function scopesLeft(frame: Frame, { local, node }: CompiledNode): readonly number[] {
  if (node.kind === "output") return [];
  const child = frame.children?.get(local);
  if (child === undefined) return scopesOf(node);
  switch (node.kind) {
    case "each":
      return isSpread(child) && (child.next < child.items.length || child.failed.length > 0) ? [node.body] : [];
    case "repeat":
      return [node.body];
    case "attempt":
      return framesOf(child).some((inner) => inner?.scope.index === node.body) ? [node.handler] : [];
    case "approval":
      return isRequest(child) && child.outcome === undefined ? scopesOf(node) : [];
    default:
      return [];
  }
}

function addScope(compiled: CompiledGraph, scope: number, ahead: Set<number>): void {
  for (const node of compiled.scopes[scope]!.nodes) {
    if (node.node.kind === "output") continue;
    if (node.node.kind !== "item") ahead.add(node.index);
    for (const inner of scopesOf(node.node)) addScope(compiled, inner, ahead);
  }
}
