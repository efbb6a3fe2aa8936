/** Graphs that come as data: what is taken, and how a broken one is refused. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { after, checkGraph, derive, each, gte, match, workflow, type Lifted } from "../../src/flow/index.ts";
import { enrich, introduce, price, score, screen, type Lead } from "./lead-steps.ts";
import { refuses } from "./refuses.ts";

const { graph } = workflow("lead-intake", {
  flow(lead: Lifted<Lead>) {
    const company = enrich(lead);
    const points = score({ lead, company });
    const prices = each(lead.orders, (order) => price(order));
    const drop = (): unknown => "dropped";
    const letter = match(gte(points, 80), { true: () => introduce(lead), false: drop, otherwise: drop });
    after(points, () => screen(lead));
    return { letter, total: derive(prices, (all) => all.length) };
  },
});

/** A copy of the graph that a test may damage. */
function copy(): any {
  return JSON.parse(JSON.stringify(graph));
}

const indexOf = (id: string): number => graph.nodes.findIndex((node) => node.id === id);

test("what a flow drew passes, after a way through JSON too", () => {
  assert.equal(checkGraph(graph), graph);
  assert.deepEqual(checkGraph(copy()), graph);
});

test("nodes that wait for each other are refused as a circle, with its way", () => {
  const ref = (id: string) => ({ kind: "ref", node: indexOf(id), path: [] });
  const circles: [string, (graph: any) => void, string][] = [
    ["enrich", (g) => (g.nodes[indexOf("enrich")].input = ref("score")), "enrich -> score -> enrich"],
    ["enrich", (g) => (g.nodes[indexOf("enrich")].input = ref("enrich")), "enrich -> enrich"],
    ["enrich", (g) => g.nodes[indexOf("enrich")].after.push(indexOf("screen")), "enrich -> screen -> score -> enrich"],
    [
      "each-orders",
      (g) => (g.nodes[indexOf("each-orders/price")].input = ref("each-orders")),
      "each-orders -> each-orders/price -> each-orders",
    ],
  ];
  for (const [node, damage, way] of circles) {
    const damaged = copy();
    damage(damaged);
    refuses(() => checkGraph(damaged), "GRAPH_CYCLE", `workflow "lead-intake"`, `node "${node}"`, way, "not loaded");
  }
});

test("a damaged graph is refused with node and reason", () => {
  const at = (g: any, id: string): any => g.nodes[indexOf(id)];
  const damages: [string, (graph: any) => void][] = [
    ["format", (g) => (g.format = 2)],
    ["not both lists", (g) => (g.nodes = [])],
    ["no object", (g) => (g.nodes[1] = null)],
    ["no id", (g) => delete g.nodes[1].id],
    ["its id is taken", (g) => (at(g, "screen").id = "enrich")],
    ["its scope is out of range", (g) => (at(g, "enrich").scope = 99)],
    ["its `after` is out of range", (g) => (at(g, "enrich").after = [99])],
    ["kind", (g) => (at(g, "enrich").kind = "stage")],
    ["names no step", (g) => delete at(g, "enrich").step],
    ["its undo is unknown", (g) => (at(g, "enrich").undo = "yes")],
    ["its input is no template", (g) => (at(g, "enrich").input = { kind: "ref", node: 99, path: [] })],
    ["its input is no template", (g) => (at(g, "enrich").input = { kind: "ref", node: 0, path: [-1] })],
    ["its input is no template", (g) => (at(g, "enrich").input = { kind: "array" })],
    ["its input is no template", (g) => (at(g, "enrich").input = { kind: "object", entries: [["a"]] })],
    ["what it looks at", (g) => (at(g, "match-score").on = { kind: "expression", operator: "xor", operands: [] })],
    ["what it looks at", (g) => (at(g, "match-score").on.operands = [])],
    ["its form", (g) => (at(g, "match-score").form = "switch")],
    ["its arms", (g) => (at(g, "match-score").arms[0].labels = [])],
    ["its otherwise", (g) => (at(g, "match-score").otherwise = 99)],
    ["its body", (g) => (at(g, "each-orders").body = 99)],
    ["its concurrency", (g) => (at(g, "each-orders").concurrency = 0)],
    ["its enough", (g) => (at(g, "each-orders").enough = { count: { kind: "constant", value: 2 }, rest: "wait" })],
    ["its enough", (g) => (at(g, "each-orders").enough = { rest: "stop" })],
    ["its onError", (g) => (at(g, "each-orders").onError = "ignore")],
    ["its items", (g) => delete at(g, "each-orders").items],
    ["its inputs", (g) => (at(g, "derive-each-orders").inputs = [1])],
    ["hash of its source", (g) => delete at(g, "derive-each-orders").source],
    ["its owner", (g) => (g.scopes[1].owner = 99)],
    ["its nodes", (g) => (g.scopes[1].nodes = [99])],
    ["its output", (g) => delete g.scopes[1].output],
    ["it has no name", (g) => delete g.scopes[1].name],
    ["not the input", (g) => (g.nodes[0].kind = "item")],
    ["second input", (g) => (g.nodes[indexOf("screen")] = { kind: "input", id: "screen", scope: 0 })],
    ["does not begin with what it is given", (g) => g.scopes[1].nodes.reverse()],
    ["does not list it", (g) => g.scopes[0].nodes.pop()],
    ["does not stand in", (g) => g.scopes[1].nodes.push(indexOf("screen"))],
    ["not its own", (g) => (at(g, "match-score").otherwise = 1)],
    ["no node opens it", (g) => g.scopes.push({ owner: 1, name: "x", nodes: [], output: { kind: "constant" } })],
    [
      "out of its scope",
      (g) => (at(g, "screen").input = { kind: "ref", node: indexOf("each-orders/price"), path: [] }),
    ],
    [
      "its output refers to",
      (g) => (g.scopes[0].output = { kind: "ref", node: indexOf("each-orders/item"), path: [] }),
    ],
    ["stands later", (g) => (at(g, "enrich").input = { kind: "ref", node: indexOf("each-orders"), path: [] })],
  ];
  for (const [reason, damage] of damages) {
    const damaged = copy();
    damage(damaged);
    refuses(() => checkGraph(damaged), "WORKFLOW_INVALID", `workflow "lead-intake"`, reason, "not loaded");
  }
  for (const nothing of [undefined, null, "graph", [], {}]) refuses(() => checkGraph(nothing), "WORKFLOW_INVALID");
});
