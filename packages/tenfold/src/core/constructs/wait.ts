/** `waitFor`: done with the signal that was kept for it, or that comes; given up when its time is over. */
import { formatDuration } from "../../value/duration.ts";
import { invariant } from "../../value/error.ts";
import type { SignalledEntry } from "../entry.ts";
import { pathOf } from "../path.ts";
import { addressAt, addressOf, awaitAt, awaitNoMore, keepSignal, takeKept, takeWaiting } from "../signals.ts";
import { FAILED, OPENED, type Place } from "../state.ts";
import type { Turn } from "../turn.ts";

/** Finishes a wait whose signal has come before it; else has it wait, and answers false. */
export function receive(turn: Turn, place: Place): boolean {
  const { state, at } = turn;
  const address = addressAt(state, place);
  const signal = takeKept(state, address, place, at);
  if (signal === undefined) awaitAt(state, address, place);
  else turn.moves.finishNode(turn, place.frame, place.node, signal.payload);
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
    turn.moves.finishNode(turn, place.frame, place.node, payload);
  }
}

/** No signal came in time: what is drawn for that runs, or the node has failed. */
export function giveUp(turn: Turn, place: Place): void {
  const { frame, node } = place;
  invariant(node.node.kind === "wait", "only a wait is given up");
  const { otherwise, signal, timeoutMs } = node.node;
  frame.waits[node.local] = otherwise === null ? FAILED : OPENED;
  awaitNoMore(turn.state, addressAt(turn.state, place));
  if (otherwise !== null) return turn.moves.openInner(turn, place, otherwise, false, undefined);
  const path = pathOf(turn.state.compiled, frame, node);
  const message = `${path} waited ${formatDuration(timeoutMs ?? 0)} for the signal "${signal}", and none came. Give it \`otherwise\`, or send one and retry the run: it waits as long again.`;
  turn.moves.failNode(turn, frame, node, { code: "SIGNAL_TIMED_OUT", message, node: path, attempt: 0 });
}
