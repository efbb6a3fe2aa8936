/**
 * The one decision procedure: (graph, state, entry) -> state and what to do next.
 * Invariant: an entry closes its node once, so a recorded result is used once and a join fires once.
 */
import { invariant, unreachable } from "../value/error.ts";
import type { Json } from "../value/json.ts";
import { commandFor, endRun, failNode, finishNode, newTurn, openFrame, settle, takeArm } from "./advance.ts";
import { attemptOf, type Command } from "./command.ts";
import type { CompiledGraph } from "./compile.ts";
import { decide, wakeApproval } from "./constructs/approval.ts";
import { attached, childEnded, childIsThere, disowned } from "./constructs/call.ts";
import { answered, asked, callScript, isForsaken, openScriptCalls, threw } from "./constructs/script.ts";
import { begun, forgetUndertaking, resolved, unsure } from "./constructs/undertaking.ts";
import { giveUp, signalled } from "./constructs/wait.ts";
import type { Entry, FailedEntry } from "./entry.ts";
import { goOnWith, retry } from "./go-on.ts";
import { touch } from "./marks.ts";
import { mustFind, pathOf, placeAt } from "./path.ts";
import { isDismissed } from "./dismissed.ts";
import { countOpen } from "./boundaries.ts";
import {
  ASLEEP,
  newFrame,
  OPENED,
  RETRYING,
  SUPPRESSED,
  visitFrames,
  type GoOn,
  type Place,
  type RunState,
} from "./state.ts";
import type { Turn } from "./turn.ts";
import { undoCommand, undoFailed, undone } from "./undo.ts";

const AS_IT_STOPPED: GoOn = { from: null, newKeys: false };

/** A run as it is started. */
export interface Begun {
  readonly run: string;
  readonly input: Json;
  /** Ms since 1970. */
  readonly startedAt: number;
}

/** A run that has just been started; its first commands are added to `commands`. */
export function begin(compiled: CompiledGraph, { run, input, startedAt }: Begun, commands: Command[]): RunState {
  const root = newFrame(compiled.scopes[0]!, null, -1, true, input);
  const state: RunState = {
    run,
    compiled,
    startedAt,
    root,
    entries: 0,
    cancelled: null,
    absorbed: null,
    signals: null,
    asked: null,
    unsure: null,
    calledBy: null,
    depth: null,
    undos: null,
    resets: 0,
    keysLeast: null,
  };
  const turn = newTurn(state, startedAt, commands);
  openFrame(turn, root);
  if (root.scope.size === 0) endRun(turn);
  return state;
}

/** The state of a run after its entries so far; `reached` sees it after each. */
export function replay(
  compiled: CompiledGraph,
  begun: Begun,
  entries: Iterable<Entry>,
  reached: (state: RunState, entry: Entry) => void = () => {},
): RunState {
  const state = begin(compiled, begun, []);
  for (const entry of entries) {
    reduce(state, entry, []);
    reached(state, entry);
  }
  return state;
}

/**
 * Applies `entry` to `state` in place; what is to be done next is added to `commands`. A caller that has the place of
 * the entry's node gives it, so that its path need not be walked.
 */
export function reduce(state: RunState, entry: Entry, commands: Command[], known?: Place): void {
  state.entries++;
  const turn = newTurn(state, entry.at, commands);
  switch (entry.kind) {
    case "done": {
      const place = known ?? mustFind(state, entry.node);
      if (place.node.node.kind === "script") return answered(turn, place, entry.output);
      const { frame, node } = close(state, entry.node, place);
      forgetUndertaking(place);
      return finishNode(turn, frame, node, entry.output);
    }
    case "chose": {
      const { frame, node } = close(state, entry.node, known);
      return takeArm(turn, frame, node, entry.arm);
    }
    case "failed":
      return applyFailure(turn, entry, known);
    case "begun":
      return begun(turn, known ?? mustFind(state, entry.node), entry);
    case "unsure":
      return unsure(turn, close(state, entry.node, known), entry);
    case "resolved":
      if (absorb(state, entry.message)) resolved(turn, placeAt(state, entry.node), entry);
      return;
    case "abandoned": {
      const { frame, node } = close(state, entry.node, known);
      frame.waits[node.local] = SUPPRESSED;
      touch(frame, node);
      return settle(turn, frame);
    }
    case "undone":
      return goOnIf(turn, undone(turn, entry.node));
    case "undo-failed":
      return goOnIf(turn, undoFailed(turn, entry));
    case "timed-out":
    case "reminded":
    case "escalated": {
      const place = known ?? mustFind(state, entry.node);
      if (place.node.node.kind === "approval") return wakeApproval(turn, place, entry.kind);
      return giveUp(turn, close(state, entry.node, place));
    }
    case "decided":
      if (absorb(state, entry.message)) decide(turn, placeAt(state, entry.node), entry);
      return;
    case "signalled":
      if (absorb(state, entry.message)) signalled(turn, entry);
      return;
    case "called":
      return childIsThere(turn, known ?? placeAt(state, entry.node), entry);
    case "returned":
      if (absorb(state, entry.message)) childEnded(turn, known ?? placeAt(state, entry.node), entry);
      return;
    case "asked":
      return asked(turn, known ?? placeAt(state, entry.node), entry);
    case "attached":
      if (!absorb(state, entry.message)) return;
      attached(turn, entry);
      if (entry.attempt === 1) return;
      // It was removed since its parent asked for it first; its own children may be there yet, and have failed.
      if (state.entries === 1) return goOnWith(turn, AS_IT_STOPPED, true);
      return retry(turn, AS_IT_STOPPED);
    case "cancelled":
      if (!absorb(state, entry.message)) return;
      if (entry.by !== undefined && !disowned(turn, { ...entry, by: entry.by })) return;
      return cancel(turn, entry.reason, entry.undo === true);
    case "retried":
      if (absorb(state, entry.message)) retry(turn, { from: entry.from ?? null, newKeys: entry.newKeys === true });
      return;
    case "upgraded":
      absorb(state, entry.message);
      return;
    default:
      unreachable(entry);
  }
}

