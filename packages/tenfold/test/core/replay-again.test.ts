/** Laws of a journal in which nodes began anew, or were taken back, that is read on another graph. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { compileGraph } from "../../src/core/compile.ts";
import { placeAt } from "../../src/core/path.ts";
import { bornOf, DONE, type RunState } from "../../src/core/state.ts";
import { placesFrom } from "../../src/core/retry-from.ts";
import type { Graph } from "../../src/flow/graph.ts";
import type { Json } from "../../src/value/json.ts";
import { hash32 } from "../../src/value/hash.ts";
import { seededRandom, type Random } from "../../src/value/random.ts";
import { randomEdit } from "./edits.ts";
import { answering, Life, NOW, stepNamed, untyped, type Answers } from "./life.ts";
import { replayed, testRefusals, type Refusal } from "./replaying.ts";
import { wildWorkflow } from "./wild-workflow.ts";

const { approval, call, each, waitFor } = untyped;
const seeds = fc.integer({ min: 1, max: 1_000_000_000 });
const answer = { n: 60, tag: "a", list: [4, 5], flag: true };
const votes = [{ by: "kim", verdict: "approved" }, { by: "lee", verdict: "approved" }] as const; // prettier-ignore

const [first, second, third] = ["first", "second", "third"].map(stepNamed);

const refusals: readonly Refusal[] = [
  [
    "a result that a retry from a node had left, and would have taken back in the new graph",
    (input) => [second(first(input)), third(input), waitFor("go")],
    (life) => {
      for (const node of ["first", "second", "third"]) life.answerAt(node, answering());
      life.retry("r1", { from: "first" });
    },
    (input) => bothOf(first(input)),
    "third",
    /would have begun anew/,
  ],
  [
    "a result that a retry from a node had taken back, and would have left in the new graph",
    (input) => [second(first(input)), third(input), waitFor("go")],
    (life) => {
      for (const node of ["first", "second", "third"]) life.answerAt(node, answering());
      life.retry("r1", { from: "first" });
    },
    (input) => [first(input), second(input), third(input), waitFor("go")],
    "second",
    /has begun anew/,
  ],
  [
    "a decision that came to nothing, and would count",
    (input) => [first.as("x")(input), waitFor("go")],
    (life) => life.record({ kind: "decided", at: NOW, message: "d", node: "x", verdict: "approved", by: "kim", roles: [], comment: null }), // prettier-ignore
    (input) => [approval.as("x")({ ask: input }), waitFor("go")],
    "x",
    /it was the step first, and is an approval/,
  ],
  [
    "an item that was given up because there was enough, and is needed",
    (input) => each([input.n, 2, 3], (item: any) => first(item), { enough: 1, rest: "stop" }),
    (life) => ["each-n[0]/first", "each-n[1]/first"].forEach((node) => life.answerAt(node, answering())),
    (input) => each([input.n, 2, 3], (item: any) => first(item)),
    "each-n[1]/first",
    /it was given up, and is needed/,
  ],
  [
    "a child that is being started, and would be another one",
    (input) => call("child", [first(input), second(input)]),
    (life) => ["first", "second"].forEach((node) => life.answerAt(node, answering())),
    (input) => [call("child", first(input)), second(input)],
    "call-child",
    /its child.*in the new graph it would be another one/,
  ],
  [
    "a child that has failed, and would be another one when it is retried",
    (input) => [call("child", [first(input), second(input)]), third(input)],
    (life) => {
      for (const node of ["first", "second"]) life.answerAt(node, answering());
      life.returns("call-child", 1, { error: "no" });
    },
    (input) => [call("child", first(input)), second(input), third(input)],
    "call-child",
    /its child.*in the new graph it would be another one/,
  ],
];

function bothOf(one: any): unknown[] {
  return [second(one), third(one), waitFor("go")];
}

testRefusals(refusals, { n: 1 });

/** A life in which steps fail for good, are undone, are in doubt, and that is retried, from a node or not, and cancelled. */
function roughLife(seed: number): { life: Life; graph: Graph; random: Random; answers: Answers } {
  const random = seededRandom(seed);
  const { graph } = wildWorkflow(random, 12, { undo: true, scripts: false });
  let round = 0;
  const isRough = (path: string, share: number) => hash32(`${seed} ${path} ${round}`) % share === 0;
  const answers: Answers = {
    stepOf: (path, _step, _given, attempt) =>
      isRough(path, 6) ? { error: "no", retryAt: attempt === 1 ? 1 : null } : { output: answer },
    undoOf: (path) => (isRough(`undo ${path}`, 5) ? { error: "not undone" } : { output: null }),
    isOnce: (path) => hash32(path) % 5 === 0,
    deriveOf: () => answer,
    childOf: () => ({ output: answer }),
    signalOf: () => answer,
    votesOf: () => votes,
  };
  let life = new Life(compileGraph(graph), answer as Json);
  for (let rounds = Math.floor(random() * 3); rounds >= 0; rounds--) {
    const left = random() < 0.2 ? Infinity : Math.floor(random() * 40);
    for (let more = left; more > 0 && life.open.length > 0; more--)
      life.answer(life.open[Math.floor(random() * life.open.length)]!, answers);
    if (rounds === 0) break;
    round++;
    if (random() < 0.2) life.cancel(`c${round}`, random() < 0.5 ? { undo: true } : {});
    else life = retried(life, `r${round}`, random);
  }
  return { life, graph, random, answers };
}

