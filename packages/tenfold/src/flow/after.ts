/** `after`: order without data. The nodes drawn in its callback wait for nodes whose values they do not use. */
import { describe } from "../value/describe.ts";
import { callDrawing } from "./callback.ts";
import { currentDrawing } from "./current-drawing.ts";
import { drawingError, type Drawing } from "./drawing.ts";
import { visitRefs } from "./graph.ts";
import type { Symbolic } from "./lifted.ts";
import { lift } from "./template.ts";
import { originOf } from "./value.ts";

/** Values, alone or in lists and objects; all nodes that they refer to are waited for. */
export type Deps = Symbolic<unknown> | readonly Deps[] | { readonly [key: string]: Deps };

/** `after(reserved, () => charge(order))`: draws what the callback draws, waiting for `deps`; answers its result. */
export function after<R>(deps: Deps, draw: () => R): R {
  const drawing = currentDrawing("`after`", "Outside of a `flow`, one statement comes after the other anyway.");
  const waited = nodesOf(drawing, deps);
  if (typeof draw !== "function" || originOf(draw) !== undefined) {
    throw misused(drawing, waited, `is given ${describe(draw)} where a callback belongs`);
  }
  const { after: before, nodes } = drawing;
  const drawnBefore = nodes.length;
  drawing.after = [...new Set([...before, ...waited])].sort((a, b) => a - b);
  try {
    const result = callDrawing(drawing, "VALUE_MISUSED", nodes[waited[0]!]!.id, draw);
    if (nodes.length === drawnBefore) throw misused(drawing, waited, "draws no node in its callback, so nothing waits");
    return result;
  } finally {
    drawing.after = before;
  }
}

function nodesOf(drawing: Drawing, deps: Deps): readonly number[] {
  const found = new Set<number>();
  const { template } = lift(drawing, "after", "list of what comes first", deps);
  visitRefs(template, (node) => found.add(node));
  if (found.size > 0) return [...found];
  throw misused(drawing, [], "is given no value to wait for");
}

function misused(drawing: Drawing, waited: readonly number[], happened: string): Error {
  const first = waited.map((node) => drawing.nodes[node]!.id).join(", ");
  return drawingError("VALUE_MISUSED", drawing, first === "" ? "after" : first, {
    happened: `\`after\` ${happened}`,
    wayOut: "Call the steps that have to wait inside of its callback: `after(reserved, () => charge(order))`.",
  });
}
