/**
 * `call`: a node that is done when the child, another run, has ended. Both sides of it: the parent, which asks for its
 * child until it is there, takes in what came of it, and lets go of one that it needs no more; and the child, which
 * knows the parents that it has to tell.
 * Invariant: what belongs to an attempt of the parent's before its present one changes nothing, on either side; so it does
 * not matter in which order a retry and what was sent before it arrive.
 */
import { invariant, TenfoldError } from "../../value/error.ts";
import { removeRequests } from "../asked.ts";
import type { Command } from "../command.ts";
import type { AttachedEntry, CalledEntry, CalledBy, CancelledEntry, ReturnedEntry, RunError } from "../entry.ts";
import { valueOf } from "../output.ts";
import { pathOf } from "../path.ts";
import { dismiss, wakeNoMore } from "../dismissed.ts";
import { isFailing } from "../boundaries.ts";
import {
  ASLEEP,
  bornOf,
  keepChild,
  RETRYING,
  SUPPRESSED,
  visitFrames,
  type Called,
  type Caller,
  type Child,
  type Frame,
  type Place,
  type RunState,
} from "../state.ts";
import type { Turn } from "../turn.ts";
import { NEVER } from "../wake-time.ts";

/** The most runs that call each other, one above the other: more of them call each other without an end. */
export const CALLS_DEEP_MAX = 100;

/** Of the message of an error that went up from child to parent, so much is kept: where it begins, and where it ends. */
const MESSAGE_HALF = 500;

/** Nothing of a child is part of its parent's state. */
const NO_FRAMES: readonly Frame[] = [];

/** Asks for the child; false where its input cannot be computed. */
export function openCall(turn: Turn, place: Place): boolean {
  if (!inputOf(turn.state, place).ok) return false;
  // After a reset, more than any attempt before: each of them left an entry.
  const isFirst = bornOf(place.frame, place.node.local).generation === 0;
  ask(turn, place, { child: null, attempt: isFirst ? 1 : turn.state.entries + 1, frames: NO_FRAMES });
  return true;
}

/** Asks for the child once more: the same one is to be retried. */
export function callAgain(turn: Turn, place: Place, { attempt }: Called): void {
  if (isFailing(place.frame) || turn.state.cancelled !== null) place.frame.waits[place.node.local] = SUPPRESSED;
  else ask(turn, place, { child: null, attempt: attempt + 1, frames: NO_FRAMES });
}

function ask(turn: Turn, place: Place, called: Called): void {
  const { frame, node } = place;
  frame.waits[node.local] = ASLEEP;
  keepChild(frame, node, called);
  turn.commands.push(callCommand(place, called));
}

/** What an open call asks for; nothing happens in it any more once the child is there, until that has ended. */
function callCommand(place: Place, { child, attempt }: Called): Command {
  return child === null ? { kind: "call", place, attempt } : { kind: "sleep", place, until: NEVER };
}

/** What a call asks for that was loaded. */
export function commandForCall(state: RunState, place: Place): Command {
  const called = openCalled(place);
  if (called !== undefined) return callCommand(place, called);
  const input = inputOf(state, place);
  if (!input.ok) return { kind: "refuse", place, error: input.error };
  throw new TenfoldError("INVARIANT_BROKEN", "A call whose input can be computed asks for its child.");
}

function inputOf(state: RunState, { frame, node }: Place): ReturnType<typeof valueOf> {
  invariant(node.node.kind === "call", "only a call has a child");
  return valueOf(state, frame, node.node.input, node.node.id);
}

/** How many runs call each other above the child of a call of this run. */
export function childDepth({ depth }: RunState): number {
  return (depth ?? 0) + 1;
}

/** Why no child is to be started for a call: runs call each other without an end. */
export function depthProblem(state: RunState, place: Place): RunError | undefined {
  const depth = childDepth(state);
  const { frame, node } = place;
  if (depth <= CALLS_DEEP_MAX || node.node.kind !== "call") return undefined;
  const path = pathOf(state.compiled, frame, node);
  const message = `${path} calls "${node.node.workflow}" below ${CALLS_DEEP_MAX} runs that call each other, the most there may be; no run was started. Have the input end the recursion, draw a loop with \`repeat\`, or start a run in a step where nobody has to wait for it.`;
  return { code: "CALL_TOO_DEEP", message, node: path, attempt: 0 };
}

/** What is known of the child of a call that is open. */
export function openCalled({ frame, node }: Place): Called | undefined {
  if (frame.waits[node.local] !== ASLEEP) return undefined;
  const child = frame.children?.get(node.local);
  return child !== undefined && isCalled(child) ? child : undefined;
}

export function isCalled(child: Child): child is Called {
  return "child" in child;
}

/** The child is there, and knows whom to tell. */
export function childIsThere(turn: Turn, place: Place | undefined, { child, attempt }: CalledEntry): void {
  const called = place && openCalled(place);
  if (place === undefined || called === undefined || called.attempt !== attempt) return;
  called.child = child;
  turn.commands.push(callCommand(place, called));
}

/** The child has ended. What was given up, has a result, or is asked for once more since, is not moved by it. */
export function childEnded(turn: Turn, place: Place | undefined, entry: ReturnedEntry): void {
  const called = place && awaited(turn.state, place, entry);
  if (place === undefined || called === undefined) return;
  const { frame, node } = place;
  called.child = entry.child;
  if (entry.status === "completed") turn.moves.finishNode(turn, frame, node, entry.output);
  else turn.moves.failNode(turn, frame, node, childError(turn.state, place, entry));
}

