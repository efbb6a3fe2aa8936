/**
 * The rows of a lane, table by table, as they are compared with, and carried to, another server.
 * Invariants: tables and columns are read from the catalog, so that a table that a later format adds is carried too;
 * a part of a table is a range of its key, compared by count and hash and, where it differs, replaced as a whole.
 */
import type { Connection, Statement } from "./connection.ts";

export interface LaneTable {
  readonly name: string;
  readonly columns: readonly string[];
  /** Those of the primary key behind the lane; none: the table has no key, and is one part. */
  readonly keys: readonly { readonly name: string; readonly type: string }[];
}

/** From behind one key to another, inclusive; null: from the first, or to the last. */
export interface Range {
  readonly after: readonly string[] | null;
  readonly to: readonly string[] | null;
}

export interface Sum {
  readonly rows: number;
  readonly hash: string;
}

/** Rows of one part: few enough to be sent at once. */
const PART_ROWS = 2000;
/** Of a table whose rows are large. */
const LARGE_PART_ROWS: ReadonlyMap<string, number> = new Map([["file_parts", 16]]);

function partRowsOf({ name }: LaneTable): number {
  return LARGE_PART_ROWS.get(name) ?? PART_ROWS;
}

const TABLES = `
  select c.relname as name,
    (select array_agg(a.attname::text order by a.attnum)
      from pg_attribute a where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped) as columns,
    coalesce((
      select json_agg(json_build_object('name', a.attname, 'type', format_type(a.atttypid, null)) order by k.nth)
      from pg_index i
        cross join lateral unnest(i.indkey::smallint[]) with ordinality as k (attnum, nth)
        join pg_attribute a on a.attrelid = c.oid and a.attnum = k.attnum
      where i.indrelid = c.oid and i.indisprimary and a.attname <> 'lane'), '[]') as keys
  from pg_class c
    join pg_attribute l on l.attrelid = c.oid and l.attname = 'lane'
  where c.relnamespace = to_regnamespace($1) and c.relkind in ('r', 'p')
    and c.relname not in ('lanes', 'moves')
  order by c.relname`;

/** Parts are found by the key, whatever the server knows or believes of the tables' sizes. */
export async function preferKeys(connection: Connection): Promise<void> {
  for (const setting of ["enable_seqscan", "enable_bitmapscan", "jit"]) {
    await connection.send([{ sql: `set ${setting} = off` }]);
  }
}

/** The tables that have rows of lanes; which server holds a lane is not among them. */
export async function tablesOf(connection: Connection): Promise<readonly LaneTable[]> {
  return connection.rows<LaneTable>(TABLES, connection.options.schema);
}

/** Where the next part of a table ends; null: no row is left. */
export async function endOfPart(
  connection: Connection,
  table: LaneTable,
  lane: number,
  after: readonly string[] | null,
): Promise<readonly string[] | null> {
  const { name, keys } = table;
  const places = namesOf(keys);
  const { where, values } = conditionOf(keys, lane, { after, to: null });
  const [row] = await connection.rows<{ last: readonly string[] }>(
    `select array[${keys.map(({ name: key }) => `p.${quoted(key)}::text`).join(", ")}] as last
    from (select ${places} from tenfold.${name} t where ${where} order by t.lane, ${places} limit ${partRowsOf(table)}) p
    order by ${keys.map(({ name: key }) => `p.${quoted(key)} desc`).join(", ")} limit 1`,
    ...values,
  );
  return row?.last ?? null;
}

/** Count and hash of a part, the sum of 60 bits of each row's own: equal on two servers if its rows are. */
export async function sumOf(connection: Connection, table: LaneTable, lane: number, range: Range): Promise<Sum> {
  const { where, values } = conditionOf(table.keys, lane, range);
  const [sum] = await connection.rows<Sum>(
    `select count(*)::integer as rows,
      coalesce(sum(('x' || left(md5(row(${table.columns.map(quoted).join(", ")})::text), 15))::bit(60)::bigint), 0)::text as hash
    from tenfold.${table.name} t where ${where}`,
    ...values,
  );
  return sum!;
}

/** The rows of a part, as text that `insertOf` takes. */
export async function readPart(connection: Connection, table: LaneTable, lane: number, range: Range): Promise<string> {
  const { where, values } = conditionOf(table.keys, lane, range);
  const [part] = await connection.rows<{ rows: string }>(
    `select coalesce(json_agg(p), '[]')::text as rows
    from (select ${table.columns.map(quoted).join(", ")} from tenfold.${table.name} t where ${where}) p`,
    ...values,
  );
  return part!.rows;
}

export function deleteOf({ name, keys }: LaneTable, lane: number, range: Range): Statement {
  const { where, values } = conditionOf(keys, lane, range);
  return { sql: `delete from tenfold.${name} t where ${where}`, values };
}

export function insertOf({ name, columns }: LaneTable, rows: string): Statement {
  const list = columns.map(quoted).join(", ");
  return {
    sql: `insert into tenfold.${name} (${list}) select ${list} from json_populate_recordset(null::tenfold.${name}, $1::json)`,
    values: [rows],
  };
}

/** Deletes some rows of the lane; answers how many. */
export async function deleteSome(connection: Connection, table: LaneTable, lane: number): Promise<number> {
  const { name } = table;
  const [deleted] = await connection.send([
    {
      sql: `delete from tenfold.${name} t
        where t.lane = $1 and t.ctid in (select s.ctid from tenfold.${name} s where s.lane = $1 limit ${10 * partRowsOf(table)})`,
      values: [lane],
    },
  ]);
  return deleted!.count;
}

function namesOf(keys: LaneTable["keys"]): string {
  return keys.map(({ name }) => `t.${quoted(name)}`).join(", ");
}

function quoted(name: string): string {
  return `"${name}"`;
}

function conditionOf(
  keys: LaneTable["keys"],
  lane: number,
  { after, to }: Range,
): { readonly where: string; readonly values: readonly unknown[] } {
  const values: unknown[] = [lane];
  const place = (key: readonly string[]): string =>
    keys.map(({ type }, index) => `$${values.push(key[index])}::${type}`).join(", ");
  // Not `t.lane = $1` beside them: an index would be read from the lane's first row on.
  const from = after === null ? "t.lane >= $1" : `(t.lane, ${namesOf(keys)}) > ($1, ${place(after)})`;
  const until = to === null ? "t.lane <= $1" : `(t.lane, ${namesOf(keys)}) <= ($1, ${place(to)})`;
  return { where: `${from} and ${until}`, values };
}
