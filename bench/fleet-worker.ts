/** Child: one worker of a fleet. Waits to be sent off, tells how many runs it has ended, goes on until it is told. */
import { open } from "tenfold";
import { keepYoungGenerationSmall } from "../packages/tenfold/src/cli/young-generation.ts";
import { answer, asked, peakMemoryMiB } from "./child.ts";
import { ALL } from "./workflows.ts";

const { store } = asked<{ store: string }>();
// As `tenfold work` does.
keepYoungGenerationSmall();
let ended = 0;
process.on("message", (order) => {
  if (order === "over") answer({ ended, peakMiB: peakMemoryMiB() });
});
process.send!("ready");
await new Promise<void>((resolve) => process.on("message", (order) => order === "go" && resolve()));
const tenfold = await open({ store, workflows: ALL });
process.send!("open");
tenfold.on("run", () => ended++);
let told = 0;
setInterval(() => {
  if (ended !== told) process.send!((told = ended));
}, 20);
