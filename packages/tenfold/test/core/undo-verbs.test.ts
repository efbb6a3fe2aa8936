/**
 * Laws of random graphs to which everything happens that can: nodes and undos fail, people cancel and retry at any moment,
 * from any node, workers die and find messages, and what is late comes.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { compileGraph } from "../../src/core/compile.ts";
import { openCalled } from "../../src/core/constructs/call.ts";
import type { Command } from "../../src/core/command.ts";
import type { Entry } from "../../src/core/entry.ts";
import { keyAt, visitAllFrames } from "../../src/core/marks.ts";
import { pathOf, placeAt } from "../../src/core/path.ts";
import { reduce } from "../../src/core/reduce.ts";
import { placesFrom } from "../../src/core/retry-from.ts";
import { bornOf, type RunState } from "../../src/core/state.ts";
import { hash32 } from "../../src/value/hash.ts";
import { seededRandom, type Random } from "../../src/value/random.ts";
import { checkCounts } from "./check-counts.ts";
import { Life, type Answers, type Fate, type NodeCommand } from "./life.ts";
import { wildWorkflow } from "./wild-workflow.ts";

const answer = { n: 60, tag: "a", list: [4, 5], flag: true };
const votes = [{ by: "kim", verdict: "approved" }, { by: "lee", verdict: "approved" }] as const; // prettier-ignore
/** What nobody is shown for want of a step is for another test. */
const SHOWN = /\/show\//;
/** How often a run is retried before everything goes well. */
const TIMES = 4;
const ENTRIES_MAX = 6000;

/** One run of a random graph, and who meddles with it. */
class Meddled {
  readonly #random: Random;
  readonly #seed: number;
  readonly #undoFails: boolean;
  readonly answers: Answers;
  life: Life;
  #time = 0;
  #messages = 0;
  /** Nodes with the numbers of keys under which they were undone. */
  readonly #undone = new Set<string>();
  /** The last attempt that asked for each child; a call that was reset has another one. */
  readonly #children = new Map<string, { readonly path: string; readonly attempt: number }>();
  /** The last attempt of each call whose child was let go, or has ended. */
  readonly #over = new Map<string, number>();

