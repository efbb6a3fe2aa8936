/** Laws of what messages say of a value, and of promises that come where none belongs. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { describe, withArticle } from "../../src/value/describe.ts";
import { disownPromise } from "../../src/value/disown-promise.ts";

class Order {
  readonly total = 5;
}

const NAMED: readonly (readonly [unknown, string])[] = [
  [undefined, "undefined"],
  [null, "null"],
  [true, "true"],
  [7, "7"],
  [NaN, "NaN"],
  [7n, "7"],
  [Symbol("x"), "Symbol(x)"],
  ["hot", '"hot"'],
  ['"', '"\\""'],
  [() => {}, "a function"],
  [[1], "a list"],
  [{ a: 1 }, "an object"],
  [Object.create(null), "an object"],
  [Object.create({}), "an object"],
  [new Date(0), "a Date"],
  [new Order(), "an Order"],
  [
    new (class {
      readonly total = 5;
    })(),
    "an object",
  ],
  [Promise.resolve(), "a Promise"],
];

for (const [value, text] of NAMED) {
  test(`a message names ${text} so`, () => {
    assert.equal(describe(value), text);
  });
}

test("a long text is cut", () => {
  assert.equal(describe("x".repeat(60)).length, 62);
  assert.equal(describe("x".repeat(5000)), `"${"x".repeat(59)}…"`);
});

test("a noun has the article that it is spoken with", () => {
  assert.deepEqual(["object", "Error", "list", "Date"].map(withArticle), ["an object", "an Error", "a list", "a Date"]);
});

test("a promise is disowned, so that its rejection ends no program; data with a `then` of its own is none", async () => {
  assert.ok(disownPromise(Promise.reject(new Error("nobody waits for it"))));
  assert.ok(disownPromise(new (class { then() {} })())); // prettier-ignore
  for (const none of [{ then: () => {} }, { then: 1 }, null, undefined, "then", () => {}])
    assert.ok(!disownPromise(none));
  // A rejection that nobody handles is told before this is over, and fails the test.
  await new Promise((resolve) => setImmediate(resolve));
});
