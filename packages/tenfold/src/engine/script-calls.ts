/** What the function of a script asks for, as data: checked, copied, and named. Where it throws, the call is rejected with that. */
import type { Ask } from "../core/entry.ts";
import { isDefinition } from "../flow/call.ts";
import type { StepDefinition, StepOverrides } from "../flow/definition.ts";
import { SLEEP_MAX_MS, type ScriptNode } from "../flow/graph.ts";
import { checkName } from "../flow/naming.ts";
import { usedStep } from "../flow/step.ts";
import { describe } from "../value/describe.ts";
import { durationMs, type Duration } from "../value/duration.ts";
import { TenfoldError } from "../value/error.ts";
import { instantMs } from "../value/instant.ts";
import { copyJson, jsonProblem, pathText, type Json, type JsonPath } from "../value/json.ts";
import { checkOptions, isText, optional, type OptionForm } from "./caller-checks.ts";

/** The code of a step that is called. */
export interface CalledStep {
  readonly definition: StepDefinition;
  readonly overrides: StepOverrides;
}

export interface Asking {
  readonly ask: Ask;
  /** Null: it calls no step. */
  readonly step: CalledStep | null;
}

/** So many calls that are refused one after the other, with nothing else between them, are a loop that nobody leaves. */
export const REFUSED_MAX = 100;

const NOT_MADE = "the call was not made";

/** A call of a step, or of a workflow; `node` is the script's path. */
export function callAsked(node: string, target: unknown, input: unknown): Asking {
  const step = usedStep(target);
  if (step !== undefined) {
    const { definition, use } = step;
    if (definition.queue?.batch) {
      const way = `A script calls one after the other, and waits for each. Make it a step without \`batch\`, or have the flow call it.`;
      throw invalid(node, `it calls the step "${definition.name}", whose body takes a batch`, way);
    }
    const given = jsonOf(node, definition.name, input);
    const name = use.name ?? definition.name;
    const ask: Ask = { kind: "step", name, step: definition.name, ...(given === undefined ? {} : { input: given }) };
    return { ask, step: { definition, overrides: use.overrides ?? {} } };
  }
  if (isDefinition(target)) {
    const { name: workflow } = target;
    const ask: Ask = { kind: "call", name: `call-${workflow}`, workflow, input: jsonOf(node, workflow, input) ?? null };
    return { ask, step: null };
  }
  throw invalid(
    node,
    `it calls ${describe(target)}, which is no step and no workflow`,
    "Write `ctx.call(search, input)`.",
  );
}

export function sleepAsked(node: string, duration: unknown): Asking {
  const forMs = Math.ceil(durationMs(duration as Duration, `what \`ctx.sleep\` of ${node} was given`));
  mustBeShort(node, forMs);
  return { ask: { kind: "sleep", name: "sleep", forMs }, step: null };
}

export function sleepUntilAsked(node: string, moment: unknown): Asking {
  instantMs(moment, `what \`ctx.sleepUntil\` of ${node} was given`);
  return { ask: { kind: "sleep", name: "sleep-until", at: moment as number | string }, step: null };
}

const WAIT_OPTIONS: Readonly<Record<string, OptionForm>> = {
  for: optional((value) => isText(value) || Number.isFinite(value), "Give a text or a number."),
  timeout: { fits: () => true, way: "" },
};

export function waitAsked(
  node: string,
  signal: unknown,
  given: { readonly for?: string | number; readonly timeout?: Duration } | undefined,
  { signals }: ScriptNode,
): Asking {
  checkName("SCRIPT_INVALID", `a signal that ${node} waits for`, signal);
  const options = given ?? {};
  checkOptions("ctx.waitFor", options, WAIT_OPTIONS, NOT_MADE);
  const known = signals?.map((one) => one.signal);
  if (known !== undefined && !known.includes(signal as string)) {
    const way = `Add it to the \`signals\` of the script, which are: ${known.join(", ") || "none"}.`;
    throw invalid(node, `it waits for the signal ${describe(signal)}, which is none of its own`, way);
  }
  const { timeout } = options;
  const timeoutMs = timeout === undefined ? null : Math.ceil(durationMs(timeout, `the timeout of \`ctx.waitFor\``));
  if (timeoutMs !== null) mustBeShort(node, timeoutMs);
  const name = signal as string;
  const whom = options.for === undefined ? null : String(options.for);
  return { ask: { kind: "wait", name: `wait-${name}`, signal: name, for: whom, timeoutMs }, step: null };
}

/** How a call reads, without what may be nobody else's business: `search`, `waitFor("paid")`. */
export function askText(ask: Ask): string {
  switch (ask.kind) {
    case "step":
      return ask.name;
    case "call":
      return `workflow ${ask.workflow}`;
    case "sleep":
      return "forMs" in ask ? `sleep("${ask.forMs}ms")` : `sleepUntil(${JSON.stringify(ask.at)})`;
    case "wait":
      return `waitFor("${ask.signal}")`;
  }
}

/** Where two calls that read alike differ, as a path in what they ask for; undefined: nowhere. */
export function askDifference(a: Ask, b: Ask): string | undefined {
  const found = differenceOf(a as unknown as Json, b as unknown as Json);
  return found === undefined ? undefined : pathText(found);
}

function differenceOf(a: Json | undefined, b: Json | undefined): JsonPath | undefined {
  if (a === b) return undefined;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return [];
  if (Array.isArray(a) !== Array.isArray(b)) return [];
  const [left, right] = [a, b] as [Record<string, Json>, Record<string, Json>];
  for (const key of new Set([...Object.keys(left), ...Object.keys(right)])) {
    const inside = differenceOf(left[key], right[key]);
    if (inside !== undefined) return [Array.isArray(a) ? Number(key) : key, ...inside];
  }
  return undefined;
}

function jsonOf(node: string, called: string, input: unknown): Json | undefined {
  const problem = input === undefined ? undefined : jsonProblem(input);
  if (problem === undefined) return copyJson(input as Json | undefined);
  const where = pathText(problem.path);
  throw new TenfoldError(
    "NOT_JSON",
    `What ${node} calls ${called} with is not JSON${where === "" ? "" : ` at ${where}`}: ${problem.reason}; ${NOT_MADE}. It is recorded, so give JSON (a Date as \`date.toISOString()\`).`,
    { facts: { node, called, path: problem.path } },
  );
}

function mustBeShort(node: string, ms: number): void {
  if (ms <= SLEEP_MAX_MS) return;
  const way = "A run that nobody is to wake is one that has ended.";
  throw new TenfoldError("DURATION_INVALID", `${node} waits longer than a hundred years; ${NOT_MADE}. ${way}`);
}

function invalid(node: string, happened: string, way: string): TenfoldError {
  return new TenfoldError("SCRIPT_INVALID", `${node}: ${happened}; ${NOT_MADE}. ${way}`, { facts: { node } });
}
