/**
 * How a run goes on that has failed, was cancelled or is held: from where it stopped, or from a node that is named.
 * Invariant: a recorded result is never computed again, unless what it depends on is.
 */
import { commandFor, endRun, leaveFrame, openNode, startNode } from "./advance.ts";
import type { CompiledNode } from "./compile.ts";
import { askAgain } from "./constructs/approval.ts";
import { callAgain, isCalled, letCallsGo } from "./constructs/call.ts";
import { hasItemsAtWork, openItems, takeFailed } from "./constructs/each.ts";
import { repeatAgain } from "./constructs/repeat.ts";
import { callScript, isScript, openScriptCalls, scriptAgain } from "./constructs/script.ts";
import { failuresTakenBack } from "./constructs/script-failures.ts";
import { isUndertaking } from "./constructs/undertaking.ts";
import { deliver } from "./constructs/wait.ts";
import { isBeingUndone, marksOf } from "./marks.ts";
import { placesThat, Reset } from "./reset.ts";
import { placesFrom } from "./retry-from.ts";
import { forgetVainWaits, keptAddresses } from "./signals.ts";
import { isDismissed } from "./dismissed.ts";
import { isFailing } from "./boundaries.ts";
import { framesOf, isRequest, isRounds, isSpread } from "./opened.ts";
import {
  ASLEEP,
  bornOf,
  FAILED,
  OPENED,
  RETRYING,
  SUPPRESSED,
  UNDONE,
  visitFrames,
  type Frame,
  type GoOn,
  type Place,
  type RunState,
} from "./state.ts";
import type { Turn } from "./turn.ts";
import { hasStuck, undoAgain } from "./undo.ts";

/**
 * Takes back cancel and failure: what failed or was held back starts again, with all its attempts, and so does what was
 * undone. What could not be undone is undone first, once the run has stopped. While the run is undone nothing goes on.
 */
export function retry(turn: Turn, goingOn: GoOn): void {
  const { root, cancelled } = turn.state;
  if (isBeingUndone(root)) return;
  const hasStopped = cancelled !== null || root.failure !== null;
  if (!hasStuck(root)) goOnWith(turn, goingOn, hasStopped);
  else if (hasStopped) undoFirst(turn, goingOn);
  else if (root.running === 0) endRun(turn);
}

/** Nothing goes on before all is undone; what slept does so yet. */
function undoFirst(turn: Turn, goingOn: GoOn): void {
  const { state, commands } = turn;
  state.root.failure ??= { code: "RUN_CANCELLED", message: state.cancelled?.reason ?? "", node: "", attempt: 0 };
  state.cancelled = null;
  letCallsGo(turn, state.root);
  undoAgain(turn, goingOn);
  visitFrames(state.root, (frame) => {
    for (const node of frame.scope.nodes)
      if (frame.waits[node.local] === ASLEEP) commands.push(commandFor(state, { frame, node }));
  });
}

/** Goes on at once. */
export function goOnWith(turn: Turn, goingOn: GoOn, hasStopped: boolean): void {
  const { state } = turn;
  const ready = hasStopped || goingOn.from !== null || goingOn.newKeys ? beginAnew(turn, goingOn) : [];
  state.cancelled = null;
  forgetVainWaits(state);
  goOn(turn, state.root, (frame, paused) => {
    for (const node of frame.scope.nodes) {
      const waits = frame.waits[node.local]!;
      const child = frame.children?.get(node.local);
      // Whoever waited when the run ended has let its child go.
      if (waits === ASLEEP && hasStopped && child !== undefined && isCalled(child)) paused.push({ frame, node });
      else if (waits === ASLEEP) turn.commands.push(commandFor(state, { frame, node }));
    }
  });
  for (const { frame, node } of ready) startNode(turn, frame, node);
  for (const address of keptAddresses(state)) deliver(turn, address);
  if (state.root.running === 0) endRun(turn);
}

/** Resets what was undone, but not while more of it is, and what is named; answers what of it waits for nothing. */
function beginAnew(turn: Turn, { from, newKeys }: GoOn): readonly Place[] {
  const { state } = turn;
  const isUndone = (frame: Frame, node: CompiledNode) => frame.waits[node.local] === UNDONE && !isBeingUndone(frame);
  const undone = state.root.scope.holdsUndo ? placesThat(state, isUndone) : [];
  const named = from === null ? [] : placesFrom(state, from).places;
  if (undone.length + named.length === 0 && !newKeys) return [];
  const reset = new Reset(turn);
  reset.add(undone, true);
  reset.add(named, newKeys);
  const ready = reset.finish();
  if (newKeys) renewKeys(turn);
  return ready;
}

