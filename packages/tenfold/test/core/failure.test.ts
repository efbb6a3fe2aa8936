/** Laws of a run that fails, is cancelled, or is retried, at any point of its life. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { compileGraph } from "../../src/core/compile.ts";
import type { Entry } from "../../src/core/entry.ts";
import { idOfPath } from "../../src/core/path.ts";
import { seededRandom } from "../../src/value/random.ts";
import { answering, drawn, Failure, Life, stepNamed, untyped, type Answers } from "./life.ts";
import { wildWorkflow } from "./wild-workflow.ts";

const { each, match } = untyped;
const work = stepNamed("work");
const other = stepNamed("other");
const last = stepNamed("last");

const bad = answering({ work: () => new Failure("no stock") });

const doneIn = (entries: readonly Entry[]) => entries.flatMap((entry) => (entry.kind === "done" ? [entry.node] : []));

const diamond = drawn((n) => {
  const a = work(n);
  const b = other(n);
  return last({ a, b: other.as("after-b")(b) });
});

test("when a node fails, its siblings finish, what has not started never does, and the run fails with that error", () => {
  const life = Life.of(diamond, 1);
  life.answerAt("work", bad);
  assert.deepEqual(life.asked, ["execute other 1"]);
  assert.equal(life.ending, undefined);
  life.answerAt("other", bad);
  assert.deepEqual(life.asked, []);
  assert.deepEqual(life.ending, {
    kind: "fail",
    error: { code: "STEP_FAILED", message: "no stock", node: "work", attempt: 1 },
  });
});

test("the first failure is the run's; a sibling that fails after it changes nothing", () => {
  const life = Life.of(diamond, 1);
  life.answerAt("other", answering({ other: () => new Failure("first") }));
  life.answerAt("work", bad);
  assert.equal(life.ending?.kind === "fail" && life.ending.error.message, "first");
});

test("a sibling between two attempts goes on with its attempts while the run fails", () => {
  const life = Life.of(diamond, 1);
  life.answerAt("other", answering({ other: () => new Failure("busy", 5) }));
  life.answerAt("work", bad);
  assert.deepEqual(life.asked, ["execute other 2"]);
  life.answerAt("other", bad);
  life.answerAt("other", bad);
  assert.equal(life.ending?.kind, "fail");
});

test("retry starts again what failed, with all its attempts, numbered on; what is done stays done", () => {
  const life = Life.of(diamond, 1);
  life.answerAt("other", answering());
  life.answerAt("work", answering({ work: () => new Failure("busy", 5) }));
  life.answerAt("work", bad);
  life.answerAt("work", bad);
  life.answerAt("after-b", answering());
  assert.equal(life.ending?.kind, "fail");
  life.retry();
  assert.deepEqual(life.asked, ["execute work 3"]);
  const retry = life.state.root.retries?.values().next().value;
  assert.deepEqual({ attempts: retry?.attempts, before: retry?.before }, { attempts: 0, before: 2 });
  life.play(answering());
  assert.deepEqual(life.ending, { kind: "finish", output: { a: 1, b: 1 } });
  assert.deepEqual(doneIn(life.entries), ["other", "after-b", "work", "last"]);
});

test("cancel abandons all that is open, and the run is cancelled with its reason", () => {
  const life = Life.of(diamond, 1);
  life.answerAt("other", answering());
  life.cancel();
  assert.deepEqual(life.asked, ["abandon after-b", "abandon work"]);
  life.play(answering());
  assert.deepEqual(life.ending, { kind: "cancel", reason: "no longer wanted" });
});

test("a result that comes after the cancel is kept, and starts nothing", () => {
  const life = Life.of(diamond, 1);
  life.cancel();
  const at = life.at;
  life.open = life.open.filter(({ place }) => life.pathOf(place) !== "other");
  life.record({ kind: "done", node: "other", at, attempt: 1, output: 5, tookMs: 1 });
  assert.deepEqual(life.asked, ["abandon work"]);
  life.play(answering());
  assert.equal(life.ending?.kind, "cancel");
  life.retry();
  life.play(answering());
  assert.deepEqual(life.ending, { kind: "finish", output: { a: 1, b: 5 } });
});

test("a message is absorbed once: the same cancel or retry again changes nothing", () => {
  const life = Life.of(diamond, 1);
  life.cancel("m1");
  life.play(answering());
  life.retry("m2");
  life.cancel("m1");
  life.retry("m2");
  assert.deepEqual(life.asked, ["execute other 1", "execute work 1"]);
});

test("a failed item of a collecting each can be failing while the run goes on; a retry meanwhile starts it again", () => {
  const flow = drawn((list) => each(list, (item: any) => ({ a: work(item), b: other(item) }), { onError: "collect" }));
  const life = Life.of(flow, [1]);
  life.answerAt("each-input[0]/work", bad);
  life.retry();
  assert.deepEqual(life.asked, ["execute each-input[0]/other 1", "execute each-input[0]/work 2"]);
  life.play(answering());
  assert.deepEqual(life.ending, { kind: "finish", output: [{ ok: true, value: { a: 1, b: 1 } }] });
});

test("what failed because it could not be computed fails again after a retry, and the run ends again", () => {
  const flow = drawn((lead) => [work(lead.n), match(lead.tier, { hot: () => other(1) })]);
  const life = Life.of(flow, { tier: "cold", n: 1 }).play(answering());
  assert.equal(life.ending?.kind === "fail" && life.ending.error.code, "MATCH_NO_ARM");
  life.retry();
  life.play(answering());
  assert.equal(life.ending?.kind === "fail" && life.ending.error.code, "MATCH_NO_ARM");
});

const seeds = fc.integer({ min: 1, max: 1_000_000_000 });

/** A wild graph, lived through for a while by `answers`, and what its undisturbed life comes to. */
function halfway(seed: number, answers: Answers) {
  const random = seededRandom(seed);
  const compiled = compileGraph(wildWorkflow(random, 12).graph);
  const input = { n: 60, tag: "a", list: [1, 2, 3] };
  const order = (count: number) => Math.floor(random() * count);
  const whole = new Life(compiled, input).play(wellAnswering);
  const life = new Life(compiled, input);
  for (let left = Math.floor(random() * (whole.entries.length + 1)); left > 0 && life.open.length > 0; left--) {
    life.answer(life.open[order(life.open.length)]!, answers);
  }
  return { life, whole, order, random };
}

