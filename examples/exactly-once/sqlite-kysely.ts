/** A booking with Kysely on SQLite: it makes the statement, and the step's transaction executes it at once. */
import { DummyDriver, Kysely, SqliteAdapter, SqliteIntrospector, SqliteQueryCompiler } from "kysely";
import { step, type SqliteValue } from "tenfold";
import { check, type Booking, type Tables } from "./bookings.ts";

const sql = new Kysely<Tables>({
  dialect: {
    createAdapter: () => new SqliteAdapter(),
    createDriver: () => new DummyDriver(),
    createIntrospector: (db) => new SqliteIntrospector(db),
    createQueryCompiler: () => new SqliteQueryCompiler(),
  },
});

export const book = step("book", {
  tx: "sqlite",
  retry: { attempts: 1 },
  run(booking: Booking, { key, tx }) {
    const insert = sql.insertInto("bookings").values({ key, ...booking }).compile(); // prettier-ignore
    tx.run(insert.sql, ...(insert.parameters as readonly SqliteValue[]));
    return check(booking);
  },
});
