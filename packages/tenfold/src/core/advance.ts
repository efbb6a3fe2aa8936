/**
 * How a run moves on: nodes start, finish, and release those that wait for them, in O(out-degree).
 * Invariants: what waits for nothing is started once; a frame is finished when each of its nodes is, so an arm's
 * value flows when the whole arm is done; while a boundary fails, nothing new starts below it and what is open ends.
 */
import { evaluate } from "../flow/evaluate.ts";
import { describe } from "../value/describe.ts";
import { formatDuration } from "../value/duration.ts";
import { invariant, TenfoldError } from "../value/error.ts";
import type { Json } from "../value/json.ts";
import type { Command } from "./command.ts";
import type { CompiledNode } from "./compile.ts";
import type { RunError, SignalledEntry } from "./entry.ts";
import { pathOf } from "./path.ts";
import {
  ASLEEP,
  DONE,
  FAILED,
  frameOf,
  isFailing,
  isSpread,
  newFrame,
  OPENED,
  outputFrom,
  SUPPRESSED,
  visitFrames,
  type Frame,
  type Place,
  type RunState,
  type Spread,
} from "./state.ts";
import { addressAt, addressOf, awaitAt, keepSignal, takeKept, takeWaiting } from "./signals.ts";
import { wakeTime } from "./wake-time.ts";

/** One entry's effect: the state that it changes, when it happened, and what it asks for. */
export interface Turn {
  readonly state: RunState;
  readonly at: number;
  readonly commands: Command[];
}

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
function startNode(turn: Turn, frame: Frame, node: CompiledNode): void {
  frame.readyAt[node.local] = turn.at;
  openNode(turn, frame, node);
}

/** Opens a node that is ready, now or again; `readyAt` stays what it was when it became ready. */
export function openNode(turn: Turn, frame: Frame, node: CompiledNode): void {
  if (isFailing(frame) || turn.state.cancelled !== null) {
    frame.waits[node.local] = SUPPRESSED;
  } else if (node.node.kind === "output") {
    finishNode(turn, frame, node, undefined);
  } else if (node.node.kind === "each" && spread(turn, frame, node)) {
    return;
  } else {
    const command = commandFor(turn.state, frame, node);
    if (command.kind === "sleep" && node.node.kind === "wait" && receive(turn, command.place)) return;
    frame.waits[node.local] = command.kind === "sleep" ? ASLEEP : 0;
    if (command.kind !== "sleep") countOpen(frame, 1);
    turn.commands.push(command);
  }
}

/** What an open node asks for. */
export function commandFor(state: RunState, frame: Frame, node: CompiledNode): Command {
  const place = { frame, node };
  if (node.node.kind === "match") return { kind: "choose", place };
  if (node.node.kind === "derive") return { kind: "derive", place };
  if (node.node.kind === "sleep" || node.node.kind === "wait") return sleepOf(state, place);
  if (node.node.kind === "each") return { kind: "refuse", place, error: refusedItems(state, frame, node) };
  const retries = frame.retries?.get(node.local);
  return { kind: "execute", place, attempt: retries === undefined ? 1 : retries.before + retries.attempts + 1 };
}

function sleepOf(state: RunState, place: Place): Command {
  try {
    if (place.node.node.kind === "wait") addressAt(state, place);
    return { kind: "sleep", place, until: wakeTime(state, place) };
  } catch (thrown) {
    return { kind: "refuse", place, error: evaluationError(thrown, place.node.node.id) };
  }
}

/** Finishes a wait whose signal has come before it; else has it wait, and answers false. */
function receive(turn: Turn, place: Place): boolean {
  const { state, at } = turn;
  const address = addressAt(state, place);
  const signal = takeKept(state, address, place, at);
  if (signal === undefined) awaitAt(state, address, place);
  else finishNode(turn, place.frame, place.node, signal.payload);
  return signal !== undefined;
}

/** A signal came: the node that waits for it has it, or it is kept. */
export function signalled(turn: Turn, { signal, for: whom, message, payload, at }: SignalledEntry): void {
  const address = addressOf(signal, whom);
  keepSignal(turn.state, address, { message, payload, at });
  deliver(turn, address);
}

