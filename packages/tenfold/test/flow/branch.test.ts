/** `match` and `when`: which arms they draw, how they are named, and what they refuse. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  all,
  each,
  eq,
  gte,
  match,
  present,
  when,
  workflow,
  type Lifted,
  type MatchNode,
  type Workflow,
} from "../../src/flow/index.ts";
import { discard, enrich, greet, introduce, nurture, ping, segment, type Lead } from "./lead-steps.ts";
import { refuses } from "./refuses.ts";

type Flow = (lead: Lifted<Lead>) => unknown;

const draw = (flow: Flow): Workflow<Lead> => workflow<Lead>("lead-intake", { flow: flow as never });
const idsOf = ({ graph }: Workflow<Lead>): string[] => graph.nodes.slice(1).map((node) => node.id);
const onlyMatch = ({ graph }: Workflow<Lead>): MatchNode => graph.nodes.find((node) => node.kind === "match")!;

test("match draws one node and a scope for each arm, with ids by the arm's label", () => {
  const drawn = draw((lead) => match(segment(lead.points), { hot: () => introduce(lead), warm: () => nurture(lead) }));
  assert.deepEqual(idsOf(drawn), [
    "segment",
    "match-segment",
    "match-segment/hot/introduce",
    "match-segment/warm/nurture",
  ]);
  assert.deepEqual(onlyMatch(drawn), {
    kind: "match",
    form: "match",
    id: "match-segment",
    scope: 0,
    after: [],
    on: { kind: "ref", node: 1, path: [] },
    arms: [
      { labels: ["hot"], scope: 1 },
      { labels: ["warm"], scope: 2 },
    ],
    otherwise: null,
  });
  assert.deepEqual(drawn.graph.scopes, [
    { owner: -1, name: "", nodes: [0, 1, 2], output: { kind: "ref", node: 2, path: [] } },
    { owner: 2, name: "hot", nodes: [3], output: { kind: "ref", node: 3, path: [] } },
    { owner: 2, name: "warm", nodes: [4], output: { kind: "ref", node: 4, path: [] } },
  ]);
});

test("arms given the same function are one arm, drawn once", () => {
  const drop = (): unknown => 0;
  const drawn = draw((lead) => match(lead.tier, { hot: () => introduce(lead), warm: drop, spam: drop }));
  assert.deepEqual(
    onlyMatch(drawn).arms.map((arm) => arm.labels),
    [["hot"], ["warm", "spam"]],
  );
  assert.deepEqual(
    drawn.graph.scopes.map((scope) => scope.name),
    ["", "hot", "warm|spam"],
  );
});

test("otherwise given an arm's function is that arm", () => {
  const drawn = draw((lead) => {
    const drop = (): unknown => discard(lead);
    return match(lead.tier, { hot: () => introduce(lead), spam: drop, otherwise: drop });
  });
  const { arms, otherwise } = onlyMatch(drawn);
  assert.deepEqual(arms, [
    { labels: ["hot"], scope: 1 },
    { labels: ["spam"], scope: 2 },
  ]);
  assert.equal(otherwise, 2);
  assert.equal(idsOf(drawn).at(-1), "match-tier/spam|otherwise/discard");
});

test("match by a property gives its arms the whole value, narrowed", () => {
  const drawn = draw((lead) =>
    match(lead.payment, "kind", { card: (card) => greet(card.last4), transfer: (transfer) => transfer.iban }),
  );
  assert.deepEqual(idsOf(drawn), ["match-payment", "match-payment/card/greet"]);
  assert.deepEqual(onlyMatch(drawn).on, { kind: "ref", node: 0, path: ["payment", "kind"] });
  assert.deepEqual(drawn.graph.scopes[2]!.output, { kind: "ref", node: 0, path: ["payment", "iban"] });
});

test("when is a match on true, and what is not true goes otherwise", () => {
  const drawn = draw((lead) =>
    when(
      gte(lead.points, 80),
      () => introduce(lead),
      () => nurture(lead),
    ),
  );
  assert.deepEqual(idsOf(drawn), ["when-points", "when-points/then/introduce", "when-points/otherwise/nurture"]);
  const { form, on, arms, otherwise } = onlyMatch(drawn);
  assert.deepEqual({ form, arms, otherwise }, { form: "when", arms: [{ labels: ["true"], scope: 1 }], otherwise: 2 });
  assert.deepEqual(on, {
    kind: "expression",
    operator: "gte",
    operands: [
      { kind: "ref", node: 0, path: ["points"] },
      { kind: "constant", value: 80 },
    ],
  });
  assert.equal(onlyMatch(draw((lead) => when(lead.vip, () => introduce(lead)))).otherwise, null);
});

test("when on present gives its callback the value itself", () => {
  const drawn = draw((lead) =>
    when(
      present(lead.name),
      (name) => greet(name),
      () => "nobody",
    ),
  );
  const node = drawn.graph.nodes.find((candidate) => candidate.kind === "step");
  assert.deepEqual(node?.input, { kind: "ref", node: 0, path: ["name"] });
  assert.deepEqual(drawn.graph.scopes[2]!.output, { kind: "constant", value: "nobody" });
});

test("a construct is called after what it looks at, unless it is named", () => {
  assert.deepEqual(
    idsOf(
      draw((lead) => {
        const company = enrich(lead);
        match(lead, "tier", { otherwise: () => ping() });
        match(lead.orders[0]!.id, { otherwise: () => ping() });
        match((lead.orders as unknown as { [name: string]: Lifted<string> })["a/b [c]"]!, { otherwise: () => 1 });
        when(all(eq(company, { size: 1 }), lead.vip), () => ping());
        match.as("by-tier")(lead.tier, { otherwise: () => 1 });
        when.as("is-vip")(lead.vip, () => 1);
      }),
    ),
    [
      "enrich",
      "match-input",
      "match-input/otherwise/ping",
      "match-id",
      "match-id/otherwise/ping",
      "match-a-b-c-",
      "when-enrich",
      "when-enrich/then/ping",
      "by-tier",
      "is-vip",
    ],
  );
});

test("an arm may answer a constant, nothing, or what it was given", () => {
  const drawn = draw((lead) =>
    match(lead.payment, "kind", { card: (card) => ({ last4: card.last4, ok: true }), transfer: () => {} }),
  );
  assert.deepEqual(drawn.graph.scopes[1]!.output, {
    kind: "object",
    entries: [
      ["last4", { kind: "ref", node: 0, path: ["payment", "last4"] }],
      ["ok", { kind: "constant", value: true }],
    ],
  });
  assert.deepEqual(drawn.graph.scopes[2]!.output, { kind: "constant" });
  draw((lead) => match(lead.tier, { otherwise: (tier) => eq(tier, "hot") }));
});

test("an arm that draws nothing and answers an outer node's value is refused", () => {
  const refused = (flow: Flow): unknown =>
    refuses(
      () => draw(flow),
      "MATCH_INVALID",
      `Workflow "lead-intake"`,
      `node "match-tier"`,
      `the arm "hot" draws no node`,
      "enrich",
      "inside of the arm",
      "`derive`",
    );
  refused((lead) => {
    const company = enrich(lead);
    return match(lead.tier, { hot: () => company, otherwise: () => 1 });
  });
  refused((lead) => {
    const { size } = enrich(lead);
    return match(lead.tier, { hot: (tier) => ({ tier, deep: [size] }), otherwise: () => 1 });
  });
  refused((lead) => {
    const company = enrich(lead);
    return match(lead.tier, { hot: () => gte(company.size, 5), otherwise: () => 1 });
  });
});

test("an arm that draws a node may answer an outer node's value beside it", () => {
  draw((lead) => {
    const company = enrich(lead);
    return match(lead.tier, { hot: () => ({ company, letter: introduce(lead) }), otherwise: () => 1 });
  });
});

test("what is known when the workflow is defined is no condition", () => {
  const untyped = { match, when } as unknown as Record<"match" | "when", (...given: unknown[]) => unknown>;
  const arms = { hot: () => ping(), otherwise: () => 1 };
  for (const use of [
    () => untyped.when(true, () => ping()),
    () => untyped.match("hot", arms),
    () => untyped.match(undefined, arms),
    () => untyped.match(enrich, arms),
    () => untyped.when(gte(1, 2), () => ping()),
  ]) {
    refuses(() => draw(use), "MATCH_INVALID", `Workflow "lead-intake"`, "-constant", "known now", "write `if`");
  }
});

test("arms that are no functions, or could not stand in an id, are refused", () => {
  const untyped = match as unknown as (value: unknown, ...given: unknown[]) => unknown;
  const cases: [Flow, string][] = [
    [(lead) => untyped(lead.tier, {}), "no arms"],
    [(lead) => untyped(lead.tier), "its arms are undefined"],
    [(lead) => untyped(lead.tier, { hot: 5 }), `the arm "hot" is 5`],
    [(lead) => untyped(lead.tier, { hot: introduce(lead) }), `the arm "hot" is a value`],
    [(lead) => untyped(lead.tier, { "a/b": () => 1 }), `"a/b"`],
    [(lead) => untyped(lead.tier, { "a[1": () => 1 }), `"a[1"`],
    [(lead) => untyped(lead.tier, { hot: async () => 1 }), "async"],
  ];
  for (const [flow, part] of cases) {
    refuses(() => draw(flow), "MATCH_INVALID", `Workflow "lead-intake"`, `node "match-tier"`, part);
  }
  refuses(() => match.as("By Tier"), "MATCH_INVALID", `"by-tier"`);
  refuses(() => when.as("By Tier"), "MATCH_INVALID", `"by-tier"`);
  refuses(() => untyped(1, {}), "VALUE_MISUSED", "`match`", "outside of any");
  refuses(() => when(1 as never, () => 1), "VALUE_MISUSED", "`when`", "outside of any");
});

test("constructs nest, and ids are the path of their scopes", () => {
  const drawn = draw((lead) =>
    when(lead.vip, () =>
      each(lead.orders, (order) =>
        match.as("size")(gte(order.total, 5), { true: () => greet(order.id), false: () => "no" }),
      ),
    ),
  );
  assert.deepEqual(idsOf(drawn), [
    "when-vip",
    "when-vip/then/each-orders",
    "when-vip/then/each-orders/item",
    "when-vip/then/each-orders/size",
    "when-vip/then/each-orders/size/true/greet",
  ]);
  assert.deepEqual(
    drawn.graph.scopes.map(({ owner, name }) => [owner, name]),
    [
      [-1, ""],
      [1, "then"],
      [2, ""],
      [4, "true"],
      [4, "false"],
    ],
  );
});
