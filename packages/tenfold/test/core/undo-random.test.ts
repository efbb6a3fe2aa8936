/** Laws of undoing and of going on from a node, for random graphs that fail anywhere and are retried. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { compileGraph } from "../../src/core/compile.ts";
import { placesFrom } from "../../src/core/retry-from.ts";
import { canonicalJson, type Json } from "../../src/value/json.ts";
import { hash32 } from "../../src/value/hash.ts";
import { seededRandom, type Random } from "../../src/value/random.ts";
import { Life, type Answers, type Fate } from "./life.ts";
import { Effects, idOf, ownersOf, usesIn } from "./undone.ts";
import { wildWorkflow } from "./wild-workflow.ts";

const answer = { n: 60, tag: "a", list: [4, 5], flag: true };
const votes = [{ by: "kim", verdict: "approved" }, { by: "lee", verdict: "approved" }] as const; // prettier-ignore
const well: Answers = {
  stepOf: () => ({ output: answer }),
  deriveOf: () => answer,
  childOf: () => ({ output: answer }),
  signalOf: () => answer,
  votesOf: () => votes,
};
const seeds = fc.integer({ min: 1, max: 1_000_000_000 });
const orderOf = (random: Random) => (count: number) => Math.floor(random() * count);
const NEVER_SHOWN = /\/show\//;

/** Steps fail for good here and there, and undos once in a while, until `isMended`. */
function failing(seed: number, given: { undoFails: boolean }): Answers & { isMended: boolean } {
  const fails = (path: string, what: string, share: number) =>
    !answers.isMended && !NEVER_SHOWN.test(path) && hash32(`${seed} ${what} ${path}`) % share === 0;
  const answers: Answers & { isMended: boolean } = {
    ...well,
    isMended: false,
    stepOf: (path): Fate => (fails(path, "do", 7) ? { error: `${path} fails` } : { output: answer }),
    undoOf: (path, _input, _output, attempt): Fate => {
      if (given.undoFails && fails(path, "undo", 4)) return { error: "not undone" };
      return attempt === 1 && fails(path, "late", 3) ? { error: "later", retryAt: 1 } : { output: null };
    },
  };
  return answers;
}

interface Played {
  readonly life: Life;
  readonly effects: Effects;
  readonly random: Random;
  readonly answers: ReturnType<typeof failing>;
}

/** Lives through a random graph; half of the time it is loaded anew between. */
function played(seed: number, given: { undoFails: boolean }): Played {
  const random = seededRandom(seed);
  const compiled = compileGraph(wildWorkflow(random, 14, { undo: true, scripts: false }).graph);
  const answers = failing(seed, given);
  const life = goOn(new Life(compiled, answer), answers, random);
  const effects = new Effects(compiled.graph);
  for (const entry of life.entries) effects.see(entry);
  return { life, effects, random, answers };
}

function goOn(from: Life, answers: Answers, random: Random): Life {
  let life = from;
  const order = orderOf(random);
  while (life.open.length > 0) {
    assert.ok(life.entries.length < 5000, "it comes to its end");
    life.answer(life.open[order(life.open.length)]!, answers);
    if (random() < 0.1) life = life.reloaded();
  }
  return life;
}

const doneIn = (life: Life, from = 0) =>
  life.entries.slice(from).flatMap((entry) => (entry.kind === "done" && entry.attempt > 0 ? [entry.node] : []));

test("a run that fails has undone all that it did, what used a result before what made it, each once; one that ends well has not", () => {
  let failures = 0;
  fc.assert(
    fc.property(seeds, (seed) => {
      const { life, effects } = played(seed, { undoFails: false });
      assert.deepEqual(effects.violations, []);
      if (life.ending?.kind !== "fail") return;
      failures++;
      assert.deepEqual([...effects.standing], []);
      const undone = life.entries.filter(({ kind }) => kind === "undone").length;
      assert.ok((life.ending.error.undo?.undone ?? 0) <= undone);
      assert.deepEqual(life.reloaded().endings, life.endings);
    }),
    { numRuns: Number(process.env["RUNS"] ?? 800) },
  );
  assert.ok(failures > 100, `${failures}`);
});

test("loaded at any moment of its undoing, a run asks for what was left open, and waits for the same", () => {
  fc.assert(
    fc.property(seeds, (seed) => {
      const random = seededRandom(seed);
      const answers = failing(seed, { undoFails: random() < 0.5 });
      const life = new Life(compileGraph(wildWorkflow(random, 12, { undo: true }).graph), answer);
      const order = orderOf(random);
      for (let round = 0; round < 3; round++) {
        for (;;) {
          const loaded = life.reloaded();
          assert.deepEqual(loaded.asked, life.asked);
          assert.deepEqual(loaded.ending, life.ending);
          if (life.open.length === 0) break;
          assert.ok(life.entries.length < 2000, "it comes to its end");
          if (random() < 0.02) life.cancel(`c${life.entries.length}`, random() < 0.5 ? { undo: true } : {});
          else life.answer(life.open[order(life.open.length)]!, answers);
        }
        if (life.ending?.kind !== "fail" && life.ending?.kind !== "cancel") return;
        const done = doneIn(life);
        const from = done[Math.floor(random() * done.length)];
        const isNamed = random() < 0.5 && from !== undefined && placesFrom(life.state, from).problem === null;
        life.retry(`r${round}`, { ...(isNamed ? { from } : {}), ...(random() < 0.3 ? { newKeys: true } : {}) });
      }
    }),
    { numRuns: Number(process.env["RUNS"] ?? 250) },
  );
});

