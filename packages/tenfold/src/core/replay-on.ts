/**
 * Whether a run's journal fits another graph than the one it was written on: it is read on both, side by side.
 * Invariants: it fits if each entry does on the new graph what it did on the old one, to the same node; so no recorded
 * result is dropped, moved to another node, or counted where nothing waited for it. What began anew after a retry did so on
 * both, or bodies would have other keys; and a child keeps its name. What is computed from results (an expression, what flows
 * out of an arm) is computed anew, and is no part of the journal.
 */
import { armNamed, type CompiledGraph, type CompiledNode } from "./compile.ts";
import { decisionProblem, openRequest } from "./constructs/approval.ts";
import { isCalled, openCalled } from "./constructs/call.ts";
import { openScriptCalls } from "./constructs/script.ts";
import { openDoubt } from "./constructs/undertaking.ts";
import type { Entry, Misfit } from "./entry.ts";
import { idOfPath, pathOf, placeAt } from "./path.ts";
import { begin, isGivenUp, reduce, type Begun } from "./reduce.ts";
import { ASLEEP, bornOf, DONE, RETRYING, visitFrames, type Born, type Place, type RunState } from "./state.ts";

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
    beingUndone(before, after) ??
    begunAnew(before, after, entries) ??
    straySignal(before, after) ??
    failureOf(before, after) ??
    lostChild(before, after);
  return problem === undefined
    ? { kind: "fits", state: after }
    : { kind: "misfit", misfit: { entry: null, ...problem } };
}

type Problem = Omit<Misfit, "entry">;

/** Why an entry does not do in `after` what it does in `before`. */
function misfitOf(before: RunState, after: RunState, entry: Entry): Problem | undefined {
  if (!("node" in entry)) return undefined;
  const { node } = entry;
  const is = placeAt(after, node);
  const did = effectIn(before, placeAt(before, node), entry);
  const does = effectIn(after, is, entry);
  if (did === null && does === null) return undefined;
  // A node that has changed its nature is told as such, whatever it waits for.
  const reason = natureMisfit(before, after, node);
  if (reason !== undefined) return { node, reason };
  if (entry.kind === "chose" && is !== undefined && !hasArm(after, is, entry.arm))
    return { node, reason: `the new graph has no arm "${entry.arm}" there` };
  if (did === does) return undefined;
  if (does === NEEDED) return { node, reason: "it was given up, and is needed in the new graph" };
  const then =
    did === null ? "came to nothing when it was recorded, and would count now" : `is recorded, ${whyNot(is)}`;
  return { node, reason: `what the entry "${entry.kind}" says ${then}` };
}

function whyNot(place: Place | undefined): string {
  return place === undefined || place.frame.waits[place.node.local]! > 0
    ? "and the new graph had not begun the node by then"
    : "and in the new graph the node waited for something else, or was over";
}

type NodeEntry = Extract<Entry, { readonly node: string }>;

/** What was given up is waited for, and nobody would hear of it any more. */
const NEEDED = "is needed";

/** What an entry that names a node does: null, nothing. What is undone may stand in what is closed. */
function effectIn(state: RunState, place: Place | undefined, entry: NodeEntry): string | null {
  if (entry.kind === "undone" || entry.kind === "undo-failed")
    return state.undos?.has(entry.node) === true ? "takes back what it did" : null;
  if (place === undefined) return null;
  if (entry.kind === "abandoned" && openness(place) !== null) return isGivenUp(state, place) ? "gives it up" : NEEDED;
  return effectAt(place, entry);
}

function effectAt(place: Place, entry: Exclude<NodeEntry, { kind: "undone" | "undo-failed" }>): string | null {
  switch (entry.kind) {
    case "decided": {
      const request = openRequest(place);
      return request !== undefined && decisionProblem(request, entry) === undefined ? "decides" : null;
    }
    case "called":
    case "returned":
      return openCalled(place)?.attempt === entry.attempt ? "is its child's" : null;
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

/** A node that is open, or of which something is recorded, and that began anew in one of the graphs only. */
function begunAnew(before: RunState, after: RunState, recorded: readonly Entry[]): Problem | undefined {
  if (before.resets === 0) return undefined;
  const nodes = new Set<string>();
  for (const entry of recorded) if ("node" in entry) nodes.add(entry.node);
  visitFrames(before.root, (frame) => {
    for (const node of frame.scope.nodes)
      if (openness({ frame, node }) !== null) nodes.add(pathOf(before.compiled, frame, node));
  });
  for (const node of nodes) {
    const [was, is] = bornBoth(before, after, node);
    if (was.generation === is.generation && was.key === is.key) continue;
    const isOnlyHere = was.generation > is.generation || was.key > is.key;
    const reason = isOnlyHere ? "it has begun anew, and would not have in the new graph" : "it would have begun anew in the new graph"; // prettier-ignore
    return { node, reason };
  }
  return undefined;
}

/** Which time it is that a node runs, in either; of the nearest around it that is there in both, where what it stands in is closed. */
function bornBoth(before: RunState, after: RunState, path: string): readonly [Born, Born] {
  const [was, is] = [placeAt(before, path), placeAt(after, path)];
  if (was !== undefined && is !== undefined)
    return [bornOf(was.frame, was.node.local), bornOf(is.frame, is.node.local)];
  const end = path.lastIndexOf("/");
  return end < 0 ? [before.root.born, after.root.born] : bornBoth(before, after, path.slice(0, end));
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
  return { node: failure.node, reason: `the run would have failed there in the new graph, with ${failure.code}` };
}

/** A child that is there, or may be, and that nobody would wait for; or that would be another one, by its name. */
function lostChild(before: RunState, after: RunState): Problem | undefined {
  let lost: Problem | undefined;
  visitFrames(before.root, (frame) => {
    for (const node of frame.scope.nodes) {
      const child = frame.children?.get(node.local);
      if (lost !== undefined || child === undefined || !isCalled(child) || frame.waits[node.local] === DONE) continue;
      const path = pathOf(before.compiled, frame, node);
      const reason = natureMisfit(before, after, path) ?? strayedChild(after, { frame, node }, path);
      const stands = openCalled({ frame, node }) === undefined ? "its child has failed" : "it waits for its child";
      if (reason !== undefined) lost = { node: path, reason: `${stands}, and ${reason}` };
    }
  });
  return lost;
}

function strayedChild(after: RunState, was: Place, path: string): string | undefined {
  const called = openCalled(was);
  const is = placeAt(after, path);
  if (called !== undefined && (is === undefined || openCalled(is)?.attempt !== called.attempt))
    return "the new graph does not call there now";
  // A child is named by when its call became ready.
  const isSame = is?.frame.readyAt[is.node.local] === was.frame.readyAt[was.node.local];
  return is === undefined || isSame ? undefined : "in the new graph it would be another one";
}
