/** One crash test in a folder of its own: planned, played, read and judged; the folder stays only if it failed. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { openSqlite } from "../../packages/tenfold/src/store/sqlite/sqlite.ts";
import { readRuns, type Evidence } from "./evidence.ts";
import { planOf } from "./plan.ts";
import { Supervisor } from "./supervisor.ts";

export async function crashRun(seed: number, kills: number, judge: (evidence: Evidence) => void): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "tenfold-crash-"));
  try {
    const supervisor = new Supervisor(folder);
    const stopped = await supervisor.play(planOf(seed, kills));
    judge(await readEvidence(supervisor, stopped));
  } catch (thrown) {
    process.stderr.write(
      `The crash test failed; its store and its log are in ${folder}.\n` +
        `The same plan again: npx node test/crash/crash.test.ts --seed ${seed} --kills ${kills}\n`,
    );
    throw thrown;
  }
  rmSync(folder, { recursive: true });
}

async function readEvidence({ store: file, marks }: Supervisor, stopped: string | null): Promise<Evidence> {
  const store = await openSqlite(file);
  const held = await readRuns(store);
  await store.close();
  const database = new DatabaseSync(file);
  const integrity = String(database.prepare("pragma integrity_check").get()!["integrity_check"]);
  database.close();
  return { marks, ...held, integrity, stopped, isFleet: false };
}
