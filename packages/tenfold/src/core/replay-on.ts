/**
 * Whether a run's journal fits another graph than the one it was written on: it is read on both, side by side.
 * Invariants: it fits if each entry does on the new graph what it did on the old one, to the same node; so no recorded
 * result is dropped, moved to another node, or counted where nothing waited for it. What is computed from results (an
 * expression, what flows out of an arm) is computed anew, and is no part of the journal.
 */
import { armNamed, type CompiledGraph, type CompiledNode } from "./compile.ts";
import { decisionProblem, openRequest } from "./constructs/approval.ts";
import { openCalled } from "./constructs/call.ts";
import { openScriptCalls } from "./constructs/script.ts";
import { openDoubt } from "./constructs/undertaking.ts";
import type { Entry, Misfit } from "./entry.ts";
import { idOfPath, pathOf, placeAt } from "./path.ts";
import { begin, reduce, type Begun } from "./reduce.ts";
import { ASLEEP, RETRYING, visitFrames, type Place, type RunState } from "./state.ts";

export type Replayed =
  { readonly kind: "fits"; readonly state: RunState } | { readonly kind: "misfit"; readonly misfit: Misfit };

/** The graphs that a journal is read on. */
export interface Graphs {
  readonly from: CompiledGraph;
  readonly to: CompiledGraph;
}

/** The state that `entries` come to on the graph `to`, or the first of them that does not fit it. */
export function replayOn({ from, to }: Graphs, begun: Begun, entries: readonly Entry[]): Replayed {
  const before = begin(from, begun, []);
  const after = begin(to, begun, []);
  for (const [index, entry] of entries.entries()) {
    const problem = misfitOf(before, after, entry);
    if (problem !== undefined) return { kind: "misfit", misfit: { entry: index, ...problem } };
    reduce(before, entry, []);
    reduce(after, entry, []);
    const node = entry.kind === "retried" ? (entry.from ?? "") : "";
    const reason = "other nodes would have begun anew in the new graph";
    if (before.resets !== after.resets) return { kind: "misfit", misfit: { entry: index, node, reason } };
  }
  const problem =
    beingUndone(before, after) ?? straySignal(before, after) ?? failureOf(before, after) ?? lostChild(before, after);
  return problem === undefined
    ? { kind: "fits", state: after }
    : { kind: "misfit", misfit: { entry: null, ...problem } };
}

type Problem = Omit<Misfit, "entry">;

/** Why an entry does not do in `after` what it does in `before`. */
function misfitOf(before: RunState, after: RunState, entry: Entry): Problem | undefined {
  if (!("node" in entry)) return undefined;
  const { node } = entry;
  const was = placeAt(before, node);
  const is = placeAt(after, node);
  const did = was === undefined ? null : effectAt(before, was, entry);
  const does = is === undefined ? null : effectAt(after, is, entry);
  if (did === null && does === null) return undefined;
  // A node that has changed its nature is told as such, whatever it waits for.
  const reason = natureMisfit(before, after, node);
  if (reason !== undefined) return did === null ? undefined : { node, reason };
  if (entry.kind === "chose" && is !== undefined && !hasArm(after, is, entry.arm))
    return { node, reason: `the new graph has no arm "${entry.arm}" there` };
  if (did === does) return undefined;
  const then =
    did === null ? "came to nothing when it was recorded, and would count now" : `is recorded, ${whyNot(is)}`;
  return { node, reason: `what the entry "${entry.kind}" says ${then}` };
}

function whyNot(place: Place | undefined): string {
  return place === undefined || place.frame.waits[place.node.local]! > 0
    ? "and the new graph had not begun the node by then"
    : "and in the new graph the node waited for something else, or was over";
}

