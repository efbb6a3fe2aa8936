/** A move's handle on a store in a Postgres database. */
import { invariant, TenfoldError } from "../../value/error.ts";
import type { LeaseSeen } from "../store.ts";
import {
  otherMove,
  pieceOf,
  type Arrived,
  type Cursor,
  type Mark,
  type MovedTable,
  type MovingStore,
  type Piece,
  type Row,
} from "../moving.ts";
import { Connection } from "./connection.ts";
import { hasTable } from "./look.ts";
import { SEE_LEASES, takeOverOf } from "./membership.ts";
import { advance, hasMark, lockStore, readMark, readProgress, removeMark, setDone, writeMark } from "./move-mark.ts";
import { TABLES, writeOf } from "./moving-tables.ts";
import { MIGRATIONS } from "./migrations.ts";
import { DEFAULT_PATIENCE_MS, prepare } from "./open.ts";
import { mustHoldAll } from "./share.ts";
import { readStoreUrl } from "./store-url.ts";
import { fold } from "./tally.ts";

export interface PostgresMoveOptions {
  /** Lanes of a store that is made now; undefined: it has to be there. */
  readonly lanes: number | undefined;
  readonly schema?: string;
}

export async function openPostgresToMove(url: string, options: PostgresMoveOptions): Promise<MovingStore> {
  const { lanes } = options;
  const {
    url: driverUrl,
    name,
    schema,
  } = readStoreUrl(url, options.schema === undefined ? {} : { schema: options.schema });
  const connection = new Connection(driverUrl, { name, schema, purpose: "move", patienceMs: DEFAULT_PATIENCE_MS });
  try {
    const [meta] = await connection.send([hasTable("meta", connection.options)]);
    if (lanes === undefined && meta!.rows[0]!["there"] === false) throw noStore(name, schema);
    const found = await prepare(connection, { lanes: lanes ?? 1 }, false, MIGRATIONS);
    await mustHoldAll(connection, found);
    return new MovingPostgres(connection, found);
  } catch (error) {
    await connection.close();
    throw error;
  }
}

function noStore(name: string, schema: string): TenfoldError {
  return new TenfoldError(
    "STORE_UNKNOWN",
    `The database ${name} has no store of tenfold in it (there is no schema "${schema}"); nothing was done. Correct the URL.`,
    { facts: { store: name, schema } },
  );
}

class MovingPostgres implements MovingStore {
  readonly name: string;
  readonly lanes: number;
  readonly #connection: Connection;

  constructor(connection: Connection, lanes: number) {
    this.name = connection.options.name;
    this.lanes = lanes;
    this.#connection = connection;
  }

  mark(): Promise<Mark | null> {
    return readMark(this.#connection);
  }

  leases(lane: number): Promise<readonly LeaseSeen[]> {
    return this.#connection.rows<LeaseSeen>(SEE_LEASES, lane);
  }

  async takeOver(lane: number, owner: string, beat: number, now: number): Promise<boolean> {
    const [, killed] = await this.#connection.send(takeOverOf(lane, owner, beat, now, false));
    return killed!.count > 0;
  }

  leave(move: string, to: string): Promise<boolean> {
    return this.#connection.transaction(async ({ send, commit }) => {
      await send(lockStore());
      // By statements that come after the lock: theirs is a newer state.
      const lanes = Array.from({ length: this.lanes }, (_, lane) => ({ sql: SEE_LEASES, values: [lane] }));
      const [mark, ...seen] = await send([hasMark(this.#connection), ...lanes]);
      if ((mark!.rows[0] as { there: boolean }).there) throw otherMove(this.name);
      if (seen.some(({ count }) => count > 0)) return false;
      await commit(writeMark({ move, role: "source", other: to }));
      return true;
    });
  }

  async left(move: string): Promise<void> {
    if (!(await setDone(this.#connection, move))) throw otherMove(this.name);
  }

  async stay(): Promise<void> {
    await this.#connection.send(removeMark());
  }

  async receive(move: string, from: string): Promise<void> {
    await this.#connection.send(writeMark({ move, role: "target", other: from }));
  }

  arrived(lane: number, table: MovedTable): Promise<Arrived | undefined> {
    return readProgress(this.#connection, lane, table);
  }

  write(lane: number, table: MovedTable, { rows, next }: Piece, before: number): Promise<void> {
    return this.#connection.transaction(async ({ send, commit }) => {
      const [advanced] = await send([advance(lane, table, { rows: before + rows.length, next }, before)]);
      if (advanced!.count !== 1) throw otherMove(this.name);
      const [written] = await commit([writeOf(lane, table, rows)]);
      invariant(written!.count === rows.length, `every row of ${table} that is moved is written`);
    });
  }

  settle(): Promise<void> {
    return this.stay();
  }

  async read(lane: number, table: MovedTable, after: Cursor | null, limit: number): Promise<Piece> {
    const form = TABLES[table];
    if (table === "tallies" && after === null) await this.#fold(lane);
    const rows = await this.#connection.rows<Record<string, Row[number]>>(
      form.read,
      lane,
      ...(after ?? form.first),
      limit,
    );
    return pieceOf(rows.map(Object.values) as Row[], form, limit);
  }

  close(): Promise<void> {
    return this.#connection.close();
  }

  /** Until every count is where it is read. */
  async #fold(lane: number): Promise<void> {
    for (;;) if ((await this.#connection.transaction((transaction) => fold(transaction, lane))) === 0) return;
  }
}
