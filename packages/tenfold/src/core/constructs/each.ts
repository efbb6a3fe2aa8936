/** `each`: an item's frame for each item, as many at once as may be; its results in order. */
import { describe } from "../../value/describe.ts";
import { invariant } from "../../value/error.ts";
import type { Json } from "../../value/json.ts";
import type { CompiledNode } from "../compile.ts";
import type { RunError } from "../entry.ts";
import { keepFrame } from "../marks.ts";
import { errorJson, outputOf, valueOf, type Output } from "../output.ts";
import { pathOf } from "../path.ts";
import { isFailing } from "../boundaries.ts";
import {
  DONE,
  HISTORY_MAX,
  isSpread,
  newFrame,
  opened,
  OPENED,
  type Frame,
  type Place,
  type RunState,
  type Spread,
} from "../state.ts";
import type { Turn } from "../turn.ts";
import { giveUpFrame } from "./call.ts";

/** Opens the items; false where it was not given a list, or one that no journal could hold. */
export function openEach(turn: Turn, place: Place): boolean {
  const { frame, node } = place;
  const given = itemsOf(turn.state, frame, node);
  if (!given.ok || !Array.isArray(given.output)) return false;
  const items = given.output as readonly Json[];
  if (isTooMany(turn.state, node, items.length)) return false;
  const child: Spread = {
    items,
    frames: Array.from({ length: items.length }, () => null),
    results: Array.from<undefined>({ length: items.length }),
    next: 0,
    active: 0,
    failed: [],
    opening: false,
  };
  opened(place, child);
  openItems(turn, frame, node, child);
  return true;
}

function itemsOf(state: RunState, frame: Frame, node: CompiledNode): Output {
  invariant(node.node.kind === "each", "only an each has items");
  return valueOf(state, frame, node.node.items, node.node.id);
}

/** Why the items could not be opened. */
export function eachProblem(state: RunState, { frame, node }: Place): RunError {
  const items = itemsOf(state, frame, node);
  if (!items.ok) return items.error;
  if (Array.isArray(items.output)) return tooLong(state, node, items.output.length);
  const message = `${node.node.id} is given ${describe(items.output)} where a list belongs; no item was worked on.`;
  return { code: "EACH_INVALID", message, node: node.node.id, attempt: 0 };
}

function isTooMany(state: RunState, node: CompiledNode, items: number): boolean {
  invariant(node.node.kind === "each", "only an each has items");
  return state.entries + items * state.compiled.scopes[node.node.body]!.entriesLeast > HISTORY_MAX;
}

function tooLong(state: RunState, node: CompiledNode, items: number): RunError {
  invariant(node.node.kind === "each", "only an each has items");
  const { entriesLeast } = state.compiled.scopes[node.node.body]!;
  const message = `${node.node.id} has ${items} items, each of which leaves ${entriesLeast} entries or more in the run's journal, which has ${state.entries} and may have ${HISTORY_MAX}; no item was begun. Start a run for each part of the list, with some thousands of items.`;
  return { code: "HISTORY_TOO_LONG", message, node: node.node.id, attempt: 0 };
}

/** Opens items until as many are worked on as may be; finishes the each when none is left. */
export function openItems(turn: Turn, frame: Frame, node: CompiledNode, child: Spread): void {
  invariant(node.node.kind === "each", "only an each has items");
  const scope = turn.state.compiled.scopes[node.node.body]!;
  const limit = node.node.concurrency ?? Infinity;
  child.opening = true;
  while (child.next < child.items.length && child.active < limit && frame.waits[node.local] === OPENED) {
    if (isFailing(frame) || turn.state.cancelled !== null) break;
    const index = child.next++;
    const item = newFrame(scope, frame, index, node.node.onError === "collect", child.items[index]);
    child.frames[index] = item;
    child.active++;
    turn.moves.openFrame(turn, item);
    if (scope.size === 0) leaveItem(turn, item);
  }
  child.opening = false;
  if (child.next === child.items.length && child.active === 0 && frame.waits[node.local] === OPENED) {
    turn.moves.finishNode(turn, frame, node, child.results as readonly Json[]);
  }
}

/** Keeps what became of an item, forgets its frame, and opens the next. */
export function leaveItem(turn: Turn, item: Frame): void {
  const frame = item.parent!;
  const node = turn.state.compiled.nodes[item.scope.owner]!;
  const child = frame.children!.get(node.local)!;
  invariant(node.node.kind === "each" && isSpread(child), "an item stands in an each");
  if (child.frames[item.item] !== item) return;
  const collects = node.node.onError === "collect";
  const result: Output = item.failure === null ? outputOf(turn.state, item) : { ok: false, error: item.failure };
  if (!result.ok && !collects) return turn.moves.failNode(turn, frame, node, result.error);
  if (result.ok)
    child.results[item.item] = collects ? { ok: true, value: result.output ?? null } : (result.output ?? null);
  else child.results[item.item] = { ok: false, error: errorJson(result.error) };
  if (item.open > 0) giveUpFrame(turn, item);
  child.frames[item.item] = null;
  child.active--;
  if (!result.ok && node.node.failAbove !== undefined) child.failed.push(item);
  else keepFrame(item);
  if (!result.ok && failsAbove(node.node.failAbove, child) && frame.waits[node.local] === OPENED) {
    return turn.moves.failNode(turn, frame, node, tooMany(turn, frame, node, child, result.error));
  }
  if (child.opening) return;
  openItems(turn, frame, node, child);
  if (frame.waits[node.local] !== DONE) turn.moves.settle(turn, frame);
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

function failsAbove(failAbove: FailAbove, { failed, items }: Spread): boolean {
  if (failAbove === undefined) return false;
  return failed.length > ("count" in failAbove ? failAbove.count : failAbove.share * items.length + ROUNDING);
}

function tooMany(turn: Turn, frame: Frame, node: CompiledNode, child: Spread, last: RunError): RunError {
  const path = pathOf(turn.state.compiled, frame, node);
  const { failed, items, next } = child;
  const message = `${failed.length} of ${items.length} items of ${path} failed, more than its \`failAbove\` allows; ${items.length - next} were not begun. The last one failed at ${last.node}: ${last.message}`;
  return { code: "EACH_FAILED", message, node: path, attempt: 0 };
}
