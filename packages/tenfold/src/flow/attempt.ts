/** `attempt`: a part of the graph whose failure is caught, and what is drawn for it instead. */
import { describe } from "../value/describe.ts";
import { callDrawing } from "./callback.ts";
import { currentDrawing } from "./current-drawing.ts";
import { addNode, drawingError, drawScope, nodeId, type Drawing } from "./drawing.ts";
import type { RunErrorJson } from "./each.ts";
import type { AttemptNode } from "./graph.ts";
import type { Lifted, Plain } from "./lifted.ts";
import { checkName } from "./naming.ts";
import { checkOptionNames } from "./options.ts";
import { lift } from "./template.ts";
import { nodeValue, originOf } from "./value.ts";

export interface AttemptOptions {
  /** False keeps what finished in a body that fails; it is undone otherwise, before the handler begins. */
  readonly undo?: boolean;
}

/**
 * `attempt(() => charge(order), (error) => askForAnother(order, error.code))`: the body's result; where a node of it fails for good,
 * and once all that was at work in it has ended and what it did is undone, what the handler draws.
 */
export interface Attempt {
  <A, B>(
    body: () => A,
    handler: (error: Lifted<RunErrorJson>) => B,
    options?: AttemptOptions,
  ): Lifted<Plain<A> | Plain<B>>;
  /** Names the node that is drawn. */
  as(name: string): Attempt;
}

export const attempt: Attempt = makeAttempt(undefined);

function makeAttempt(name: string | undefined): Attempt {
  const draw = (body: unknown, handler: unknown, options: AttemptOptions = {}): unknown => {
    const drawing = currentDrawing("`attempt`", "Catch inside of a `flow`, or with `try` in a step's body.");
    return drawAttempt(drawing, nodeId(drawing, name ?? "attempt"), body, handler, options);
  };
  const as = (given: string): Attempt => makeAttempt(checkName("WORKFLOW_INVALID", "an attempt", given));
  return Object.freeze(Object.assign(draw, { as })) as unknown as Attempt;
}

function drawAttempt(drawing: Drawing, id: string, body: unknown, handler: unknown, options: AttemptOptions): unknown {
  for (const [role, given] of Object.entries({ body, handler })) {
    if (typeof given === "function" && originOf(given) === undefined) continue;
    const found = originOf(given) === undefined ? describe(given) : "a value";
    throw drawingError("WORKFLOW_INVALID", drawing, id, {
      happened: `its ${role} is ${found}, no function`,
      wayOut: "Give both: `attempt(() => charge(order), (error) => tell(order, error.message))`.",
    });
  }
  const keeps = keepsWhatFinished(drawing, id, options);
  const { scope, after } = drawing;
  const scopes = { body: drawing.scopes.length, handler: -1 };
  const node: AttemptNode = { kind: "attempt", id, scope, after, ...scopes, ...(keeps ? { undo: false } : {}) };
  const index = addNode(drawing, node);
  const drawnBefore = drawing.nodes.length;
  drawScope(drawing, index, "body", () => {
    const written = callDrawing(drawing, "WORKFLOW_INVALID", id, body as () => unknown);
    return lift(drawing, id, "body's result", written).template;
  });
  if (drawing.nodes.length === drawnBefore) {
    throw drawingError("WORKFLOW_INVALID", drawing, id, {
      happened: "its body draws no node, so nothing of it could fail",
      wayOut: "Call the steps whose failure is to be caught inside of it.",
    });
  }
  const caught = drawScope(drawing, index, "catch", (inner) => {
    const error = addNode(drawing, { kind: "item", id: nodeId(drawing, "error"), scope: inner });
    const written = callDrawing(drawing, "WORKFLOW_INVALID", id, () =>
      (handler as (error: unknown) => unknown)(nodeValue(drawing, error)),
    );
    return lift(drawing, id, "handler's result", written).template;
  });
  drawing.nodes[index] = { ...node, handler: caught };
  return nodeValue(drawing, index);
}

function keepsWhatFinished(drawing: Drawing, id: string, options: AttemptOptions): boolean {
  const owner = `attempt "${id}" of workflow "${drawing.workflow}"`;
  checkOptionNames(owner, options, { known: ["undo"], later: [] }, "WORKFLOW_INVALID");
  const { undo = true } = options;
  if (typeof undo === "boolean") return !undo;
  throw drawingError("WORKFLOW_INVALID", drawing, id, {
    happened: `its \`undo\` is ${describe(undo)}`,
    wayOut: "Write `{ undo: false }` to keep what finished in the body, or leave it out.",
  });
}
