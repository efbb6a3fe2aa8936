/** Laws of a journal that is read on another graph: it fits where the naive way of going through it comes to no stop. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { nodesAhead } from "../../src/core/ahead.ts";
import { compileGraph } from "../../src/core/compile.ts";
import { idOfPath } from "../../src/core/path.ts";
import { DONE, visitFrames } from "../../src/core/state.ts";
import { waitsOf } from "../../src/core/why.ts";
import type { Graph } from "../../src/flow/graph.ts";
import { signalOf, votesOf } from "../../src/testing/simulator/fates.ts";
import { answerOf } from "../../src/testing/simulator/answer.ts";
import { hash32 } from "../../src/value/hash.ts";
import type { Json } from "../../src/value/json.ts";
import { seededRandom, type Random } from "../../src/value/random.ts";
import { randomEdit, renamed, withStep, withWhenFirst } from "./edits.ts";
import { answering, drawn, Life, RUN, stepNamed, untyped, type Answers } from "./life.ts";
import { replayed, testRefusals, type Refusal } from "./replaying.ts";
import { wildWorkflow } from "./wild-workflow.ts";

const { approval, attempt, call, each, match, waitFor, when } = untyped;
const seeds = fc.integer({ min: 1, max: 1_000_000_000 });
const asJson = (name: string, value: Json | undefined) => answerOf(name, value) as unknown as Json;

/** A life of a random graph, stopped somewhere; some of its steps fail once, some for good. */
function stoppedLife(
  seed: number,
  parts?: { scripts: boolean },
): { life: Life; graph: Graph; answers: Answers; random: Random } {
  const random = seededRandom(seed);
  const { graph } = wildWorkflow(random, 12, parts);
  const rarity = [Infinity, 20][Math.floor(random() * 2)]!;
  const fails = (path: string, attempt: number) => {
    const hash = hash32(`${seed} ${path}`);
    return hash % rarity === 0 || (hash % 7 === 1 && attempt === 1);
  };
  const stepOf: Answers["stepOf"] = (path, step, given, attempt) =>
    fails(path, attempt) ? { error: "no", retryAt: attempt === 1 ? 1 : null } : { output: asJson(step, given) };
  const answers: Answers = {
    stepOf,
    deriveOf: (_node, [seen]) => asJson("derive", seen),
    signalOf,
    votesOf: (path) => votesOf(RUN, path),
    childOf: (path, workflow, given, attempt) =>
      attempt > 1 || !fails(path, 2) ? { output: asJson(workflow, given) } : { error: "no" },
  };
  const life = new Life(compileGraph(graph), asJson("input", 1));
  const stop = random() < 0.2 ? Infinity : Math.floor(random() * 40);
  for (let left = stop; left > 0 && life.open.length > 0; left--) {
    life.answer(life.open[Math.floor(random() * life.open.length)]!, answers);
  }
  return { life, graph, answers, random };
}

test("a journal fits the graph that it was written on, and comes to the same state", () => {
  fc.assert(
    fc.property(seeds, (seed) => {
      const { life, graph } = stoppedLife(seed);
      const result = replayed(life, structuredClone(graph));
      assert.equal(result.kind, "fits");
      assert.ok(result.kind === "fits");
      assert.deepEqual(waitsOf(result.state), waitsOf(life.reloaded().state));
      assert.equal(result.state.root.open, life.state.root.open);
    }),
    { numRuns: 300 },
  );
});

test("a graph with one more node behind what has happened takes every journal, and asks for that node", () => {
  fc.assert(
    fc.property(seeds, (seed) => {
      const { life, graph } = stoppedLife(seed);
      const result = replayed(life, withStep(graph, 0, "added", null));
      assert.ok(result.kind === "fits");
      const isFailing = life.state.root.failure !== null;
      if (!isFailing) assert.ok(waitsOf(result.state).some(({ node }) => node === "added"));
    }),
    { numRuns: 300 },
  );
});

test("arms are found by their names: a graph whose scopes have other numbers takes every journal", () => {
  fc.assert(
    fc.property(seeds, (seed) => {
      const { life, graph } = stoppedLife(seed);
      assert.equal(replayed(life, withWhenFirst(graph)).kind, "fits");
    }),
    { numRuns: 300 },
  );
});

