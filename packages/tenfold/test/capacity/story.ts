/** Random workflows for the simulation and the engine, whose values are the identities that luck is drawn for. */
import { drawn, identity, PURPOSE } from "../../src/capacity/model/chance.ts";
import { quantileOf, type Distribution } from "../../src/capacity/model/distribution.ts";
import type { Model } from "../../src/capacity/model/model.ts";
import type { StepContext } from "../../src/flow/definition.ts";
import { seededRandom, type Random } from "../../src/value/random.ts";
import { NOW, stepOf, untyped, workflowOf, type World } from "../engine/world.ts";

const { after, attempt, derive, each, eq, limit, repeat, sleep, when } = untyped;
export const RUNS = 12;
const KEYS = 3;

/** Of what happens at one moment in two places each of them has an order of its own: nothing does, but for what follows from one event. */
const TAKES: Distribution = { kind: "recorded", values: Array.from({ length: 4000 }, (_, nth) => exact(2 + (nth / 50) ** 1.2)) }; // prettier-ignore
const takesOf = quantileOf(TAKES);
const NAMES = ["north", "east", "south", "west"];

/** Which times since 1970 have without a rounding (ms). */
function exact(ms: number): number {
  return Math.round(ms * 1024) / 1024;
}

/** What happened to a body: when, what, of which run, where, and in which attempt. */
export type Seen = readonly [at: number, what: "begins" | "ends", run: number, path: string, attempt: number];

/** What a body is given. */
interface Given {
  readonly frame: number;
  readonly run: number;
  readonly name: string;
}

/** Where nodes are drawn: the run's identity, and that of their frame. */
interface Scope {
  readonly root: any;
  readonly frame: any;
}

const PRIORITIES = [[2, 0.4], [-1, 0.6]] as const; // prettier-ignore
const keyOf = (u: number): number => Math.floor(u * KEYS);

/** A random workflow, whose values are the identities that luck is drawn for. */
export class Story {
  readonly #random: Random;
  readonly seed: number;
  readonly fails: number;
  readonly seen: Seen[] = [];
  readonly model: Model;
  readonly flow: ReturnType<typeof workflowOf>;
  readonly #world: World;
  readonly #items: Record<string, (typeof COUNTS)[number]> = {};
  readonly #rounds: Record<string, Distribution> = {};
  readonly #arms: Record<string, Record<string, number>> = {};
  #nodes = 0;

