/** Laws of JSON values: what is refused and where, one text for equal values, copies that share nothing. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { canonicalJson, copyJson, jsonEqual, jsonProblem, pathText, type Json } from "../../src/value/json.ts";

class Money {
  readonly cents = 5;
}

function nested(depth: number): unknown {
  let value: unknown = 1;
  for (let level = 0; level < depth; level++) value = level % 2 === 0 ? [value] : { in: value };
  return value;
}

const circle: { self?: unknown } = {};
circle.self = { back: circle };

const REFUSED: readonly (readonly [string, unknown, string, RegExp])[] = [
  ["a Date", { orders: [{ at: new Date(0) }] }, "orders[0].at", /a Date is not JSON/],
  ["a Map", { known: new Map() }, "known", /a Map is not JSON/],
  ["an object of a class", [new Money()], "[0]", /a Money is not JSON/],
  ["NaN", { points: NaN }, "points", /NaN is not a JSON number/],
  ["Infinity", [1, -Infinity], "[1]", /-Infinity is not a JSON number/],
  ["a bigint", { n: 1n }, "n", /a bigint is not JSON/],
  ["a function", { run: () => 1 }, "run", /a function is not JSON/],
  ["a symbol", Symbol("x"), "", /a symbol is not JSON/],
  ["undefined at the top", undefined, "", /undefined is not JSON/],
  ["undefined in a list", [undefined], "[0]", /undefined is not JSON/],
  ["a hole in a list", [1, , 3], "[1]", /undefined is not JSON/], // oxlint-disable-line no-sparse-arrays
  ["a key that is no name", { "e mail": { "0": undefined, at: NaN } }, '["e mail"].at', /NaN/],
];

for (const [what, value, path, reason] of REFUSED) {
  test(`jsonProblem names where ${what} stands, and why it is refused`, () => {
    const problem = jsonProblem(value);
    assert.ok(problem !== undefined, "nothing was refused");
    assert.match(problem.reason, reason);
    assert.equal(pathText(problem.path), path);
  });
}

test("what contains itself, or is nested too deep to be walked, is refused with where that begins", () => {
  const itself = jsonProblem({ lead: circle });
  assert.match(itself?.reason ?? "", /contains itself/);
  assert.match(pathText(itself!.path), /^lead\.self\.back/);
  assert.match(jsonProblem(nested(100_000))?.reason ?? "", /deep/);
});

test("every JSON value is accepted, also where an object stands in two places, and an undefined property is absent", () => {
  const shared = { n: 1 };
  assert.equal(jsonProblem({ a: shared, b: [shared, shared], gone: undefined }), undefined);
  assert.equal(jsonProblem(Object.assign(Object.create(null) as object, { n: 1 })), undefined);
  assert.equal(jsonProblem(nested(200)), undefined);
  fc.assert(fc.property(fc.jsonValue(), (value) => jsonProblem(value) === undefined));
});

test("canonicalJson is one text for equal values, whatever the order of their keys, and is their JSON", () => {
  assert.equal(canonicalJson({ b: 1, a: { d: null, c: [1, "x"] } }), '{"a":{"c":[1,"x"],"d":null},"b":1}');
  assert.equal(canonicalJson({ a: undefined, b: 2 }), '{"b":2}');
  const shuffled = (value: Json): Json => {
    if (Array.isArray(value)) return (value as readonly Json[]).map(shuffled);
    if (value === null || typeof value !== "object") return value;
    const entries = Object.entries(value as Record<string, Json>).toReversed();
    return Object.fromEntries(entries.map(([key, item]) => [key, shuffled(item)]));
  };
  fc.assert(
    fc.property(fc.jsonValue(), (given) => {
      const value = given as Json;
      assert.equal(canonicalJson(shuffled(value)), canonicalJson(value));
      assert.deepEqual(JSON.parse(canonicalJson(value)), JSON.parse(JSON.stringify(value)));
    }),
  );
});

test("jsonEqual is equality of the JSON text", () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.jsonValue(), (a, b) => {
      assert.equal(jsonEqual(a as Json, b as Json), canonicalJson(a as Json) === canonicalJson(b as Json));
      assert.ok(jsonEqual(a as Json, JSON.parse(JSON.stringify(a)) as Json));
    }),
  );
  assert.ok(jsonEqual({ a: undefined }, {}));
  assert.ok(!jsonEqual([], {}));
  assert.ok(!jsonEqual(null, 0));
});

function objectsIn(value: unknown, found: Set<object> = new Set()): Set<object> {
  if (typeof value === "object" && value !== null) {
    found.add(value);
    for (const item of Object.values(value)) objectsIn(item, found);
  }
  return found;
}

test("copyJson is equal and shares nothing", () => {
  fc.assert(
    fc.property(fc.jsonValue(), (given) => {
      const value = given as Json;
      const copy = copyJson(value);
      assert.equal(JSON.stringify(copy), JSON.stringify(value));
      const own = objectsIn(value);
      for (const inside of objectsIn(copy)) assert.ok(!own.has(inside), "an object is shared");
    }),
  );
  assert.deepEqual(copyJson({ a: undefined, b: [null] }), { b: [null] });
  assert.equal(copyJson(undefined), undefined);
});

test("copyJson keeps a key that is called __proto__ as data", () => {
  const value = JSON.parse('{"__proto__":{"admin":true},"n":1}') as Json;
  const copy = copyJson(value) as { admin?: boolean };
  assert.equal(JSON.stringify(copy), '{"__proto__":{"admin":true},"n":1}');
  assert.equal(copy.admin, undefined);
});

test("pathText writes names with dots, indexes and other keys in brackets", () => {
  assert.equal(pathText(["lead", "orders", 2, "e-mail", "x"]), 'lead.orders[2]["e-mail"].x');
  assert.equal(pathText([]), "");
  assert.equal(pathText([0]), "[0]");
});
