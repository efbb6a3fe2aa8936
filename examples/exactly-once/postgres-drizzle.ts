/** A booking with Drizzle on Postgres, over the step's transaction. */
import { drizzle } from "drizzle-orm/node-postgres";
import { integer, pgTable, text } from "drizzle-orm/pg-core";
import type pg from "pg";
import { step } from "tenfold";
import { check, type Booking } from "./bookings.ts";

const bookings = pgTable("bookings", { key: text().notNull(), account: text().notNull(), cents: integer().notNull() });

export const book = step("book", {
  tx: "postgres",
  retry: { attempts: 1 },
  async run(booking: Booking, { key, tx }) {
    // Drizzle asks for nothing of a client but its `query`.
    const db = drizzle({ client: tx as unknown as pg.PoolClient });
    await db.insert(bookings).values({ key, ...booking });
    return check(booking);
  },
});
