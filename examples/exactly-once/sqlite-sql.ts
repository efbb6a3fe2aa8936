/** A booking in plain SQL on SQLite. */
import { step } from "tenfold";
import { check, type Booking } from "./bookings.ts";

export const book = step("book", {
  tx: "sqlite",
  retry: { attempts: 1 },
  run(booking: Booking, { key, tx }) {
    tx.run("insert into bookings (key, account, cents) values (?, ?, ?)", key, booking.account, booking.cents);
    return check(booking);
  },
});
