/** Laws of a run's facts in memory: they are made anew when whom the run waits for has changed, and only then. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { factsLoaded } from "../../src/engine/facts.ts";
import { drawn, Life, untyped } from "../core/life.ts";

const { approval, each } = untyped;

test("as long as a run waits for the same people its facts are the same set, and nothing is to be written", () => {
  const flow = drawn((input) => each(input, (name: unknown) => approval({ ask: "really?", by: name })));
  const life = Life.of(flow, ["kim", "kim", "lee"]);
  const facts = factsLoaded(life.state);
  const { names } = facts;
  assert.deepEqual([...names].sort(), ["tenfold.approval", "tenfold.approval.by.kim", "tenfold.approval.by.lee"]);
  life.decide("each-input[0]/approval", "approved", "kim");
  assert.equal(facts.names, names);
  life.decide("each-input[2]/approval", "approved", "lee");
  assert.notEqual(facts.names, names);
  facts.mayBeGone();
  facts.written(names);
  assert.deepEqual(facts.changesTo(facts.names), [{ name: "tenfold.approval.by.lee", value: null }]);
  facts.written(facts.names);
  assert.equal(facts.changesTo(facts.names), undefined);
});
