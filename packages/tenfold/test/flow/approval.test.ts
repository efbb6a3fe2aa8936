/** `approval`, `attempt` and `repeat`: what they draw, and what they refuse. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { ErrorCode } from "../../src/value/error.ts";
import { approval, attempt, checkGraph, each, gte, repeat, workflow, type Workflow } from "../../src/flow/index.ts";
import { enrich, type Lead } from "./lead-steps.ts";
import { refuses } from "./refuses.ts";

const draw = (flow: (lead: any) => unknown): Workflow<Lead> => workflow<Lead>("lead-intake", { flow: flow as never });
const until = (state: any) => gte(state.points, 80);

test("an approval is a node with what it asks of whom and when; what shows it is a scope that is given the request", () => {
  const { graph } = draw((lead) =>
    approval({
      ask: { refund: lead.points },
      by: { anyOf: [lead.email, "role:boss"], atLeast: 2, not: "kim" },
      show: (request) => enrich(request as never),
      timeout: "2h",
      remind: "30m",
      escalate: { after: "1h", to: "max" },
    }),
  );
  const [, node, request, shown] = graph.nodes;
  const email = { kind: "ref", node: 0, path: ["email"] };
  assert.deepEqual(node, {
    kind: "approval",
    id: "approval",
    scope: 0,
    after: [],
    ask: { kind: "object", entries: [["refund", { kind: "ref", node: 0, path: ["points"] }]] },
    by: { kind: "array", items: [email, { kind: "constant", value: "role:boss" }] },
    not: { kind: "constant", value: "kim" },
    atLeast: 2,
    timeoutMs: 7_200_000,
    remindMs: 1_800_000,
    escalate: { afterMs: 3_600_000, to: { kind: "constant", value: "max" } },
    show: 1,
  });
  assert.deepEqual([request!.id, shown!.id], ["approval/show/request", "approval/show/enrich"]);
  assert.deepEqual(checkGraph(JSON.parse(JSON.stringify(graph))), graph);
});

test("an attempt has a scope for its body and one for its handler, a repeat one for its round with what says that it is the last", () => {
  const { graph } = draw((lead) => ({
    caught: attempt(
      () => enrich(lead),
      (error) => error.message,
    ),
    text: repeat(lead, (state) => enrich(state as never) as never, { until, max: 5 }),
  }));
  assert.deepEqual(
    graph.nodes.map(({ id }) => id),
    ["input", "attempt", "attempt/body/enrich", "attempt/catch/error", "repeat", "repeat/state", "repeat/enrich"],
  );
  assert.deepEqual(graph.scopes[3]!.output.kind, "array");
  assert.deepEqual(checkGraph(JSON.parse(JSON.stringify(graph))), graph);
});

const REFUSED: readonly (readonly [(lead: any) => unknown, ErrorCode, string])[] = [
  [() => approval({} as never), "APPROVAL_INVALID", "asks nothing"],
  [() => approval({ ask: "?", by: [] as never, show: 7 as never }), "APPROVAL_INVALID", "`show`"],
  [() => approval({ ask: "?", by: { anyOf: [] } }), "APPROVAL_IMPOSSIBLE", "nobody may decide"],
  [() => approval({ ask: "?", by: { anyOf: ["kim"], not: "kim" } }), "APPROVAL_IMPOSSIBLE", "nobody may decide"],
  [() => approval({ ask: "?", by: { anyOf: ["kim", "lee"], atLeast: 3 } }), "APPROVAL_IMPOSSIBLE", "only kim, lee"],
  [() => approval({ ask: "?", by: { atLeast: 0 } }), "APPROVAL_INVALID", "`atLeast` is 0"],
  [() => approval({ ask: "?", by: 7 as never }), "APPROVAL_INVALID", "names nobody"],
  [() => approval({ ask: "?", by: "" }), "APPROVAL_INVALID", "names nobody"],
  [() => approval({ ask: "?", by: ["kim", "role:"] }), "APPROVAL_INVALID", "names nobody"],
  [() => approval({ ask: "?", by: undefined as never }), "APPROVAL_INVALID", "`by` is there"],
  [() => approval({ ask: "?", by: {} }), "APPROVAL_INVALID", "`by` is there"],
  [() => approval({ ask: "?", by: new Map() as never }), "APPROVAL_INVALID", "`by` is there"],
  [() => approval({ ask: "?", by: { atLeast: 2, not: undefined as never } }), "APPROVAL_INVALID", "`by.not` is there"],
  [() => approval({ ask: "?", escalate: null as never }), "APPROVAL_INVALID", "null"],
  [() => approval({ ask: "?", by: { who: "kim" } as never }), "OPTION_UNSUPPORTED", "`who`"],
  [() => approval({ ask: "?", remind: "1h" }), "APPROVAL_INVALID", "`remind`"],
  [(lead) => approval({ ask: "?", show: () => enrich(lead), remind: 10 }), "APPROVAL_INVALID", "once a second"],
  [() => approval({ ask: "?", timeout: "soon" as never }), "DURATION_INVALID", "soon"],
  [() => approval({ ask: "?", escalate: { after: "1h" } as never }), "APPROVAL_INVALID", "not to whom"],
  [() => approval({ ask: "?", timeout: "1 day", escalate: { after: "2 days", to: "kim" } }), "APPROVAL_INVALID", "`escalate.after`"], // prettier-ignore
  [(lead) => approval({ ask: "?", timeout: "1h", show: () => enrich(lead), remind: "60m" }), "APPROVAL_INVALID", "`remind`"], // prettier-ignore
  [() => attempt((() => null) as never, () => null), "WORKFLOW_INVALID", "draws no node"],
  [(lead) => attempt(() => enrich(lead), undefined as never), "WORKFLOW_INVALID", "its handler is undefined"],
  [(lead) => attempt((async () => enrich(lead)) as never, () => null), "WORKFLOW_INVALID", "async"],
  [(lead) => repeat(lead, (s) => s, { until } as never), "REPEAT_INVALID", "no bound"],
  [(lead) => repeat(lead, (s) => s, { until, max: 0 }), "REPEAT_INVALID", "`max` is 0"],
  [(lead) => repeat(lead, (s) => s, { until, max: 1e6 }), "REPEAT_INVALID", "100000"],
  [(lead) => repeat(lead, (s) => s, { max: 3 } as never), "REPEAT_INVALID", "`until` is undefined"],
  [(lead) => repeat(lead, (s) => s, undefined as never), "REPEAT_INVALID", "`until` is undefined"],
  [(lead) => repeat(lead, (s) => s, { until: () => true as never, max: 3 }), "REPEAT_INVALID", "whatever the state is"],
  [
    (lead) => repeat(lead, (s) => s, { until: (s) => enrich(s as never) as never, max: 3 }),
    "REPEAT_INVALID",
    "draws a node",
  ],
  [(lead) => repeat(lead, (s) => s, { until, max: 3, onMax: "stop" as never }), "REPEAT_INVALID", "`onMax`"],
  [(lead) => each(lead.list, (n) => enrich(n as never), { failAbove: 3 }), "EACH_INVALID", 'onError: "collect"'],
  [(lead) => each(lead.list, (n) => enrich(n as never), { onError: "collect", failAbove: "x%" as never }), "EACH_INVALID", "failAbove"], // prettier-ignore
];

for (const [nth, [flow, code, part]] of REFUSED.entries()) {
  test(`what cannot be drawn is refused with workflow and node: ${nth + 1}. ${code} ${part}`, () => {
    refuses(() => draw(flow), code, part);
  });
}

test("outside of a flow they are refused", () => {
  refuses(() => approval({ ask: "?" }), "VALUE_MISUSED", "`approval`");
  refuses(() => attempt(() => null, () => null), "VALUE_MISUSED", "`attempt`"); // prettier-ignore
  refuses(() => repeat(1, (n) => n, { until, max: 3 }), "VALUE_MISUSED", "`repeat`");
});

test("a stored graph whose parts are damaged is refused", () => {
  const { graph } = draw((lead) => ({
    asked: approval({ ask: "?", show: () => enrich(lead) }),
    caught: attempt(() => enrich.as("a")(lead), () => null), // prettier-ignore
    text: repeat(lead, (state) => state, { until, max: 5 }),
    list: each(lead.list, (n) => enrich(n as never), { onError: "collect", failAbove: "5%" }),
  }));
  const parts: Record<string, readonly object[]> = {
    approval: [{ atLeast: 0 }, { show: 99 }, { timeoutMs: 0.5 }, { escalate: { afterMs: 1 } }, { by: 7 }, { show: 0 }],
    attempt: [{ body: 99 }, { handler: -1 }, { handler: 0 }],
    repeat: [{ max: 0 }, { onMax: "x" }, { body: 99 }, { initial: 7 }],
    each: [{ failAbove: 3 }, { failAbove: { share: 2 } }],
  };
  for (const [kind, damages] of Object.entries(parts)) {
    for (const damage of damages) {
      const nodes = graph.nodes.map((node) => (node.kind === kind ? { ...node, ...damage } : node));
      refuses(() => checkGraph({ ...graph, nodes }), "WORKFLOW_INVALID", "lead-intake");
    }
  }
});
