/**
 * Connections for bodies that write: so many at once, the others wait for their turn.
 * Invariants: a connection is one body's alone until it is given back; one that broke, or whose body was stopped, is given back
 * at once, however long the body goes on, and is not used again.
 */
import pg from "pg";
import type { ConnectionOptions } from "./connection.ts";
import { failureOf, storeClosed } from "./failure.ts";
import { TX_MAX } from "./store-url.ts";

export class TxClients {
  readonly #url: string;
  readonly options: ConnectionOptions;
  readonly #waiting = new Set<(isTurn: boolean) => void>();
  #free: number;
  #pool: pg.Pool | null = null;
  #isClosed = false;

  constructor(url: string, options: ConnectionOptions) {
    this.#url = url;
    this.options = options;
    this.#free = options.txMax ?? TX_MAX;
  }

  /** Null: `signal` aborted before its turn came. */
  async take(signal: AbortSignal): Promise<TxClient | null> {
    if (!(await this.#turn(signal))) return null;
    try {
      return new TxClient(await this.#connect(), signal, () => this.#next());
    } catch (error) {
      this.#next();
      throw failureOf(error, this.options.name);
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    for (const turn of this.#waiting) turn(true);
    await this.#pool?.end();
  }

  #turn(signal: AbortSignal): boolean | Promise<boolean> {
    if (signal.aborted) return false;
    if (this.#free > 0) {
      this.#free--;
      return true;
    }
    return new Promise((resolve) => {
      this.#waiting.add(resolve);
      signal.addEventListener("abort", () => {
        if (this.#waiting.delete(resolve)) resolve(false);
      });
    });
  }

  #next(): void {
    const [next] = this.#waiting;
    if (next === undefined) return void this.#free++;
    this.#waiting.delete(next);
    next(true);
  }

  #connect(): Promise<pg.PoolClient> {
    const { name, patienceMs, txMax } = this.options;
    if (this.#isClosed) throw storeClosed(name);
    if (this.#pool === null) {
      this.#pool = new pg.Pool({
        connectionString: this.#url,
        application_name: "tenfold tx",
        max: txMax ?? TX_MAX,
        connectionTimeoutMillis: patienceMs,
        keepAlive: true,
        keepAliveInitialDelayMillis: 10_000,
      });
      // Of a connection that nobody uses: the next one is made anew.
      this.#pool.on("error", () => {});
    }
    return this.#pool.connect();
  }
}

/** A connection that a body has, until it is given back. */
export class TxClient {
  readonly client: pg.PoolClient;
  /** Why it is of no use any more. */
  cause: Error | null = null;
  readonly #signal: AbortSignal;
  readonly #given: () => void;
  #isGivenBack = false;

  constructor(client: pg.PoolClient, signal: AbortSignal, given: () => void) {
    this.client = client;
    this.#signal = signal;
    this.#given = given;
    client.on("error", this.broke);
    signal.addEventListener("abort", this.#stop);
  }

  readonly broke = (cause: Error): void => {
    this.cause ??= cause;
    this.giveBack();
  };

  readonly #stop = (): void => {
    this.broke(new Error("The body was stopped."));
    (this.client as unknown as { readonly connection: pg.Connection }).connection.stream.destroy();
  };

  /** It is known soon what becomes of it: it is not to be stopped any more. */
  finishes(): void {
    this.#signal.removeEventListener("abort", this.#stop);
  }

  giveBack(): void {
    if (this.#isGivenBack) return;
    this.#isGivenBack = true;
    this.finishes();
    this.client.off("error", this.broke);
    this.client.release(this.cause ?? undefined);
    this.#given();
  }
}
