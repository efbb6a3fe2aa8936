/** Names and texts of nodes: which names are allowed, what an unnamed construct is called, how a value reads. */
import { describe } from "../value/describe.ts";
import { TenfoldError, type ErrorCode } from "../value/error.ts";
import { pathText, type JsonPath } from "../value/json.ts";
import type { Drawing } from "./drawing.ts";
import { visitRefs, type GraphNode, type Template } from "./graph.ts";

const NAME = /^[a-z0-9][a-z0-9-]*$/;
const NAME_MAX = 100;

/** Refuses a name that could not stand in a node's id, or has over 100 characters; `what` is for example `a step`. */
export function checkName(code: ErrorCode, what: string, name: unknown): string {
  if (typeof name === "string" && name.length <= NAME_MAX && NAME.test(name)) return name;
  const suggestion = typeof name === "string" && name.length <= NAME_MAX ? kebab(name) : "";
  throw new TenfoldError(
    code,
    `${describe(name)} cannot be the name of ${what}, which was not defined. A name begins with a small letter or digit, has only small letters, digits and "-", and at most ${NAME_MAX} of them${
      suggestion === "" ? "" : `: call it "${suggestion}"`
    }.`,
    { facts: { what, name } },
  );
}

function kebab(name: string): string {
  const words = name.replaceAll(/([a-z0-9])([A-Z])/g, "$1-$2").toLowerCase();
  return words.replaceAll(/[^a-z0-9]+/g, "-").replaceAll(/^-+|-+$/g, "");
}

/** What has nodes: a drawing, or the graph that came of it. */
interface Named {
  readonly nodes: readonly GraphNode[];
}

/** `enrich.size`: how a reference reads. */
export function refText(drawing: Named, node: number, path: JsonPath): string {
  return drawing.nodes[node]!.id + pathText(["_", ...path]).slice(1);
}

/** `gte(score, 80)`: how what a value stands for reads. */
export function templateText(drawing: Named, template: Template): string {
  switch (template.kind) {
    case "constant":
      return JSON.stringify(template.value) ?? "undefined";
    case "ref":
      return refText(drawing, template.node, template.path);
    case "array":
      return `[${template.items.map((item) => templateText(drawing, item)).join(", ")}]`;
    case "object":
      return `{ ${template.entries.map(([key, item]) => `${key}: ${templateText(drawing, item)}`).join(", ")} }`;
    case "expression":
      return `${template.operator}(${template.operands.map((operand) => templateText(drawing, operand)).join(", ")})`;
  }
}

/** What a construct is called after: the last property, or the node, of the first reference in `template`. */
export function subjectName(drawing: Drawing, template: Template): string | undefined {
  let found: string | undefined;
  visitRefs(template, (node, path) => {
    if (found !== undefined) return;
    const property = path.findLast((part) => typeof part === "string");
    found = property === undefined ? drawing.nodes[node]!.id.split("/").at(-1)! : plainSegment(property);
  });
  return found;
}

/** `name` without the characters that separate the segments of an id, or its items. */
export function plainSegment(name: string): string {
  return name.replaceAll(/[^\p{L}\p{N}_-]+/gu, "-");
}
