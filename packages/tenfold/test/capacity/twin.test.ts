/**
 * The simulation and the engine are twins: with the same luck each body begins and ends in both at the same times. The engine runs in
 * virtual time on the store in memory; its bodies take, fail and answer what the simulation draws for them.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { drawn, identity, PURPOSE } from "../../src/capacity/model/chance.ts";
import { quantileOf, type Distribution } from "../../src/capacity/model/distribution.ts";
import type { Model } from "../../src/capacity/model/model.ts";
import type { SimulatedAttempt } from "../../src/capacity/simulator/simulated-attempt.ts";
import { Simulation } from "../../src/capacity/simulator/simulation.ts";
import { worldOf } from "../../src/capacity/simulator/world.ts";
import { pathOf } from "../../src/core/path.ts";
import type { StepContext } from "../../src/flow/definition.ts";
import { seededRandom, type Random } from "../../src/value/random.ts";
import { allCompleted, MINUTE, NOW, stepOf, untyped, workflowOf, World } from "../engine/world.ts";

const { derive, each, when } = untyped;
const GRAPHS = 60;
const RUNS = 12;
/** Of what happens at one moment in two places each of them has an order of its own: nothing does, but for what follows from one event. */
const TAKES: Distribution = { kind: "recorded", values: Array.from({ length: 4000 }, (_, nth) => exact(2 + (nth / 50) ** 1.2)) }; // prettier-ignore
const takesOf = quantileOf(TAKES);
const NAMES = ["north", "east", "south", "west"];

/** Which times since 1970 have without a rounding (ms). */
function exact(ms: number): number {
  return Math.round(ms * 1024) / 1024;
}

/** What happened to a body: when, what, of which run, where, and in which attempt. */
type Seen = readonly [at: number, what: "begins" | "ends", run: number, path: string, attempt: number];

/** A random workflow, whose values are the identities that luck is drawn for. */
class Story {
  readonly #random: Random;
  readonly seed: number;
  readonly fails: number;
  readonly seen: Seen[] = [];
  readonly model: Model;
  readonly flow: ReturnType<typeof workflowOf>;
  readonly #world: World;
  readonly #items: Record<string, (typeof COUNTS)[number]> = {};
  readonly #arms: Record<string, Record<string, number>> = {};
  #nodes = 0;

