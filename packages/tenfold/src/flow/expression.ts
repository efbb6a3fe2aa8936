/** Conditions over values as data: `eq gt gte lt lte oneOf present all any not`. They are drawn, analysed and versioned. */
import { currentDrawing } from "./current-drawing.ts";
import type { Operator } from "./graph.ts";
import type { Input, Lifted, Present, Symbolic } from "./lifted.ts";
import { innermostScope, lift } from "./template.ts";
import { makeValue } from "./value.ts";

/** A condition: an expression, or any value that is true or false. */
export type Condition = Symbolic<boolean>;

interface Compare {
  (a: Input<number>, b: Input<number>): Lifted<boolean>;
  (a: Input<string>, b: Input<string>): Lifted<boolean>;
}

/** The same data, compared by structure; null and undefined are the same. */
export function eq<T>(value: Symbolic<T>, other: Input<NoInfer<T>>): Lifted<boolean> {
  return express("eq", [value, other]) as Lifted<boolean>;
}

/** `a > b`, of two numbers or two strings. */
export const gt: Compare = comparing("gt");
/** `a >= b`, of two numbers or two strings. */
export const gte: Compare = comparing("gte");
/** `a < b`, of two numbers or two strings. */
export const lt: Compare = comparing("lt");
/** `a <= b`, of two numbers or two strings. */
export const lte: Compare = comparing("lte");

/** Whether `value` equals one of `options`. */
export function oneOf<T>(value: Symbolic<T>, options: Input<readonly NoInfer<T>[]>): Lifted<boolean> {
  return express("oneOf", [value, options]) as Lifted<boolean>;
}

/** Whether `value` is neither null nor undefined; as the condition of `when`, its callback is given it as that. */
export function present<T>(value: Symbolic<T>): Present<NonNullable<T>> {
  return express("present", [value]) as Present<NonNullable<T>>;
}

/** Whether all hold; computed in order, and no further than the first that does not. */
export function all(...conditions: readonly Condition[]): Lifted<boolean> {
  return express("all", conditions) as Lifted<boolean>;
}

/** Whether one holds; computed in order, and no further than the first that does. */
export function any(...conditions: readonly Condition[]): Lifted<boolean> {
  return express("any", conditions) as Lifted<boolean>;
}

export function not(condition: Condition): Lifted<boolean> {
  return express("not", [condition]) as Lifted<boolean>;
}

function comparing(operator: Operator): Compare {
  return (a: unknown, b: unknown) => express(operator, [a, b]) as Lifted<boolean>;
}

function express(operator: Operator, written: readonly unknown[]): unknown {
  const drawing = currentDrawing(`\`${operator}\``, "In a step's body, compare with JavaScript's own operators.");
  const lifted = written.map((operand) => lift(drawing, `${operator}(…)`, "operand", operand));
  const template = { kind: "expression", operator, operands: lifted.map((one) => one.template) } as const;
  drawing.unusedConditions.add(template);
  const origins = lifted.flatMap((one) => one.origins);
  const narrowed = origins.length > 0 && origins.every((origin) => origin.narrowed);
  return makeValue(drawing, template, innermostScope(drawing, origins), narrowed);
}
