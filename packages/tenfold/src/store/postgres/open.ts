/** Opens the store of a URL: looks whether it can be worked with, makes or changes its tables, and counts its lanes. */
import { TenfoldError } from "../../value/error.ts";
import { Connection, type ConnectionOptions } from "./connection.ts";
import { MIGRATIONS } from "./migrations.ts";
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
}

const DEFAULT_PATIENCE_MS = 15_000;

export async function openPostgres(url: string, options: PostgresOptions = {}): Promise<PostgresStore> {
  const { schema = "tenfold", listens = true, patienceMs = DEFAULT_PATIENCE_MS } = options;
  const name = nameOf(url);
  const connection = (purpose: string): Connection => {
    const settings: ConnectionOptions = { name, schema, purpose, patienceMs };
    return new Connection(url, settings);
  };
  const careful = connection("careful");
  try {
    const lanes = await prepare(careful, options.lanes ?? 1);
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

const FORMAT = MIGRATIONS.length;

export const READ_META = "select name, value from tenfold.meta";
const LOCK = "select pg_advisory_xact_lock(hashtext($1))";

/** Brings the tables to this version's format and answers the number of lanes. */
async function prepare(connection: Connection, lanes: number): Promise<number> {
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
      await send([
        { sql: "insert into tenfold.lanes (lane) select generate_series(0, $1::integer - 1)", values: [lanes] },
      ]);
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
