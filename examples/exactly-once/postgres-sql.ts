/** A booking in plain SQL on Postgres. */
import { step } from "tenfold";
import { check, type Booking } from "./bookings.ts";

export const book = step("book", {
  tx: "postgres",
  retry: { attempts: 1 },
  async run(booking: Booking, { key, tx }) {
    const { account, cents } = booking;
    await tx.query("insert into bookings (key, account, cents) values ($1, $2, $3)", [key, account, cents]);
    return check(booking);
  },
});
