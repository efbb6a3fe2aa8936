/** Templates and expressions: what they come to once results are known. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  all,
  any,
  eq,
  evaluate,
  gt,
  gte,
  labelOf,
  lt,
  lte,
  not,
  oneOf,
  present,
  workflow,
  type Lifted,
  type Template,
} from "../../src/flow/index.ts";
import { jsonEqual, type Json } from "../../src/value/json.ts";
import { refuses } from "./refuses.ts";

interface Facts {
  readonly n: number;
  readonly s: string;
  readonly yes: boolean;
  readonly none: null;
  readonly gone?: number;
  readonly list: readonly number[];
}

const FACTS = { n: 5, s: "b", yes: true, none: null, list: [1, 5], wrong: {} };

function template(write: (facts: Lifted<Facts>) => unknown): Template {
  return workflow("facts", { flow: write as (facts: Lifted<Facts>) => unknown }).graph.scopes[0]!.output;
}

const compute = (write: (facts: Lifted<Facts>) => unknown): Json | undefined => evaluate(template(write), () => FACTS);

test("what is written as JSON evaluates to itself", () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const written = workflow("constant", { flow: () => value as never }).graph.scopes[0]!.output;
      assert.ok(
        jsonEqual(
          evaluate(written, () => undefined),
          value as Json,
        ),
      );
    }),
  );
});

test("data with a value in place of each leaf evaluates to the same data", () => {
  const special = /"(then|toString|toLocaleString|valueOf|toJSON)":/;
  const written = fc.jsonValue().filter((value) => !special.test(JSON.stringify(value)));
  fc.assert(
    fc.property(written, (value) => {
      const { graph } = workflow("leaves", { flow: (input) => replaceLeaves(value, input) as never });
      assert.deepEqual(
        evaluate(graph.scopes[0]!.output, (node) => (node === 0 ? (value as Json) : undefined)),
        value,
      );
    }),
  );
});

function replaceLeaves(data: unknown, at: unknown): unknown {
  if (typeof data !== "object" || data === null) return at;
  const part = (key: string | number): unknown => (at as Record<string | number, unknown>)[key];
  if (Array.isArray(data)) return data.map((item, index) => replaceLeaves(item, part(index)));
  return Object.fromEntries(Object.entries(data).map(([key, item]) => [key, replaceLeaves(item, part(key))]));
}

test("a reference walks its path, through anything that is not there to undefined", () => {
  assert.equal(
    compute((facts) => facts.list[1]),
    5,
  );
  assert.equal(
    compute((facts) => facts.list.length),
    2,
  );
  assert.equal(
    compute((facts) => facts.list[7]),
    undefined,
  );
  assert.equal(
    compute((facts) => (facts.none as never as Lifted<{ a: { b: number } }>).a.b),
    undefined,
  );
  assert.equal(
    compute((facts) => (facts.s as never as Lifted<{ length: number }>).length),
    undefined,
  );
  for (const name of ["constructor", "toLocaleStrin", "__proto__", "hasOwnProperty"]) {
    assert.equal(
      compute((facts) => (facts as never as Record<string, Lifted<unknown>>)[name]),
      undefined,
    );
  }
});

test("objects leave undefined out, arrays make it null", () => {
  assert.deepEqual(
    compute((facts) => ({ gone: facts.gone, n: facts.n, deep: [facts.gone, { gone: facts.gone }] })),
    { n: 5, deep: [null, {}] },
  );
});

test("expressions compute as their names say", () => {
  const cases: [(facts: Lifted<Facts>) => unknown, boolean][] = [
    [(f) => eq(f.n, 5), true],
    [(f) => eq(f.list, [1, 5]), true],
    [(f) => eq(f.list, [5, 1]), false],
    [(f) => eq(f.gone, undefined), true],
    [(f) => eq(f.none, null), true],
    [(f) => eq(f.gone as never as Lifted<null>, null), true],
    [(f) => gt(f.n, 5), false],
    [(f) => gte(f.n, 5), true],
    [(f) => lt(f.n, 5), false],
    [(f) => lte(f.n, 5), true],
    [(f) => gt(f.s, "a"), true],
    [(f) => lt("a", f.s), true],
    [(f) => oneOf(f.n, [1, 5]), true],
    [(f) => oneOf(f.n, f.list), true],
    [(f) => oneOf(f.s, []), false],
    [(f) => oneOf(f.gone, [undefined as never].slice(1)), false],
    [(f) => present(f.n), true],
    [(f) => present(f.none), false],
    [(f) => present(f.gone), false],
    [(f) => all(f.yes, eq(f.n, 5)), true],
    [(f) => all(f.yes, not(f.yes)), false],
    [() => all(), true],
    [(f) => any(not(f.yes), f.yes), true],
    [() => any(), false],
    [(f) => not(f.yes), false],
  ];
  for (const [write, expected] of cases) assert.equal(compute(write), expected, JSON.stringify(template(write)));
});

test("all and any compute no further than needed", () => {
  assert.equal(
    compute((f) => all(present(f.gone), gte(f.gone as never, 5))),
    false,
  );
  assert.equal(
    compute((f) => any(not(present(f.gone)), gte(f.gone as never, 5))),
    true,
  );
});

test("an expression over the wrong data says which and how to guard it", () => {
  const loose = (facts: Lifted<Facts>) => facts as never as Record<string, Lifted<never>>;
  const cases: [(facts: Lifted<Facts>) => unknown, string][] = [
    [(f) => gte(loose(f)["gone"]!, 5), "`gte` compares two numbers or two strings, but got undefined and 5"],
    [(f) => lt(loose(f)["s"]!, 5), "`lt`"],
    [(f) => all(loose(f)["n"]!), "`all` needs true or false, but got 5"],
    [(f) => any(loose(f)["none"]!), "`any`"],
    [(f) => not(loose(f)["wrong"]!), "`not`"],
    [(f) => oneOf(f.n, loose(f)["s"]!), "`oneOf` needs a list"],
  ];
  for (const [write, part] of cases) refuses(() => compute(write), "EXPRESSION_INVALID", part, "Guard it");
});

test("the label of a value is its text, null for what is not there", () => {
  assert.deepEqual([null, undefined, "hot", 5, true].map(labelOf), ["null", "null", "hot", "5", "true"]);
  refuses(() => labelOf({ tier: "hot" }), "EXPRESSION_INVALID", `{"tier":"hot"}`, "property");
  refuses(() => labelOf([1]), "EXPRESSION_INVALID", "[1]");
});

test("an expression is made only in a flow", () => {
  refuses(() => gte(1, 2), "VALUE_MISUSED", "`gte`", "outside of any");
});
