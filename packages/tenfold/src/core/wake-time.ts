/** When what sleeps is to wake: a function of the entry that began it, so that it is the same after every restart. */
import { evaluate } from "../flow/evaluate.ts";
import { businessDaysLater } from "../value/business-days.ts";
import { invariant } from "../value/error.ts";
import { instantMs } from "../value/instant.ts";
import { isRequest } from "./opened.ts";
import { outputFrom, type Place, type RunState } from "./state.ts";

/** When a wait without a timeout is over: the last moment that a `Date` can tell (ms since 1970). */
export const NEVER = 8.64e15;

/** A time as it is told: null for never. */
export function orNull(at: number): number | null {
  return at === NEVER ? null : at;
}

/** Ms since 1970; throws a TenfoldError where the moment is none. */
export function wakeTime(state: RunState, place: Place): number {
  const { frame, node } = place;
  const readyAt = frame.readyAt[node.local]!;
  if (node.node.kind === "call") return NEVER;
  if (node.node.kind === "wait") return node.node.timeoutMs === null ? NEVER : readyAt + node.node.timeoutMs;
  if (node.node.kind === "approval") return Math.min(...Object.values(approvalTimes(place)));
  invariant(node.node.kind === "sleep", "only what sleeps wakes");
  const { until } = node.node;
  if ("forMs" in until) return readyAt + until.forMs;
  if ("businessDays" in until) return businessDaysLater(until.calendar, readyAt, until.businessDays);
  return instantMs(evaluate(until.at, outputFrom(state.compiled, frame)), `the moment of ${node.node.id}`);
}

/** When an approval is over, escalated and shown again; NEVER where it is not. */
export function approvalTimes({
  frame,
  node,
}: Place): Readonly<Record<"timed-out" | "escalated" | "reminded", number>> {
  const request = frame.children?.get(node.local);
  invariant(node.node.kind === "approval" && request !== undefined && isRequest(request), "an approval was asked for");
  const { timeoutMs, escalate, remindMs } = node.node;
  const readyAt = frame.readyAt[node.local]!;
  return {
    "timed-out": timeoutMs === null ? NEVER : readyAt + timeoutMs,
    escalated: escalate === null || request.isEscalated ? NEVER : readyAt + escalate.afterMs,
    reminded: remindMs === null ? NEVER : request.shownAt + remindMs,
  };
}
