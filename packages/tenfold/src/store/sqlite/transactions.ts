/**
 * The SQLite store's transactions: bodies that are ready at the same time run one after the other in one transaction, each
 * under a savepoint, with its result; so they share the disk's sync, and one that throws undoes only what it wrote itself.
 * Invariants: they have a connection of their own, on which nothing else is written; a body neither begins nor ends a
 * transaction; one for which SQLite undoes all of them has the others called again, each by itself.
 */
import type { SQLInputValue, StatementSync } from "node:sqlite";
import type { SqliteTx, SqliteValue } from "../../flow/transaction.ts";
import { disownPromise } from "../../value/disown-promise.ts";
import { TenfoldError } from "../../value/error.ts";
import { LeaseLost, type Lease } from "../store.ts";
import type { KeptResult, TransactAnswer, TransactedWork, Transactions } from "../transactions.ts";
import { Connection, type ConnectionOptions } from "./connection.ts";
import { failureOf, isOfDisk } from "./failure.ts";

export const LEASE_ALIVE = "select 1 from leases where lane = ? and owner = ? and is_alive = 1";

export const READ_RESULT = "select attempt, output, at from tx_results where lane = ? and run = ? and key = ?";

export const INSERT_RESULT = "insert into tx_results (lane, run, key, attempt, output, at) values (?, ?, ?, ?, ?, ?)";

/** Bodies of one transaction: so that none keeps the file's other writers waiting for long. */
const BODIES_MAX = 100;

interface Waiting {
  readonly lease: Lease;
  readonly work: TransactedWork;
  readonly resolve: (answer: TransactAnswer) => void;
  readonly reject: (thrown: unknown) => void;
}

/** What one of them came to, unless its transaction fails. */
type Outcome = { readonly answer: TransactAnswer } | { readonly thrown: unknown };

/** SQLite undid the whole transaction for the sake of one body, which may be any of them; this is what that one came to. */
class AllUndone extends Error {
  readonly outcome: Outcome;

  constructor(outcome: Outcome) {
    super("SQLite undid a transaction of several bodies.");
    this.outcome = outcome;
  }
}

export class SqliteTransactions implements Transactions {
  readonly kind = "sqlite";
  readonly #path: string;
  readonly #options: ConnectionOptions;
  #opening: Promise<Connection> | null = null;
  #waiting: Waiting[] = [];

  constructor(path: string, options: ConnectionOptions) {
    this.#path = path;
    this.#options = options;
  }

  transact(lease: Lease, work: TransactedWork): Promise<TransactAnswer> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ lease, work, resolve, reject });
      // Those that are started in the same turn of the loop go together.
      if (this.#waiting.length === 1) queueMicrotask(() => void this.#flush());
    });
  }

  async close(): Promise<void> {
    await (await this.#opening?.catch(() => null))?.close();
  }

  async #flush(): Promise<void> {
    const waiting = this.#waiting.splice(0);
    for (let first = 0; first < waiting.length; first += BODIES_MAX) {
      await this.#together(waiting.slice(first, first + BODIES_MAX));
    }
  }

  async #together(batch: readonly Waiting[]): Promise<void> {
    try {
      const connection = await (this.#opening ??= this.#open());
      const outcomes = await connection.write((isRefused) => {
        if (isRefused) throw new AllUndone({ thrown: undone(LATE_REFERENCE) });
        return batch.map((one) => outcomeOf(connection, one));
      });
      batch.forEach((one, nth) => tell(one, outcomes[nth]!));
    } catch (thrown) {
      if (!(thrown instanceof AllUndone)) for (const { reject } of batch) reject(thrown);
      else if (batch.length === 1) tell(batch[0]!, thrown.outcome);
      else for (const one of batch) await this.#together([one]);
    }
  }

  async #open(): Promise<Connection> {
    const connection = new Connection(this.#path, { ...this.#options, keepsForeignKeys: true });
    await connection.configure();
    return connection;
  }
}

function tell({ resolve, reject }: Waiting, outcome: Outcome): void {
  if ("answer" in outcome) resolve(outcome.answer);
  else reject(outcome.thrown);
}

