/** Laws of `attempt` and `repeat`, and of an `each` that some failures do not fail. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { answering, drawn, Failure, Life, stepNamed, untyped } from "./life.ts";

const { after, attempt, each, eq, gte, match, repeat, sleep } = untyped;
const work = stepNamed("work");
const rescue = stepNamed("rescue");

const outputOf = (life: Life): any => (life.ending?.kind === "finish" ? life.ending.output : undefined);
const errorOf = (life: Life): any => (life.ending?.kind === "fail" ? life.ending.error : undefined);
const failing = (...steps: string[]) => answering(Object.fromEntries(steps.map((name) => [name, (_: any, path: string) => new Failure(`${path} fails`)]))); // prettier-ignore

test("an attempt's output is its body's; its handler is not drawn on", () => {
  const life = Life.of(drawn((input) => attempt(() => work(input), () => rescue(input))), 5).play(answering()); // prettier-ignore
  assert.equal(outputOf(life), 5);
  assert.equal(life.entries.length, 1);
});

test("a failure in the body is caught once all of it has come to rest, and the handler is given it", () => {
  const flow = drawn((input) =>
    attempt(
      () => ({ one: work(input), two: work.as("slow")(input), slept: sleep("1h"), later: after(sleep.as("nap")("2h"), () => work.as("later")(input)) }), // prettier-ignore
      (error: any) => rescue(error),
    ),
  );
  const life = Life.of(flow, 5);
  life.answerAt("attempt/body/work", failing("work"));
  assert.ok(!life.asked.some((asked) => asked.includes("rescue")));
  assert.deepEqual(life.reloaded().asked, life.asked);
  life.answerAt("attempt/body/slow", answering());
  assert.deepEqual(life.asked, ["execute attempt/catch/rescue 1"]);
  life.play(answering());
  assert.deepEqual(outputOf(life), {
    code: "STEP_FAILED",
    message: "attempt/body/work fails",
    node: "attempt/body/work",
  });
});

test("what fails in the handler fails the run, or the attempt around it", () => {
  const inner = (input: any) => attempt.as("inner")(() => work(input), () => rescue(input)); // prettier-ignore
  const life = Life.of(drawn(inner), 1).play(failing("work", "rescue"));
  assert.equal(errorOf(life).node, "inner/catch/rescue");
  const outer = drawn((input) => attempt(() => inner(input), (error: any) => error.node)); // prettier-ignore
  assert.equal(outputOf(Life.of(outer, 1).play(failing("work", "rescue"))), "attempt/body/inner/catch/rescue");
});

test("an attempt in each item catches for that item", () => {
  const flow = drawn((input) => each(input, (item: any) => attempt(() => work(item), (error: any) => error.code))); // prettier-ignore
  const life = Life.of(flow, [1, 2, 3]);
  life.play(answering({ work: (n) => (n === 2 ? new Failure("two") : n) }));
  assert.deepEqual(outputOf(life), [1, "STEP_FAILED", 3]);
});

test("what a match without an arm, or an each without a list, does wrong is caught too", () => {
  const noArm = drawn((input) => attempt(() => match(input.tag, { a: () => work(1) }), (error: any) => error.code)); // prettier-ignore
  assert.equal(outputOf(Life.of(noArm, { tag: "b" }).play(answering())), "MATCH_NO_ARM");
  const noList = drawn((input) => attempt(() => each(input.list, (item: any) => work(item)), (error: any) => error.code)); // prettier-ignore
  assert.equal(outputOf(Life.of(noList, { list: 7 }).play(answering())), "EACH_INVALID");
});

test("a run that fails elsewhere while a body fails goes on with the handler once it is retried", () => {
  const flow = drawn((input) => ({
    caught: attempt(
      () => work(input),
      () => rescue(input),
    ),
    other: work.as("other")(input),
  }));
  const life = Life.of(flow, 1);
  life.answerAt("other", failing("work"));
  life.answerAt("attempt/body/work", failing("work"));
  assert.equal(errorOf(life).node, "other");
  life.retry();
  assert.deepEqual(life.asked, ["execute attempt/catch/rescue 1", "execute other 2"]);
  assert.deepEqual(outputOf(life.play(answering())), { caught: 1, other: 1 });
});

const growing = { work: (n: number) => n + 1 };

test("a repeat gives each round what the one before answered, until its condition holds", () => {
  const flow = drawn((input) =>
    repeat(input, (n: any) => ({ n: work(n.n) }), { until: (n: any) => gte(n.n, 3), max: 9 }),
  );
  const life = Life.of(flow, { n: 0 });
  life.play(answering(growing));
  assert.deepEqual(outputOf(life), { n: 3 });
  assert.deepEqual(life.entries.map((entry) => "node" in entry && entry.node), ["repeat[0]/work", "repeat[1]/work", "repeat[2]/work"]); // prettier-ignore
});

test("after its most rounds it fails, or goes on with the last state; retried, it has as many again", () => {
  const flow = (onMax: string) =>
    drawn((input) => repeat(input, (n: any) => work(n), { until: (n: any) => eq(n, 7), max: 4, onMax }));
  assert.equal(outputOf(Life.of(flow("last"), 0).play(answering(growing))), 4);
  const life = Life.of(flow("fail"), 0).play(answering(growing));
  assert.equal(errorOf(life).code, "REPEAT_EXHAUSTED");
  life.retry();
  assert.deepEqual(life.asked, ["execute repeat[4]/work 1"]);
  assert.deepEqual(life.reloaded().asked, life.asked);
  assert.equal(outputOf(life.play(answering(growing))), 7);
});

test("a round waits for nodes outside of the loop that it uses, and its condition too", () => {
  const flow = drawn((input) => {
    const limit = work.as("limit")(input);
    return repeat(0, (n: any) => work(n), { until: (n: any) => gte(n, limit), max: 5 });
  });
  const life = Life.of(flow, 2);
  life.answerAt("repeat[0]/work", answering(growing));
  assert.deepEqual(life.asked, ["execute limit 1"]);
  life.answerAt("limit", answering());
  assert.equal(outputOf(life.play(answering(growing))), 2);
});

test("a hundred thousand rounds that are over at once exhaust no stack, and a condition that is none fails", () => {
  const flow = drawn((input) => repeat(input, (state: any) => ({ n: state.n, tag: state.tag }), { until: (state: any) => eq(state.tag, "x"), max: 100_000, onMax: "last" })); // prettier-ignore
  assert.deepEqual(outputOf(Life.of(flow, { n: 1, tag: "a" })), { n: 1, tag: "a" });
  const none = drawn((input) => repeat(input, (state: any) => state, { until: (state: any) => state.flag, max: 3 }));
  assert.match(errorOf(Life.of(none, { flag: 1 }))?.message, /neither true nor false/);
});

test("a failure in a round fails the run, and retried the loop goes on from there", () => {
  const flow = drawn((input) => repeat(input, (n: any) => work(n), { until: (n: any) => gte(n, 3), max: 9 }));
  const life = Life.of(flow, 0);
  life.play(
    answering({ work: (n, _path, attemptNumber) => (n === 2 && attemptNumber === 1 ? new Failure("two") : n + 1) }),
  );
  assert.equal(errorOf(life).node, "repeat[2]/work");
  life.retry();
  assert.deepEqual(life.asked, ["execute repeat[2]/work 2"]);
  assert.equal(outputOf(life.play(answering(growing))), 3);
});

test("an each collects failures up to its threshold, and fails above; retried, the items that failed are tried again", () => {
  for (const [failAbove, failures, isOver] of [
    [1, 2, true],
    [2, 2, false],
    ["50%", 2, false],
    ["49%", 2, true],
    [0, 1, true],
  ] as const) {
    // prettier-ignore
    const flow = drawn((input) => each(input, (n: any) => work(n), { onError: "collect", failAbove }));
    const life = Life.of(flow, [0, 1, 2, 3]);
    life.play(answering({ work: (n) => (n < failures ? new Failure("no") : n) }));
    assert.equal(errorOf(life)?.code, isOver ? "EACH_FAILED" : undefined, `${failAbove}`);
    if (!isOver) continue;
    life.retry();
    const asked = [...Array(failures).keys()].map((n) => `execute each-input[${n}]/work 2`);
    assert.deepEqual(life.asked, asked);
    assert.deepEqual(life.reloaded().asked, asked);
    life.play(answering());
    assert.deepEqual(outputOf(life), [0, 1, 2, 3].map((value) => ({ ok: true, value }))); // prettier-ignore
  }
});
