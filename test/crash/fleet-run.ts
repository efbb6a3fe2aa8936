/** One play of the fleet in a folder of its own: played, read and judged; the folder stays only if it failed. */
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import pg from "pg";
import { openPostgres } from "../../packages/tenfold/src/store/postgres/open.ts";
import { OwnPostgres } from "../../packages/tenfold/test/store/own-postgres.ts";
import { readRuns, type Evidence } from "./evidence.ts";
import { Fleet, type Blows } from "./fleet.ts";

export interface FleetPlay {
  readonly seed: number;
  readonly hasEnough: (blows: Blows) => boolean;
  readonly judge: (evidence: Evidence, blows: Blows) => void;
}

export async function fleetRun({ seed, hasEnough, judge }: FleetPlay): Promise<void> {
  const folder = mkdtempSync(path.join(tmpdir(), "tenfold-fleet-"));
  // The server's user is another one where the test is root.
  chmodSync(folder, 0o755);
  const server = await OwnPostgres.start(path.join(folder, "postgres"));
  try {
    const fleet = await Fleet.open(server, folder, seed);
    const stopped = await fleet.play(hasEnough);
    const store = await openPostgres(server.url);
    const held = await readRuns(store);
    await store.close();
    const integrity = await integrityOf(server.url);
    judge({ marks: fleet.marks, ...held, integrity, stopped, isFleet: true }, fleet.blows);
  } catch (thrown) {
    await server.stop();
    process.stderr.write(
      `The fleet's crash test failed; its store and its log are in ${folder}, its seed was ${seed}.\n`,
    );
    throw thrown;
  }
  await server.stop();
  rmSync(folder, { recursive: true });
}

/** What must be so in the tables once all runs are finished, each with a query that finds what is not. */
const WRONG: readonly (readonly [what: string, sql: string])[] = [
  ["journals have no gaps", "select run from tenfold.journal group by lane, run having count(*) <> max(seq) + 1"],
  ["lines belong to a run", "select run from tenfold.journal where run not in (select id from tenfold.runs)"],
  ["a finished run has no owner", "select id from tenfold.runs where owner is not null or turn is not null"],
  ["messages belong to a run", "select run from tenfold.inbox where run not in (select id from tenfold.runs)"],
  [
    "a key names its run",
    "select key from tenfold.keys k where not exists (select from tenfold.runs r where r.id = k.run and r.key = k.key)",
  ],
  [
    "an index finds what the table has",
    "select 1 where (select count(*) from tenfold.runs) <> (select count(*) from tenfold.runs where lane = 0 and id > '')",
  ],
];

async function integrityOf(url: string): Promise<string> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const found: string[] = [];
  for (const [what, sql] of WRONG) {
    const { rowCount } = await client.query(sql);
    if (rowCount! > 0) found.push(`${what}: not so ${rowCount} times`);
  }
  await client.end();
  return found.length === 0 ? "ok" : found.join("; ");
}
