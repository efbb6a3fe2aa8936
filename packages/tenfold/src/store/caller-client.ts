/** A connection of the caller's own, in whose transaction runs are started: clients are known by their shape. */
import type { DatabaseSync } from "node:sqlite";
import { TenfoldError } from "../value/error.ts";

/** A `Client` or `PoolClient` of `pg`, or whatever answers queries as they do. */
export interface PgClient {
  query(text: string, values: unknown[]): Promise<{ readonly rows: readonly unknown[] }>;
  /** What a pool has: each of its queries may be on another connection, so it has no transaction. */
  readonly totalCount?: never;
}

/** What `sql.begin(async (sql) => …)` of `postgres` hands in. */
export interface PostgresTransaction {
  savepoint(act: (sql: PostgresTransaction) => Promise<unknown>): Promise<unknown>;
  unsafe(query: string, parameters?: (string | number | null)[]): PromiseLike<readonly unknown[]>;
}

/** With a transaction open on it, and on the store's own database or file. */
export type CallerClient = PgClient | PostgresTransaction | DatabaseSync;

/** The refusal of a client in which nothing can be started; `way` is a sentence. */
export function clientRefused(reason: string, way: string, cause?: unknown): TenfoldError {
  const options = cause === undefined ? {} : { cause };
  return new TenfoldError("OPTION_UNSUPPORTED", `${reason}; no run was started. ${way}`, options);
}
