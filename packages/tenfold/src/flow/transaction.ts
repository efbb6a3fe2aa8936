/** What the body of a step is given whose writes commit with its result: the transaction, in the words of its store. */
import type { StepContext, StepTransaction } from "./definition.ts";

/** What SQLite keeps in a cell. */
export type SqliteValue = null | number | bigint | string | Uint8Array;

/**
 * The transaction on the store's own file, for one body: each statement is executed when it is called. It is the store's to
 * begin and to end; a body that throws undoes what it wrote.
 */
export interface SqliteTx {
  /** Executes one statement. */
  run(
    sql: string,
    ...parameters: readonly SqliteValue[]
  ): { readonly changes: number | bigint; readonly lastInsertRowid: number | bigint };
  /** The first row that it answers. */
  get<Row = Record<string, SqliteValue>>(sql: string, ...parameters: readonly SqliteValue[]): Row | undefined;
  /** Every row that it answers. */
  all<Row = Record<string, SqliteValue>>(sql: string, ...parameters: readonly SqliteValue[]): Row[];
}

/** A query as `pg` takes it in one piece. */
export interface PostgresQuery {
  readonly text: string;
  readonly values?: readonly unknown[];
  readonly name?: string;
  readonly rowMode?: "array";
  readonly types?: unknown;
}

export interface PostgresResult<Row> {
  readonly rows: Row[];
  readonly rowCount: number | null;
  readonly command: string;
  readonly fields: readonly { readonly name: string; readonly dataTypeID: number }[];
}

/**
 * The transaction on the store's own database, on a connection that is the body's alone: a client of `pg`, as far as its
 * `query` goes. It is the store's to begin and to end; a body that throws undoes what it wrote.
 */
export interface PostgresTx {
  query<Row = Record<string, unknown>>(
    query: string | PostgresQuery,
    values?: readonly unknown[],
  ): Promise<PostgresResult<Row>>;
}

/** The transactions that a step may ask for, by what `tx` says. */
export interface StepTransactions extends Record<StepTransaction, unknown> {
  readonly sqlite: SqliteTx;
  readonly postgres: PostgresTx;
}

/** What a body is given, by the `tx` of its step. */
export type ContextOf<T extends StepTransaction | undefined> = T extends StepTransaction
  ? StepContext & { readonly tx: StepTransactions[T] }
  : StepContext;

/** What a unit test may give a body. */
export type TestedContext = Partial<StepContext> & { readonly tx?: SqliteTx | PostgresTx };
