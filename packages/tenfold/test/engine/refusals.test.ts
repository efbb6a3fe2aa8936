/** Laws of bad input: refused with a code, where and why, before a run exists; bad output fails its node. */
import assert from "node:assert/strict";
import { test } from "node:test";
import * as z from "zod";
import { RunFailed } from "../../src/engine/results.ts";
import { limit, type Limit } from "../../src/flow/index.ts";
import type { ErrorCode } from "../../src/value/error.ts";
import { rejects, stepOf, workflowOf, World } from "./world.ts";

const echo = stepOf("echo", (given: any) => given);
const plain = workflowOf("plain", (given) => echo(given));
const strict = workflowOf("strict", (lead) => echo(lead), {
  input: z.object({ email: z.email(), orders: z.array(z.object({ total: z.number().default(0) })) }),
});
const keyed = workflowOf("keyed", (lead) => echo(lead), { key: (lead: any) => lead.email });

async function all(answers: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of answers) assert.fail("something was answered");
}

const circle: { self?: unknown } = {};
circle.self = circle;

const REFUSED: readonly (readonly [string, (world: any) => Promise<unknown>, ErrorCode, readonly string[]])[] = [
  ["an input that misses its schema", (t) => t.start(strict, { email: "kim", orders: [{ total: "3" }] }), "INPUT_INVALID", ["email: ", "orders[0].total: "]], // prettier-ignore
  ["an input that is not JSON", (t) => t.start(plain, { orders: [{ at: new Date() }] }), "NOT_JSON", ["orders[0].at", "Date"]], // prettier-ignore
  ["no input at all", (t) => t.start(plain), "NOT_JSON", ["undefined"]],
  ["an input that contains itself", (t) => t.start(plain, circle), "NOT_JSON", ["itself"]],
  ["an input over the limit", (t) => t.start(plain, "x".repeat(1001)), "PAYLOAD_TOO_LARGE", ["1003", "1000"]],
  ["an empty key", (t) => t.start(plain, 1, { key: "" }), "KEY_INVALID", ["0 characters"]],
  ["a key that is too long", (t) => t.start(plain, 1, { key: "k".repeat(513) }), "KEY_INVALID", ["513", "512"]],
  ["a key that is no text", (t) => t.start(plain, 1, { key: 7 }), "KEY_INVALID", ["is 7"]],
  ["a key that no column keeps", (t) => t.start(plain, 1, { key: "k\0" }), "KEY_INVALID", ["k\\u0000"]],
  ["half of a surrogate pair in a key", (t) => t.start(keyed, { email: "\ud83d" }), "KEY_INVALID", ["\\ud83d"]],
  ["a key that is a promise", (t) => t.start(plain, 1, { key: Promise.reject(new Error("x")) }), "KEY_INVALID", ["a Promise"]], // prettier-ignore
  ["an input without the key it needs", (t) => t.start(keyed, {}), "KEY_INVALID", ["undefined"]],
  ["an input on which the key function throws", (t) => t.start(keyed, null), "INPUT_INVALID", ["key", "null"]],
  ["`again` without a key", (t) => t.start(plain, 1, { again: true }), "KEY_INVALID", ["again"]],
  ["a time that is none", (t) => t.start(plain, 1, { at: new Date("soon") }), "INPUT_INVALID", ["at"]],
  ["a time that is a text", (t) => t.start(plain, 1, { at: "2026-01-01" }), "INPUT_INVALID", ["2026-01-01", "Date"]],
  ["a time that no calendar has", (t) => t.start(plain, 1, { at: 1e300 }), "INPUT_INVALID", ["1e+300"]],
  ["a time that is null", (t) => t.start(plain, 1, { at: null }), "INPUT_INVALID", ["null"]],
  ["null for options", (t) => t.start(plain, 1, null), "OPTION_UNSUPPORTED", ["null", "key, at, tenant, again"]],
  ["a text for options", (t) => t.startNamed("plain", 1, "lead-1"), "OPTION_UNSUPPORTED", ['"lead-1"']],
  ["a tenant that is no text", (t) => t.start(plain, 1, { tenant: 5 }), "OPTION_UNSUPPORTED", ["5", "`tenant`"]],
  ["a tenant that no column keeps", (t) => t.start(plain, 1, { tenant: "a\0" }), "OPTION_UNSUPPORTED", ["`tenant`", "NUL"]], // prettier-ignore
  ["a tenant that no index holds", (t) => t.start(plain, 1, { tenant: "t".repeat(257) }), "OPTION_UNSUPPORTED", ["256"]], // prettier-ignore
  ["an `again` that is a text", (t) => t.start(keyed, { email: "a" }, { again: "yes" }), "OPTION_UNSUPPORTED", ["again"]], // prettier-ignore
  ["no workflow", (t) => t.start(undefined, 1), "WORKFLOW_UNKNOWN", ["undefined"]],
  ["a step for a workflow", (t) => t.start(echo, 1), "WORKFLOW_UNKNOWN", ["a function"]],
  ["a number for a list of inputs", (t) => all(t.startMany(plain, 5)), "INPUT_INVALID", ["5", "a list", "`start`"]],
  ["a text for a list of inputs", (t) => all(t.startMany(plain, "lead")), "INPUT_INVALID", ['"lead"']],
  ["nothing for a list of inputs", (t) => all(t.startMany(plain)), "INPUT_INVALID", ["undefined"]],
  ["a promise for a list of inputs", (t) => all(t.startMany(plain, Promise.resolve([]))), "INPUT_INVALID", ["a Promise"]], // prettier-ignore
  ["null for the options of many", (t) => all(t.startMany(plain, [1], null)), "OPTION_UNSUPPORTED", ["null"]],
  ["a mistyped workflow", (t) => t.startNamed("strikt", {}), "WORKFLOW_UNKNOWN", ['"strict"']],
  ["a workflow like no other", (t) => t.startNamed("zzzzzzzzzz", {}), "WORKFLOW_UNKNOWN", ["plain, strict, keyed"]],
  ["a mistyped option", (t) => t.start(plain, 1, { agian: true }), "OPTION_UNSUPPORTED", ["`again`"]],
  ["an option that has not come", (t) => t.start(plain, 1, { priority: 1 }), "OPTION_UNSUPPORTED", ["priority"]],
];

