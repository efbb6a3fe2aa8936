/**
 * How a run moves on: nodes start, finish, and release those that wait for them, in O(out-degree).
 * Invariants: what waits for nothing is started once; a frame is finished when each of its nodes is, so an arm's
 * value flows when the whole arm is done; while a boundary fails, nothing new starts below it and what is open ends.
 */
import { invariant } from "../value/error.ts";
import type { Json } from "../value/json.ts";
import { attemptOf, type Command } from "./command.ts";
import { armNamed, type CompiledNode } from "./compile.ts";
import { approvalProblem, leaveShown, openApproval } from "./constructs/approval.ts";
import { commandForCall, disownCalls, letCallsGo, openCall } from "./constructs/call.ts";
import { leaveAttempt, openAttempt } from "./constructs/attempt.ts";
import { eachProblem, leaveItem, openEach } from "./constructs/each.ts";
import { leaveRepeatRound, openRepeat, repeatProblem } from "./constructs/repeat.ts";
import { leaveScriptCall, openScript, scriptProblem } from "./constructs/script.ts";
import { commandForBegun } from "./constructs/undertaking.ts";
import { receive } from "./constructs/wait.ts";
import type { RunError } from "./entry.ts";
import { evaluationError, outputOf } from "./output.ts";
import { addressAt } from "./signals.ts";
import { countOpen, isFailing } from "./boundaries.ts";
import { framesOf, isSpread } from "./opened.ts";
import {
  ASLEEP,
  DONE,
  FAILED,
  frameOf,
  HISTORY_MAX,
  newFrame,
  opened,
  SUPPRESSED,
  type Frame,
  type Place,
  type RunState,
} from "./state.ts";
import type { Turn } from "./turn.ts";
import { beginUndo, hasUndoable, undoOutcome } from "./undo.ts";
import { wakeTime } from "./wake-time.ts";

/** What happens at `at`; what it asks for is added to `commands`. */
export function newTurn(state: RunState, at: number, commands: Command[]): Turn {
  return { state, at, commands, moves: MOVES };
}

const MOVES: Turn["moves"] = {
  openFrame,
  enterFrame,
  openInner,
  openNode,
  finishNode,
  hearNode,
  closeNode,
  failNode,
  settle,
};

/** Starts what a new frame finds ready; a frame without nodes is finished by whoever opened it. */
export function openFrame(turn: Turn, frame: Frame): void {
  const { outward, first } = frame.scope;
  for (const node of outward) {
    for (const index of node.outside) {
      const outer = turn.state.compiled.nodes[index]!;
      if (frameOf(frame, outer).waits[outer.local] === DONE) frame.waits[node.local]!--;
    }
  }
  const ready = outward.length === 0 ? outward : outward.filter((node) => frame.waits[node.local] === 0);
  for (const node of first) startNode(turn, frame, node);
  for (const node of ready) startNode(turn, frame, node);
}

/** A node waits for nothing any more. */
export function startNode(turn: Turn, frame: Frame, node: CompiledNode): void {
  frame.readyAt[node.local] = turn.at;
  openNode(turn, frame, node);
}

/** Opens a node that is ready, now or again; `readyAt` stays what it was when it became ready. */
export function openNode(turn: Turn, frame: Frame, node: CompiledNode): void {
  if (isFailing(frame) || turn.state.cancelled !== null) {
    frame.waits[node.local] = SUPPRESSED;
    return;
  }
  const place = { frame, node };
  const isFull = turn.state.entries >= HISTORY_MAX && node.node.kind !== "output";
  if (!isFull && opensItself(turn, place)) return;
  const command = isFull ? historyFull(place) : commandFor(turn.state, place);
  const sleeps = command.kind === "sleep";
  if (sleeps && node.node.kind === "wait" && receive(turn, place)) return;
  frame.waits[node.local] = sleeps ? ASLEEP : 0;
  if (!sleeps) countOpen(frame, 1);
  turn.commands.push(command);
}