/** Gives nodes that wait what was kept for them. */
export function deliver(turn: Turn, address: string): void {
  const { state, at } = turn;
  for (;;) {
    const place = state.signals?.kept.has(address) === true ? takeWaiting(state, address) : undefined;
    if (place === undefined) return;
    const { payload } = takeKept(state, address, place, at)!;
    finishNode(turn, place.frame, place.node, payload);
  }
}

/** Adds to the open nodes of every boundary around `frame`. */
export function countOpen(frame: Frame, change: 1 | -1): void {
  for (let boundary: Frame | null = frame.boundary; boundary !== null; boundary = boundary.parent?.boundary ?? null) {
    boundary.running += change;
  }
}

/** The node has its result; those that waited for it last start. */
export function finishNode(turn: Turn, frame: Frame, node: CompiledNode, output: Json | undefined): void {
  frame.waits[node.local] = DONE;
  frame.outputs[node.local] = output;
  frame.retries?.delete(node.local);
  if (node.dependents.length > 0) release(turn, frame, node);
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
  if (!isSpread(child)) findWaiting(child, via, depth + 1, node, found);
  else for (const item of child.frames) if (item) findWaiting(item, via, depth + 1, node, found);
}

/** After a node closed: is its frame finished, or has a boundary that fails come to rest? */
export function settle(turn: Turn, frame: Frame): void {
  if (frame.open === 0) return leaveFrame(turn, frame);
  for (let boundary = frame.boundary; boundary.running === 0; boundary = boundary.parent.boundary) {
    if (boundary.parent === null) return endRun(turn);
    if (boundary.failure !== null) return leaveItem(turn, boundary);
  }
}

/** Nothing of the run is open: it is finished, cancelled or failed. */
export function endRun({ state, commands }: Turn): void {
  const { root, cancelled } = state;
  if (cancelled !== null && root.open > 0) commands.push({ kind: "cancel", reason: cancelled.reason });
  else if (root.failure !== null) commands.push({ kind: "fail", error: root.failure });
  else if (root.open === 0) {
    const result = outputOf(state, root);
    if (result.ok) commands.push({ kind: "finish", output: result.output });
    else commands.push({ kind: "fail", error: result.error });
  }
}

type Output =
  { readonly ok: true; readonly output: Json | undefined } | { readonly ok: false; readonly error: RunError };

function outputOf(state: RunState, frame: Frame): Output {
  try {
    return { ok: true, output: evaluate(frame.scope.output, outputFrom(state.compiled, frame)) };
  } catch (thrown) {
    const node = frame.parent === null ? "output" : state.compiled.nodes[frame.scope.owner]!.node.id;
    return { ok: false, error: evaluationError(thrown, node) };
  }
}

/** An expression that could not be computed, as a run's error; anything else is our own bug and goes on. */
export function evaluationError(thrown: unknown, node: string): RunError {
  if (!(thrown instanceof TenfoldError)) throw thrown;
  return { code: thrown.code, message: thrown.message, node, attempt: 0 };
}

/** The frame is finished: its output is its run's, its match's, or its item's. */
export function leaveFrame(turn: Turn, frame: Frame): void {
  if (frame.parent === null) return endRun(turn);
  if (frame.item >= 0) return leaveItem(turn, frame);
  const owner = turn.state.compiled.nodes[frame.scope.owner]!;
  const result = outputOf(turn.state, frame);
  if (result.ok) finishNode(turn, frame.parent, owner, result.output);
  else failNode(turn, frame.parent, owner, result.error);
}

/** The node failed for good, and with it what is around it up to the next boundary. */
export function failNode(turn: Turn, frame: Frame, node: CompiledNode, error: RunError): void {
  frame.waits[node.local] = FAILED;
  frame.boundary.failure ??= error;
  settle(turn, frame);
}

/** No signal came in time: what is drawn for that runs, or the node has failed. */
export function timeOut(turn: Turn, frame: Frame, node: CompiledNode): void {
  invariant(node.node.kind === "wait", "only a wait times out");
  const { otherwise, signal, timeoutMs } = node.node;
  if (otherwise !== null) return takeArm(turn, frame, node, otherwise);
  const path = pathOf(turn.state.compiled, frame, node);
  const message = `${path} waited ${formatDuration(timeoutMs ?? 0)} for the signal "${signal}", and none came. Give it \`otherwise\`, or send one and retry the run: it waits as long again.`;
  failNode(turn, frame, node, { code: "SIGNAL_TIMED_OUT", message, node: path, attempt: 0 });
}

