/** Calls what a user draws with (an arm, an each's body, `after`), and refuses results that cannot be meant. */
import type { ErrorCode } from "../value/error.ts";
import { drawingError, type Drawing } from "./drawing.ts";
import type { Template } from "./graph.ts";
import { templateText } from "./naming.ts";
import { lift } from "./template.ts";
import type { ValueOrigin } from "./value.ts";

/** Calls `draw`; a promise is refused, because what is drawn after an `await` belongs to no graph. */
export function callDrawing<R>(drawing: Drawing, code: ErrorCode, node: string, draw: () => R): R {
  const result = draw();
  if (!isPromise(result)) return result;
  // The promise may still be rejected, by what is called after the `await`; the cause is told here.
  if (result instanceof Promise) result.catch(() => {});
  throw drawingError(code, drawing, node, {
    happened: "its callback is async (it answered a promise)",
    wayOut: "Draw without `async` and `await`: a step answers a value at once, and the graph does the waiting.",
  });
}

function isPromise(result: unknown): boolean {
  return typeof result === "object" && result !== null && "then" in result && typeof result.then === "function";
}

/** Draws one arm in the current scope; answers its output. */
export function drawArm(drawing: Drawing, node: string, arm: string, draw: () => unknown): Template {
  const written = callDrawing(drawing, "MATCH_INVALID", node, draw);
  const { template, origins } = lift(drawing, node, `arm "${arm}"`, written);
  const outer = drawsNothing(drawing) ? origins.find((origin) => !isOwnSubject(drawing, origin)) : undefined;
  if (outer === undefined) return template;
  const text = templateText(drawing, outer.template);
  throw drawingError("MATCH_INVALID", drawing, node, {
    happened: `the arm "${arm}" draws no node and only answers \`${text}\`, which is computed whichever arm is taken`,
    wayOut: `Call the step inside of the arm if it belongs there; to choose between results that are computed anyway, use \`derive\`.`,
    facts: { arm, value: text },
  });
}

function drawsNothing(drawing: Drawing): boolean {
  return drawing.scopes[drawing.scope]!.nodes.length === 0;
}

/** Whether this is the value that the arm was given, or a part of it. */
function isOwnSubject(drawing: Drawing, origin: ValueOrigin): boolean {
  return origin.narrowed && origin.scope === drawing.scope;
}
