/**
 * The mark that a move leaves in a file: two tables, and triggers that refuse what others would write. They are no
 * part of the file's format: only a store that a move has touched has them.
 */
import { CLOSED_BY_MOVE, storeMoved, type Arrived, type Cursor, type Mark, type MovedTable } from "../moving.ts";
import type { Connection } from "./connection.ts";

const HAS_MARK = "select count(*) as tables from sqlite_schema where type = 'table' and name = 'store_moves'";

const READ_MARK = "select move, role, other, is_done as isDone from store_moves";

const WRITE_MARK = "insert into store_moves (move, role, other, is_done) values (?, ?, ?, 0)";

const SET_DONE = "update store_moves set is_done = 1 where move = ? and role = 'source'";

const READ_PROGRESS = "select rows, next from store_move_progress where lane = ? and part = ?";

const ADVANCE = `
  insert into store_move_progress (lane, part, rows, next) values (?1, ?2, ?3, ?4)
  on conflict (lane, part) do update set rows = excluded.rows, next = excluded.next where rows = ?5`;

const MAKE_TABLES = `
  create table if not exists store_moves (
    move text not null, role text not null, other text not null, is_done integer not null
  );
  create table if not exists store_move_progress (
    lane integer not null, part text not null, rows integer not null, next text,
    primary key (lane, part)
  ) without rowid;`;

const DROP_TABLES = "drop table if exists store_move_progress; drop table if exists store_moves;";

const CLOSE_TO_OTHERS = `
  create trigger no_start before insert on runs begin select raise(abort, '${CLOSED_BY_MOVE}'); end;
  create trigger no_change before update on runs begin select raise(abort, '${CLOSED_BY_MOVE}'); end;
  create trigger no_removal before delete on runs begin select raise(abort, '${CLOSED_BY_MOVE}'); end;
  create trigger no_forgetting before delete on keys begin select raise(abort, '${CLOSED_BY_MOVE}'); end;
  create trigger no_sweep before delete on file_parts begin select raise(abort, '${CLOSED_BY_MOVE}'); end;
  create trigger no_sweep_of_file before delete on files begin select raise(abort, '${CLOSED_BY_MOVE}'); end;
  create trigger no_schedule before insert on schedules begin select raise(abort, '${CLOSED_BY_MOVE}'); end;
  create trigger no_tick before update on schedules begin select raise(abort, '${CLOSED_BY_MOVE}'); end;
  create trigger no_event before insert on events begin select raise(abort, '${CLOSED_BY_MOVE}'); end;
  create trigger no_delivery before update on deliveries begin select raise(abort, '${CLOSED_BY_MOVE}'); end;
  create trigger no_event_forgotten before delete on events begin select raise(abort, '${CLOSED_BY_MOVE}'); end;
  create trigger no_subscription before insert on subscriptions begin select raise(abort, '${CLOSED_BY_MOVE}'); end;
  create trigger no_other_subscription before update on subscriptions begin select raise(abort, '${CLOSED_BY_MOVE}'); end;
  create trigger no_queue before insert on queues begin select raise(abort, '${CLOSED_BY_MOVE}'); end;
  create trigger no_setting before update on queues begin select raise(abort, '${CLOSED_BY_MOVE}'); end;
  create trigger no_join before insert on leases begin select raise(abort, '${CLOSED_BY_MOVE}'); end;`;

const OPEN_TO_OTHERS = `
  drop trigger if exists no_start;
  drop trigger if exists no_change;
  drop trigger if exists no_removal;
  drop trigger if exists no_forgetting;
  drop trigger if exists no_sweep;
  drop trigger if exists no_sweep_of_file;
  drop trigger if exists no_schedule;
  drop trigger if exists no_tick;
  drop trigger if exists no_event;
  drop trigger if exists no_delivery;
  drop trigger if exists no_event_forgotten;
  drop trigger if exists no_subscription;
  drop trigger if exists no_other_subscription;
  drop trigger if exists no_queue;
  drop trigger if exists no_setting;
  drop trigger if exists no_join;`;

export function readMark(connection: Connection): Mark | null {
  if (connection.get<{ tables: number }>(HAS_MARK)!.tables === 0) return null;
  const row = connection.get<Omit<Mark, "isDone"> & { readonly isDone: number }>(READ_MARK);
  return row === undefined ? null : { ...row, isDone: row.isDone === 1 };
}

/** Throws STORE_MOVED if a move has touched this store. */
export function refuseMoved(connection: Connection): void {
  const mark = readMark(connection);
  if (mark !== null) throw storeMoved(connection.path, mark);
}

export function writeMark(connection: Connection, { move, role, other }: Omit<Mark, "isDone">): void {
  connection.exec(MAKE_TABLES);
  connection.run(WRITE_MARK, move, role, other);
  if (role === "source") connection.exec(CLOSE_TO_OTHERS);
}

/** False: the mark is not there, or another move's. */
export function setDone(connection: Connection, move: string): boolean {
  return connection.run(SET_DONE, move) === 1;
}

export function removeMark(connection: Connection): void {
  connection.exec(OPEN_TO_OTHERS + DROP_TABLES);
}

export function readProgress(connection: Connection, lane: number, table: MovedTable): Arrived | undefined {
  const row = connection.get<{ rows: number; next: string | null }>(READ_PROGRESS, lane, table);
  if (row === undefined) return undefined;
  return { rows: row.rows, next: row.next === null ? null : (JSON.parse(row.next) as Cursor) };
}

/** False: another number of rows than `before` has arrived. */
export function advance(
  connection: Connection,
  lane: number,
  table: MovedTable,
  { rows, next }: Arrived,
  before: number,
): boolean {
  return connection.run(ADVANCE, lane, table, rows, next === null ? null : JSON.stringify(next), before) === 1;
}
