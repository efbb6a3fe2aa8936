/** Child: a worker that finds a spike of runs whose step has a rate; tells how many a second it lets begin. */
import { open } from "tenfold";
import { keepYoungGenerationSmall } from "../packages/tenfold/src/cli/young-generation.ts";
import { answer, asked, peakMemoryMiB } from "./child.ts";
import { spike } from "./queued-workflows.ts";

const { store, runs } = asked<{ store: string; runs: number }>();
// As `tenfold work` does.
keepYoungGenerationSmall();
const tenfold = await open({ store, workflows: [spike] });
let ended = 0;
let firstAt = 0;
await new Promise<void>((resolve) => {
  tenfold.on("run", () => {
    if (++ended === 1) firstAt = performance.now();
    if (ended === runs) resolve();
  });
});
const drainMs = performance.now() - firstAt;
answer({ perSecond: ((runs - 1) * 1000) / drainMs, peakMiB: peakMemoryMiB() });