for (const [what, start, code, parts] of REFUSED) {
  test(`${what} is refused with ${code}, and nothing is written`, async () => {
    const world = new World();
    const { tenfold } = await world.open([plain, strict, keyed], { limits: { payloadMax: 1000 } });
    await rejects(world.happens(start(tenfold)), code, ...parts);
    assert.deepEqual(world.records, []);
  });
}

const tooMany = Object.fromEntries(Array.from({ length: 51 }, (_, n) => [`a${n}`, n]));

const rejected = () => Promise.reject(new Error("nobody waits for it"));

const ATTRIBUTES: readonly (readonly [string, unknown, readonly string[]])[] = [
  ["a text", "Kim", ['"Kim"']],
  ["a list", ["Kim"], ["a list"]],
  ["a number", 5, ["5"]],
  ["a Map", new Map([["country", "DE"]]), ["a Map"]],
  ["a promise", rejected, ["a Promise"]],
  ["an object within", { address: { country: "DE" } }, ["an object", "`address`"]],
  ["a list within", { tags: ["a"] }, ["a list", "`tags`"]],
  ["a date within", { since: new Date(0) }, ["a Date", "`since`"]],
  ["no number", { points: NaN }, ["NaN", "`points`"]],
  ["a function", { points: () => 1 }, ["a function", "`points`"]],
  ["a text of 513 characters", { note: "x".repeat(513) }, ["513", "512", "`note`"]],
  ["a name of 101 characters", { ["n".repeat(101)]: 1 }, ["100"]],
  ["a text that no column keeps", { note: "a\0b" }, ["NUL", "note"]],
  ["a name that no column keeps", { "\udc00": 1 }, ["surrogate"]],
  ["an empty name", { "": 1 }, ['""']],
  ["51 of them", tooMany, ["51", "50"]],
];