test("a graph without a node of which something is recorded is refused, and names it", () => {
  fc.assert(
    fc.property(seeds, (seed) => {
      const { life, graph, random } = stoppedLife(seed);
      const recorded = graph.nodes.flatMap(({ id }, index) => {
        return life.entries.some((entry) => "node" in entry && idOfPath(entry.node) === id) ? [{ id, index }] : [];
      });
      if (recorded.length === 0) return;
      const { id, index } = recorded[Math.floor(random() * recorded.length)]!;
      const result = replayed(life, renamed(graph, index));
      assert.ok(result.kind === "misfit");
      const first = idOfPath(result.misfit.node);
      assert.ok(first === id || first.startsWith(`${id}/`), `${first} is named, and ${id} is gone`);
    }),
    { numRuns: 300 },
  );
});

/** The naive way: goes on with the new graph by what is recorded alone, as long as each of it is what is open. */
function naiveFits(life: Life, graph: Graph): boolean {
  const compiled = compileGraph(graph);
  const anew = new Life(compiled, life.input);
  const old = new Life(life.compiled, life.input);
  const natures = (of: Graph, path: string) => {
    const node = of.nodes.find(({ id }) => id === idOfPath(path)) as any;
    return node && [node.kind, node.step, node.workflow, node.signal, node.kind === "each" ? node.onError : ""].join();
  };
  const askedOf = (of: Life, path: string) => of.asked.some((asked) => asked.split(" ")[1] === path);
  for (const entry of life.entries) {
    if ("node" in entry) {
      const { node } = entry;
      if (natures(life.compiled.graph, node) !== natures(graph, node)) return false;
      if (!askedOf(old, node)) throw new Error(`${node} was not open`);
      const [was, is] = [old, anew].map((one) => one.asked.find((asked) => asked.split(" ")[1] === node));
      // What comes of a body that is not needed any more is recorded, and nobody hears of it.
      const isUnheard = is?.startsWith("abandon ") === true && entry.kind !== "abandoned";
      if (was !== is && !isUnheard) return false;
      const opens = ({ owner, name }: Graph["scopes"][number]) => graph.nodes[owner]?.id === idOfPath(node) && name;
      if (entry.kind === "chose" && entry.arm !== null && !graph.scopes.some((scope) => opens(scope) === entry.arm))
        return false;
    }
    for (const one of [old, anew]) {
      closeAsked(one, entry);
      one.record(entry);
    }
  }
  const had = (of: Life) => new Map(of.state.signals?.received.map(({ message, node }) => [message, node]));
  for (const [message, node] of had(old)) if (had(anew).get(message) !== node) return false;
  if (anew.state.root.failure !== null && old.state.root.failure === null) return false;
  if ([...old.open, ...anew.open].some(({ kind }) => kind === "undo")) return false;
  return callsOf(old).every((called) => callsOf(anew).includes(called));
}

/** Calls that have a child, or asked for one, also of a run that is over: the child is named by its call, and by when that became ready. */
function callsOf(life: Life): string[] {
  const calls: string[] = [];
  visitFrames(life.state.root, (frame) => {
    for (const node of frame.scope.nodes) {
      if (node.node.kind !== "call" || !frame.children?.has(node.local) || frame.waits[node.local] === DONE) continue;
      calls.push(`${life.pathOf({ frame, node })} ${node.node.workflow} ${frame.readyAt[node.local]}`);
    }
  });
  return calls;
}

/** What `Life.answer` takes off before it records. */
function closeAsked(life: Life, entry: Life["entries"][number]): void {
  if (!("node" in entry) || ["decided", "reminded", "escalated", "called"].includes(entry.kind)) return;
  life.open = life.open.filter(({ place }) => life.pathOf(place) !== entry.node);
}

test("a journal fits a graph that was edited somehow if and only if the naive way comes to no stop", () => {
  const seen = { fits: 0, misfit: 0 };
  fc.assert(
    fc.property(seeds, (seed) => {
      const { life, graph, random } = stoppedLife(seed, { scripts: false });
      let other = graph;
      for (let left = 1 + Math.floor(random() * 2); left > 0; left--) other = randomEdit(other, random);
      const result = replayed(life, other);
      seen[result.kind]++;
      const why = result.kind === "misfit" ? `${result.misfit.node}: ${result.misfit.reason}` : "it fits";
      assert.equal(result.kind === "fits", naiveFits(life, other), why);
    }),
    { numRuns: 1500 },
  );
  assert.ok(seen.fits > 200 && seen.misfit > 200, JSON.stringify(seen));
});

const first = stepNamed("first");
const second = stepNamed("second");
const wide = (input: any) => each(input.list, (item: any) => first(item), { concurrency: 2 });
const given = { name: "a", n: 1, list: [1, 2, 3], flag: true };

