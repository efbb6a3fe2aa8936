/**
 * Statements that go out together and come back together: one write, one wake-up of the server, one answer. To the
 * driver they are one query with several results.
 * Invariants: they are prepared, each once a session; where one fails, those behind it are not executed, and the error
 * is the batch's. A statement that a failed batch was to prepare is prepared anew; a name that is taken by somebody else,
 * as behind a pool that shares its sessions, is refused by the server and never taken over.
 */
import pg from "pg";

/** A name: it is prepared under it. Without one the text may be several statements, none of which takes values. */
export type Sent =
  | { readonly name: string; readonly text: string; readonly values: readonly unknown[] }
  | { readonly name: null; readonly text: string };

type Prepared = Extract<Sent, { readonly name: string }>;

/** The driver's connection, below its queries: the messages of the protocol. */
interface Wire {
  close(statement: { readonly type: "S"; readonly name: string }): void;
  parse(statement: { readonly name: string; readonly text: string }): void;
  bind(bound: {
    readonly statement: string;
    readonly values: readonly unknown[];
    readonly valueMapper: (value: unknown) => string | null;
  }): void;
  describe(portal: { readonly type: "P" }): void;
  execute(): void;
  sync(): void;
}

/** What a session has prepared. */
export class PreparedNames {
  readonly known = new Set<string>();
  /** Those that a failed batch was to prepare: the session has them or not. */
  readonly doubtful = new Set<string>();

  /** A batch failed that was to prepare these. */
  failed(fresh: readonly string[], error: Error): void {
    const isTaken = (error as { readonly code?: unknown }).code === "42P05";
    for (const name of fresh) {
      this.known.delete(name);
      if (!isTaken) this.doubtful.add(name);
    }
  }
}

class Batch extends pg.Query {
  readonly #statements: readonly Prepared[];
  readonly #names: PreparedNames;

  constructor(
    statements: readonly Prepared[],
    names: PreparedNames,
    done: (error: Error | undefined, answer: unknown) => void,
  ) {
    super("", done);
    this.#statements = statements;
    this.#names = names;
  }

  override submit = (connection: pg.Connection): void => {
    const wire = connection as unknown as Wire;
    const { known, doubtful } = this.#names;
    for (const { name, text, values } of this.#statements) {
      if (!known.has(name)) {
        known.add(name);
        if (doubtful.delete(name)) wire.close({ type: "S", name });
        wire.parse({ name, text });
      }
      wire.bind({ statement: name, values, valueMapper });
      wire.describe({ type: "P" });
      wire.execute();
    }
    wire.sync();
  };
}

function valueMapper(value: unknown): string | null {
  return value === null || value === undefined ? null : String(value);
}

/**
 * Sends `statements`, and behind them, if it `commits`, the end of their transaction, which is its end also where one of
 * them failed.
 */
export async function sendBatch(
  client: pg.Client,
  names: PreparedNames,
  statements: readonly Sent[],
  commits: boolean,
): Promise<readonly pg.QueryResult[]> {
  const { stream } = (client as unknown as { readonly connection: pg.Connection }).connection;
  stream.cork();
  const sent: Promise<pg.QueryResult | pg.QueryResult[]>[] = [];
  for (let first = 0, end = 0; first < statements.length; first = end) {
    const prepared = preparedFrom(statements, first);
    end = first + (prepared.length || 1);
    if (prepared.length > 0) sent.push(batched(client, names, prepared));
    else sent.push(client.query(statements[first]!.text).then(lastOf));
  }
  if (commits) sent.push(client.query("commit"));
  stream.uncork();
  const settled = await Promise.allSettled(sent);
  // The first that failed is the cause; those behind it only say that the transaction is over.
  const failed = settled.find((one) => one.status === "rejected");
  if (failed !== undefined) throw failed.reason;
  const answers = settled.flatMap((one) => (one as PromiseFulfilledResult<pg.QueryResult>).value);
  return commits ? answers.slice(0, -1) : answers;
}

/** Those from `first` on that stand together. */
function preparedFrom(statements: readonly Sent[], first: number): readonly Prepared[] {
  const end = statements.findIndex(({ name }, place) => place >= first && name === null);
  return statements.slice(first, end === -1 ? undefined : end) as readonly Prepared[];
}

/** A text of several statements has several answers. */
function lastOf(answer: pg.QueryResult | pg.QueryResult[]): pg.QueryResult {
  return Array.isArray(answer) ? (answer.at(-1) as pg.QueryResult) : answer;
}

function batched(
  client: pg.Client,
  names: PreparedNames,
  statements: readonly Prepared[],
): Promise<pg.QueryResult | pg.QueryResult[]> {
  const fresh = statements.map(({ name }) => name).filter((name) => !names.known.has(name));
  return new Promise((resolve, reject) => {
    const done = (error: Error | null | undefined, answer: unknown): void => {
      if (error === undefined || error === null) return resolve(answer as pg.QueryResult);
      names.failed(fresh, error);
      reject(error);
    };
    client.query(new Batch(statements, names, done));
  });
}
