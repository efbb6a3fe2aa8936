/**
 * One connection to a Postgres server: what is sent in one call is one batch of prepared statements.
 * Invariants: the statements of one call stand next to each other on the wire, so calls never interleave; several of
 * them are one transaction, which is written whole or not at all; a session that broke is made anew for the next
 * call, what was under way is answered with an error, and a server that is away is asked after ever longer pauses,
 * in which calls are refused at once.
 */
import { sendBatch } from "./batch.ts";
import { failureOf, isReadOnly, isWorthAnotherTry, storeClosed } from "./failure.ts";
import { ReconnectPause } from "./reconnect-pause.ts";
import { Session, type SessionOptions } from "./session.ts";
import { DEFAULT_SCHEMA } from "./store-url.ts";

export interface Statement {
  readonly sql: string;
  /** What is sent without any, not even an empty list, is not prepared, and may be several statements, of which the last is answered. */
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
  /** Its transactions find each row by its key, however large a table is or was: one plan a session will do. */
  readonly isByKey?: boolean;
  /** Bodies that write at once. */
  readonly txMax?: number;
}

const LIMITS = "set_config('statement_timeout', $1, true), set_config('idle_in_transaction_session_timeout', $2, true)";

/**
 * A plan is kept, and the table that was small when it was made is not for ever: none reads a table from end to end.
 * Statements are short, so compiling them does not pay.
 */
const PLANS = "set_config('enable_seqscan', 'off', true), set_config('jit', 'off', true)";

/**
 * Joins that would read all rows of a lane, to be sorted or hashed, are ruled out too, which leaves a look-up of each row
 * that is asked for. That plan is right for tables of any size, so it is made once. Citus makes its own choice, since it
 * finds the node by the values.
 */
const PLANS_BY_KEY = `
  set_config('plan_cache_mode', case when current_setting('citus.shard_count', true) is null
    then 'force_generic_plan' else 'auto' end, true),
  ${["hashjoin", "mergejoin", "bitmapscan"].map((way) => `set_config('enable_${way}', 'off', true)`).join(", ")}`;

/**
 * How each transaction begins. The server gives up before this side does, so that its answer says that nothing was
 * written; and it lets go of the locks of a transaction whose client has fallen silent before others, a takeover among
 * them, give up waiting for them.
 */
function beginning({ patienceMs, isByKey = false }: ConnectionOptions): readonly Statement[] {
  const limits = [patienceMs * 0.8, patienceMs * 0.5].map((ms) => Math.ceil(ms));
  const settings = [LIMITS, PLANS, ...(isByKey ? [PLANS_BY_KEY] : [])].join(", ");
  return [
    { sql: "begin isolation level read committed", values: [] },
    { sql: `select ${settings}`, values: limits },
  ];
}

/** How often a call whose transaction Postgres ended to resolve a conflict is sent again. */
const TRIES = 5;

export class Connection {
  readonly options: ConnectionOptions;
  readonly url: string;
  readonly #begin: readonly Statement[];
  readonly #names = new Map<string, { readonly name: string; readonly text: string }>();
  readonly #pause = new ReconnectPause();
  #session: Session | null = null;
  /** The session has answered something. */
  #works = false;
  /** Why the last one ended. */
  #cause: unknown = null;
  #turn: Promise<unknown> = Promise.resolve();
  /** Open ones, and those that wait for their turn. */
  #transactions = 0;
  #isClosed = false;

  constructor(url: string, options: ConnectionOptions) {
    this.url = url;
    this.options = options;
    this.#begin = beginning(options);
  }

  /**
   * Answers each statement. They are one transaction, but for a single one that is not prepared. Where one is open, they
   * come behind it.
   */
  async send(statements: readonly Statement[]): Promise<Answer[]> {
    for (let attempt = 1; ; attempt++) {
      if (this.#transactions > 0) return this.transaction(({ commit }) => commit(statements));
      try {
        const session = this.#opened();
        const [first] = statements;
        if (statements.length === 1 && first!.values === undefined) return await this.#send(session, statements, false);
        return (await this.#send(session, [...this.#begin, ...statements], true)).slice(this.#begin.length);
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
   * undone. Whatever else is called on this connection waits for it.
   */
  transaction<T>(act: (transaction: Transaction) => Promise<T>): Promise<T> {
    this.#transactions++;
    const next = this.#turn.then(() => this.#transact(act)).finally(() => this.#transactions--);
    this.#turn = next.catch(() => undefined);
    return next;
  }

  async #transact<T>(act: (transaction: Transaction) => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      let session: Session | undefined;
      let isOpen = false;
      const sendNext = async (statements: readonly Statement[], commits: boolean): Promise<Answer[]> => {
        session ??= this.#opened();
        // Of one that cannot be opened nothing is undone.
        await session.client();
        const begin = isOpen ? [] : this.#begin;
        isOpen = true;
        const answers = await this.#send(session, [...begin, ...statements], commits);
        if (commits) isOpen = false;
        return answers.slice(begin.length);
      };
      const send = (statements: readonly Statement[]) => sendNext(statements, false);
      const commit = (statements: readonly Statement[]) => sendNext(statements, true);
      try {
        return await act({ send, commit });
      } catch (error) {
        if (attempt < TRIES && isWorthAnotherTry(error)) continue;
        throw this.#failure(error);
      } finally {
        if (isOpen) await session?.rollback();
      }
    }
  }

  /** Lets what is under way come to its end, unless that takes long; whatever is called then is refused. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await this.#session?.end(this.#turn);
  }

  async #send(session: Session, statements: readonly Statement[], commits: boolean): Promise<Answer[]> {
    const client = await session.client();
    const sent = statements.map(({ sql, values }) =>
      values === undefined ? { name: null, text: sql } : { ...this.#named(sql), values },
    );
    const answers = await sendBatch(client, session.prepared, sent, commits);
    this.#works = true;
    return answers.map(({ rows, rowCount }) => ({ rows: rows as Record<string, unknown>[], count: rowCount ?? 0 }));
  }

  #named(sql: string): { readonly name: string; readonly text: string } {
    let named = this.#names.get(sql);
    if (named === undefined) {
      const { schema } = this.options;
      this.#names.set(sql, (named = { name: `tenfold_${this.#names.size + 1}`, text: inSchema(sql, schema) }));
    }
    return named;
  }

  #opened(): Session {
    if (this.#isClosed) throw storeClosed(this.options.name);
    if (this.#session === null) {
      if (this.#pause.leftMs > 0) throw this.#cause;
      this.#works = false;
      const session: Session = new Session(this.url, this.options, (cause) => this.#ended(session, cause));
      this.#session = session;
    }
    return this.#session;
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
