/** An order and its run in one transaction of `pg`. */
import type pg from "pg";
import type { RunHandle, Tenfold } from "tenfold";
import { fulfilment, OutOfStock, type Order } from "./orders.ts";

export async function placeOrder(tenfold: Tenfold, pool: pg.Pool, order: Order): Promise<RunHandle<string>> {
  const client = await pool.connect();
  try {
    await client.query("begin");
    await client.query("insert into shop_orders (id, item) values ($1, $2)", [order.id, order.item]);
    const run = await tenfold.start(fulfilment, order, { with: client });
    if (order.item === "unicorn") throw new OutOfStock();
    await client.query("commit");
    return run;
  } catch (error) {
    await client.query("rollback");
    throw error;
  } finally {
    client.release();
  }
}
