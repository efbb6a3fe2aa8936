/** Laws of calls where real processes die by SIGKILL, on each store that outlives them: nothing is lost, doubled or left over. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { test, type TestContext } from "node:test";
import { open, type Tenfold } from "../../src/index.ts";
import { seededRandom } from "../../src/value/random.ts";
import { newDatabase } from "../store/postgres-server.ts";
import { month, type Day } from "./months.ts";

const SHOPS = ["north", "south"];
const DAYS: readonly Day[] = Array.from({ length: 8 }, (_, day) => ({
  orders: Array.from({ length: 12 }, (_, n) => day * 100 + n),
  shop: SHOPS[day % 2]!,
}));
const RESULTS = DAYS.map(({ orders, shop }) => orders.reduce((sum, n) => sum + 2 * n, -shop.length));
const DEATHS = 5;

function file(t: TestContext): string {
  const folder = mkdtempSync(path.join(tmpdir(), "tenfold-children-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return path.join(folder, "months.db");
}

/** Works the store in a process that is killed after a while. */
async function worksUntilKilled(store: string, ms: number): Promise<void> {
  const worker = spawn(process.execPath, [path.resolve(import.meta.dirname, "months-worker.ts"), store]);
  await once(worker.stdout, "data");
  await new Promise((resolve) => setTimeout(resolve, ms));
  worker.kill("SIGKILL");
  await once(worker, "exit");
}

async function areAllCompleted(tenfold: Tenfold): Promise<boolean> {
  const counts = await tenfold.counts();
  return counts.every(({ status }) => status === "completed");
}

for (const [name, place] of [
  ["a file", (t: TestContext) => file(t)],
  ["Postgres", () => newDatabase()],
] as const) {
  test(`workers that are killed again and again on ${name} leave each call one child, also where it is cancelled and goes on`, async (t) => {
    const seed = Math.floor(Math.random() * 1e6);
    t.diagnostic(`seed ${seed}`);
    const random = seededRandom(seed);
    const store = await place(t);
    const client = await open({ store, workflows: [month], work: false, lanes: 3 });
    t.after(() => client.close());
    const run = await client.start(month, DAYS);
    for (let death = 0; death < DEATHS; death++) {
      if (death === 2) await client.cancel(run.id).catch(unlessOver);
      if (death === 4) await client.retry(run.id).catch(unlessOver);
      await worksUntilKilled(store, random() * 250);
    }
    const worker = await open({ store, workflows: [month], log: { write: () => {} } });
    t.after(() => worker.close());
    // Killed early, the last worker has not taken in the cancel before the retry.
    const outcome = await worker.run(run.id).outcome();
    if (outcome.status !== "completed") await worker.retry(run.id);
    assert.deepEqual(await worker.run(run.id).result(), RESULTS);
    for (let tries = 0; tries < 300 && !(await areAllCompleted(client)); tries++)
      await new Promise((resolve) => setTimeout(resolve, 50));
    const counts = await client.counts();
    assert.deepEqual(counts.map(({ workflow, status, runs }) => `${workflow} ${status} ${runs}`).toSorted(), [
      "day completed 8",
      "month completed 1",
      "order completed 96",
      "shop completed 2",
    ]);
  });
}

/** Whoever was quicker has ended the run, or not. */
function unlessOver(thrown: unknown): void {
  assert.equal((thrown as { code?: string }).code, "RUN_FINISHED");
}
