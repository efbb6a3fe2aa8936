/** `each`, `derive` and `after`: what they draw, how they are named, and what they refuse. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { after, derive, each, match, when, workflow, type Lifted, type Workflow } from "../../src/flow/index.ts";
import { contentHash } from "../../src/value/hash.ts";
import { enrich, greet, introduce, ping, price, screen, type Lead } from "./lead-steps.ts";
import { refuses } from "./refuses.ts";

type Flow = (lead: Lifted<Lead>) => unknown;

const draw = (flow: Flow): Workflow<Lead> => workflow<Lead>("lead-intake", { flow: flow as never });
const nodeOf = ({ graph }: Workflow<Lead>, id: string) => graph.nodes.find((node) => node.id === id);
const afterOf = (drawn: Workflow<Lead>, id: string): string[] => {
  const node = nodeOf(drawn, id);
  assert.ok(node !== undefined && "after" in node);
  return node.after.map((index) => drawn.graph.nodes[index]!.id);
};

test("each draws its body once, with the item as the first node of the scope", () => {
  const drawn = draw((lead) =>
    each(lead.orders, (order) => ({ id: order.id, price: price(order) }), { concurrency: 5 }),
  );
  assert.deepEqual(drawn.graph.nodes.slice(1), [
    {
      kind: "each",
      id: "each-orders",
      scope: 0,
      after: [],
      items: { kind: "ref", node: 0, path: ["orders"] },
      body: 1,
      concurrency: 5,
      onError: "fail",
    },
    { kind: "item", id: "each-orders/item", scope: 1 },
    {
      kind: "step",
      id: "each-orders/price",
      scope: 1,
      after: [],
      step: "price",
      input: { kind: "ref", node: 2, path: [] },
    },
  ]);
  assert.deepEqual(drawn.graph.scopes[1], {
    owner: 1,
    name: "",
    nodes: [2, 3],
    output: {
      kind: "object",
      entries: [
        ["id", { kind: "ref", node: 2, path: ["id"] }],
        ["price", { kind: "ref", node: 3, path: [] }],
      ],
    },
  });
});

test("each takes a written list, with or without values in it", () => {
  const drawn = draw((lead) => {
    each(["de", "fr"], (country) => greet(country));
    each.as("both")([lead.email, "x"], (name) => greet(name), { onError: "collect" });
  });
  const [items, both] = [nodeOf(drawn, "each-items"), nodeOf(drawn, "both")];
  assert.ok(items?.kind === "each" && both?.kind === "each");
  assert.deepEqual(items.items, { kind: "constant", value: ["de", "fr"] });
  assert.equal(items.concurrency, null);
  assert.equal(both.items.kind, "array");
  assert.equal(both.onError, "collect");
});

test("what each cannot work with is refused", () => {
  const untyped = each as unknown as (...given: unknown[]) => unknown;
  const cases: [Flow, string][] = [
    [() => untyped({ a: 1 }, ping), "no list"],
    [() => untyped(undefined, ping), "no list"],
    [(lead) => untyped(lead.orders, 5), "its body is 5"],
    [(lead) => untyped(lead.orders, ping, { concurrency: 0 }), "concurrency is 0"],
    [(lead) => untyped(lead.orders, ping, { enough: 2 }), "its rest is undefined"],
    [(lead) => untyped(lead.orders, ping, { enough: 2, rest: "wait" }), 'its rest is "wait"'],
    [(lead) => untyped(lead.orders, ping, { rest: "stop" }), "no `enough`"],
    [(lead) => untyped(lead.orders, ping, { enough: 0, rest: "stop" }), "its enough is 0"],
    [(lead) => untyped(lead.orders, ping, { enough: 1.5, rest: "stop" }), "its enough is 1.5"],
    [(lead) => untyped(lead.orders, ping, { enough: "2", rest: "stop" }), 'its enough is "2"'],
    [() => untyped(["a"], ping, { enough: 2, rest: "stop" }), "its list has 1 item, of which 2 would be enough"],
    [(lead) => untyped([lead.email], ping, { enough: 2, rest: "stop" }), "its list has 1 item"],
    [
      (lead) => untyped(lead.orders, ping, { enough: 2, rest: "stop", onError: "collect", failAbove: 1 }),
      "`enough` and `failAbove`",
    ],
    [(lead) => untyped(lead.orders, ping, { onError: "ignore" }), `onError is "ignore"`],
    [(lead) => untyped(lead.orders, async () => 1), "async"],
  ];
  for (const [flow, part] of cases) {
    refuses(() => draw(flow), "EACH_INVALID", `Workflow "lead-intake"`, `node "each-`, part, "not defined");
  }
  refuses(
    () => draw((lead) => untyped(lead.orders, ping, { concurency: 5 })),
    "OPTION_UNSUPPORTED",
    `"each-orders"`,
    `"lead-intake"`,
    "`concurrency`",
  );
  refuses(() => each.as("Bad Name"), "EACH_INVALID", `"bad-name"`);
  refuses(() => untyped([], ping), "VALUE_MISUSED", "`each`", "outside of any");
});

test("an item is refused outside of its body", () => {
  refuses(
    () =>
      draw((lead) => {
        let leaked: unknown;
        each(lead.orders, (order) => (leaked = order));
        return price(leaked as never);
      }),
    "VALUE_OUT_OF_SCOPE",
    `node "price"`,
    `the body of "each-orders"`,
    `use the result of "each-orders"`,
  );
});

test("derive keeps its function in the code and the hash of its source in the graph", () => {
  const compute = (a: number, b: { email: string }): string => `${a} ${b.email}`;
  const drawn = draw((lead) => derive(lead.points, { email: lead.email }, compute));
  assert.deepEqual(drawn.graph.nodes[1], {
    kind: "derive",
    id: "derive-compute",
    scope: 0,
    after: [],
    inputs: [
      { kind: "ref", node: 0, path: ["points"] },
      { kind: "object", entries: [["email", { kind: "ref", node: 0, path: ["email"] }]] },
    ],
    source: contentHash(compute.toString()),
  });
  assert.deepEqual(drawn.code.get("derive-compute"), { kind: "derive", compute });
});

test("derive is called after its function or else its inputs, unless it is named", () => {
  const fn = (email: string): string => email;
  const drawn = draw((lead) => [
    derive(lead.points, enrich(lead), (points, company) => points + company.size),
    derive.as("twice")(lead.points, (points) => points * 2),
    derive(lead.email, fn),
    derive(5, (five) => five),
  ]);
  assert.deepEqual(
    drawn.graph.nodes.filter((node) => node.kind === "derive").map((node) => node.id),
    ["derive-points-enrich", "twice", "derive-email", "derive-constant"],
  );
});

test("derive without a function is refused", () => {
  const untyped = derive as unknown as (...given: unknown[]) => unknown;
  refuses(
    () => draw((lead) => untyped(lead.points, 5)),
    "WORKFLOW_INVALID",
    `node "derive-points"`,
    "no function",
    "last",
  );
  refuses(() => draw((lead) => untyped(lead.points, lead.vip)), "WORKFLOW_INVALID", "a value, no function");
  refuses(() => derive.as("Bad Name"), "WORKFLOW_INVALID", `"bad-name"`);
  refuses(() => derive(1, (one) => one), "VALUE_MISUSED", "`derive`", "outside of any");
});

test("nodes drawn in after wait for all nodes that are named", () => {
  const drawn = draw((lead) => {
    const company = enrich(lead);
    const screening = screen(lead);
    const letter = after([company.size, { deep: screening }], () => introduce(lead));
    ping();
    return letter;
  });
  assert.deepEqual(afterOf(drawn, "introduce"), ["enrich", "screen"]);
  assert.deepEqual(afterOf(drawn, "ping"), []);
});

test("after waits for every node of a condition, and adds to the after around it", () => {
  const drawn = draw((lead) => {
    const company = enrich(lead);
    after(
      when(screen(lead), () => ping()),
      () => {
        introduce(lead);
        return after(company, () => greet(lead.email));
      },
    );
  });
  assert.deepEqual(afterOf(drawn, "introduce"), ["when-screen"]);
  assert.deepEqual(afterOf(drawn, "greet"), ["enrich", "when-screen"]);
});

test("a construct drawn in after waits itself, so what is in it need not", () => {
  const drawn = draw((lead) => {
    const company = enrich(lead);
    return after(company, () => match(lead.tier, { hot: () => introduce(lead), otherwise: () => ping() }));
  });
  assert.deepEqual(afterOf(drawn, "match-tier"), ["enrich"]);
  assert.deepEqual(afterOf(drawn, "match-tier/hot/introduce"), []);
});

test("an after that makes nothing wait is refused", () => {
  const untyped = after as unknown as (...given: unknown[]) => unknown;
  const cases: [Flow, string][] = [
    [(lead) => ((company) => after(company, () => company))(enrich(lead)), "draws no node"],
    [(lead) => after(enrich(lead), () => 5), "draws no node"],
    [() => untyped([], () => ping()), "no value to wait for"],
    [() => untyped("enrich", () => ping()), "no value to wait for"],
    [(lead) => untyped(enrich(lead), ping.definition), "where a callback belongs"],
    [(lead) => untyped(enrich(lead), async () => ping()), "async"],
  ];
  for (const [flow, part] of cases) {
    refuses(() => draw(flow), "VALUE_MISUSED", `Workflow "lead-intake"`, `node "`, part, "not defined");
  }
  refuses(() => untyped(1, () => 1), "VALUE_MISUSED", "`after`", "outside of any");
});
