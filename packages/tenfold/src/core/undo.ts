/**
 * Compensation: what finished below a boundary that has failed and come to rest is undone, in reverse of the graph's order.
 * Invariants: an undo begins only when all that used its node's result is undone, or was given up; each node is undone at
 * most once a generation; while anything of a boundary is undone the boundary counts as at work.
 */
import { invariant } from "../value/error.ts";
import type { Command } from "./command.ts";
import type { CompiledNode } from "./compile.ts";
import type { RunError, UndoFailedEntry, UndoOutcome } from "./entry.ts";
import { framesBelow, isBeingUndone, marksOf, visitAllFrames } from "./marks.ts";
import { pathOf } from "./path.ts";
import { countOpen } from "./boundaries.ts";
import { forgetUndertaking } from "./constructs/undertaking.ts";
import {
  ASLEEP,
  DONE,
  FAILED,
  SUPPRESSED,
  UNDO_FAILED,
  UNDONE,
  type Frame,
  type GoOn,
  type Place,
  type RunState,
  type Undo,
  type Undoing,
} from "./state.ts";
import type { Turn } from "./turn.ts";

/** The nodes whose undo failed that an error names. */
const NAMED_MAX = 20;

/** Whether something below `frame`, and in it, is to be undone. */
export function hasUndoable(frame: Frame): boolean {
  return frame.scope.holdsUndo && wavesOf(frame, isUndoable).length > 0;
}

/** Begins to undo what finished in the boundary and below. */
export function beginUndo(turn: Turn, boundary: Frame): void {
  start(turn, boundary, wavesOf(boundary, isUndoable), null);
}

/** Whether something in `frame`, or below, could not be undone. */
export function hasStuck(frame: Frame): boolean {
  return frame.scope.holdsUndo && wavesOf(frame, isStuck).length > 0;
}

/** Tries once more what could not be undone, before the run goes on. */
export function undoAgain(turn: Turn, thenGoesOn: GoOn): void {
  start(turn, turn.state.root, wavesOf(turn.state.root, isStuck), thenGoesOn);
}

function start(turn: Turn, boundary: Frame, waves: Place[][], thenGoesOn: GoOn | null): void {
  const undoing: Undoing = { boundary, waves, open: 0, thenGoesOn };
  marksOf(boundary).undoing = undoing;
  countOpen(boundary, 1);
  openWave(turn, undoing);
}

function isUndoable(frame: Frame, node: CompiledNode): boolean {
  const waits = frame.waits[node.local];
  if (waits === DONE) return true;
  // What sleeps and was touched may have happened.
  return (
    (waits === FAILED || waits === SUPPRESSED || waits === ASLEEP) && frame.marks?.touched.has(node.local) === true
  );
}

/** It could not be undone, and what is around it is not being undone any more. */
function isStuck(frame: Frame, node: CompiledNode): boolean {
  return frame.waits[node.local] === UNDO_FAILED && !isBeingUndone(frame);
}

type IsWanted = (frame: Frame, node: CompiledNode) => boolean;

/** In the order in which they came about: what may have used others stands in a later wave. */
function wavesOf(frame: Frame, isWanted: IsWanted): Place[][] {
  const waves: Place[][] = [];
  for (const level of frame.scope.undoLevels) {
    const sideBySide: Place[][] = [];
    for (const node of level) merge(sideBySide, wavesOfNode(frame, node, isWanted));
    for (const wave of sideBySide) waves.push(wave);
  }
  return waves;
}

function wavesOfNode(frame: Frame, node: CompiledNode, isWanted: IsWanted): Place[][] {
  if (node.hasUndo) return isWanted(frame, node) ? [[{ frame, node }]] : [];
  const frames = framesBelow(frame, node.local);
  const { kind } = node.node;
  if (kind !== "each") return frames.toSorted((a, b) => orderOf(node, a) - orderOf(node, b)).flatMap((inner) => wavesOf(inner, isWanted)); // prettier-ignore
  const waves: Place[][] = [];
  for (const inner of frames) merge(waves, wavesOf(inner, isWanted));
  return waves;
}

/** Rounds, and requests that were shown, follow each other; a handler follows the body that was kept. */
function orderOf({ node }: CompiledNode, inner: Frame): number {
  return node.kind === "attempt" ? Number(inner.scope.index === node.handler) : inner.item;
}

function merge(into: Place[][], waves: readonly Place[][]): void {
  waves.forEach((wave, index) => {
    const known = (into[index] ??= []);
    for (const place of wave) known.push(place);
  });
}

