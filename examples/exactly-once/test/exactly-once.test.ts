/** The six steps run against real databases: what was booked is there once, and nothing of what failed. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import pg from "pg";
import { open } from "tenfold";
import { newDatabase } from "../../../packages/tenfold/test/store/postgres-server.ts";
import { bookingWith, MAKE_TABLE, type Book } from "../bookings.ts";
import { book as postgresDrizzle } from "../postgres-drizzle.ts";
import { book as postgresKysely } from "../postgres-kysely.ts";
import { book as postgresSql } from "../postgres-sql.ts";
import { book as sqliteDrizzle } from "../sqlite-drizzle.ts";
import { book as sqliteKysely } from "../sqlite-kysely.ts";
import { book as sqliteSql } from "../sqlite-sql.ts";

const folder = mkdtempSync(join(tmpdir(), "exactly-once-"));
after(() => rmSync(folder, { recursive: true, force: true }));

interface Row {
  readonly key: string;
  readonly account: string;
  readonly cents: number;
}

interface Base {
  readonly store: string;
  make(): Promise<void>;
  rows(): Promise<readonly Row[]>;
}

async function postgres(): Promise<Base> {
  const store = await newDatabase();
  const query = async (sql: string): Promise<readonly Row[]> => {
    const client = new pg.Client(store);
    await client.connect();
    const { rows } = await client.query<Row>(sql);
    await client.end();
    return rows;
  };
  return { store, make: async () => void (await query(MAKE_TABLE)), rows: () => query("select * from bookings") };
}

async function sqlite(name: string): Promise<Base> {
  const store = join(folder, `${name}.db`);
  const using = <T>(act: (database: DatabaseSync) => T): T => {
    const database = new DatabaseSync(store, { timeout: 5000 });
    const answer = act(database);
    database.close();
    return answer;
  };
  return {
    store,
    make: async () => using((database) => database.exec(MAKE_TABLE)),
    rows: async () => using((database) => database.prepare("select * from bookings").all().map((row) => ({ ...row }) as unknown as Row)), // prettier-ignore
  };
}

const STEPS: readonly (readonly [string, Book, (name: string) => Promise<Base>])[] = [
  ["postgres-sql", postgresSql, postgres],
  ["postgres-kysely", postgresKysely, postgres],
  ["postgres-drizzle", postgresDrizzle, postgres],
  ["sqlite-sql", sqliteSql, sqlite],
  ["sqlite-kysely", sqliteKysely, sqlite],
  ["sqlite-drizzle", sqliteDrizzle, sqlite],
];

for (const [name, book, baseOf] of STEPS) {
  test(`${name}: what was booked is there once, and nothing of what failed`, async () => {
    const base = await baseOf(name);
    const flow = bookingWith(name, book);
    const tenfold = await open({ store: base.store, workflows: [flow], log: { write: () => {} } });
    try {
      await base.make();
      const run = await tenfold.start(flow, { account: "rent", cents: 70_000 });
      assert.equal(await run.result(), "70000 booked on rent");
      const failed = await tenfold.start(flow, { account: "rent", cents: 0 });
      await assert.rejects(failed.result(), /nothing to book/);
      assert.deepEqual(await base.rows(), [{ key: `${run.id}/book`, account: "rent", cents: 70_000 }]);
    } finally {
      await tenfold.close();
    }
  });
}
