/** `repeat`: a frame a round, each given what the one before put out, until it says that it is the last. */
import { describe } from "../../value/describe.ts";
import { invariant } from "../../value/error.ts";
import type { Json } from "../../value/json.ts";
import type { RunError } from "../entry.ts";
import { keepFrame } from "../marks.ts";
import { outputOf, valueOf } from "../output.ts";
import { pathOf } from "../path.ts";
import { isRounds } from "../opened.ts";
import { newFrame, opened, OPENED, type Frame, type Place, type Rounds, type RunState } from "../state.ts";
import type { Turn } from "../turn.ts";

/** Opens the first round; false where what it begins with cannot be computed. */
export function openRepeat(turn: Turn, place: Place): boolean {
  const { frame, node } = place;
  invariant(node.node.kind === "repeat", "only a repeat has rounds");
  const initial = valueOf(turn.state, frame, node.node.initial, node.node.id);
  if (!initial.ok) return false;
  const rounds: Rounds = { frames: [], from: 0, ahead: null, opening: false };
  opened(place, rounds);
  openRounds(turn, place, rounds, { index: 0, state: initial.output ?? null });
  return true;
}

/** Why the first round could not be opened. */
export function repeatProblem(state: RunState, { frame, node }: Place): RunError {
  invariant(node.node.kind === "repeat", "only a repeat has rounds");
  const initial = valueOf(state, frame, node.node.initial, node.node.id);
  invariant(!initial.ok, "a repeat whose first state is known is opened");
  return initial.error;
}

/** Opens a round, and those after it as long as each is over at once: without recursion, however many. */
function openRounds(turn: Turn, { frame, node }: Place, rounds: Rounds, first: NonNullable<Rounds["ahead"]>): void {
  invariant(node.node.kind === "repeat", "only a repeat has rounds");
  const scope = turn.state.compiled.scopes[node.node.body]!;
  rounds.opening = true;
  for (let ahead: Rounds["ahead"] = first; ahead !== null; ahead = rounds.ahead) {
    rounds.ahead = null;
    const round = newFrame(scope, frame, ahead.index, false, ahead.state);
    rounds.frames[ahead.index] = round;
    turn.moves.openFrame(turn, round);
    if (scope.size === 0) leaveRepeatRound(turn, round);
  }
  rounds.opening = false;
  if (frame.waits[node.local] === OPENED) turn.moves.settle(turn, frame);
}

/** A round is finished: it was the last, or the next one begins. */
export function leaveRepeatRound(turn: Turn, round: Frame): void {
  const frame = round.parent!;
  const node = turn.state.compiled.nodes[round.scope.owner]!;
  const rounds = frame.children!.get(node.local)!;
  invariant(node.node.kind === "repeat" && isRounds(rounds), "a round stands in a repeat");
  if (rounds.frames[round.item] !== round) return;
  const result = outputOf(turn.state, round);
  if (!result.ok) return turn.moves.failNode(turn, frame, node, result.error);
  const [state, isLast] = result.output as readonly [Json, Json];
  const { max, onMax } = node.node;
  if (typeof isLast !== "boolean") {
    const error = `its \`until\` came to ${describe(isLast)}, which is neither true nor false. Give it a condition, such as \`gte(…)\`.`;
    return turn.moves.failNode(turn, frame, node, problem(turn, { frame, node }, "EXPRESSION_INVALID", error));
  }
  const isOver = round.item + 1 - rounds.from >= max;
  if (!isLast && isOver && onMax === "fail") {
    const error = `its \`until\` did not hold after ${max} rounds, the most that it may take. Raise \`max\`, or give \`onMax: "last"\` to go on with the last state.`;
    return turn.moves.failNode(turn, frame, node, problem(turn, { frame, node }, "REPEAT_EXHAUSTED", error));
  }
  rounds.frames[round.item] = null;
  keepFrame(round);
  if (isLast || isOver) return turn.moves.finishNode(turn, frame, node, state);
  const ahead = { index: round.item + 1, state };
  if (rounds.opening) rounds.ahead = ahead;
  else openRounds(turn, { frame, node }, rounds, ahead);
}

/** A repeat that failed goes on behind its last round, with as many as it may take. */
export function repeatAgain(turn: Turn, { frame, node }: Place, rounds: Rounds): void {
  const last = rounds.frames.at(-1);
  frame.waits[node.local] = OPENED;
  rounds.from = rounds.frames.length;
  if (last?.open === 0) leaveRepeatRound(turn, last);
}

function problem({ state }: Turn, { frame, node }: Place, code: string, happened: string): RunError {
  const path = pathOf(state.compiled, frame, node);
  return { code, message: `${path}: ${happened}`, node: path, attempt: 0 };
}
