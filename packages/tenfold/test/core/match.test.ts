/** Laws of match and when: one arm runs, a join waits for it alone, and what cannot be decided fails the node. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { answering, drawn, Life, stepNamed, untyped } from "./life.ts";

const { after, all, any, gte, match, oneOf, present, when } = untyped;
const work = stepNamed("work");
const other = stepNamed("other");
const last = stepNamed("last");

const outputOf = (life: Life): unknown => (life.ending?.kind === "finish" ? life.ending.output : life.ending);
const errorOf = (life: Life): string =>
  life.ending?.kind === "fail" ? `${life.ending.error.code} ${life.ending.error.node}` : `${life.ending?.kind}`;

const tiers = drawn((lead) => {
  const tier = match(lead.tier, {
    hot: () => work(lead.n),
    warm: () => other(work.as("first")(lead.n)),
    otherwise: () => ({ none: last.as("spam")(lead.n) }),
  });
  return last({ tier });
});

for (const [tier, ran] of [
  ["hot", ["match-tier/hot/work", "last"]],
  ["warm", ["match-tier/warm/first", "match-tier/warm/other", "last"]],
  ["spam", ["match-tier/otherwise/spam", "last"]],
  [null, ["match-tier/otherwise/spam", "last"]],
] as const) {
  test(`only the arm of ${tier} runs, and the join waits for it alone`, () => {
    const life = Life.of(tiers, { tier, n: 1 });
    life.play(answering());
    const done = life.entries.flatMap((entry) => (entry.kind === "done" ? [entry.node] : []));
    assert.deepEqual(done, ran);
    assert.deepEqual(outputOf(life), { tier: ran[0].endsWith("spam") ? { none: 1 } : 1 });
  });
}

for (const [value, label] of [
  [true, "true"],
  [3, "3"],
  [undefined, "null"],
] as const) {
  test(`a match on ${String(value)} takes the arm "${label}"`, () => {
    const flow = drawn((input) => match(input.x, { [label]: () => work("yes"), otherwise: () => work.as("no")("no") }));
    assert.equal(outputOf(Life.of(flow, { x: value! }).play(answering())), "yes");
  });
}

test("arms that share a function are one node, done once, whichever of them is taken", () => {
  const flow = drawn((lead) => {
    const shared = () => work(lead.tier);
    return match(lead.tier, { hot: shared, warm: shared, spam: () => other(lead.tier) });
  });
  for (const tier of ["hot", "warm"]) {
    const life = Life.of(flow, { tier }).play(answering());
    assert.equal(outputOf(life), tier);
    assert.equal(life.entries.filter(({ kind }) => kind === "done").length, 1);
  }
});

test("a when without otherwise is undefined where it is false, and the run goes on", () => {
  const flow = drawn((lead) => last({ big: when(gte(lead.n, 5), () => work(lead.n)), n: lead.n }));
  assert.deepEqual(outputOf(Life.of(flow, { n: 7 }).play(answering())), { big: 7, n: 7 });
  assert.deepEqual(outputOf(Life.of(flow, { n: 3 }).play(answering())), { n: 3 });
});

test("a value for which there is no arm fails the match, naming the value and the arms that there are", () => {
  const flow = drawn((lead) => match(lead.tier, { hot: () => work(1), warm: () => other(1) }));
  const life = Life.of(flow, { tier: "cold" }).play(answering());
  assert.equal(errorOf(life), "MATCH_NO_ARM match-tier");
  assert.match(life.ending?.kind === "fail" ? life.ending.error.message : "", /"cold".*hot, warm/);
});

test("null and undefined without their arm are told as what they are, with the arm that takes them", () => {
  const flow = drawn((lead) => match(lead.tier, { hot: () => work(1), warm: () => other(1) }));
  for (const [lead, text] of [
    [{ tier: null }, "null"],
    [{}, "undefined"],
  ] as const) {
    const { ending } = Life.of(flow, lead).play(answering());
    assert.ok(ending?.kind === "fail" && ending.error.code === "MATCH_NO_ARM");
    assert.ok(ending.error.message.includes(`looked at ${text}, for which`), ending.error.message);
    assert.ok(ending.error.message.includes("the arm `null`, which takes null and undefined"), ending.error.message);
  }
});

test("a choice is journaled: it is not made again when the run is loaded, even if the graph's order of arms is another's", () => {
  const life = Life.of(tiers, { tier: "warm", n: 1 });
  life.answerAt("match-tier", answering());
  const arm = life.entries[0]?.kind === "chose" ? life.entries[0].arm : null;
  const taken = new Life(life.compiled, { tier: "hot", n: 1 }, life.entries);
  assert.equal(arm, "warm");
  assert.deepEqual(taken.asked, ["execute match-tier/warm/first 1"]);
});

const expressions: readonly (readonly [string, (lead: any) => unknown, string])[] = [
  ["a comparison of text and number", (lead) => when(gte(lead.name, 5), () => work(1)), "EXPRESSION_INVALID when-name"],
  ["a match on an object", (lead) => match(lead.deep, { a: () => work(1) }), "EXPRESSION_INVALID match-deep"],
  ["a list that is none in oneOf", (lead) => work(oneOf(lead.name, lead.deep)), "EXPRESSION_INVALID work"],
  ["`all` of what is no boolean", (lead) => work({ x: all(lead.name) }), "EXPRESSION_INVALID work"],
  ["the result of an arm", (lead) => when(present(lead.name), () => ({ a: work(1), b: gte(lead.name, 1) })), "EXPRESSION_INVALID when-name"], // prettier-ignore
  ["the output of the run", (lead) => ({ done: work(1), big: gte(lead.name, 1) }), "EXPRESSION_INVALID output"],
];

for (const [what, flow, error] of expressions) {
  test(`${what} that cannot be computed fails the run at its node, and crashes nothing`, () => {
    const life = Life.of(drawn(flow), { name: "Kim", deep: { a: 1 } }).play(answering());
    assert.equal(life.endings.length, 1);
    assert.equal(errorOf(life), error);
  });
}

test("`all` and `any` look no further than needed, so that the first guards the second", () => {
  const flow = drawn((lead) => {
    return [all(present(lead.n), gte(lead.n, 5)), any(gte(lead.m, 1), gte(lead.n, 5))].map((condition, index) =>
      when.as(`w${index}`)(condition, () => work.as(`work-${index}`)(index)),
    );
  });
  assert.deepEqual(outputOf(Life.of(flow, { m: 2 }).play(answering())), [null, 1]);
});

test("a join fires once, when the last of what it waits for is done, whatever came in between", () => {
  const flow = drawn((n) => {
    const parts = ["a", "b", "c"].map((name) => work.as(name)(n));
    return last({ parts, again: parts[0], some: parts[1].x });
  });
  for (const order of [
    ["a", "b", "c"],
    ["c", "a", "b"],
    ["b", "c", "a"],
  ]) {
    // prettier-ignore
    const life = Life.of(flow, 1);
    for (const name of order) {
      assert.ok(!life.asked.includes("execute last 1"));
      life.answerAt(name, answering());
    }
    assert.deepEqual(life.asked, ["execute last 1"]);
  }
});

test("`after` makes a node wait for what it does not use, and for a match's whole arm", () => {
  const flow = drawn((lead) => {
    const decided = match(lead.tier, { hot: () => ({ x: work(1), y: other(2) }), warm: () => work.as("w")(1) });
    return after(decided, () => last(lead.n));
  });
  const life = Life.of(flow, { tier: "hot", n: 1 });
  life.answerAt("match-tier", answering());
  life.answerAt("match-tier/hot/work", answering());
  assert.deepEqual(life.asked, ["execute match-tier/hot/other 1"]);
  life.answerAt("match-tier/hot/other", answering());
  assert.deepEqual(life.asked, ["execute last 1"]);
});

test("a flow that draws nothing is finished when it begins", () => {
  assert.deepEqual(
    Life.of(
      drawn((input) => ({ same: input })),
      5,
    ).ending,
    { kind: "finish", output: { same: 5 } },
  );
});
