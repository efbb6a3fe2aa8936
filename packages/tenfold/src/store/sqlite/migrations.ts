/**
 * The file's format: its tables, made and changed by numbered migrations, and how it is told from other files.
 * Invariants: a migration never changes once released; all of them that a file lacks are one transaction, so two
 * that open a new file at once make it once; a file of a newer tenfold is left as it is.
 */
import { TenfoldError } from "../../value/error.ts";
import type { Connection } from "./connection.ts";

/** "tenf": the mark by which a tenfold file is known among SQLite files. */
const APPLICATION_ID = 0x74656e66;

const READ_MARK = "select application_id as mark from pragma_application_id";
const COUNT_TABLES = "select count(*) as tables from sqlite_schema";
const READ_META = "select value from meta where name = ?";
const WRITE_META =
  "insert into meta (name, value) values (?, ?) on conflict (name) do update set value = excluded.value";

/**
 * Rows refer to a run by its number, four times smaller than its id, which makes journal and indexes a quarter
 * faster to write. The large columns of `runs` come last, so that reading the small ones skips them.
 */
const MIGRATIONS: readonly string[] = [
  `
  create table meta (name text primary key, value integer not null) without rowid;

  create table graphs (
    lane integer not null, hash text not null, workflow text not null, graph text not null,
    primary key (lane, hash)
  ) without rowid;

  create table leases (
    number integer primary key, lane integer not null, owner text not null,
    worker text not null, host text not null, process text not null,
    beat integer not null, is_alive integer not null, outside_commits integer not null,
    unique (lane, owner)
  );
  create index leases_alive on leases (lane) where is_alive = 1;

  create table runs (
    number integer primary key, lane integer not null, id text not null,
    workflow text not null, status integer not null, owner integer, wake_at integer, turn integer,
    mail integer not null, deaths integer not null, tenant text not null, key text, generation integer not null,
    ended_at integer, graph text not null, input text not null, output text, error text,
    unique (lane, id)
  );
  create index runs_due on runs (lane, workflow, wake_at, id) where owner is null and wake_at is not null;
  create index runs_beginning on runs (lane, workflow, turn, id) where turn is not null;
  create index runs_owned on runs (lane, owner, wake_at) where owner is not null;
  create index runs_listed on runs (lane, workflow, status, id);
  create index runs_of_tenant on runs (lane, tenant, id) where tenant <> '';

  create table journal (
    lane integer not null, run integer not null, seq integer not null,
    kind text not null, node text not null, data text not null, at integer not null,
    primary key (lane, run, seq)
  );

  create table inbox (
    lane integer not null, run integer not null, key text not null, body text not null, at integer not null,
    primary key (lane, run, key)
  );

  create table keys (
    lane integer not null, digest integer not null, key text not null, workflow text not null,
    tenant text not null, generation integer not null, run text not null, input_hash text not null
  );
  create index keys_by_digest on keys (lane, digest);

  create table attributes (
    lane integer not null, name text not null, value text not null, run text not null,
    primary key (lane, name, value, run)
  ) without rowid;

  create table turns (
    lane integer not null, tenant text not null, turn integer not null,
    primary key (lane, tenant)
  ) without rowid;

  create table turns_served (lane integer primary key, turn integer not null);

  create table tallies (
    lane integer not null, grain integer not null, slot integer not null,
    workflow text not null, status integer not null, runs integer not null,
    primary key (lane, grain, slot, workflow, status)
  ) without rowid;
  `,
  `
  create table outbox (
    lane integer not null, run text not null, key text not null, send text not null,
    primary key (lane, run, key)
  ) without rowid;

  create table received (
    lane integer not null, run text not null, key text not null, at integer not null,
    primary key (lane, run, key)
  ) without rowid;
  create index received_at on received (lane, at);
  `,
  // A key whose run was removed has that run's status, and is known until a time.
  `
  alter table keys add column status integer;
  alter table keys add column until integer;
  create index keys_to_forget on keys (lane, until, run) where until is not null;
  create index attributes_of_run on attributes (lane, run);
  `,
  `
  create table schedules (
    lane integer not null, workflow text not null, schedule text not null, at integer not null, run text,
    primary key (lane, workflow, schedule)
  ) without rowid;
  `,
  // The bytes stand apart, so that a list of files reads none of them.
  `
  create table files (
    lane integer not null, run text not null, file text not null, node text not null, about text not null,
    parts integer not null, state integer not null, at integer,
    primary key (lane, run, file)
  ) without rowid;
  create index files_to_sweep on files (lane, run, file) where state = 2;

  create table file_parts (
    lane integer not null, run text not null, file text not null, seq integer not null, bytes blob not null,
    primary key (lane, run, file, seq)
  );
  `,
  `
  create table subscriptions (
    lane integer not null, event text not null, workflow text not null,
    version text not null, spec text, former text not null, at integer not null,
    primary key (lane, event, workflow)
  ) without rowid;

  create table events (
    lane integer not null, event text not null, tenant text not null, id text not null,
    emission text not null, at integer not null,
    primary key (lane, event, tenant, id)
  ) without rowid;
  create index events_by_age on events (lane, at, event, tenant, id);

  create table deliveries (
    lane integer not null, event text not null, tenant text not null, id text not null, workflow text not null,
    emitted_at integer not null, due_at integer, start_at integer, run text, error text, input text,
    primary key (lane, event, tenant, id, workflow)
  );
  create index deliveries_due on deliveries (lane, workflow, due_at, event, tenant, id) where due_at is not null;
  create index deliveries_open on deliveries (lane, workflow, event, tenant, id) where run is null;
  `,
  // What bodies came to that write to this file, each in the same transaction as what it wrote.
  `
  create table tx_results (
    lane integer not null, run text not null, key text not null, attempt integer not null, output text, at integer not null,
    primary key (lane, run, key)
  ) without rowid;
  `,
  // Where runs that are parked wait in queues, and what is kept of the queues themselves.
  `
  create table tasks (
    lane integer not null, queue text not null, key text not null, rank integer not null,
    run text not null, node text not null, cost real not null, weight real not null, is_new integer not null,
    primary key (lane, queue, key, rank, run, node)
  ) without rowid;
  create index tasks_new on tasks (lane, queue, rank, run, node, key) where is_new = 1;

  create table queues (
    lane integer not null, queue text not null, owner text, was_used integer not null, settings text, stats text,
    primary key (lane, queue)
  ) without rowid;

  create table buckets (
    lane integer not null, queue text not null, scope text not null, tat real not null, at integer not null,
    primary key (lane, queue, scope)
  ) without rowid;
  `,
];

