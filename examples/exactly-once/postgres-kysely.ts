/** A booking with Kysely on Postgres: it makes the statement, and the step's transaction executes it. */
import { DummyDriver, Kysely, PostgresAdapter, PostgresIntrospector, PostgresQueryCompiler } from "kysely";
import { step } from "tenfold";
import { check, type Booking, type Tables } from "./bookings.ts";

const sql = new Kysely<Tables>({
  dialect: {
    createAdapter: () => new PostgresAdapter(),
    createDriver: () => new DummyDriver(),
    createIntrospector: (db) => new PostgresIntrospector(db),
    createQueryCompiler: () => new PostgresQueryCompiler(),
  },
});

export const book = step("book", {
  tx: "postgres",
  retry: { attempts: 1 },
  async run(booking: Booking, { key, tx }) {
    const insert = sql.insertInto("bookings").values({ key, ...booking }).compile(); // prettier-ignore
    await tx.query(insert.sql, insert.parameters);
    return check(booking);
  },
});
