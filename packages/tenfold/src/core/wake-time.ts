/** When a sleep is over: a function of the entry that began it, so that it is the same after every restart. */
import { evaluate } from "../flow/evaluate.ts";
import { invariant } from "../value/error.ts";
import { instantMs } from "../value/instant.ts";
import { outputFrom, type Place, type RunState } from "./state.ts";

/** Ms since 1970; throws a TenfoldError where the moment is none. */
export function wakeTime(state: RunState, { frame, node }: Place): number {
  invariant(node.node.kind === "sleep", "only a sleep has its time");
  const { until } = node.node;
  if ("forMs" in until) return frame.readyAt[node.local]! + until.forMs;
  return instantMs(evaluate(until.at, outputFrom(state.compiled, frame)), `the moment of ${node.node.id}`);
}
