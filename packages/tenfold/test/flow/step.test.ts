/** Steps: their options, their use in a flow and outside of it, and what is refused. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { z } from "zod";
import { expectedTime, objectiveOfWait } from "../../src/flow/expected-time.ts";
import { attempt, step, workflow, type Lifted, type StepContext } from "../../src/flow/index.ts";
import { enrich, introduce, type Lead } from "./lead-steps.ts";
import { refuses } from "./refuses.ts";

const untyped = step as unknown as (name: unknown, options: unknown) => unknown;

test("run calls the body itself, with a plain context", async () => {
  const seen: StepContext[] = [];
  const sum = step("sum", {
    async run({ a, b }: { a: number; b: number }, ctx) {
      seen.push(ctx);
      ctx.log.info("nothing is written");
      ctx.progress(1, 2);
      ctx.spent(5);
      return a + b;
    },
  });
  assert.equal(await sum.run({ a: 1, b: 2 }), 3);
  const [ctx] = seen;
  assert.ok(ctx);
  const { key, attempt, node, run } = ctx;
  assert.deepEqual(
    { key, attempt, node, run, now: ctx.now(), aborted: ctx.signal.aborted },
    {
      key: "test",
      attempt: 1,
      node: "sum",
      run: { id: "test", workflow: "test", key: null, tenant: "" },
      now: 0,
      aborted: false,
    },
  );
  assert.match(ctx.uuid(), /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
});

test("chance in a test follows the key, and what is given of a context is taken", () => {
  const draw = step("draw", {
    run: (_: undefined, ctx): (string | number)[] => [ctx.random(), ctx.uuid(), ctx.attempt],
  });
  const twice = [draw.run(undefined, { key: "a" }), draw.run(undefined, { key: "a" })];
  assert.deepEqual(twice[0], twice[1]);
  assert.notDeepEqual(draw.run(undefined, { key: "b" }), twice[0]);
  assert.equal((draw.run(undefined, { attempt: 3 }) as unknown[])[2], 3);
});

test("a body may use `this`", () => {
  const options = {
    factor: 3,
    run(this: { factor: number }, n: number) {
      return n * this.factor;
    },
  };
  const { factor: _, ...known } = options;
  const bound = Object.defineProperty(known, "factor", { value: 3, enumerable: false });
  assert.equal(step("triple", bound as unknown as { run(n: number): number }).run(2), 6);
});

test("as and with chain in any order, and leave the step as it was", () => {
  const { graph, code, steps } = workflow("uses", {
    flow(lead: Lifted<Lead>) {
      enrich(lead);
      enrich.as("enrich-slow").with({ timeout: "1m" })(lead);
      enrich
        .with({ retry: { attempts: 2 } })
        .as("enrich-often")
        .with({ timeout: 5 })(lead);
    },
  });
  assert.deepEqual(
    graph.nodes.map((node) => node.id),
    ["input", "enrich", "enrich-slow", "enrich-often"],
  );
  assert.deepEqual(
    [...code],
    [
      ["enrich-slow", { kind: "step", overrides: { timeout: "1m" } }],
      ["enrich-often", { kind: "step", overrides: { retry: { attempts: 2 }, timeout: 5 } }],
    ],
  );
  assert.deepEqual([...steps], [["enrich", enrich.definition]]);
});

test("a definition keeps its options and is frozen", () => {
  const unless = (): boolean => true;
  const input = z.string();
  const output = z.object({ size: z.number() });
  const { definition } = step("kept", {
    input,
    output,
    retry: { attempts: 5, backoff: "constant", first: "1s", max: "1m", jitter: "none", unless, budget: "10%" },
    timeout: "10s",
    run: () => ({ size: 1 }),
  });
  assert.equal(definition.name, "kept");
  assert.equal(definition.input, input);
  assert.equal(definition.output, output);
  assert.equal(definition.timeout, "10s");
  assert.equal(definition.retry?.unless, unless);
  assert.ok(Object.isFrozen(definition) && Object.isFrozen(definition.retry));
});

test("a step called outside of any flow says how to call its body", () => {
  refuses(
    () => introduce({} as Lead),
    "VALUE_MISUSED",
    `"introduce"`,
    "outside of any",
    "`await introduce.run(input)`",
  );
});

test("names that could not stand in an id are refused with one that can", () => {
  for (const [name, better] of [
    ["Enrich Lead", "enrich-lead"],
    ["enrichLead", "enrich-lead"],
    ["a/b", "a-b"],
  ] as const) {
    refuses(() => untyped(name, { run() {} }), "STEP_INVALID", JSON.stringify(name), `"${better}"`);
  }
  refuses(() => untyped("", { run() {} }), "STEP_INVALID", "not defined");
  refuses(() => untyped(undefined, { run() {} }), "STEP_INVALID", "not defined");
  refuses(() => enrich.as("Not Good"), "STEP_INVALID", `"enrich"`, `"not-good"`);
});

test("a name of over 100 characters is refused, without all of it in the message; one of 100 is not", () => {
  untyped("s".repeat(100), { run() {} });
  for (const length of [101, 5000]) {
    const { message } = refuses(() => untyped("s".repeat(length), { run() {} }), "STEP_INVALID", "at most 100", '"sss');
    assert.ok(message.length < 400, message);
  }
  refuses(() => enrich.as("e".repeat(101)), "STEP_INVALID", `"enrich"`, "at most 100");
});

test("options whose release has not come are refused by name", () => {
  for (const option of ["pure"]) {
    refuses(
      () => untyped("enrich", { run() {}, [option]: true }),
      "OPTION_UNSUPPORTED",
      `step "enrich"`,
      `\`${option}\``,
      "not defined",
      `Leave \`${option}\` out`,
    );
  }
});

test("how long a step takes and may wait is refused where it says no time, or there is nothing to wait in", () => {
  const of = (options: object) => (untyped("enrich", { run() {}, ...options }) as any).definition;
  assert.deepEqual(expectedTime(of({ takes: "300ms p95 800ms" }).takes), { p50Ms: 300, p95Ms: 800 });
  assert.deepEqual(expectedTime(of({ takes: " 1m 30s p95 2 minutes" }).takes), { p50Ms: 90_000, p95Ms: 120_000 });
  assert.deepEqual(expectedTime(of({ takes: "2s" }).takes), { p50Ms: 2000, p95Ms: 2000 });
  for (const takes of ["", "fast", "0s", "800ms p95 300ms", "300ms p99 800ms", "p95 800ms", 300])
    refuses(() => of({ takes }), "STEP_INVALID", `step "enrich"`, "`takes`", `"300ms p95 800ms"`);
  assert.deepEqual(objectiveOfWait(of({ wait: "p95 < 1s", queue: {} })), {
    percent: 95,
    withinMs: 1000,
    text: "p95 < 1s",
  });
  assert.equal(objectiveOfWait(of({ queue: {} })), null);
  for (const wait of ["1s", "p95 < fast", 3])
    refuses(() => of({ wait, queue: {} }), "OBJECTIVE_INVALID", "`wait`", "p95 < 1s");
  refuses(() => of({ wait: "p95 < 1s" }), "OBJECTIVE_INVALID", "`wait`", "it has none", "`queue`");
});

test("unknown options are refused with the nearest one", () => {
  refuses(
    () => untyped("enrich", { run() {}, timout: "1s" }),
    "OPTION_UNSUPPORTED",
    `step "enrich"`,
    "Did you mean `timeout`?",
  );
  refuses(() => untyped("enrich", { run() {}, retry: { attemts: 2 } }), "OPTION_UNSUPPORTED", "retry", "`attempts`");
  refuses(
    () => enrich.with({ input: z.string() } as never),
    "OPTION_UNSUPPORTED",
    `"enrich"`,
    "`input`",
    "retry, timeout",
  );
});

test("the values of options are checked when the step is defined", () => {
  const wrong: [object, string][] = [
    [{ attempts: 0 }, "retry.attempts"],
    [{ attempts: 1.5 }, "retry.attempts"],
    [{ backoff: "linear" }, "retry.backoff"],
    [{ jitter: true }, "retry.jitter"],
    [{ unless: "never" }, "retry.unless"],
    [{ budget: "ten" }, "retry.budget"],
    [{ budget: "0%" }, "retry.budget"],
    [{ budget: "101%" }, "retry.budget"],
    [{ first: "1h", max: "1m" }, "retry.first"],
  ];
  for (const [retry, option] of wrong) {
    refuses(() => untyped("enrich", { run() {}, retry }), "STEP_INVALID", `step "enrich"`, option, "not defined");
  }
  refuses(
    () => untyped("enrich", { run() {}, retry: { unless: async () => true } }),
    "STEP_INVALID",
    `step "enrich"`,
    "`retry.unless` is async",
    "plain function",
  );
  refuses(() => untyped("enrich", { run() {}, timeout: "soon" }), "DURATION_INVALID", `step "enrich"`, `"soon"`);
  refuses(() => untyped("enrich", { run() {}, timeout: 0 }), "DURATION_INVALID", `step "enrich"`);
  refuses(() => untyped("enrich", { run() {}, retry: { first: "soon" } }), "DURATION_INVALID", `retry.first`);
  refuses(() => enrich.with({ timeout: "soon" }), "DURATION_INVALID", `"enrich"`);
});

test("a step without a body, or with something else for a schema, is refused", () => {
  refuses(() => untyped("enrich", {}), "STEP_INVALID", `step "enrich"`, "no body");
  refuses(() => untyped("enrich", undefined), "STEP_INVALID", `step "enrich"`);
  refuses(() => untyped("enrich", { run() {}, input: "string" }), "STEP_INVALID", "`input` is no schema");
  refuses(() => untyped("enrich", { run() {}, output: {} }), "STEP_INVALID", "`output` is no schema");
});

test("an undo is part of the graph; a use of the step keeps it, and its body is found in the step", () => {
  const pay = step("pay", { run: (euros: number) => `p${euros}`, undo: (euros, payment) => [euros, payment] });
  const plain = step("plain", { run: (text: string) => text });
  const flow = workflow("w", {
    flow: (euros: Lifted<number>) => plain(pay.as("again").with({ timeout: "1s" })(euros)),
  });
  const nodes = flow.graph.nodes.map((node) => [node.id, node.kind === "step" && node.undo === true]);
  assert.deepEqual(nodes, [["input", false], ["again", true], ["plain", false]]); // prettier-ignore
  assert.ok(!("undo" in flow.graph.nodes.at(-1)!), "graphs without an undo are what they were");
  assert.deepEqual(pay.definition.undo?.(1 as never, "p1" as never, {} as StepContext), [1, "p1"]);
});

test("an undo that is no function, or stands on a step that is pure, is refused with the way out", () => {
  const run = (): number => 1;
  refuses(() => untyped("s", { run, undo: true }), "STEP_INVALID", "undo", "Give a function");
  refuses(() => untyped("s", { run, undo: () => {}, pure: true }), "STEP_INVALID", "pure", "Leave `undo` out");
});

test("an attempt takes `undo: false` and nothing else of that name", () => {
  const draw = (options: any) =>
    workflow("w", { flow: (lead: Lifted<Lead>) => (attempt as any)(() => enrich(lead), () => "no", options) }).graph.nodes[1]; // prettier-ignore
  assert.equal((draw({ undo: false }) as { undo?: boolean }).undo, false);
  assert.ok(!("undo" in draw({ undo: true })!));
  refuses(() => draw({ undo: 1 }), "WORKFLOW_INVALID", "its `undo` is", "{ undo: false }");
  refuses(() => draw({ undos: false }), "OPTION_UNSUPPORTED", "undo");
});
