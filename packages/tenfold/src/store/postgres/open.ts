/** Opens the store of a URL: looks whether it can be worked with, and makes or changes its tables if they lack something. */
import { Connection } from "./connection.ts";
import { Listener } from "./listener.ts";
import { lookAt, refuseRights, type Seen } from "./look.ts";
import { isCurrent, migrate, scriptOf, type NewStore } from "./migrate.ts";
import { MIGRATIONS, type Migration } from "./migrations.ts";
import { Notices } from "./notices.ts";
import { PostgresStore } from "./postgres.ts";
import { refuseMoved } from "./move-mark.ts";
import { mustHoldAll, type Share } from "./share.ts";
import { readStoreUrl } from "./store-url.ts";

export interface PostgresOptions {
  /** Lanes of a store that is made now; one that exists keeps its own. */
  readonly lanes?: number;
  /** The schema in which the store's tables stand; otherwise the URL's, or "tenfold". */
  readonly schema?: string;
  /** False: nothing is listened for, only polled, as through PgBouncer's pools of transactions. */
  readonly listens?: boolean;
  /** How long an answer is waited for (ms). */
  readonly patienceMs?: number;
  /** This is one of several servers of a store. */
  readonly share?: Share;
}

export const DEFAULT_PATIENCE_MS = 15_000;

/** Opens the store; `migrations` are those of another version only in tests. */
export async function openPostgres(
  url: string,
  options: PostgresOptions = {},
  migrations: readonly Migration[] = MIGRATIONS,
): Promise<PostgresStore> {
  const { url: driverUrl, name, schema, listens, txMax } = readStoreUrl(url, options);
  const settings = (purpose: string) => {
    return { name, schema, purpose, txMax, patienceMs: options.patienceMs ?? DEFAULT_PATIENCE_MS };
  };
  const connection = (purpose: string): Connection => new Connection(driverUrl, settings(purpose));
  const byKey = (purpose: string): Connection => new Connection(driverUrl, { ...settings(purpose), isByKey: true });
  const careful = byKey("careful");
  try {
    await refuseMoved(careful);
    const lanes = await prepare(careful, { lanes: options.lanes ?? 1, share: options.share }, listens, migrations);
    if (options.share === undefined) await mustHoldAll(careful, lanes);
    const reads = connection("reads");
    const listener = listens ? new Listener(driverUrl, schema, settings("listens")) : null;
    return new PostgresStore(
      name,
      lanes,
      {
        ...{ commits: byKey("commits"), claims: connection("claims"), starts: byKey("starts"), careful, reads },
        files: connection("files"),
      },
      new Notices(schema, reads, listener),
    );
  } catch (error) {
    await careful.close();
    throw error;
  }
}

/** Answers the number of lanes. */
export async function prepare(
  connection: Connection,
  made: NewStore,
  listens: boolean,
  migrations: readonly Migration[],
): Promise<number> {
  const { look, meta } = await seenBy(connection, migrations);
  const isFit = isCurrent(meta, migrations, connection.options.name);
  // Of a store on several servers some lanes are worked here, which may change.
  const lanes = made.share === undefined ? meta.lanes || made.lanes : 1;
  refuseRights(look, { lanes, listens }, connection.options);
  return isFit ? meta.lanes : (await migrate(connection, made, migrations)).lanes;
}

export interface MigrationAnswer {
  readonly store: string;
  /** The store's format before and after; 0: there is no store yet. */
  readonly from: number;
  readonly to: number;
  /** What is to be done, as a script for `psql`; empty if nothing is. */
  readonly sql: string;
}

/** Brings the store of a URL to this version's format; if it `isDry`, only says what that takes. */
export async function migratePostgres(
  url: string,
  { isDry }: { readonly isDry: boolean },
  migrations: readonly Migration[] = MIGRATIONS,
): Promise<MigrationAnswer> {
  const { url: driverUrl, name, schema } = readStoreUrl(url);
  const connection = new Connection(driverUrl, { name, schema, purpose: "migrates", patienceMs: DEFAULT_PATIENCE_MS });
  try {
    const seen = await seenBy(connection, migrations);
    const sql = scriptOf(seen, { lanes: 1 }, migrations, connection.options);
    if (!isDry && sql !== "") {
      const { from, to } = await migrate(connection, { lanes: 1 }, migrations);
      return { store: name, from, to, sql };
    }
    const from = seen.meta.format;
    return { store: name, from, to: Math.max(from, migrations.length), sql };
  } finally {
    await connection.close();
  }
}

function seenBy(connection: Connection, migrations: readonly Migration[]): Promise<Seen> {
  return lookAt(async (statement) => (await connection.send([statement]))[0]!.rows, connection.options, migrations);
}
