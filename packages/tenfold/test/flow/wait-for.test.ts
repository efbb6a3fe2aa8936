/** `waitFor`: what it draws, how it is named, and what it refuses. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { z } from "zod";
import type { ErrorCode } from "../../src/value/error.ts";
import { after, checkGraph, waitFor, workflow, type Workflow } from "../../src/flow/index.ts";
import { enrich, type Lead } from "./lead-steps.ts";
import { refuses } from "./refuses.ts";

const draw = (flow: (lead: any) => unknown): Workflow<Lead> => workflow<Lead>("lead-intake", { flow: flow as never });
const Payment = z.object({ euro: z.number() });

test("a wait is a node with its signal; what runs if none comes is a scope of it", () => {
  const { graph, signals } = draw((lead) => {
    const paid = waitFor("paid", { schema: Payment, for: lead.email, timeout: "2h", otherwise: () => enrich(lead) });
    after(paid, () => waitFor.as("again")("answered"));
    return paid;
  });
  const [, paid, inner, again] = graph.nodes;
  assert.deepEqual(paid, {
    kind: "wait",
    id: "wait-paid",
    scope: 0,
    after: [],
    signal: "paid",
    for: { kind: "ref", node: 0, path: ["email"] },
    isChecked: true,
    timeoutMs: 7_200_000,
    otherwise: 1,
  });
  assert.equal(inner!.id, "wait-paid/otherwise/enrich");
  assert.deepEqual(again, {
    kind: "wait",
    id: "again",
    scope: 0,
    after: [1],
    signal: "answered",
    for: null,
    isChecked: false,
    timeoutMs: null,
    otherwise: null,
  });
  assert.deepEqual([...signals], [["paid", Payment], ["answered", undefined]]); // prettier-ignore
  assert.deepEqual(checkGraph(JSON.parse(JSON.stringify(graph))), graph);
});

const REFUSED: readonly (readonly [(lead: any) => unknown, ErrorCode, string])[] = [
  [() => waitFor("Paid In"), "WAIT_INVALID", '"paid-in"'],
  [(lead) => waitFor(lead.email), "WAIT_INVALID", "the name of a signal"],
  [() => waitFor("paid", { timeout: "soon" as never }), "DURATION_INVALID", "soon"],
  [(lead) => waitFor("paid", { timeout: lead.email }), "DURATION_INVALID", "is a value"],
  [() => waitFor("paid", { schema: {} as never }), "WAIT_INVALID", "Standard Schema"],
  [() => waitFor("paid", { otherwise: () => null } as never), "WAIT_INVALID", "no timeout"],
  [(lead) => waitFor("paid", { timeout: "1h", otherwise: lead } as never), "WAIT_INVALID", "a value, no function"],
  [() => waitFor("paid", { timeout: "1h", otherwise: (async () => null) as never }), "WAIT_INVALID", "is async"],
  [() => waitFor("paid", { timout: "1h" } as never), "OPTION_UNSUPPORTED", "`timeout`"],
  [() => waitFor("paid", { for: new Date() as never }), "NOT_JSON", "`for`"],
  [() => [waitFor("paid", { schema: Payment }), waitFor.as("b")("paid")], "WAIT_INVALID", "another schema"],
  [() => [waitFor("paid"), waitFor("paid")], "NODE_NAME_TAKEN", "wait-paid"],
];

test("what cannot be waited for is refused where it is drawn, with workflow and node", () => {
  for (const [flow, code, part] of REFUSED) refuses(() => draw(flow), code, part);
});

test("outside of a flow it is refused", () => {
  refuses(() => waitFor("paid"), "VALUE_MISUSED", "`waitFor`");
});

test("a stored graph whose wait is damaged is refused", () => {
  const { graph } = draw((lead) => waitFor("paid", { timeout: "1h", otherwise: () => enrich(lead) }));
  const damaged = (part: object) => () =>
    checkGraph({ ...graph, nodes: graph.nodes.map((node) => (node.kind === "wait" ? { ...node, ...part } : node)) });
  const parts = [{ signal: 7 }, { timeoutMs: -1 }, { timeoutMs: 1.5 }, { otherwise: 9 }, { otherwise: 0 }, { for: 1 }];
  for (const part of parts) refuses(damaged(part), "WORKFLOW_INVALID", "lead-intake");
});
