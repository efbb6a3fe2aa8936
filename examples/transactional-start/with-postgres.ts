/** An order and its run in one transaction of `postgres`. */
import type postgres from "postgres";
import type { RunHandle, Tenfold } from "tenfold";
import { fulfilment, OutOfStock, type Order } from "./orders.ts";

export async function placeOrder(tenfold: Tenfold, sql: postgres.Sql, order: Order): Promise<RunHandle<string>> {
  return sql.begin(async (sql) => {
    await sql`insert into shop_orders (id, item) values (${order.id}, ${order.item})`;
    const run = await tenfold.start(fulfilment, order, { with: sql });
    if (order.item === "unicorn") throw new OutOfStock();
    return run;
  });
}
