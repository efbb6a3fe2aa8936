/**
 * The Postgres store's transactions: each body has a connection of its own. The transaction ends with the lease's row, which
 * a takeover waits for, and one insert of the result under the node's name, so that a second one fails whoever makes it.
 * Invariants: nothing is committed that is not fenced, or whose transaction the body has ended and begun anew; what a body sets
 * in its session no other one finds.
 */
import type pg from "pg";
import type { PostgresQuery, PostgresResult, PostgresTx } from "../../flow/transaction.ts";
import { TenfoldError } from "../../value/error.ts";
import { LeaseLost, type Lease } from "../store.ts";
import type { KeptResult, TransactAnswer, TransactedWork, Transactions } from "../transactions.ts";
import { inSchema, type ConnectionOptions } from "./connection.ts";
import { failureOf, isConflict, isForOthers, isOverBefore, isTimedOut } from "./failure.ts";
import type { TxClient, TxClients } from "./tx-clients.ts";

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

/**
 * The name belongs to the transaction: what the body began anew does not have it. From here on the role is the store's own; and the
 * lease's row is about to be locked, and let go of before a takeover gives up waiting for it, should this worker fall silent.
 */
export const IS_STILL_OURS = `
  select coalesce(current_setting('tenfold_tx.name', true), '') = $1 as ours,
    set_config('role', 'none', true), set_config('idle_in_transaction_session_timeout', $2, true)`;

/** What others left of their session goes. */
function beginning(name: string): string {
  return `
    reset session authorization; reset role; reset all; discard temp; select pg_advisory_unlock_all();
    begin isolation level read committed;
    set local tenfold_tx.name = '${name}'; set local idle_in_transaction_session_timeout = ${IDLE_MAX_MS}`;
}

export class PostgresTransactions implements Transactions {
  readonly kind = "postgres";
  readonly #options: ConnectionOptions;
  readonly #clients: TxClients;
  #serial = 0;

  constructor(clients: TxClients) {
    this.#clients = clients;
    this.#options = clients.options;
  }

  async transact(lease: Lease, work: TransactedWork): Promise<TransactAnswer> {
    const held = await this.#clients.take(work.signal);
    if (held === null) return { kind: "undone" };
    try {
      return await this.#transact(held, lease, work);
    } catch (error) {
      held.broke(error as Error);
      if (work.signal.aborted) return { kind: "undone" };
      throw error;
    } finally {
      held.giveBack();
    }
  }

  close(): Promise<void> {
    return this.#clients.close();
  }

  async #transact(held: TxClient, lease: Lease, work: TransactedWork): Promise<TransactAnswer> {
    const { client } = held;
    const { lane } = lease;
    const { run, key } = work;
    const name = `${++this.#serial}`;
    await this.#send(client, beginning(name));
    const known = await this.#known(client, lane, run, key);
    if (known !== undefined || work.signal.aborted) {
      await this.#send(client, "rollback");
      return known === undefined ? { kind: "undone" } : { kind: "known", result: known };
    }
    const transaction = new BodyTransaction(client);
    const kept = await work.body(transaction);
    transaction.isOver = true;
    if (kept === null) return this.#undo(held, key, transaction.failed);
    held.finishes();
    await this.#checkOurs(held, name, key, transaction.failed);
    try {
      if ((await this.#insert(client, lease, work, kept)) === 0) throw new LeaseLost(lease);
    } catch (error) {
      if (!isConflict(error)) throw error;
      await this.#send(client, "rollback");
      const first = await this.#known(client, lane, run, key);
      if (first === undefined) throw error;
      return { kind: "known", result: first };
    }
    await this.#commit(client);
    return { kind: "written" };
  }

  /** The body has failed, unless it was the database that ended its transaction. */
  async #undo(held: TxClient, key: string, failed: unknown): Promise<TransactAnswer> {
    const ended = [failed, held.cause].find(isTimedOut);
    if (ended !== undefined) throw leftIdle(key, ended);
    if (isForOthers(failed)) throw failureOf(failed, this.#options.name);
    try {
      await this.#send(held.client, "rollback");
    } catch (error) {
      held.broke(error as Error);
    }
    return { kind: "undone" };
  }

  async #checkOurs(held: TxClient, name: string, key: string, failed: unknown): Promise<void> {
    const { patienceMs } = this.#options;
    try {
      const idleMs = Math.ceil(patienceMs / 2);
      const [ours] = await this.#send<{ ours: boolean }>(held.client, IS_STILL_OURS, [name, String(idleMs)]);
      if (ours?.ours !== true) throw endedByBody(key);
    } catch (error) {
      const ended = [error, held.cause].find(isTimedOut);
      if (ended !== undefined) throw leftIdle(key, ended);
      if (!isOverBefore(error)) throw error;
      throw isForOthers(failed) ? failureOf(failed, this.#options.name) : wentOn(key, failed);
    }
  }

  async #insert(client: pg.PoolClient, lease: Lease, work: TransactedWork, kept: KeptResult): Promise<number> {
    const { attempt, output, at } = kept;
    const values = [lease.lane, lease.owner, work.run, work.key, attempt, output, at];
    const { rowCount } = await this.#query(client, INSERT_RESULT, values);
    return rowCount ?? 0;
  }

  /** What the user's own tables refuse only now is told as the database says it. */
  async #commit(client: pg.PoolClient): Promise<void> {
    try {
      await this.#send(client, "commit");
    } catch (error) {
      throw error instanceof TenfoldError && error.code === "INVARIANT_BROKEN" ? error.cause : error;
    }
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
      throw failureOf(error, name);
    }
  }
}

/** Statements that are the store's: they begin or end transactions. */
const OURS = /^(?:begin|start\s+transaction|commit|end|rollback|abort|prepare\s+transaction)\b(?!\s+to\b)/i;
const BLANK = /^(?:\s|--[^\n]*(?:\n|$)|\/\*[\s\S]*?\*\/|;)+/;

/** What a body is given. */
class BodyTransaction implements PostgresTx {
  readonly #client: pg.PoolClient;
  isOver = false;
  /** How the last query that was executed and failed did. */
  failed: unknown = null;

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
      const config = (given === undefined ? sent : { ...sent, values: [...given] }) as pg.QueryConfig;
      try {
        return (await this.#client.query(config)) as unknown as PostgresResult<Row>;
      } catch (error) {
        if (!isOverBefore(error)) this.failed = error;
        throw error;
      }
    };
  }
}

function endedByBody(key: string): TenfoldError {
  const message = `The body of ${key} ended its transaction, in the middle of several statements that it sent as one; what stood before that is as the body ended it, and no result was kept. Take \`commit\` and \`rollback\` out of them.`;
  return new TenfoldError("TX_ENDED", message, { facts: { key } });
}

function leftIdle(key: string, cause: unknown): TenfoldError {
  const said = cause instanceof TenfoldError ? cause.cause : cause;
  const message = `The body of ${key} left its transaction idle, or open, for longer than it may, and the server ended it (${(said as Error).message}); nothing of it was kept. Do what takes long in a step before it.`;
  return new TenfoldError("TX_UNDONE", message, { facts: { key }, cause });
}

function wentOn(key: string, failed: unknown): TenfoldError {
  const said = failed instanceof Error ? failed.message : String(failed);
  const message = `The body of ${key} answered although a query of its had failed (${said}), and the whole transaction with it; nothing of it was kept. Let the body throw, or put what may fail behind a savepoint.`;
  return new TenfoldError("TX_UNDONE", message, { facts: { key }, cause: failed });
}
