/**
 * The Postgres store's transactions: each body has a connection of its own from a pool. The transaction ends with the lease's
 * row, which a takeover waits for, and one insert of the result under the node's name, so that a second one fails whoever makes it.
 * Invariants: nothing is committed that is not fenced, or whose transaction the body has ended and begun anew; a connection on
 * which anything failed that is not the body's own is not used again.
 */
import pg from "pg";
import type { PostgresQuery, PostgresResult, PostgresTx } from "../../flow/transaction.ts";
import { TenfoldError } from "../../value/error.ts";
import { LeaseLost, type Lease } from "../store.ts";
import type { KeptResult, TransactAnswer, TransactedWork, Transactions } from "../transactions.ts";
import { inSchema, type ConnectionOptions } from "./connection.ts";
import { failureOf, isConflict, storeClosed } from "./failure.ts";

/** Bodies with `tx` that run at once; the others wait for a connection. */
const CONNECTIONS_MAX = 10;

/** A body that leaves its transaction idle for longer is cut off: it keeps others from the rows that it has locked. */
const IDLE_MAX_MS = 60_000;

export const READ_RESULT = `
  select x.attempt, x.output, x.at::text as at
  from tenfold.tx_results x where x.lane = $1 and x.run = $2 and x.key = $3`;

export const INSERT_RESULT = `
  insert into tenfold.tx_results (lane, run, key, attempt, output, at)
  select l.lane, $3, $4, $5, $6, $7
  from tenfold.leases l where l.lane = $1 and l.owner = $2 and l.is_alive
  for key share of l`;

/** Belongs to the transaction: what the body began anew does not have it. */
export const IS_STILL_OURS = "select coalesce(current_setting('tenfold_tx.name', true), '') = $1 as ours";

export class PostgresTransactions implements Transactions {
  readonly kind = "postgres";
  readonly #url: string;
  readonly #options: ConnectionOptions;
  #pool: pg.Pool | null = null;
  #isClosed = false;
  #serial = 0;

  constructor(url: string, options: ConnectionOptions) {
    this.#url = url;
    this.#options = options;
  }

  async transact(lease: Lease, work: TransactedWork): Promise<TransactAnswer> {
    const client = await this.#connect();
    let cause: Error | undefined;
    const broke = (error: Error): void => void (cause ??= error);
    const stop = (): void => {
      broke(new Error("The body was stopped."));
      (client as unknown as { readonly connection: pg.Connection }).connection.stream.destroy();
    };
    client.on("error", broke);
    work.signal.addEventListener("abort", stop);
    try {
      return await this.#transact(client, lease, work, () => work.signal.removeEventListener("abort", stop));
    } catch (error) {
      broke(error as Error);
      if (work.signal.aborted) return { kind: "undone" };
      throw error;
    } finally {
      work.signal.removeEventListener("abort", stop);
      client.off("error", broke);
      client.release(cause);
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#pool?.end();
  }

  async #transact(
    client: pg.PoolClient,
    lease: Lease,
    work: TransactedWork,
    decided: () => void,
  ): Promise<TransactAnswer> {
    const { lane } = lease;
    const { run, key } = work;
    const name = `${++this.#serial}`;
    const began = `begin isolation level read committed; set local tenfold_tx.name = '${name}'; set local idle_in_transaction_session_timeout = ${IDLE_MAX_MS}`;
    await this.#send(client, began);
    const known = await this.#known(client, lane, run, key);
    if (known !== undefined || work.signal.aborted) {
      await this.#send(client, "rollback");
      return known === undefined ? { kind: "undone" } : { kind: "known", result: known };
    }
    const transaction = new BodyTransaction(client);
    const kept = await work.body(transaction);
    transaction.isOver = true;
    if (kept === null) {
      await this.#send(client, "rollback");
      return { kind: "undone" };
    }
    // From here on it is known soon what becomes of it, and nobody has to stop waiting.
    decided();
    const [ours] = await this.#send<{ ours: boolean }>(client, IS_STILL_OURS, [name]);
    if (ours?.ours !== true) throw endedByBody(key);
    try {
      if ((await this.#insert(client, lease, work, kept)) === 0) {
        await this.#send(client, "rollback");
        throw new LeaseLost(lease);
      }
    } catch (error) {
      if (!isConflict(error)) throw error;
      await this.#send(client, "rollback");
      const first = await this.#known(client, lane, run, key);
      if (first === undefined) throw error;
      return { kind: "known", result: first };
    }
    await this.#send(client, "commit");
    return { kind: "written" };
  }

  async #insert(client: pg.PoolClient, lease: Lease, work: TransactedWork, kept: KeptResult): Promise<number> {
    const { attempt, output, at } = kept;
    const values = [lease.lane, lease.owner, work.run, work.key, attempt, output, at];
    const { rowCount } = await this.#query(client, INSERT_RESULT, values);
    return rowCount ?? 0;
  }