const FORMAT = MIGRATIONS.length;

/** The file's format, 0 if it is empty; throws if it is not ours or newer than we know. Writes nothing. */
export function formatOf(connection: Connection): number {
  const { path } = connection;
  const { mark } = connection.get<{ mark: number }>(READ_MARK)!;
  const { tables } = connection.get<{ tables: number }>(COUNT_TABLES)!;
  if (mark === 0 && tables === 0) return 0;
  if (mark !== APPLICATION_ID) {
    throw new TenfoldError(
      "STORE_FOREIGN",
      `${path} is a database of another program; it was left as it is. Name another file, or one that does not ` +
        `exist yet.`,
      { facts: { path, applicationId: mark } },
    );
  }
  const format = readMeta(connection, "format");
  if (format > FORMAT) {
    throw new TenfoldError(
      "STORE_NEWER",
      `The store ${path} has format ${format}, made by a newer tenfold; this one knows formats up to ${FORMAT}, and ` +
        `left the file as it is. Use the newer tenfold, or another file.`,
      { facts: { path, format, known: FORMAT } },
    );
  }
  return format;
}

/** Brings the file to this version's format and answers its number of lanes; `lanes` is that of a new file. */
export function migrate(connection: Connection, lanes: number): number {
  const format = formatOf(connection);
  for (const migration of MIGRATIONS.slice(format)) connection.exec(migration);
  if (format === 0) {
    connection.exec(`pragma application_id = ${APPLICATION_ID}`);
    connection.run(WRITE_META, "lanes", lanes);
  }
  if (format < FORMAT) connection.run(WRITE_META, "format", FORMAT);
  return readMeta(connection, "lanes");
}

function readMeta(connection: Connection, name: string): number {
  return connection.get<{ value: number }>(READ_META, name)!.value;
}
