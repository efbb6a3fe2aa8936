/**
 * `each`: an item's frame for each item, as many at once as may be; its results in order. One that has enough goes on, and its
 * frame waits for the items that are left.
 */
import { describe } from "../../value/describe.ts";
import { invariant } from "../../value/error.ts";
import type { Json } from "../../value/json.ts";
import type { CompiledNode } from "../compile.ts";
import type { RunError } from "../entry.ts";
import { keepFrame } from "../marks.ts";
import { errorJson, outputOf, valueOf, type Output } from "../output.ts";
import { pathOf } from "../path.ts";
import { isFailing } from "../boundaries.ts";
import { isSpread } from "../opened.ts";
import {
  DONE,
  HISTORY_MAX,
  newFrame,
  opened,
  OPENED,
  type Frame,
  type Place,
  type RunState,
  type Spread,
} from "../state.ts";
import type { Turn } from "../turn.ts";
import { giveUpFrame, stopFrame } from "./call.ts";

/** Opens the items; false where it was not given a list, or one that no journal could hold, or too short a one. */
export function openEach(turn: Turn, place: Place): boolean {
  const { frame, node } = place;
  const plan = planOf(turn.state, frame, node);
  if (!plan.ok) return false;
  const { items, enough } = plan;
  const child: Spread = {
    items,
    frames: Array.from({ length: items.length }, () => null),
    results: Array.from<undefined>({ length: items.length }),
    next: 0,
    active: 0,
    failed: [],
    enough,
    completed: 0,
    isUnheard: false,
    opening: false,
  };
  opened(place, child);
  openItems(turn, frame, node, child);
  return true;
}

type Plan =
  | { readonly ok: true; readonly items: readonly Json[]; readonly enough: number | null }
  | { readonly ok: false; readonly error: RunError };

/** What an each has to do, or why it cannot. */
function planOf(state: RunState, frame: Frame, node: CompiledNode): Plan {
  invariant(node.node.kind === "each", "only an each has items");
  const { items, enough, body, id } = node.node;
  const invalid = (happened: string): Plan => ({
    ok: false,
    error: { code: "EACH_INVALID", message: `${id} ${happened}; no item was worked on.`, node: id, attempt: 0 },
  });
  const given = valueOf(state, frame, items, id);
  if (!given.ok) return given;
  if (!Array.isArray(given.output)) return invalid(`is given ${describe(given.output)} where a list belongs`);
  const list = given.output as readonly Json[];
  if (state.entries + list.length * state.compiled.scopes[body]!.entriesLeast > HISTORY_MAX)
    return { ok: false, error: tooLong(state, node, list.length) };
  if (enough === undefined) return { ok: true, items: list, enough: null };
  const count = valueOf(state, frame, enough.count, id);
  if (!count.ok) return count;
  if (!Number.isInteger(count.output) || (count.output as number) < 1)
    return invalid(`is given ${describe(count.output)} as \`enough\`, which is no whole number from 1`);
  if (list.length < (count.output as number))
    return invalid(
      `has ${list.length} ${list.length === 1 ? "item" : "items"}, of which ${describe(count.output)} would be enough`,
    );
  return { ok: true, items: list, enough: count.output as number };
}

/** Why the items could not be opened. */
export function eachProblem(state: RunState, { frame, node }: Place): RunError {
  const plan = planOf(state, frame, node);
  // The journal was full before it could say what it is given.
  return plan.ok ? tooLong(state, node, plan.items.length) : plan.error;
}

function tooLong(state: RunState, node: CompiledNode, items: number): RunError {
  invariant(node.node.kind === "each", "only an each has items");
  const { entriesLeast } = state.compiled.scopes[node.node.body]!;
  const message = `${node.node.id} has ${items} items, each of which leaves ${entriesLeast} entries or more in the run's journal, which has ${state.entries} and may have ${HISTORY_MAX}; no item was begun. Start a run for each part of the list, with some thousands of items.`;
  return { code: "HISTORY_TOO_LONG", message, node: node.node.id, attempt: 0 };
}

/** Whether items of an each are at work, or still to be begun: heard or not. */
export function hasItemsAtWork({ frame, node }: Place, child: Spread): boolean {
  return frame.waits[node.local] === OPENED || child.isUnheard;
}

/** Opens items until as many are worked on as may be; finishes the each when none is left. */
export function openItems(turn: Turn, frame: Frame, node: CompiledNode, child: Spread): void {
  invariant(node.node.kind === "each", "only an each has items");
  const scope = turn.state.compiled.scopes[node.node.body]!;
  const limit = node.node.concurrency ?? Infinity;
  const isBoundary = node.node.onError === "collect" || child.enough !== null;
  const place = { frame, node };
  child.opening = true;
  joinOnceEnough(turn, place, child);
  while (child.next < child.items.length && child.active < limit && hasItemsAtWork(place, child)) {
    if (isFailing(frame) || turn.state.cancelled !== null) break;
    const index = child.next++;
    const item = newFrame(scope, frame, index, isBoundary, child.items[index]);
    child.frames[index] = item;
    child.active++;
    turn.moves.openFrame(turn, item);
    if (scope.size === 0) leaveItem(turn, item);
    joinOnceEnough(turn, place, child);
  }
  child.opening = false;
  if (!isOver(child)) return;
  if (child.isUnheard) {
    child.isUnheard = false;
    turn.moves.closeNode(turn, frame);
  } else if (frame.waits[node.local] === OPENED) {
    turn.moves.finishNode(turn, frame, node, child.results as readonly Json[]);
  }
}

