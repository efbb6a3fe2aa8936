/** What all four programs share: an order, the caller's own table of orders, and the workflow that an order begins. */
import { step, workflow } from "tenfold";

export interface Order {
  readonly id: string;
  readonly item: string;
}

export const MAKE_TABLE = "create table if not exists shop_orders (id text primary key, item text not null)";

const reserve = step("reserve", { run: ({ item }: Order) => `${item} reserved` });
const confirm = step("confirm", { run: (reserved: string) => `${reserved}, letter sent` });

export const fulfilment = workflow<Order, string>("fulfilment", {
  key: (order) => order.id,
  flow: (order) => confirm(reserve(order)),
});

/** Thrown in the middle of a transaction, to show what is left of it: nothing. */
export class OutOfStock extends Error {}
