/**
 * Which workflow is being drawn right now. The one exception to "no module-level state": a `flow` calls steps as
 * plain functions, so nothing but this stack can tell them which graph they draw in. Invariants: it is empty
 * whenever no `flow` is on the call stack; a `flow` is synchronous, so no other code sees it filled.
 */
import { TenfoldError } from "../value/error.ts";
import type { Drawing } from "./drawing.ts";

const drawings: Drawing[] = [];

export function whileDrawing<T>(drawing: Drawing, draw: () => T): T {
  drawings.push(drawing);
  try {
    return draw();
  } finally {
    drawings.pop();
  }
}

/** The workflow being drawn; refused outside of any `flow`, where `what` cannot draw a node. */
export function currentDrawing(what: string, wayOut: string): Drawing {
  const drawing = drawings.at(-1);
  if (drawing !== undefined) return drawing;
  throw new TenfoldError(
    "VALUE_MISUSED",
    `${what} was called outside of any workflow's \`flow\` (or after an \`await\` in it), so there is no graph to draw it in; nothing was done. ${wayOut}`,
    { facts: { what } },
  );
}
