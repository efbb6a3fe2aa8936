/** Random graphs, completed in any order, come to what a naive interpreter says; and so they do from any prefix. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { compileGraph } from "../../src/core/compile.ts";
import type { WorkflowDefinition } from "../../src/flow/definition.ts";
import { interpret, type Expected } from "../../src/testing/simulator/interpreter.ts";
import { decisionOf, signalOf, votesOf } from "../../src/testing/simulator/fates.ts";
import { answerOf, withoutErrors } from "../../src/testing/simulator/answer.ts";
import { pathOfCall } from "../../src/testing/simulator/random-script.ts";
import { randomWorkflow } from "../../src/testing/simulator/random-workflow.ts";
import { hash32 } from "../../src/value/hash.ts";
import { canonicalJson, type Json } from "../../src/value/json.ts";
import { seededRandom, type Random } from "../../src/value/random.ts";
import { Life, RUN, type Answers, type Fate } from "./life.ts";
import { wildWorkflow } from "./wild-workflow.ts";

interface Case {
  readonly definition: WorkflowDefinition;
  readonly input: Json;
  readonly expected: Expected;
  readonly answers: Answers;
  readonly random: Random;
}

/** Everything of a case follows from its seed: the graph, the input, which nodes fail and how often, the order. */
function caseOf(seed: number): Case {
  const random = seededRandom(seed);
  const isWild = random() < 0.6;
  const nodesMax = 14;
  const definition = isWild
    ? wildWorkflow(random, nodesMax, { undo: random() < 0.5, races: false })
    : randomWorkflow({ name: "tame", random, nodesMax, attempts: 3, timeoutMs: null });
  const input = answerOf("input", Math.floor(random() * 1000)) as unknown as Json;
  const rarity = [Infinity, 25, 6][Math.floor(random() * 3)]!;
  const failures = (path: string) => {
    const hash = hash32(`${seed} ${pathOfCall(path)}`);
    if (path.includes("/show/")) return 0;
    return hash % rarity === 0 ? Infinity : hash % 7 === 1 ? 1 : 0;
  };
  const asJson = (name: string, value: Json | undefined) => answerOf(name, value) as unknown as Json;
  const stepOf = (path: string, step: string, given: Json | undefined, attempt: number): Fate => {
    const count = failures(path);
    if (count >= attempt) return { error: `${path} fails`, retryAt: count === Infinity ? null : 1 };
    return { output: asJson(step, given) };
  };
  const childOf = (path: string, workflow: string, given: Json | undefined): Fate =>
    failures(path) === Infinity ? { error: `${path} fails` } : { output: asJson(workflow, given) };
  const deriveOf = (_node: string, [seen]: readonly (Json | undefined)[]) => asJson("derive", seen);
  const fateOf = (path: string, step: string, given: Json | undefined) =>
    failures(path) === Infinity ? { error: path } : { output: asJson(step, given) };
  const expected = interpret(definition.graph, input, fateOf, deriveOf, {
    signalOf,
    decisionOf: (path) => decisionOf(RUN, path),
    childOf: (path, workflow, given) => fateOf(path, workflow, given),
  });
  return {
    definition,
    input,
    expected,
    answers: { stepOf, deriveOf, signalOf, votesOf: (path) => votesOf(RUN, path), childOf, isOnce },
    random,
  };
}

const doneIn = (life: Life) =>
  life.entries.flatMap((entry) => {
    const isDone = (entry.kind === "done" && entry.attempt > 0) || (entry.kind === "resolved" && entry.happened);
    return isDone ? [entry.node] : [];
  });

/** Some steps are called at most once; so it is for the same path in each life. */
const isOnce = (path: string): boolean => hash32(`once ${path}`) % 4 === 0;