const refusals: readonly Refusal[] = [
  [
    "a node that is gone",
    first,
    (life) => life.answerAt("first", answering()),
    second,
    "first",
    /the new graph has no such node/,
  ],
  [
    "another step under the same name",
    first,
    (life) => life.answerAt("first", answering()),
    (input) => second.as("first")(input),
    "first",
    /it was the step first, and is the step second/,
  ],
  [
    "a node that waits for more",
    (input) => [first(input), second(input)],
    (life) => life.answerAt("second", answering()),
    (input) => second(first(input)),
    "second",
    /is recorded, and the new graph had not begun the node by then/,
  ],
  [
    "an arm that is gone",
    (input) => match(input.name, { a: () => first(1), b: () => second(1) }),
    (life) => life.answerAt("match-name", answering()),
    (input) => match(input.name, { b: () => second(1), otherwise: () => first(1) }),
    "match-name",
    /no arm "a" there/,
  ],
  [
    "a decision on what nobody is asked",
    (input) => approval({ ask: input }),
    (life) => life.decide("approval", "approved", "kim"),
    first,
    "approval",
    /the new graph has no such node/,
  ],
  [
    "a decision of somebody who may not decide any more",
    (input) => [approval({ ask: input }), first(1)],
    (life) => life.decide("approval", "approved", "kim"),
    (input) => [approval({ ask: input, by: "lee" }), first(1)],
    "approval",
    /in the new graph the node waited for something else, or was over/,
  ],
  [
    "a signal that another node would have",
    () => waitFor("paid"),
    (life) => life.signal("paid", null, 1),
    () => waitFor.as("before")("paid"),
    "wait-paid",
    /it has received a signal, and the new graph has no such node/,
  ],
  [
    "a child that nobody waits for",
    (input) => call("child", input),
    () => {},
    first,
    "call-child",
    /it waits for its child, and the new graph has no such node/,
  ],
  [
    "a child of another workflow",
    (input) => call.as("x")("child", input),
    () => {},
    (input) => call.as("x")("other", input),
    "x",
    /it was a call of the workflow child, and is a call of the workflow other/,
  ],
  [
    "items that had not been begun",
    wide,
    (life) => life.answerAt("each-list[1]/first", answering()),
    (input) => each(input.list, (item: any) => first(item), { concurrency: 1 }),
    "each-list[1]/first",
    /had not begun/,
  ],
  [
    "what would have failed",
    (input) => waitFor("paid", { timeout: "1d", otherwise: () => first(input) }),
    (life) => life.answerAt("wait-paid", answering()),
    () => waitFor("paid", { timeout: "1d" }),
    "wait-paid",
    /the run would have failed there in the new graph/,
  ],
];

testRefusals(refusals, given);

test("a signal that was kept goes to a node that the new graph has for it", () => {
  const life = Life.of(
    drawn((input) => first(input)),
    given,
  );
  life.signal("paid", null, 7);
  const result = replayed(life, drawn((input) => [first(input), waitFor("paid")]).graph);
  assert.ok(result.kind === "fits");
  assert.equal(result.state.signals?.received[0]?.node, "wait-paid");
});

test("whatever is begun later was ahead before, in random lives with failures and retries", () => {
  fc.assert(
    fc.property(seeds, (seed) => {
      const { life, graph, answers, random } = stoppedLife(seed);
      const ahead = new Set([...nodesAhead(life.reloaded().state)].map((index) => graph.nodes[index]!.id));
      const later = life.entries.length;
      life.play(answers, (count) => Math.floor(random() * count));
      if (life.ending?.kind === "fail") {
        life.retry();
        life.play(answers, (count) => Math.floor(random() * count));
      }
      const isAhead = (id: string) => ahead.has(id) || ahead.has(id.slice(0, id.lastIndexOf("/")));
      for (const entry of life.entries.slice(later))
        if ("node" in entry) assert.ok(isAhead(idOfPath(entry.node)), entry.node);
    }),
    { numRuns: 500 },
  );
});

test("what is over, or in an arm that was not taken, is ahead no more; what a failure may need is", () => {
  const life = Life.of(
    drawn((input) => [
      when(
        input.flag,
        () => first.as("yes")(1),
        () => second.as("no")(1),
      ),
      attempt(
        () => first.as("try")(1),
        () => second.as("else")(1),
      ),
      second(first(input)),
    ]),
    given,
  );
  for (const node of ["when-flag", "first"]) life.answerAt(node, answering());
  const ahead = [...nodesAhead(life.state)].map((index) => life.compiled.graph.nodes[index]!.id);
  assert.deepEqual(ahead.sort(), ["attempt", "attempt/body/try", "attempt/catch/else", "second", "when-flag", "when-flag/then/yes"]); // prettier-ignore
});
