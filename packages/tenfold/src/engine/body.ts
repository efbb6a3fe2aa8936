/** One attempt: from a node's input to a result or a failure, as values; it throws nothing. */
import { evaluationError } from "../core/output.ts";
import type { RunError } from "../core/entry.ts";
import { outputFrom, type Place, type RunState } from "../core/state.ts";
import { evaluate } from "../flow/evaluate.ts";
import { disownPromisesIn } from "../value/disown-promise.ts";
import { TenfoldError } from "../value/error.ts";
import { jsonProblem, pathText, type Json } from "../value/json.ts";
import { issuesText, parseWith, type Parsed, type Schema } from "../value/schema.ts";
import type { AttemptContext } from "./context.ts";
import type { Executor, Undoes } from "./ports.ts";
import type { StepPlan } from "./registry.ts";

/** What is kept of an error (characters). */
const MESSAGE_MAX = 10_000;
const STACK_MAX = 4000;

export type Settled =
  | { readonly ok: true; readonly output: Json | undefined }
  /** `thrown` is what the body threw, for `retry.unless`; a failure that is final before it is asked is ours. */
  | {
      readonly ok: false;
      readonly error: RunError;
      readonly isFinal: boolean;
      readonly thrown: unknown;
      /** It was recorded as one that may have happened. */
      readonly isUnsure?: boolean;
    };

/** The input of a step's node, from the results it uses. */
export function inputOf(state: RunState, { frame, node }: Place): Settled {
  try {
    if (node.node.kind !== "step") return { ok: true, output: undefined };
    return { ok: true, output: evaluate(node.node.input, outputFrom(state.compiled, frame)) };
  } catch (thrown) {
    return { ok: false, error: evaluationError(thrown, node.node.id), isFinal: true, thrown };
  }
}

/**
 * Calls the body and tells `settle`, once, what became of it: before it returns if nothing took time. One promise
 * reaction an attempt, not a chain of them: this is the hottest path of the engine.
 */
export function callBody(
  plan: StepPlan,
  input: Json | undefined,
  context: AttemptContext,
  executor: Executor,
  settle: (result: Settled) => void,
  undoes: Undoes | null = null,
): void {
  if (plan.step.input === undefined) return execute(plan, input, context, executor, settle, undoes);
  parseInput(plan, input, context, settle, (parsed) => execute(plan, parsed, context, executor, settle, undoes));
}

/** Has the body's input checked by the step's schema: `proceed` is called with what it makes of it, or `settle`. */
export function parseInput(
  plan: StepPlan,
  input: Json | undefined,
  context: AttemptContext,
  settle: (result: Settled) => void,
  proceed: (parsed: unknown) => void,
): void {
  const { input: schema } = plan.step;
  if (schema === undefined) return proceed(input);
  const known = (parsed: Parsed<unknown>): void => {
    if (parsed.ok) proceed(parsed.value);
    else settle(refused("INPUT_INVALID", "was not called: its input", parsed, context));
  };
  const broken = (thrown: unknown) =>
    settle(schemaThrew("INPUT_INVALID", "was not called: its input", thrown, context));
  whenKnown(() => parseWith(schema, input), known, broken);
}

/** Calls the body with an input that was checked; as `callBody`. */
export function execute(
  plan: StepPlan,
  input: unknown,
  context: AttemptContext,
  executor: Executor,
  settle: (result: Settled) => void,
  undoes: Undoes | null,
): void {
  let answer: unknown;
  context.isCalled = true;
  try {
    answer = executor.execute(plan.step, input, context, undoes);
    if (isThenable(answer)) return whenAnswered(plan, answer, context, settle, undoes);
  } catch (thrown) {
    return settle(failure(thrown, context));
  }
  answered(plan, answer, context, settle, undoes);
}

/** Apart from `execute`, so that a body that answers at once makes no functions. */
function whenAnswered(
  plan: StepPlan,
  answer: PromiseLike<unknown>,
  context: AttemptContext,
  settle: (result: Settled) => void,
  undoes: Undoes | null,
): void {
  answer.then(
    (known) => answered(plan, known, context, settle, undoes),
    (thrown) => settle(failure(thrown, context)),
  );
}

/** Tells `settle` what a body has answered, once it is checked and encoded. */
export function answered(
  { step }: StepPlan,
  answer: unknown,
  context: AttemptContext,
  settle: (result: Settled) => void,
  undoes: Undoes | null,
): void {
  // What an undo answers is nothing that anybody uses.
  if (undoes !== null) settle({ ok: true, output: undefined });
  else if (step.output === undefined) settle(checked(answer, context));
  else encode(step.output, answer, context, settle);
}

