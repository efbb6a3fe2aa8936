/** `call`: a node that is another run, the child; its output is what that run puts out. */
import { describe } from "../value/describe.ts";
import { currentDrawing } from "./current-drawing.ts";
import type { Workflow, WorkflowDefinition } from "./definition.ts";
import { addNode, drawingError, nodeId, type Drawing } from "./drawing.ts";
import type { Input, Lifted } from "./lifted.ts";
import { checkName } from "./naming.ts";
import { lift } from "./template.ts";
import { nodeValue, originOf } from "./value.ts";

type CallInput<I> = undefined extends I ? [input?: Input<I>] : [input: Input<I>];

/**
 * `call(invoice, { order })`: what a run of the workflow `invoice` on this input puts out. It is drawn by a function where
 * the workflow is the one that is being drawn, `call(() => tree, node)`, and by its name where two call each other: then
 * what it puts out is unknown.
 */
export interface Call {
  <I, O>(target: Workflow<I, O>, ...input: CallInput<I>): Lifted<O>;
  <I, O>(target: () => Workflow<I, O>, ...input: CallInput<I>): Lifted<O>;
  (target: string, input?: unknown): Lifted<unknown>;
  /** Names the node that is drawn. */
  as(name: string): Call;
}

export const call: Call = makeCall(undefined);

type Target = WorkflowDefinition | (() => WorkflowDefinition);

interface Called {
  readonly workflow: string;
  /** Undefined where only the name is known. */
  readonly target?: Target;
}

function makeCall(name: string | undefined): Call {
  const draw = (target: unknown, input: unknown = null): unknown => {
    const wayOut =
      "Outside of a `flow`, start a run: `tenfold.start(workflow, input)`; in a script, `ctx.call(workflow, input)`.";
    const drawing = currentDrawing("`call`", wayOut);
    const called = calledBy(drawing, name ?? "call", target);
    if (called.target !== undefined && "debounce" in called.target) throw debounced(drawing, called.workflow);
    const id = nodeId(drawing, name ?? `call-${called.workflow}`);
    const { template } = lift(drawing, id, "input", input);
    const { scope, after } = drawing;
    const node = addNode(drawing, { kind: "call", id, scope, after, workflow: called.workflow, input: template });
    if (called.target !== undefined) drawing.code.set(id, { kind: "call", target: called.target });
    return nodeValue(drawing, node);
  };
  const as = (given: string): Call => makeCall(checkName("CALL_INVALID", "a call", given));
  return Object.freeze(Object.assign(draw, { as })) as unknown as Call;
}

function calledBy(drawing: Drawing, id: string, target: unknown): Called {
  if (typeof target === "string") return { workflow: checkName("CALL_INVALID", "a workflow", target) };
  if (isDefinition(target)) return { workflow: target.name, target };
  if (typeof target === "function" && originOf(target) === undefined && !("definition" in target)) {
    const answer = answerOf(target as () => unknown);
    if (answer === undefined) return { workflow: drawing.workflow, target: target as Target & (() => never) };
    if (isDefinition(answer)) return { workflow: answer.name, target: answer };
    throw refusal(drawing, id, `a function that answers ${describe(answer)}`);
  }
  if (originOf(target) !== undefined) throw refusal(drawing, id, "a value");
  throw refusal(drawing, id, typeof target === "function" ? "a step" : describe(target));
}

/** Undefined where what it answers is not there yet: only the workflow that is being drawn is not. */
function answerOf(target: () => unknown): unknown {
  try {
    return target();
  } catch (thrown) {
    if (thrown instanceof ReferenceError) return undefined;
    throw thrown;
  }
}

/** Whether this is what `workflow` answered. */
export function isDefinition(given: unknown): given is WorkflowDefinition {
  return typeof given === "object" && given !== null && "graph" in given && "steps" in given;
}

/** A call is answered with what its own input comes to, and the last of several inputs would answer them all. */
function debounced(drawing: Drawing, workflow: string): Error {
  return drawingError("CALL_INVALID", drawing, `call-${workflow}`, {
    happened: `it calls "${workflow}", which has a \`debounce\`: its run would be on the input of whoever starts it last`,
    wayOut:
      "Call a workflow of the same `flow` without `debounce`; or have a step start this one, and wait for nothing.",
  });
}

function refusal(drawing: Drawing, id: string, given: string): Error {
  return drawingError("CALL_INVALID", drawing, id, {
    happened: `it calls ${given}, which is no workflow`,
    wayOut:
      "Give what `workflow(…)` answered, `() => it` for the workflow itself, or its name as text; a step is called by itself: `enrich(lead)`.",
  });
}