/** The run, held and loaded anew: it goes on from a node that something is recorded of, or from where it stopped. */
function retried({ compiled, input, entries, state, at }: Life, message: string, random: Random): Life {
  const recorded = entries.flatMap((entry) => ("node" in entry ? [entry.node] : []));
  const node = recorded[Math.floor(random() * recorded.length)];
  const isNamed = node !== undefined && random() < 0.6 && placesFrom(state, node).problem === null;
  const how = { ...(isNamed ? { from: node } : {}), ...(random() < 0.2 ? { newKeys: true as const } : {}) };
  const life = new Life(compiled, input, [...entries, { kind: "retried", at: at + 1, message, ...how }]);
  life.at = at + 1;
  return life;
}

/** What is known of a node's result: which time it is, and whether it is there; undefined where its frame is closed. */
function resultAt(state: RunState, path: string): string | undefined {
  const place = placeAt(state, path);
  if (place === undefined) return undefined;
  const { frame, node } = place;
  const { generation, key } = bornOf(frame, node.local);
  const isDone = frame.waits[node.local] === DONE;
  return `${generation} ${key} ${isDone ? JSON.stringify(frame.outputs[node.local]) : "open"}`;
}

test("a journal in which nodes began anew, and were undone, fits the graph that it was written on", () => {
  const unlessUndoing = /it is being undone/;
  fc.assert(
    fc.property(seeds, (seed) => {
      const { life, graph } = roughLife(seed);
      const result = replayed(life, structuredClone(graph));
      if (result.kind === "misfit") assert.match(result.misfit.reason, unlessUndoing);
      else assert.equal(result.state.root.open, life.reloaded().state.root.open);
    }),
    // Retried while the body of an attempt was being undone, in these.
    { numRuns: 300, examples: [[481200441], [569965110]] },
  );
});

test("of a journal that fits a graph that was edited somehow every result stands that stood, and no other", () => {
  const seen = { fits: 0, misfit: 0, retried: 0, undone: 0 };
  fc.assert(
    fc.property(seeds, (seed) => {
      const { life, graph, random } = roughLife(seed);
      let other = graph;
      for (let left = 1 + Math.floor(random() * 2); left > 0; left--) other = randomEdit(other, random);
      const result = replayed(life, other);
      seen[result.kind]++;
      if (result.kind === "misfit") return;
      const stands = life.reloaded().state;
      for (const entry of life.entries) {
        if (entry.kind === "retried" && entry.from !== undefined) seen.retried++;
        if (entry.kind === "undone") seen.undone++;
        const place = "node" in entry ? placeAt(stands, entry.node) : undefined;
        // What a construct puts out is computed, and of the new graph.
        if (!("node" in entry) || place?.node.node.kind !== "step") continue;
        const was = resultAt(stands, entry.node);
        const is = resultAt(result.state, entry.node);
        if (was !== undefined && is !== undefined) assert.equal(is, was, `${entry.node} of ${JSON.stringify(other)}`);
      }
    }),
    { numRuns: 1500 },
  );
  assert.ok(seen.fits > 200 && seen.misfit > 200 && seen.retried > 20 && seen.undone > 20, JSON.stringify(seen));
});

test("a run that was moved goes on to its end on the new graph, and may be moved back before anything new is recorded", () => {
  // What is open there now may have been called already, and is bound to its key.
  const may = /it waits for its child|it has received a signal|the run would have failed|it is being undone|begun anew/;
  const seen = { ended: 0, back: 0 };
  fc.assert(
    fc.property(seeds, (seed) => {
      const { life, graph, random, answers } = roughLife(seed);
      const other = randomEdit(graph, random);
      if (replayed(life, other).kind === "misfit") return;
      const moved = new Life(compileGraph(other), life.input, life.entries);
      const back = replayed(moved, graph);
      if (back.kind === "fits") seen.back++;
      else assert.match(back.misfit.reason, may);
      moved.play(answers, (count) => Math.floor(random() * count));
      if (moved.ending !== undefined) seen.ended++;
      assert.deepEqual(moved.reloaded().asked, moved.asked);
    }),
    { numRuns: 500 },
  );
  assert.ok(seen.ended > 100 && seen.back > 100, JSON.stringify(seen));
});