  async #known(client: pg.PoolClient, lane: number, run: string, key: string): Promise<KeptResult | undefined> {
    const rows = await this.#send<{ attempt: number; output: string | null; at: string }>(client, READ_RESULT, [
      ...[lane, run, key],
    ]);
    return rows[0] === undefined ? undefined : { ...rows[0], at: Number(rows[0].at) };
  }

  async #send<Row>(client: pg.PoolClient, sql: string, values?: readonly unknown[]): Promise<readonly Row[]> {
    return (await this.#query(client, sql, values)).rows as readonly Row[];
  }

  async #query(client: pg.PoolClient, sql: string, values?: readonly unknown[]): Promise<pg.QueryResult> {
    const { schema, patienceMs, name } = this.#options;
    const query = { text: inSchema(sql, schema), query_timeout: patienceMs };
    try {
      return await client.query(values === undefined ? query : { ...query, values: [...values] });
    } catch (error) {
      throw isUsers(error) ? error : failureOf(error, name);
    }
  }

  async #connect(): Promise<pg.PoolClient> {
    if (this.#isClosed) throw storeClosed(this.#options.name);
    const { name } = this.#options;
    this.#pool ??= new pg.Pool({
      connectionString: this.#url,
      application_name: "tenfold tx",
      max: CONNECTIONS_MAX,
      keepAlive: true,
      keepAliveInitialDelayMillis: 10_000,
    });
    // Of a connection that nobody uses: the next one is made anew.
    if (this.#pool.listenerCount("error") === 0) this.#pool.on("error", () => {});
    try {
      return await this.#pool.connect();
    } catch (error) {
      throw failureOf(error, name);
    }
  }
}

/** What the user's own tables refuse when the transaction ends: constraints that are looked at then. */
function isUsers(error: unknown): boolean {
  const { code } = error as { readonly code?: unknown };
  return typeof code === "string" && /^(?:23|P0|40)/.test(code);
}

/** Statements that are the store's: they begin or end transactions. */
const OURS = /^(?:begin|start\s+transaction|commit|end|rollback|abort|prepare\s+transaction)\b(?!\s+to\b)/i;
const BLANK = /^(?:\s|--[^\n]*(?:\n|$)|\/\*[\s\S]*?\*\/|;)+/;

/** What a body is given. */
class BodyTransaction implements PostgresTx {
  readonly #client: pg.PoolClient;
  isOver = false;

  constructor(client: pg.PoolClient) {
    this.#client = client;
  }

  // A function of its own, so that it may be handed on without its object.
  get query(): PostgresTx["query"] {
    return async <Row>(query: string | PostgresQuery, values?: readonly unknown[]): Promise<PostgresResult<Row>> => {
      const text = typeof query === "string" ? query : query.text;
      if (this.isOver) {
        const message =
          "The body has answered, and its transaction is over; nothing was executed. Wait in the body for all that it writes.";
        throw new TenfoldError("TX_ENDED", message);
      }
      const [statement] = OURS.exec(text.replace(BLANK, "")) ?? [];
      if (statement !== undefined) {
        const message = `A body with \`tx\` wanted to execute \`${statement.toLowerCase()}\`; nothing was executed. Its transaction begins before it and ends after it: throw to undo what it wrote, or use savepoints.`;
        throw new TenfoldError("TX_ENDED", message, { facts: { statement } });
      }
      const sent = typeof query === "string" ? { text } : query;
      const given = values ?? (typeof query === "string" ? undefined : query.values);
      const answer = await this.#client.query(
        (given === undefined ? sent : { ...sent, values: [...given] }) as pg.QueryConfig,
      );
      return answer as unknown as PostgresResult<Row>;
    };
  }
}

function endedByBody(key: string): TenfoldError {
  const message = `The body of ${key} ended its transaction, in the middle of several statements that it sent as one; what it had written before that is committed, and the rest was undone. Take \`commit\` and \`rollback\` out of them.`;
  return new TenfoldError("TX_ENDED", message, { facts: { key } });
}