/** Which nodes were done again, with what was reset to have them so. */
function checkDoneAgain(life: Life, before: number, mayBe: (path: string) => boolean): void {
  const first = new Set(doneIn(life).slice(0, doneIn(life).length - doneIn(life, before).length));
  for (const node of doneIn(life, before)) assert.ok(!first.has(node) || mayBe(node), `${node} is computed again`);
}

test("retried, a run does again what was undone and what depends on it, nothing else, and comes to what an undisturbed one does", () => {
  let retried = 0;
  fc.assert(
    fc.property(seeds, (seed) => {
      const { life, random, answers } = played(seed, { undoFails: false });
      if (life.ending?.kind !== "fail") return;
      retried++;
      const undone = life.entries.flatMap((entry) => (entry.kind === "undone" ? [entry.node] : []));
      const uses = usesIn(life.compiled.graph);
      const before = life.entries.length;
      answers.isMended = true;
      life.retry();
      const again = goOn(life.reloaded(), answers, random);
      assert.equal(again.ending?.kind, "finish");
      // An attempt that has gone on to its handler, and items that are not kept, begin anew with all that is in them.
      const { nodes } = life.compiled.graph;
      const insideOf = (id: string) =>
        nodes.filter((inner) => ownersOf(inner.id).includes(id)).map((inner) => inner.id);
      const holdsUndo = (id: string) => nodes.some((node) => node.kind === "step" && node.undo === true && ownersOf(node.id).includes(id)); // prettier-ignore
      const isWhole = (id: string) =>
        nodes.some((node) => node.id === id && (node.kind === "attempt" || !holdsUndo(id)));
      const isCaught = (node: string) => ownersOf(node).filter(isWhole).some((id) => [id, ...insideOf(id)].some((inner) => undone.some((other) => inner === idOf(other) || uses(inner, idOf(other))))); // prettier-ignore
      checkDoneAgain(again, before, (node) => isCaught(node) || undone.some((other) => other === node || uses(node, other))); // prettier-ignore
      const whole = new Life(life.compiled, answer).play(well);
      if (!catches(again)) assert.deepEqual(again.ending, whole.ending);
    }),
    { numRuns: Number(process.env["RUNS"] ?? 800) },
  );
  assert.ok(retried > 100, `${retried}`);
});

function catches(life: Life): boolean {
  return life.compiled.graph.nodes.some(({ kind }) => kind === "attempt" || kind === "each");
}

test("what could not be undone is undone first by a retry, and then the run goes on", () => {
  let stuck = 0;
  fc.assert(
    fc.property(seeds, (seed) => {
      const { life, random, answers, effects } = played(seed, { undoFails: true });
      assert.deepEqual(effects.violations.filter((text) => !text.includes("is undone before")), []); // prettier-ignore
      if (life.ending?.kind !== "fail" || (life.ending.error.undo?.failed ?? 0) === 0) return;
      stuck++;
      const before = life.entries.length;
      answers.isMended = true;
      life.retry();
      for (const command of life.open) assert.ok(["undo", "sleep"].includes(command.kind));
      const again = goOn(life.reloaded(), answers, random);
      assert.equal(again.ending?.kind, "finish");
      for (const entry of again.entries.slice(before)) effects.see(entry);
      assert.deepEqual(effects.violations.filter((text) => !text.includes("is undone before")), []); // prettier-ignore
    }),
    { numRuns: Number(process.env["RUNS"] ?? 800) },
  );
  assert.ok(stuck > 50, `${stuck}`);
});

test("from a node on, all that depends on it is done again, and nothing else that was done", () => {
  let gone = 0;
  fc.assert(
    fc.property(seeds, fc.boolean(), (seed, hasUndo) => {
      const random = seededRandom(seed);
      const compiled = compileGraph(wildWorkflow(random, 14, { undo: hasUndo, scripts: false }).graph);
      const answers = failing(seed, { undoFails: false });
      const life = goOn(new Life(compiled, answer), answers, random);
      if (life.ending?.kind !== "fail") return;
      const done = [...new Set(doneIn(life))];
      const from = done[Math.floor(random() * done.length)];
      if (from === undefined) return;
      const { problem } = placesFrom(life.state, from);
      if (problem !== null) {
        assert.match(problem.message, /not kept|never came|only shows|is a call of the script/);
        return;
      }
      gone++;
      const undone = life.entries.flatMap((entry) => (entry.kind === "undone" ? [entry.node] : []));
      const uses = usesIn(compiled.graph);
      const before = life.entries.length;
      answers.isMended = true;
      life.retry("from", { from });
      const again = goOn(life.reloaded(), answers, random);
      assert.equal(again.ending?.kind, "finish", canonicalJson((again.ending ?? null) as Json));
      const seedsOfIt = [from, ...undone];
      // Where what is inside of a construct is not kept, all of it is done again.
      const concerned = life.compiled.graph.nodes.filter(({ id }) => seedsOfIt.some((other) => uses(id, idOf(other))));
      const mayBe = new Set(concerned.flatMap(({ id }) => [id, ...ownersOf(id)]));
      const isConcerned = (node: string) => [idOf(node), ...ownersOf(node)].some((id) => mayBe.has(id));
      checkDoneAgain(again, before, (node) => seedsOfIt.includes(node) || isConcerned(node));
      if (!catches(again)) assert.ok(doneIn(again, before).includes(from), `${from} was to be done again`);
    }),
    { numRuns: Number(process.env["RUNS"] ?? 800) },
  );
  assert.ok(gone > 100, `${gone}`);
});
