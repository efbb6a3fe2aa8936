/** `sleep` and `sleepUntil`: what they draw, how they are named, and what they refuse. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { ErrorCode } from "../../src/value/error.ts";
import { after, calendar, checkGraph, sleep, sleepUntil, workflow, type Workflow } from "../../src/flow/index.ts";
import { enrich, type Lead } from "./lead-steps.ts";
import { refuses } from "./refuses.ts";

const draw = (flow: (lead: any) => unknown): Workflow<Lead> => workflow<Lead>("lead-intake", { flow: flow as never });

test("a sleep is a node with its duration, one until a moment has a template, and both wait for what they come after", () => {
  const { graph } = draw((lead) => {
    const found = enrich(lead);
    const pause = after(found, () => sleep("1h 30m"));
    after(pause, () => sleepUntil(lead.callAt));
    sleep.as("pause")(1500.5);
  });
  assert.deepEqual(graph.nodes.slice(2), [
    { kind: "sleep", id: "sleep-1h-30m", scope: 0, after: [1], until: { forMs: 5_400_000 } },
    {
      kind: "sleep",
      id: "sleep-until-callAt",
      scope: 0,
      after: [2],
      until: { at: { kind: "ref", node: 0, path: ["callAt"] } },
    },
    { kind: "sleep", id: "pause", scope: 0, after: [], until: { forMs: 1501 } },
  ]);
  assert.deepEqual(checkGraph(JSON.parse(JSON.stringify(graph))), graph);
});

test("a second sleep of the same name in a scope is told to take another", () => {
  const twice = () =>
    draw((lead) =>
      after(
        after(enrich(lead), () => sleep("2h")),
        () => sleep("2h"),
      ),
    );
  refuses(twice, "NODE_NAME_TAKEN", "sleep-2h", '.as("sleep-2h-again")');
});

const london = calendar({ timeZone: "Europe/London", holidays: ["2026-12-25"] });

test("a sleep of business days has its calendar in the graph, as data", () => {
  const { graph } = draw(() => sleep("2 business days", { calendar: london }));
  assert.deepEqual(graph.nodes[1], {
    kind: "sleep",
    id: "sleep-2-business-days",
    scope: 0,
    after: [],
    until: { businessDays: 2, calendar: london },
  });
  assert.deepEqual(checkGraph(JSON.parse(JSON.stringify(graph))), graph);
  const damaged = (differs: object) => () =>
    checkGraph({ ...graph, nodes: [graph.nodes[0], { ...graph.nodes[1], until: { businessDays: 2, calendar: london, ...differs } }] }); // prettier-ignore
  refuses(damaged({ businessDays: 0 }), "WORKFLOW_INVALID", "no count");
  refuses(damaged({ businessDays: 1e9 }), "WORKFLOW_INVALID", "no count");
  for (const wrong of [
    { timeZone: "Nowhere" },
    { weekend: ["caturday"] },
    { holidays: ["2026-02-30"] },
    { holidays: null },
    { name: 7 },
    { weekend: ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"] },
  ]) {
    refuses(damaged({ calendar: { ...london, ...wrong } }), "WORKFLOW_INVALID", "its calendar is none");
  }
  refuses(damaged({ calendar: null }), "WORKFLOW_INVALID", "its calendar is none");
});

const REFUSED: readonly (readonly [(lead: any) => unknown, ErrorCode, string])[] = [
  [() => sleep("soon"), "DURATION_INVALID", "soon"],
  [() => sleep(-1), "DURATION_INVALID", "-1"],
  [() => sleep(undefined as never), "DURATION_INVALID", "no duration"],
  [() => sleep({ hours: 2 } as never), "DURATION_INVALID", "no duration"],
  [() => sleep("9999 weeks"), "DURATION_INVALID", "a hundred years"],
  [() => sleep(Number.MAX_VALUE), "DURATION_INVALID", "a hundred years"],
  [(lead) => sleep(lead.wait), "DURATION_INVALID", "sleepUntil"],
  [() => sleep("2 business days"), "DURATION_INVALID", "which days these are is not said"],
  [() => sleep("2 business days", { calendar: {} } as never), "DURATION_INVALID", "calendar(…)"],
  [() => sleep("2 days" as never, { calendar: london }), "DURATION_INVALID", "or the duration alone"],
  [() => sleep("0 business days", { calendar: london }), "DURATION_INVALID", "from 1 to 5000"],
  [() => sleep("5001 business days", { calendar: london }), "DURATION_INVALID", "from 1 to 5000"],
  [(lead) => sleep(lead.wait, { calendar: london }), "DURATION_INVALID", "duration alone"],
  [() => sleepUntil("tomorrow"), "TIME_INVALID", "no moment in time"],
  [() => sleepUntil("2026-05-01T09:30"), "TIME_INVALID", "offset from UTC"],
  [() => sleepUntil("2026-13-01T09:30Z"), "TIME_INVALID", "no moment in time"],
  [() => sleepUntil(NaN), "NOT_JSON", "NaN"],
  [() => sleepUntil(1e17), "TIME_INVALID", "no moment in time"],
  [() => sleepUntil(new Date() as never), "NOT_JSON", "toISOString"],
];

test("what is no time is refused where it is drawn, with workflow and node", () => {
  for (const [flow, code, part] of REFUSED) refuses(() => draw(flow), code, part, "lead-intake");
});

test("outside of a flow they are refused", () => {
  refuses(() => sleep("2h"), "VALUE_MISUSED", "`sleep`", "timer of its own");
  refuses(() => sleepUntil(0), "VALUE_MISUSED", "`sleepUntil`");
});

test("a stored graph whose sleep is damaged is refused", () => {
  const { graph } = draw(() => sleep("2h"));
  const damaged = (until: unknown) => () =>
    checkGraph({ ...graph, nodes: graph.nodes.map((node) => (node.kind === "sleep" ? { ...node, until } : node)) });
  refuses(damaged({ forMs: -5 }), "WORKFLOW_INVALID", "whole number of milliseconds");
  refuses(damaged({ forMs: 1e300 }), "WORKFLOW_INVALID", "whole number of milliseconds");
  refuses(damaged({ at: 7 }), "WORKFLOW_INVALID", "no template");
  refuses(damaged(null), "WORKFLOW_INVALID", "has no time");
});
