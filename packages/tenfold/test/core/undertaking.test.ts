/** Laws of steps that are called at most once: what may have happened is asked, and never made again by itself. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { openDoubts } from "../../src/core/constructs/undertaking.ts";
import { waitsOf, waitText } from "../../src/core/why.ts";
import { answering, drawn, Life, NOW, stepNamed, untyped, type Answers } from "./life.ts";

const { each } = untyped;
const charge = stepNamed("charge");
const ship = stepNamed("ship");

const isCharge = (path: string): boolean => path.endsWith("charge");
/** The first attempt's worker dies, as far as it can: `life` asks whether it happened. */
const once: Answers = { ...answering(), isOnce: isCharge };
const order = () => drawn((input) => ship(charge(input)));
const outputOf = (life: Life): unknown => (life.ending?.kind === "finish" ? life.ending.output : undefined);

function begun(write = order()): Life {
  const life = Life.of(write, "A-1");
  life.answerAt("charge", once);
  return life;
}

test("it is begun before it is performed; whoever loads it then asks, and calls nothing", () => {
  const life = begun();
  assert.deepEqual(life.entries.map(({ kind }) => kind), ["begun"]); // prettier-ignore
  assert.equal(life.open[0]!.kind, "perform");
  const loaded = life.reloaded();
  assert.deepEqual(loaded.open.map(({ kind }) => kind), ["doubt"]); // prettier-ignore
  loaded.answerAt("charge", once);
  assert.deepEqual(loaded.asked, ["sleep charge"]);
  assert.deepEqual(openDoubts(loaded.state).map(({ node, attempt }) => [node, attempt]), [["charge", 1]]); // prettier-ignore
  assert.deepEqual(loaded.reloaded().asked, ["sleep charge"]);
  const [wait] = waitsOf(loaded.state);
  assert.match(
    `${wait!.node} ${waitText(wait!, NOW + 60_000)}`,
    /^charge may have happened .* ago, and waits for somebody/,
  );
});

test("if it has happened the node is done, with the output that is said; if not it is called again", () => {
  const life = begun().reloaded();
  life.answerAt("charge", once);
  const other = life.reloaded();
  life.resolve("charge", 1, true, "ch_1");
  life.answerAt("ship", once);
  assert.equal(outputOf(life), "ch_1");
  other.resolve("charge", 1, false);
  assert.deepEqual(other.asked, ["execute charge 2"]);
  assert.deepEqual(other.reloaded().asked, ["execute charge 2"]);
  other.answerAt("charge", once);
  assert.deepEqual(other.asked, ["doubt charge 2"]);
  assert.deepEqual(openDoubts(other.state), []);
});

test("what is said twice, of another attempt, of another node, or after it was said counts for nothing", () => {
  const life = begun().reloaded();
  life.answerAt("charge", once);
  life.resolve("charge", 2, true, "wrong");
  life.resolve("ship", 1, true, "wrong");
  life.resolve("nowhere", 1, true, "wrong");
  assert.deepEqual(life.asked, ["sleep charge"]);
  life.resolve("charge", 1, false, undefined, "m1");
  life.resolve("charge", 1, true, "wrong", "m2");
  assert.deepEqual(life.asked, ["execute charge 2"]);
});

test("what fails before it is begun, or says that it has not happened, is an attempt like any other", () => {
  const life = begun();
  const error = { code: "STEP_FAILED", message: "no", node: "charge", attempt: 1 };
  life.open = [];
  life.record({ kind: "failed", node: "charge", at: ++life.at, attempt: 1, error, retryAt: NOW + 1000, tookMs: 1 });
  assert.deepEqual(life.asked, ["execute charge 2"]);
  assert.deepEqual(life.reloaded().asked, ["execute charge 2"]);
});

