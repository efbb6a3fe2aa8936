/** The look at a database before it is worked with: whether it can hold a store, and which format the one there has. */
import { TenfoldError, type ErrorCode } from "../../value/error.ts";
import { texts } from "./arrays.ts";
import { inSchema, type Statement } from "./connection.ts";
import type { Migration } from "./migrations.ts";

/** Postgres 14. */
const VERSION_LEAST = 140_000;

/** Commits, claims, starts, careful, reads, files, listens; beside them is a heartbeat's for each lane. */
const CONNECTIONS = 7;

export interface Look {
  /** As the server counts: 140005 is 14.5. */
  readonly version: number;
  readonly encoding: string;
  readonly isReadOnly: boolean;
  /** Of the role or the database, whichever is less; null: no limit. */
  readonly connectionsMax: number | null;
  readonly hasSchema: boolean;
  readonly hasMeta: boolean;
  /** The store's tables whose rows this user may not read and write. */
  readonly denied: readonly string[];
}

export const READ_DATABASE = `
  select current_setting('server_version_num')::integer as version, current_setting('server_encoding') as encoding,
    current_setting('transaction_read_only') = 'on' as "isReadOnly",
    case when r.rolsuper then null else least(nullif(r.rolconnlimit, -1), nullif(d.datconnlimit, -1)) end
      as "connectionsMax",
    n.oid is not null as "hasSchema", m.oid is not null as "hasMeta",
    array(
      select c.relname::text
      from pg_class c
      where c.relnamespace = m.relnamespace and c.relname = any ($2::text[])
        and not (has_table_privilege(c.oid, 'select') and has_table_privilege(c.oid, 'insert')
          and has_table_privilege(c.oid, 'update') and has_table_privilege(c.oid, 'delete'))
      order by c.relname) as denied
  from pg_database d
    join pg_roles r on r.rolname = current_user
    left join pg_namespace n on n.nspname = $1
    left join pg_class m on m.relnamespace = n.oid and m.relname = 'meta'
  where d.datname = current_database()`;

export const READ_META = "select name, value from tenfold.meta";

export const HAS_TABLE = "select to_regclass($1) is not null as there";

/** Asks whether a table of the schema is there, as `there`. */
export function hasTable(table: string, { schema }: { readonly schema: string }): Statement {
  return { sql: HAS_TABLE, values: [`"${schema}".${table}`] };
}

/** What a store says of itself; all 0 where there is none yet. */
export interface Meta {
  readonly format: number;
  /** The oldest format whose programs may work with it. */
  readonly least: number;
  readonly lanes: number;
}

export interface Seen {
  readonly look: Look;
  readonly meta: Meta;
}

type Rows = readonly Readonly<Record<string, unknown>>[];

/** What the rows of `meta` say under a name; 0: nothing. */
export function factsOf(rows: Rows): (name: string) => number {
  return (name) => (rows.find((row) => row["name"] === name)?.["value"] as number) ?? 0;
}

/** Looks at the schema by `ask`, which answers the rows of a statement; throws if no store can be there. */
export async function lookAt(
  ask: (statement: Statement) => Promise<Rows>,
  { name, schema }: { readonly name: string; readonly schema: string },
  migrations: readonly Migration[],
): Promise<Seen> {
  const tables = migrations.flatMap(({ sql }) =>
    [...sql.matchAll(/create table tenfold\.(\w+)/g)].map(([, table]) => table!),
  );
  const look = (await ask({ sql: READ_DATABASE, values: [schema, texts(tables)] }))[0] as unknown as Look;
  refuseUnsuitable(look, name);
  const rows = look.hasMeta ? await ask({ sql: inSchema(READ_META, schema), values: [] }) : [];
  const valueOf = factsOf(rows);
  return { look, meta: { format: valueOf("format"), least: valueOf("least"), lanes: valueOf("lanes") } };
}

/** Throws if the database cannot hold a store, whatever is in it. */
export function refuseUnsuitable({ version, encoding, isReadOnly }: Look, name: string): void {
  if (version < VERSION_LEAST) {
    const is = `${Math.floor(version / 10_000)}.${version % 10_000}`;
    throw refusal("STORE_UNSUITABLE", `is on Postgres ${is}; nothing was opened. Use Postgres 14 or newer.`, name);
  }
  if (encoding !== "UTF8") {
    throw refusal(
      "STORE_UNSUITABLE",
      `has the encoding ${encoding}, which cannot keep every text; nothing was opened. Make a database that is UTF8: ` +
        "`create database <name> encoding 'UTF8' template template0`.",
      name,
    );
  }
  if (!isReadOnly) return;
  throw refusal(
    "STORE_READ_ONLY",
    "only reads: it is a replica, or set to read-only for this user; nothing was opened. Name the primary server in the URL.",
    name,
  );
}

/** Throws if this user cannot work with the store that is there. */
export function refuseRights(
  { denied, connectionsMax }: Look,
  { lanes, listens }: { readonly lanes: number; readonly listens: boolean },
  { name, schema }: { readonly name: string; readonly schema: string },
): void {
  if (denied.length > 0) {
    throw refusal(
      "STORE_PERMISSION",
      `does not let this user read and write all of its tables (${denied.join(", ")}); nothing was opened. Have their ` +
        `owner do \`grant select, insert, update, delete on all tables in schema ${schema} to <user>\`.`,
      name,
    );
  }
  // A pool shares its few connections among many.
  const connections = CONNECTIONS + lanes;
  if (!listens || connectionsMax === null || connectionsMax >= connections) return;
  throw refusal(
    "STORE_FULL",
    `allows ${connectionsMax} connections to this user or database, and one worker has up to ${connections}; nothing ` +
      "was opened. Raise it (`alter role <user> connection limit <n>`, `alter database …`), or put PgBouncer before it.",
    name,
  );
}

function refusal(code: ErrorCode, says: string, name: string): TenfoldError {
  return new TenfoldError(code, `The store ${name} ${says}`, { facts: { store: name } });
}
