/** What can be stored: JSON, its check with a path and a reason, its canonical text, and its size. */
import { describe } from "./describe.ts";

export type JsonPrimitive = string | number | boolean | null;
export type Json = JsonPrimitive | readonly Json[] | { readonly [key: string]: Json | undefined };

/** One step into a JSON value: a property's name or an index. */
export type JsonPath = readonly (string | number)[];

export interface JsonProblem {
  readonly path: JsonPath;
  readonly reason: string;
}

/** Deeper than this nothing is stored; what contains itself is found by it too. */
const DEPTH_MAX = 500;

/** Says why `value` is not JSON, or `undefined` if it is; properties that are undefined count as absent. */
export function jsonProblem(value: unknown): JsonProblem | undefined {
  const problem = problemAt(value, 0);
  return problem === undefined ? undefined : { path: problem.path.reverse(), reason: problem.reason };
}

interface FoundProblem {
  /** From the problem up: most values have none, so no path is kept on the way down. */
  readonly path: (string | number)[];
  readonly reason: string;
}

function problemAt(value: unknown, depth: number): FoundProblem | undefined {
  switch (typeof value) {
    case "string":
    case "boolean":
      return undefined;
    case "number":
      return Number.isFinite(value) ? undefined : found(`${value} is not a JSON number`);
    case "undefined":
      return found("undefined is not JSON; use null, or leave the property out");
    case "object":
      break;
    default:
      return found(`a ${typeof value} is not JSON`);
  }
  if (value === null) return undefined;
  if (depth === DEPTH_MAX) return found(`it is nested deeper than ${DEPTH_MAX} levels, or contains itself`);
  return Array.isArray(value) ? problemInArray(value, depth + 1) : problemInObject(value, depth + 1);
}

function problemInArray(items: unknown[], depth: number): FoundProblem | undefined {
  for (let index = 0; index < items.length; index++) {
    const problem = problemAt(items[index], depth);
    if (problem === undefined) continue;
    problem.path.push(index);
    return problem;
  }
  return undefined;
}

function problemInObject(value: object, depth: number): FoundProblem | undefined {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) {
    return found(`${describe(value)} is not JSON; give an output schema that encodes it`);
  }
  for (const key of Object.keys(value)) {
    const item = (value as Record<string, unknown>)[key];
    if (item === undefined) continue;
    const problem = problemAt(item, depth);
    if (problem === undefined) continue;
    problem.path.push(key);
    return problem;
  }
  return undefined;
}

function found(reason: string): FoundProblem {
  return { path: [], reason };
}

/** Longer paths are cut: they are those of values that contain themselves. */
const PATH_PARTS_MAX = 20;

/** `lead.orders[2].email`: a path as people write it. */
export function pathText(path: JsonPath): string {
  let text = "";
  if (path.length > PATH_PARTS_MAX) return `${pathText(path.slice(0, PATH_PARTS_MAX))}…`;
  for (const part of path) {
    if (typeof part === "number") text += `[${part}]`;
    else if (/^[A-Za-z_$][\w$]*$/.test(part)) text += text === "" ? part : `.${part}`;
    else text += `[${JSON.stringify(part)}]`;
  }
  return text;
}

/** The same text for equal values: keys sorted, undefined left out. */
export function canonicalJson(value: Json | undefined): string {
  if (value === null || typeof value !== "object") return JSON.stringify(value ?? null);
  if (Array.isArray(value)) return `[${(value as readonly Json[]).map(canonicalJson).join(",")}]`;
  const object = value as { readonly [key: string]: Json | undefined };
  const parts: string[] = [];
  for (const key of Object.keys(object).sort()) {
    if (object[key] !== undefined) parts.push(`${JSON.stringify(key)}:${canonicalJson(object[key])}`);
  }
  return `{${parts.join(",")}}`;
}

/** Structural equality of JSON values. */
export function jsonEqual(a: Json | undefined, b: Json | undefined): boolean {
  if (a === b) return true;
  if (a === null || b === null || typeof a !== "object" || typeof b !== "object") return false;
  return canonicalJson(a) === canonicalJson(b);
}

/** A copy that shares nothing with `value`; properties that are undefined are left out. */
export function copyJson<T extends Json | undefined>(value: T): T {
  if (value === null || typeof value !== "object") return value;
  if (Array.isArray(value)) return (value as readonly Json[]).map(copyJson) as unknown as T;
  const copy: Record<string, Json> = {};
  for (const key in value as object) {
    const item = (value as Record<string, Json | undefined>)[key];
    if (item === undefined) continue;
    if (key === "__proto__") setOwn(copy, key, copyJson(item));
    else copy[key] = typeof item === "object" ? copyJson(item) : item;
  }
  return copy as T;
}

/** Assigning `__proto__` would change what the object inherits, instead of what it holds. */
function setOwn(object: Record<string, Json>, key: string, value: Json): void {
  Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true });
}
