/** Child: how fast a workflow is simulated, in executions of its steps, and how much memory runs in flight take. */
import { Simulation, type Watch } from "../packages/tenfold/src/capacity/simulator/simulation.ts";
import { worldOf } from "../packages/tenfold/src/capacity/simulator/world.ts";
import { answer, asked, peakMemoryMiB } from "./child.ts";
import { order, orderModel, waits, waitsModel } from "./simulated-workflows.ts";

const { what, seconds } = asked<{ what: "order" | "waits"; seconds: number }>();
const nothing = (): void => {};
let bodies = 0;
const watch: Watch = { came: nothing, asked: nothing, began: () => void bodies++, settled: nothing, ended: nothing };
const world = what === "order" ? worldOf([order], orderModel(300)) : worldOf([waits], waitsModel);
// Once for the compiler.
if (what === "order") new Simulation(world, 1, watch).runUntil(20_000);
bodies = 0;
const simulation = new Simulation(world, 2, watch);
const from = performance.now();
simulation.runUntil(seconds * 1000);
const tookMs = performance.now() - from;
answer({ perSecond: (bodies * 1000) / tookMs, inFlight: simulation.inFlight, peakMiB: peakMemoryMiB() });
