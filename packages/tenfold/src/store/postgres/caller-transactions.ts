/**
 * Transactions that callers have open on clients of their own, in which statements of ours are executed.
 * Invariants: they are executed whole or not at all, whatever the caller does next: a savepoint is before them; those of
 * two calls on one client do not mix; what fails is told as the client told it, unless we know better what it means.
 */
import { TenfoldError } from "../../value/error.ts";
import { describe } from "../../value/describe.ts";
import { clientRefused, type CallerClient, type PgClient, type PostgresTransaction } from "../caller-client.ts";
import { isClosedByMove, movedMeanwhile } from "../moving.ts";
import { inSchema, type Statement } from "./connection.ts";

/** Answers the rows of each statement. */
export type SendWithin = (statements: readonly Statement[]) => Promise<readonly (readonly unknown[])[]>;

const SAVEPOINT = "savepoint tenfold_start";
const RELEASE = "release savepoint tenfold_start";
const UNDO = "rollback to savepoint tenfold_start";

export class CallerTransactions {
  readonly #store: string;
  readonly #schema: string;
  readonly #turns = new WeakMap<object, Promise<unknown>>();

  /** `store` is its name, as a person would say it. */
  constructor(store: string, schema: string) {
    this.#store = store;
    this.#schema = schema;
  }

  /** Calls `act` with what executes statements in the transaction of `client`, after those that were given before. */
  async within<T>(client: CallerClient, act: (send: SendWithin) => Promise<T>): Promise<T> {
    const execute = this.#transactionOf(client);
    const next = (this.#turns.get(client) ?? Promise.resolve()).then(() => execute(act));
    this.#turns.set(
      client,
      next.catch(() => undefined),
    );
    try {
      return await next;
    } catch (error) {
      throw this.#failureOf(error);
    }
  }

  #transactionOf(client: unknown): <T>(act: (send: SendWithin) => Promise<T>) => Promise<T> {
    if (hasMethod(client, "savepoint") && hasMethod(client, "unsafe")) {
      return (act) => this.#withinPostgres(client as unknown as PostgresTransaction, act);
    }
    if (hasMethod(client, "begin") && hasMethod(client, "unsafe")) {
      const way = "Give the `sql` that `sql.begin(async (sql) => …)` hands in.";
      throw clientRefused("start was given the `sql` of a whole pool as `with`, which has no transaction", way);
    }
    if (hasMethod(client, "query")) {
      if (!("totalCount" in client)) return (act) => this.#withinPg(client as unknown as PgClient, act);
      const way =
        "Take a client from it (`await pool.connect()`), and give that one, between its `begin` and its `commit`.";
      throw clientRefused("start was given a pool as `with`, which has no transaction", way);
    }
    throw clientRefused(
      `start was given ${describe(client)} as \`with\`, which is no client of Postgres that it knows`,
      "Give a client of `pg` with a transaction open, or the `sql` that `sql.begin(async (sql) => …)` of `postgres` hands in.",
    );
  }

  async #withinPg<T>(client: PgClient, act: (send: SendWithin) => Promise<T>): Promise<T> {
    const query = async ({ sql, values = [] }: Statement): Promise<readonly unknown[]> => {
      const { rows } = Object((await client.query(this.#named(sql), [...values])) as unknown) as { rows?: unknown };
      if (Array.isArray(rows)) return rows as readonly unknown[];
      const reason = "start was given a client as `with` whose `query` does not answer `{ rows }`, as one of `pg` does";
      throw clientRefused(reason, "Give a client of `pg`, or of `postgres`.");
    };
    await query({ sql: SAVEPOINT });
    try {
      const answer = await act(async (statements) => {
        const rows: (readonly unknown[])[] = [];
        // One by one: a client of `pg` takes the next when the last is answered.
        for (const statement of statements) rows.push(await query(statement));
        return rows;
      });
      await query({ sql: RELEASE });
      return answer;
    } catch (error) {
      await query({ sql: UNDO }).catch(() => undefined);
      throw error;
    }
  }

  /** Its savepoints are a call of its own, since a statement that fails outside of one ends the transaction. */
  async #withinPostgres<T>(client: PostgresTransaction, act: (send: SendWithin) => Promise<T>): Promise<T> {
    return client.savepoint((sql) =>
      act((statements) =>
        Promise.all(
          statements.map((statement) =>
            sql.unsafe(this.#named(statement.sql), [...(statement.values ?? [])] as (string | number | null)[]),
          ),
        ),
      ),
    ) as Promise<T>;
  }

  #named(sql: string): string {
    return inSchema(sql, this.#schema);
  }

  #failureOf(error: unknown): unknown {
    const { code } = Object(error) as { readonly code?: unknown };
    const facts = { store: this.#store, state: code };
    switch (code) {
      case "25P01":
        return clientRefused(
          "start was given a client as `with` that has no transaction open",
          "Call it between the client's `begin` and its `commit`, and wait for it there.",
          error,
        );
      case "42P01":
      case "3F000":
        return clientRefused(
          `start was given a client as \`with\` that is connected to a database without the tables of ${this.#store}`,
          "Give a client of the store's own database.",
          error,
        );
      case "42501":
        return new TenfoldError(
          "STORE_PERMISSION",
          `The user of the client given as \`with\` may not write to the tables of ${this.#store} (${(error as Error).message}); no run was ` +
            `started. Have it granted: \`grant usage on schema ${this.#schema} to <user>; grant select, insert on all tables in schema ${this.#schema} to <user>; grant update on ${this.#schema}.lanes to <user>\`.`,
          { facts, cause: error },
        );
      case "55P03":
        return new TenfoldError(
          "STORE_BUSY",
          `Another transaction that is open has started a run under this key, and was waited for as long as the lock_timeout of this ` +
            `one says; no run was started, and this transaction can go on. End the other one, or start again.`,
          { facts, cause: error },
        );
      default:
        return isClosedByMove(error) ? movedMeanwhile(this.#store, error) : error;
    }
  }
}

function hasMethod(value: unknown, name: string): value is object {
  const isObject = (typeof value === "object" && value !== null) || typeof value === "function";
  return isObject && typeof (value as Readonly<Record<string, unknown>>)[name] === "function";
}
