/** Child: how fast a workflow is simulated, in executions of its steps, and how much memory runs in flight take. */
import { saturation } from "../packages/tenfold/src/capacity/bounds/saturation.ts";
import { Ledger } from "../packages/tenfold/src/capacity/simulator/ledger.ts";
import { Simulation } from "../packages/tenfold/src/capacity/simulator/simulation.ts";
import { Tally } from "../packages/tenfold/src/capacity/simulator/tally.ts";
import { worldOf } from "../packages/tenfold/src/capacity/simulator/world.ts";
import { answer, asked, peakMemoryMiB } from "./child.ts";
import { CHARGES_AT_ONCE, order, orderModel, waits, waitsModel } from "./simulated-workflows.ts";

const { what, seconds } = asked<{ what: "order" | "waits"; seconds: number }>();
const world = what === "order" ? worldOf([order], orderModel(300)) : worldOf([waits], waitsModel);
// Once for the compiler.
if (what === "order") simulate(1, 20);
const from = performance.now();
const { tally, inFlight } = simulate(2, seconds);
const tookMs = performance.now() - from;
const bodies = tally.steps.reduce((sum, { began }) => sum + began, 0);
const used = (tally.steps.find(({ name }) => name === "charge")?.busyMs ?? 0) / (seconds * 1000 * CHARGES_AT_ONCE);
const bound = saturation(world, "order").find(({ kind, of }) => kind === "concurrency" && of === "charge")?.used;
answer({ perSecond: (bodies * 1000) / tookMs, inFlight, used, bound, peakMiB: peakMemoryMiB() });

/** With all that is counted for a verdict. */
function simulate(seed: number, forSeconds: number): { readonly tally: Tally; readonly inFlight: number } {
  const tally: Tally = new Tally(world, 0, () => simulation.now);
  const simulation: Simulation = new Simulation(world, seed, tally, new Ledger());
  simulation.runUntil(forSeconds * 1000);
  return { tally, inFlight: simulation.inFlight };
}
