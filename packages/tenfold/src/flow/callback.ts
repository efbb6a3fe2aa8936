/** Calls what a user draws with (an arm, an each's body, `after`), and refuses results that cannot be meant. */
import { describe } from "../value/describe.ts";
import { disownPromise } from "../value/disown-promise.ts";
import type { ErrorCode } from "../value/error.ts";
import { drawingError, NO_AWAIT, type Drawing } from "./drawing.ts";
import type { Template } from "./graph.ts";
import { templateText } from "./naming.ts";
import { lift } from "./template.ts";
import type { ValueOrigin } from "./value.ts";

/**
 * Calls `draw`; a promise is refused, because what is drawn after an `await` belongs to no graph, and so is a
 * generator, which has drawn nothing yet.
 */
export function callDrawing<R>(drawing: Drawing, code: ErrorCode, node: string, draw: () => R): R {
  let result: R;
  try {
    result = draw();
  } catch (thrown) {
    throw asThrown(drawing, code, node, thrown);
  }
  if (disownPromise(result)) {
    throw drawingError(code, drawing, node, {
      happened: "its callback is async (it answered a promise)",
      wayOut: NO_AWAIT,
    });
  }
  if (isGenerator(result)) {
    throw drawingError(code, drawing, node, {
      happened: "its callback is a generator (`function*`), whose body was not called",
      wayOut: "Write a plain function without `*` and `yield`; draw for every item of a list with `each`.",
    });
  }
  return result;
}

/** A user's error goes on as it is, because it says where; what says nothing of use is told for it. */
function asThrown(drawing: Drawing, code: ErrorCode, node: string, thrown: unknown): unknown {
  // Values have no `then`, so that none is taken for a promise: JavaScript says only that it is no function.
  if (thrown instanceof TypeError && /\bthen is not a function/.test(thrown.message)) {
    return drawingError("VALUE_MISUSED", drawing, node, {
      happened: "a value was awaited with `.then(…)`, and it is no promise",
      wayOut: NO_AWAIT,
      cause: thrown,
    });
  }
  if (thrown instanceof Error) return thrown;
  return drawingError(code, drawing, node, {
    happened: `its callback threw ${describe(thrown)}, which is no error`,
    wayOut: "Remove the cause; what is thrown while a workflow is drawn should be an `Error`, which says where.",
    facts: { thrown },
  });
}

function isGenerator(result: unknown): boolean {
  return /^\[object (?:Async)?Generator\]$/.test(Object.prototype.toString.call(result));
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
