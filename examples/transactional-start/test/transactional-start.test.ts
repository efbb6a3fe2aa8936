/** The four programs run against a real Postgres: order and run are both there, or neither is. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Kysely, PostgresDialect } from "kysely";
import pg from "pg";
import postgres from "postgres";
import { open, type RunHandle, type Tenfold } from "tenfold";
import { postgresServer } from "../../../packages/tenfold/test/store/postgres-server.ts";
import { fulfilment, MAKE_TABLE, OutOfStock, type Order } from "../orders.ts";
import * as drizzle from "../with-drizzle.ts";
import * as kysely from "../with-kysely.ts";
import * as ofPg from "../with-pg.ts";
import * as ofPostgres from "../with-postgres.ts";

let tenfold: Tenfold;
let pool: pg.Pool;
let sql: postgres.Sql;
let db: Kysely<kysely.Tables>;

before(async () => {
  const { url } = await postgresServer();
  tenfold = await open({ store: url, workflows: [fulfilment] });
  pool = new pg.Pool({ connectionString: url });
  sql = postgres(url);
  db = new Kysely({ dialect: new PostgresDialect({ pool: new pg.Pool({ connectionString: url }) }) });
  await pool.query(MAKE_TABLE);
});

after(async () => {
  await db.destroy();
  await sql.end();
  await pool.end();
  await tenfold.close();
});

const PROGRAMS: readonly (readonly [string, (order: Order) => Promise<RunHandle<string>>])[] = [
  ["pg", (order) => ofPg.placeOrder(tenfold, pool, order)],
  ["postgres", (order) => ofPostgres.placeOrder(tenfold, sql, order)],
  ["kysely", (order) => kysely.placeOrder(tenfold, db, order)],
  ["drizzle", (order) => drizzle.placeOrder(tenfold, pool, order)],
];

async function ordersOf(id: string): Promise<number> {
  const { rows } = await pool.query("select id from shop_orders where id = $1", [id]);
  return rows.length;
}

for (const [name, placeOrder] of PROGRAMS) {
  test(`${name}: the order that was placed is fulfilled`, async () => {
    const run = await placeOrder({ id: `${name}-1`, item: "lamp" });
    assert.equal(await run.result(), "lamp reserved, letter sent");
    assert.equal(await ordersOf(`${name}-1`), 1);
  });

  test(`${name}: of an order that is rolled back there is no run, and it can be placed again`, async () => {
    const id = `${name}-2`;
    await assert.rejects(placeOrder({ id, item: "unicorn" }), OutOfStock);
    assert.equal(await ordersOf(id), 0);
    assert.deepEqual(await tenfold.page({ key: id }, { limit: 1 }), []);
    const run = await placeOrder({ id, item: "chair" });
    assert.equal(await run.result(), "chair reserved, letter sent");
  });
}