  constructor(seed: number, world: World) {
    this.seed = seed;
    this.#world = world;
    this.#random = seededRandom(`twins ${seed}`);
    this.fails = this.#random() < 0.5 ? 0.2 : 0;
    const shared = limit("shared", {
      concurrency: 1 + this.#below(4),
      ...(this.#random() < 0.4 ? { rate: "50/s" } : {}),
    });
    const steps = NAMES.map((name) => stepOf(name, this.#body, { retry: { attempts: 1 + this.#below(5), first: "40ms", jitter: "none" }, ...this.#timedOut(), ...this.#queued(shared) })); // prettier-ignore
    const at = Array.from({ length: RUNS }, (_, nth) => exact(nth * this.#random() * 60)).sort((a, b) => a - b);
    this.flow = workflowOf("w", (input: any) => this.#draw(steps, { root: input, frame: input }, 3));
    const step = { takes: TAKES, fails: this.fails, priorities: PRIORITIES };
    this.model = {
      workflows: {
        w: {
          arrivals: { kind: "times", at },
          items: this.#byId(this.#items),
          rounds: this.#byId(this.#rounds),
          arms: this.#byId(this.#arms),
          keys: { count: KEYS, skew: 0 },
        },
      },
      steps: Object.fromEntries(NAMES.map((name) => [name, step])),
      workers: { count: 1, slots: this.#random() < 0.3 ? 3 : 1000 },
      store: null,
    };
  }

  #timedOut(): object {
    return this.#random() < 0.2 ? { timeout: "150ms" } : {};
  }

  #below(most: number): number {
    return Math.floor(this.#random() * most);
  }

  #queued(shared: unknown): object {
    if (this.#random() < 0.3) return {};
    const queue = {
      ...this.#limited(),
      ...(this.#random() < 0.4 ? { per: { key: this.#keyOf, weight: () => 1, ...this.#ordered() } } : {}),
      ...(this.#random() < 0.3 ? { limit: shared } : {}),
      ...(this.#random() < 0.3 ? { priority: this.#priorityOf } : {}),
    };
    return { queue };
  }

  #ordered(): object {
    const { concurrency: _, ...limited } = this.#limited() as { readonly concurrency?: number };
    return this.#random() < 0.3 ? { ...limited, order: "strict" } : this.#limited();
  }

  #limited(): object {
    return {
      ...(this.#random() < 0.6 ? { concurrency: 1 + this.#below(3) } : {}),
      ...(this.#random() < 0.5 ? { rate: ["20/s burst 2", "50/s burst 1", "100/s"][this.#below(3)]! } : {}),
    };
  }

  readonly #keyOf = ({ run }: Given): string => String(keyOf(drawn(run, PURPOSE.key)));

  readonly #priorityOf = ({ frame, name }: Given): number => {
    const u = drawn(identity(frame, this.#indexOf(name)), PURPOSE.priority);
    return PRIORITIES[u < PRIORITIES[0][1] ? 0 : 1][0];
  };

  /** Nodes in a scope whose frames are told apart by `frame`: each uses some of those before it. */
  #draw(steps: readonly any[], scope: Scope, depth: number): unknown {
    const made: unknown[] = [];
    for (let count = 1 + this.#below(4); count > 0; count--) {
      const uses = made.filter(() => this.#random() < 0.4);
      const name = `n${this.#nodes++}`;
      const chance = depth === 0 ? 1 : this.#random();
      if (chance < 0.15) made.push(this.#each(steps, name, scope, uses, depth));
      else if (chance < 0.3) made.push(this.#when(steps, name, scope, uses, depth));
      else if (chance < 0.36) made.push(this.#repeat(steps, name, scope, uses, depth));
      else if (chance < 0.42) made.push(this.#attempt(steps, name, scope, uses, depth));
      else if (chance < 0.48)
        made.push(after([scope.frame, ...uses], () => sleep.as(name)(`${1 + this.#below(90)}ms`)));
      else made.push(steps[this.#below(steps.length)].as(name)({ run: scope.root, frame: scope.frame, name, uses }));
    }
    return made;
  }

  #each(steps: readonly any[], name: string, { root, frame }: Scope, uses: readonly unknown[], depth: number): unknown {
    const values = COUNTS[this.#below(COUNTS.length)]!;
    const items = derive.as(`${name}-items`)(frame, uses, (of: number) => {
      const what = identity(of, this.#indexOf(name));
      return Array.from({ length: quantileOf(values)(drawn(what, PURPOSE.items)) }, (_, item) => identity(what, item));
    });
    const made = each.as(name)(items, (item: any) => this.#draw(steps, { root, frame: item }, depth - 1));
    this.#items[name] = values;
    return made;
  }

  /** A state knows its round's frame, and whether it is the last. */
  #repeat(
    steps: readonly any[],
    name: string,
    { root, frame }: Scope,
    uses: readonly unknown[],
    depth: number,
  ): unknown {
    const values = ROUNDS[this.#below(ROUNDS.length)]!;
    const state = (of: number, round: number): object => {
      const rounds = quantileOf(values)(drawn(of, PURPOSE.rounds));
      return { of, round, frame: identity(of, round), isLast: round >= rounds };
    };
    const first = derive.as(`${name}-first`)(frame, uses, (of: number) => state(identity(of, this.#indexOf(name)), 0));
    this.#rounds[name] = values;
    const round = (given: any): unknown => {
      const made = this.#draw(steps, { root, frame: given.frame }, depth - 1);
      const next = (past: { readonly of: number; readonly round: number }): object => state(past.of, past.round + 1);
      return derive.as(`${name}-next`)(given, made, next);
    };
    return repeat.as(name)(first, round, { until: (next: any) => eq(next.isLast, true), max: 9 });
  }

  /** Draws what stands in an arm of the node, whose frame is its only one. */
  #inside(steps: readonly any[], name: string, { root, frame }: Scope, uses: readonly unknown[], depth: number) {
    const frameOf = (of: number): number => identity(identity(of, this.#indexOf(name)), -1);
    const inner = derive.as(`${name}-inside`)(frame, uses, frameOf);
    return (): unknown => this.#draw(steps, { root, frame: inner }, depth - 1);
  }

  #attempt(steps: readonly any[], name: string, scope: Scope, uses: readonly unknown[], depth: number): unknown {
    const arm = this.#inside(steps, name, scope, uses, depth);
    return attempt.as(name)(arm, arm);
  }

  #when(steps: readonly any[], name: string, scope: Scope, uses: readonly unknown[], depth: number): unknown {
    const share = this.#random();
    const isThen = derive.as(`${name}-if`)(scope.frame, uses, (of: number) => {
      const arm = drawn(identity(of, this.#indexOf(name)), PURPOSE.arm);
      return arm < share;
    });
    const arm = this.#inside(steps, name, scope, [], depth);
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

  readonly #body = async ({ frame }: Given, { attempt, node, run, signal }: StepContext): Promise<null> => {
    const serial = Number(run.key);
    const index = this.flow.graph.nodes.findIndex(({ id }) => id === node.replaceAll(/\[\d+\]/g, ""));
    const luck = identity(identity(frame, index), attempt);
    this.seen.push([this.#world.time.now - NOW, "begins", serial, node, attempt]);
    const isStopped = new Promise((resolve) => signal.addEventListener("abort", resolve));
    await Promise.race([this.#world.time.wait(takesOf(drawn(luck, PURPOSE.takes))), isStopped]);
    this.seen.push([this.#world.time.now - NOW, "ends", serial, node, attempt]);
    if (drawn(luck, PURPOSE.fails) < this.fails) throw new Error("no luck");
    return null;
  };
}

const ROUNDS: readonly Distribution[] = [{ kind: "fixed", value: 1 }, { kind: "recorded", values: [1, 2, 4] }]; // prettier-ignore
const COUNTS = [
  { kind: "fixed", value: 0 },
  { kind: "recorded", values: [1, 2, 5] },
  { kind: "fixed", value: 3 },
] as const;
