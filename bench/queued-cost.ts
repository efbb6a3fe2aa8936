/**
 * Child: what a run of one queued step costs this process, from `start` to its end, while `waiting` others are parked in the same
 * line, in a key whose turn does not come.
 */
import { setTimeout } from "node:timers/promises";
import { Tenfold } from "../packages/tenfold/src/engine/client.ts";
import { keepYoungGenerationSmall } from "../packages/tenfold/src/cli/young-generation.ts";
import { answer, asked, peakMemoryMiB } from "./child.ts";
import { engineOn } from "./own-engine.ts";
import { BLOCKED, byKey } from "./queued-workflows.ts";

/** Loaded, though their turns do not come: those that came before the line was long, and those that were called up. */
const HELD_MAX = 2600;

const { store, waiting, keys, runs } = asked<{ store: string; waiting: number; keys: number; runs: number }>();
// As `tenfold work` does.
keepYoungGenerationSmall();
const engine = await engineOn(store, [byKey]);
const tenfold = new Tenfold(engine);
let ended = 0;
const { promise: allEnded, resolve } = Promise.withResolvers<void>();
engine.events.on("run", () => {
  if (++ended === runs) resolve();
});
await engine.open();
await start(waiting, () => BLOCKED);
while (engine.held > HELD_MAX || (await notBegun()) > 0) await setTimeout(20);

const from = performance.now();
const before = process.cpuUsage();
await start(runs, (nth) => `key ${nth % keys}`);
await allEnded;
const { user, system } = process.cpuUsage(before);
answer({ cpuMicros: (user + system) / runs, perSecond: (runs * 1000) / (performance.now() - from), peakMiB: peakMemoryMiB() }); // prettier-ignore

async function start(count: number, keyOf: (nth: number) => string): Promise<void> {
  const inputs = function* () {
    for (let nth = 0; nth < count; nth++) yield { key: keyOf(nth) };
  };
  let started = 0;
  for await (const { kind } of tenfold.startMany(byKey, inputs())) if (kind === "started") started++;
  if (started !== count) throw new Error(`${started} of ${count} were started`);
}

async function notBegun(): Promise<number> {
  return (await tenfold.counts()).find(({ status }) => status === "waiting")?.runs ?? 0;
}
