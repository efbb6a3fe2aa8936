/** `attempt`: a body at which failures stop, and what is done instead once all of it has come to rest. */
import { invariant } from "../../value/error.ts";
import type { Json } from "../../value/json.ts";
import { errorJson, outputOf } from "../output.ts";
import { newFrame, OPENED, type Frame, type Place } from "../state.ts";
import type { Turn } from "../turn.ts";
import { giveUpFrame } from "./call.ts";

export function openAttempt(turn: Turn, place: Place): void {
  invariant(place.node.node.kind === "attempt", "only an attempt is attempted");
  enter(turn, place, place.node.node.body, undefined);
}

function enter(turn: Turn, { frame, node }: Place, scope: number, given: Json | undefined): void {
  invariant(node.node.kind === "attempt", "only an attempt is attempted");
  const inner = newFrame(turn.state.compiled.scopes[scope]!, frame, -1, scope === node.node.body, given);
  frame.waits[node.local] = OPENED;
  frame.children ??= new Map();
  frame.children.set(node.local, inner);
  turn.moves.enterFrame(turn, inner);
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
  if (inner.open > 0) giveUpFrame(turn, inner);
  enter(turn, { frame, node }, node.node.handler, errorJson(result.error));
}