  constructor(seed: number, world: World) {
    this.seed = seed;
    this.#world = world;
    this.#random = seededRandom(`twins ${seed}`);
    this.fails = this.#random() < 0.5 ? 0.2 : 0;
    const steps = NAMES.map((name) => stepOf(name, this.#body, { retry: { attempts: 9, first: "40ms", jitter: "none" }, ...this.#queued() })); // prettier-ignore
    const at = Array.from({ length: RUNS }, (_, nth) => exact(nth * this.#random() * 60)).sort((a, b) => a - b);
    this.flow = workflowOf("w", (input: any) => this.#draw(steps, input, 3));
    const step = { takes: TAKES, fails: this.fails };
    this.model = {
      workflows: {
        w: { arrivals: { kind: "times", at }, items: this.#byId(this.#items), arms: this.#byId(this.#arms) },
      },
      steps: Object.fromEntries(NAMES.map((name) => [name, step])),
      workers: { count: 1, slots: this.#random() < 0.3 ? 3 : 1000 },
      store: null,
    };
  }

  #below(most: number): number {
    return Math.floor(this.#random() * most);
  }

  #queued(): object {
    if (this.#random() < 0.3) return {};
    const limit = (): object => ({
      ...(this.#random() < 0.6 ? { concurrency: 1 + this.#below(3) } : {}),
      ...(this.#random() < 0.5 ? { rate: ["20/s burst 2", "50/s burst 1", "100/s"][this.#below(3)]! } : {}),
    });
    return { queue: limit() };
  }

  /** Nodes in a scope whose frames are told apart by `frame`: each uses some of those before it. */
  #draw(steps: readonly any[], frame: any, depth: number): unknown {
    const made: unknown[] = [];
    for (let count = 1 + this.#below(4); count > 0; count--) {
      const uses = made.filter(() => this.#random() < 0.4);
      const name = `n${this.#nodes++}`;
      const chance = depth === 0 ? 1 : this.#random();
      if (chance < 0.15) made.push(this.#each(steps, name, frame, uses, depth));
      else if (chance < 0.3) made.push(this.#when(steps, name, frame, uses, depth));
      else made.push(steps[this.#below(steps.length)].as(name)({ frame, uses }));
    }
    return made;
  }

  #each(steps: readonly any[], name: string, frame: any, uses: readonly unknown[], depth: number): unknown {
    const values = COUNTS[this.#below(COUNTS.length)]!;
    const items = derive.as(`${name}-items`)(frame, uses, (of: number) => {
      const what = identity(of, this.#indexOf(name));
      return Array.from({ length: quantileOf(values)(drawn(what, PURPOSE.items)) }, (_, item) => identity(what, item));
    });
    const made = each.as(name)(items, (item: any) => this.#draw(steps, item, depth - 1));
    this.#items[name] = values;
    return made;
  }

  #when(steps: readonly any[], name: string, frame: any, uses: readonly unknown[], depth: number): unknown {
    const share = this.#random();
    const isThen = derive.as(`${name}-if`)(frame, uses, (of: number) => {
      const arm = drawn(identity(of, this.#indexOf(name)), PURPOSE.arm);
      return arm < share;
    });
    const inside = derive.as(`${name}-inside`)(frame, (of: number) => identity(identity(of, this.#indexOf(name)), -1));
    const arm = () => this.#draw(steps, inside, depth - 1);
    const made = when.as(name)(isThen, arm, arm);
    this.#arms[name] = { then: share, otherwise: 1 - share };
    return made;
  }

  /** By the ids that nodes have once the graph is drawn. */
  #byId<T>(byName: Readonly<Record<string, T>>): Readonly<Record<string, T>> {
    return Object.fromEntries(
      Object.entries(byName).map(([name, of]) => [this.flow.graph.nodes[this.#indexOf(name)]!.id, of]),
    );
  }

  #indexOf(name: string): number {
    return this.flow.graph.nodes.findIndex(({ id }) => id === name || id.endsWith(`/${name}`));
  }

  readonly #body = async ({ frame }: { frame: number }, { attempt, node, run }: StepContext): Promise<null> => {
    const serial = Number(run.key);
    const index = this.flow.graph.nodes.findIndex(({ id }) => id === node.replaceAll(/\[\d+\]/g, ""));
    const luck = identity(identity(frame, index), attempt);
    this.seen.push([this.#world.time.now - NOW, "begins", serial, node, attempt]);
    await this.#world.time.wait(takesOf(drawn(luck, PURPOSE.takes)));
    this.seen.push([this.#world.time.now - NOW, "ends", serial, node, attempt]);
    if (drawn(luck, PURPOSE.fails) < this.fails) throw new Error("no luck");
    return null;
  };
}

const COUNTS = [
  { kind: "fixed", value: 0 },
  { kind: "recorded", values: [1, 2, 5] },
  { kind: "fixed", value: 3 },
] as const;

/** What the engine does with it. */
async function lived(story: Story, world: World): Promise<readonly Seen[]> {
  const { slots } = story.model.workers;
  const opened = await world.open([story.flow], { slots });
  const { arrivals } = story.model.workflows["w"]!;
  assert.ok(arrivals?.kind === "times");
  const begin = identity(story.seed, 0);
  for (const [serial, at] of arrivals.at.entries()) {
    await world.time.pass(NOW + at);
    await world.happens(opened.tenfold.start(story.flow, identity(begin, serial), { key: String(serial) }));
  }
  await allCompleted(world, 60 * MINUTE);
  return story.seen;
}

function simulated(story: Story): readonly Seen[] {
  const seen: Seen[] = [];
  const note = (what: "begins" | "ends", { run, place, number }: SimulatedAttempt): void => {
    const path = pathOf(run.workflow.compiled, place.frame, place.node);
    seen.push([simulation.now, what, run.serial, path, number]);
  };
  const nothing = (): void => {};
  const simulation: Simulation = new Simulation(worldOf([story.flow], story.model), story.seed, {
    ...{ came: nothing, asked: nothing, ended: nothing },
    began: (attempt) => note("begins", attempt),
    settled: (attempt) => note("ends", attempt),
  });
  simulation.runUntil(Infinity);
  return seen;
}

function inOrder(seen: readonly Seen[]): readonly string[] {
  const lines = seen.map(
    ([at, what, run, path, attempt]) => `${at.toFixed(4).padStart(12)} ${what} ${run} ${path} ${attempt}`,
  );
  return lines.sort();
}

test("each body begins and ends in the engine when it does in the simulation, whatever the graph, its limits and its luck", async () => {
  let bodies = 0;
  for (let seed = 0; seed < GRAPHS; seed++) {
    const world = new World();
    const story = new Story(seed, world);
    const real = inOrder(await lived(story, world));
    assert.deepEqual(inOrder(simulated(story)), real, `seed ${seed}`);
    bodies += real.length / 2;
  }
  assert.ok(bodies > 20 * GRAPHS, `${bodies} bodies`);
});
