/**
 * `script`: a function that whoever drives the run calls, and calls again after each loading; its calls are entries, each
 * with a frame of one node, so that a call is executed, retried, woken, signalled and given up as any node is.
 * Invariants: calls are numbered in the order in which they were made; what came of them is told in the order of the
 * journal; a call that has failed fails nothing but itself, until the function says so.
 */
import type { GraphNode, Template } from "../../flow/graph.ts";
import { invariant } from "../../value/error.ts";
import type { Json } from "../../value/json.ts";
import type { CompiledNode, CompiledScope } from "../compile.ts";
import type { Ask, AskedEntry, FailedEntry, RunError } from "../entry.ts";
import { valueOf } from "../output.ts";
import {
  bornOf,
  newFrame,
  OPENED,
  opened,
  type Child,
  type Frame,
  type Place,
  type RunState,
  type ScriptCalls,
} from "../state.ts";
import type { Command } from "../command.ts";
import { isDismissed } from "../dismissed.ts";
import type { Turn } from "../turn.ts";
import { abandonOpen, stopFrame } from "./call.ts";
import { failuresTakenBack, toldWithout } from "./script-failures.ts";

/** Has the function called; false where its input cannot be computed. */
export function openScript(turn: Turn, place: Place): boolean {
  if (!scriptInput(turn.state, place).ok) return false;
  opened(place, { calls: [], answers: [], harmless: [], frames: [], open: 0, end: null });
  const isAnew = bornOf(place.frame, place.node.local).generation > 0;
  turn.commands.push({ kind: "script", place, isAnew });
  return true;
}

/** What the function is given. */
export function scriptInput(state: RunState, { frame, node }: Place): ReturnType<typeof valueOf> {
  invariant(node.node.kind === "script", "only a script has a function of its own");
  return valueOf(state, frame, node.node.input, node.node.id);
}

/** Why the function could not be called. */
export function scriptProblem(state: RunState, place: Place): RunError {
  const input = scriptInput(state, place);
  invariant(!input.ok, "a script whose input is known is opened");
  return input.error;
}

export function isScript(child: Child): child is ScriptCalls {
  return "answers" in child;
}

/** The calls of a script whose function is to go on; undefined: it has ended, or is not needed. */
export function openScriptCalls({ frame, node }: Place): ScriptCalls | undefined {
  const child = frame.children?.get(node.local);
  if (child === undefined || !isScript(child) || frame.waits[node.local] !== OPENED) return undefined;
  return child.end === null && !isDismissed(frame) ? child : undefined;
}

/** A script whose function is in memory nowhere. */
export function callScript({ cancelled }: RunState, place: Place, commands: Command[]): void {
  if (cancelled === null && openScriptCalls(place) !== undefined)
    commands.push({ kind: "script", place, isAnew: false });
}

/** Whether this node is a call of a script; what the function has is then known to the function alone. */
export function isScriptCall({ index }: CompiledNode): boolean {
  return index === SYNTHETIC;
}

/** Whether nobody waits for what comes of this node: it is a call of a script whose function has failed. */
export function isForsaken(state: RunState, { frame, node }: Place): boolean {
  if (!isScriptCall(node)) return false;
  const script = state.compiled.nodes[frame.scope.owner]!;
  return frame.parent!.waits[script.local] !== OPENED;
}

/** The function has made its next call. */
export function asked(turn: Turn, place: Place | undefined, { call, heard, ask }: AskedEntry): void {
  const child = place && openScriptCalls(place);
  invariant(place !== undefined && child !== undefined, "only a script whose function goes on makes calls");
  invariant(child.calls.length === call, "the calls of a script are made one after the other");
  const inner = newFrame(scopeOf(place.node, ask), place.frame, call, true, undefined);
  child.calls.push({ ask, heard, result: null, failed: null });
  child.frames.push(inner);
  child.open++;
  turn.moves.enterFrame(turn, inner);
}

/** Neither a node nor a scope of the graph. */
const SYNTHETIC = -1;

/** A scope of one node, which needs nothing. */
function scopeOf(script: CompiledNode, ask: Ask): CompiledScope {
  const node: CompiledNode = {
    ...{ index: SYNTHETIC, local: 0, scope: SYNTHETIC },
    node: nodeOf(`${script.node.id}/${ask.name}`, ask),
    ...{ dependents: [], reachesBelow: false, outside: [], needs: [], hasUndo: false },
  };
  return {
    ...{
      index: SYNTHETIC,
      owner: script.index,
      name: ask.name,
      ownerLocal: script.local,
      output: { kind: "constant" },
      nodes: [node],
      first: [node],
      outward: [],
    },
    ...{ waits: [0], blank: [undefined], never: [NaN], size: 1, entriesLeast: 1, holdsUndo: false, undoLevels: [] },
  };
}

