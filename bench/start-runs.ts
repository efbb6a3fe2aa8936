/** Child: starts runs on a store that nobody works on, and tells how fast. */
import { open } from "tenfold";
import { answer, asked } from "./child.ts";
import { named } from "./named.ts";
import { orders } from "./workflows.ts";

const { store, workflow, runs } = asked<{ store: string; workflow: string; runs: number }>();
const run = named(workflow);
const tenfold = await open({ store, workflows: [run], work: false });
const startedAt = performance.now();
let count = 0;
for await (const started of tenfold.startMany(run, orders(runs))) if (started.kind === "started") count++;
const wallMs = performance.now() - startedAt;
await tenfold.close();
answer({ wallMs, runs: count });
