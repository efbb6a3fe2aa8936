/** `waitFor`: a node that is done when somebody has sent the run a signal, today or in months. */
import { describe } from "../value/describe.ts";
import type { Duration } from "../value/duration.ts";
import { isSchema, type Schema } from "../value/schema.ts";
import { callDrawing } from "./callback.ts";
import { currentDrawing } from "./current-drawing.ts";
import { addNode, drawingError, drawScope, nodeId, type Drawing } from "./drawing.ts";
import { checkedDuration } from "./durations.ts";
import type { WaitNode } from "./graph.ts";
import type { Input, JsonOr, Lifted, Plain, Result } from "./lifted.ts";
import { checkName } from "./naming.ts";
import { checkOptionNames } from "./options.ts";
import { lift } from "./template.ts";
import { nodeValue, originOf } from "./value.ts";

export interface WaitOptions<T = unknown, Sent = T> {
  /** Checks, and may transform, what the signal carries; whoever sends another is told, and the run waits on. */
  readonly schema?: Schema<T, Sent>;
  /** Which of several things it is about (`parcel.id`): only a signal that is sent `{ for: … }` the same one is taken. */
  readonly for?: Input<string> | Input<number>;
  /** How long it is waited for; without it, for ever. */
  readonly timeout?: Duration;
}

type TimeoutMissing = "`otherwise` is drawn after a `timeout`: give that too";
type PayloadNotJson = { readonly schema: "what this schema makes is not JSON; let it transform to JSON" };

/**
 * `waitFor("paid", { schema: Payment, timeout: "14 days", otherwise: () => remind(order) })`: what the signal carries.
 * Where none comes in time, what `otherwise` draws; without `otherwise` the node fails (SIGNAL_TIMED_OUT).
 */
export interface WaitFor {
  <T, R, Sent = T>(
    signal: string,
    options: WaitOptions<T, Sent> & { readonly timeout: Duration; otherwise(): R } & JsonOr<PayloadNotJson, T>,
  ): Lifted<Result<T> | Plain<R>>;
  <T = unknown, Sent = T>(
    signal: string,
    options?: WaitOptions<T, Sent> & { readonly otherwise?: TimeoutMissing | undefined } & JsonOr<PayloadNotJson, T>,
  ): Lifted<Result<T>>;
  /** Names the node that is drawn. */
  as(name: string): WaitFor;
}

export const waitFor: WaitFor = makeWaitFor(undefined);

type Given = WaitOptions & { readonly otherwise?: unknown };

const OPTIONS = { known: ["schema", "for", "timeout", "otherwise"], later: [] };

function makeWaitFor(name: string | undefined): WaitFor {
  const draw = (signal: unknown, options: Given = {}): unknown => {
    const drawing = currentDrawing(
      "`waitFor`",
      "A step's body ends, and the workflow waits between two steps; a script has `ctx.waitFor`.",
    );
    checkName("WAIT_INVALID", "a signal", signal);
    return drawWait(drawing, name ?? `wait-${signal as string}`, signal as string, options);
  };
  const as = (given: string): WaitFor => makeWaitFor(checkName("WAIT_INVALID", "a wait", given));
  return Object.freeze(Object.assign(draw, { as })) as unknown as WaitFor;
}

function drawWait(drawing: Drawing, name: string, signal: string, options: Given): unknown {
  const id = nodeId(drawing, name);
  checkOptionNames(`wait "${id}" of workflow "${drawing.workflow}"`, options, OPTIONS, "WAIT_INVALID");
  const { schema, timeout, otherwise } = options;
  checkWait(drawing, id, options);
  knowSignal(drawing, id, signal, schema);
  const whom = options.for === undefined ? null : lift(drawing, id, "`for`", options.for).template;
  const timeoutMs = timeout === undefined ? null : checkedDuration(drawing, id, "its timeout", timeout);
  const { scope, after } = drawing;
  const node: WaitNode = {
    kind: "wait",
    id,
    scope,
    after,
    signal,
    for: whom,
    isChecked: schema !== undefined,
    timeoutMs,
    otherwise: otherwise === undefined ? null : drawing.scopes.length,
  };
  const index = addNode(drawing, node);
  if (otherwise !== undefined) {
    drawScope(drawing, index, "otherwise", () => {
      const written = callDrawing(drawing, "WAIT_INVALID", id, otherwise as () => unknown);
      return lift(drawing, id, "`otherwise`", written).template;
    });
  }
  return nodeValue(drawing, index);
}

function checkWait(drawing: Drawing, id: string, { schema, timeout, otherwise }: Given): void {
  const refuse = (happened: string, wayOut: string): Error =>
    drawingError("WAIT_INVALID", drawing, id, { happened, wayOut });
  if (schema !== undefined && !isSchema(schema))
    throw refuse(`its schema is ${describe(schema)}`, "Give a Standard Schema (zod, valibot …).");
  if (otherwise === undefined) return;
  if (typeof otherwise !== "function" || originOf(otherwise) !== undefined) {
    const found = originOf(otherwise) === undefined ? describe(otherwise) : "a value";
    throw refuse(
      `its \`otherwise\` is ${found}, no function`,
      "Give what is drawn then: `otherwise: () => remind(order)`.",
    );
  }
  if (timeout === undefined)
    throw refuse("it has `otherwise`, and no timeout after which that would run", 'Add `timeout: "14 days"`.');
}

/** A sender knows only the signal's name: what it carries is the same wherever it is waited for. */
export function knowSignal(drawing: Drawing, id: string, signal: string, schema: Schema | undefined): void {
  if (drawing.signals.has(signal) && drawing.signals.get(signal) !== schema) {
    throw drawingError("WAIT_INVALID", drawing, id, {
      happened: `the signal "${signal}" is waited for with another schema elsewhere in this workflow`,
      wayOut: "Keep one schema in a constant and give it to both, or give one of the signals another name.",
      facts: { signal },
    });
  }
  drawing.signals.set(signal, schema);
}
