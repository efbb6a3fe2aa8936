/**
 * Brings a store to this program's format, under load: one transaction that waits for no lock for long, but lets go
 * and tries again, so that nobody queues behind it.
 * Invariants: of several programs that migrate at once one does, and the others find it done; a store of a newer
 * format is left as it is, and worked with if its newest migration says that this program still may.
 */
import { setTimeout as delay } from "node:timers/promises";
import { TenfoldError } from "../../value/error.ts";
import { inSchema, type Connection, type ConnectionOptions, type Statement } from "./connection.ts";
import { isLocked } from "./failure.ts";
import { firstStatistics } from "./first-statistics.ts";
import { lookAt, type Meta, type Seen } from "./look.ts";
import type { Migration } from "./migrations.ts";
import { newName, type Share } from "./share.ts";

/** How long a lock is waited for, and with it everybody who comes after. */
const LOCK_MS = 500;
const PAUSE_FIRST_MS = 100;
const PAUSE_MAX_MS = 5000;
/** How long a migration is tried for. */
const MIGRATE_FOR_MS = 60_000;

/** What a store is made of, where there is none yet. */
export interface NewStore {
  readonly lanes: number;
  /** Of a store on several servers: what this one has. */
  readonly share?: Share | undefined;
}

export interface Migrated {
  readonly from: number;
  readonly to: number;
  readonly lanes: number;
}

/** Whether a program with these migrations can work with a store as it is; STORE_NEWER if it never will. */
export function isCurrent({ format, least }: Meta, migrations: readonly Migration[], name: string): boolean {
  const known = migrations.length;
  if (format <= known) return format === known;
  if (least <= known) return true;
  throw new TenfoldError(
    "STORE_NEWER",
    `The store ${name} has format ${format}, made by a newer tenfold, beside which formats from ${least} on may work; this ` +
      `one knows formats up to ${known}, and left it as it is. Use the newer tenfold.`,
    { facts: { store: name, format, least, known } },
  );
}

/** Migrates; a store that needs none is left as it is. */
export async function migrate(
  connection: Connection,
  made: NewStore,
  migrations: readonly Migration[],
): Promise<Migrated> {
  const until = performance.now() + MIGRATE_FOR_MS;
  for (let pauseMs = PAUSE_FIRST_MS; ; pauseMs = Math.min(pauseMs * 2, PAUSE_MAX_MS)) {
    try {
      return await migrateOnce(connection, made, migrations);
    } catch (error) {
      if (!isLocked(error) || performance.now() + pauseMs >= until) throw error;
    }
    await delay(pauseMs);
  }
}

function migrateOnce(connection: Connection, made: NewStore, migrations: readonly Migration[]): Promise<Migrated> {
  const { options } = connection;
  return connection.transaction(async ({ send, commit }) => {
    const ask = async (statement: Statement) => (await send([statement]))[0]!.rows;
    for (const sql of locksOf(options)) await send([{ sql }]);
    // What was seen before the lock may have been changed since.
    const seen = await lookAt(ask, options, migrations);
    const { format } = seen.meta;
    if (isCurrent(seen.meta, migrations, options.name)) return { from: format, to: format, lanes: seen.meta.lanes };
    await commit(migrationOf(seen, made, migrations, options).map((sql) => ({ sql })));
    return { from: format, to: migrations.length, lanes: format === 0 ? made.lanes : seen.meta.lanes };
  });
}

/** What the transaction of a migration begins with. */
function locksOf({ schema }: { readonly schema: string }): readonly string[] {
  return [`set local lock_timeout = ${LOCK_MS}`, `select pg_advisory_xact_lock(hashtext('tenfold ${schema}'))`];
}

/** The statements of the migration. */
function migrationOf(
  { look, meta }: Seen,
  { lanes, share }: NewStore,
  migrations: readonly Migration[],
  { schema }: { readonly schema: string },
): readonly string[] {
  const format = migrations.length;
  const { least } = migrations.at(-1)!;
  const facts = [`('format', ${format})`, `('least', ${least})`];
  // To ask for a schema that is there takes the right to make one.
  const statements = look.hasSchema ? [] : [`create schema "${schema}"`];
  if (!look.hasMeta) {
    statements.push("create table tenfold.meta (name text primary key, value bigint not null)");
  }
  for (const { sql } of migrations.slice(meta.format)) statements.push(sql.trim());
  if (meta.format === 0) {
    facts.push(`('lanes', ${lanes})`);
    if (share !== undefined) facts.push(`('store', ${share.store})`, `('server', ${newName()})`);
    const held = share?.lanes ?? Array.from({ length: lanes }, (_, lane) => lane);
    statements.push(`insert into tenfold.lanes (lane) select unnest('{${held.join(", ")}}'::integer[])`);
    statements.push(...firstStatistics(lanes));
  }
  statements.push(
    `insert into tenfold.meta (name, value) values ${facts.join(", ")} on conflict (name) do update set value = excluded.value`,
  );
  return statements.map((sql) => inSchema(sql, schema));
}

/** The migration as a script for `psql`, empty where none is needed. */
export function scriptOf(
  seen: Seen,
  made: NewStore,
  migrations: readonly Migration[],
  options: Pick<ConnectionOptions, "name" | "schema">,
): string {
  if (isCurrent(seen.meta, migrations, options.name)) return "";
  const statements = ["begin", ...locksOf(options), ...migrationOf(seen, made, migrations, options), "commit"];
  return statements.map((sql) => `${sql.replace(/;$/, "")};\n`).join("");
}