function openWave(turn: Turn, undoing: Undoing): void {
  const { state, at: since, commands } = turn;
  const wave = undoing.waves.pop()!;
  undoing.open = wave.length;
  state.undos ??= new Map();
  for (const place of wave) {
    const path = pathOf(state.compiled, place.frame, place.node);
    const before = place.frame.marks?.undoAttempts.get(place.node.local) ?? 0;
    const undo: Undo = { place, path, of: undoing, since, attempts: 0, before, at: 0, error: null, isOver: false };
    invariant(!state.undos.has(path), `${path} is undone once at a time`);
    state.undos.set(path, undo);
    commands.push(undoCommand(undo));
  }
}

/** What an undo that is not over asks for. */
export function undoCommand(undo: Undo): Command {
  return { kind: "undo", place: undo.place, undo, attempt: undoAttempt(undo), until: undo.at };
}

/** The number of its next attempt. */
export function undoAttempt({ before, attempts }: Undo): number {
  return before + attempts + 1;
}

function mustBeOpen({ undos }: RunState, path: string): Undo {
  const undo = undos?.get(path);
  invariant(undo !== undefined, `the journal's node ${path} is being undone`);
  return undo;
}

/** What the node did was taken back; answers how the run is to go on, if it is to now. */
export function undone(turn: Turn, path: string): GoOn | null {
  const undo = mustBeOpen(turn.state, path);
  const { frame, node } = undo.place;
  // It is to be done again before its frame is finished.
  if (hadResult(undo.place)) frame.open++;
  forgetUndertaking(undo.place);
  frame.waits[node.local] = UNDONE;
  (turn.state.keysLeast ??= new Map()).set(path, turn.state.resets + 1);
  return over(turn, undo);
}

function hadResult({ frame, node }: Place): boolean {
  return frame.waits[node.local] === DONE;
}

/** An attempt to undo a node failed: it is made again, or given up; as `undone`. */
export function undoFailed(turn: Turn, { node: path, error, retryAt }: UndoFailedEntry): GoOn | null {
  const undo = mustBeOpen(turn.state, path);
  const { frame, node } = undo.place;
  undo.attempts++;
  undo.error = error;
  if (retryAt !== null) {
    undo.at = retryAt;
    turn.commands.push(undoCommand(undo));
    return null;
  }
  marksOf(frame).undoAttempts.set(node.local, undo.before + undo.attempts);
  if (hadResult(undo.place)) frame.open++;
  frame.waits[node.local] = UNDO_FAILED;
  return over(turn, undo);
}

function over(turn: Turn, undo: Undo): GoOn | null {
  const { of: undoing, path } = undo;
  const { boundary, waves, thenGoesOn } = undoing;
  undo.isOver = true;
  turn.state.undos!.delete(path);
  if (--undoing.open > 0) return null;
  if (waves.length > 0) {
    openWave(turn, undoing);
    return null;
  }
  marksOf(boundary).undoing = null;
  countOpen(boundary, -1);
  if (thenGoesOn !== null && turn.state.cancelled === null && stuckIn(turn.state, boundary).length === 0)
    return thenGoesOn;
  turn.moves.settle(turn, boundary);
  return null;
}

/** Paths of the nodes in `frame`, and below, that could not be undone. */
function stuckIn(state: RunState, frame: Frame): readonly string[] {
  const paths: string[] = [];
  for (const wave of wavesOf(frame, isStuck)) {
    for (const place of wave) paths.push(pathOf(state.compiled, place.frame, place.node));
  }
  return paths;
}

/** Why an attempt cannot go on with its handler: not all of its body could be undone. */
export function undoProblem(state: RunState, body: Frame, { node }: CompiledNode): RunError | undefined {
  const stuck = body.scope.holdsUndo ? stuckIn(state, body) : [];
  if (stuck.length === 0) return undefined;
  const named = stuck.length > NAMED_MAX ? `${stuck.length} nodes, such as ${stuck[0]}` : stuck.join(", ");
  const path = pathOf(state.compiled, body.parent!, state.compiled.nodes[body.scope.owner]!);
  const message = `${path} failed at ${body.failure?.node ?? node.id}, and not all that it had done could be undone: ${named}. Its handler was not begun. Mend what the undo needs and retry the run: that is undone first, and then ${path} runs again.`;
  return { code: "UNDO_INCOMPLETE", message, node: path, attempt: 0 };
}

/** What came of undoing a run; undefined where nothing of it was undone. */
export function undoOutcome({ compiled, root }: RunState): UndoOutcome | undefined {
  if (!root.scope.holdsUndo) return undefined;
  let undone = 0;
  let failed = 0;
  const nodes: string[] = [];
  visitAllFrames(root, (frame) => {
    for (const node of frame.scope.nodes) {
      if (frame.waits[node.local] === UNDONE) undone++;
      if (frame.waits[node.local] !== UNDO_FAILED) continue;
      failed++;
      if (nodes.length < NAMED_MAX) nodes.push(pathOf(compiled, frame, node));
    }
  });
  return undone + failed === 0 ? undefined : { undone, failed, nodes };
}
