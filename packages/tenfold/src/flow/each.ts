/** `each`: fan-out over a list that is known only at run time, drawn as one node with the scope of one item. */
import { describe } from "../value/describe.ts";
import { callDrawing } from "./callback.ts";
import { currentDrawing } from "./current-drawing.ts";
import { addNode, drawingError, drawScope, nodeId, type Drawing } from "./drawing.ts";
import type { EachNode, Template } from "./graph.ts";
import type { Input, Lifted, Plain, Symbolic } from "./lifted.ts";
import { checkName, subjectName } from "./naming.ts";
import { checkOptionNames } from "./options.ts";
import { lift } from "./template.ts";
import { nodeValue } from "./value.ts";

export interface EachOptions {
  /** How many items are worked on at once; all of them by default. */
  readonly concurrency?: number;
  /** "fail" (the default): a failed item fails the each. "collect": each output says whether its item failed. */
  readonly onError?: "fail" | "collect";
  /** Of a collecting each: more failed items than this, a number or a share ("5%") of them, fail it (EACH_FAILED). */
  readonly failAbove?: number | `${number}%`;
}

/** An each that goes on before all of its items are over. */
export interface EnoughOptions {
  /** So many items that complete are enough: the each is done with their results, and null for every other item. */
  readonly enough: Input<number>;
  /** What becomes of the others: they go on to their end, and nobody hears of it, or they are stopped. */
  readonly rest: "finish" | "stop";
}

/** Why an item, or a run, failed. */
export interface RunErrorJson {
  readonly code: string;
  readonly message: string;
  readonly node: string;
}

export type Collected<T> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: RunErrorJson };

/** How many failures there may be follows from how many are enough. */
type Bounded = EachOptions & { readonly failAbove?: undefined };
type Open = EachOptions & { readonly enough?: undefined; readonly rest?: undefined };
type Given = EachOptions & Partial<EnoughOptions>;

const OPTIONS = ["concurrency", "onError", "failAbove", "enough", "rest"];

type Items = Symbolic<readonly unknown[]> | readonly unknown[];
type ItemOf<L> = Plain<L> extends readonly (infer Item)[] ? Item : never;

/** `each(orders, (order) => price(order))`: the results, in the order of the items. */
export interface Each {
  <const L extends Items, R>(
    items: L,
    draw: (item: Lifted<ItemOf<L>>) => R,
    options: Bounded & EnoughOptions & { readonly onError: "collect" },
  ): Lifted<(Collected<Plain<R>> | null)[]>;
  <const L extends Items, R>(
    items: L,
    draw: (item: Lifted<ItemOf<L>>) => R,
    options: Bounded & EnoughOptions & { readonly onError?: "fail" },
  ): Lifted<(Plain<R> | null)[]>;
  <const L extends Items, R>(
    items: L,
    draw: (item: Lifted<ItemOf<L>>) => R,
    options: Open & { readonly onError: "collect" },
  ): Lifted<Collected<Plain<R>>[]>;
  <const L extends Items, R>(
    items: L,
    draw: (item: Lifted<ItemOf<L>>) => R,
    options?: Open & { readonly onError?: "fail" },
  ): Lifted<Plain<R>[]>;
  /** Names the node that is drawn. */
  as(name: string): Each;
}

export const each: Each = makeEach(undefined);

function makeEach(name: string | undefined): Each {
  const draw = (items: unknown, body: (item: unknown) => unknown, options: Given = {}): unknown => {
    const drawing = currentDrawing("`each`", "Fan out inside of a `flow`, or with `map` in a step's body.");
    return drawEach(drawing, name, items, body, options);
  };
  const as = (given: string): Each => makeEach(checkName("EACH_INVALID", "an each", given));
  return Object.freeze(Object.assign(draw, { as })) as unknown as Each;
}

function drawEach(
  drawing: Drawing,
  name: string | undefined,
  items: unknown,
  body: (item: unknown) => unknown,
  options: Given,
): unknown {
  const probe = lift(drawing, name ?? "each", "list", items).template;
  const id = nodeId(drawing, name ?? `each-${subjectName(drawing, probe) ?? "items"}`);
  checkEach(drawing, id, probe, body, options);
  const { scope, after } = drawing;
  const { concurrency = null, onError = "fail", failAbove } = options;
  const enough = enoughOf(drawing, id, probe, options);
  const node: EachNode = {
    kind: "each",
    id,
    scope,
    after,
    items: probe,
    body: drawing.scopes.length,
    concurrency,
    onError,
    ...(failAbove === undefined ? {} : { failAbove: threshold(failAbove)! }),
    ...(enough === undefined ? {} : { enough }),
  };
  const index = addNode(drawing, node);
  drawScope(drawing, index, "", (inner) => {
    const item = addNode(drawing, { kind: "item", id: nodeId(drawing, "item"), scope: inner });
    const written = callDrawing(drawing, "EACH_INVALID", id, () => body(nodeValue(drawing, item)));
    return lift(drawing, id, "body's result", written).template;
  });
  return nodeValue(drawing, index);
}

