/**
 * A step that is called at most once: its attempt is begun before its body is called, and is over when it is known what came
 * of it.
 * Invariants: what was begun and has no result is never called again, whatever becomes of its worker and its run, before a
 * person has said that it did not happen; so a body that is called once has one undertaking for each time that it may be.
 */
import type { Command } from "../command.ts";
import type { BegunEntry, ResolvedEntry, RunError, UnsureEntry } from "../entry.ts";
import { isBeingUndone, keyAt, touch } from "../marks.ts";
import { pathOf } from "../path.ts";
import { ASLEEP, SUPPRESSED, type Child, type Frame, type Place, type RunState, type Undertaking } from "../state.ts";
import type { Turn } from "../turn.ts";
import { NEVER } from "../wake-time.ts";
import { tokenOf } from "./approval.ts";

/** Nothing of it is part of the run's graph. */
const NO_FRAMES: readonly Frame[] = [];

/** The attempt may happen from now on. */
export function begun(turn: Turn, place: Place, entry: BegunEntry): void {
  const { frame, node } = place;
  // The pause before it, if it is not the first attempt, is over.
  frame.waits[node.local] = 0;
  frame.children ??= new Map();
  frame.children.set(node.local, undertaken(turn.state, place, entry));
  touch(frame, node);
  turn.commands.push({ kind: "perform", place, attempt: entry.attempt });
}

function undertaken(
  state: RunState,
  place: Place,
  { node, attempt, at: begunAt }: Pick<BegunEntry, "node" | "attempt" | "at">,
): Undertaking {
  return { attempt, begunAt, key: keyAt(state, node, place), doubt: null, frames: NO_FRAMES };
}

/** Nobody knows whether it happened: it sleeps until somebody says so. The node was open, and is counted no more. */
export function unsure(turn: Turn, place: Place, entry: UnsureEntry): void {
  const { state } = turn;
  const { frame, node } = place;
  const undertaking = undertakingAt(place) ?? undertaken(state, place, entry);
  undertaking.doubt = entry.error;
  touch(frame, node);
  (frame.children ??= new Map()).set(node.local, undertaking);
  if (state.cancelled === null) {
    frame.waits[node.local] = ASLEEP;
    (state.unsure ??= new Map()).set(undertaking, place);
    turn.commands.push({ kind: "sleep", place, until: NEVER });
  } else frame.waits[node.local] = SUPPRESSED;
  turn.moves.settle(turn, frame);
}

/** Somebody says whether it happened. What is not asked, or was answered before, is not moved by it. */
export function resolved(turn: Turn, place: Place | undefined, entry: ResolvedEntry): void {
  const undertaking = place && openDoubt(place);
  if (place === undefined || undertaking === undefined || undertaking.attempt !== entry.attempt) return;
  const { frame, node } = place;
  turn.state.unsure?.delete(undertaking);
  forgetUndertaking(place);
  if (entry.happened) return turn.moves.finishNode(turn, frame, node, entry.output);
  // It counts in the number of the next attempt, not against the policy: no attempt has failed.
  frame.retries ??= new Map();
  frame.retries.set(node.local, { attempts: 0, before: entry.attempt, at: turn.at, error: undertaking.doubt! });
  turn.moves.openNode(turn, frame, node);
}

/** What came of it is known: it has happened, was taken back, or has not happened. True if there was one. */
export function forgetUndertaking(place: Place): boolean {
  const { frame, node } = place;
  if (undertakingAt(place) === undefined) return false;
  frame.children!.delete(node.local);
  frame.marks?.touched.delete(node.local);
  return true;
}

/** What a step asks for that was begun; undefined: it was not. */
export function commandForBegun(state: RunState, place: Place): Command | undefined {
  const undertaking = undertakingAt(place);
  if (undertaking === undefined) return undefined;
  if (place.frame.waits[place.node.local] === ASLEEP) return { kind: "sleep", place, until: NEVER };
  const { attempt } = undertaking;
  return { kind: "doubt", place, attempt, error: undertaking.doubt ?? cutOff(state, place, attempt) };
}

function cutOff(state: RunState, { frame, node }: Place, attempt: number): RunError {
  const message = "It was begun, and its worker was gone before anything came of it.";
  return { code: "ATTEMPT_CUT_OFF", message, node: pathOf(state.compiled, frame, node), attempt };
}

/** What was begun at this place, and has no result: it may have happened. */
function undertakingAt({ frame, node }: Place): Undertaking | undefined {
  const child = frame.children?.get(node.local);
  return child !== undefined && isUndertaking(child) ? child : undefined;
}

/** What a person is asked about now; while its frame is undone nobody is. */
export function openDoubt(place: Place): (Undertaking & { readonly doubt: RunError }) | undefined {
  const undertaking = undertakingAt(place);
  if (undertaking === undefined || undertaking.doubt === null || !sleeps(place)) return undefined;
  return isBeingUndone(place.frame) ? undefined : (undertaking as Undertaking & { readonly doubt: RunError });
}

function sleeps({ frame, node }: Place): boolean {
  return frame.waits[node.local] === ASLEEP;
}

/** Names one attempt of a step for people, who say what came of it: no later one has this name, also where its node began anew. */
export function doubtToken(state: RunState, place: Place, attempt: number): string {
  return `${tokenOf(state, place)}:${attempt}`;
}

export function isUndertaking(child: Child): child is Undertaking {
  return "begunAt" in child;
}

/** Whether people are asked about any attempt of the run. */
export function hasDoubt({ unsure }: RunState): boolean {
  if (unsure === null) return false;
  // One that is not open, because its run was cancelled, is open again once that goes on.
  for (const [undertaking, place] of unsure) if (openDoubt(place) === undertaking) return true;
  return false;
}

export interface OpenDoubt {
  readonly node: string;
  readonly token: string;
  readonly place: Place;
  readonly attempt: number;
  readonly begunAt: number;
  /** Of the key that its body was given, as in `Born`. */
  readonly key: number;
  readonly error: RunError;
}

/** The attempts of a run of which people have to say whether they happened, in the order in which that was asked. */
export function openDoubts(state: RunState): readonly OpenDoubt[] {
  if (state.unsure === null) return [];
  return [...state.unsure.values()].flatMap((place) => {
    const undertaking = openDoubt(place);
    if (undertaking === undefined) return [];
    const { attempt, begunAt, key, doubt: error } = undertaking;
    const token = doubtToken(state, place, attempt);
    return { node: pathOf(state.compiled, place.frame, place.node), token, place, attempt, begunAt, key, error };
  });
}
