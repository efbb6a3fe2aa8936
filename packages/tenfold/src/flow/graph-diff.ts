/**
 * What is different between two graphs of a workflow, by the names of their nodes, as data and in words.
 * Invariant: it is empty for graphs that drive runs alike; in which order things were drawn is no difference.
 */
import { canonicalJson } from "../value/json.ts";
import { formatDuration } from "../value/duration.ts";
import { scopesOf, templatesOf, visitRefs, type Graph, type GraphNode, type Template } from "./graph.ts";
import { templateText } from "./naming.ts";

export interface GraphDiff {
  readonly added: readonly DiffNode[];
  readonly removed: readonly DiffNode[];
  readonly changed: readonly ChangedNode[];
  /** Who waits for whom now, and no more: nodes by their ids, "output" is the run's. */
  readonly edgesAdded: readonly Edge[];
  readonly edgesRemoved: readonly Edge[];
}

export interface DiffNode {
  readonly node: string;
  /** "step enrich", "sleep". */
  readonly what: string;
}

export interface ChangedNode {
  readonly node: string;
  /** "input: { lead: input } → { lead: input, company: enrich }". */
  readonly changes: readonly string[];
}

export interface Edge {
  readonly from: string;
  readonly to: string;
}

/** The difference that makes `before` into `after`. */
export function diffGraphs(before: Graph, after: Graph): GraphDiff {
  const [old, now] = [partsOf(before), partsOf(after)];
  const nodesOf = (ids: readonly string[], parts: Parts): DiffNode[] =>
    ids.map((node) => ({ node, what: parts.nodes.get(node)!["is"]! }));
  const edgesOf = (edges: ReadonlyMap<string, Edge>, others: ReadonlyMap<string, Edge>): Edge[] =>
    [...edges].filter(([name]) => !others.has(name)).map(([, edge]) => edge);
  const stays = [...now.nodes.keys()].filter((id) => old.nodes.has(id));
  return {
    added: nodesOf([...now.nodes.keys()].filter((id) => !old.nodes.has(id)), now), // prettier-ignore
    removed: nodesOf([...old.nodes.keys()].filter((id) => !now.nodes.has(id)), old), // prettier-ignore
    changed: stays.flatMap((node) => changedNode(node, old.nodes.get(node)!, now.nodes.get(node)!)),
    edgesAdded: edgesOf(now.edges, old.edges),
    edgesRemoved: edgesOf(old.edges, now.edges),
  };
}

export function isEmptyDiff({ added, removed, changed, edgesAdded, edgesRemoved }: GraphDiff): boolean {
  return [added, removed, changed, edgesAdded, edgesRemoved].every((part) => part.length === 0);
}

/**
 * One line for each difference: "+ third (step third)", "~ score: input: …", "+ enrich → score". What a node that is new or
 * gone was joined to is not told beside it.
 */
export function diffLines({ added, removed, changed, edgesAdded, edgesRemoved }: GraphDiff): readonly string[] {
  const ends = new Set([...added, ...removed].map(({ node }) => node));
  const textsOf = (sign: string, edges: readonly Edge[]): string[] =>
    edges.filter(({ from, to }) => !ends.has(from) && !ends.has(to)).map(({ from, to }) => `${sign} ${from} → ${to}`);
  return [
    ...removed.map(({ node, what }) => `- ${node} (${what})`),
    ...added.map(({ node, what }) => `+ ${node} (${what})`),
    ...changed.flatMap(({ node, changes }) => changes.map((change) => `~ ${node}: ${change}`)),
    ...textsOf("-", edgesRemoved),
    ...textsOf("+", edgesAdded),
  ];
}

/** What is told of a node, by what it is called; each in words that differ if what they are about does. */
type Facts = Readonly<Record<string, string>>;

interface Parts {
  readonly nodes: ReadonlyMap<string, Facts>;
  readonly edges: ReadonlyMap<string, Edge>;
}

const OUTPUT = "output";

