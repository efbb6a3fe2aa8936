/**
 * Signals of a run: those that came and were not waited for yet, and the nodes that wait.
 * Invariants: a signal goes to one node; among signals for the same thing the one that came first goes to the node that
 * has waited longest; none is received in a part of a run that is failing or was cancelled, but kept for when it is retried.
 */
import { evaluate } from "../flow/evaluate.ts";
import { describe } from "../value/describe.ts";
import { invariant, TenfoldError } from "../value/error.ts";
import { pathOf } from "./path.ts";
import { isFailing } from "./boundaries.ts";
import {
  ASLEEP,
  outputFrom,
  type KeptSignal,
  type Place,
  type RunState,
  type Signals,
  type WaitLine,
} from "./state.ts";

/** A line of waits that is no longer is not worth bounding. */
const LINE_LEAST = 16;

/** What a signal and a wait have in common where the one is meant for the other. */
export function addressOf(signal: string, whom: string | null): string {
  return whom === null ? signal : `${signal} ${whom}`;
}

/** The address at which a node waits; throws a TenfoldError where what it is for is neither text nor number. */
export function addressAt(state: RunState, { frame, node }: Place): string {
  invariant(node.node.kind === "wait", "only a wait has an address");
  const { signal, for: whom, id } = node.node;
  if (whom === null) return signal;
  const value = evaluate(whom, outputFrom(state.compiled, frame));
  if (typeof value === "string" || typeof value === "number") return addressOf(signal, String(value));
  throw new TenfoldError(
    "EXPRESSION_INVALID",
    `${id} waits for the signal "${signal}" for ${describe(value)}, and no signal can be for that. Give \`for\` a text or a number.`,
    { facts: { node: id, signal } },
  );
}

/** Takes the first signal that was kept for `address`, for `place`. */
export function takeKept(state: RunState, address: string, place: Place, at: number): KeptSignal | undefined {
  const { signals } = state;
  const kept = signals?.kept.get(address);
  const first = kept?.shift();
  if (signals === null || first === undefined) return undefined;
  if (kept!.length === 0) signals.kept.delete(address);
  const node = pathOf(state.compiled, place.frame, place.node);
  signals.received.push({ node, message: first.message, at });
  return first;
}

/** The node waits at `address` from now on. */
export function awaitAt(state: RunState, address: string, place: Place): void {
  const { waiting } = signalsOf(state);
  const line = waiting.get(address);
  if (line === undefined) return void waiting.set(address, { places: [place], first: 0, sweepAt: LINE_LEAST });
  if (line.places.length >= line.sweepAt) sweep(line);
  line.places.push(place);
}

/** The node at `address` has waited in vain. */
export function awaitNoMore({ signals }: RunState, address: string): void {
  const line = signals?.waiting.get(address);
  if (signals === null || line === undefined) return;
  // One that is short is looked through at once, so that an address at which nobody waits is forgotten.
  if (line.places.length <= LINE_LEAST) sweep(line);
  if (line.places.length === 0) signals.waiting.delete(address);
}

/** What is about to wait anew shall not be found where it waited before. */
export function forgetVainWaits({ signals }: RunState): void {
  for (const line of signals?.waiting.values() ?? []) sweep(line);
}

/** Takes those off that wait no more; each costs its part of those that came since the last time. */
function sweep(line: WaitLine): void {
  line.places = line.places.slice(line.first).filter(isWaiting);
  line.first = 0;
  line.sweepAt = Math.max(LINE_LEAST, 2 * line.places.length);
}

/** Keeps a signal that came. */
export function keepSignal(state: RunState, address: string, signal: KeptSignal): void {
  const { kept } = signalsOf(state);
  const others = kept.get(address);
  if (others === undefined) kept.set(address, [signal]);
  else others.push(signal);
}

/** Takes the node that has waited longest at `address`, of those that may have a signal now, off the waiting ones. */
export function takeWaiting(state: RunState, address: string): Place | undefined {
  const line = state.signals?.waiting.get(address);
  if (line === undefined || state.cancelled !== null) return undefined;
  const { places } = line;
  while (line.first < places.length && !isWaiting(places[line.first]!)) line.first++;
  for (let index = line.first; index < places.length; index++) {
    const place = places[index]!;
    if (!isWaiting(place) || isFailing(place.frame)) continue;
    if (index === line.first) line.first++;
    else places.splice(index, 1);
    if (line.first > places.length / 2) sweep(line);
    return place;
  }
  if (line.first === places.length) state.signals!.waiting.delete(address);
  return undefined;
}

/** Addresses at which signals are kept. */
export function keptAddresses({ signals }: RunState): string[] {
  return signals === null ? [] : [...signals.kept.keys()];
}

function isWaiting({ frame, node }: Place): boolean {
  return frame.waits[node.local] === ASLEEP;
}

function signalsOf(state: RunState): Signals {
  return (state.signals ??= { kept: new Map(), waiting: new Map(), received: [] });
}
