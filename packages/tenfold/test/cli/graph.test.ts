/** Drawings of graphs: levels, arms and bodies as text, and as a Mermaid flowchart. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { after, derive, each, gte, limit, match, sleep, sleepUntil, step, when, workflow } from "../../src/index.ts";
import { graphMermaid } from "../../src/cli/graph-mermaid.ts";
import { graphText } from "../../src/cli/graph-text.ts";

interface Order {
  readonly kind: "card" | "bill";
  readonly total: number;
  readonly lines: readonly { readonly item: string }[];
}

const reserve = step("reserve", { run: (order: Order) => order.total });
const rate = step("rate", { run: (order: Order) => order.total });
const price = step("price", { run: (item: string) => item.length });
const pay = step("pay", { run: (total: number) => total });
const ask = step("ask", { run: (total: number) => total });
const ship = step("ship", { run: (prices: readonly number[]) => prices.length });

const order = workflow<Order>("order", {
  flow(order) {
    const reserved = reserve(order);
    const rated = rate(order);
    const prices = each(order.lines, (line) => price(line.item), { concurrency: 10, onError: "fail" });
    const total = derive(rated, prices, (rated, prices) => rated + prices.length);
    const paid = match(order.kind, {
      card: () => pay(total),
      bill: () =>
        when(
          gte(total, 80),
          () => ask(total),
          () => pay.as("pay-small")(total),
        ),
    });
    const shipped = after(reserved, () => ship(prices));
    return { paid, shipped };
  },
});

test("a text drawing shows what runs side by side, arms, bodies, order and output", () => {
  const expected = `order: 7 steps

  1 ┬ reserve           ← input
    ├ rate              ← input
    ├ each-lines        each of input.lines, 10 at once
    │   1 ─ price  ← item.item
    └ match-kind        on input.kind
      ├ card
      │   1 ─ pay  ← derive-rate-each-lines
      └ bill
          1 ─ when-derive-rate-each-lines  if gte(derive-rate-each-lines, 80)
              ├ then
              │   1 ─ ask  ← derive-rate-each-lines
              └ otherwise
                  1 ─ pay-small  step pay ← derive-rate-each-lines
  2 ┬ derive-rate-each-lines  computed ← rate, each-lines
    └ ship              ← each-lines; after reserve

  output ← match-kind, ship

What has the same number runs side by side; ← is what it waits for.`;
  // How wide the names' column is, is not the law.
  const plain = (text: string): string => text.replaceAll(/(\S) {2,}/g, "$1  ");
  assert.equal(plain(graphText(order.graph)), plain(expected));
});

test("a step that waits in a queue is drawn with what the queue limits", () => {
  const openai = limit("openai", { concurrency: 2, rate: "60/min" });
  const key = (total: number): string => String(total);
  const queues = {
    plain: {},
    fast: { concurrency: 50, rate: "100/s", priority: 5 },
    fair: { per: { key, weight: () => 1 } },
    each: { rate: "5/day", per: { key, rate: "1/h", order: "strict" as const }, limit: openai },
  };
  const limited = workflow<number>("limited", {
    flow: (total) => Object.entries(queues).map(([name, queue]) => step(name, { run: (n: number) => n, queue })(total)),
  });
  const text = graphText(limited.graph, limited.steps);
  assert.match(text, /plain +← input \(queue\)\n/);
  assert.match(text, /fast +← input \(queue: 50 at once, 100\/s\)\n/);
  assert.match(text, /fair +← input \(queue: shared by its keys\)\n/);
  const all = "queue: 5/day, of each key 1 at once and 1/h and in order, limit openai (2 at once, 60/min)";
  assert.ok(text.includes(`← input (${all})\n`), text);
  assert.match(graphMermaid(limited.graph, limited.steps), /\["fast<br>\(queue: 50 at once, 100\/s\)"\]/);
  assert.ok(!graphText(limited.graph).includes("queue"));
});

const quotes = workflow<{ readonly total: number; readonly suppliers: readonly number[] }>("quotes", {
  flow(order) {
    const first = each(order.suppliers, (supplier) => pay(supplier), { enough: 1, rest: "stop" });
    const most = each.as("most")(order.suppliers, (supplier) => ask(supplier), { enough: order.total, rest: "finish" });
    return { first, most };
  },
});

test("an each of which some are enough says how many, and what becomes of the rest", () => {
  const text = graphText(quotes.graph);
  assert.match(text, /each of input\.suppliers, all at once, 1 is enough, the rest is stopped\n/);
  assert.match(text, /each of input\.suppliers, all at once, input\.total are enough, the rest goes on\n/);
  assert.match(graphMermaid(quotes.graph), /all at once, 1 is enough/);
});

const slow = workflow<{ readonly callAt: string }>("slow", {
  flow: (lead) =>
    after(
      after(sleep("3 days"), () => sleepUntil(lead.callAt)),
      () => pay(1),
    ),
});

test("a sleep is drawn with its duration, or the value that says its moment", () => {
  const text = graphText(slow.graph);
  assert.match(text, /1 ─ sleep-3-days +waits 3 d\n/);
  assert.match(text, /2 ─ sleep-until-callAt +waits until input\.callAt; after sleep-3-days\n/);
  assert.match(graphMermaid(slow.graph), /n1>"sleep-3-days<br>waits 3 d"\]/);
});

test("a Mermaid drawing has a node for each node, a subgraph for each arm and body, and labelled edges", () => {
  const lines = graphMermaid(order.graph)
    .split("\n")
    .map((line) => line.trim());
  const idOf = (name: string): string => `n${order.graph.nodes.findIndex(({ id }) => id === name)}`;
  const scopeOf = (owner: string, name: string): string => {
    const index = order.graph.nodes.findIndex(({ id }) => id === owner);
    return `s${order.graph.scopes.findIndex((scope) => scope.owner === index && scope.name === name)}`;
  };
  assert.equal(lines[0], "flowchart TD");
  for (const line of [
    `${idOf("reserve")}["reserve"]`,
    `${idOf("match-kind")}{"input.kind"}`,
    `${idOf("input")} -- "lines" --> ${idOf("each-lines")}`,
    `${idOf("reserve")} -. after .-> ${idOf("ship")}`,
    `${idOf("match-kind")} -- "card" --> ${scopeOf("match-kind", "card")}`,
    `subgraph ${scopeOf("match-kind", "bill")}["bill"]`,
    `subgraph ${scopeOf("each-lines", "")}["for each item"]`,
    `${idOf("ship")} --> output`,
  ]) {
    assert.ok(lines.includes(line), `${line} in\n${lines.join("\n")}`);
  }
  const opened = lines.filter((line) => line.startsWith("subgraph ")).length;
  assert.equal(lines.filter((line) => line === "end").length, opened);
});

test("what Mermaid would take for its own is written as an entity, and an arm without a node still has one", () => {
  const drawn = workflow<{ kind: string }>("drawn", {
    flow: ({ kind }) => match(kind, { 'a "b" <c> #d': () => "constant", otherwise: () => price(kind) }),
  });
  const text = graphMermaid(drawn.graph);
  assert.match(text, /subgraph s1\["a #quot;b#quot; #lt;c#gt; #35;d"\]\n\s+e1\(\["#quot;constant#quot;"\]\)/);
});

test("a workflow in which nothing runs is drawn as that", () => {
  const empty = workflow<string>("empty", { flow: (input) => input });
  assert.match(graphText(empty.graph), /empty: 0 steps\n\n {2}nothing runs\n\n {2}output ← input/);
});
