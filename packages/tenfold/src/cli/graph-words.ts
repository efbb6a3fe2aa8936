/** How the parts of a graph read in a drawing: short names, what a node uses, what an arm is called. */
import type { StepDefinition } from "../flow/definition.ts";
import { pathText, type JsonPath } from "../value/json.ts";
import {
  visitRefs,
  type ApprovalNode,
  type CallNode,
  type Graph,
  type GraphNode,
  type MatchNode,
  type RepeatNode,
  type ScriptNode,
  type SleepNode,
  type Template,
  type WaitNode,
} from "../flow/graph.ts";
import { plural } from "./time-text.ts";
import { formatDuration } from "../value/duration.ts";

/** A graph, and the steps of today's code by their names: what it does not say of them, such as their queues. */
export interface DrawnGraph extends Graph {
  readonly steps: ReadonlyMap<string, StepDefinition>;
}

/** A node's name without the scopes around it. */
export function shortName({ id }: GraphNode): string {
  return id.slice(id.lastIndexOf("/") + 1);
}

/** `enrich.size`. */
export function refText(graph: Graph, node: number, path: JsonPath): string {
  return shortName(graph.nodes[node]!) + pathText(["_", ...path]).slice(1);
}

/** `gte(score, 80)`. */
export function templateText(graph: Graph, template: Template): string {
  switch (template.kind) {
    case "constant":
      return JSON.stringify(template.value) ?? "nothing";
    case "ref":
      return refText(graph, template.node, template.path);
    case "array":
      return `[${template.items.map((item) => templateText(graph, item)).join(", ")}]`;
    case "object":
      return `{ ${template.entries.map(([key, item]) => `${key}: ${templateText(graph, item)}`).join(", ")} }`;
    case "expression":
      return `${template.operator}(${template.operands.map((operand) => templateText(graph, operand)).join(", ")})`;
  }
}

/** The nodes whose values `templates` use, each with the one path that is used of it, or none if there are more. */
export function usesOf(templates: readonly Template[]): ReadonlyMap<number, JsonPath> {
  const uses = new Map<number, JsonPath>();
  for (const template of templates) {
    visitRefs(template, (node, path) => {
      const known = uses.get(node);
      uses.set(node, known === undefined || pathText(known) === pathText(path) ? path : []);
    });
  }
  return uses;
}

/** What `templates` use, as a list: `input.email, enrich`. */
export function usesText(graph: Graph, templates: readonly Template[]): string {
  return [...usesOf(templates)].map(([node, path]) => refText(graph, node, path)).join(", ");
}

export interface DrawnArm {
  readonly label: string;
  readonly scope: number;
}

/** The scopes of a node as they are labelled: "hot", "warm or cold", "otherwise"; of a when: "then", "otherwise"; of a wait: what runs if none came. */
export function armsOf(node: GraphNode): readonly DrawnArm[] {
  if (node.kind === "wait") return node.otherwise === null ? [] : [{ label: "if none comes", scope: node.otherwise }];
  if (node.kind === "approval") return node.show === null ? [] : [{ label: "shown by", scope: node.show }];
  if (node.kind === "attempt")
    return [
      { label: "try", scope: node.body },
      { label: "if that fails", scope: node.handler },
    ];
  return node.kind === "match" ? armsOfMatch(node) : [];
}

function armsOfMatch(node: MatchNode): readonly DrawnArm[] {
  const arms = node.arms.map(({ labels, scope }) => {
    const names = node.form === "when" ? ["then"] : [...labels];
    if (scope === node.otherwise) names.push("otherwise");
    return { label: names.join(" or "), scope };
  });
  const { otherwise } = node;
  if (otherwise === null || arms.some(({ scope }) => scope === otherwise)) return arms;
  return [...arms, { label: "otherwise", scope: otherwise }];
}

/** "approval of role:finance, but not input.clerk, 2 of them, 3 d at most". */
export function approvalText(graph: Graph, { by, not, atLeast, timeoutMs }: ApprovalNode): string {
  const who = by === null ? "anybody" : namesText(graph, by);
  const but = not === null ? "" : `, but not ${namesText(graph, not)}`;
  const many = atLeast === 1 ? "" : `, ${atLeast} of them`;
  const atMost = timeoutMs === null ? "" : `, ${formatDuration(timeoutMs)} at most`;
  return `approval of ${who}${but}${many}${atMost}`;
}

function namesText(graph: Graph, people: Template): string {
  if (people.kind === "array") return people.items.map((item) => namesText(graph, item)).join(" or ");
  if (people.kind !== "constant") return templateText(graph, people);
  return Array.isArray(people.value) ? people.value.join(" or ") : String(people.value);
}

/** "from input.draft on, 5 rounds at most, until gte(improve.score, 80)". */
export function repeatText(graph: Graph, { initial, body, max }: RepeatNode): string {
  const { output } = graph.scopes[body]!;
  const until = output.kind === "array" ? templateText(graph, output.items[1]!) : "";
  return `from ${templateText(graph, initial)} on, until ${until}, ${max} rounds at most`;
}

/** "workflow invoice ← input.order". */
export function callText(graph: Graph, { workflow, input }: CallNode): string {
  const uses = usesText(graph, [input]);
  return `workflow ${workflow}${uses === "" ? "" : ` ← ${uses}`}`;
}

/** "script, 100 calls at most ← input.question". */
export function scriptText(graph: Graph, { input, max }: ScriptNode): string {
  const uses = usesText(graph, [input]);
  return `script, ${max} calls at most${uses === "" ? "" : ` ← ${uses}`}`;
}

/** "for the signal paid, 14 d at most". */
export function waitText(graph: Graph, { signal, for: whom, timeoutMs }: WaitNode): string {
  const about = whom === null ? "" : ` for ${templateText(graph, whom)}`;
  const atMost = timeoutMs === null ? "" : `, ${formatDuration(timeoutMs)} at most`;
  return `for the signal ${signal}${about}${atMost}`;
}

/** "3 d", "until input.shipAt". */
export function sleepText(graph: Graph, { until }: SleepNode): string {
  if ("at" in until) return `until ${templateText(graph, until.at)}`;
  if ("forMs" in until) return formatDuration(until.forMs);
  const { name, timeZone } = until.calendar;
  return `${plural(until.businessDays, "business day")} (${name ?? timeZone})`;
}

/** "each of input.orders, 10 at once, failures collected", "each of input.labs, all at once, 2 are enough, the rest is stopped". */
export function eachText(graph: Graph, node: Extract<GraphNode, { kind: "each" }>): string {
  const many = node.concurrency === null ? "all at once" : `${node.concurrency} at once`;
  const collected = node.onError === "collect" ? ", failures collected" : "";
  return `each of ${templateText(graph, node.items)}, ${many}${collected}${enoughText(graph, node)}`;
}

function enoughText(graph: Graph, { enough }: Extract<GraphNode, { kind: "each" }>): string {
  if (enough === undefined) return "";
  const rest = enough.rest === "stop" ? "the rest is stopped" : "the rest goes on";
  const count = templateText(graph, enough.count);
  return `, ${count} ${count === "1" ? "is" : "are"} enough, ${rest}`;
}
