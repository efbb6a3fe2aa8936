/** A program of its own that works `<store>` until it is killed: it hangs in the middle of a file, and tells. */
import { open } from "../../src/index.ts";
import { reportOf } from "./file-report.ts";

const report = reportOf(async () => {
  console.log("hangs");
  await new Promise(() => {});
});
const tenfold = await open({ store: process.argv[2]!, workflows: [report] });
await tenfold.start(report, 1);
