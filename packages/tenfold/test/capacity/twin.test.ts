/**
 * The simulation and the engine are twins: with the same luck each body begins and ends in both at the same times. The engine runs in
 * virtual time on the store in memory; its bodies take, fail and answer what the simulation draws for them.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { identity } from "../../src/capacity/model/chance.ts";
import type { SimulatedAttempt } from "../../src/capacity/simulator/simulated-attempt.ts";
import { Simulation } from "../../src/capacity/simulator/simulation.ts";
import { worldOf } from "../../src/capacity/simulator/world.ts";
import { pathOf } from "../../src/core/path.ts";
import { MINUTE, NOW, World } from "../engine/world.ts";
import { Story, type Seen } from "./story.ts";

const GRAPHS = 60;
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
  await world.until(
    "all have ended",
    () => world.records.every(({ status }) => status === "completed" || status === "failed"),
    60 * MINUTE,
  );
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
