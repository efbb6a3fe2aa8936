/** Opens the store of a URL: looks whether it can be worked with, makes or changes its tables, and counts its lanes. */
import { randomInt } from "node:crypto";
import { TenfoldError } from "../../value/error.ts";
import { plain } from "./arrays.ts";
import { Connection, type ConnectionOptions } from "./connection.ts";
import { COUNT_LANES } from "./lane-row.ts";
import { MIGRATIONS } from "./migrations.ts";
import { refuseMoved } from "./move-mark.ts";
import { Notices } from "./notices.ts";
import { PostgresStore } from "./postgres.ts";

export interface PostgresOptions {
  /** Lanes of a store that is made now; one that exists keeps its own. */
  readonly lanes?: number;
  /** The schema in which the store's tables stand; default "tenfold". */
  readonly schema?: string;
  /** False: nothing is listened for, only polled, as through PgBouncer's pools of transactions. */
  readonly listens?: boolean;
  /** How long an answer is waited for (ms). */
  readonly patienceMs?: number;
  /** This is one of several servers of a store. */
  readonly share?: Share;
}

/** What one of several servers has of their store. */
export interface Share {
  /** Names the store: servers of two stores are never mixed. */
  readonly store: number;
  /** The lanes that are made here with the tables. */
  readonly lanes: readonly number[];
}

export const DEFAULT_PATIENCE_MS = 15_000;

export async function openPostgres(url: string, options: PostgresOptions = {}): Promise<PostgresStore> {
  const { schema = "tenfold", listens = true, patienceMs = DEFAULT_PATIENCE_MS } = options;
  const name = nameOf(url);
  const connection = (purpose: string): Connection => {
    const settings: ConnectionOptions = { name, schema, purpose, patienceMs };
    return new Connection(url, settings);
  };
  const careful = connection("careful");
  try {
    await refuseMoved(careful);
    const lanes = await prepare(careful, options.lanes ?? 1, options.share);
    if (options.share === undefined) await mustHoldAll(careful, lanes);
    const reads = connection("reads");
    const notices = new Notices(schema, reads, listens ? connection("listens") : null);
    return new PostgresStore(
      name,
      lanes,
      { commits: connection("commits"), claims: connection("claims"), starts: connection("starts"), careful, reads },
      notices,
    );
  } catch (error) {
    await careful.close();
    throw error;
  }
}

/** The URL without its password. */
export function nameOf(url: string): string {
  try {
    const { protocol, username, host, pathname } = new URL(url);
    return `${protocol}//${username === "" ? "" : `${username}@`}${host}${pathname}`;
  } catch {
    throw new TenfoldError(
      "STORE_UNKNOWN",
      `The store ${JSON.stringify(url.replace(/:[^:@/]*@/, ":…@"))} is no URL of a Postgres database; nothing was opened. Write it as ` +
        `postgres://user:password@host:5432/database, with %40 for an @ in the password.`,
    );
  }
}

export async function mustHoldAll(connection: Connection, lanes: number): Promise<void> {
  const [here] = await connection.rows<{ count: number }>(COUNT_LANES);
  if (here!.count === lanes) return;
  const { name } = connection.options;
  throw new TenfoldError(
    "STORE_MIXED",
    `The store ${name} holds ${here!.count} of the ${lanes} lanes of its store, the others are on other servers; nothing ` +
      `was opened. Name them all: \`store: ["${name}", …]\`.`,
    { facts: { store: name, lanes, here: here!.count } },
  );
}

const FORMAT = MIGRATIONS.length;

export const NAME_STORE = `
  insert into tenfold.meta (name, value) values ('store', $1::bigint), ('server', $2::bigint)
  on conflict (name) do nothing`;

export const READ_META = "select name, value from tenfold.meta";
const LOCK = "select pg_advisory_xact_lock(hashtext($1))";

/** Brings the tables to this version's format and answers the number of lanes. */
export async function prepare(connection: Connection, lanes: number, share?: Share): Promise<number> {
  const { schema } = connection.options;
  const found = await connection.rows<{ there: boolean }>(
    "select to_regclass($1) is not null as there",
    `${schema}.meta`,
  );
  if (found[0]!.there) {
    const meta = await readMeta(connection);
    if (meta.format === FORMAT) return meta.lanes;
    if (meta.format > FORMAT) throw newer(connection, meta.format);
  }
  return connection.transaction(async ({ send, commit }) => {
    await send([{ sql: LOCK, values: [schema] }]);
    await send([{ sql: `create schema if not exists ${schema}` }]);
    await send([
      {
        sql: `create table if not exists ${schema}.meta (name text primary key, value bigint not null)`,
      },
    ]);
    const [rows] = await send([{ sql: READ_META, values: [] }]);
    const meta = metaOf(rows!.rows as unknown as MetaRow[]);
    if (meta.format > FORMAT) throw newer(connection, meta.format);
    for (const migration of MIGRATIONS.slice(meta.format)) {
      await send([{ sql: schema === "tenfold" ? migration : migration.replaceAll("tenfold.", `${schema}.`) }]);
    }
    if (meta.lanes === 0) {
      const held = share?.lanes ?? Array.from({ length: lanes }, (_, lane) => lane);
      await send([{ sql: "insert into tenfold.lanes (lane) select unnest($1::integer[])", values: [plain(held)] }]);
      // No more than a name: it has to be another one than that of other stores.
      if (share !== undefined) await send([{ sql: NAME_STORE, values: [share.store, newName()] }]);
    }
    await commit([
      {
        sql: `
          insert into tenfold.meta (name, value) values ('format', $1::bigint), ('lanes', $2::bigint)
          on conflict (name) do update set value = excluded.value`,
        values: [FORMAT, meta.lanes === 0 ? lanes : meta.lanes],
      },
    ]);
    return meta.lanes === 0 ? lanes : meta.lanes;
  });
}

/** Names a store, or one server of it. */
export function newName(): number {
  return randomInt(1, 2 ** 48 - 1);
}

interface MetaRow {
  readonly name: string;
  readonly value: number;
}

async function readMeta(connection: Connection): Promise<{ format: number; lanes: number }> {
  return metaOf(await connection.rows<MetaRow>(READ_META));
}

function metaOf(rows: readonly MetaRow[]): { format: number; lanes: number } {
  const valueOf = (name: string): number => rows.find((row) => row.name === name)?.value ?? 0;
  return { format: valueOf("format"), lanes: valueOf("lanes") };
}

function newer({ options: { name } }: Connection, format: number): TenfoldError {
  return new TenfoldError(
    "STORE_NEWER",
    `The store ${name} has format ${format}, made by a newer tenfold; this one knows formats up to ${FORMAT}, and left it ` +
      `as it is. Use the newer tenfold.`,
    { facts: { store: name, format, known: FORMAT } },
  );
}
