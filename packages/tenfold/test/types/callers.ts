/** Which clients `start` takes as `with`: those with a transaction, without a cast, and no others. */
import type { DatabaseSync } from "node:sqlite";
import type pg from "pg";
import type postgres from "postgres";
import type { StartOptions } from "../../src/engine/start.ts";

export function clientsFit(
  client: pg.Client,
  ofPool: pg.PoolClient,
  sql: postgres.TransactionSql,
  typed: postgres.TransactionSql<{ bigint: bigint }>,
  database: DatabaseSync,
): readonly StartOptions[] {
  const own = { query: async (_text: string, _values: unknown[]) => ({ rows: [{ one: 1 }] }) };
  return [{ with: client }, { with: ofPool }, { with: sql }, { with: typed }, { with: database }, { with: own }];
}

export function othersDoNot(pool: pg.Pool, sql: postgres.Sql): readonly StartOptions[] {
  return [
    // @ts-expect-error each query of a pool may be on another connection
    { with: pool },
    // @ts-expect-error so may each of these: its transactions are what `sql.begin` hands in
    { with: sql },
    // @ts-expect-error a URL is no client
    { with: "postgres://localhost/leads" },
    // @ts-expect-error nor is what answers no rows
    { with: { query: async (_text: string) => 1 } },
    // @ts-expect-error a client that is not there is left out
    { with: null },
  ];
}
