/** Child: what a run of one queued step costs this process, from `start` to its end, while others may wait in the same line. */
import { Tenfold } from "../packages/tenfold/src/engine/client.ts";
import { keepYoungGenerationSmall } from "../packages/tenfold/src/cli/young-generation.ts";
import { answer, asked, peakMemoryMiB } from "./child.ts";
import { engineOn } from "./own-engine.ts";
import { byKey, inOrder, startKeyed } from "./queued-workflows.ts";

const { store, keys, runs, isStrict } = asked<{ store: string; keys: number; runs: number; isStrict: boolean }>();
const workflow = isStrict ? inOrder : byKey;
// As `tenfold work` does.
keepYoungGenerationSmall();
const engine = await engineOn(store, [workflow]);
let ended = 0;
const { promise: allEnded, resolve } = Promise.withResolvers<void>();
engine.events.on("run", () => {
  if (++ended === runs) resolve();
});
await engine.open();

const from = performance.now();
const before = process.cpuUsage();
await startKeyed(new Tenfold(engine), runs, (nth) => `key ${nth % keys}`, workflow);
await allEnded;
const { user, system } = process.cpuUsage(before);
answer({ cpuMicros: (user + system) / runs, perSecond: (runs * 1000) / (performance.now() - from), peakMiB: peakMemoryMiB() }); // prettier-ignore
