/**
 * A caller's own connection to the store's file, in whose transaction statements of ours are executed.
 * Invariant: they are executed whole or not at all, whatever the caller does next: a savepoint is before them.
 */
import { realpathSync } from "node:fs";
import { DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite";
import { TenfoldError } from "../../value/error.ts";
import { describe } from "../../value/describe.ts";
import { clientRefused } from "../caller-client.ts";
import type { Connection } from "./connection.ts";
import { failureOf, isBusy } from "./failure.ts";

/** Calls `act` in the transaction that is open on `client`, which has to be on the file `path`. */
export function withinCaller<T>(client: unknown, path: string, act: (connection: Connection) => T): T {
  const database = databaseOf(client, path);
  try {
    database.exec("savepoint tenfold_start");
    const answer = act(new CallerConnection(database) as unknown as Connection);
    database.exec("release tenfold_start");
    return answer;
  } catch (error) {
    // On a full disk SQLite undoes the whole transaction by itself.
    if (database.isTransaction) database.exec("rollback to tenfold_start; release tenfold_start");
    throw isBusy(error) ? fileBusy(path, error) : failureOf(error, path);
  }
}

function databaseOf(client: unknown, path: string): DatabaseSync {
  if (!(client instanceof DatabaseSync)) {
    throw clientRefused(
      `start was given ${describe(client)} as \`with\`, and the store ${path} knows no other client than a DatabaseSync of node:sqlite`,
      `Open one (\`new DatabaseSync(${JSON.stringify(path)})\`), and write to your own tables with it too.`,
    );
  }
  const file = client.isOpen ? client.location() : null;
  if (file === null || realpathSync(file) !== realpathSync(path)) {
    const where = client.isOpen ? `open on ${file ?? "a database in memory"}` : "closed";
    throw clientRefused(
      `start was given a DatabaseSync as \`with\` that is ${where}, and the store is ${path}`,
      "A transaction is in one file: keep your own tables in the store's file, and open that one.",
    );
  }
  if (client.isTransaction) return client;
  throw clientRefused(
    "start was given a DatabaseSync as `with` that has no transaction open",
    "Call it between `begin immediate` and `commit`, and wait for it there.",
  );
}

function fileBusy(path: string, cause: unknown): TenfoldError {
  return new TenfoldError(
    "STORE_BUSY",
    `Somebody else is writing to ${path}, and the client given as \`with\` did not get its lock; no run was started. Begin the ` +
      `transaction with \`begin immediate\`, which gets the lock first, and open the client with a \`timeout\`, for which it waits.`,
    { facts: { path }, cause },
  );
}

/** All of a connection that a start needs. Whatever the client was told about numbers and rows, ours are as we read them. */
class CallerConnection implements Pick<Connection, "all" | "get" | "run" | "insertRows"> {
  readonly #database: DatabaseSync;

  constructor(database: DatabaseSync) {
    this.#database = database;
  }

  all<Row>(sql: string, ...parameters: SQLInputValue[]): Row[] {
    return this.#prepared(sql).all(...parameters) as Row[];
  }

  get<Row>(sql: string, ...parameters: SQLInputValue[]): Row | undefined {
    return this.#prepared(sql).get(...parameters) as Row | undefined;
  }

  run(sql: string, ...parameters: SQLInputValue[]): number {
    return this.#prepared(sql).run(...parameters).changes as number;
  }

  insertRows(sql: string, count: number, values: readonly SQLInputValue[]): number {
    const row = sql.slice(sql.lastIndexOf("("));
    return this.#prepared(sql + `, ${row}`.repeat(count - 1)).run(...values).lastInsertRowid as number;
  }

  #prepared(sql: string): StatementSync {
    const statement = this.#database.prepare(sql);
    statement.setReadBigInts(false);
    statement.setReturnArrays(false);
    return statement;
  }
}