/** Opens what a construct holds; false for one that cannot be, and for whatever holds nothing. */
function opensItself(turn: Turn, place: Place): boolean {
  switch (place.node.node.kind) {
    case "output":
      finishNode(turn, place.frame, place.node, undefined);
      return true;
    case "each":
      return openEach(turn, place);
    case "repeat":
      return openRepeat(turn, place);
    case "approval":
      return openApproval(turn, place);
    case "call":
      return openCall(turn, place);
    case "script":
      return openScript(turn, place);
    case "attempt":
      openAttempt(turn, place);
      return true;
    default:
      return false;
  }
}

/** What an open node asks for. */
export function commandFor(state: RunState, place: Place): Command {
  const { frame, node } = place;
  switch (node.node.kind) {
    case "match":
      return { kind: "choose", place };
    case "derive":
      return { kind: "derive", place };
    case "sleep":
    case "wait":
      return sleepOf(state, place);
    case "approval":
      if (frame.waits[node.local] === ASLEEP) return sleepOf(state, place);
      return { kind: "refuse", place, error: approvalProblem(state, place) };
    case "call":
      return commandForCall(state, place);
    case "each":
      return { kind: "refuse", place, error: eachProblem(state, place) };
    case "repeat":
      return { kind: "refuse", place, error: repeatProblem(state, place) };
    case "script":
      return { kind: "refuse", place, error: scriptProblem(state, place) };
    default:
      return commandForBegun(state, place) ?? { kind: "execute", place, attempt: attemptOf(place) };
  }
}

function historyFull(place: Place): Command {
  const { id } = place.node.node;
  const message = `The run's journal has ${HISTORY_MAX} entries, the most there may be; ${id} was not begun. Divide the work: a run for each part of it, or fewer rounds and items in one.`;
  return { kind: "refuse", place, error: { code: "HISTORY_TOO_LONG", message, node: id, attempt: 0 } };
}

function sleepOf(state: RunState, place: Place): Command {
  try {
    if (place.node.node.kind === "wait") addressAt(state, place);
    return { kind: "sleep", place, until: wakeTime(state, place) };
  } catch (thrown) {
    return { kind: "refuse", place, error: evaluationError(thrown, place.node.node.id) };
  }
}

/** The node has its result; those that waited for it last start. */
export function finishNode(turn: Turn, frame: Frame, node: CompiledNode, output: Json | undefined): void {
  hearNode(turn, frame, node, output);
  closeNode(turn, frame);
}

/** Those that waited for the node last start; its frame waits until it is closed. */
function hearNode(turn: Turn, frame: Frame, node: CompiledNode, output: Json | undefined): void {
  frame.waits[node.local] = DONE;
  frame.outputs[node.local] = output;
  frame.retries?.delete(node.local);
  if (node.dependents.length > 0) release(turn, frame, node);
}

function closeNode(turn: Turn, frame: Frame): void {
  frame.open--;
  settle(turn, frame);
}

/**
 * Tells those that wait for `done`, in its own frame and in those below, that they wait for one node less. They are
 * all found first: a frame that opens while they start sees `done` as done, and must not be told as well.
 */
function release(turn: Turn, frame: Frame, done: CompiledNode): void {
  if (!done.reachesBelow) {
    for (const { node } of done.dependents) if (--frame.waits[node.local]! === 0) startNode(turn, frame, node);
    return;
  }
  const waiting: Place[] = [];
  for (const { via, node } of done.dependents) findWaiting(frame, via, 0, node, waiting);
  for (const { frame, node } of waiting) if (--frame.waits[node.local]! === 0) startNode(turn, frame, node);
}

function findWaiting(
  frame: Frame,
  via: readonly CompiledNode[],
  depth: number,
  node: CompiledNode,
  found: Place[],
): void {
  if (depth === via.length) {
    if (frame.scope.index === node.scope) found.push({ frame, node });
    return;
  }
  const child = frame.children?.get(via[depth]!.local);
  if (child === undefined) return;
  for (const inner of framesOf(child)) if (inner !== null) findWaiting(inner, via, depth + 1, node, found);
  // Items that failed go on if their each is retried, with what came meanwhile.
  if (isSpread(child)) for (const inner of child.failed) findWaiting(inner, via, depth + 1, node, found);
}