function nodeOf(id: string, ask: Ask): GraphNode {
  const base = { id, scope: SYNTHETIC, after: [] };
  switch (ask.kind) {
    case "step":
      return { ...base, kind: "step", step: ask.step, input: constant(ask.input) };
    case "call":
      return { ...base, kind: "call", workflow: ask.workflow, input: constant(ask.input) };
    case "sleep":
      return { ...base, kind: "sleep", until: "forMs" in ask ? { forMs: ask.forMs } : { at: constant(ask.at) } };
    case "wait": {
      const { signal, timeoutMs } = ask;
      const whom = ask.for === null ? null : constant(ask.for);
      return { ...base, kind: "wait", signal, for: whom, isChecked: false, timeoutMs, otherwise: null };
    }
  }
}

function constant(value: Json | undefined): Template {
  return value === undefined ? { kind: "constant" } : { kind: "constant", value };
}

/** A call has come to its end: the function is told, unless it has ended. */
export function leaveScriptCall(turn: Turn, inner: Frame): void {
  const frame = inner.parent!;
  const node = turn.state.compiled.nodes[inner.scope.owner]!;
  const child = frame.children!.get(node.local)!;
  invariant(isScript(child), "a call stands in a script");
  if (child.frames[inner.item] !== inner) return;
  child.frames[inner.item] = null;
  child.open--;
  const place = { frame, node };
  if (child.end !== null) return finishOnceQuiet(turn, place, child);
  const call = child.calls[inner.item]!;
  call.result = inner.failure === null ? { ok: true, output: inner.outputs[0] } : { ok: false, error: inner.failure };
  call.failed = inner.failure === null ? null : inner;
  child.answers.push({ call: inner.item, at: turn.at });
  if (frame.waits[node.local] === OPENED) turn.commands.push({ kind: "answer", place });
  turn.moves.settle(turn, frame);
}

/** The function has answered: what it still has open is given up, and the script is done once nothing of that runs. */
export function answered(turn: Turn, place: Place, output: Json | undefined): void {
  const child = openScriptCalls(place);
  invariant(child !== undefined, "a function that answers goes on");
  child.end = { output };
  for (const inner of child.frames) {
    if (inner === null) continue;
    stopFrame(turn, inner);
    if (inner.running === 0) leaveScriptCall(turn, inner);
  }
  finishOnceQuiet(turn, place, child);
}

/** The function has thrown: bodies that it still waits for are told to stop, and begin again if the run is retried. */
export function threw(turn: Turn, place: Place, { error, harmless }: FailedEntry): void {
  const { frame, node } = place;
  const child = openScriptCalls(place);
  invariant(child !== undefined, "a function that throws goes on");
  child.harmless = harmless ?? [];
  for (const inner of child.frames) if (inner !== null) abandonOpen(turn, inner);
  turn.moves.failNode(turn, frame, node, error);
}

function finishOnceQuiet(turn: Turn, { frame, node }: Place, { end, open }: ScriptCalls): void {
  if (end === null || frame.waits[node.local] !== OPENED || open > 0) return;
  turn.moves.finishNode(turn, frame, node, end.output);
}

/**
 * A script that failed, or whose run did, goes on from where it was; answers the nodes that begin again. What had failed and
 * led to no other call is tried again; what the function went on from stays as it was, or its calls would be others.
 */
export function scriptAgain(turn: Turn, place: Place, child: ScriptCalls): readonly Place[] {
  place.frame.waits[place.node.local] = OPENED;
  const failed = failuresTakenBack(child);
  const { answers, heard } = toldWithout(child, failed);
  [child.answers, child.harmless] = [answers, []];
  child.calls.forEach((call, index) => (call.heard = heard[index]!));
  turn.commands.push({ kind: "script", place, isAnew: failed.size > 0 });
  return [...failed].map((index) => takeBack(child, index));
}

/** The call is open again, where it was. */
function takeBack(child: ScriptCalls, index: number): Place {
  const call = child.calls[index]!;
  const inner = call.failed!;
  [call.result, call.failed, inner.failure, child.frames[index]] = [null, null, null, inner];
  child.open++;
  return { frame: inner, node: inner.scope.nodes[0]! };
}
