/**
 * Lines whose answer is known in closed form, drawn as workflows and simulated. Each is within four standard errors of the theory, by
 * independent seeds: a wrong rule is off by more, chance by less, but for one time in 15,000.
 * Sources: L. Kleinrock, "Queueing Systems" I (1975), for those without a name beside them.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { drawn, identity, PURPOSE } from "../../src/capacity/model/chance.ts";
import type { Distribution } from "../../src/capacity/model/distribution.ts";
import type { Arrivals, Model, StepModel } from "../../src/capacity/model/model.ts";
import type { SimulatedRun } from "../../src/capacity/simulator/simulated-run.ts";
import { Simulation, type Watch } from "../../src/capacity/simulator/simulation.ts";
import { worldOf } from "../../src/capacity/simulator/world.ts";
import { stepOf, workflowOf } from "../engine/world.ts";

const SEEDS = 8;
const RUNS = 30_000;
/** Of these nothing is counted: they came to lines that were empty. */
const WARM_UP = 0.2;

const nothing = (): void => {};

/** How long runs take, in the mean of each seed. */
class Responses implements Watch {
  readonly asked = nothing;
  readonly began = nothing;
  readonly settled = nothing;
  readonly came = nothing;
  readonly #sums: number[] = [];
  readonly #counts: number[] = [];
  readonly #now: () => number;
  readonly #from: number;
  readonly #classOf: (run: SimulatedRun) => number;

  constructor(now: () => number, from: number, classOf: (run: SimulatedRun) => number) {
    this.#now = now;
    this.#from = from;
    this.#classOf = classOf;
  }

