/** Child: a worker that puts runs to sleep until a moment, and works those that wake then; tells how fast, and its peak memory. */
import { setTimeout } from "node:timers/promises";
import { Tenfold } from "../packages/tenfold/src/engine/client.ts";
import { keepYoungGenerationSmall } from "../packages/tenfold/src/cli/young-generation.ts";
import { answer, asked, peakMemoryMiB } from "./child.ts";
import { engineOn } from "./own-engine.ts";
import { sleeper } from "./workflows.ts";

/** `wakes`: in a few seconds, and until then this process goes on; otherwise tomorrow. */
const { store, runs, wakes } = asked<{ store: string; runs: number; wakes: boolean }>();
// As `tenfold work` does.
keepYoungGenerationSmall();
const engine = await engineOn(store, [sleeper]);
const tenfold = new Tenfold(engine);
let ended = 0;
let endedAt = 0;
const allEnded = new Promise<void>((resolve) => {
  engine.events.on("run", () => {
    endedAt = Date.now();
    if (++ended === runs) resolve();
  });
});
await engine.open();

const from = performance.now();
const at = Date.now() + (wakes ? 15_000 : 86_400_000);
const inputs = function* () {
  for (let left = runs; left > 0; left--) yield { at };
};
let started = 0;
for await (const { kind } of tenfold.startMany(sleeper, inputs())) if (kind === "started") started++;
if (started !== runs) throw new Error(`${started} of ${runs} were started`);
while (engine.held > 0 || (await wait()) > 0) await setTimeout(5);
const parkMs = performance.now() - from;
if (wakes) await allEnded;
await tenfold.close();
answer({ parkMs, wakeMs: endedAt - at, peakMiB: peakMemoryMiB() });

/** How many have not begun. */
async function wait(): Promise<number> {
  return (await tenfold.counts()).find(({ status }) => status === "waiting")?.runs ?? 0;
}