/** Commands for all that is open: what a driver does first with a run that it has loaded. */
export function openWork(state: RunState, commands: Command[]): void {
  const before = commands.length;
  if (state.root.running === 0) endRun(newTurn(state, state.startedAt, commands));
  if (commands.length > before) return;
  for (const undo of state.undos?.values() ?? []) commands.push(undoCommand(undo));
  visitFrames(state.root, (frame) => {
    for (const node of frame.scope.nodes) {
      const waits = frame.waits[node.local]!;
      if (waits === OPENED && node.node.kind === "script") callScript(state, { frame, node }, commands);
      if (waits !== 0 && waits !== RETRYING && waits !== ASLEEP) continue;
      const place = { frame, node };
      if (waits === ASLEEP && (state.cancelled !== null || isUndone(state, place))) continue;
      if (isGivenUp(state, place)) commands.push({ kind: "abandon", place });
      else if (waits === RETRYING) commands.push(waitFor(place));
      else commands.push(commandFor(state, place));
    }
  });
}

/** Nobody waits for what comes of this open node any more: it is to be abandoned. */
export function isGivenUp(state: RunState, place: Place): boolean {
  const { frame, node } = place;
  if (state.cancelled !== null || isDismissed(frame)) return true;
  return frame.waits[node.local] !== ASLEEP && isForsaken(state, place);
}

/** What may have happened, and slept, is being taken back. */
function isUndone({ compiled, undos }: RunState, { frame, node }: Place): boolean {
  return undos !== null && undos.size > 0 && undos.has(pathOf(compiled, frame, node));
}

function waitFor(place: Place): Command {
  const { at } = place.frame.retries!.get(place.node.local)!;
  return { kind: "wait", place, attempt: attemptOf(place), until: at };
}

/** The wait of a retrying node is over: its body may be called again. */
export function resume({ frame, node }: Place): void {
  invariant(frame.waits[node.local] === RETRYING, "only a node between two attempts is resumed");
  frame.waits[node.local] = 0;
}

/** Takes the open node of an entry off the boundaries' counts. */
function close(state: RunState, path: string, known: Place | undefined): Place {
  const place = known ?? mustFind(state, path);
  const waits = place.frame.waits[place.node.local]!;
  const isOpen = waits === 0 || waits === RETRYING;
  invariant(isOpen || waits === ASLEEP, `node ${path} is open when its result comes, and has one result`);
  if (isOpen) countOpen(place.frame, -1);
  return place;
}

/** A run whose undo was tried once more, and is complete now, goes on as it was told to. */
function goOnIf(turn: Turn, goingOn: GoOn | null): void {
  if (goingOn !== null) goOnWith(turn, goingOn, true);
}

function absorb(state: RunState, message: string): boolean {
  state.absorbed ??= new Set();
  if (state.absorbed.has(message)) return false;
  state.absorbed.add(message);
  return true;
}

function applyFailure(turn: Turn, entry: FailedEntry, known: Place | undefined): void {
  const place = known ?? mustFind(turn.state, entry.node);
  if (openScriptCalls(place) !== undefined) return threw(turn, place, entry);
  const { frame, node } = close(turn.state, entry.node, place);
  const hasNotHappened = forgetUndertaking(place);
  frame.retries ??= new Map();
  const past = frame.retries.get(node.local);
  const retry = {
    attempts: (past?.attempts ?? 0) + 1,
    before: past?.before ?? 0,
    at: entry.retryAt ?? 0,
    error: entry.error,
  };
  frame.retries.set(node.local, retry);
  if (entry.attempt > 0 && entry.uncalled !== true && !hasNotHappened) touch(frame, node);
  if (turn.state.cancelled !== null) {
    frame.waits[node.local] = SUPPRESSED;
    settle(turn, frame);
  } else if (entry.retryAt === null) {
    failNode(turn, frame, node, entry.error);
  } else {
    frame.waits[node.local] = RETRYING;
    countOpen(frame, 1);
    turn.commands.push(waitFor(place));
  }
}

function cancel(turn: Turn, reason: string, undoes: boolean): void {
  const { state, commands } = turn;
  if (state.cancelled !== null || state.root.open === 0) return;
  state.cancelled = { reason, undoes };
  if (state.root.running === 0) return endRun(turn);
  visitFrames(state.root, (frame) => {
    for (const node of frame.scope.nodes) {
      const waits = frame.waits[node.local]!;
      if (waits === 0 || waits === RETRYING) commands.push({ kind: "abandon", place: { frame, node } });
    }
  });
}