test("a run that was cancelled while it was performed asks when it goes on", () => {
  const life = begun();
  life.cancel();
  life.answerAt("charge", once);
  assert.equal(life.ending?.kind, "cancel");
  life.retry();
  assert.deepEqual(life.asked, ["doubt charge 1"]);
  life.answerAt("charge", once);
  assert.deepEqual(life.asked, ["sleep charge"]);
  const later = life.reloaded();
  later.cancel("c2");
  assert.equal(later.ending?.kind, "cancel");
  assert.deepEqual(later.reloaded().ending?.kind, "cancel");
  later.retry("r2");
  assert.deepEqual(later.asked, ["sleep charge"]);
});

test("a run does not wait for the answer to fail, and asks again when it goes on", () => {
  const life = Life.of(drawn((input) => [charge(input), ship(input)]), 1); // prettier-ignore
  life.answerAt("charge", once);
  const loaded = life.reloaded();
  loaded.answerAt("charge", once);
  const failing: Answers = { stepOf: () => ({ error: "broken" }), deriveOf: () => null };
  loaded.answerAt("ship", failing);
  assert.equal(loaded.ending?.kind, "fail");
  loaded.retry();
  assert.deepEqual(loaded.asked, ["execute ship 2", "sleep charge"]);
  loaded.resolve("charge", 1, true, "ch_1");
  loaded.answerAt("ship", once);
  assert.deepEqual(outputOf(loaded), ["ch_1", 1]);
});

test("an item that is collected as failed forgets what it asked, and asks when it is retried", () => {
  const flow = drawn((orders) => each(orders, (one: any) => [charge(one), ship(one)]));
  const life = Life.of(flow, [1]);
  life.answerAt("each-input[0]/charge", once);
  const loaded = life.reloaded();
  loaded.answerAt("each-input[0]/charge", once);
  const failing: Answers = { stepOf: () => ({ error: "broken" }), deriveOf: () => null };
  loaded.answerAt("each-input[0]/ship", failing);
  assert.equal(loaded.ending?.kind, "fail");
  loaded.retry();
  assert.deepEqual(loaded.asked.map((asked) => asked.split(" ")[0]).toSorted(), ["execute", "sleep"]);
  assert.deepEqual(loaded.reloaded().asked, loaded.asked);
});

test("what may have happened is undone when its run fails, and begins anew under another key; without an undo it is asked", () => {
  const failing: Answers = { stepOf: () => ({ error: "broken" }), deriveOf: () => null };
  const taken = untyped.step("charge", { run: (given: unknown) => given, undo: () => {} });
  for (const [step, isUndone] of [
    [taken, true],
    [charge, false],
  ] as const) {
    const life = Life.of(drawn((input) => [step(input), ship(input)]), 1); // prettier-ignore
    life.answerAt("charge", once);
    const loaded = life.reloaded();
    loaded.answerAt("charge", once);
    loaded.answerAt("ship", failing);
    assert.deepEqual(loaded.asked, isUndone ? ["undo charge 1"] : []);
    assert.deepEqual(openDoubts(loaded.state).length, isUndone ? 0 : 1);
    if (isUndone) loaded.answerAt("charge", once);
    assert.equal(loaded.ending?.kind, "fail");
    loaded.retry();
    assert.deepEqual(
      loaded.asked,
      isUndone ? ["execute charge 1", "execute ship 2"] : ["execute ship 2", "sleep charge"],
    );
    assert.deepEqual(loaded.reloaded().asked, loaded.asked);
  }
});

test("an attempt that says that nothing has happened leaves nothing to undo", () => {
  const taken = untyped.step("charge", { run: (given: unknown) => given, undo: () => {} });
  const life = Life.of(drawn((input) => taken(input)), 1); // prettier-ignore
  life.answerAt("charge", once);
  const error = { code: "STEP_FAILED", message: "no", node: "charge", attempt: 1 };
  life.open = [];
  life.record({ kind: "failed", node: "charge", at: ++life.at, attempt: 1, error, retryAt: null, tookMs: 1 });
  assert.equal(life.ending?.kind, "fail");
  assert.deepEqual(life.asked, []);
});