function checkEach(drawing: Drawing, id: string, items: Template, body: unknown, options: Given): void {
  const refuse = (happened: string, wayOut: string): Error =>
    drawingError("EACH_INVALID", drawing, id, { happened, wayOut });
  const isList =
    items.kind === "ref" || items.kind === "array" || (items.kind === "constant" && Array.isArray(items.value));
  if (!isList) {
    throw refuse("what it is given is no list", "Give a value that is a list, or a list with values in it.");
  }
  if (typeof body !== "function") {
    throw refuse(
      `its body is ${describe(body)}`,
      "Give a function of the item: `each(orders, (order) => price(order))`.",
    );
  }
  const owner = `each "${id}" of workflow "${drawing.workflow}"`;
  checkOptionNames(owner, options, { known: OPTIONS, later: [] }, "EACH_INVALID");
  const { concurrency, onError, failAbove } = options;
  if (concurrency !== undefined && !(Number.isInteger(concurrency) && concurrency >= 1)) {
    throw refuse(
      `its concurrency is ${describe(concurrency)}`,
      "Give a whole number from 1, or leave it out for all at once.",
    );
  }
  if (onError !== undefined && onError !== "fail" && onError !== "collect") {
    throw refuse(`its onError is ${describe(onError)}`, `Write "fail" or "collect".`);
  }
  if (failAbove === undefined) return;
  if (onError !== "collect") {
    throw refuse("it has `failAbove`, and fails with the first item anyway", 'Add `onError: "collect"`.');
  }
  if (threshold(failAbove) === undefined) {
    throw refuse(
      `its failAbove is ${describe(failAbove)}`,
      'Give a whole number from 0, or a share of the items: "5%".',
    );
  }
}

/** How many items are enough, and what becomes of the rest, if it was said. */
function enoughOf(drawing: Drawing, id: string, items: Template, given: Given): EachNode["enough"] {
  const { enough, rest, failAbove } = given;
  const refuse = (happened: string, wayOut: string): Error =>
    drawingError("EACH_INVALID", drawing, id, { happened, wayOut });
  if (enough === undefined && rest === undefined) return undefined;
  if (enough === undefined)
    throw refuse("it has `rest`, and no `enough` that would leave some", "Say how many items are enough: `enough: 2`.");
  if (rest !== "finish" && rest !== "stop")
    throw refuse(
      `its rest is ${describe(rest)}`,
      'Say what becomes of the others: `rest: "finish"` or `rest: "stop"`.',
    );
  if (failAbove !== undefined)
    throw refuse(
      "it has `enough` and `failAbove`, and how many may fail follows from the first",
      "Leave `failAbove` out.",
    );
  const { template } = lift(drawing, id, "`enough`", enough);
  const isCount = template.kind === "constant" && Number.isInteger(template.value) && Number(template.value) >= 1;
  if (template.kind !== "ref" && !isCount)
    throw refuse(`its enough is ${describe(enough)}`, "Give a whole number from 1, or a value that is one.");
  const length = lengthOf(items);
  if (length !== undefined && isCount && length < Number(template.value))
    throw refuse(
      `its list has ${length} ${length === 1 ? "item" : "items"}, of which ${describe(enough)} would be enough`,
      "Ask for fewer, or give more items.",
    );
  return { count: template, rest };
}

/** How many items a list has that is written down. */
function lengthOf(items: Template): number | undefined {
  if (items.kind === "array") return items.items.length;
  return items.kind === "constant" && Array.isArray(items.value) ? items.value.length : undefined;
}

function threshold(given: unknown): EachNode["failAbove"] | undefined {
  if (Number.isInteger(given) && (given as number) >= 0) return { count: given as number };
  const share = typeof given === "string" ? /^(\d+(?:\.\d+)?)%$/.exec(given) : null;
  return share !== null && Number(share[1]) <= 100 ? { share: Number(share[1]) / 100 } : undefined;
}