/** Opens the arm that a match took; -1 is no arm at all. */
export function takeArm(turn: Turn, frame: Frame, node: CompiledNode, scope: number): void {
  if (scope < 0) return finishNode(turn, frame, node, undefined);
  const arm = newFrame(turn.state.compiled.scopes[scope]!, frame, -1, false, undefined);
  frame.waits[node.local] = OPENED;
  frame.children ??= new Map();
  frame.children.set(node.local, arm);
  openFrame(turn, arm);
  if (arm.open > 0 || arm.scope.size === 0) settle(turn, arm);
}

/** Opens the items of an each; false where it was not given a list. */
function spread(turn: Turn, frame: Frame, node: CompiledNode): boolean {
  const items = itemsOf(turn.state, frame, node);
  if (!Array.isArray(items)) return false;
  const child: Spread = {
    items: items as readonly Json[],
    frames: Array.from<null>({ length: items.length }),
    results: Array.from<undefined>({ length: items.length }),
    next: 0,
    active: 0,
    opening: false,
  };
  frame.waits[node.local] = OPENED;
  frame.children ??= new Map();
  frame.children.set(node.local, child);
  openItems(turn, frame, node, child);
  return true;
}

function itemsOf(state: RunState, frame: Frame, node: CompiledNode): Json | undefined | TenfoldError {
  invariant(node.node.kind === "each", "only an each has items");
  try {
    return evaluate(node.node.items, outputFrom(state.compiled, frame));
  } catch (thrown) {
    if (thrown instanceof TenfoldError) return thrown;
    throw thrown;
  }
}

function refusedItems(state: RunState, frame: Frame, node: CompiledNode): RunError {
  const items = itemsOf(state, frame, node);
  if (items instanceof TenfoldError) return evaluationError(items, node.node.id);
  const message = `${node.node.id} is given ${describe(items)} where a list belongs; no item was worked on.`;
  return { code: "EACH_INVALID", message, node: node.node.id, attempt: 0 };
}

/** Opens items until as many are worked on as may be; finishes the each when none is left. */
export function openItems(turn: Turn, frame: Frame, node: CompiledNode, child: Spread): void {
  invariant(node.node.kind === "each", "only an each has items");
  const scope = turn.state.compiled.scopes[node.node.body]!;
  const limit = node.node.concurrency ?? Infinity;
  child.opening = true;
  while (child.next < child.items.length && child.active < limit) {
    if (isFailing(frame) || turn.state.cancelled !== null) break;
    const index = child.next++;
    const item = newFrame(scope, frame, index, node.node.onError === "collect", child.items[index]);
    child.frames[index] = item;
    child.active++;
    openFrame(turn, item);
    if (scope.size === 0) leaveItem(turn, item);
  }
  child.opening = false;
  if (child.next === child.items.length && child.active === 0) {
    finishNode(turn, frame, node, child.results as readonly Json[]);
  }
}

/** Keeps what became of an item, forgets its frame, and opens the next. */
function leaveItem(turn: Turn, item: Frame): void {
  const frame = item.parent!;
  const node = turn.state.compiled.nodes[item.scope.owner]!;
  const child = frame.children!.get(node.local)!;
  invariant(node.node.kind === "each" && isSpread(child), "an item stands in an each");
  if (child.frames[item.item] !== item) return;
  const collects = node.node.onError === "collect";
  const result: Output = item.failure === null ? outputOf(turn.state, item) : { ok: false, error: item.failure };
  if (!result.ok && !collects) return failNode(turn, frame, node, result.error);
  if (result.ok)
    child.results[item.item] = collects ? { ok: true, value: result.output ?? null } : (result.output ?? null);
  else child.results[item.item] = { ok: false, error: collectedError(result.error) };
  if (item.open > 0) visitFrames(item, wakeNoMore);
  child.frames[item.item] = null;
  child.active--;
  if (child.opening) return;
  openItems(turn, frame, node, child);
  if (frame.waits[node.local] !== DONE) settle(turn, frame);
}

/** What sleeps in a frame that is given up is waited for by nobody. */
function wakeNoMore({ waits }: Frame): void {
  waits.forEach((wait, local) => {
    if (wait === ASLEEP) waits[local] = SUPPRESSED;
  });
}

function collectedError({ code, message, node }: RunError): Json {
  return { code, message, node };
}
