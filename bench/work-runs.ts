/** Child: a worker that started none of the runs it finds; tells how fast it works them, and its peak memory. */
import { open } from "tenfold";
import { answer, asked, peakMemoryMiB } from "./child.ts";
import { ALL } from "./workflows.ts";

const { store, runs } = asked<{ store: string; runs: number }>();
const startedAt = performance.now();
const tenfold = await open({ store, workflows: ALL });
let ended = 0;
await new Promise<void>((resolve) => {
  tenfold.on("run", () => {
    if (++ended === runs) resolve();
  });
});
const wallMs = performance.now() - startedAt;
answer({ wallMs, peakMiB: peakMemoryMiB() });
