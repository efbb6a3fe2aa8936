/**
 * One connection to a Postgres server: prepared statements, sent together, answered together.
 * Invariants: the statements of one call stand next to each other on the wire, so calls never interleave; several of
 * them are one transaction, which is written whole or not at all; a session that broke is made anew for the next
 * call, what was under way is answered with an error, and a server that is away is asked after ever longer pauses,
 * in which calls are refused at once.
 */
import type pg from "pg";
import { failureOf, isReadOnly, isWorthAnotherTry, storeClosed } from "./failure.ts";
import { ReconnectPause } from "./reconnect-pause.ts";
import { Session, type SessionOptions } from "./session.ts";
import { DEFAULT_SCHEMA } from "./store-url.ts";

export interface Statement {
  readonly sql: string;
  readonly values?: readonly unknown[];
}

export interface Answer<Row = Record<string, unknown>> {
  readonly rows: readonly Row[];
  /** How many rows were answered or changed. */
  readonly count: number;
}

/** A transaction that stays open from one call to the next. */
export interface Transaction {
  send(statements: readonly Statement[]): Promise<Answer[]>;
  /** Sends these, and commits. */
  commit(statements: readonly Statement[]): Promise<Answer[]>;
}

export interface ConnectionOptions extends SessionOptions {
  readonly schema: string;
}

const COMMIT: Statement = { sql: "commit" };

/**
 * The server gives up before this side does, so that its answer says that nothing was written; and it lets go of the
 * locks of a transaction whose client has fallen silent before others, a takeover among them, give up waiting for them.
 */
function beginning(patienceMs: number): Statement {
  const statementMs = Math.ceil(patienceMs * 0.8);
  const silentMs = Math.ceil(patienceMs * 0.5);
  return {
    sql:
      `begin isolation level read committed; set local statement_timeout = ${statementMs}; ` +
      `set local idle_in_transaction_session_timeout = ${silentMs}`,
  };
}

/** How often a call whose transaction Postgres ended to resolve a conflict is sent again. */
const TRIES = 5;

export class Connection {
  readonly options: ConnectionOptions;
  readonly url: string;
  readonly #begin: Statement;
  readonly #names = new Map<string, { readonly name: string; readonly text: string }>();
  readonly #pause = new ReconnectPause();
  #session: Session | null = null;
  /** The session has answered something. */
  #works = false;
  /** Why the last one ended. */
  #cause: unknown = null;
  #turn: Promise<unknown> = Promise.resolve();
  #isClosed = false;

  constructor(url: string, options: ConnectionOptions) {
    this.url = url;
    this.options = options;
    this.#begin = beginning(options.patienceMs);
  }

  /** Answers each statement; more than one are one transaction. */
  async send(statements: readonly Statement[]): Promise<Answer[]> {
    for (let attempt = 1; ; attempt++) {
      try {
        const client = await this.#client();
        if (statements.length === 1) return await this.#pipeline(client, statements);
        return (await this.#pipeline(client, [this.#begin, ...statements, COMMIT])).slice(1, -1);
      } catch (error) {
        if (attempt < TRIES && isWorthAnotherTry(error)) continue;
        throw this.#failure(error);
      }
    }
  }

  /** The rows that one statement answers. */
  async rows<Row>(sql: string, ...values: readonly unknown[]): Promise<readonly Row[]> {
    const [answer] = await this.send([{ sql, values }]);
    return answer!.rows as readonly Row[];
  }

  /**
   * Calls `act` with a transaction, in turn: for what has to look before it writes. One that it does not commit is
   * undone. A connection on which this is called is for nothing else.
   */
  transaction<T>(act: (transaction: Transaction) => Promise<T>): Promise<T> {
    const next = this.#turn.then(() => this.#transact(act));
    this.#turn = next.catch(() => undefined);
    return next;
  }

  async #transact<T>(act: (transaction: Transaction) => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      let client: pg.Client | undefined;
      let isOpen = false;
      const send = async (statements: readonly Statement[]): Promise<Answer[]> => {
        client ??= await this.#client();
        if (isOpen) return this.#pipeline(client, statements);
        isOpen = true;
        return (await this.#pipeline(client, [this.#begin, ...statements])).slice(1);
      };
      const commit = async (statements: readonly Statement[]): Promise<Answer[]> => {
        const answers = await send([...statements, COMMIT]);
        isOpen = false;
        return answers.slice(0, -1);
      };
      try {
        return await act({ send, commit });
      } catch (error) {
        if (attempt < TRIES && isWorthAnotherTry(error)) continue;
        throw this.#failure(error);
      } finally {
        if (isOpen) await client?.query("rollback").catch(() => undefined);
      }
    }
  }

  /** Lets what is under way come to its end, unless that takes long; whatever is called then is refused. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await this.#session?.end(this.#turn);
  }

  async #pipeline(client: pg.Client, statements: readonly Statement[]): Promise<Answer[]> {
    const settled = await Promise.allSettled(
      statements.map(({ sql, values }) =>
        values === undefined
          ? client.query(sql)
          : client.query({ ...this.#prepared(sql), values: values as unknown[] }),
      ),
    );
    // The first one that failed is the cause; those behind it only say that the transaction is over.
    const failed = settled.find((one) => one.status === "rejected");
    if (failed !== undefined) throw failed.reason;
    this.#works = true;
    return settled.map((one) => {
      const { rows, rowCount } = (one as PromiseFulfilledResult<pg.QueryResult>).value;
      return { rows: rows as Record<string, unknown>[], count: rowCount ?? 0 };
    });
  }

  #prepared(sql: string): { readonly name: string; readonly text: string } {
    let prepared = this.#names.get(sql);
    if (prepared === undefined) {
      const { schema } = this.options;
      this.#names.set(sql, (prepared = { name: `tenfold_${this.#names.size + 1}`, text: inSchema(sql, schema) }));
    }
    return prepared;
  }

  async #client(): Promise<pg.Client> {
    if (this.#isClosed) throw storeClosed(this.options.name);
    if (this.#session === null) {
      if (this.#pause.leftMs > 0) throw this.#cause;
      this.#works = false;
      const session: Session = new Session(this.url, this.options, (cause) => this.#ended(session, cause));
      this.#session = session;
    }
    return this.#session.client();
  }

  #ended(session: Session, cause: unknown): void {
    if (this.#session !== session) return;
    this.#session = null;
    this.#cause = cause;
    this.#pause.ended(this.#works);
  }

  /** The error for the caller. A server that only reads now may have lost its place to another one: that is looked for. */
  #failure(error: unknown): unknown {
    const session = this.#session;
    if (session !== null && isReadOnly(error)) {
      this.#ended(session, error);
      session.cut();
    }
    return failureOf(error, this.options.name);
  }
}

/** A statement as it is written for the schema `tenfold`, for another one. */
export function inSchema(sql: string, schema: string): string {
  return schema === DEFAULT_SCHEMA ? sql : sql.replaceAll("tenfold.", `"${schema}".`);
}
