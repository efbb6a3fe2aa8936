/** What all six steps share: a booking, the table of bookings, and the workflow that books. */
import { workflow, type Lifted, type Step, type Workflow } from "tenfold";

export interface Booking {
  readonly account: string;
  readonly cents: number;
}

export interface Tables {
  bookings: { key: string; account: string; cents: number };
}

export const MAKE_TABLE = "create table bookings (key text not null, account text not null, cents integer not null)";

export type Book = Step<Booking, string, Booking, string>;

export function bookingWith(name: string, book: Book): Workflow<Booking, string> {
  return workflow(name, { flow: (booking: Lifted<Booking>) => book(booking) }) as Workflow<Booking, string>;
}

/** Thrown after the write, to show what is left of it: nothing. */
class Unbalanced extends Error {}

export function check({ account, cents }: Booking): string {
  if (cents === 0) throw new Unbalanced("nothing to book");
  return `${cents} booked on ${account}`;
}
