/** The flags of `npm start`, and starting over. */
import { closeSync, openSync, readSync, rmSync } from "node:fs";
import { readdir, rm } from "node:fs/promises";
import path from "node:path";
import { parseArgs } from "node:util";
import { TenfoldError } from "tenfold";

export interface Options {
  readonly json: boolean;
  readonly fresh: boolean;
  readonly help: boolean;
  /** The SQLite file with the runs. */
  readonly store: string;
  /** The CSV file with the leads. */
  readonly leads: string;
  /** The folder of the letters, where they are not really sent. */
  readonly outbox: string;
}

export const HELP = `Takes in leads from a CSV file: one durable run per lead.

  npm start                       the 500 leads of examples/lead-intake/leads.csv
  npm start -- --fresh            forget the runs and letters of before, then start
  npm start -- --json             one JSON document on stdout, everything else on stderr
  npm start -- --leads my.csv     other leads
  npm start -- --store my.db      runs kept in another file (default .tenfold/lead-intake.db)
  npm start -- --outbox letters   letters kept in another folder (default examples/lead-intake/outbox)

CRM_URL and SMTP_URL name a real CRM and mail server; without them both run on this machine. CRM_RATE (such as 10/s)
and CRM_CONCURRENCY are how much is asked of the CRM at most.

Example: SMTP_URL=smtp://user:password@mail.example:587 npm start -- --leads my.csv
`;

const EXAMPLE = import.meta.dirname;
const ROOT = path.resolve(EXAMPLE, "../..");

export function readOptions(args: readonly string[]): Options {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        json: { type: "boolean", default: false },
        fresh: { type: "boolean", default: false },
        help: { type: "boolean", short: "h", default: false },
        store: { type: "string", default: path.join(ROOT, ".tenfold", "lead-intake.db") },
        leads: { type: "string", default: path.join(EXAMPLE, "leads.csv") },
        outbox: { type: "string", default: path.join(EXAMPLE, "outbox") },
      },
    });
    return values;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new TenfoldError("USAGE", `${reason}\nNothing was done. What there is: npm start -- --help`, {
      cause: error,
    });
  }
}

const SQLITE_BEGINS_WITH = "SQLite format 3\0";

/** Removes the store and the letters, and nothing else: a file that is no store is left alone (STORE_FOREIGN). */
export async function startOver(options: Pick<Options, "store" | "outbox">): Promise<void> {
  const begins = firstBytes(options.store, SQLITE_BEGINS_WITH.length);
  if (begins !== undefined && begins !== "" && begins !== SQLITE_BEGINS_WITH) {
    throw new TenfoldError(
      "STORE_FOREIGN",
      `${options.store} is no store of tenfold. --fresh removed nothing. Name another file with --store.`,
      { facts: { store: options.store } },
    );
  }
  for (const file of [options.store, `${options.store}-wal`, `${options.store}-shm`]) rmSync(file, { force: true });
  const letters = await readdir(options.outbox).catch(() => []);
  const ours = letters.filter((name) => name.endsWith(".eml") || name.startsWith(".unfinished-"));
  await Promise.all(ours.map((name) => rm(path.join(options.outbox, name))));
}

function firstBytes(file: string, count: number): string | undefined {
  try {
    const opened = openSync(file, "r");
    const bytes = Buffer.alloc(count);
    const read = readSync(opened, bytes, 0, count, 0);
    closeSync(opened);
    return bytes.toString("latin1", 0, read);
  } catch {
    return undefined;
  }
}
