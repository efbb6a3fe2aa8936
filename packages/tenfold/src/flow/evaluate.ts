/** What a template is once results are known: references walked, expressions computed. */
import { TenfoldError, unreachable } from "../value/error.ts";
import { jsonEqual, type Json, type JsonPath } from "../value/json.ts";
import type { Operator, Template } from "./graph.ts";

/** Answers the output of a node that is done. */
export type ReadOutput = (node: number) => Json | undefined;

/** The data of `template`; undefined is left out of objects and is null in arrays, as in JSON. */
export function evaluate(template: Template, read: ReadOutput): Json | undefined {
  switch (template.kind) {
    case "constant":
      return template.value;
    case "ref":
      return walk(read(template.node), template.path);
    case "array":
      return template.items.map((item) => evaluate(item, read) ?? null);
    case "object": {
      const entries: [string, Json][] = [];
      for (const [key, item] of template.entries) {
        const value = evaluate(item, read);
        if (value !== undefined) entries.push([key, value]);
      }
      return Object.fromEntries(entries);
    }
    case "expression":
      return compute(template.operator, template.operands, read);
  }
}

/** The text of the arm that a match takes for `value`. */
export function labelOf(value: Json | undefined): string {
  if (value === null || value === undefined) return "null";
  if (typeof value !== "object") return String(value);
  throw new TenfoldError(
    "EXPRESSION_INVALID",
    `A match looked at ${shortText(value)}, which has no label; no arm ran. Match on a property of it that is a string, number or boolean.`,
    { facts: { value } },
  );
}

/** A part of `value`; through anything that is not there, undefined. */
function walk(value: Json | undefined, path: JsonPath): Json | undefined {
  let at = value;
  for (const part of path) {
    // Own properties only: `constructor` of a plain object is no data.
    if (at === null || typeof at !== "object" || !Object.hasOwn(at, part)) return undefined;
    at = (at as { readonly [key: string | number]: Json | undefined })[part];
  }
  return at;
}

function compute(operator: Operator, operands: readonly Template[], read: ReadOutput): boolean {
  const operand = (index: number): Json | undefined =>
    operands[index] === undefined ? undefined : evaluate(operands[index], read);
  const holds = (template: Template): boolean => truth(operator, evaluate(template, read));
  switch (operator) {
    case "eq":
      return same(operand(0), operand(1));
    case "oneOf": {
      const [value, known] = [operand(0), operand(1)];
      if (!Array.isArray(known)) throw invalid(operator, "needs a list to look in", [known]);
      return (known as readonly Json[]).some((candidate) => same(value, candidate));
    }
    case "present":
      return (operand(0) ?? null) !== null;
    case "gt":
    case "gte":
    case "lt":
    case "lte":
      return compare(operator, operand(0), operand(1));
    // In order and no further than needed: `all(present(x), gte(x.points, 80))` is meant to guard the second.
    case "all":
      return operands.every(holds);
    case "any":
      return operands.some(holds);
    case "not":
      return !truth(operator, operand(0));
    default:
      return unreachable(operator);
  }
}

/** A missing property and null are the same to a condition, as they are to JSON's readers. */
function same(a: Json | undefined, b: Json | undefined): boolean {
  return jsonEqual(a ?? null, b ?? null);
}

function compare(operator: "gt" | "gte" | "lt" | "lte", a: Json | undefined, b: Json | undefined): boolean {
  const numbers = typeof a === "number" && typeof b === "number";
  if (!numbers && !(typeof a === "string" && typeof b === "string")) {
    throw invalid(operator, "compares two numbers or two strings", [a, b]);
  }
  switch (operator) {
    case "gt":
      return a > b;
    case "gte":
      return a >= b;
    case "lt":
      return a < b;
    case "lte":
      return a <= b;
  }
}

function truth(operator: Operator, value: Json | undefined): boolean {
  if (typeof value === "boolean") return value;
  throw invalid(operator, "needs true or false", [value]);
}

function invalid(operator: Operator, needs: string, got: readonly (Json | undefined)[]): TenfoldError {
  const text = got.map(shortText).join(" and ");
  return new TenfoldError(
    "EXPRESSION_INVALID",
    `The expression \`${operator}\` ${needs}, but got ${text}; nothing was decided. Guard it, as in \`all(present(x), ${operator}(x, …))\`, or correct the step that made it.`,
    { facts: { operator, got } },
  );
}

function shortText(value: Json | undefined): string {
  const text = JSON.stringify(value) ?? "undefined";
  return text.length <= 60 ? text : `${text.slice(0, 57)}...`;
}