const answer = { n: 60, tag: "a", list: [4, 5], flag: true };
const VOTES = [{ by: "kim", verdict: "approved" }, { by: "lee", verdict: "approved" }] as const; // prettier-ignore
const wellAnswering: Answers = {
  stepOf: () => ({ output: answer }),
  deriveOf: () => answer,
  childOf: () => ({ output: answer }),
  signalOf: () => answer,
  votesOf: () => VOTES,
};

test("cancelled at any point, a run ends as cancelled once its open nodes are abandoned, also when loaded anew", () => {
  fc.assert(
    fc.property(seeds, (seed) => {
      const { life, order, random } = halfway(seed, wellAnswering);
      if (life.ending !== undefined) return;
      life.cancel();
      for (const command of life.open) assert.equal(command.kind, "abandon");
      const goesOn = random() < 0.5 ? life.reloaded() : life;
      goesOn.play(wellAnswering, order);
      assert.deepEqual(goesOn.endings, [{ kind: "cancel", reason: "no longer wanted" }]);
      assert.deepEqual(goesOn.reloaded().endings, goesOn.endings);
    }),
    { numRuns: 400 },
  );
});

/** The function of a script that failed the run by what one of its calls came to; undefined: it was something else. */
function failedScript({ compiled, ending, entries }: Life) {
  const [, script, call] = (ending?.kind === "fail" && /^(.*)\[(\d+)\]\/[^/]*$/.exec(ending.error.node)) || [];
  if (script === undefined || compiled.nodes[compiled.indexOf.get(idOfPath(script)) ?? -1]?.node.kind !== "script")
    return undefined;
  const last = entries.findLast((entry) => entry.kind === "failed" && entry.node === script);
  return { isHarmless: last?.kind === "failed" && last.harmless?.includes(Number(call)) === true };
}

test("retried after a failure or a cancel at any point, a run completes; what was recorded stays, and no node is done twice", () => {
  fc.assert(
    fc.property(seeds, (seed) => {
      const { life, whole, order, random } = halfway(seed, wellAnswering);
      const isCancelled = random() < 0.5;
      if (isCancelled) life.cancel();
      const hopeless = answering(Object.fromEntries(STEPS.map((name) => [name, () => new Failure("no")])));
      life.play({ ...wellAnswering, stepOf: hopeless.stepOf }, order);
      if (life.ending?.kind === "finish") return;
      const before = [...life.entries];
      let goesOn = life;
      goesOn.retry();
      if (random() < 0.5) goesOn = goesOn.reloaded();
      goesOn.play(wellAnswering, order);
      for (let left = 20; failedScript(goesOn)?.isHarmless === true && left > 0; left--) {
        goesOn.retry(`again ${left}`);
        goesOn.play(wellAnswering, order);
      }
      // What calls of a script follow from stays, and may fail it again.
      if (failedScript(goesOn)?.isHarmless === false) return;
      assert.equal(goesOn.ending?.kind, "finish");
      assert.deepEqual(goesOn.entries.slice(0, before.length), before);
      const done = doneIn(goesOn.entries);
      assert.equal(new Set(done).size, done.length);
      if (!hasCollected(goesOn)) assert.deepEqual(goesOn.ending, whole.ending);
    }),
    { numRuns: 400 },
  );
});

const STEPS = ["north", "east", "south", "west"];

/** What failed before the retry, and was collected or caught, stays so. */
function hasCollected(life: Life): boolean {
  return life.compiled.graph.nodes.some(
    (node) => node.kind === "attempt" || (node.kind === "each" && node.onError === "collect"),
  );
}