/** What was called, and is to be called again, has another key from now on. */
function renewKeys({ state }: Turn): void {
  const again: ReadonlySet<number> = new Set([0, RETRYING, FAILED, SUPPRESSED]);
  for (const { frame, node } of placesThat(state, (frame, node) => again.has(frame.waits[node.local]!))) {
    // What is being undone is so under the key that it was done with.
    if (node.node.kind !== "step" || isBeingUndone(frame)) continue;
    const { generation } = bornOf(frame, node.local);
    marksOf(frame).born.set(node.local, { generation, key: state.resets });
  }
  for (const inner of failedCallsToTryAgain(state)) {
    marksOf(inner).born.set(0, { generation: bornOf(inner, 0).generation, key: state.resets });
  }
}

/** The frames of calls that failed, and that scripts which go on make again: nothing leads to them until then. */
function failedCallsToTryAgain(state: RunState): readonly Frame[] {
  const scripts = placesThat(state, (frame, { local }) => frame.waits[local] === FAILED || isFailing(frame));
  return scripts.flatMap(({ frame, node }) => {
    const child = frame.children?.get(node.local);
    if (child === undefined || !isScript(child)) return [];
    return [...failuresTakenBack(child)].map((call) => child.calls[call]!.failed!);
  });
}

/** What failed or was held back in `root`, and below it, starts again; `see` may add to it, frame by frame. */
function goOn(turn: Turn, root: Frame, see: (frame: Frame, paused: Place[]) => void = () => {}): void {
  const hasFailed = root.failure !== null;
  const paused: Place[] = [];
  const opened: Place[] = [];
  visitFrames(root, (frame) => {
    pausedIn(frame, paused);
    openedIn(frame, opened);
    see(frame, paused);
  });
  for (const place of paused) startAgain(turn, place);
  openMore(turn, opened, hasFailed);
}

/** Takes back the failure of a frame, and notes what failed in it or was held back. */
function pausedIn(frame: Frame, paused: Place[]): void {
  if (isDismissed(frame) || isBeingUndone(frame)) return;
  frame.failure = null;
  for (const node of frame.scope.nodes) {
    const waits = frame.waits[node.local]!;
    if (waits === FAILED || waits === SUPPRESSED) paused.push({ frame, node });
  }
}

/** Notes the eaches of a frame whose items are at work, and its scripts. */
function openedIn(frame: Frame, opened: Place[]): void {
  for (const node of frame.scope.nodes) {
    const child = frame.children?.get(node.local);
    const isSpreading = child !== undefined && isSpread(child) && hasItemsAtWork({ frame, node }, child);
    if (isSpreading || openScriptCalls({ frame, node }) !== undefined) opened.push({ frame, node });
  }
}

/** Goes on with items that were not begun, and with functions of scripts; of what failed, their calls are tried again too. */
function openMore(turn: Turn, opened: readonly Place[], hasFailed: boolean): void {
  for (const { frame, node } of opened) {
    const child = frame.children?.get(node.local);
    const script = openScriptCalls({ frame, node });
    if (script !== undefined && hasFailed) startAgain(turn, { frame, node });
    else if (script !== undefined) callScript(turn.state, { frame, node }, turn.commands);
    if (child === undefined || !isSpread(child)) continue;
    if (hasItemsAtWork({ frame, node }, child)) openItems(turn, frame, node, child);
  }
}

function startAgain(turn: Turn, { frame, node }: Place): void {
  const retries = frame.retries?.get(node.local);
  if (retries !== undefined) {
    const before = retries.before + retries.attempts;
    frame.retries!.set(node.local, { ...retries, before, attempts: 0, at: turn.at });
  }
  const child = frame.children?.get(node.local);
  if (child === undefined || isUndertaking(child)) {
    // What has waited in vain waits as long again.
    if (node.node.kind === "wait" || node.node.kind === "approval") frame.readyAt[node.local] = turn.at;
    return openNode(turn, frame, node);
  }
  if (isCalled(child)) return callAgain(turn, { frame, node }, child);
  if (isRequest(child)) return askAgain(turn, { frame, node }, child);
  if (isRounds(child)) return repeatAgain(turn, { frame, node }, child);
  if (isScript(child)) return scriptAgain(turn, { frame, node }, child).forEach((place) => startAgain(turn, place));
  frame.waits[node.local] = OPENED;
  for (const inner of framesOf(child)) if (inner !== null && inner.open === 0) leaveFrame(turn, inner);
  if (!isSpread(child) || frame.waits[node.local] !== OPENED) return;
  for (const item of takeFailed(child)) goOn(turn, item);
  openItems(turn, frame, node, child);
}
