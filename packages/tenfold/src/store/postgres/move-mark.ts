/**
 * The mark that a move leaves in a database: two tables, and a check that no new row passes. They are no part of the
 * store's format: only a store that a move has touched has them.
 */
import type { TenfoldError } from "../../value/error.ts";
import { CLOSED_BY_MOVE, storeMoved, type Arrived, type Cursor, type Mark, type MovedTable } from "../moving.ts";
import type { Connection, Statement } from "./connection.ts";
import { hasTable } from "./look.ts";

export const READ_MARK = `select m.move, m.role, m.other, m.is_done as "isDone" from tenfold.store_moves m`;

export const WRITE_MARK =
  "insert into tenfold.store_moves (move, role, other, is_done) values ($1::text, $2::text, $3::text, false)";

export const SET_DONE = "update tenfold.store_moves m set is_done = true where m.move = $1 and m.role = 'source'";

export const READ_PROGRESS =
  "select p.rows, p.next from tenfold.store_move_progress p where p.lane = $1 and p.part = $2";

export const ADVANCE = `
  insert into tenfold.store_move_progress (lane, part, rows, next)
  select a.lane, $2, $3::bigint, $4
  from tenfold.lanes a where a.lane = $1
  on conflict (lane, part) do update set rows = excluded.rows, next = excluded.next where store_move_progress.rows = $5`;

const MAKE_TABLES = [
  `create table if not exists tenfold.store_moves (
    move text not null, role text not null, other text not null, is_done boolean not null)`,
  `create table if not exists tenfold.store_move_progress (
    lane integer not null, part text collate "C" not null, rows bigint not null, next text,
    primary key (lane, part))`,
];

/**
 * Whoever adds, changes or removes a run, joins, has a schedule go on, subscribes, emits, delivers, or sets something of a
 * queue, inserts or updates in one of these.
 */
const CLOSED = ["runs", "leases", "tally_changes", "schedules", "subscriptions", "events", "deliveries", "queues"];

/** Waits for transactions in flight; those that come later find the check. */
const LOCK = [
  "set local lock_timeout = '10s'",
  `lock table ${[...CLOSED, "keys", "files"].map((table) => `tenfold.${table}`).join(", ")} in access exclusive mode`,
];

const CLOSE_TO_OTHERS = CLOSED.map(
  (table) => `alter table tenfold.${table} add constraint ${CLOSED_BY_MOVE} check (false) not valid`,
);

const REMOVE = [
  ...CLOSED.map((table) => `alter table if exists tenfold.${table} drop constraint if exists ${CLOSED_BY_MOVE}`),
  "drop table if exists tenfold.store_move_progress",
  "drop table if exists tenfold.store_moves",
];

export async function readMark(connection: Connection): Promise<Mark | null> {
  const [has] = await connection.send([hasMark(connection)]);
  if (!(has!.rows[0] as { there: boolean }).there) return null;
  const rows = await connection.rows<Mark>(READ_MARK).catch((thrown: unknown) => {
    // Another program has taken the mark away between the two.
    if ((thrown as Partial<TenfoldError>).facts?.["state"] === "42P01") return [];
    throw thrown;
  });
  return rows[0] ?? null;
}

export function hasMark({ options }: Connection): Statement {
  return hasTable("store_moves", options);
}

/** Throws STORE_MOVED if a move has touched this store. */
export async function refuseMoved(connection: Connection): Promise<void> {
  const mark = await readMark(connection);
  if (mark !== null) throw storeMoved(connection.options.name, mark);
}

/** Keeps everybody else out until the transaction ends. */
export function lockStore(): Statement[] {
  return LOCK.map(statementOf);
}

export function writeMark({ move, role, other }: Omit<Mark, "isDone">): Statement[] {
  const closes = role === "source" ? CLOSE_TO_OTHERS : [];
  return [...[...closes, ...MAKE_TABLES].map(statementOf), { sql: WRITE_MARK, values: [move, role, other] }];
}

/** False: the mark is not there, or another move's. */
export async function setDone(connection: Connection, move: string): Promise<boolean> {
  const [set] = await connection.send([{ sql: SET_DONE, values: [move] }]);
  return set!.count === 1;
}

export function removeMark(): Statement[] {
  return REMOVE.map(statementOf);
}

export async function readProgress(
  connection: Connection,
  lane: number,
  table: MovedTable,
): Promise<Arrived | undefined> {
  const [row] = await connection.rows<{ rows: number; next: string | null }>(READ_PROGRESS, lane, table);
  if (row === undefined) return undefined;
  return { rows: row.rows, next: row.next === null ? null : (JSON.parse(row.next) as Cursor) };
}

/** Changes no row if another number of rows than `before` has arrived. */
export function advance(lane: number, table: MovedTable, { rows, next }: Arrived, before: number): Statement {
  return { sql: ADVANCE, values: [lane, table, rows, next === null ? null : JSON.stringify(next), before] };
}

/** With (no) values, so that the connection puts the schema's name into it. */
function statementOf(sql: string): Statement {
  return { sql, values: [] };
}
