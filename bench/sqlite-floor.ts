/**
 * The floor of the embedded store: a bare loop that writes the rows of finished runs, durably, with no engine.
 * The same tables, indexes and pragmas as the store's, many rows a statement, as many rows a transaction as pay.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { openSqlite } from "../packages/tenfold/src/store/sqlite/sqlite.ts";
import { END_RUN, INSERT_LINE } from "../packages/tenfold/src/store/sqlite/commit.ts";
import { INSERT_RUN } from "../packages/tenfold/src/store/sqlite/start.ts";
import { ADD_TO_TALLY } from "../packages/tenfold/src/store/sqlite/tally.ts";
import { runIdMaker } from "../packages/tenfold/src/value/id.ts";

export interface FloorOptions {
  readonly runs: number;
  readonly steps: number;
  /** Lines of a run that are one transaction: 1 where each waits for the last, more where they are side by side. */
  readonly stepsTogether?: number;
  /** Runs a transaction; 4,000 pays best here, larger ones gain nothing. */
  readonly batch?: number;
  /** What a run's input, a step's line and a run's output hold. */
  readonly input?: string;
  readonly line?: string;
  readonly output?: string;
}

export interface Floor {
  readonly stepsPerSecond: number;
  readonly runsPerSecond: number;
  readonly wallMs: number;
}

const ROWS = 64;
const INPUT = JSON.stringify({ email: "kim@example.com", company: "Example GmbH", country: "DE", size: 120 });
const LINE = JSON.stringify({ attempt: 1, tookMs: 3, output: { name: "Example GmbH", size: 120, sector: "retail" } });
const OUTPUT = JSON.stringify({ tier: "hot", owner: "kim", points: 80 });

/** Writes `runs` runs of `steps` lines each: started and owned, a commit for each step, ended with the last. */
export async function sqliteFloor(options: FloorOptions): Promise<Floor> {
  const folder = mkdtempSync(join(tmpdir(), "tenfold-floor-"));
  const path = join(folder, "floor.db");
  await (await openSqlite(path)).close();
  const database = new DatabaseSync(path, { enableForeignKeyConstraints: false });
  database.exec(`
    pragma synchronous = full;
    pragma cache_size = -32768;
    pragma temp_store = memory;
    pragma wal_autocheckpoint = 8000;
  `);
  try {
    const startedMs = performance.now();
    writeRuns(database, options);
    const wallMs = performance.now() - startedMs;
    const runsPerSecond = (options.runs / wallMs) * 1000;
    return { stepsPerSecond: runsPerSecond * options.steps, runsPerSecond, wallMs };
  } finally {
    database.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

function writeRuns(database: DatabaseSync, options: FloorOptions): void {
  const { runs, steps, stepsTogether = 1, batch = 4000, input = INPUT, line = LINE, output = OUTPUT } = options;
  const makeId = runIdMaker(Math.random);
  const starts = new Rows(database, INSERT_RUN);
  const lines = new Rows(database, INSERT_LINE);
  const end = database.prepare(END_RUN);
  const tally = database.prepare(ADD_TO_TALLY);
  for (let first = 1; first <= runs; first += batch) {
    const last = Math.min(first + batch, runs + 1);
    const now = Date.now();
    database.exec("begin immediate");
    for (let run = first; run < last; run++) {
      starts.add([0, makeId(now, 0), "five-steps", 1, 1, null, null, 0, 0, "", null, 1, "graph", input]);
    }
    starts.flush();
    tally.run(0, 0, now - (now % 60_000), "five-steps", 1, last - first);
    database.exec("commit");
    for (let step = 0; step < steps; step += stepsTogether) {
      const until = Math.min(step + stepsTogether, steps);
      database.exec("begin immediate");
      for (let run = first; run < last; run++) {
        for (let seq = step; seq < until; seq++) lines.add([0, run, seq, "done", "step", line, now]);
      }
      lines.flush();
      if (until === steps) {
        for (let run = first; run < last; run++) end.run(2, output, null, now, 0, run, 1, 0);
        tally.run(0, 0, now - (now % 60_000), "five-steps", 2, last - first);
      }
      database.exec("commit");
    }
  }
}

/** Rows of one table, many a statement. */
class Rows {
  readonly #many: StatementSync;
  readonly #one: StatementSync;
  readonly #columns: number;
  #values: (string | number | null)[] = [];

  constructor(database: DatabaseSync, insert: string) {
    const row = insert.slice(insert.lastIndexOf("("));
    this.#columns = row.split("?").length - 1;
    this.#one = database.prepare(insert);
    this.#many = database.prepare(insert + `, ${row}`.repeat(ROWS - 1));
  }

  add(row: readonly (string | number | null)[]): void {
    this.#values.push(...row);
    if (this.#values.length < ROWS * this.#columns) return;
    this.#many.run(...this.#values);
    this.#values = [];
  }

  flush(): void {
    while (this.#values.length > 0) this.#one.run(...this.#values.splice(0, this.#columns));
  }
}

if (import.meta.main) {
  const { stepsPerSecond, runsPerSecond, wallMs } = await sqliteFloor({ runs: 100_000, steps: 5 });
  const round = (value: number) => Math.round(value).toLocaleString("en");
  console.log(`SQLite floor: ${round(stepsPerSecond)} steps/s (${round(runsPerSecond)} runs/s, ${round(wallMs)} ms)`);
}
