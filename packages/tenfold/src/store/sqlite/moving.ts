/** A move's handle on a store in a file. */
import { existsSync } from "node:fs";
import { invariant } from "../../value/error.ts";
import type { LeaseSeen } from "../store.ts";
import {
  otherMove,
  pieceOf,
  type Arrived,
  type Cell,
  type Cursor,
  type Mark,
  type MovedTable,
  type MovingStore,
} from "../moving.ts";
import type { Piece, Row } from "../moving.ts";
import type { Connection } from "./connection.ts";
import { SEE_LEASES, takeOver } from "./membership.ts";
import { advance, readMark, readProgress, removeMark, setDone, writeMark } from "./move-mark.ts";
import { TABLES } from "./moving-tables.ts";
import { openConnection } from "./open.ts";

/** The store in the file `path`; if there is none, one with so many lanes is made. */
export async function openSqliteToMove(path: string, lanes: number): Promise<MovingStore> {
  const options = existsSync(path) ? {} : { lanes };
  const opened = await openConnection(path, { ...options, moves: true });
  return new MovingSqlite(opened.connection, opened.lanes);
}

class MovingSqlite implements MovingStore {
  readonly name: string;
  readonly lanes: number;
  readonly #connection: Connection;

  constructor(connection: Connection, lanes: number) {
    this.name = connection.path;
    this.lanes = lanes;
    this.#connection = connection;
  }

  mark(): Promise<Mark | null> {
    return this.#connection.read(() => readMark(this.#connection));
  }

  leases(lane: number): Promise<readonly LeaseSeen[]> {
    return this.#connection.read(() => this.#leases(lane));
  }

  takeOver(lane: number, owner: string, beat: number, now: number): Promise<boolean> {
    return this.#connection.write(() => takeOver(this.#connection, lane, owner, beat, now, false));
  }

  leave(move: string, to: string): Promise<boolean> {
    return this.#connection.write(() => {
      if (readMark(this.#connection) !== null) throw otherMove(this.name);
      for (let lane = 0; lane < this.lanes; lane++) if (this.#leases(lane).length > 0) return false;
      writeMark(this.#connection, { move, role: "source", other: to });
      return true;
    });
  }

  left(move: string): Promise<void> {
    return this.#connection.write(() => {
      if (!setDone(this.#connection, move)) throw otherMove(this.name);
    });
  }

  stay(): Promise<void> {
    return this.#connection.write(() => removeMark(this.#connection));
  }

  receive(move: string, from: string): Promise<void> {
    return this.#connection.write(() => writeMark(this.#connection, { move, role: "target", other: from }));
  }

  arrived(lane: number, table: MovedTable): Promise<Arrived | undefined> {
    return this.#connection.read(() => readProgress(this.#connection, lane, table));
  }

  write(lane: number, table: MovedTable, { rows, next }: Piece, before: number): Promise<void> {
    const { write } = TABLES[table];
    return this.#connection.write(() => {
      const arrived = { rows: before + rows.length, next };
      if (!advance(this.#connection, lane, table, arrived, before)) throw otherMove(this.name);
      for (const row of rows) {
        invariant(write(this.#connection, lane, row) === 1, `a row of ${table} that is moved has its run`);
      }
    });
  }

  settle(): Promise<void> {
    return this.stay();
  }

  async read(lane: number, table: MovedTable, after: Cursor | null, limit: number): Promise<Piece> {
    const form = TABLES[table];
    const rows = await this.#connection.read(() =>
      this.#connection.all<Record<string, Row[number] | Uint8Array>>(form.read, lane, ...(after ?? form.first), limit),
    );
    return pieceOf(
      rows.map((row) => Object.values(row).map(cellOf)),
      form,
      limit,
    );
  }

  close(): Promise<void> {
    return this.#connection.close();
  }

  #leases(lane: number): readonly LeaseSeen[] {
    return this.#connection.all<LeaseSeen>(SEE_LEASES, lane).map((lease) => ({ ...lease }));
  }
}

function cellOf(value: Cell | Uint8Array): Cell {
  return value instanceof Uint8Array
    ? Buffer.from(value.buffer, value.byteOffset, value.length).toString("base64")
    : value;
}
