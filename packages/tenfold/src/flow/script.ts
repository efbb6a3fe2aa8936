/** `script`: the code-first hatch, an async function whose calls are recorded; a node like a step's in a flow. */
import { describe } from "../value/describe.ts";
import { contentHash } from "../value/hash.ts";
import { isSchema, type Schema } from "../value/schema.ts";
import { currentDrawing } from "./current-drawing.ts";
import type { ScriptBody } from "./definition.ts";
import { addNode, nodeId, type Drawing } from "./drawing.ts";
import { SCRIPT_CALLS_MAX } from "./graph.ts";
import type { Input, JsonOr, Lifted, Result } from "./lifted.ts";
import { checkName } from "./naming.ts";
import { checkOptionNames, refused } from "./options.ts";
import type { ScriptContext, ScriptSignals } from "./script-context.ts";
import { lift } from "./template.ts";
import { nodeValue } from "./value.ts";
import { knowSignal } from "./wait-for.ts";

/** The most calls of a script that says no other `max`. */
const CALLS_MAX = 10_000;

const OPTIONS = { known: ["max", "signals"], later: [] };

export interface ScriptOptions<S extends ScriptSignals = ScriptSignals> {
  /** The most calls that it makes, 10,000 by default and at most 40,000: one more fails it (SCRIPT_EXHAUSTED). */
  readonly max?: number;
  /** The signals that it may wait for, each with its schema, null for whatever is JSON; any where this is not said. */
  readonly signals?: S;
}

/** A script that takes an `I` and answers an `O`. Called in a `flow`, it draws a node. */
export interface Script<I = unknown, O = unknown> {
  (...input: undefined extends I ? [input?: Input<I>] : [input: Input<I>]): Lifted<O>;
  /** The same script for a node called `name`. */
  as(name: string): Script<I, O>;
}

type AnswerNotJson = "what this script answers is not JSON, and has to be stored";
type InputNotJson = "what this script is given is not JSON";

type Run<I, R, S extends ScriptSignals = ScriptSignals> = ((ctx: ScriptContext<S>, input: I) => Promise<R> | R) &
  JsonOr<AnswerNotJson, R> &
  JsonOr<InputNotJson, I>;

/** `script("agent", async (ctx, question: string) => …)`: what it takes and answers is JSON, as is what it calls with. */
export function script<I, R>(name: string, run: Run<I, R>): Script<I, Result<R>>;
export function script<I, R, S extends ScriptSignals = ScriptSignals>(
  name: string,
  options: ScriptOptions<S>,
  run: Run<I, R, S>,
): Script<I, Result<R>>;
export function script(name: string, ...given: readonly unknown[]): unknown {
  checkName("SCRIPT_INVALID", "a script", name);
  const owner = `script "${name}"`;
  const [options, run] = given.length > 1 ? given : [{}, given[0]];
  checkOptionNames(owner, options, OPTIONS, "SCRIPT_INVALID");
  if (typeof run !== "function") {
    const happened = `its function is ${describe(run)}`;
    throw refused("SCRIPT_INVALID", owner, happened, "Give one, last: `async (ctx, input) => { … }`.");
  }
  return useOf(definitionOf(name, owner, options as ScriptOptions, run as ScriptBody), name);
}

interface Definition {
  readonly name: string;
  readonly run: ScriptBody;
  readonly source: string;
  readonly max: number;
  readonly signals: readonly (readonly [string, Schema | undefined])[] | null;
}

function definitionOf(name: string, owner: string, { max, signals }: ScriptOptions, run: ScriptBody): Definition {
  if (max !== undefined && !(Number.isInteger(max) && max >= 1 && max <= SCRIPT_CALLS_MAX)) {
    const way = `Give the most calls that it may make, a whole number from 1 to ${SCRIPT_CALLS_MAX}.`;
    throw refused("SCRIPT_INVALID", owner, `its \`max\` is ${describe(max)}`, way);
  }
  const source = contentHash(Function.prototype.toString.call(run));
  return {
    ...{ name, run, source, max: max ?? CALLS_MAX },
    signals: signals === undefined ? null : checkedSignals(owner, signals),
  };
}

function checkedSignals(owner: string, signals: unknown): NonNullable<Definition["signals"]> {
  if (typeof signals !== "object" || signals === null || Array.isArray(signals)) {
    const way = "Give an object with a schema, or null, for each: `{ paid: Payment, cancelled: null }`.";
    throw refused("SCRIPT_INVALID", owner, `its \`signals\` are ${describe(signals)}`, way);
  }
  return Object.entries(signals).map(([signal, schema]: [string, unknown]) => {
    checkName("SCRIPT_INVALID", `a signal of ${owner}`, signal);
    if (schema === null) return [signal, undefined] as const;
    if (isSchema(schema)) return [signal, schema] as const;
    const way = "Give a Standard Schema (zod, valibot …), or null.";
    throw refused("SCRIPT_INVALID", owner, `the schema of its signal "${signal}" is ${describe(schema)}`, way);
  });
}

function useOf(definition: Definition, name: string): unknown {
  const draw = (input?: unknown): unknown => {
    const wayOut = "A script is tried out with the workflow that draws it, in `openTest` of tenfold/testing.";
    return drawScript(currentDrawing(`The script "${definition.name}"`, wayOut), definition, name, input);
  };
  const as = (given: string): unknown =>
    useOf(definition, checkName("SCRIPT_INVALID", `a use of the script "${definition.name}"`, given));
  return Object.freeze(Object.assign(draw, { as }));
}

function drawScript(drawing: Drawing, definition: Definition, name: string, input: unknown): unknown {
  const { run, source, max, signals } = definition;
  const id = nodeId(drawing, name);
  const { template } = lift(drawing, id, "input", input);
  for (const [signal, schema] of signals ?? []) knowSignal(drawing, id, signal, schema);
  const { scope, after } = drawing;
  const node = addNode(drawing, {
    ...{ kind: "script", id, scope, after, script: definition.name, input: template, source, max },
    signals: signals?.map(([signal, schema]) => ({ signal, isChecked: schema !== undefined })) ?? null,
  });
  drawing.code.set(id, { kind: "script", run });
  return nodeValue(drawing, node);
}