for (const [what, attributes, parts] of ATTRIBUTES) {
  test(`attributes that are or have ${what} are refused, and nothing is written`, async () => {
    const world = new World();
    const flow = workflowOf("w", (given) => echo(given), {
      attributes: typeof attributes === "function" ? () => attributes() as unknown : () => attributes,
    });
    const { tenfold } = await world.open([flow]);
    await rejects(world.happens(tenfold.start(flow, 1)), "ATTRIBUTES_INVALID", '"w"', "no run was started", ...parts);
    assert.deepEqual(world.records, []);
  });
}

test("attributes at their limits are kept as texts, and found; null and undefined are left out", async () => {
  const world = new World();
  const note = "x".repeat(512);
  const kept = { ["n".repeat(100)]: true, note, points: 5, none: null, nothing: undefined };
  const flow = workflowOf("w", (given) => echo(given), { attributes: () => kept });
  const bare = workflowOf("bare", (given) => echo(given), { attributes: () => undefined });
  const { tenfold } = await world.open([flow, bare]);
  const run = await world.happens(tenfold.start(flow, 1));
  await world.happens(tenfold.start(bare, 1));
  const find = (name: string, value: string) => tenfold.page({ attribute: { name, value } }, { limit: 5 });
  for (const [name, value] of [
    ["n".repeat(100), "true"],
    ["note", note],
    ["points", "5"],
  ] as const) {
    // prettier-ignore
    assert.deepEqual((await world.happens(find(name, value))).map(({ id }) => id), [run.id]); // prettier-ignore
  }
  for (const name of ["none", "nothing"]) assert.deepEqual(await world.happens(find(name, "null")), []);
});

test("what is stored is the parsed input", async () => {
  const world = new World();
  const { tenfold } = await world.open([strict]);
  const run = await world.happens(tenfold.start(strict, { email: "kim@a.org", orders: [{}], extra: 1 }));
  assert.deepEqual(await world.happens(run.result()), { email: "kim@a.org", orders: [{ total: 0 }] });
  assert.deepEqual(JSON.parse(world.record(run.id).input), { email: "kim@a.org", orders: [{ total: 0 }] });
});

test("an input exactly at the limit is kept", async () => {
  const world = new World();
  const { tenfold } = await world.open([plain], { limits: { payloadMax: 1000 } });
  const run = await world.happens(tenfold.start(plain, "x".repeat(998)));
  assert.equal((await world.happens(run.result())).length, 998);
});

test("two workflows of one name are not opened", () => {
  const world = new World();
  assert.throws(() => world.engineOf([plain, workflowOf("plain", (given) => echo.as("other")(given))]), {
    code: "WORKFLOW_NAME_TAKEN",
  });
  world.engineOf([plain, plain]);
});

test("two workflows whose steps have two different limits of one name are not opened, and with one that they share they are", () => {
  const world = new World();
  const limited = (name: string, shared: Limit) => {
    const ask = stepOf(`ask-${name}`, (given: any) => given, { queue: { limit: shared } });
    return workflowOf(name, (given) => ask(given));
  };
  const openai = limit("openai", { concurrency: 1 });
  const other = limited("other", limit("openai", { concurrency: 1 }));
  assert.throws(() => world.engineOf([limited("first", openai), other]), {
    code: "LIMIT_NAME_TAKEN",
    message: /"openai".*"ask-first" in workflow "first".*"ask-other" in "other"; nothing was opened\. Make it once/,
  });
  world.engineOf([limited("first", openai), limited("second", openai)]);
});

test("steps of one name whose queues differ are not opened, nor is a limit that is called as another step's queue", () => {
  const world = new World();
  const queued = (workflow: string, name: string, queue: object) => {
    const ask = stepOf(name, (given: any) => given, { queue });
    return workflowOf(workflow, (given) => ask(given));
  };
  const refused = (other: unknown, message: RegExp) => {
    const first = queued("first", "ask", { concurrency: 2 });
    assert.throws(() => world.engineOf([first, other] as never), { code: "LIMIT_NAME_TAKEN", message });
  };
  refused(
    queued("second", "ask", { concurrency: 3 }),
    /steps with queues are called "ask", in the workflows "first" and "second"/,
  );
  refused(queued("second", "tell", { limit: limit("ask", { rate: "1/s" }) }), /are both called "ask"/);
  world.engineOf([queued("first", "ask", { concurrency: 2 }), queued("second", "ask", { concurrency: 2 })]);
});

