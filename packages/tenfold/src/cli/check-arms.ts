/**
 * Arms that no value can take: what is known about values on the way to a match is carried into its arms.
 * Invariant: it reports only what is certain from the graph; "unknown" never becomes a finding.
 */
import { labelOf } from "../flow/evaluate.ts";
import type { Graph, MatchNode, Template } from "../flow/graph.ts";
import { canonicalJson, type Json } from "../value/json.ts";
import { learn, NOTHING_KNOWN, truthOf, type Knowledge } from "./check-truth.ts";
import { shortName, templateText } from "./graph-words.ts";

export interface ArmFinding {
  readonly node: string;
  readonly message: string;
}

/** One finding for each arm that cannot be taken, in the order of the graph. */
export function unreachableArms(graph: Graph): readonly ArmFinding[] {
  const findings: ArmFinding[] = [];
  visitScope(graph, 0, NOTHING_KNOWN, findings);
  return findings;
}

function visitScope(graph: Graph, scope: number, known: Knowledge, findings: ArmFinding[]): void {
  for (const index of graph.scopes[scope]!.nodes) {
    const node = graph.nodes[index]!;
    if (node.kind === "each") visitScope(graph, node.body, known, findings);
    if (node.kind === "match") visitMatch(graph, node, known, findings);
  }
}

function visitMatch(graph: Graph, node: MatchNode, known: Knowledge, findings: ArmFinding[]): void {
  const look = templateText(graph, node.on);
  const report = (arm: string, why: string): void => {
    const wayOut = "Remove the arm, or correct what is looked at.";
    const message = `The arm "${arm}" of \`${node.form}(${look}, …)\` can never be taken: ${why}. ${wayOut}`;
    findings.push({ node: node.id, message });
  };
  const possible = possibleLabels(node.on, known);
  for (const { labels, scope } of node.arms) {
    const taken = labels.filter((label) => possible.allows(label));
    for (const label of labels) {
      const name = node.form === "when" ? "then" : label;
      if (!taken.includes(label)) report(name, whyNot(graph, node, label, possible));
    }
    const isOtherwise = scope === node.otherwise;
    // What cannot be reached has been told once; what is in it would only repeat that.
    if (taken.length === 0 && !isOtherwise) continue;
    const inside = isOtherwise ? known : learn(known, node.on, { labels: taken });
    visitScope(graph, scope, inside, findings);
  }
  const { otherwise } = node;
  if (otherwise === null || node.arms.some(({ scope }) => scope === otherwise)) return;
  const excluded = node.arms.flatMap(({ labels }) => labels);
  if (possible.only !== null && possible.only.every((label) => excluded.includes(label))) {
    const labels = possible.only.map((label) => `"${label}"`).join(" or ");
    const isTruth = node.on.kind === "expression" && possible.only.length === 1;
    report(
      "otherwise",
      isTruth ? `\`${look}\` is always ${possible.only[0]} there` : `${look} is ${labels} there, which has its own arm`,
    );
    return;
  }
  visitScope(graph, otherwise, learn(known, node.on, { except: excluded }), findings);
}

interface Labels {
  /** All labels that there can be; null if nobody knows. */
  readonly only: readonly string[] | null;
  allows(label: string): boolean;
}

function possibleLabels(on: Template, known: Knowledge): Labels {
  if (on.kind === "constant") return only([labelText(on.value)]);
  if (on.kind === "expression") {
    const truth = truthOf(on, known);
    return only(truth === undefined ? ["true", "false"] : [String(truth)]);
  }
  const fact = known.get(textOf(on));
  if (fact?.only !== undefined) return only(fact.only.filter((label) => !fact.except.has(label)));
  return { only: null, allows: (label) => fact?.except.has(label) !== true };
}

function only(labels: readonly string[]): Labels {
  return { only: labels, allows: (label) => labels.includes(label) };
}

function labelText(value: Json | undefined): string {
  return typeof value === "object" && value !== null ? canonicalJson(value) : labelOf(value);
}

function textOf(template: Template): string {
  return canonicalJson(template as unknown as Json);
}

function whyNot(graph: Graph, node: MatchNode, label: string, possible: Labels): string {
  const look = templateText(graph, node.on);
  const isTruth = node.on.kind === "expression";
  if (isTruth && label !== "true" && label !== "false") return `\`${look}\` is only ever true or false`;
  if (isTruth) return `\`${look}\` is always ${possible.only?.[0] ?? "the same"} there`;
  if (possible.only !== null && possible.only.length > 0) {
    const owner = graph.scopes[node.scope]!.owner;
    const around = owner < 0 ? "" : ` inside of "${shortName(graph.nodes[owner]!)}"`;
    return `${look} is ${possible.only.map((one) => `"${one}"`).join(" or ")}${around}`;
  }
  return `an arm around it has taken "${label}" already`;
}
