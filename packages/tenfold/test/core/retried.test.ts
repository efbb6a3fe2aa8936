/** Laws of what is retried, cancelled or decided at a bad moment: nothing hangs, and the journal reads as it was lived. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { openApprovals } from "../../src/core/approvals.ts";
import { answering, drawn, Failure, Life, stepNamed, untyped } from "./life.ts";

const { after, approval, attempt, each, eq, sleep, when } = untyped;
const [s, bad, o, t] = ["s", "bad", "o", "t"].map(stepNamed);
const fail = answering({ s: () => new Failure("no"), bad: () => new Failure("no") });
const outputOf = (life: Life): any => (life.ending?.kind === "finish" ? life.ending.output : undefined);

test("what sleeps in a show that failed is waited for by nobody, and the journal reads as it was lived", () => {
  const life = Life.of(
    drawn(() =>
      approval({
        ask: 1,
        show: (request: any) => [bad(request), after(request, () => sleep("10s")), approval.as("inner")({ ask: 2 })],
      }),
    ),
  );
  life.answerAt("approval[0]/show/bad", fail);
  assert.equal(life.ending?.kind, "fail");
  life.retry();
  const listed = openApprovals(life.state).map(({ node }) => node);
  assert.deepEqual(listed, ["approval", "approval[1]/show/inner"]);
  assert.deepEqual(life.reloaded().asked, life.asked);
});

test("an each inside of an item that failed goes on with the items that were not begun, once it is retried", () => {
  const flow = drawn((input) =>
    each.as("outer")(
      input,
      (item: any) => ({ bad: bad!(item), inner: each.as("inner")(item, (n: any) => s!(n), { concurrency: 1 }) }),
      { onError: "collect", failAbove: 0 },
    ),
  );
  const life = Life.of(flow, [[1, 2]]);
  life.answerAt("outer[0]/bad", fail);
  life.play(answering());
  life.retry();
  life.play(answering());
  assert.deepEqual(outputOf(life), [{ ok: true, value: { bad: [1, 2], inner: [1, 2] } }]);
});

test("an item that failed has what came from outside of it meanwhile, once it is retried", () => {
  const flow = drawn((input) => {
    const outer = o!(1);
    return each.as("e")(input, (item: any) => t!([s!(item), outer]), { onError: "collect", failAbove: 0 });
  });
  const life = Life.of(flow, [7]);
  life.answerAt("e[0]/s", fail);
  life.play(answering());
  life.retry();
  life.play(answering());
  assert.deepEqual(outputOf(life), [{ ok: true, value: [7, 1] }]);
});

test("a run that was cancelled ends as cancelled, whatever is decided meanwhile; retried, it has the decision", () => {
  const life = Life.of(drawn((input) => ({ asked: approval({ ask: 1 }), worked: s!(input) })), 1); // prettier-ignore
  life.cancel();
  life.decide("approval", "approved", "kim");
  life.play(answering());
  assert.equal(life.ending?.kind, "cancel");
  life.retry();
  life.play(answering());
  assert.equal(outputOf(life).asked.outcome, "approved");
});

test("a share of items is not off by a rounding", () => {
  const list = Array.from({ length: 100 }, (_, n) => n);
  for (const percent of [29, 57, 58]) {
    const flow = drawn((input) => each(input, (n: any) => s!(n), { onError: "collect", failAbove: `${percent}%` }));
    const play = (failures: number) => Life.of(flow, list).play(answering({ s: (n) => (n < failures ? new Failure("no") : n) })).ending; // prettier-ignore
    assert.equal(play(percent)?.kind, "finish");
    assert.equal(play(percent + 1)?.kind, "fail");
  }
});

test("whoever is called as a role is, has not that role; a name is short and without control characters", () => {
  const life = Life.of(drawn(() => approval({ ask: 1, by: "role:finance" })));
  life.decide("approval", "approved", "role:finance");
  assert.equal(life.ending, undefined);
  for (const name of ["k\u0000m", "x".repeat(101), ""]) {
    const refused = Life.of(drawn((input) => approval({ ask: 1, by: input })), name).play(answering()); // prettier-ignore
    assert.equal(refused.ending?.kind === "fail" && refused.ending.error.code, "APPROVAL_INVALID");
  }
});

test("an approval that was shown again after its failure waits as long again, and what was decided is kept no longer", () => {
  const life = Life.of(drawn(() => approval({ ask: 1, show: (request: any) => bad!(request), timeout: "1h" })));
  life.answerAt("approval[0]/show/bad", fail);
  life.at += 7_200_000;
  life.retry();
  assert.equal(openApprovals(life.state)[0]!.timesOutAt, life.at + 3_600_000);
  life.decide("approval", "approved", "kim");
  assert.equal(life.state.asked!.requests.size, 0);
});

for (const how of [{ from: "o" }, { newKeys: true }, {}] as const) {
  const said = Object.keys(how)[0] ?? "nothing, once it was cancelled";
  test(`a run of which an attempt is being undone has that undone first, retried with ${said}`, () => {
    const made = untyped.step("made", { run: (n: unknown) => n, undo: () => {} });
    const flow = drawn((input) => {
      const tried = () => attempt(() => bad!(made.as("b")(made.as("a")(1))), () => t!(3)); // prettier-ignore
      return when(eq(o!(input), true), tried);
    });
    const held = Life.of(flow, true);
    const body = "when-o/then/attempt/body/";
    for (const node of ["o", "when-o", `${body}a`, `${body}b`, `${body}bad`, `${body}b`]) held.answerAt(node, fail);
    if (Object.keys(how).length === 0) held.cancel();
    const { compiled, input, entries, at } = held;
    const life = new Life(compiled, input, [...entries, { kind: "retried", at, message: "r1", ...how }]);
    assert.deepEqual(life.asked, [`undo ${body}a 1`]);
    life.play(answering());
    assert.deepEqual(outputOf(life), 3);
    assert.deepEqual(life.reloaded().endings, life.endings);
  });
}
