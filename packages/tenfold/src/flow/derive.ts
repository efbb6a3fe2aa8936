/** `derive`: any other pure function of values, computed once by the driver, opaque to analysis. */
import { describe } from "../value/describe.ts";
import { contentHash } from "../value/hash.ts";
import { currentDrawing } from "./current-drawing.ts";
import { addNode, drawingError, nodeId, type Drawing } from "./drawing.ts";
import type { Template } from "./graph.ts";
import type { JsonOr, Lifted, Plain, Result } from "./lifted.ts";
import { checkName, plainSegment, subjectName } from "./naming.ts";
import { lift } from "./template.ts";
import { nodeValue, originOf } from "./value.ts";

type Data<V extends readonly unknown[]> = { -readonly [K in keyof V]: Plain<V[K]> };
type DerivedNotJson = "what this function answers is not JSON: answer JSON, without a promise";

/** `derive(order, rate, (order, rate) => order.total * rate)`: the function is pure and answers JSON at once. */
export interface Derive {
  <const V extends readonly unknown[], R>(
    ...inputs: [...values: V, compute: ((...values: Data<V>) => R) & JsonOr<DerivedNotJson, R>]
  ): Lifted<Result<R>>;
  /** Names the node that is drawn. */
  as(name: string): Derive;
}

export const derive: Derive = makeDerive(undefined);

function makeDerive(name: string | undefined): Derive {
  const draw = (...given: unknown[]): unknown => {
    const drawing = currentDrawing("`derive`", "Outside of a `flow`, call the function itself.");
    return drawDerive(drawing, name, given.slice(0, -1), given.at(-1));
  };
  const as = (given: string): Derive => makeDerive(checkName("WORKFLOW_INVALID", "a derive", given));
  return Object.freeze(Object.assign(draw, { as })) as unknown as Derive;
}

function drawDerive(drawing: Drawing, name: string | undefined, values: readonly unknown[], compute: unknown): unknown {
  const templates = values.map((value) => lift(drawing, name ?? "derive", "input", value).template);
  const id = nodeId(drawing, name ?? `derive-${derivedName(drawing, templates, compute)}`);
  if (typeof compute !== "function" || originOf(compute) !== undefined) {
    throw drawingError("WORKFLOW_INVALID", drawing, id, {
      happened: `the last argument of \`derive\` is ${originOf(compute) === undefined ? describe(compute) : "a value"}, no function`,
      wayOut: "Give the function last: `derive(order, rate, (order, rate) => order.total * rate)`.",
    });
  }
  const { scope, after } = drawing;
  const source = contentHash(Function.prototype.toString.call(compute));
  const node = addNode(drawing, { kind: "derive", id, scope, after, inputs: templates, source });
  drawing.code.set(id, { kind: "derive", compute: compute as (...inputs: never[]) => unknown });
  return nodeValue(drawing, node);
}

function derivedName(drawing: Drawing, templates: readonly Template[], compute: unknown): string {
  const own = typeof compute === "function" && originOf(compute) === undefined ? compute.name : "";
  if (own !== "" && own !== "fn" && own !== "anonymous") return plainSegment(own);
  const subjects = templates.map((template) => subjectName(drawing, template)).filter((text) => text !== undefined);
  return subjects.length === 0 ? "constant" : subjects.join("-");
}
