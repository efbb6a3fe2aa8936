/** Standard Schema (zod, valibot, arktype …): parsing a value, and what is wrong with it as data. */
import type { StandardSchemaV1 } from "@standard-schema/spec";
import { pathText, type JsonPath } from "./json.ts";

export type Schema<Output = unknown, Input = unknown> = StandardSchemaV1<Input, Output>;

export interface SchemaIssue {
  readonly path: JsonPath;
  readonly reason: string;
}

export type Parsed<T> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly issues: readonly SchemaIssue[] };

/** Parses `value`; a promise only where the schema itself validates asynchronously. */
export function parseWith<T>(schema: Schema<T>, value: unknown): Parsed<T> | PromiseLike<Parsed<T>> {
  const result = schema["~standard"].validate(value);
  return "then" in result ? result.then(toParsed) : toParsed(result);
}

function toParsed<T>(result: StandardSchemaV1.Result<T>): Parsed<T> {
  if (result.issues === undefined) return { ok: true, value: result.value };
  return { ok: false, issues: result.issues.map(toIssue) };
}

function toIssue(issue: StandardSchemaV1.Issue): SchemaIssue {
  const path = (issue.path ?? []).map((part) => {
    const key = typeof part === "object" ? part.key : part;
    return typeof key === "symbol" ? String(key) : key;
  });
  return { path, reason: issue.message };
}

/** What is wrong, in words: "email: Invalid email; it: …". */
export function issuesText(issues: readonly SchemaIssue[]): string {
  return issues.map(({ path, reason }) => `${pathText(path) || "it"}: ${reason}`).join("; ");
}

/** What is wrong, as an error's facts have it. */
export function issueFacts(issues: readonly SchemaIssue[]): readonly { path: string; reason: string }[] {
  return issues.map(({ path, reason }) => ({ path: pathText(path), reason }));
}

export function isSchema(value: unknown): value is Schema {
  return (typeof value === "object" || typeof value === "function") && value !== null && "~standard" in value;
}
