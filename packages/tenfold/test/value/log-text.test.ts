/** What is logged is written, whatever it is. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { factText, logText } from "../../src/value/log-text.ts";

test("JSON is written as JSON", () => {
  const json = fc.json({ maxDepth: 4 }).map((text) => JSON.parse(text) as unknown);
  fc.assert(fc.property(json, (value) => assert.equal(logText(value), JSON.stringify(value))));
});

test("errors are their messages, what is in itself and what JSON has not is told, and nothing throws", () => {
  const round: Record<string, unknown> = { error: new Error("boom") };
  round["self"] = round;
  const shared = { n: 1 };
  const facts = { round, big: 10n, twice: [shared, shared], gone: undefined };
  assert.equal(logText(facts), `{"round":{"error":"boom","self":"[circular]"},"big":"10","twice":[{"n":1},{"n":1}]}`);
  const unwilling = {
    get field() {
      throw new Error("not now");
    },
  };
  assert.equal(logText({ unwilling }), `"[not written: not now]"`);
  assert.equal(logText(undefined), "undefined");
  assert.deepEqual([factText("a b"), factText(new Error("c")), factText({ n: 1n })], ["a b", "c", `{"n":"1"}`]);
});
