/** Child: a worker that started none of the runs it finds; tells how fast it works them, and its peak memory. */
import { open } from "tenfold";
import { keepYoungGenerationSmall } from "../packages/tenfold/src/cli/young-generation.ts";
import { answer, asked, peakMemoryMiB } from "./child.ts";
import { named } from "./named.ts";
import { ALL } from "./workflows.ts";

/** `workflow`: the only one that it knows; undefined: all without queues. */
const { store, workflow, runs } = asked<{ store: string; workflow?: string; runs: number }>();
// As `tenfold work` does; programs that open a store themselves keep V8's own size.
if (store.startsWith("postgres")) keepYoungGenerationSmall();
const startedAt = performance.now();
const tenfold = await open({ store, workflows: workflow === undefined ? ALL : [named(workflow)] });
let ended = 0;
await new Promise<void>((resolve) => {
  tenfold.on("run", () => {
    if (++ended === runs) resolve();
  });
});
const wallMs = performance.now() - startedAt;
answer({ wallMs, peakMiB: peakMemoryMiB() });
