/** A booking with Drizzle on SQLite: it makes the statement, and the step's transaction executes it at once. */
import { drizzle } from "drizzle-orm/sqlite-proxy";
import { integer, sqliteTable, text } from "drizzle-orm/sqlite-core";
import { step, type SqliteValue } from "tenfold";
import { check, type Booking } from "./bookings.ts";

const bookings = sqliteTable("bookings", {
  key: text().notNull(),
  account: text().notNull(),
  cents: integer().notNull(),
});

// It only makes statements: nothing goes through it.
const db = drizzle(() => Promise.reject(new Error("Execute it with `ctx.tx`.")));

export const book = step("book", {
  tx: "sqlite",
  retry: { attempts: 1 },
  run(booking: Booking, { key, tx }) {
    const insert = db.insert(bookings).values({ key, ...booking }).toSQL(); // prettier-ignore
    tx.run(insert.sql, ...(insert.params as readonly SqliteValue[]));
    return check(booking);
  },
});