/** The run ended once, as the interpreter says. */
function checkEnd(life: Life, { expected }: Case): void {
  assert.equal(life.endings.length, 1, `ended ${life.endings.length} times`);
  const ending = life.ending!;
  const done = doneIn(life);
  assert.equal(new Set(done).size, done.length, "each node is done once");
  for (const node of done) {
    const plain = pathOfCall(node);
    const isKnown = expected.done.has(plain) || expected.maybe.has(plain) || node.includes("/show/");
    assert.ok(isKnown, `${node} was not to be done`);
  }
  if (ending.kind === "fail") {
    assert.ok(
      expected.failures.has(pathOfCall(ending.error.node)),
      `${ending.error.node} was not to fail: ${ending.error.message}`,
    );
    return;
  }
  assert.equal(ending.kind, "finish");
  assert.equal(expected.failures.size, 0, "it was to fail");
  const plainly = new Set(done.map(pathOfCall));
  for (const node of expected.done) assert.ok(plainly.has(node), `${node} was to be done`);
  const output = ending.kind === "finish" ? ending.output : undefined;
  assert.equal(canonicalJson(withoutErrors(output)), canonicalJson(withoutErrors(expected.output)));
}

const seeds = fc.integer({ min: 1, max: 1_000_000_000 });
const orderOf = (random: Random) => (count: number) => Math.floor(random() * count);

test("a random graph, completed in any order, ends once, with what the interpreter says is done, failed and put out", () => {
  fc.assert(
    fc.property(seeds, (seed) => {
      const given = caseOf(seed);
      const life = new Life(compileGraph(given.definition.graph), given.input);
      life.play(given.answers, orderOf(given.random));
      checkEnd(life, given);
    }),
    { numRuns: 1500 },
  );
});

test("two orders of completion end alike", () => {
  fc.assert(
    fc.property(seeds, seeds, (seed, other) => {
      const given = caseOf(seed);
      const compiled = compileGraph(given.definition.graph);
      const [first, second] = [given.random, seededRandom(other)].map((random) => {
        return new Life(compiled, given.input).play(given.answers, orderOf(random)).ending;
      });
      assert.equal(first?.kind, second?.kind);
      if (first?.kind !== "finish" || second?.kind !== "finish") return;
      assert.equal(canonicalJson(withoutErrors(first.output)), canonicalJson(withoutErrors(second.output)));
    }),
    { numRuns: 300 },
  );
});

test("the recovery law: any prefix of the journal, replayed, asks for what living through it had left open", () => {
  fc.assert(
    fc.property(seeds, (seed) => {
      const given = caseOf(seed);
      const order = orderOf(given.random);
      const life = new Life(compileGraph(given.definition.graph), given.input);
      for (;;) {
        const replayed = life.reloaded();
        assert.deepEqual(replayed.asked, life.asked);
        assert.deepEqual(replayed.ending, life.ending);
        if (life.open.length === 0) break;
        life.answer(life.open[order(life.open.length)]!, given.answers);
      }
    }),
    { numRuns: 200 },
  );
});

test("a run that is loaded anew after every entry ends as one that never was", () => {
  fc.assert(
    fc.property(seeds, (seed) => {
      const given = caseOf(seed);
      const order = orderOf(given.random);
      let life = new Life(compileGraph(given.definition.graph), given.input);
      while (life.open.length > 0) {
        life.answer(life.open[order(life.open.length)]!, given.answers);
        if (given.random() < 0.5) life = life.reloaded();
      }
      checkEnd(life, given);
    }),
    { numRuns: 200 },
  );
});

test("a run that is loaded from any part of its journal goes on to the same end: no script makes other calls", () => {
  fc.assert(
    fc.property(seeds, (seed) => {
      const given = caseOf(seed);
      const compiled = compileGraph(given.definition.graph);
      const life = new Life(compiled, given.input).play(given.answers, orderOf(given.random));
      const cut = Math.floor(given.random() * (life.entries.length + 1));
      const other = new Life(compiled, given.input, life.entries.slice(0, cut));
      checkEnd(other.play(given.answers, orderOf(given.random)), given);
    }),
    { numRuns: 400 },
  );
});
