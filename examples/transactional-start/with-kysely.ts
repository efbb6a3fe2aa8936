/** An order and its run in one transaction of Kysely, which has a client of its own: it is asked in the words of `pg`. */
import { CompiledQuery, type Kysely } from "kysely";
import type { PgClient, RunHandle, Tenfold } from "tenfold";
import { fulfilment, OutOfStock, type Order } from "./orders.ts";

export interface Tables {
  shop_orders: Order;
}

export async function placeOrder(tenfold: Tenfold, db: Kysely<Tables>, order: Order): Promise<RunHandle<string>> {
  return db.transaction().execute(async (trx) => {
    await trx.insertInto("shop_orders").values(order).execute();
    const client: PgClient = { query: (text, values) => trx.executeQuery(CompiledQuery.raw(text, values)) };
    const run = await tenfold.start(fulfilment, order, { with: client });
    if (order.item === "unicorn") throw new OutOfStock();
    return run;
  });
}
