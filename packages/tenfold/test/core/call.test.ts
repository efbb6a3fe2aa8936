/** Laws of calls in core: a child is asked for until it is there, answers once, is let go with what needs it, and retried. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { isOutdated, parentsOf } from "../../src/core/constructs/call.ts";
import { answering, drawn, Life, stepNamed, untyped } from "./life.ts";

const { approval, attempt, call, each } = untyped;
const work = stepNamed("work");
const answers = answering();

const called = (life: Life, node: string, times = 1): void =>
  life.record({ kind: "called", node, at: ++life.at, attempt: times, child: `child of ${node}` });

test("a child is asked for until it is there; loaded then, the run asks for nothing but waits", () => {
  const life = Life.of(drawn((n) => call("other", n)));
  assert.deepEqual(life.asked, ["call call-other 1"]);
  assert.deepEqual(life.reloaded().asked, ["call call-other 1"]);
  called(life, "call-other");
  assert.deepEqual(life.asked, ["sleep call-other"]);
  assert.deepEqual(life.reloaded().asked, ["sleep call-other"]);
  life.returns("call-other", 1, { output: 5 });
  assert.deepEqual(life.ending, { kind: "finish", output: 5 });
});

test("its end is taken in once, and before it is known to be there too", () => {
  const life = Life.of(drawn((n) => work(call("other", n))));
  life.returns("call-other", 1, { output: 5 }, "m");
  life.returns("call-other", 1, { error: "late" }, "m");
  life.returns("call-other", 1, { error: "other" }, "n");
  called(life, "call-other");
  assert.deepEqual(life.asked, ["execute work 1"]);
  life.play(answers);
  assert.deepEqual(life.ending, { kind: "finish", output: 5 });
});

test("a child that failed fails its call, with its id and why; retried, the call has the same child go on", () => {
  const life = Life.of(drawn((n) => call("other", n)));
  called(life, "call-other");
  life.returns("call-other", 1, { error: "no money" });
  assert.ok(life.ending?.kind === "fail");
  assert.equal(life.ending.error.code, "CHILD_FAILED");
  assert.match(life.ending.error.message, /child of call-other, failed at inside: no money/);
  life.retry();
  assert.deepEqual(life.asked, ["call call-other 2"]);
  assert.deepEqual(life.reloaded().asked, ["call call-other 2"]);
  life.returns("call-other", 1, { output: "of the attempt before" });
  assert.deepEqual(life.asked, ["call call-other 2"]);
  life.returns("call-other", 2, { output: 7 });
  assert.deepEqual(life.ending, { kind: "finish", output: 7 });
});

test("a run that is cancelled or fails lets its open children go, and asks for them again when it is retried", () => {
  for (const end of ["cancel", "fail"] as const) {
    const life = Life.of(drawn((n) => ({ a: call.as("a")("other", n), b: call.as("b")("other", n), c: work(n) })));
    called(life, "a");
    if (end === "cancel") life.cancel();
    else life.answerAt("work", { ...answers, stepOf: () => ({ error: "broken" }) });
    if (end === "cancel") life.play(answers);
    assert.equal(life.ending?.kind, end);
    assert.deepEqual(life.disowned, ["a 1", "b 1"]);
    assert.deepEqual(life.reloaded().disowned, ["a 1", "b 1"], "it may not have been written");
    life.retry();
    assert.deepEqual(life.asked, ["call a 2", "call b 2", `execute work ${end === "fail" ? 2 : 1}`]);
    assert.deepEqual(life.reloaded().asked, life.asked);
  }
});

test("children of an item that is collected, or of a body that was caught, are let go", () => {
  const life = Life.of(
    drawn((list) => ({
      items: each(list, (item: unknown) => ({ child: call("other", item), work: work(item) }), { onError: "collect" }),
      caught: attempt(
        () => ({ child: call.as("tried")("other", 1), work: work.as("w")(1) }),
        () => work.as("handler")(1),
      ),
    })),
    [1],
  );
  const fails = { ...answers, stepOf: () => ({ error: "broken" }) };
  life.answerAt("each-input[0]/work", fails);
  life.answerAt("attempt/body/w", fails);
  assert.deepEqual(life.disowned, ["each-input[0]/call-other 1", "attempt/body/tried 1"]);
  life.play(answers);
  assert.equal(life.ending?.kind, "finish");
});

test("the child of a show that failed is let go, while the approval is still asked of people or with its run", () => {
  const life = Life.of(
    drawn(() => approval({ ask: 1, show: (asked: unknown) => ({ child: call("other", 1), sent: work(asked) }) })),
  );
  life.answerAt("approval[0]/show/work", { ...answers, stepOf: () => ({ error: "no mail" }) });
  assert.equal(life.ending?.kind, "fail");
  assert.deepEqual(life.disowned, ["approval[0]/show/call-other 1"]);
});

const by = (times: number) => ({ parent: "p", node: "x", attempt: times });
const attach = (life: Life, times: number): void =>
  life.record({
    kind: "attached",
    at: ++life.at,
    message: `a${times}`,
    parent: "p",
    of: "x",
    attempt: times,
    depth: 1,
  });

test("a child that is attached for the second time goes on, and is attached once however often it is told", () => {
  const life = Life.of(drawn((n) => work(n)));
  attach(life, 1);
  life.answerAt("work", { ...answers, stepOf: () => ({ error: "broken" }) });
  assert.equal(life.ending?.kind, "fail");
  attach(life, 2);
  attach(life, 2);
  assert.deepEqual(life.asked, ["execute work 2"]);
  assert.deepEqual([...life.state.calledBy!.values()], [{ ...by(2), isOver: false, hasLeft: false }]);
});

test("a cancel in a parent's name is noted with its attempt, so that what is older than the parent's last word is known", () => {
  const life = Life.of(drawn((n) => work(n)));
  attach(life, 1);
  life.record({ kind: "cancelled", at: ++life.at, message: "c", reason: "not needed", by: by(1) });
  life.play(answers);
  assert.equal(life.ending?.kind, "cancel");
  assert.ok(isOutdated(life.state, by(1)), "its attempt is over");
  assert.deepEqual(parentsOf(life.state), [], "nobody is to be told");
  life.endings = [];
  attach(life, 2);
  assert.deepEqual(life.asked, ["execute work 1"]);
  assert.ok(isOutdated(life.state, by(1)), "a cancel that comes after the retry that it was sent before");
  assert.ok(!isOutdated(life.state, by(2)));
  assert.deepEqual(parentsOf(life.state), [{ ...by(2), isOver: false, hasLeft: false }]);
});

test("a run that was cancelled lets each of its children go once, however many of them end before its own end is written", () => {
  for (const end of ["cancel", "fail"] as const) {
    const life = Life.of(
      drawn((list) => each(list, (item: unknown) => call("other", item))),
      [...Array(500).keys()],
    );
    if (end === "cancel") life.cancel();
    else life.returns("each-input[0]/call-other", 1, { error: "broken" });
    for (let item = 1; item < 500; item++) life.returns(`each-input[${item}]/call-other`, 1, { output: item });
    assert.equal(life.ending?.kind, end);
    assert.equal(life.disowned.length, end === "cancel" ? 500 : 499);
    assert.equal(new Set(life.disowned).size, life.disowned.length);
    life.retry();
    assert.equal(life.asked.filter((asked) => asked.endsWith(" 2")).length, 500);
  }
});