function encode(schema: Schema, answer: unknown, context: AttemptContext, settle: (result: Settled) => void): void {
  whenKnown(
    () => parseWith(schema, answer),
    (parsed) => settle(encoded(parsed, context)),
    (thrown) => settle(schemaThrew("OUTPUT_INVALID", KEPT_NOT, thrown, context)),
  );
}

const KEPT_NOT = "was called, and its output is not kept: it";

/**
 * Goes on with what `ask` answers, now or when its promise settles, or with what is thrown on the way there: also by
 * an answer that throws when it is looked at.
 */
function whenKnown<T>(
  ask: () => T | PromiseLike<T>,
  proceed: (answer: T) => void,
  broken: (thrown: unknown) => void,
): void {
  let answer: T | PromiseLike<T>;
  try {
    answer = ask();
    if (isThenable(answer)) {
      answer.then(proceed, broken);
      return;
    }
  } catch (thrown) {
    return broken(thrown);
  }
  proceed(answer);
}

function encoded(parsed: Parsed<unknown>, context: AttemptContext): Settled {
  if (parsed.ok) return checked(parsed.value, context);
  return refused("OUTPUT_INVALID", KEPT_NOT, parsed, context);
}

/** What was answered, if it is JSON. */
export function checked(output: unknown, context: { readonly node: string; readonly attempt: number }): Settled {
  if (output === undefined) return { ok: true, output: undefined };
  let problem;
  try {
    problem = jsonProblem(output);
    if (problem !== undefined) disownPromisesIn(output);
  } catch (thrown) {
    problem = { path: [], reason: `it threw when it was read (${textsOf(thrown).message})` };
  }
  if (problem === undefined) return { ok: true, output: output as Json };
  const where = pathText(problem.path);
  const message = `${context.node} answered what is not JSON${where === "" ? "" : ` at ${where}`}: ${problem.reason}. The output was not kept.`;
  const error: RunError = { code: "NOT_JSON", message, node: context.node, attempt: context.attempt };
  return { ok: false, error, isFinal: true, thrown: undefined };
}

function refused(
  code: "INPUT_INVALID" | "OUTPUT_INVALID",
  what: string,
  parsed: Extract<Parsed<unknown>, { ok: false }>,
  { node, attempt }: AttemptContext,
): Settled {
  const message = `${node} ${what} does not fit the step's schema (${issuesText(parsed.issues)}).`;
  return { ok: false, error: { code, message, node, attempt }, isFinal: true, thrown: undefined };
}

/** A schema that throws refuses, for good: the next attempt would only call the body again for nothing. */
function schemaThrew(
  code: "INPUT_INVALID" | "OUTPUT_INVALID",
  what: string,
  thrown: unknown,
  { node, attempt }: AttemptContext,
): Settled {
  const message = `${node} ${what} made the step's schema throw: ${textsOf(thrown).message}.`;
  return { ok: false, error: { code, message, node, attempt }, isFinal: true, thrown };
}

/** A result that is longer than what is kept (characters of JSON) is a failure. */
export function unlessTooLarge(result: Settled, node: string, attempt: number, max: number): Settled {
  if (!result.ok || result.output === undefined) return result;
  const size = JSON.stringify(result.output).length;
  if (size <= max) return result;
  const message = `${node} answered ${size} characters of JSON, and at most ${max} are kept; its output was not kept. Store large data elsewhere and answer where it is.`;
  const error: RunError = { code: "PAYLOAD_TOO_LARGE", message, node, attempt };
  return { ok: false, error, isFinal: true, thrown: undefined };
}

/** What a body threw, as it is kept. */
export function failure(
  thrown: unknown,
  { node, attempt }: { node: string; attempt: number },
): Extract<Settled, { ok: false }> {
  const code = codeOf(thrown);
  return { ok: false, error: { code, ...textsOf(thrown), node, attempt }, isFinal: false, thrown };
}

function codeOf(thrown: unknown): string {
  try {
    return thrown instanceof TenfoldError ? thrown.code : "STEP_FAILED";
  } catch {
    return "STEP_FAILED";
  }
}

/** Whatever was thrown has a text: also what cannot be made one, and an error whose fields are no texts. */
export function textsOf(thrown: unknown): { message: string; name?: string; stack?: string } {
  try {
    if (!(thrown instanceof Error)) return { message: String(thrown).slice(0, MESSAGE_MAX) };
    const { message, name, stack } = thrown;
    const texts = { message: String(message).slice(0, MESSAGE_MAX), name: String(name) };
    return typeof stack === "string" && stack !== "" ? { ...texts, stack: stack.slice(0, STACK_MAX) } : texts;
  } catch {
    return { message: "something was thrown that has no text" };
  }
}

export function isThenable<T>(value: T | PromiseLike<T>): value is PromiseLike<T> {
  return typeof value === "object" && value !== null && typeof (value as { then?: unknown }).then === "function";
}
