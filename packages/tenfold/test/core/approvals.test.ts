/** Laws of approvals: who may decide, how many it takes, what is shown when, and what time does. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { openApprovals } from "../../src/core/approvals.ts";
import { decisionProblem } from "../../src/core/constructs/approval.ts";
import { answering, drawn, Failure, Life, stepNamed, untyped } from "./life.ts";

const { approval, each } = untyped;
const show = stepNamed("show");
const HOUR = 3_600_000;

const outputOf = (life: Life): any => (life.ending?.kind === "finish" ? life.ending.output : undefined);
const shown = (life: Life): number => life.asked.filter((asked) => asked.includes("show/show")).length;
const passes = (life: Life): void => {
  const sleep = life.open.find(({ kind }) => kind === "sleep")!;
  life.answer(sleep, answering());
};
const request = (flow: (input: any) => unknown, input: any = null) => Life.of(drawn(flow), input);

test("one of those who may decides; what others say changes nothing", () => {
  const life = request(() => approval({ ask: "Go?", by: ["kim", "role:boss"] }));
  life.decide("approval", "approved", "eve");
  assert.equal(life.ending, undefined);
  life.decide("nowhere", "approved", "kim");
  life.record({ kind: "decided", at: 2, message: "m", node: "approval", verdict: "approved", by: "max", roles: ["boss"], comment: "fine" }); // prettier-ignore
  const approvals = [{ by: "max", comment: "fine" }];
  assert.deepEqual(outputOf(life), { outcome: "approved", by: "max", comment: "fine", approvals });
});

test("four eyes: so many different people approve, none of them who may not, and one who refuses ends it", () => {
  const flow = (input: any) =>
    approval({ ask: "Pay?", by: { anyOf: ["kim", "lee", "max"], atLeast: 2, not: input.clerk } });
  const life = request(flow, { clerk: "kim" });
  for (const by of ["kim", "lee", "lee"]) life.decide("approval", "approved", by);
  assert.equal(life.ending, undefined);
  assert.deepEqual(openApprovals(life.state)[0]!.request.approvals, [{ by: "lee", comment: null }]);
  const other = life.reloaded();
  life.decide("approval", "approved", "max");
  assert.equal(outputOf(life).outcome, "approved");
  assert.deepEqual(outputOf(life).approvals.map(({ by }: any) => by), ["lee", "max"]); // prettier-ignore
  other.decide("approval", "refused", "lee");
  assert.deepEqual([outputOf(other).outcome, outputOf(other).by], ["refused", "lee"]);
});

test("what is decided twice, or after it was decided, counts once", () => {
  const life = request(() => ({ one: approval.as("one")({ ask: 1 }), two: approval.as("two")({ ask: 2 }) }));
  life.decide("one", "approved", "kim", "m1");
  life.decide("two", "refused", "kim", "m1");
  life.decide("one", "refused", "lee", "m2");
  assert.equal(life.ending, undefined);
  life.decide("two", "approved", "lee", "m3");
  assert.deepEqual([outputOf(life).one.outcome, outputOf(life).two.outcome], ["approved", "approved"]);
});

test("it is shown when it is asked, again after so long, and to those it is escalated to; then its time is over", () => {
  const told: any[] = [];
  const life = request(
    () =>
    approval({ ask: { about: 7 }, by: "kim", show: (asked: any) => show(asked), remind: "1h", escalate: { after: "90m", to: "max" }, timeout: "2h" }), // prettier-ignore
  );
  const from = life.at;
  const answers = answering({ show: (asked) => (told.push(asked), null) });
  const at = () => life.at - from;
  life.answerAt("approval[0]/show/show", answers);
  passes(life);
  assert.ok(at() >= HOUR && at() < HOUR + 10);
  life.answerAt("approval[1]/show/show", answers);
  life.decide("approval", "approved", "max");
  passes(life);
  assert.ok(at() >= 1.5 * HOUR && at() < 1.5 * HOUR + 10);
  assert.deepEqual(life.reloaded().asked, life.asked);
  life.answerAt("approval[2]/show/show", answers);
  assert.deepEqual(told.map(({ reason, to }) => [reason, to]), [["asked", ["kim"]], ["reminded", ["kim"]], ["escalated", ["kim", "max"]]]); // prettier-ignore
  assert.deepEqual([told[0].token, told[0].ask], ["r:approval", { about: 7 }]);
  assert.equal(decisionProblem(openApprovals(life.state)[0]!.request, { by: "max", roles: [], verdict: "approved" }), undefined); // prettier-ignore
  passes(life);
  assert.ok(at() >= 2 * HOUR && at() < 2 * HOUR + 10);
  assert.deepEqual(outputOf(life), { outcome: "timed-out", by: null, comment: null, approvals: [] });
});

test("once it is decided nobody need be shown it: what was under way is abandoned, also by whoever loads it then", () => {
  const life = request(() => approval({ ask: 1, show: (asked: any) => show(asked) }));
  assert.equal(shown(life), 1);
  const later = life.reloaded();
  life.decide("approval", "approved", "kim");
  assert.deepEqual(life.asked, ["abandon approval[0]/show/show"]);
  assert.equal(life.ending, undefined);
  assert.deepEqual(life.reloaded().asked, life.asked);
  life.play(answering());
  assert.equal(outputOf(life).outcome, "approved");
  later.answerAt("approval[0]/show/show", answering());
  later.decide("approval", "approved", "kim");
  assert.equal(outputOf(later).outcome, "approved");
});

test("where it cannot be shown the node fails; retried, it is shown anew, and those who approved have", () => {
  const life = request(() =>
    approval({ ask: 1, by: { anyOf: ["kim", "lee"], atLeast: 2 }, show: (asked: any) => show(asked) }),
  );
  life.decide("approval", "approved", "kim");
  life.answerAt("approval[0]/show/show", answering({ show: () => new Failure("no mail") }));
  assert.equal(life.ending?.kind === "fail" && life.ending.error.message, "no mail");
  life.retry();
  assert.deepEqual(life.asked, ["execute approval[1]/show/show 1", "sleep approval"]);
  life.answerAt("approval[1]/show/show", answering());
  life.decide("approval", "approved", "lee");
  assert.equal(outputOf(life).outcome, "approved");
});

test("an approval that nobody may give fails before anybody is asked, as does one that is given no names", () => {
  const cases: readonly (readonly [any, any, string])[] = [
    [
      (input: any) => approval({ ask: 1, by: { anyOf: input.who, not: "kim" } }),
      { who: ["kim"] },
      "APPROVAL_IMPOSSIBLE",
    ],
    [
      (input: any) => approval({ ask: 1, by: { anyOf: input.who, atLeast: 3 } }),
      { who: ["a", "b"] },
      "APPROVAL_IMPOSSIBLE",
    ],
    [(input: any) => approval({ ask: 1, by: input.who }), { who: 7 }, "APPROVAL_INVALID"],
    [(input: any) => approval({ ask: 1, by: { not: input.who } }), {}, "APPROVAL_INVALID"],
  ];
  for (const [flow, input, code] of cases) {
    const life = request(flow, input).play(answering());
    assert.equal(life.ending?.kind === "fail" && life.ending.error.code, code);
  }
  const role = request((input) => approval({ ask: 1, by: { anyOf: input.who, atLeast: 3 } }), { who: "role:board" });
  assert.deepEqual(role.asked, ["sleep approval"]);
});

test("each item has an approval of its own", () => {
  const life = request((input) => each(input, (item: any) => approval({ ask: item })), ["a", "b"]);
  const nodes = openApprovals(life.state).map(({ node, request }) => [node, request.ask]);
  assert.deepEqual(nodes, [["each-input[0]/approval", "a"], ["each-input[1]/approval", "b"]]); // prettier-ignore
  life.decide("each-input[1]/approval", "refused", "kim");
  life.decide("each-input[0]/approval", "approved", "kim");
  assert.deepEqual(outputOf(life).map(({ outcome }: any) => outcome), ["approved", "refused"]); // prettier-ignore
});

test("a run that is cancelled ends without its approvals, and asks on once it is retried", () => {
  const life = request(() => approval({ ask: 1, show: (asked: any) => show(asked) }));
  life.cancel();
  life.play(answering());
  assert.equal(life.ending?.kind, "cancel");
  life.retry();
  assert.deepEqual(life.asked, ["execute approval[0]/show/show 1", "sleep approval"]);
  life.play({ ...answering(), votesOf: () => [{ by: "kim", verdict: "approved" }] });
  assert.equal(outputOf(life).outcome, "approved");
});

test("whom a run waits for is known without going over its approvals, also of those that were given up, escalated or could not be shown", () => {
  const life = request((input) =>
    each(input, (item: any) => ({ ok: approval({ ask: 1, by: item.by }), work: show.as("work")(item) }), { onError: "collect" }),
    [{ by: "kim" }, { by: ["kim", "role:board"] }, { by: "lee" }],
  ); // prettier-ignore
  const of = () => [...life.state.asked!.deciders].map(([name, count]) => `${name} ${count}`).sort();
  assert.deepEqual(of(), ["kim 2", "lee 1", "role:board 1"]);
  const { changes } = life.state.asked!;
  life.decide("each-input[0]/approval", "approved", "kim");
  assert.deepEqual(of(), ["kim 1", "lee 1", "role:board 1"]);
  assert.equal(life.state.asked!.changes, changes, "it waits for the same people");
  life.answerAt("each-input[2]/work", { ...answering(), stepOf: () => ({ error: "no", retryAt: null }) });
  assert.deepEqual(of(), ["kim 1", "role:board 1"]);
  assert.notEqual(life.state.asked!.changes, changes);
});
