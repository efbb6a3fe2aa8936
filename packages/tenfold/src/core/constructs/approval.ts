/**
 * `approval`: asked of people, shown again and escalated in time, done when enough of them have approved, one has
 * refused, or its time is over. Who may decide is settled when it is asked, and said here once.
 */
import { describe } from "../../value/describe.ts";
import { invariant, TenfoldError } from "../../value/error.ts";
import type { Json } from "../../value/json.ts";
import type { Template } from "../../flow/graph.ts";
import type { DecidedEntry, RunError } from "../entry.ts";
import { keepFrame } from "../marks.ts";
import { evaluationError } from "../output.ts";
import { evaluate } from "../../flow/evaluate.ts";
import { namesDecider } from "../../value/plain-name.ts";
import { pathOf } from "../path.ts";
import { isRequest } from "../opened.ts";
import {
  ASLEEP,
  bornOf,
  keepChild,
  newFrame,
  OPENED,
  outputFrom,
  type Frame,
  type Place,
  type Request,
  type RunState,
} from "../state.ts";
import type { Turn } from "../turn.ts";
import { approvalTimes, wakeTime } from "../wake-time.ts";
import { addRequest, decidersOf, escalate, removeRequest } from "../asked.ts";
import { giveUpFrame, stopFrame } from "./call.ts";

/** What somebody says to a request. */
export type Decision = Pick<DecidedEntry, "verdict" | "by" | "roles" | "comment" | "generation">;

/** Asks; false where what is asked, or who may decide, cannot be told, or nobody may. */
export function openApproval(turn: Turn, place: Place): boolean {
  const { frame, node } = place;
  let request: Request;
  try {
    request = requestOf(turn, place);
  } catch (thrown) {
    if (thrown instanceof TenfoldError) return false;
    throw thrown;
  }
  frame.waits[node.local] = ASLEEP;
  keepChild(frame, node, request);
  addRequest(turn.state, request, place);
  ask(turn, place, request, "asked");
  return true;
}

/** Why it could not be asked. */
export function approvalProblem(state: RunState, place: Place): RunError {
  try {
    requestOf({ state, at: 0 }, place);
  } catch (thrown) {
    return evaluationError(thrown, place.node.node.id);
  }
  throw new TenfoldError("INVARIANT_BROKEN", "An approval that can be asked for is.");
}

function requestOf({ state, at }: Pick<Turn, "state" | "at">, { frame, node }: Place): Request {
  invariant(node.node.kind === "approval", "only an approval is asked for");
  const { ask, by, not, escalate, atLeast, id } = node.node;
  const read = (template: Template): Json | undefined => evaluate(template, outputFrom(state.compiled, frame));
  const people = (template: Template | null, role: string): readonly string[] | null =>
    template === null ? null : peopleOf(read(template), id, role);
  const request: Request = {
    ask: read(ask) ?? null,
    by: people(by, "by"),
    not: people(not, "not") ?? [],
    atLeast,
    later: people(escalate?.to ?? null, "escalate.to") ?? [],
    approvals: [],
    frames: [],
    isEscalated: false,
    shownAt: at,
    outcome: undefined,
  };
  mustBePossible(request, id);
  return request;
}

function peopleOf(given: Json | undefined, id: string, role: string): readonly string[] {
  const list = Array.isArray(given) ? (given as readonly Json[]) : [given];
  if (list.every((name): name is string => namesDecider(name))) return list;
  throw new TenfoldError(
    "APPROVAL_INVALID",
    `${id} is given ${describe(given)} as \`${role}\`, which names nobody; nobody was asked. Give a name of up to 100 characters, a role such as "role:finance", or a list of them.`,
    { facts: { node: id, role } },
  );
}

/** Without roles it is known how many there are who may decide; a role may have any number of people. */
function mustBePossible({ by, later, not, atLeast }: Request, id: string): void {
  if (by === null) return;
  const named = new Set([...by, ...later].filter((name) => !not.includes(name)));
  if ([...named].some(isRole) || named.size >= atLeast) return;
  const who = named.size === 0 ? "nobody" : `only ${[...named].join(", ")}`;
  throw new TenfoldError(
    "APPROVAL_IMPOSSIBLE",
    `${id} needs ${atLeast === 1 ? "an approval" : `${atLeast} approvals`}, and ${who} may give ${atLeast === 1 ? "it" : "them"}; nobody was asked. Name more people, or ask for fewer.`,
    { facts: { node: id, by, not, atLeast } },
  );
}

export function isRole(name: string): boolean {
  return name.startsWith("role:");
}

/** Why somebody may not decide; undefined if they may. */
export function decisionProblem(
  request: Request,
  { by, roles, verdict }: Pick<Decision, "by" | "roles" | "verdict">,
): string | undefined {
  if (isRole(by)) return `${by} is the name of a role, and of nobody`;
  const names = [by, ...roles.map((role) => `role:${role}`)];
  if (request.not.some((name) => names.includes(name))) return `${by} is one of those who may not decide`;
  const deciders = decidersOf(request);
  if (deciders !== null && !deciders.some((name) => names.includes(name)))
    return `${by} is none of those who may decide (${deciders.join(", ")})`;
  const isTwice = verdict === "approved" && request.approvals.some((approval) => approval.by === by);
  return isTwice ? `${by} has approved before, and counts once` : undefined;
}

