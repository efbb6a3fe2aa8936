/** What templates come to in a frame: a value, or a run's error where they cannot be computed. */
import { evaluate } from "../flow/evaluate.ts";
import type { Template } from "../flow/graph.ts";
import { TenfoldError } from "../value/error.ts";
import type { Json } from "../value/json.ts";
import type { RunError } from "./entry.ts";
import { outputFrom, type Frame, type RunState } from "./state.ts";

export type Output =
  { readonly ok: true; readonly output: Json | undefined } | { readonly ok: false; readonly error: RunError };

/** What a finished frame puts out. */
export function outputOf(state: RunState, frame: Frame): Output {
  const { compiled } = state;
  const node = frame.parent === null ? "output" : compiled.nodes[frame.scope.owner]!.node.id;
  return valueOf(state, frame, frame.scope.output, node);
}

/** `template` as it reads in `frame`; an error is of the node `node`. */
export function valueOf(state: RunState, frame: Frame, template: Template, node: string): Output {
  try {
    return { ok: true, output: evaluate(template, outputFrom(state.compiled, frame)) };
  } catch (thrown) {
    return { ok: false, error: evaluationError(thrown, node) };
  }
}

/** An expression that could not be computed, as a run's error; anything else is our own bug and goes on. */
export function evaluationError(thrown: unknown, node: string): RunError {
  if (!(thrown instanceof TenfoldError)) throw thrown;
  return { code: thrown.code, message: thrown.message, node, attempt: 0 };
}

/** What a user's graph is told of an error. */
export function errorJson({ code, message, node }: RunError): Json {
  return { code, message, node };
}