function isOver({ next, items, active }: Spread): boolean {
  return next === items.length && active === 0;
}

/** Enough items have completed while others have not: what follows goes on, the others are unheard or stopped. */
function joinOnceEnough(turn: Turn, { frame, node }: Place, child: Spread): void {
  invariant(node.node.kind === "each", "only an each has items");
  const { enough, completed, isUnheard } = child;
  if (enough === null || completed < enough || isUnheard || isOver(child) || frame.waits[node.local] !== OPENED) return;
  child.isUnheard = true;
  if (node.node.enough?.rest === "stop") {
    child.next = child.items.length;
    for (const item of child.frames) if (item !== null) stopItem(turn, item);
  }
  turn.moves.hearNode(
    turn,
    frame,
    node,
    child.results.map((result) => result ?? null),
  );
}

function stopItem(turn: Turn, item: Frame): void {
  stopFrame(turn, item);
  if (item.running === 0) leaveItem(turn, item);
}

/** Keeps what became of an item, forgets its frame, and opens the next. */
export function leaveItem(turn: Turn, item: Frame): void {
  const frame = item.parent!;
  const node = turn.state.compiled.nodes[item.scope.owner]!;
  const child = frame.children!.get(node.local)!;
  invariant(node.node.kind === "each" && isSpread(child), "an item stands in an each");
  if (child.frames[item.item] !== item) return;
  if (child.isUnheard) return leaveUnheard(turn, item, child);
  const collects = node.node.onError === "collect";
  const result: Output = item.failure === null ? outputOf(turn.state, item) : { ok: false, error: item.failure };
  if (!result.ok && !collects) return turn.moves.failNode(turn, frame, node, result.error);
  if (result.ok) {
    child.results[item.item] = collects ? { ok: true, value: result.output ?? null } : (result.output ?? null);
    child.completed++;
  } else child.results[item.item] = { ok: false, error: errorJson(result.error) };
  if (item.open > 0) giveUpFrame(turn, item);
  child.frames[item.item] = null;
  child.active--;
  if (!result.ok && (node.node.failAbove !== undefined || child.enough !== null)) child.failed.push(item);
  else keepFrame(item);
  if (!result.ok && failsAbove(node.node.failAbove, child) && frame.waits[node.local] === OPENED) {
    return turn.moves.failNode(turn, frame, node, tooMany(turn, frame, node, child, result.error));
  }
  if (child.opening) return;
  openItems(turn, frame, node, child);
  if (frame.waits[node.local] !== DONE || child.isUnheard) turn.moves.settle(turn, frame);
}

/** Whatever became of the item, nobody hears of it. */
function leaveUnheard(turn: Turn, item: Frame, child: Spread): void {
  const frame = item.parent!;
  if (item.open > 0) giveUpFrame(turn, item);
  keepFrame(item);
  child.frames[item.item] = null;
  child.active--;
  if (child.opening) return;
  openItems(turn, frame, turn.state.compiled.nodes[item.scope.owner]!, child);
  if (child.isUnheard) turn.moves.settle(turn, frame);
}

/** The items that failed are at work again; answers their frames. */
export function takeFailed(child: Spread): readonly Frame[] {
  const items = child.failed.splice(0);
  for (const item of items) {
    child.frames[item.item] = item;
    child.results[item.item] = undefined;
    child.active++;
  }
  return items;
}

/** 29 % of 100 is 28.999999999999996. */
const ROUNDING = 1e-9;

type FailAbove = Extract<CompiledNode["node"], { kind: "each" }>["failAbove"];

function failsAbove(failAbove: FailAbove, { failed, items, enough }: Spread): boolean {
  if (enough !== null) return failed.length > items.length - enough;
  if (failAbove === undefined) return false;
  return failed.length > ("count" in failAbove ? failAbove.count : failAbove.share * items.length + ROUNDING);
}

function tooMany(turn: Turn, frame: Frame, node: CompiledNode, child: Spread, last: RunError): RunError {
  const path = pathOf(turn.state.compiled, frame, node);
  const { failed, items, next, enough } = child;
  const bound =
    enough === null ? "more than its `failAbove` allows" : `so that the ${enough} that are enough cannot complete`;
  const message = `${failed.length} of ${items.length} items of ${path} failed, ${bound}; ${items.length - next} were not begun. The last one failed at ${last.node}: ${last.message}`;
  return { code: "EACH_FAILED", message, node: path, attempt: 0 };
}