/** Shows the request, if there is how, and says when it has to be looked at again. */
function ask(turn: Turn, place: Place, request: Request, reason: "asked" | "reminded" | "escalated"): void {
  const { frame, node } = place;
  invariant(node.node.kind === "approval", "only an approval is asked for");
  request.shownAt = turn.at;
  turn.commands.push({ kind: "sleep", place, until: wakeTime(turn.state, place) });
  if (node.node.show === null) return;
  const given: Json = {
    token: tokenOf(turn.state, place),
    ask: request.ask,
    to: decidersOf(request) ?? [],
    reason,
  };
  const shown = newFrame(turn.state.compiled.scopes[node.node.show]!, frame, request.frames.length, true, given);
  request.frames.push(shown);
  turn.moves.enterFrame(turn, shown);
}

/** What names the request for whoever decides; another one of the same approval, after a reset, has another. */
export function tokenOf({ run, compiled }: RunState, { frame, node }: Place): string {
  const { generation } = bornOf(frame, node.local);
  return `${run}:${pathOf(compiled, frame, node)}${generation === 0 ? "" : `#${generation}`}`;
}

/** What is due of an approval at this time, if anything is. */
export function dueOf(place: Place, now: number): "timed-out" | "escalated" | "reminded" | undefined {
  const times = approvalTimes(place);
  return (["timed-out", "escalated", "reminded"] as const).find((kind) => times[kind] <= now);
}

/** Its time has come: it is over, or shown again. */
export function wakeApproval(turn: Turn, place: Place, kind: "timed-out" | "escalated" | "reminded"): void {
  const request = openRequest(place);
  invariant(request !== undefined, "an approval that wakes was asked for and not decided");
  if (kind === "timed-out") return conclude(turn, place, request, outcome(request, "timed-out", null, null));
  if (kind === "escalated") escalate(turn.state, request);
  ask(turn, place, request, kind);
}

/** Somebody decided. What may not be, or comes too late, changes nothing. */
export function decide(turn: Turn, place: Place | undefined, decision: Decision): void {
  const request = place && openRequest(place);
  if (place === undefined || request === undefined || decisionProblem(request, decision) !== undefined) return;
  const { verdict, by, comment, generation = 0 } = decision;
  if (bornOf(place.frame, place.node.local).generation !== generation) return;
  if (verdict === "refused") return conclude(turn, place, request, outcome(request, "refused", by, comment));
  request.approvals.push({ by, comment });
  if (request.approvals.length < request.atLeast) return;
  conclude(turn, place, request, outcome(request, "approved", by, comment));
}

function outcome({ approvals }: Request, said: string, by: string | null, comment: string | null): Json {
  return { outcome: said, by, comment, approvals: approvals.map(({ by, comment }) => ({ by, comment })) };
}

/** The request of an approval that was asked for and not decided. */
export function openRequest({ frame, node }: Place): Request | undefined {
  const child = frame.children?.get(node.local);
  if (child === undefined || !isRequest(child) || frame.waits[node.local] !== ASLEEP) return undefined;
  return child;
}

/** It is decided: whoever is still being shown it need not be. */
function conclude(turn: Turn, place: Place, request: Request, outcome: Json): void {
  request.outcome = outcome;
  removeRequest(turn.state, request);
  place.frame.waits[place.node.local] = OPENED;
  for (const shown of request.frames) if (shown !== null) dismissShown(turn, shown);
  finishOnceShown(turn, place, request);
}

function dismissShown(turn: Turn, shown: Frame): void {
  stopFrame(turn, shown);
  if (shown.running === 0) leaveShown(turn, shown);
}

/** It was shown, or that failed; or it is decided and nothing of this runs any more. */
export function leaveShown(turn: Turn, shown: Frame): void {
  const frame = shown.parent!;
  const node = turn.state.compiled.nodes[shown.scope.owner]!;
  const request = frame.children!.get(node.local)!;
  invariant(isRequest(request), "what is shown belongs to an approval");
  if (request.frames[shown.item] !== shown) return;
  if (shown.open > 0) giveUpFrame(turn, shown);
  request.frames[shown.item] = null;
  keepFrame(shown);
  const place = { frame, node };
  if (request.outcome !== undefined) return finishOnceShown(turn, place, request);
  if (shown.failure === null) return turn.moves.settle(turn, frame);
  removeRequest(turn.state, request);
  turn.moves.failNode(turn, frame, node, shown.failure);
}

function finishOnceShown(turn: Turn, { frame, node }: Place, request: Request): void {
  if (frame.waits[node.local] !== OPENED || request.frames.some((shown) => shown !== null)) return;
  turn.moves.finishNode(turn, frame, node, request.outcome);
}

/** An approval that failed because it could not be shown is asked again. */
export function askAgain(turn: Turn, place: Place, request: Request): void {
  place.frame.waits[place.node.local] = ASLEEP;
  addRequest(turn.state, request, place);
  // As a wait that came to nothing, it waits as long again.
  place.frame.readyAt[place.node.local] = turn.at;
  ask(turn, place, request, "asked");
}
