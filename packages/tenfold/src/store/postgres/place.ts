/**
 * One server of a store that is spread over several: what stands there, and whether it is reached.
 * Invariant: it is away from when it did not answer a question of its own until it answers one; while it is away it
 * is asked again and again, after growing pauses, and nothing else waits for it.
 */
import { TenfoldError } from "../../value/error.ts";
import { Connection } from "./connection.ts";
import { READ_LANES } from "./lane-row.ts";
import { factsOf, hasTable, READ_META } from "./look.ts";
import { openPostgres, type PostgresOptions } from "./open.ts";
import type { PostgresStore } from "./postgres.ts";
import { readStoreUrl } from "./store-url.ts";

/** The whole that a server is a part of. */
export interface Whole {
  /** Names the store. */
  readonly store: number;
  readonly lanes: number;
}

/** What a look at a server found there. */
export interface Survey extends Whole {
  /** Names the server, however it was reached; 0: it was not named yet. */
  readonly server: number;
  /** All lanes of the store were made: one that nobody holds is lost, or on its way, and is not made again. */
  readonly isPlaced: boolean;
  readonly held: readonly number[];
}

export interface LaneRow {
  readonly lane: number;
  readonly isMoving: boolean;
}

export type PlaceOptions = Omit<PostgresOptions, "lanes" | "share">;

const QUESTION_MS = 5000;
const PAUSE_FIRST_MS = 200;
const PAUSE_MAX_MS = 5000;

/** Also of tables that are to be migrated yet. */
export const READ_HELD = "select a.lane from tenfold.lanes a";

export class Place {
  readonly url: string;
  readonly name: string;
  /** For questions about the lanes, apart from all work. */
  readonly connection: Connection;
  readonly #options: PlaceOptions;
  #store: Promise<PostgresStore> | null = null;
  #opened: PostgresStore | null = null;
  #away: TenfoldError | null = null;
  #asking: Promise<boolean> | null = null;
  #timer: NodeJS.Timeout | null = null;
  #isClosed = false;

  constructor(url: string, options: PlaceOptions) {
    this.url = url;
    const { url: driverUrl, name, schema } = readStoreUrl(url, options);
    this.name = name;
    this.#options = options;
    this.connection = new Connection(driverUrl, { name, schema, purpose: "lanes", patienceMs: QUESTION_MS });
  }

  /** Why it is not reached; null: it is. */
  get away(): TenfoldError | null {
    return this.#away;
  }

  /** Once it is open. */
  get store(): PostgresStore | null {
    return this.#opened;
  }

  /** Null: there is no store yet. Rejects as the server does. */
  async survey(): Promise<Survey | null> {
    const [meta] = await this.connection.send([hasTable("meta", this.connection.options)]);
    if (meta!.rows[0]!["there"] === false) return null;
    const valueOf = factsOf(await this.connection.rows(READ_META));
    if (valueOf("lanes") === 0) return null;
    const held = await this.connection.rows<{ lane: number }>(READ_HELD);
    return {
      store: valueOf("store"),
      server: valueOf("server"),
      lanes: valueOf("lanes"),
      isPlaced: valueOf("placed") > 0,
      held: held.map(({ lane }) => lane),
    };
  }

  /** Opens the store's part that is here; where there is none, it is made, with these lanes. */
  async open({ store, lanes }: Whole, held: readonly number[] = []): Promise<PostgresStore> {
    this.#store ??= openPostgres(this.url, { ...this.#options, lanes, share: { store, lanes: held } });
    try {
      return (this.#opened = await this.#store);
    } catch (thrown) {
      this.#store = null;
      throw thrown;
    }
  }

  /** The lanes that are here; rejects if the server does not answer. */
  lanes(): Promise<readonly LaneRow[]> {
    return this.connection.rows<LaneRow>(READ_LANES);
  }

  /** It did not answer. From now on it is away, until `comes` has found it back and `opens` its part. */
  leaves(error: TenfoldError, comes: () => Promise<void>, pauseMs = PAUSE_FIRST_MS): void {
    this.#away = error;
    if (this.#isClosed || this.#timer !== null) return;
    this.#timer = setTimeout(() => void this.#comesBack(error, comes, pauseMs), pauseMs).unref();
  }

  async #comesBack(error: TenfoldError, comes: () => Promise<void>, pauseMs: number): Promise<void> {
    this.#timer = null;
    try {
      await comes();
      this.#away = null;
    } catch (thrown) {
      this.leaves(thrown instanceof TenfoldError ? thrown : error, comes, Math.min(pauseMs * 2, PAUSE_MAX_MS));
    }
  }

  /** Whether it answers, asked now; those who ask meanwhile get the same answer. */
  answers(): Promise<boolean> {
    if (this.#away !== null) return Promise.resolve(false);
    this.#asking ??= this.lanes()
      .then(
        () => true,
        () => false,
      )
      .finally(() => (this.#asking = null));
    return this.#asking;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    const store = await this.#store?.catch(() => null);
    await Promise.all([store?.close(), this.connection.close()]);
  }
}
