/** A program that has a body called on a thread, closes, and ends; with "busy", while a body still runs there. */
import { open, workflow } from "../../../src/index.ts";
import { block, endless } from "./computing.ts";

const computing = workflow<number>("computing", { flow: (ms) => block(ms) });
const waiting = workflow<null>("waiting", { flow: (given) => endless(given) });
const tenfold = await open({ store: ":memory:", workflows: [computing, waiting], drain: "10ms", log: { write() {} } });
const run = await tenfold.start(computing, 1);
await run.result();
if (process.argv[2] === "busy") {
  await tenfold.start(waiting, null);
  await new Promise((resolve) => void tenfold.on("progress", resolve));
}
await tenfold.close();
console.log("closed");