/** The call that waits for this end of a child; a run that was cancelled or has failed, and come to rest, has let its children go. */
export function awaited(
  { cancelled, root }: RunState,
  place: Place,
  { attempt }: Pick<ReturnedEntry, "attempt">,
): Called | undefined {
  const hasEnded = root.running === 0 && (cancelled !== null || root.failure !== null);
  const called = openCalled(place);
  return hasEnded || called?.attempt !== attempt ? undefined : called;
}

function childError(
  state: RunState,
  { frame, node }: Place,
  { child, attempt, status, error }: ReturnedEntry,
): RunError {
  const path = pathOf(state.compiled, frame, node);
  const where = error?.node ? ` at ${error.node}` : "";
  const why = shortened(error?.message ?? "");
  if (status === "cancelled")
    return { code: "CHILD_CANCELLED", message: `Its child, run ${child}, was cancelled: ${why}`, node: path, attempt };
  return { code: "CHILD_FAILED", message: `Its child, run ${child}, failed${where}: ${why}`, node: path, attempt };
}

/** Each parent puts a sentence before what its child says: of a long chain the middle is left out. */
function shortened(message: string): string {
  if (message.length <= 2 * MESSAGE_HALF + 100) return message;
  return `${message.slice(0, MESSAGE_HALF)} … ${message.slice(-MESSAGE_HALF)}`;
}

/** Lets go of the children of the open calls in `frame`, which is given up: nobody needs them any more. */
export function disownCalls({ commands }: Turn, frame: Frame): void {
  visitFrames(frame, (inner) => {
    if (inner.children === null) return;
    for (const [local, child] of inner.children) {
      if (!isCalled(child) || inner.waits[local] !== ASLEEP) continue;
      commands.push({
        kind: "disown",
        place: { frame: inner, node: inner.scope.nodes[local]! },
        attempt: child.attempt,
      });
    }
  });
}

/** Lets go of the children of the open calls in `frame` while it is undone; they are asked for again if it is retried. */
export function letCallsGo(turn: Turn, frame: Frame): void {
  disownCalls(turn, frame);
  visitFrames(frame, ({ waits, children }) => {
    for (const [local, child] of children ?? [])
      if (isCalled(child) && waits[local] === ASLEEP) waits[local] = SUPPRESSED;
  });
}

/** What sleeps in a frame that is given up is waited for by nobody, and its children are let go. */
export function giveUpFrame(turn: Turn, frame: Frame): void {
  disownCalls(turn, frame);
  removeRequests(turn.state, frame);
  wakeNoMore(frame);
}

/** Nobody needs what this frame, a boundary, comes to: nothing starts in it any more, and what is open is abandoned. */
export function stopFrame(turn: Turn, stopped: Frame): void {
  disownCalls(turn, stopped);
  removeRequests(turn.state, stopped);
  dismiss(stopped);
  abandonOpen(turn, stopped);
}

/** Bodies at work in this frame, and below, are told to stop. */
export function abandonOpen(turn: Turn, stopped: Frame): void {
  visitFrames(stopped, (frame) => {
    for (const node of frame.scope.nodes) {
      const waits = frame.waits[node.local]!;
      if (waits === 0 || waits === RETRYING) turn.commands.push({ kind: "abandon", place: { frame, node } });
    }
  });
}

type Callers = Pick<RunState, "calledBy">;

/** The parent, as a child's state names it. */
function nameOf({ parent, node }: CalledBy): string {
  return `${parent} ${node}`;
}

/** Whether what comes in a parent's name belongs to an attempt that is over, or was taken back already. */
export function isOutdated({ calledBy }: Callers, by: CalledBy): boolean {
  const known = calledBy?.get(nameOf(by));
  return known !== undefined && (known.attempt > by.attempt || (known.attempt === by.attempt && known.isOver));
}

/** A parent waits for this run. */
export function attached({ state }: Turn, { parent, of, attempt, depth }: AttachedEntry): void {
  state.depth ??= depth;
  addParent(state, { parent, node: of, attempt, isOver: false, hasLeft: false });
}

/** A parent has let go of this run; true if nobody needs it: the call that started it has too, and none waits for it. */
export function disowned({ state }: Turn, { by, isJoined }: Disowning): boolean {
  addParent(state, { ...by, isOver: true, hasLeft: isJoined !== true });
  return isNeededNoMore(state);
}

/** A cancel in the name of a call. */
type Disowning = Pick<CancelledEntry, "isJoined"> & { readonly by: CalledBy };

/** What others had started is theirs: whoever joined it leaves it as it is. */
function isNeededNoMore({ calledBy }: Callers): boolean {
  const callers = [...(calledBy?.values() ?? [])];
  return callers.every(({ isOver }) => isOver) && callers.some(({ hasLeft }) => hasLeft);
}

function addParent(state: Callers, caller: Caller): void {
  (state.calledBy ??= new Map()).set(nameOf(caller), caller);
}

/** The parents that are to be told how this run has ended. */
export function parentsOf({ calledBy }: Callers): readonly CalledBy[] {
  return calledBy === null ? [] : [...calledBy.values()].filter(({ isOver }) => !isOver);
}

/** The same of a run whose state is not known, and whether anybody needs it, from what of its journal and mail can be read. */
export function callersIn(said: Iterable<AttachedEntry | CancelledEntry>): {
  readonly parents: readonly CalledBy[];
  readonly isNeededNoMore: boolean;
} {
  const callers: Callers = { calledBy: null };
  for (const entry of said) {
    const isOver = entry.kind === "cancelled";
    const by = isOver ? entry.by : { parent: entry.parent, node: entry.of, attempt: entry.attempt };
    if (by === undefined || isOutdated(callers, by)) continue;
    addParent(callers, { ...by, isOver, hasLeft: isOver && entry.isJoined !== true });
  }
  return { parents: parentsOf(callers), isNeededNoMore: isNeededNoMore(callers) };
}