  constructor(seed: number) {
    this.#seed = seed;
    this.#random = seededRandom(seed);
    this.#undoFails = this.#happens(0.5);
    const given = { undo: this.#happens(0.8), scripts: this.#happens(0.3) };
    this.life = new Life(compileGraph(wildWorkflow(this.#random, 14, given).graph), answer);
    this.answers = {
      stepOf: (path, _step, _input, attempt): Fate => {
        if (!this.#fails(path, this.#happens(0.2) ? "do" : "at first", 4)) return { output: answer };
        return { error: `${path} fails`, retryAt: attempt < 3 && this.#happens(0.3) ? 1 : null };
      },
      deriveOf: () => answer,
      childOf: (path) => (this.#fails(path, "child", 5) ? { error: "the child fails" } : { output: answer }),
      signalOf: () => answer,
      votesOf: () => votes,
      undoOf: (path, _input, _output, attempt): Fate => {
        if (this.#undoFails && this.#fails(path, "undo", 4)) return { error: "not undone" };
        return attempt === 1 && this.#fails(path, "late", 3) ? { error: "later", retryAt: 1 } : { output: null };
      },
    };
  }

  get #isMended(): boolean {
    return this.#time >= TIMES;
  }

  get hasScripts(): boolean {
    return this.life.compiled.graph.nodes.some(({ kind }) => kind === "script");
  }

  #happens(share: number): boolean {
    return this.#random() < share;
  }

  #pick<T>(items: readonly T[]): T {
    return items[Math.floor(this.#random() * items.length)]!;
  }

  #fails(path: string, what: string, share: number): boolean {
    if (this.#isMended || SHOWN.test(path)) return false;
    const time = what === "at first" ? 0 : this.#time;
    return hash32(`${this.#seed} ${what} ${time} ${path}`) % share === 0;
  }

  /** Lives on until the run has ended, and retries it, until it has completed, or nothing could be the matter any more. */
  toItsEnd(): void {
    for (; this.#time <= TIMES; this.#time++) {
      this.#toRest();
      const { ending, state } = this.life;
      assert.ok(ending !== undefined, "a run of which nothing is open has ended");
      for (const [child, { path, attempt }] of this.#children)
        assert.ok((this.#over.get(path) ?? 0) >= attempt, `the child of ${child} has ended, or was let go`);
      if (ending.kind === "finish") return;
      if (!this.#isMended) this.life.retry(this.#message(), this.#howRetried(state));
    }
  }

  #toRest(): void {
    for (;;) {
      this.#look();
      if (this.life.open.length === 0) return;
      assert.ok(this.life.entries.length < ENTRIES_MAX, "it comes to its end");
      const chance = this.#random();
      if (this.#isMended || chance < 0.85) this.#goOn();
      else if (chance < 0.87) this.life.cancel(this.#message(), this.#happens(0.5) ? { undo: true } : {});
      else if (chance < 0.89) this.life.retry(this.#message());
      else if (chance < 0.92) this.#returnLate();
      else this.#die();
      // Whoever drives a run stops at once what is to be stopped.
      const isStopped = ({ kind }: NodeCommand) => kind === "abandon";
      for (let stop = this.life.open.find(isStopped); stop !== undefined; stop = this.life.open.find(isStopped))
        this.life.answer(stop, this.answers);
    }
  }

  #look(): void {
    checkCounts(this.life.state);
    this.#noteChildren();
    if (!this.#happens(this.#isMended ? 0.5 : 0.15)) return;
    const loaded = this.life.reloaded();
    assert.deepEqual(loaded.asked, this.life.asked);
    assert.deepEqual(loaded.ending, this.life.ending);
    if (this.#happens(0.3)) this.life = loaded;
  }

  #noteChildren(): void {
    const { open, entries, disowned } = this.life;
    for (const command of open) {
      if (command.kind !== "call") continue;
      const path = this.life.pathOf(command.place);
      const { generation } = bornOf(command.place.frame, command.place.node.local);
      this.#children.set(`${path} #${generation}`, { path, attempt: command.attempt });
    }
    for (const text of disowned) this.#isOver(text);
    for (const entry of entries) if (entry.kind === "returned") this.#isOver(`${entry.node} ${entry.attempt}`);
  }

  #isOver(call: string): void {
    const [path, attempt] = call.split(" ") as [string, string];
    this.#over.set(path, Math.max(Number(attempt), this.#over.get(path) ?? 0));
  }

  #goOn(): void {
    // Most of what sleeps is there yet when the rest has come to its end.
    const awake = this.life.open.filter(({ kind }) => kind !== "sleep");
    const command = this.#pick(awake.length > 0 && this.#happens(0.8) ? awake : this.life.open);
    const path = this.life.pathOf(command.place);
    const key = `${path} #${keyAt(this.life.state, path, command.place)}`;
    if (command.kind === "execute") assert.ok(!this.#undone.has(key), `${key} was undone, and is not done again`);
    this.life.answer(command, this.answers);
    if (command.kind === "undo" && this.life.entries.at(-1)!.kind === "undone") this.#undone.add(key);
  }

  /** What comes of a child that nobody waits for any more changes nothing. */
  #returnLate(): void {
    const known = [...this.#children.values()];
    if (known.length === 0) return this.#goOn();
    const { path, attempt } = this.#pick(known);
    const place = placeAt(this.life.state, path);
    if (place !== undefined && openCalled(place)?.attempt === attempt) return this.#goOn();
    const { asked } = this.life;
    this.life.returns(path, attempt, { output: 13 }, this.#message());
    assert.deepEqual(this.life.asked, asked);
  }

  /** Its worker dies; whoever takes the run finds messages. */
  #die(): void {
    const { compiled, entries, at } = this.life;
    let { state } = this.life.reloaded();
    const found: Entry[] = [];
    for (let count = Math.floor(this.#random() * 3); count >= 0; count--) {
      const line = { at: at + 1, message: this.#message() };
      const entry: Entry = this.#happens(0.4)
        ? { ...line, kind: "cancelled", reason: "no longer wanted", ...(this.#happens(0.5) ? { undo: true } : {}) }
        : { ...line, kind: "retried", ...this.#howRetried(state) };
      found.push(entry);
      const taken: Command[] = [];
      reduce(state, entry, taken);
      for (const command of taken)
        if (command.kind === "disown") this.#isOver(`${this.life.pathOf(command.place)} ${command.attempt}`);
      ({ state } = new Life(compiled, answer, [...entries, ...found]));
    }
    this.life = new Life(compiled, answer, [...entries, ...found]);
    this.life.at = at + 1;
  }

  #message(): string {
    return `told ${this.#messages++}`;
  }

  #howRetried(state: RunState): { from?: string; newKeys?: true } {
    const { compiled } = state;
    const paths: string[] = [];
    visitAllFrames(state.root, (frame) => {
      if (frame.scope.index >= 0) paths.push(...frame.scope.nodes.map((node) => pathOf(compiled, frame, node)));
    });
    const from = this.#pick(this.#happens(0.5) ? compiled.graph.nodes.map(({ id }) => id) : paths);
    const isNamed = this.#happens(0.6) && placesFrom(state, from).problem === null;
    return { ...(isNamed ? { from } : {}), ...(this.#happens(0.3) ? { newKeys: true } : {}) };
  }
}

test("whatever fails, whoever meddles, and whenever: it ends, loaded anew it is the same, no child is left, no key is used after its undo", () => {
  let retried = 0;
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 1_000_000_000 }), (seed) => {
      const run = new Meddled(seed);
      run.toItsEnd();
      if (run.life.entries.some(({ kind }) => kind === "retried")) retried++;
      // What a script had gone on from stays failed.
      if (!run.hasScripts) assert.equal(run.life.ending?.kind, "finish");
    }),
    { numRuns: Number(process.env["RUNS"] ?? 500) },
  );
  assert.ok(retried > 100, `${retried}`);
});
