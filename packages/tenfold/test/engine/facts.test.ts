/** Laws of a run's facts in memory: they are made anew when whom the run waits for has changed, and only then. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Entry } from "../../src/core/entry.ts";
import { reduce, replay } from "../../src/core/reduce.ts";
import { factsLoaded, UNSURE_FACT } from "../../src/engine/facts.ts";
import { drawn, Life, stepNamed, untyped } from "../core/life.ts";

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

test("a run that goes on with another graph is found by what may have happened in it since", () => {
  const [one, two] = [stepNamed("one"), stepNamed("two")];
  const { compiled } = Life.of(drawn((n) => ({ one: one(n), two: two(n) })));
  const error = { code: "X", message: "x", node: "", attempt: 1 };
  const doubt = (node: string): Entry[] => [
    { kind: "begun", node, at: 1, attempt: 1 },
    { kind: "unsure", node, at: 2, attempt: 1, error },
  ];
  const said = { attempt: 1, happened: true, output: 1, by: "kim", comment: null } as const;
  const begun = { run: "r", input: null, startedAt: 0 };
  const facts = factsLoaded(replay(compiled, begun, doubt("one")));
  assert.deepEqual([...facts.names], [UNSURE_FACT]);
  const moved = replay(compiled, begun, [
    ...doubt("one"),
    { kind: "resolved", node: "one", at: 3, message: "m", ...said },
  ]);
  facts.standIn(moved);
  for (const entry of doubt("two")) reduce(moved, entry, []);
  assert.deepEqual([...facts.names], [UNSURE_FACT]);
});
