/** Which nodes of a run a name stands for, where the run is to go on from there; and why it cannot be. */
import { nearestName } from "../value/nearest.ts";
import type { ErrorCode } from "../value/error.ts";
import { ownersAround, type CompiledNode } from "./compile.ts";
import { framesBelow } from "./marks.ts";
import { idOfPath, pathOf } from "./path.ts";
import { isSpread } from "./opened.ts";
import { UNDO_FAILED, type Frame, type Place, type RunState } from "./state.ts";
import { placesThat } from "./reset.ts";

export interface RetryFrom {
  readonly places: readonly Place[];
  /** Why the run cannot go on from there: then there are no places. */
  readonly problem: { readonly code: ErrorCode; readonly message: string } | null;
}

/** The nodes that `from`, the id or path of a node, names in a run. */
export function placesFrom(state: RunState, from: string): RetryFrom {
  const { compiled } = state;
  const index = compiled.indexOf.get(idOfPath(from));
  const node = index === undefined ? undefined : compiled.nodes[index];
  if (node === undefined) {
    const script = compiled.nodes[compiled.indexOf.get(ownerOf(idOfPath(from))) ?? -1];
    if (script?.node.kind === "script")
      return refuse("RETRY_REFUSED", `"${from}" is a call of the script "${script.node.id}"`, `Retry it from "${script.node.id}": its function is called anew.`); // prettier-ignore
    const nearest = nearestName(from, compiled.indexOf.keys());
    const way = nearest === undefined ? "`tenfold graph` shows its nodes." : `Did you mean "${nearest}"?`;
    return refuse("NODE_UNKNOWN", `there is no node "${from}" in ${compiled.graph.workflow}`, way);
  }
  if (node.node.kind === "input" || node.node.kind === "item")
    return refuse("NODE_UNKNOWN", `"${from}" is given and not worked on`, "Name the first node that uses it.");
  if ((state.undos?.size ?? 0) > 0 || placesThat(state, isStuck).length > 0)
    return refuse("RETRY_REFUSED", "it is not undone yet", "Retry it without `from`: then that is done first.");
  const shown = ownersAround(compiled, node).find((owner) => owner.node.kind === "approval");
  if (shown !== undefined)
    return refuse("RETRY_REFUSED", `"${from}" only shows what "${shown.node.id}" asks`, `Retry it from "${shown.node.id}" to have it asked anew.`); // prettier-ignore
  const found: Place[] = [];
  const forgotten = find(state.root, [...ownersAround(compiled, node), node], found);
  const isNamed = (place: Place): boolean => idOfPath(from) === from || pathOf(compiled, place.frame, node) === from;
  const places = found.filter(isNamed);
  if (places.length > 0 && (forgotten === undefined || from !== idOfPath(from))) return { places, problem: null };
  if (forgotten !== undefined) {
    const path = pathOf(compiled, forgotten.frame, forgotten.node);
    const what = forgotten.node.node.kind === "repeat" ? "rounds" : "items";
    return refuse("RETRY_REFUSED", `${what} of "${path}" are finished, and what was in them is not kept`, `Retry it from "${path}": all of them are done once more.`); // prettier-ignore
  }
  const caught = caughtAround(state, node);
  if (caught !== undefined)
    return refuse("RETRY_REFUSED", `the body of "${caught}" has failed, and what was in it is not kept`, `Retry it from "${caught}": all of it is done once more.`); // prettier-ignore
  return refuse("RETRY_REFUSED", `it never came to "${from}"`, "Retry it without `from`: it goes on from where it stopped."); // prettier-ignore
}

/** The path of an attempt that has gone on to its handler, and had the node in its body. */
function caughtAround({ compiled, root }: RunState, node: CompiledNode): string | undefined {
  const route = [...ownersAround(compiled, node), node];
  for (const [depth, { node: owner }] of route.entries()) {
    if (owner.kind !== "attempt" || route[depth + 1]?.scope !== owner.body) continue;
    const begun: Place[] = [];
    find(root, route.slice(0, depth + 1), begun);
    for (const { frame, node: attempt } of begun) {
      const child = frame.children?.get(attempt.local);
      if (child !== undefined && "scope" in child && child.scope.index !== owner.body)
        return pathOf(compiled, frame, attempt);
    }
  }
  return undefined;
}

/** The id of the node around one. */
function ownerOf(id: string): string {
  return id.slice(0, Math.max(0, id.lastIndexOf("/")));
}

function refuse(code: ErrorCode, happened: string, way: string): RetryFrom {
  return { places: [], problem: { code, message: `${happened}; nothing was changed. ${way}` } };
}

function isStuck(frame: Frame, node: CompiledNode): boolean {
  return frame.waits[node.local] === UNDO_FAILED;
}

/** Finds the last node of `route` in all frames that are there; answers a construct on the way of which some are not. */
function find(frame: Frame, [next, ...route]: readonly CompiledNode[], found: Place[]): Place | undefined {
  if (next === undefined || frame.scope.index !== next.scope) return undefined;
  if (route.length === 0) {
    found.push({ frame, node: next });
    return undefined;
  }
  let forgotten: Place | undefined;
  const child = frame.children?.get(next.local);
  const below = framesBelow(frame, next.local);
  if (child !== undefined && !("scope" in child)) {
    const begun = isSpread(child) ? child.next : child.frames.length;
    if (below.length < begun) forgotten = { frame, node: next };
  }
  for (const inner of below) forgotten = find(inner, route, found) ?? forgotten;
  return forgotten;
}
