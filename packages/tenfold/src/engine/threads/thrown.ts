/**
 * What a body threw, as a message to another thread carries it. Structured clone alone keeps neither the class of an error nor its name.
 * Invariant: whatever it is can be carried; what has a meaning to the engine has it there too.
 */
import { NotDone } from "../../flow/not-done.ts";
import { RateLimited } from "../../flow/rate-limited.ts";
import { TenfoldError, type ErrorCode } from "../../value/error.ts";
import { textsOf } from "../body.ts";

/** Causes of causes that are carried. */
const DEPTH_MAX = 4;

const STANDARD = { EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError } as const;

/** Which class it is made of there. */
type Made =
  | { readonly kind: "standard"; readonly name: keyof typeof STANDARD }
  | { readonly kind: "rate-limited"; readonly retryAfterMs: number }
  | { readonly kind: "not-done" }
  | { readonly kind: "tenfold"; readonly code: ErrorCode }
  | { readonly kind: "other" };

export type Thrown =
  | { readonly kind: "value"; readonly value: unknown }
  | {
      readonly kind: "error";
      readonly made: Made;
      readonly message: string;
      readonly name: string;
      readonly stack: string | undefined;
      readonly cause: Thrown | undefined;
      /** Its fields, such as `code` and `status`. */
      readonly fields: Readonly<Record<string, unknown>>;
    };

export function carried(thrown: unknown, depth = 0): Thrown {
  try {
    if (!(thrown instanceof Error)) return { kind: "value", value: cloned(thrown, () => textsOf(thrown).message) };
    const { message, name = "Error", stack } = textsOf(thrown);
    const cause = thrown.cause === undefined || depth === DEPTH_MAX ? undefined : carried(thrown.cause, depth + 1);
    return { kind: "error", made: madeOf(thrown), message, name, stack, cause, fields: fieldsOf(thrown) };
  } catch {
    return { kind: "value", value: textsOf(thrown).message };
  }
}

/** What was carried, as it can be thrown here. */
export function restored(thrown: Thrown): unknown {
  if (thrown.kind === "value") return thrown.value;
  const { message, name, stack, fields } = thrown;
  const error = errorOf(thrown, message, thrown.cause === undefined ? undefined : { cause: restored(thrown.cause) });
  Object.assign(error, fields);
  if (error.name !== name) error.name = name;
  if (stack !== undefined) error.stack = stack;
  return error;
}

function madeOf(error: Error): Made {
  if (error instanceof RateLimited) return { kind: "rate-limited", retryAfterMs: error.retryAfterMs };
  if (error instanceof NotDone) return { kind: "not-done" };
  if (error instanceof TenfoldError) return { kind: "tenfold", code: error.code };
  for (const [name, made] of Object.entries(STANDARD)) {
    if (error instanceof made) return { kind: "standard", name: name as keyof typeof STANDARD };
  }
  return { kind: "other" };
}

function errorOf({ made }: Extract<Thrown, { kind: "error" }>, message: string, options?: ErrorOptions): Error {
  switch (made.kind) {
    case "rate-limited":
      return new RateLimited(made.retryAfterMs, message, options);
    case "not-done":
      return new NotDone(message, options);
    case "tenfold":
      return new TenfoldError(made.code, message, options);
    case "standard":
      return new STANDARD[made.name](message, options);
    case "other":
      return new Error(message, options);
  }
}

function fieldsOf(error: Error): Readonly<Record<string, unknown>> {
  const fields: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(error)) {
    const kept = cloned(value, () => undefined);
    if (kept !== undefined && name !== "cause") fields[name] = kept;
  }
  return fields;
}

/** What can be carried of a value; of what cannot be, what `otherwise` says. */
export function cloned(value: unknown, otherwise: () => unknown): unknown {
  try {
    return structuredClone(value);
  } catch {
    return otherwise();
  }
}
