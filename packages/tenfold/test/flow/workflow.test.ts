/** Workflows as a whole: the graph, its hash, its warnings, and what a definition refuses. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { z } from "zod";
import { contentHash } from "../../src/value/hash.ts";
import { canonicalJson, type Json } from "../../src/value/json.ts";
import { derive, gte, match, present, step, when, workflow, type Lifted } from "../../src/flow/index.ts";
import { discard, enrich, greet, introduce, nurture, ping, score, screen, segment, type Lead } from "./lead-steps.ts";
import { refuses } from "./refuses.ts";

const untyped = workflow as unknown as (name: unknown, options: unknown) => ReturnType<typeof workflow<never>>;

const draw = (flow: (lead: Lifted<Lead>) => unknown) => workflow<Lead>("lead-intake", { flow: flow as never });

test("a workflow is its graph, drawn by calling flow once", () => {
  let calls = 0;
  const { name, graph, steps, code, warnings } = draw((lead) => {
    calls++;
    const company = enrich(lead);
    const screening = screen(lead);
    return { points: score({ lead, company }), screening, version: 1 };
  });
  assert.equal(calls, 1);
  assert.equal(name, "lead-intake");
  assert.deepEqual(graph, {
    format: 1,
    workflow: "lead-intake",
    nodes: [
      { kind: "input", id: "input", scope: 0 },
      { kind: "step", id: "enrich", scope: 0, after: [], step: "enrich", input: { kind: "ref", node: 0, path: [] } },
      { kind: "step", id: "screen", scope: 0, after: [], step: "screen", input: { kind: "ref", node: 0, path: [] } },
      {
        kind: "step",
        id: "score",
        scope: 0,
        after: [],
        step: "score",
        input: {
          kind: "object",
          entries: [
            ["lead", { kind: "ref", node: 0, path: [] }],
            ["company", { kind: "ref", node: 1, path: [] }],
          ],
        },
      },
    ],
    scopes: [
      {
        owner: -1,
        name: "",
        nodes: [0, 1, 2, 3],
        output: {
          kind: "object",
          entries: [
            ["points", { kind: "ref", node: 3, path: [] }],
            ["screening", { kind: "ref", node: 2, path: [] }],
            ["version", { kind: "constant", value: 1 }],
          ],
        },
      },
    ],
  });
  assert.deepEqual([...steps.keys()], ["enrich", "screen", "score"]);
  assert.equal(code.size, 0);
  assert.deepEqual(warnings, []);
});

test("the hash is that of the graph: the same drawing has the same, another one another", () => {
  const flow = (lead: Lifted<Lead>): unknown => enrich(lead);
  const { graph, hash } = draw(flow);
  assert.equal(hash, contentHash(canonicalJson(graph as unknown as Json)));
  assert.equal(hash, draw(flow).hash);
  assert.equal(hash, workflow<Lead>("lead-intake", { expect: { volume: "5/day" }, flow: flow as never }).hash);
  assert.notEqual(hash, draw((lead) => enrich.as("other")(lead)).hash);
  assert.deepEqual(JSON.parse(JSON.stringify(graph)), graph);
});

test("a definition is frozen, and later changes of what was written change nothing", () => {
  const settings = { lead: { email: "kim@example.com", deep: [1] } };
  const defined = draw(() => score(settings as never));
  settings.lead.deep.push(2);
  const [, node] = defined.graph.nodes;
  assert.ok(node?.kind === "step" && node.input.kind === "constant");
  assert.deepEqual(node.input.value, { lead: { email: "kim@example.com", deep: [1] } });
  assert.ok(Object.isFrozen(defined) && Object.isFrozen(node.input.value) && Object.isFrozen(defined.graph.scopes[0]));
});

test("schema, key, attributes and expect are kept", () => {
  const Contact = z.object({ email: z.string() });
  const defined = workflow("kept", {
    input: Contact,
    key: (contact) => contact.email,
    attributes: (contact) => ({ email: contact.email }),
    expect: { volume: "500/day" },
    flow: (contact) => greet(contact.email),
  });
  assert.equal(defined.input, Contact);
  assert.equal(defined.key?.({ email: "kim" } as never), "kim");
  assert.deepEqual(defined.attributes?.({ email: "kim" } as never), { email: "kim" });
  assert.deepEqual(defined.expect, { volume: "500/day" });
});

test("an input left out is undefined, and properties that are undefined are left out", () => {
  const { graph } = draw((lead) => {
    ping();
    score({ lead, company: { size: 1 }, note: undefined } as never);
  });
  assert.deepEqual(graph.nodes[1], {
    kind: "step",
    id: "ping",
    scope: 0,
    after: [],
    step: "ping",
    input: { kind: "constant" },
  });
  assert.ok(graph.nodes[2]?.kind === "step" && graph.nodes[2].input.kind === "object");
  assert.deepEqual(
    graph.nodes[2].input.entries.map(([key]) => key),
    ["lead", "company"],
  );
  assert.deepEqual(graph.scopes[0]!.output, { kind: "constant" });
});

test("a second node of one name in one scope is refused", () => {
  refuses(
    () => draw((lead) => [enrich(lead), enrich(lead)]),
    "NODE_NAME_TAKEN",
    `Workflow "lead-intake"`,
    `node "enrich"`,
    `.as("enrich-again")`,
  );
  refuses(
    () =>
      draw((lead) => {
        when(lead.vip, () => ping());
        when(lead.vip, () => ping());
      }),
    "NODE_NAME_TAKEN",
    `node "when-vip"`,
  );
  refuses(() => draw(() => ping.as("input")()), "NODE_NAME_TAKEN", `of kind "input"`);
  draw((lead) => match(lead.tier, { hot: () => ping(), otherwise: () => ping() }));
});

test("two steps of one name in one workflow are refused", () => {
  const other = step("enrich", { run() {} });
  refuses(
    () => draw((lead) => [enrich(lead), other.as("enrich-other")()]),
    "STEP_NAME_TAKEN",
    `Workflow "lead-intake"`,
    `node "enrich-other"`,
    `two different steps are called "enrich"`,
    "rename",
  );
});

test("what is not JSON is refused with workflow, node, path and reason", () => {
  const circle: Record<string, unknown> = {};
  circle["self"] = { circle };
  const cases: [unknown, string, string][] = [
    [{ at: [new Date(0)] }, "`at[0]`", "toISOString"],
    [{ later: () => 1 }, "`later`", "a function is not JSON"],
    [{ company: enrich }, "`company`", "a step itself is not JSON; call it"],
    [{ list: [1, undefined] }, "`list[1]`", "use null"],
    [{ deep: { n: NaN } }, "`deep.n`", "NaN"],
    [{ n: 5n }, "`n`", "bigint"],
    [{ m: new Map() }, "`m`", "a Map"],
    [circle, "`self.circle`", "contains itself"],
    [Symbol("x"), "input is not JSON", "symbol"],
  ];
  for (const [input, path, reason] of cases) {
    refuses(
      () => draw(() => score(input as never)),
      "NOT_JSON",
      `Workflow "lead-intake"`,
      `node "score"`,
      path,
      reason,
    );
  }
  refuses(() => draw(() => ({ at: new Date(0) })), "NOT_JSON", `node "flow"`, "result at `at`");
  refuses(
    () => draw((lead) => match(lead.tier, { otherwise: () => new Date(0) })),
    "NOT_JSON",
    `"match-tier"`,
    `arm "otherwise"`,
  );
});

test("a value may stand twice in one input, and one object too", () => {
  const both = { size: 1 };
  draw((lead) => score({ lead, company: both, again: both, email: [lead.email, lead.email] } as never));
});

test("an async flow is refused", async () => {
  refuses(
    () =>
      draw(async (lead) => {
        await Promise.resolve();
        return enrich(lead);
      }),
    "WORKFLOW_INVALID",
    `Workflow "lead-intake"`,
    "async",
    "without `async`",
  );
});

test("a generator as a flow, or as an arm, is refused", () => {
  const generators = [function* () {}, async function* () {}];
  for (const generator of generators) {
    refuses(() => draw(generator), "WORKFLOW_INVALID", `Workflow "lead-intake"`, "generator", "plain function");
    refuses(() => draw((lead) => match(lead.tier, { otherwise: generator })), "MATCH_INVALID", "generator");
  }
  draw((lead) => ({ next: enrich(lead), then: screen(lead) }));
});

test("what is thrown in a flow and is no error is told with workflow and node; an error goes on as it is", () => {
  for (const [thrown, text] of [
    ["no rate", '"no rate"'],
    [undefined, "undefined"],
    [{ code: 5 }, "an object"],
  ] as const) {
    const thrower = (): never => {
      throw thrown;
    };
    const { facts } = refuses(() => draw(thrower), "WORKFLOW_INVALID", `"lead-intake"`, text, "not defined");
    assert.equal(facts["thrown"], thrown);
    refuses(() => draw((lead) => match(lead.tier, { otherwise: thrower })), "MATCH_INVALID", "match-tier", text);
  }
  const error = new RangeError("no rate");
  assert.throws(
    () =>
      draw(() => {
        throw error;
      }),
    (thrown) => thrown === error,
  );
});

test("options are refused by name where unknown, not yet there, or of the wrong kind", () => {
  const flow = (): void => {};
  for (const option of ["deadline", "concurrency", "keyRetention"]) {
    refuses(() => untyped("intake", { flow, [option]: 1 }), "OPTION_UNSUPPORTED", `workflow "intake"`, `\`${option}\``);
  }
  refuses(
    () => untyped("intake", { flow, inptu: 1 }),
    "OPTION_UNSUPPORTED",
    `workflow "intake"`,
    "Did you mean `input`?",
  );
  refuses(() => untyped("intake", {}), "WORKFLOW_INVALID", `workflow "intake"`, "`flow` is no function");
  refuses(() => untyped("intake", { flow, key: "email" }), "WORKFLOW_INVALID", "`key` is no function");
  refuses(() => untyped("intake", { flow, attributes: {} }), "WORKFLOW_INVALID", "`attributes` is no function");
  for (const option of ["key", "attributes"]) {
    refuses(() => untyped("intake", { flow, [option]: async () => "x" }), "WORKFLOW_INVALID", `\`${option}\` is async`);
  }
  refuses(() => untyped("i".repeat(5000), { flow }), "WORKFLOW_INVALID", "at most 100");
  refuses(() => untyped("intake", { flow, input: {} }), "WORKFLOW_INVALID", "`input` is no schema");
  refuses(() => untyped("intake", undefined), "WORKFLOW_INVALID", `workflow "intake"`);
  refuses(() => untyped("Lead Intake", { flow }), "WORKFLOW_INVALID", `"lead-intake"`);
});

test("objectives are checked for their form", () => {
  const flow = (): void => {};
  const good = {
    volume: ["500/day", "1_000 / hour", "2.5/s"],
    peak: ["20/min"],
    finish: ["p95 < 2m", "p99.9 < 1h 30m"],
    failed: ["< 0.1%"],
    drain: ["< 15m after 10m"],
    cost: ["< $0.02"],
  };
  for (const [name, texts] of Object.entries(good)) {
    for (const text of texts)
      assert.deepEqual(untyped("fine", { flow, expect: { [name]: text } }).expect, { [name]: text });
  }
  const bad = {
    volume: ["500", "many/day", "0/day", "5/fortnight", 500],
    peak: ["20 per min"],
    finish: ["< 2m", "p95 < soon", "p95 > 2m", "p95 < 0s"],
    failed: ["0.1%", "< 0.1"],
    drain: ["< 15m", "< 15m after lunch"],
    cost: ["$0.02", "< 0.02"],
  };
  for (const [name, texts] of Object.entries(bad)) {
    for (const text of texts) {
      refuses(
        () => untyped("intake", { flow, expect: { [name]: text } }),
        "OBJECTIVE_INVALID",
        `Workflow "intake"`,
        `expect.${name}`,
        "Write it like",
      );
    }
  }
  refuses(() => untyped("intake", { flow, expect: { volum: "5/day" } }), "OPTION_UNSUPPORTED", `"intake"`, "`volume`");
});

test("a result that was probably meant to be used is warned of, an effect is not", () => {
  const { warnings } = draw((lead) => {
    discard(lead);
    introduce(lead);
    const company = enrich(lead);
    enrich.as("enrich-again")(lead);
    derive.as("dropped")(lead.points, (points) => points + 1);
    gte(lead.points, 80);
    when(present(lead.name), () => nurture(lead));
    return segment(score({ lead, company }));
  });
  assert.deepEqual(
    warnings.map(({ code, node }) => [code, node]),
    [
      ["UNUSED_RESULT", "enrich-again"],
      ["UNUSED_RESULT", "dropped"],
      ["UNUSED_RESULT", "input"],
    ],
  );
  for (const { message, node } of warnings) {
    assert.ok(message.includes(`Workflow "lead-intake", node "${node}"`) && message.includes("leave it out"), message);
  }
  assert.ok(warnings[2]!.message.includes("`gte(input.points, 80)`"));
});
