/** An order and its run in one transaction of Drizzle, over a client that both of them write through. */
import { drizzle } from "drizzle-orm/node-postgres";
import { pgTable, text } from "drizzle-orm/pg-core";
import type pg from "pg";
import type { RunHandle, Tenfold } from "tenfold";
import { fulfilment, OutOfStock, type Order } from "./orders.ts";

const shopOrders = pgTable("shop_orders", { id: text().primaryKey(), item: text().notNull() });

export async function placeOrder(tenfold: Tenfold, pool: pg.Pool, order: Order): Promise<RunHandle<string>> {
  const client = await pool.connect();
  try {
    return await drizzle({ client }).transaction(async (tx) => {
      await tx.insert(shopOrders).values(order);
      const run = await tenfold.start(fulfilment, order, { with: client });
      if (order.item === "unicorn") throw new OutOfStock();
      return run;
    });
  } finally {
    client.release();
  }
}
