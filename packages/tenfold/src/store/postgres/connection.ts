/**
 * One connection to a Postgres server: prepared statements, sent together, answered together.
 * Invariants: the statements of one call stand next to each other on the wire, so calls never interleave; several of
 * them are one transaction, which is written whole or not at all; a connection that broke is made anew for the next
 * call, and what was under way is answered with an error.
 */
import pg from "pg";
import { failureOf, isWorthAnotherTry, storeClosed } from "./failure.ts";

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

export interface ConnectionOptions {
  /** As a person would name the store: without its password. */
  readonly name: string;
  readonly schema: string;
  /** What the connection is for, as `pg_stat_activity` shows it. */
  readonly purpose: string;
  /** A statement that takes longer has no answer any more (ms). */
  readonly patienceMs: number;
}

/** Numbers that JavaScript holds exactly: times, counts, places. */
const NUMBERS: ReadonlySet<number> = new Set([20, 21, 23]);

const types: pg.CustomTypesConfig = {
  getTypeParser: ((type: number, format?: "text" | "binary") =>
    NUMBERS.has(type)
      ? Number
      : pg.types.getTypeParser(type, format as "text")) as pg.CustomTypesConfig["getTypeParser"],
};

const BEGIN: Statement = { sql: "begin isolation level read committed" };
const COMMIT: Statement = { sql: "commit" };

/** How often a call whose transaction Postgres ended to resolve a conflict is sent again. */
const TRIES = 5;

export class Connection {
  readonly options: ConnectionOptions;
  readonly url: string;
  readonly #names = new Map<string, { readonly name: string; readonly text: string }>();
  #client: Promise<pg.Client> | null = null;
  #turn: Promise<unknown> = Promise.resolve();
  #listening: { readonly channel: string; readonly heard: (payload: string | undefined) => void } | null = null;
  #isConnected = false;
  #isClosed = false;

  constructor(url: string, options: ConnectionOptions) {
    this.url = url;
    this.options = options;
  }

  /** Whether it is connected now. */
  get isOpen(): boolean {
    return this.#isConnected;
  }

  /** Opens the connection if it is not open. */
  async connect(): Promise<void> {
    await this.#connected();
  }

  /** Answers each statement; more than one are one transaction. */
  async send(statements: readonly Statement[]): Promise<Answer[]> {
    for (let attempt = 1; ; attempt++) {
      try {
        const client = await this.#connected();
        if (statements.length === 1) return await this.#pipeline(client, statements);
        return (await this.#pipeline(client, [BEGIN, ...statements, COMMIT])).slice(1, -1);
      } catch (error) {
        if (attempt < TRIES && isWorthAnotherTry(error)) continue;
        throw failureOf(error, this.options.name);
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
        client ??= await this.#connected();
        if (isOpen) return this.#pipeline(client, statements);
        isOpen = true;
        return (await this.#pipeline(client, [BEGIN, ...statements])).slice(1);
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
        throw failureOf(error, this.options.name);
      } finally {
        if (isOpen) await client?.query("rollback").catch(() => undefined);
      }
    }
  }

  /** Calls `heard` for every notification of this channel, also after the connection was made anew. */
  async listen(channel: string, heard: (payload: string | undefined) => void): Promise<void> {
    this.#listening = { channel, heard };
    await this.#connected().catch(() => undefined);
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await this.#turn;
    const client = await this.#client?.catch(() => undefined);
    await client?.end().catch(() => undefined);
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
    return settled.map((one) => {
      const { rows, rowCount } = (one as PromiseFulfilledResult<pg.QueryResult>).value;
      return { rows: rows as Record<string, unknown>[], count: rowCount ?? 0 };
    });
  }

  #prepared(sql: string): { readonly name: string; readonly text: string } {
    let prepared = this.#names.get(sql);
    if (prepared === undefined) {
      const { schema } = this.options;
      const text = schema === "tenfold" ? sql : sql.replaceAll("tenfold.", `${schema}.`);
      this.#names.set(sql, (prepared = { name: `tenfold_${this.#names.size + 1}`, text }));
    }
    return prepared;
  }

  #connected(): Promise<pg.Client> {
    if (this.#isClosed) return Promise.reject(storeClosed(this.options.name));
    this.#client ??= this.#open();
    return this.#client;
  }

  async #open(): Promise<pg.Client> {
    const { purpose, patienceMs } = this.options;
    const client = new pg.Client({
      connectionString: this.url,
      application_name: `tenfold ${purpose}`,
      connectionTimeoutMillis: patienceMs,
      query_timeout: patienceMs,
      keepAlive: true,
      keepAliveInitialDelayMillis: 10_000,
      types,
      ...{ pipeline: true },
    });
    const forget = (): void => {
      this.#client = null;
      this.#isConnected = false;
      this.#names.clear();
    };
    client.on("error", forget);
    client.on("end", forget);
    try {
      await client.connect();
      if (this.#listening !== null) {
        const { channel, heard } = this.#listening;
        client.on("notification", ({ payload }) => heard(payload));
        await client.query(`listen "${channel}"`);
        heard(undefined);
      }
      this.#isConnected = true;
      return client;
    } catch (error) {
      forget();
      throw error;
    }
  }
}
