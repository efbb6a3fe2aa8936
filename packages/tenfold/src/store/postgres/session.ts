/**
 * One session with a Postgres server: opened at once, used until it breaks, ended in whatever state it is in.
 * Invariants: an answer that does not come within `patienceMs` breaks the session, however whole the way to the
 * server looks; `end` needs no server to come to its end.
 */
import { Socket } from "node:net";
import pg from "pg";
import { PreparedNames } from "./batch.ts";
import { badUrl } from "./failure.ts";

export interface SessionOptions {
  /** As a person would name the store: without its password. */
  readonly name: string;
  /** What the session is for, as `pg_stat_activity` shows it. */
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

/** How long what is under way may take once the session is to end. */
const END_MS = 2000;

export class Session {
  readonly prepared = new PreparedNames();
  readonly #client: pg.Client;
  /** Ours, so that it can be cut: the driver would wait for the server to hang up. */
  readonly #socket = new Socket();
  readonly #opening: Promise<unknown>;
  #isOpen = false;

  /** `broken` is called once, with the cause, when the session is of no use any more or could not be opened. */
  constructor(url: string, { name, purpose, patienceMs }: SessionOptions, broken: (cause: unknown) => void) {
    try {
      this.#client = new pg.Client({
        connectionString: url,
        application_name: `tenfold ${purpose}`,
        connectionTimeoutMillis: patienceMs,
        query_timeout: patienceMs,
        keepAlive: true,
        keepAliveInitialDelayMillis: 10_000,
        stream: () => this.#socket,
        types,
        ...{ pipeline: true },
      });
    } catch (error) {
      throw badUrl(name, error);
    }
    let isBroken = false;
    const broke = (cause: unknown): void => {
      if (isBroken) return;
      isBroken = true;
      broken(cause);
    };
    this.#client.on("error", broke).on("end", () => broke(new Error("Connection terminated")));
    this.#opening = this.#client.connect().then(
      () => (this.#isOpen = true),
      (error: unknown) => {
        this.#socket.destroy();
        broke(error);
        throw error;
      },
    );
  }

  /** The client, once it may be used; rejects if the session could not be opened. */
  async client(): Promise<pg.Client> {
    await this.#opening;
    return this.#client;
  }

  /** Undoes what a transaction that is open has written. */
  async rollback(): Promise<void> {
    await this.#client.query("rollback").catch(() => undefined);
  }

  /** Ends it once `settled` has, and what is under way is answered; if that takes long, without them. */
  async end(settled: Promise<unknown> = Promise.resolve()): Promise<void> {
    if (!this.#isOpen) {
      this.cut();
      // The driver would leave whoever waits for the opening without an answer if it were ended now.
      return void (await this.#opening.catch(() => undefined));
    }
    const cut = setTimeout(() => this.cut(), END_MS);
    await settled;
    await this.#client.end().catch(() => undefined);
    clearTimeout(cut);
  }

  /** Ends it now: what is under way has no answer. */
  cut(): void {
    this.#socket.destroy();
  }
}
