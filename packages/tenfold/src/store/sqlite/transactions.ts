/**
 * The SQLite store's transactions: bodies that are ready at the same time run one after the other in one transaction, each
 * under a savepoint, with its result; so they share the disk's sync, and one that throws undoes only what it wrote itself.
 * Invariants: they have a connection of their own, on which nothing else is written; a body neither begins nor ends a
 * transaction; one that makes SQLite undo all of them has the others called again, each by itself.
 */
import type { SQLInputValue } from "node:sqlite";
import type { SqliteTx, SqliteValue } from "../../flow/transaction.ts";
import { disownPromise } from "../../value/disown-promise.ts";
import { TenfoldError } from "../../value/error.ts";
import { LeaseLost, type Lease } from "../store.ts";
import type { KeptResult, TransactAnswer, TransactedWork, Transactions } from "../transactions.ts";
import { Connection, type ConnectionOptions } from "./connection.ts";

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

/** A body had SQLite undo the whole transaction. */
class AllUndone extends Error {}

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
      const outcomes = await connection.write(() => batch.map((one) => outcomeOf(connection, one)));
      batch.forEach(({ resolve, reject }, nth) => {
        const outcome = outcomes[nth]!;
        if ("answer" in outcome) resolve(outcome.answer);
        else reject(outcome.thrown);
      });
    } catch (thrown) {
      if (!(thrown instanceof AllUndone) || batch.length === 1) for (const { reject } of batch) reject(thrown);
      else for (const one of batch) await this.#together([one]);
    }
  }

  async #open(): Promise<Connection> {
    const connection = new Connection(this.#path, { ...this.#options, keepsForeignKeys: true });
    await connection.configure();
    return connection;
  }
}

function outcomeOf(connection: Connection, { lease, work }: Waiting): Outcome {
  const { lane, owner } = lease;
  const { run, key, signal } = work;
  if (connection.get(LEASE_ALIVE, lane, owner) === undefined) return { thrown: new LeaseLost(lease) };
  const known = connection.get<KeptResult>(READ_RESULT, lane, run, key);
  if (known !== undefined) return { answer: { kind: "known", result: { ...known } } };
  if (signal.aborted) return { answer: { kind: "undone" } };
  connection.run("savepoint tenfold_body");
  const transaction = new BodyTransaction(connection);
  const kept = work.body(transaction);
  transaction.isOver = true;
  if (!connection.isTransaction) throw new AllUndone(WHOLE_UNDONE);
  if (kept === null || disownPromise(kept)) {
    connection.run("rollback to tenfold_body");
    connection.run("release tenfold_body");
    return kept === null ? { answer: { kind: "undone" } } : { thrown: isAsync(work) };
  }
  const { attempt, output, at } = kept as KeptResult;
  connection.run(INSERT_RESULT, lane, run, key, attempt, output, at);
  connection.run("release tenfold_body");
  return { answer: { kind: "written" } };
}

const WHOLE_UNDONE =
  "A statement of the body made SQLite undo its whole transaction (`on conflict rollback`, `raise(rollback)`, or a disk that is full); nothing of it was kept.";

/** Statements that are the store's: they begin or end transactions, or reach out of the file. */
const OURS = /^(?:begin|commit|end|rollback|savepoint|release|attach|detach|pragma|vacuum)\b/i;
const BLANK = /^(?:\s|--[^\n]*(?:\n|$)|\/\*[\s\S]*?\*\/|;)+/;

/** What a body is given. Statements are not kept: their texts are a user's, and may be without end. */
class BodyTransaction implements SqliteTx {
  readonly #connection: Connection;
  isOver = false;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  run(sql: string, ...parameters: readonly SqliteValue[]): ReturnType<SqliteTx["run"]> {
    return this.#prepared(sql).run(...(parameters as readonly SQLInputValue[]));
  }

  get<Row>(sql: string, ...parameters: readonly SqliteValue[]): Row | undefined {
    return this.#prepared(sql).get(...(parameters as readonly SQLInputValue[])) as Row | undefined;
  }

  all<Row>(sql: string, ...parameters: readonly SqliteValue[]): Row[] {
    return this.#prepared(sql).all(...(parameters as readonly SQLInputValue[])) as Row[];
  }

  #prepared(sql: string): ReturnType<Connection["prepareOnce"]> {
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
    return this.#connection.prepareOnce(text);
  }
}

function isAsync({ key }: TransactedWork): TenfoldError {
  const message = `The body of ${key} answered a promise, and with \`tx: "sqlite"\` it has to answer at once; what it had written was undone. Make it a plain function, and have steps of their own do what has to be waited for.`;
  return new TenfoldError("TX_ASYNC", message, { facts: { key } });
}
