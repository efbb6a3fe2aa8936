/**
 * What an event is to a trigger: whether its filter is true of the payload, and which input it makes of it.
 * Invariant: no payload makes either fail. Which is greater is unknown where something is missing, or of another type, as in
 * SQL: `not` of it is unknown too, `any` is true if something else is, and a filter that is unknown is not true. What a value
 * equals, and whether it is there, is always known.
 */
import type { Json } from "../value/json.ts";
import { evaluate } from "./evaluate.ts";
import type { Operator, Template } from "./graph.ts";
import type { EventDefinition } from "./trigger.ts";

/** Whether an event with this payload is for the trigger. */
export function isFor({ where }: Pick<EventDefinition, "where">, payload: Json): boolean {
  return where === null || fill(where, payload) === true;
}

/** The input of the run that an event with this payload starts. */
export function eventInput({ input }: Pick<EventDefinition, "input">, payload: Json): Json {
  return input === null ? payload : (fill(input, payload) ?? null);
}

/** Undefined: unknown, or not there; it is left out of objects and null in arrays, as in JSON. */
function fill(template: Template, payload: Json): Json | undefined {
  switch (template.kind) {
    case "constant":
    case "ref":
      return evaluate(template, () => payload);
    case "array":
      return template.items.map((item) => fill(item, payload) ?? null);
    case "object": {
      const entries = template.entries.map(([key, item]) => [key, fill(item, payload)] as const);
      return Object.fromEntries(entries.filter(([, value]) => value !== undefined));
    }
    case "expression":
      return truthOf(template.operator, template.operands, payload);
  }
}

function truthOf(operator: Operator, operands: readonly Template[], payload: Json): boolean | undefined {
  const values = operands.map((operand) => fill(operand, payload));
  const truths = values.map((value) => (typeof value === "boolean" ? value : undefined));
  switch (operator) {
    case "all":
      return truths.includes(false) ? false : truths.includes(undefined) ? undefined : true;
    case "any":
      return truths.includes(true) ? true : truths.includes(undefined) ? undefined : false;
    case "not":
      return truths[0] === undefined ? undefined : !truths[0];
    default:
      return isComparable(operator, values) ? compared(operator, values) : undefined;
  }
}

function isComparable(operator: Operator, [left, right]: readonly (Json | undefined)[]): boolean {
  if (operator === "eq" || operator === "present") return true;
  if (operator === "oneOf") return Array.isArray(right);
  return typeof left === typeof right && (typeof left === "number" || typeof left === "string");
}

/** By the rules of every condition. */
function compared(operator: Operator, values: readonly (Json | undefined)[]): boolean {
  const operands = values.map((value): Template => (value === undefined ? NOTHING : { kind: "constant", value }));
  return evaluate({ kind: "expression", operator, operands }, () => undefined) as boolean;
}

const NOTHING: Template = { kind: "constant" };