const thrownNothing: unknown = Object.create(null);
const bad: readonly (readonly [string, any, string, RegExp])[] = [
  ["an output that is not JSON", stepOf("s", () => ({ a: [new Map()] })), "NOT_JSON", /a\[0\].*Map/],
  ["an output that comes later and is not JSON", stepOf("s", async () => ({ n: 1n })), "NOT_JSON", /n.*bigint/],
  ["an output over the limit", stepOf("s", () => "x".repeat(2000)), "PAYLOAD_TOO_LARGE", /2002.*1000/],
  ["an output that misses its schema", stepOf("s", () => ({ size: "x" }), { output: z.object({ size: z.number() }) }), "OUTPUT_INVALID", /size: /], // prettier-ignore
  ["an input that misses the step's schema", stepOf("s", () => 1, { input: z.object({ email: z.email() }) }), "INPUT_INVALID", /email: /], // prettier-ignore
  ["a final error", stepOf("s", () => { throw new RangeError("no stock"); }, { retry: { unless: () => true } }), "STEP_FAILED", /no stock/], // prettier-ignore
  ["a thrown text", stepOf("s", () => Promise.reject("no stock"), { retry: { attempts: 1 } }), "STEP_FAILED", /no stock/], // prettier-ignore
  ["a thrown nothing", stepOf("s", () => Promise.reject(undefined), { retry: { attempts: 1 } }), "STEP_FAILED", /undefined/], // prettier-ignore
  ["what is thrown and has no text", stepOf("s", () => { throw thrownNothing; }, { retry: { attempts: 1 } }), "STEP_FAILED", /no text/], // prettier-ignore
  ["an error whose message is no text", stepOf("s", async () => { throw Object.assign(new Error("x"), { message: { a: 1 }, stack: 5 }); }, { retry: { attempts: 1 } }), "STEP_FAILED", /object/], // prettier-ignore
];

for (const [what, step, code, message] of bad) {
  test(`${what} fails the node and the run with ${code}, after one attempt, and frees its slot`, async () => {
    const world = new World();
    const flow = workflowOf("w", (given) => step(given));
    const { tenfold, attempts } = await world.open([flow, plain], { slots: 1, limits: { payloadMax: 1000 } });
    const run = await world.happens(tenfold.start(flow, { email: "kim" }));
    const error = await world.happens(run.result().catch((thrown: unknown) => thrown));
    assert.ok(error instanceof RunFailed);
    assert.equal(error.error.code, code);
    assert.equal(error.error.node, "s");
    assert.match(error.error.message, message);
    assert.equal(attempts.length, 1);
    assert.deepEqual([attempts[0]!.outcome, attempts[0]!.message], ["failed", error.error.message]);
    const next = await world.happens(tenfold.start(plain, 5));
    assert.equal(await world.happens(next.result()), 5);
  });
}

test("schemas of a step may transform: the body gets the decoded input, its node the encoded output", async () => {
  const world = new World();
  const later = stepOf("later", (at: Date) => new Date(at.getTime() + 1000), {
    input: z.string().transform((text) => new Date(text)),
    output: z.date().transform((at) => at.toISOString()),
  });
  const flow = workflowOf("w", (at) => ({ after: later(at) }));
  const { tenfold } = await world.open([flow]);
  const run = await world.happens(tenfold.start(flow, "2026-01-01T00:00:00.000Z"));
  assert.deepEqual(await world.happens(run.result()), { after: "2026-01-01T00:00:01.000Z" });
});

test("a derive that throws, or computes what is not JSON, fails its node", async () => {
  const world = new World();
  const { derive } = await import("../../src/flow/index.ts");
  const flow = workflowOf("w", (given) =>
    derive(given, (n: unknown): any => {
      if (n === 1) throw new Error("no rate");
      return { rate: NaN };
    }),
  );
  const { tenfold } = await world.open([flow]);
  for (const [n, code] of [
    [1, "STEP_FAILED"],
    [2, "NOT_JSON"],
  ] as const) {
    // prettier-ignore
    const run = await world.happens(tenfold.start(flow, n));
    const { status, error } = await world.happens(run.outcome());
    assert.deepEqual([status, error?.code], ["failed", code]);
  }
});
