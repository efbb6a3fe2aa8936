/** Laws of `waitsOf`: every open node is told of, once, with what it waits for and until when. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { compileGraph } from "../../src/core/compile.ts";
import { waitsOf, waitText } from "../../src/core/why.ts";
import { seededRandom } from "../../src/value/random.ts";
import { answering, drawn, Failure, Life, NOW, stepNamed, untyped, type Answers } from "./life.ts";
import { wildWorkflow } from "./wild-workflow.ts";

const { approval, each, sleep, waitFor } = untyped;
const work = stepNamed("work");

test("each kind of wait says what it waits for, until when, and who can change it", () => {
  const flow = drawn((input) => ({
    body: work(input),
    again: work.as("again")(input),
    slept: sleep("2h"),
    paid: each(input, (item: any) => waitFor("paid", { for: item, timeout: "3h", otherwise: () => work(item) })),
    ever: waitFor("ever"),
    asked: approval({ ask: "Go?", by: { anyOf: ["kim", "lee"], atLeast: 2, not: "max" }, timeout: "5h" }),
  }));
  const life = Life.of(flow, ["A-1"]);
  const error = { code: "STEP_FAILED", message: "busy", node: "again", attempt: 1 };
  life.answerAt("again", { ...answering(), stepOf: () => ({ error: "busy", retryAt: NOW + 60_000 }) });
  life.decide("approval", "approved", "kim");
  const HOUR = 3_600_000;
  assert.deepEqual(waitsOf(life.state), [
    { kind: "body", node: "work", attempt: 1, since: NOW },
    { kind: "retry", node: "again", attempt: 2, at: NOW + 60_000, error },
    { kind: "time", node: "sleep-2h", at: NOW + 2 * HOUR },
    { kind: "signal", node: "wait-ever", signal: "ever", for: null, until: null },
    {
      kind: "approval",
      node: "approval",
      token: "r:approval",
      of: ["kim", "lee"],
      not: ["max"],
      needed: 2,
      approved: ["kim"],
      escalatesAt: null,
      until: NOW + 5 * HOUR,
    },
    { kind: "signal", node: "each-input[0]/wait-paid", signal: "paid", for: "A-1", until: NOW + 3 * HOUR },
  ]);
  assert.deepEqual(
    waitsOf(life.state).map((wait) => waitText(wait, NOW)),
    [
      "is open, and its body has not answered",
      "is to be tried again in 60.0 s, for the 2nd time",
      "sleeps for 2 h more",
      "waits for the signal ever",
      "waits for an approval of kim or lee, but not max, 1 of 2 have approved, 5 h more at most",
      "waits for the signal paid for A-1, 3 h more at most",
    ],
  );
});

test("of an approval it is said when others may decide as well, as long as that is to come", () => {
  const flow = drawn(() => approval({ ask: "Go?", by: "kim", escalate: { after: "2h", to: "max" }, timeout: "5h" }));
  const [asked] = waitsOf(Life.of(flow, null).state);
  const texts = [NOW, NOW + 7_200_000].map((now) => waitText(asked!, now));
  assert.match(texts[0]!, /of kim.*, escalated in 2 h, 5 h more at most$/);
  assert.match(texts[1]!, /of kim.*, 3 h more at most$/);
});

test("of a random run, at any moment, what is open is told of, and nothing else; of one that has ended nothing is", () => {
  const answer = { n: 60, tag: "a", list: [4, 5], flag: true };
  const votesOf = () => ["kim", "lee"].map((by) => ({ by, verdict: "approved" as const }));
  const answers: Answers = {
    stepOf: () => ({ output: answer }),
    deriveOf: () => answer,
    signalOf: () => answer,
    votesOf,
  };
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 1e9 }), (seed) => {
      const random = seededRandom(seed);
      const life = new Life(compileGraph(wildWorkflow(random, 12).graph), answer);
      for (;;) {
        const told = waitsOf(life.state).map(({ node }) => node);
        assert.deepEqual(told.toSorted(), life.open.map(({ place }) => life.pathOf(place)).toSorted());
        if (life.open.length === 0) break;
        life.answer(life.open[Math.floor(random() * life.open.length)]!, answers);
      }
    }),
    { numRuns: 200 },
  );
});

test("of a run that failed nothing is waited for but what would go on by itself", () => {
  const life = Life.of(drawn((input) => ({ body: work(input), slept: sleep("2h") })), 1); // prettier-ignore
  life.answerAt("work", answering({ work: () => new Failure("no") }));
  assert.deepEqual(waitsOf(life.state).map(({ kind }) => kind), ["time"]); // prettier-ignore
});
