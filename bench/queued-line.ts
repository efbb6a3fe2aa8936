/** Child: a line in which `waiting` runs are parked, in a key whose turn does not come; how fast they were put there. */
import { setTimeout } from "node:timers/promises";
import { Tenfold } from "../packages/tenfold/src/engine/client.ts";
import { keepYoungGenerationSmall } from "../packages/tenfold/src/cli/young-generation.ts";
import { answer, asked } from "./child.ts";
import { engineOn } from "./own-engine.ts";
import { BLOCKED, byKey, startKeyed } from "./queued-workflows.ts";

/** Loaded, though their turns do not come: those that came before the line was long, and those that were called up. */
const HELD_MAX = 2600;

const { store, waiting } = asked<{ store: string; waiting: number }>();
// As `tenfold work` does.
keepYoungGenerationSmall();
const engine = await engineOn(store, [byKey]);
const tenfold = new Tenfold(engine);
await engine.open();
const from = performance.now();
await startKeyed(tenfold, waiting, () => BLOCKED);
while (engine.held > HELD_MAX || (await notBegun()) > 0) await setTimeout(20);
answer({ perSecond: (waiting * 1000) / (performance.now() - from) });

async function notBegun(): Promise<number> {
  return (await tenfold.counts()).find(({ status }) => status === "waiting")?.runs ?? 0;
}
