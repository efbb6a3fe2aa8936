/**
 * The program that the test of `once` and `tx` kills: `promising-worker.ts <store> <log> <seed>`. Its bodies die before and after
 * what they do, as the seed draws it; a step that is called at most once does its work by a line in a log.
 */
import { appendFileSync } from "node:fs";
import type { Socket } from "node:net";
import { open } from "../../packages/tenfold/src/index.ts";
import { seededRandom } from "../../packages/tenfold/src/value/random.ts";
import { promisingWorkflow } from "./promising.ts";

const [store = "", log = "", seed = ""] = process.argv.slice(2);
const random = seededRandom(`promises ${seed}`);

function mayDie(chance: number): void {
  if (random() < chance) process.kill(process.pid, "SIGKILL");
}

const flow = promisingWorkflow(store.startsWith("postgres:") ? "postgres" : "sqlite", {
  effect: (key) => appendFileSync(log, `${key}\n`),
  mayDie,
});
const tenfold = await open({ store, workflows: [flow], log: { write: () => {} } });
process.once("SIGTERM", () => void tenfold.close());
// Nobody is left to kill it once the test is gone.
process.stdin.resume().once("close", () => process.exit(1));
(process.stdin as Socket).unref();
