/** What holds in each simulation, whatever is simulated: of random workflows at several volumes, with several workers and a store that takes time. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Model } from "../../src/capacity/model/model.ts";
import { Ledger } from "../../src/capacity/simulator/ledger.ts";
import { Simulation, type Watch } from "../../src/capacity/simulator/simulation.ts";
import { Tally } from "../../src/capacity/simulator/tally.ts";
import { worldOf } from "../../src/capacity/simulator/world.ts";
import { World } from "../engine/world.ts";
import { Story } from "./story.ts";

const STORIES = 40;
const STORE = { commitMs: 2, lineMs: 0.1, commitsAtOnce: 1 } as const;

interface Simulated {
  readonly simulation: Simulation;
  readonly tally: Tally;
  readonly ledger: Ledger;
  /** All that happened, as text. */
  readonly course: readonly string[];
}

/** Runs of the story come for ten seconds at so many a second; all of them end. */
function simulated({ flow, model, seed }: Story, perSecond: number, changes: Partial<Model> = {}): Simulated {
  const { w } = model.workflows;
  const arrivals = { kind: "poisson", perSecond } as const;
  const world = worldOf([flow], { ...model, store: STORE, ...changes, workflows: { w: { ...w!, arrivals } } });
  const ledger = new Ledger();
  const tally: Tally = new Tally(world, 0, () => simulation.now);
  const course: string[] = [];
  const watch: Watch = {
    came: (run) => tally.came(run),
    asked: () => tally.asked(),
    began: (attempt) => tally.began(attempt),
    settled: (attempt, outcome) => {
      tally.settled(attempt, outcome);
      const what = attempt.run.identityOf(attempt.place);
      course.push(`${simulation.now} ${attempt.run.serial} ${what} ${attempt.number} ${outcome}`);
    },
    ended: (run) => tally.ended(run),
  };
  const simulation: Simulation = new Simulation(world, seed, watch, ledger);
  simulation.runUntil(10_000);
  simulation.closeSources();
  simulation.runUntil(Infinity);
  return { simulation, tally, ledger, course };
}

function stories(): readonly Story[] {
  return Array.from({ length: STORIES }, (_, seed) => new Story(seed, new World()));
}

function isSame(found: number, expected: number, what: string): void {
  assert.ok(Math.abs(found - expected) <= 1e-9 * Math.max(1, expected), `${what}: ${found}, and not ${expected}`);
}

test("what came has ended, or failed; runs in flight and what runs took agree (Little)", () => {
  for (const story of stories()) {
    const { simulation, tally } = simulated(story, 20);
    assert.equal(simulation.inFlight, 0);
    assert.equal(tally.arrived, tally.completed + tally.failed);
    assert.equal(tally.latency.count, tally.arrived);
    const { inFlightMs, presentMs } = tally.presence();
    isSame(inFlightMs, presentMs, `seed ${story.seed}`);
    isSame(tally.latency.sum, presentMs, `seed ${story.seed}`);
  }
});

test("each moment of waiting in a line is charged to what it was waited for, and nothing else is", () => {
  let charged = 0;
  const seen = new Set<string>();
  for (const story of stories()) {
    const { simulation, tally, ledger } = simulated(story, 40);
    const queued = simulation.world.steps.filter(({ queue }) => queue !== null);
    for (const { name, number } of queued) {
      const causes = ledger.charged.get(name) ?? new Map<string, number>();
      const sum = [...causes.values()].reduce((total, ms) => total + ms, 0);
      isSame(sum, tally.steps[number]!.waits.sum, `seed ${story.seed}, ${name}`);
      for (const [cause, ms] of causes) if (ms > 0) seen.add(cause);
      charged += sum;
    }
  }
  assert.ok(charged > 60_000);
  for (const cause of ["concurrency of queue", "concurrency of key", "concurrency of shared", "rate of queue", "rate of key", "slots"]) assert.ok(seen.has(cause), cause); // prettier-ignore
});

test("no more is used than there is: slots, the limits of queues, and the store", () => {
  for (const story of stories()) {
    const { simulation, tally } = simulated(story, 60, { workers: { count: 2, slots: 6 } });
    const { now, commits, world } = simulation;
    assert.ok(commits.busyMs <= now + 1e-6);
    const busyMs = tally.steps.reduce((sum, step) => sum + step.busyMs, 0);
    assert.ok(busyMs <= 2 * 6 * now + 1e-6);
    for (const { limits } of world.lines) {
      for (const { queue, own } of limits.queues) {
        const tallied = tally.steps.find(({ name }) => name === queue)!;
        if (own.concurrency !== null) assert.ok(tallied.busyMs <= own.concurrency * now + 1e-6);
        if (own.rate !== null)
          assert.ok(tallied.began <= own.rate.burst + (own.rate.count * now) / own.rate.perMs + 1e-6);
      }
    }
  }
});

test("the same seed is the same course of events, to the last bit; another one is not", () => {
  for (const story of stories().slice(0, 10)) {
    const [one, same] = [simulated(story, 20), simulated(story, 20)];
    assert.deepEqual(one.course, same.course);
    assert.notDeepEqual(simulated(Object.assign(Object.create(story) as Story, { seed: 99 }), 20).course, one.course);
  }
});

test("more slots change no luck: what each attempt comes to is the same, whenever that is", () => {
  for (const story of stories()) {
    const few = simulated(story, 20, { workers: { count: 1, slots: 4 } });
    const many = simulated(story, 20, { workers: { count: 1, slots: 4000 } });
    // What each attempt comes to is the same, whenever that is.
    const luck = ({ course }: Simulated) => new Map(course.map((line) => [line.slice(line.indexOf(" "), line.lastIndexOf(" ")), line.slice(line.lastIndexOf(" "))])); // prettier-ignore
    const [one, other] = [luck(few), luck(many)];
    // What a run that fails holds back depends on what was sooner.
    const inBoth = [...one.keys()].filter((attempt) => other.has(attempt));
    assert.ok(inBoth.length > 0.8 * one.size);
    for (const attempt of inBoth) assert.equal(one.get(attempt), other.get(attempt), `seed ${story.seed}${attempt}`);
  }
});
