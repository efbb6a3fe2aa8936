/** Child: how long one lead of another customer takes alone, and in the middle of a customer's spike. */
import { setTimeout } from "node:timers/promises";
import { open } from "tenfold";
import { keepYoungGenerationSmall } from "../packages/tenfold/src/cli/young-generation.ts";
import { answer, asked, quantile } from "./child.ts";
import { FAIR, type Lead } from "./fair-workflows.ts";

/** Leads of the other customer that are measured, one after the other. */
const SINGLES = 40;

const { store, workflow, leads } = asked<{ store: string; workflow: string; leads: number }>();
// As `tenfold work` does.
keepYoungGenerationSmall();
const lead = FAIR.find(({ name }) => name === workflow)!;
const tenfold = await open({ store, workflows: [lead] });
let ended = 0;
tenfold.on("run", () => void ended++);

// The first ones warm up.
await singles();
const alone = await singles();

for await (const { kind } of tenfold.startMany(lead, spike(), { tenant: "big" })) {
  if (kind !== "started") throw new Error(`a lead was ${kind}`);
}
await setTimeout(500);
const amid = await singles();
const left = leads + 3 * SINGLES - ended;
await tenfold.close();
answer({ aloneMs: quantile(alone, 0.5), amidMs: quantile(amid, 0.5), amidP90Ms: quantile(amid, 0.9), left });

function* spike(): Generator<Lead> {
  for (let nth = 0; nth < leads; nth++) yield { customer: "big", nth };
}

async function singles(): Promise<number[]> {
  const tookMs: number[] = [];
  for (let nth = 0; nth < SINGLES; nth++) {
    const at = performance.now();
    await (await tenfold.start(lead, { customer: "small", nth }, { tenant: "small" })).result();
    tookMs.push(performance.now() - at);
  }
  return tookMs;
}