/** What an entry that names a node does to it: null, nothing. */
function effectAt(state: RunState, place: Place, entry: Extract<Entry, { readonly node: string }>): string | null {
  switch (entry.kind) {
    case "decided": {
      const request = openRequest(place);
      return request !== undefined && decisionProblem(request, entry) === undefined ? "decides" : null;
    }
    case "called":
    case "returned":
      return openCalled(place)?.attempt === entry.attempt ? "is its child's" : null;
    case "undone":
    case "undo-failed":
      return state.undos?.has(entry.node) === true ? "takes back what it did" : null;
    case "asked":
      return openScriptCalls(place) === undefined ? null : "is the next call of its function";
    case "resolved":
      return openDoubt(place)?.attempt === entry.attempt ? "resolves" : null;
    case "reminded":
    case "escalated":
      return openRequest(place) === undefined ? null : "asks again";
    default:
      return openScriptCalls(place) === undefined ? openness(place) : "ends its function";
  }
}

/** What is being undone is undone on its graph. */
function beingUndone(...states: readonly RunState[]): Problem | undefined {
  for (const { undos } of states) {
    for (const node of undos?.keys() ?? []) return { node, reason: "it is being undone" };
  }
  return undefined;
}

/** How a node waits for its result: null, not at all. */
function openness({ frame, node }: Place): string | null {
  const waits = frame.waits[node.local];
  if (waits === 0) return "open";
  return waits === RETRYING ? "between attempts" : waits === ASLEEP ? "asleep" : null;
}

/** Why a node of the journal is not the same node in the new graph. */
function natureMisfit(before: RunState, after: RunState, path: string): string | undefined {
  const id = idOfPath(path);
  const [was, is] = [before, after].map(({ compiled }) => compiled.nodes[compiled.indexOf.get(id) ?? -1]);
  if (was === undefined) return undefined;
  if (is === undefined) return "the new graph has no such node";
  const [old, now] = [natureOf(was), natureOf(is)];
  return old === now ? undefined : `it was ${old}, and is ${now} in the new graph`;
}

/** What may not change of a node that something was recorded of. */
export function natureOf({ node }: Pick<CompiledNode, "node">): string {
  switch (node.kind) {
    case "step":
      return `the step ${node.step}`;
    case "call":
      return `a call of the workflow ${node.workflow}`;
    case "wait":
      return `a wait for the signal ${node.signal}`;
    case "each":
      return node.onError === "collect" ? "an each that collects" : "an each";
    default:
      return /^[aeiou]/.test(node.kind) ? `an ${node.kind}` : `a ${node.kind}`;
  }
}

function hasArm({ compiled }: RunState, { node }: Place, arm: string | null): boolean {
  return arm === null || armNamed(compiled, node, arm) !== undefined;
}

/** A signal that a node has received, and that the same node has not in the new graph. */
function straySignal(before: RunState, after: RunState): Problem | undefined {
  if (before.signals === null) return undefined;
  const nodes = new Map(after.signals?.received.map(({ message, node }) => [message, node]));
  for (const { node, message } of before.signals.received) {
    const other = nodes.get(message);
    if (other === node) continue;
    const goes = other === undefined ? "nobody has it" : `${other} has it`;
    const reason = natureMisfit(before, after, node) ?? `in the new graph ${goes}`;
    return { node, reason: `it has received a signal, and ${reason}` };
  }
  return undefined;
}

/** The run would have failed by what is recorded, and has not. */
function failureOf(before: RunState, after: RunState): Problem | undefined {
  const { failure } = after.root;
  if (failure === null || before.root.failure !== null) return undefined;
  return { node: failure.node, reason: `the run would have failed there in the new graph: ${failure.message}` };
}

/** A child that is there, or may be, and that nobody would wait for. */
function lostChild(before: RunState, after: RunState): Problem | undefined {
  let lost: Problem | undefined;
  visitFrames(before.root, (frame) => {
    for (const node of frame.scope.nodes) {
      const called = openCalled({ frame, node });
      if (called === undefined || lost !== undefined) continue;
      const path = pathOf(before.compiled, frame, node);
      const place = placeAt(after, path);
      const isSame = place !== undefined && openCalled(place)?.attempt === called.attempt;
      const reason =
        natureMisfit(before, after, path) ?? (isSame ? undefined : "the new graph does not call there now");
      if (reason !== undefined) lost = { node: path, reason: `it waits for its child, and ${reason}` };
    }
  });
  return lost;
}
