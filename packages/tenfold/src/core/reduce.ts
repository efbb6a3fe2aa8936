/**
 * The one decision procedure: (graph, state, entry) -> state and what to do next.
 * Invariant: an entry closes its node once, so a recorded result is used once and a join fires once.
 */
import { invariant, unreachable } from "../value/error.ts";
import type { Json } from "../value/json.ts";
import {
  commandFor,
  endRun,
  failNode,
  finishNode,
  leaveFrame,
  newTurn,
  openFrame,
  openNode,
  settle,
  takeArm,
} from "./advance.ts";
import type { Command } from "./command.ts";
import type { CompiledGraph } from "./compile.ts";
import { askAgain, decide, wakeApproval } from "./constructs/approval.ts";
import { attached, callAgain, childEnded, childIsThere, disowned, isCalled } from "./constructs/call.ts";
import { openItems, takeFailed } from "./constructs/each.ts";
import { repeatAgain } from "./constructs/repeat.ts";
import { deliver, giveUp, signalled } from "./constructs/wait.ts";
import type { Entry, FailedEntry } from "./entry.ts";
import { mustFind, placeAt } from "./path.ts";
import { forgetVainWaits, keptAddresses } from "./signals.ts";
import {
  ASLEEP,
  attemptOf,
  countOpen,
  FAILED,
  framesOf,
  isDismissed,
  isRequest,
  isRounds,
  isSpread,
  newFrame,
  OPENED,
  RETRYING,
  SUPPRESSED,
  visitFrames,
  type Frame,
  type Place,
  type RunState,
} from "./state.ts";
import type { Turn } from "./turn.ts";

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
  const nothing = {
    entries: 0,
    cancelled: null,
    absorbed: null,
    signals: null,
    asked: null,
    calledBy: null,
    depth: null,
  };
  const state: RunState = { run, compiled, startedAt, root, ...nothing };
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
      const { frame, node } = close(state, entry.node, known);
      return finishNode(turn, frame, node, entry.output);
    }
    case "chose": {
      const { frame, node } = close(state, entry.node, known);
      return takeArm(turn, frame, node, entry.arm);
    }
    case "failed":
      return applyFailure(turn, entry, known);
    case "abandoned": {
      const { frame, node } = close(state, entry.node, known);
      frame.waits[node.local] = SUPPRESSED;
      return settle(turn, frame);
    }
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
    case "attached":
      if (!absorb(state, entry.message)) return;
      attached(turn, entry);
      if (entry.attempt > 1) retry(turn);
      return;
    case "cancelled":
      if (!absorb(state, entry.message)) return;
      if (entry.by !== undefined && !disowned(turn, { ...entry, by: entry.by })) return;
      return cancel(turn, entry.reason);
    case "retried":
      if (absorb(state, entry.message)) retry(turn);
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
  visitFrames(state.root, (frame) => {
    for (const node of frame.scope.nodes) {
      const waits = frame.waits[node.local]!;
      if (waits !== 0 && waits !== RETRYING && waits !== ASLEEP) continue;
      const place = { frame, node };
      if (state.cancelled !== null && waits === ASLEEP) continue;
      if (state.cancelled !== null || isDismissed(frame)) commands.push({ kind: "abandon", place });
      else if (waits === RETRYING) commands.push(waitFor(place));
      else commands.push(commandFor(state, place));
    }
  });
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

function absorb(state: RunState, message: string): boolean {
  state.absorbed ??= new Set();
  if (state.absorbed.has(message)) return false;
  state.absorbed.add(message);
  return true;
}

function applyFailure(turn: Turn, entry: FailedEntry, known: Place | undefined): void {
  const { frame, node } = close(turn.state, entry.node, known);
  frame.retries ??= new Map();
  const past = frame.retries.get(node.local);
  const retry = {
    attempts: (past?.attempts ?? 0) + 1,
    before: past?.before ?? 0,
    at: entry.retryAt ?? 0,
    error: entry.error,
  };
  frame.retries.set(node.local, retry);
  if (turn.state.cancelled !== null) {
    frame.waits[node.local] = SUPPRESSED;
    settle(turn, frame);
  } else if (entry.retryAt === null) {
    failNode(turn, frame, node, entry.error);
  } else {
    frame.waits[node.local] = RETRYING;
    countOpen(frame, 1);
    turn.commands.push(waitFor({ frame, node }));
  }
}

