/**
 * One connection to a SQLite file: prepared statements, transactions, and waiting for the lock.
 * Invariants: a transaction begins and ends within one turn of the event loop, so verbs never interleave on it; a
 * locked file is tried again from the event loop, in the order of the calls, so timers turn meanwhile; a
 * transaction that fails leaves nothing behind, here (`onRollback`) as in the file.
 */
import { statSync } from "node:fs";
import { DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite";
import { busyTooLong, failureOf, isBusy, isConflict, storeClosed } from "./failure.ts";

const BEGIN_WRITE = "begin immediate";
const BEGIN_READ = "begin";
const COMMIT = "commit";

/** The longest pause between two tries for the lock: other writers hold it for a few milliseconds. */
const PAUSE_MAX_MS = 20;

/** Pages after which a commit moves the log into the file; larger logs rewrite hot pages less often. */
const CHECKPOINT_PAGES = 8000;
const LOG_BYTES_MAX = 128 * 1024 * 1024;
const COMMITS_PER_LOG_CHECK = 256;

export interface ConnectionOptions {
  /** How long the lock is waited for. */
  readonly busyMs: number;
  /** The size the file may grow to, in pages; null: what the disk holds. */
  readonly pagesMax: number | null;
  /** Statements keep the foreign keys of their tables, as those of callers' own do; ours have none. */
  readonly keepsForeignKeys?: boolean;
}

interface Waiting {
  readonly act: () => unknown;
  readonly since: number;
  readonly resolve: (answer: never) => void;
  readonly reject: (error: unknown) => void;
}

export class Connection {
  readonly path: string;
  /** Called when a transaction was undone: what was learnt in it is not so. */
  onRollback: () => void = () => {};
  readonly #database: DatabaseSync;
  readonly options: ConnectionOptions;
  readonly #statements = new Map<string, StatementSync>();
  readonly #inserts = new Map<string, Map<number, StatementSync>>();
  readonly #queue: Waiting[] = [];
  #commits = 0;
  #dataVersion = 0;
  #isOpen = true;

  constructor(path: string, options: ConnectionOptions) {
    this.path = path;
    this.options = options;
    this.#database = new DatabaseSync(path, {
      timeout: 0,
      enableForeignKeyConstraints: options.keepsForeignKeys === true,
    });
  }

  /** How this connection writes; even this may meet a file that is locked while another program makes it. */
  async configure(): Promise<void> {
    await this.bare(() => {
      this.#database.exec(`
        pragma synchronous = full;
        pragma cache_size = -32768;
        pragma temp_store = memory;
        pragma wal_autocheckpoint = ${CHECKPOINT_PAGES};
        pragma journal_size_limit = ${LOG_BYTES_MAX};
      `);
      const { pagesMax } = this.options;
      if (pagesMax !== null) this.#database.exec(`pragma max_page_count = ${pagesMax}`);
    });
  }

  /** Every row that `sql` answers. */
  all<Row>(sql: string, ...parameters: SQLInputValue[]): Row[] {
    return this.#statement(sql).all(...parameters) as Row[];
  }

  /** Every row, as an object like any other: for those that leave the store as they are. */
  objects<Row>(sql: string, ...parameters: SQLInputValue[]): Row[] {
    return this.all<Row>(sql, ...parameters).map((row) => ({ ...row }));
  }

  /** The first row that `sql` answers. */
  get<Row>(sql: string, ...parameters: SQLInputValue[]): Row | undefined {
    return this.#statement(sql).get(...parameters) as Row | undefined;
  }

  /** How many rows `sql` changed. */
  run(sql: string, ...parameters: SQLInputValue[]): number {
    return this.#statement(sql).run(...parameters).changes as number;
  }

  /** A statement that is not kept: of text that is not ours. */
  prepareOnce(sql: string): StatementSync {
    return this.#database.prepare(sql);
  }

  get isTransaction(): boolean {
    return this.#database.isTransaction;
  }

  /** Inserts `count` rows at once with `sql`, an insert of one row; answers the number of the last one. */
  insertRows(sql: string, count: number, values: readonly SQLInputValue[]): number {
    let bySize = this.#inserts.get(sql);
    if (bySize === undefined) this.#inserts.set(sql, (bySize = new Map()));
    let statement = bySize.get(count);
    if (statement === undefined) {
      const row = sql.slice(sql.lastIndexOf("("));
      bySize.set(count, (statement = this.#database.prepare(sql + `, ${row}`.repeat(count - 1))));
    }
    return statement.run(...values).lastInsertRowid as number;
  }

  /** For statements that are no part of any verb: pragmas and migrations. */
  exec(sql: string): void {
    this.#database.exec(sql);
  }

  /**
   * Calls `act` in a transaction of its own that may write. It is called with `careful` false first; if one of its
   * rows is there already, everything is undone and it is called once more with `careful` true.
   */
  write<T>(act: (careful: boolean) => T): Promise<T> {
    return this.#enqueue(() => {
      const answer = this.#writeOnce(act);
      this.#boundLog();
      return answer;
    });
  }

  /** Calls `act` on one state of the file. Never waits behind a write that waits for the lock. */
  async read<T>(act: () => T): Promise<T> {
    return this.#patiently(() => this.#transaction(BEGIN_READ, act));
  }

  /** Calls `act` without a transaction, as pragmas need it. */
  async bare<T>(act: () => T): Promise<T> {
    return this.#patiently(act);
  }

  /** Differs after each commit of another connection; the last one known if the file is locked or closed. */
  dataVersion(): number {
    try {
      if (this.#isOpen) this.#dataVersion = this.get<{ data_version: number }>("pragma data_version")!.data_version;
    } catch (error) {
      // What is wrong with the file is for the verbs to say; whoever watches is told to call one.
      if (!isBusy(error)) this.#dataVersion = NaN;
    }
    return this.#dataVersion;
  }

  async close(): Promise<void> {
    if (!this.#isOpen) return;
    await this.#enqueue(() => {
      this.#isOpen = false;
      this.#statements.clear();
      this.#inserts.clear();
      this.#database.close();
    });
  }

  #statement(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (statement === undefined) this.#statements.set(sql, (statement = this.#database.prepare(sql)));
    return statement;
  }

  #writeOnce<T>(act: (careful: boolean) => T): T {
    try {
      return this.#transaction(BEGIN_WRITE, () => act(false));
    } catch (error) {
      if (!isConflict(error)) throw error;
      return this.#transaction(BEGIN_WRITE, () => act(true));
    }
  }

  #transaction<T>(begin: string, act: () => T): T {
    if (!this.#isOpen) throw storeClosed(this.path);
    this.#statement(begin).run();
    try {
      const answer = act();
      this.#statement(COMMIT).run();
      return answer;
    } catch (error) {
      // A full disk or a failing one makes SQLite roll back by itself.
      if (this.#database.isTransaction) this.#database.exec("rollback");
      this.onRollback();
      throw error;
    }
  }

  #enqueue<T>(act: () => T): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#queue.push({ act, since: performance.now(), resolve, reject });
      if (this.#queue.length === 1) this.#advance(1);
    });
  }

  /** Works off the queue in order, until it is empty or its head has to wait for the lock. */
  #advance(pauseMs: number): void {
    for (let next = this.#queue[0]; next !== undefined; next = this.#queue[0]) {
      try {
        next.resolve(next.act() as never);
      } catch (error) {
        const waitedMs = performance.now() - next.since;
        if (isBusy(error) && waitedMs < this.options.busyMs) {
          setTimeout(() => this.#advance(Math.min(pauseMs * 1.5, PAUSE_MAX_MS)), pauseMs);
          return;
        }
        next.reject(isBusy(error) ? busyTooLong(this.path, waitedMs, error) : failureOf(error, this.path));
      }
      this.#queue.shift();
    }
  }

  async #patiently<T>(act: () => T): Promise<T> {
    const since = performance.now();
    for (let pauseMs = 1; ; pauseMs = Math.min(pauseMs * 1.5, PAUSE_MAX_MS)) {
      try {
        if (!this.#isOpen) throw storeClosed(this.path);
        return act();
      } catch (error) {
        if (!isBusy(error)) throw failureOf(error, this.path);
        const waitedMs = performance.now() - since;
        if (waitedMs >= this.options.busyMs) throw busyTooLong(this.path, waitedMs, error);
      }
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  }

  /**
   * SQLite starts the log anew only when a commit finds all of it moved and nobody reading; two busy writers may
   * never let that happen by themselves, so a log that grew too long is moved under the lock.
   */
  #boundLog(): void {
    if (++this.#commits % COMMITS_PER_LOG_CHECK !== 0) return;
    try {
      const log = statSync(`${this.path}-wal`, { throwIfNoEntry: false });
      if (log !== undefined && log.size > LOG_BYTES_MAX) this.#database.exec("pragma wal_checkpoint(restart)");
    } catch {
      // The commit before it is written and answered; what is wrong with the disk the next one says.
    }
  }
}