  ended(run: SimulatedRun): void {
    if (run.serial < this.#from) return;
    const of = this.#classOf(run);
    this.#sums[of] = (this.#sums[of] ?? 0) + this.#now() - run.cameAt;
    this.#counts[of] = (this.#counts[of] ?? 0) + 1;
  }

  mean(of: number): number {
    return this.#sums[of]! / this.#counts[of]!;
  }
}

interface Asked {
  readonly flow: ReturnType<typeof workflowOf>;
  readonly arrivals: Arrivals;
  readonly steps: Readonly<Record<string, StepModel>>;
  readonly of?: Partial<Model["workflows"][string]>;
  readonly classOf?: (run: SimulatedRun) => number;
}

/** The mean time of a run of each seed. */
function means(
  { flow, arrivals, steps, of = {}, classOf = () => 0 }: Asked,
  classes = 1,
): readonly (readonly number[])[] {
  const workers = { count: 1, slots: Number.MAX_SAFE_INTEGER };
  const world = worldOf([flow], { workflows: { [flow.name]: { arrivals, ...of } }, steps, workers, store: null });
  const all = Array.from({ length: SEEDS }, (_, seed) => {
    const from = RUNS * WARM_UP;
    const watch = new Responses(() => simulation.now, from, classOf);
    const simulation: Simulation = new Simulation(world, 1000 + seed, watch);
    while (simulation.comers < RUNS) simulation.runUntil(simulation.agenda.nextAt);
    simulation.closeSources();
    simulation.runUntil(Infinity);
    return Array.from({ length: classes }, (_, each) => watch.mean(each));
  });
  return Array.from({ length: classes }, (_, each) => all.map((ofSeed) => ofSeed[each]!));
}

function isAbout(found: readonly number[], theory: number, what: string): void {
  const mean = found.reduce((sum, value) => sum + value, 0) / found.length;
  const variance = found.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (found.length - 1);
  const error = Math.sqrt(variance / found.length);
  const said = `${what}: ${mean.toFixed(4)}, in theory ${theory.toFixed(4)}, standard error ${error.toFixed(4)}`;
  assert.ok(Math.abs(mean - theory) <= 4 * error + 1e-9 * theory, said);
  assert.ok(error < 0.05 * theory, `${said}: too much chance to tell anything`);
}

const EXPONENTIAL: Distribution = { kind: "exponential", mean: 1000 };
const ONCE = { retry: { attempts: 1 } };
const poisson = (perSecond: number): Arrivals => ({ kind: "poisson", perSecond });

/** One step behind a queue. */
function line(queue: object, takes: Distribution, perSecond: number): Asked {
  const step = stepOf("s", nothing, { ...ONCE, queue });
  return { flow: workflowOf("w", (n) => step(n)), arrivals: poisson(perSecond), steps: { s: { takes } } };
}

/** The chance to wait before c servers at a load of a erlangs (Erlang C). */
function erlangC(c: number, a: number): number {
  let inverse = 1;
  for (let servers = 1; servers <= c; servers++) inverse = 1 + (servers / a) * inverse;
  const blocked = 1 / inverse;
  return blocked / (1 - (a / c) * (1 - blocked));
}

test("M/M/1: the mean time is 1 / (1 - load)", () => {
  for (const load of [0.5, 0.8]) {
    isAbout(means(line({ concurrency: 1 }, EXPONENTIAL, load))[0]!, 1000 / (1 - load), `load ${load}`);
  }
});

test("M/M/c waits as Erlang C says", () => {
  for (const [c, load] of [
    [2, 0.8],
    [8, 0.9],
    [64, 0.8],
  ] as const) {
    const wait = (erlangC(c, c * load) * 1000) / (c * (1 - load));
    isAbout(means(line({ concurrency: c }, EXPONENTIAL, c * load))[0]!, 1000 + wait, `c ${c}`);
  }
});

test("M/D/1 and M/G/1 wait as Pollaczek and Khinchine say", () => {
  const load = 0.8;
  // One in five takes nine times as long as the others: the squared coefficient of variation is 4.
  const [short, long] = [1000 / 3, 1000 * (1 / 3 + 10 / 3)];
  const varied: Distribution = { kind: "recorded", values: [short, short, short, short, long] };
  const scv = ((4 * short ** 2 + long ** 2) / 5 - 1e6) / 1e6;
  for (const [takes, variation] of [
    [{ kind: "fixed", value: 1000 }, 0],
    [varied, scv],
  ] as const) {
    const mean = variation === 0 ? 1000 : (4 * short + long) / 5;
    const wait = (load * mean * (1 + variation)) / (2 * (1 - load));
    isAbout(means(line({ concurrency: 1 }, takes, (load * 1000) / mean))[0]!, mean + wait, `variation ${variation}`);
  }
});

test("a rate is M/D/1 without a time of its own", () => {
  // An hour for a second: what is rounded to a millisecond does not count.
  const load = 0.8;
  const asked = line({ rate: "1/h burst 1" }, { kind: "fixed", value: 0 }, load / 3600);
  isAbout(means(asked)[0]!, (3_600_000 * load) / (2 * (1 - load)), "a token bucket");
});

test("without a limit a run takes what its bodies take, whatever comes", () => {
  for (const takes of [EXPONENTIAL, { kind: "lognormal", p50: 500, p95: 2000 }] as const) {
    const step = stepOf("s", nothing, ONCE);
    const asked: Asked = { flow: workflowOf("w", (n) => step(n)), arrivals: poisson(20), steps: { s: { takes } } };
    const sigma = takes.kind === "lognormal" ? Math.log(4) / 1.6448536 : 0;
    isAbout(means(asked)[0]!, takes.kind === "lognormal" ? 500 * Math.exp(sigma ** 2 / 2) : 1000, takes.kind);
  }
});

test("three lines in a row are as three lines each for itself (J. Jackson, 1957)", () => {
  const names = ["a", "b", "c"];
  const steps = names.map((name) => stepOf(name, nothing, { ...ONCE, queue: { concurrency: 1 } }));
  const flow = workflowOf("w", (n) => steps.reduce((given: unknown, step) => step(given), n));
  const model = Object.fromEntries(names.map((name, nth) => [name, { takes: { kind: "exponential", mean: 1000 - 200 * nth } as const }])); // prettier-ignore
  const theory = [0, 1, 2].reduce((sum, nth) => sum + 1000 / (1 / (1 - 0.2 * nth) - 0.7), 0);
  isAbout(means({ flow, arrivals: poisson(0.7), steps: model })[0]!, theory, "a tandem");
});

test("one that is to be done again comes again: the load is that of all attempts", () => {
  const step = stepOf("s", nothing, { retry: { attempts: 1000, first: 0, jitter: "none" }, queue: { concurrency: 1 } });
  const flow = workflowOf("w", (n) => step(n));
  const steps = { s: { takes: { kind: "exponential", mean: 800 }, fails: 0.2 } } as const;
  // Load 0.64 / 0.8; a visit more for every fourth.
  isAbout(means({ flow, arrivals: poisson(0.8), steps })[0]!, 1000 / (1 - 0.8), "feedback");
});

test("a fork into two lines joins after (12 - load) / 8 of the time of one (L. Flatto, S. Hahn, 1984)", () => {
  const load = 0.7;
  const [a, b] = ["a", "b"].map((name) => stepOf(name, nothing, { ...ONCE, queue: { concurrency: 1 } })) as [any, any];
  const flow = workflowOf("w", (n) => ({ a: a(n), b: b(n) }));
  const steps = { a: { takes: EXPONENTIAL }, b: { takes: EXPONENTIAL } };
  isAbout(
    means({ flow, arrivals: poisson(load), steps })[0]!,
    (((12 - load) / 8) * 1000) / (1 - load),
    "fork and join",
  );
});

test("those of a higher priority wait as if there were no others (A. Cobham, 1954)", () => {
  const [high, low] = [0.3, 0.5];
  // In thousandths of a second, beside which a class of priority is a long time.
  const takes = { kind: "exponential", mean: 1 } as const;
  const share = high / (high + low);
  const priorities = [[4, share], [-4, 1 - share]] as const; // prettier-ignore
  const asked: Asked = {
    ...line({ concurrency: 1, priority: () => 0 }, takes, (high + low) * 1000),
    steps: { s: { takes, priorities } },
    classOf: (run) => (drawn(identity(run.identity, 1), PURPOSE.priority) < share ? 0 : 1),
  };
  const residual = high + low;
  const [ofHigh, ofLow] = means(asked, 2);
  isAbout(ofHigh!, 1 + residual / (1 - high), "high");
  isAbout(ofLow!, 1 + residual / ((1 - high) * (1 - high - low)), "low");
});

test("so many runs at a time, between two lines, come to what mean value analysis says (M. Reiser, S. Lavenberg, 1980)", () => {
  const [a, b] = [1000, 600];
  const [first, second] = ["a", "b"].map((name) => stepOf(name, nothing, { ...ONCE, queue: { concurrency: 1 } })) as [
    any,
    any,
  ];
  const flow = workflowOf("w", (n) => second(first(n)));
  const steps = { a: { takes: EXPONENTIAL }, b: { takes: { kind: "exponential", mean: b } as const } };
  let [atA, atB, response] = [0, 0, 0];
  for (let runs = 1; runs <= 6; runs++) {
    const [inA, inB] = [a * (1 + atA), b * (1 + atB)];
    response = inA + inB;
    [atA, atB] = [(runs * inA) / response, (runs * inB) / response];
  }
  const arrivals: Arrivals = { kind: "closed", runs: 6, pause: { kind: "fixed", value: 0 } };
  isAbout(means({ flow, arrivals, steps })[0]!, response, "a closed circle");
});

test("what comes evenly and takes less than there is between two waits for nothing, to the last bit", () => {
  const step = stepOf("s", nothing, { ...ONCE, queue: { concurrency: 1 } });
  const asked: Asked = { flow: workflowOf("w", (n) => step(n)), arrivals: { kind: "even", perSecond: 1 }, steps: { s: { takes: { kind: "fixed", value: 999 } } } }; // prettier-ignore
  for (const mean of means(asked)[0]!) assert.ok(Math.abs(mean - 999) < 1e-6);
});