function cancel(turn: Turn, reason: string): void {
  const { state, commands } = turn;
  if (state.cancelled !== null || state.root.open === 0) return;
  state.cancelled = { reason };
  if (state.root.running === 0) return endRun(turn);
  visitFrames(state.root, (frame) => {
    for (const node of frame.scope.nodes) {
      const waits = frame.waits[node.local]!;
      if (waits === 0 || waits === RETRYING) commands.push({ kind: "abandon", place: { frame, node } });
    }
  });
}

/** Takes back cancel and failure: what failed or was held back starts again, with all its attempts. */
function retry(turn: Turn): void {
  const { state } = turn;
  // Whoever waited when the run ended has let its child go.
  const letsGo = state.cancelled !== null || state.root.failure !== null;
  state.cancelled = null;
  forgetVainWaits(state);
  goOn(turn, state.root, (frame, paused) => {
    for (const node of frame.scope.nodes) {
      const waits = frame.waits[node.local]!;
      const child = frame.children?.get(node.local);
      if (waits === ASLEEP && letsGo && child !== undefined && isCalled(child)) paused.push({ frame, node });
      else if (waits === ASLEEP) turn.commands.push(commandFor(state, { frame, node }));
    }
  });
  for (const address of keptAddresses(state)) deliver(turn, address);
  if (state.root.running === 0) endRun(turn);
}

/** What failed or was held back in `root`, and below it, starts again; `see` may add to it, frame by frame. */
function goOn(turn: Turn, root: Frame, see: (frame: Frame, paused: Place[]) => void = () => {}): void {
  const paused: Place[] = [];
  const opened: Place[] = [];
  visitFrames(root, (frame) => {
    pausedIn(frame, paused);
    openedIn(frame, opened);
    see(frame, paused);
  });
  for (const place of paused) startAgain(turn, place);
  openMore(turn, opened);
}

/** Takes back the failure of a frame, and notes what failed in it or was held back. */
function pausedIn(frame: Frame, paused: Place[]): void {
  if (isDismissed(frame)) return;
  frame.failure = null;
  for (const node of frame.scope.nodes) {
    const waits = frame.waits[node.local]!;
    if (waits === FAILED || waits === SUPPRESSED) paused.push({ frame, node });
  }
}

/** Notes the eaches of a frame whose items are at work. */
function openedIn(frame: Frame, opened: Place[]): void {
  for (const node of frame.scope.nodes)
    if (frame.waits[node.local] === OPENED && node.node.kind === "each") opened.push({ frame, node });
}

/** Goes on with items that were not begun. */
function openMore(turn: Turn, opened: readonly Place[]): void {
  for (const { frame, node } of opened) {
    const child = frame.children?.get(node.local);
    if (frame.waits[node.local] === OPENED && child !== undefined && isSpread(child))
      openItems(turn, frame, node, child);
  }
}

function startAgain(turn: Turn, { frame, node }: Place): void {
  const retries = frame.retries?.get(node.local);
  if (retries !== undefined) {
    frame.retries!.set(node.local, { ...retries, before: retries.before + retries.attempts, attempts: 0 });
  }
  const child = frame.children?.get(node.local);
  if (child === undefined) {
    // What has waited in vain waits as long again.
    if (node.node.kind === "wait" || node.node.kind === "approval") frame.readyAt[node.local] = turn.at;
    return openNode(turn, frame, node);
  }
  if (isCalled(child)) return callAgain(turn, { frame, node }, child);
  if (isRequest(child)) return askAgain(turn, { frame, node }, child);
  if (isRounds(child)) return repeatAgain(turn, { frame, node }, child);
  frame.waits[node.local] = OPENED;
  for (const inner of framesOf(child)) if (inner !== null && inner.open === 0) leaveFrame(turn, inner);
  if (!isSpread(child) || frame.waits[node.local] !== OPENED) return;
  for (const item of takeFailed(child)) goOn(turn, item);
  openItems(turn, frame, node, child);
}