/** After a node closed: is its frame finished, or has a boundary that fails come to rest? */
export function settle(turn: Turn, frame: Frame): void {
  if (frame.open === 0) return leaveFrame(turn, frame);
  for (let boundary = frame.boundary; boundary.running === 0; boundary = boundary.parent.boundary) {
    if (boundary.parent === null) return endRun(turn);
    if (boundary.failure !== null) return leaveFrame(turn, boundary);
  }
}

function isEnding(command: Command | undefined): boolean {
  return command?.kind === "finish" || command?.kind === "fail" || command?.kind === "cancel";
}

/** Nothing of the run is open: it is finished, cancelled or failed, once what it has done is undone. */
export function endRun(turn: Turn): void {
  const { state, commands } = turn;
  const { root, cancelled } = state;
  if (isEnding(commands.at(-1))) return;
  if (cancelled === null && root.failure === null) {
    if (root.open > 0) return;
    const result = outputOf(state, root);
    if (result.ok) return void commands.push({ kind: "finish", output: result.output });
    root.failure = result.error;
  }
  if ((cancelled === null || cancelled.undoes) && hasUndoable(root)) {
    letCallsGo(turn, root);
    return beginUndo(turn, root);
  }
  disownCalls(turn, root);
  const undo = undoOutcome(state);
  const said = undo === undefined ? {} : { undo };
  if (cancelled !== null) commands.push({ kind: "cancel", reason: cancelled.reason, ...said });
  else commands.push({ kind: "fail", error: { ...root.failure!, ...said } });
}

/** The frame is finished, or, of a boundary, has failed and come to rest: its owner goes on. */
export function leaveFrame(turn: Turn, frame: Frame): void {
  if (frame.parent === null) return endRun(turn);
  const owner = turn.state.compiled.nodes[frame.scope.owner]!;
  switch (owner.node.kind) {
    case "each":
      return leaveItem(turn, frame);
    case "repeat":
      return leaveRepeatRound(turn, frame);
    case "attempt":
      return leaveAttempt(turn, frame);
    case "approval":
      return leaveShown(turn, frame);
    case "script":
      return leaveScriptCall(turn, frame);
    default: {
      const result = outputOf(turn.state, frame);
      if (result.ok) finishNode(turn, frame.parent, owner, result.output);
      else failNode(turn, frame.parent, owner, result.error);
    }
  }
}

/** The node failed for good, and with it what is around it up to the next boundary. */
export function failNode(turn: Turn, frame: Frame, node: CompiledNode, error: RunError): void {
  frame.waits[node.local] = FAILED;
  frame.boundary.failure ??= error;
  settle(turn, frame);
}

/** Opens the arm that a match took; null is no arm at all. */
export function takeArm(turn: Turn, frame: Frame, node: CompiledNode, name: string | null): void {
  if (name === null) return finishNode(turn, frame, node, undefined);
  const arm = armNamed(turn.state.compiled, node, name);
  invariant(arm !== undefined, "a match has the arm that it took");
  openInner(turn, { frame, node }, arm.index, false, undefined);
}

/** The node goes on with what is drawn in one of its scopes. */
function openInner(turn: Turn, place: Place, scope: number, isBoundary: boolean, input: Json | undefined): void {
  const inner = newFrame(turn.state.compiled.scopes[scope]!, place.frame, -1, isBoundary, input);
  opened(place, inner);
  enterFrame(turn, inner);
}

/** Opens a frame and sees what has come of it at once: nothing in it, or nothing that may start. */
function enterFrame(turn: Turn, frame: Frame): void {
  openFrame(turn, frame);
  if (frame.open > 0 || frame.scope.size === 0) settle(turn, frame);
}