function partsOf(graph: Graph): Parts {
  const nodes = new Map<string, Facts>();
  const edges = new Map<string, Edge>();
  const connect = (from: number, to: string): void => {
    const { id } = graph.nodes[from]!;
    edges.set(`${id} ${to}`, { from: id, to });
  };
  for (const node of graph.nodes) {
    if (node.kind === "input" || node.kind === "item") continue;
    nodes.set(node.id, factsOf(graph, node));
    for (const template of templatesOf(node)) visitRefs(template, (from) => connect(from, node.id));
    for (const from of node.after) connect(from, node.id);
  }
  nodes.set(OUTPUT, { is: "the run's output", value: templateText(graph, graph.scopes[0]!.output) });
  visitRefs(graph.scopes[0]!.output, (from) => connect(from, OUTPUT));
  return { nodes, edges };
}

function changedNode(node: string, old: Facts, now: Facts): ChangedNode[] {
  const names = [...new Set([...Object.keys(old), ...Object.keys(now)])];
  const changes = names.flatMap((name) => {
    const [was, is] = [old[name], now[name]];
    if (was === is) return [];
    if (name === "source") return ["the source of its function"];
    return [`${name === "is" ? "" : `${name}: `}${was ?? "none"} → ${is ?? "none"}`];
  });
  return changes.length === 0 ? [] : [{ node, changes }];
}

function factsOf(graph: Graph, node: Exclude<GraphNode, { kind: "input" | "item" }>): Facts {
  const text = (template: Template): string => templateText(graph, template);
  const facts: Record<string, string> = {};
  const add = (name: string, value: string | null): void => void (value !== null && (facts[name] = value));
  const time = (ms: number | null): string | null => (ms === null ? null : formatDuration(ms));
  facts["is"] = node.kind;
  switch (node.kind) {
    case "step":
      facts["is"] = `step ${node.step}`;
      add("input", text(node.input));
      break;
    case "call":
      facts["is"] = `call of ${node.workflow}`;
      add("input", text(node.input));
      break;
    case "match":
      facts["is"] = node.form;
      add(node.form === "when" ? "condition" : "on", text(node.on));
      add(
        "arms",
        node.arms.map(({ labels, scope }) => `${labels.join(" or ")}: ${graph.scopes[scope]!.name}`).join(", "),
      );
      add("otherwise", node.otherwise === null ? null : graph.scopes[node.otherwise]!.name);
      break;
    case "each":
      add("items", text(node.items));
      add("concurrency", node.concurrency === null ? null : `${node.concurrency}`);
      add("onError", node.onError);
      add("failAbove", node.failAbove === undefined ? null : JSON.stringify(node.failAbove));
      add("enough", node.enough === undefined ? null : text(node.enough.count));
      add("rest", node.enough?.rest ?? null);
      break;
    case "derive":
      add("inputs", node.inputs.map(text).join(", "));
      add("source", node.source);
      break;
    case "sleep":
      add(
        "until",
        "at" in node.until
          ? text(node.until.at)
          : "forMs" in node.until
            ? time(node.until.forMs)
            : canonicalJson(node.until as never),
      );
      break;
    case "wait":
      add("signal", node.signal);
      add("for", node.for === null ? null : text(node.for));
      add("timeout", time(node.timeoutMs));
      add("schema", node.isChecked ? "one" : null);
      add("otherwise", node.otherwise === null ? null : "drawn");
      break;
    case "approval":
      add("ask", text(node.ask));
      add("by", node.by === null ? null : text(node.by));
      add("not", node.not === null ? null : text(node.not));
      add("atLeast", `${node.atLeast}`);
      add("timeout", time(node.timeoutMs));
      add("remind", time(node.remindMs));
      add(
        "escalate",
        node.escalate === null ? null : `after ${time(node.escalate.afterMs)} to ${text(node.escalate.to)}`,
      );
      add("show", node.show === null ? null : "drawn");
      break;
    case "repeat":
      add("initial", text(node.initial));
      add("max", `${node.max}`);
      add("onMax", node.onMax);
      break;
    case "attempt":
      break;
  }
  for (const scope of scopesOf(node)) {
    const { name, output } = graph.scopes[scope]!;
    add(name === "" ? "result of its body" : `result of ${name}`, text(output));
  }
  return facts;
}