function outcomeOf(connection: Connection, { lease, work }: Waiting): Outcome {
  const { lane, owner } = lease;
  const { run, key, signal } = work;
  if (connection.get(LEASE_ALIVE, lane, owner) === undefined) return { thrown: new LeaseLost(lease) };
  const known = connection.get<KeptResult>(READ_RESULT, lane, run, key);
  if (known !== undefined) return { answer: { kind: "known", result: { ...known } } };
  if (signal.aborted) return UNDONE;
  connection.run("savepoint tenfold_body");
  const transaction = new BodyTransaction(connection);
  const kept = work.body(transaction);
  transaction.isOver = true;
  const answered = kept === null ? UNDONE : { thrown: undone(WHOLE_UNDONE) };
  if (transaction.fault !== null) throw new AllUndone({ thrown: failureOf(transaction.fault, connection.path) });
  if (!connection.isTransaction) throw new AllUndone(answered);
  if (kept === null || disownPromise(kept)) {
    connection.run("rollback to tenfold_body");
    connection.run("release tenfold_body");
    return kept === null ? UNDONE : { thrown: isAsync(work) };
  }
  const { attempt, output, at } = kept as KeptResult;
  connection.run(INSERT_RESULT, lane, run, key, attempt, output, at);
  connection.run("release tenfold_body");
  return { answer: { kind: "written" } };
}

const UNDONE: Outcome = { answer: { kind: "undone" } };

const WHOLE_UNDONE =
  "A statement of the body made SQLite undo its whole transaction (`on conflict rollback`, or `raise(rollback)`), and the body answered all the same; nothing of it was kept. Let the body throw.";
const LATE_REFERENCE =
  "FOREIGN KEY constraint failed: a reference that is deferred had no row when the body had answered; nothing of it was kept. Write what it refers to.";

function undone(message: string): TenfoldError {
  return new TenfoldError("TX_UNDONE", message);
}

/** Statements that are the store's: they begin or end transactions, or reach out of the file. */
const OURS = /^(?:begin|commit|end|rollback|savepoint|release|attach|detach|pragma|vacuum)\b/i;
const BLANK = /^(?:\s|--[^\n]*(?:\n|$)|\/\*[\s\S]*?\*\/|;)+/;

/** What a body is given. Statements are not kept: their texts are a user's, and may be without end. */
class BodyTransaction implements SqliteTx {
  readonly #connection: Connection;
  isOver = false;
  /** The disk's, not the body's. */
  fault: unknown = null;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  run(sql: string, ...parameters: readonly SqliteValue[]): ReturnType<SqliteTx["run"]> {
    return this.#execute(sql, (statement) => statement.run(...(parameters as readonly SQLInputValue[])));
  }

  get<Row>(sql: string, ...parameters: readonly SqliteValue[]): Row | undefined {
    return this.#execute(sql, (statement) => statement.get(...(parameters as readonly SQLInputValue[]))) as
      Row | undefined;
  }

  all<Row>(sql: string, ...parameters: readonly SqliteValue[]): Row[] {
    return this.#execute(sql, (statement) => statement.all(...(parameters as readonly SQLInputValue[]))) as Row[];
  }

  #execute<T>(sql: string, act: (statement: StatementSync) => T): T {
    try {
      return act(this.#prepared(sql));
    } catch (error) {
      if (isOfDisk(error)) this.fault = error;
      throw error;
    }
  }

  #prepared(sql: string): StatementSync {
    if (this.isOver) {
      const message =
        "The body has answered, and its transaction is over; nothing was executed. Do in the body, before it returns, all that it is to write.";
      throw new TenfoldError("TX_ENDED", message);
    }
    const text = String(sql).replace(BLANK, "");
    const [word] = OURS.exec(text) ?? [];
    if (word !== undefined) {
      const message = `A body with \`tx\` wanted to execute \`${word.toLowerCase()}\`; nothing was executed. Its transaction begins before it and ends after it: throw to undo what it wrote.`;
      throw new TenfoldError("TX_ENDED", message, { facts: { statement: word } });
    }
    const statement = this.#connection.prepareOnce(text);
    // SQLite reads the first one, and says nothing of what is behind it.
    if (text.slice(statement.sourceSQL.length).replace(BLANK, "") === "") return statement;
    const message =
      "A body with `tx` wanted to execute several statements as one; nothing was executed. Call `ctx.tx.run` for each.";
    throw new TenfoldError("OPTION_UNSUPPORTED", message);
  }
}

function isAsync({ key }: TransactedWork): TenfoldError {
  const message = `The body of ${key} answered a promise, and with \`tx: "sqlite"\` it has to answer at once; what it had written was undone. Make it a plain function, and have steps of their own do what has to be waited for.`;
  return new TenfoldError("TX_ASYNC", message, { facts: { key } });
}
