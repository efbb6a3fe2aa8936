/** When a sleep, or the patience of a wait, is over: a function of the entry that began it, so that it is the same after every restart. */
import { evaluate } from "../flow/evaluate.ts";
import { invariant } from "../value/error.ts";
import { instantMs } from "../value/instant.ts";
import { outputFrom, type Place, type RunState } from "./state.ts";

/** When a wait without a timeout is over: the last moment that a `Date` can tell (ms since 1970). */
export const NEVER = 8.64e15;

/** Ms since 1970; throws a TenfoldError where the moment is none. */
export function wakeTime(state: RunState, { frame, node }: Place): number {
  const readyAt = frame.readyAt[node.local]!;
  if (node.node.kind === "wait") return node.node.timeoutMs === null ? NEVER : readyAt + node.node.timeoutMs;
  invariant(node.node.kind === "sleep", "only a sleep or a wait has its time");
  const { until } = node.node;
  if ("forMs" in until) return readyAt + until.forMs;
  return instantMs(evaluate(until.at, outputFrom(state.compiled, frame)), `the moment of ${node.node.id}`);
}
