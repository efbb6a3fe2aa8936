/** `attempt`: a body at which failures stop, and what is done instead once all of it has come to rest. */
import { invariant } from "../../value/error.ts";
import { isBeingUndone, keepFrame } from "../marks.ts";
import { errorJson, outputOf } from "../output.ts";
import type { Frame, Place } from "../state.ts";
import type { Turn } from "../turn.ts";
import { beginUndo, hasUndoable, undoProblem } from "../undo.ts";
import { giveUpFrame } from "./call.ts";

export function openAttempt(turn: Turn, place: Place): void {
  invariant(place.node.node.kind === "attempt", "only an attempt is attempted");
  turn.moves.openInner(turn, place, place.node.node.body, true, undefined);
}

/** The body, or the handler, is finished; or the body has failed, and nothing of it runs any more. */
export function leaveAttempt(turn: Turn, inner: Frame): void {
  const frame = inner.parent!;
  const node = turn.state.compiled.nodes[inner.scope.owner]!;
  invariant(node.node.kind === "attempt", "what is left here is part of an attempt");
  if (frame.children!.get(node.local) !== inner) return;
  const isBody = inner.scope.index === node.node.body;
  const result = inner.failure === null ? outputOf(turn.state, inner) : ({ ok: false, error: inner.failure } as const);
  if (result.ok) return turn.moves.finishNode(turn, frame, node, result.output);
  if (!isBody) return turn.moves.failNode(turn, frame, node, result.error);
  // What is around it is undone, with all that the body did: a retry tries the body again.
  if (isBeingUndone(frame)) return turn.moves.settle(turn, frame);
  // Nor does whoever cancels wait for that.
  const isUndone = node.node.undo !== false && hasUndoable(inner);
  if (isUndone && turn.state.cancelled !== null) return turn.moves.settle(turn, frame);
  inner.failure ??= result.error;
  if (inner.open > 0) giveUpFrame(turn, inner);
  if (isUndone) return beginUndo(turn, inner);
  const problem = undoProblem(turn.state, inner, node);
  if (problem !== undefined) return turn.moves.failNode(turn, frame, node, problem);
  if (node.node.undo === false) keepFrame(inner);
  turn.moves.openInner(turn, { frame, node }, node.node.handler, false, errorJson(result.error));
}
