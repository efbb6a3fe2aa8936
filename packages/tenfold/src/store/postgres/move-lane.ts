/**
 * Moves a lane to another server of its store while the store is worked.
 * Invariants: at every moment at most one server lets the lane be written; it is opened at the target only when all
 * of its rows there were compared with those at the source after the last write to them; whatever is done can be done
 * again, so a move that was cut off anywhere is ended by the same call; one program moves a lane at a time.
 *
 * 1. While the lane works, its rows are carried over, until little is left to be carried.
 * 2. It is frozen: its row leaves `lanes` for `moves`, and all its leases die. What was in flight is waited for.
 * 3. The rest is carried and everything compared.
 * 4. It is handed over: the source reads it no more, then the target has its row in `lanes`, and works it.
 * 5. Its rows at the source are deleted, a few at a time.
 */
import { TenfoldError } from "../../value/error.ts";
import { Connection, type Transaction } from "./connection.ts";
import {
  deleteOf,
  deleteSome,
  endOfPart,
  insertOf,
  preferKeys,
  readPart,
  sumOf,
  tablesOf,
  type LaneTable,
  type Range,
} from "./lane-tables.ts";
import { factsOf, READ_META } from "./look.ts";
import type { Place } from "./place.ts";
import type { PostgresServers } from "./servers.ts";

export type MoveStage = "copying" | "frozen" | "handed" | "opened" | "moved";

export interface LaneMoved {
  readonly from: string;
  readonly to: string;
  /** Rows that were compared. */
  readonly rows: number;
  /** How long nobody could work the lane (ms), as far as this call saw. */
  readonly stoodMs: number;
}

/** A pass that carried at most so many parts is followed by the freeze; after so many passes, any is. */
const FEW_PARTS = 8;
const PASSES_MAX = 5;
const PATIENCE_MS = 600_000;
/** How many parts are compared at once. */
const AT_ONCE = 4;

const LOCK_MOVE = "select pg_try_advisory_lock(hashtext($1), $2) as locked";
const HOLDS_MOVE = `
  select 1 as held from pg_locks k
  where k.locktype = 'advisory' and k.pid = pg_backend_pid() and k.granted
    and k.classid::bigint = (hashtext($1)::bigint & 4294967295) and k.objid::bigint = $2
    and not exists (select from tenfold.lanes a where a.lane = $2)`;
const FIND = `
  select exists (select from tenfold.lanes a where a.lane = $1) as held,
    (select m.target from tenfold.moves m where m.lane = $1) as target,
    (select m.is_handed from tenfold.moves m where m.lane = $1) as "isHanded"`;

/** Waits for starts and messages in flight; those that come later find no lane. */
const CLOSE_LANE = "delete from tenfold.lanes a where a.lane = $1";
const BEGIN_MOVE = "insert into tenfold.moves (lane, target, is_handed) values ($1, $2, false)";
/** Waits for the commits in flight of each. */
const LOCK_LEASES = "select 1 from tenfold.leases l where l.lane = $1 and l.is_alive for update";
const KILL_LEASES = "update tenfold.leases l set is_alive = false where l.lane = $1 and l.is_alive";
/** No worker has died: they are sent away. */
const FREE_ALL = "update tenfold.runs r set owner = null, wake_at = $2 where r.lane = $1 and r.owner is not null";
const FREE_ALL_QUEUES =
  "update tenfold.queues q set owner = null, was_used = true where q.lane = $1 and q.owner is not null";
const HAND_OVER = "update tenfold.moves m set is_handed = true where m.lane = $1";
const OPEN_LANE = "insert into tenfold.lanes (lane) values ($1) on conflict (lane) do nothing";
const END_MOVE = "delete from tenfold.moves m where m.lane = $1";

interface Found {
  readonly place: Place;
  readonly held: boolean;
  readonly target: string | null;
  readonly isHanded: boolean | null;
}

/** Moves `lane` to `target`, or ends such a move that was cut off; `tell` hears of each stage. */
export async function moveLane(
  servers: PostgresServers,
  lane: number,
  target: Place,
  tell: (stage: MoveStage) => void | Promise<void> = () => undefined,
): Promise<LaneMoved> {
  if (target.away !== null) throw target.away;
  const found = await findLane(servers, lane);
  const holder = found.find(({ held }) => held);
  const moving = found.find((each) => each.target !== null);
  // An earlier move has opened the lane, and was cut off before the old rows were gone.
  if (holder !== undefined && moving !== undefined) await clear(moving.place, lane);
  const source = holder ?? moving;
  if (source === undefined) throw notFound(servers, lane);
  if (source.target !== null && source.target !== target.name) throw movesElsewhere(lane, source.target);
  if (source.place === target) return { from: moving?.place.name ?? target.name, to: target.name, rows: 0, stoodMs: 0 };
  return new Move(lane, source, target, tell).run();
}

async function findLane({ places }: PostgresServers, lane: number): Promise<readonly Found[]> {
  const there = places.filter(({ away }) => away === null);
  return Promise.all(
    there.map(async (place) => {
      const [row] = await place.connection.rows<Omit<Found, "place">>(FIND, lane);
      return { place, ...row! };
    }),
  );
}

class Move {
  readonly #lane: number;
  readonly #source: Found;
  readonly #target: Place;
  readonly #from: Connection;
  readonly #to: Connection;
  /** Has the lock of this move, in the session that writes. */
  readonly #writes: Connection;
  readonly #tell: (stage: MoveStage) => void | Promise<void>;
  #tables: readonly LaneTable[] = [];
  #isFrozen = false;

  constructor(lane: number, source: Found, target: Place, tell: (stage: MoveStage) => void | Promise<void>) {
    const connect = ({ connection: { url, options } }: Place): Connection =>
      new Connection(url, { ...options, purpose: "move", patienceMs: PATIENCE_MS });
    this.#lane = lane;
    this.#source = source;
    this.#target = target;
    this.#from = connect(source.place);
    this.#to = connect(target);
    this.#writes = connect(target);
    this.#tell = tell;
  }

  async run(): Promise<LaneMoved> {
    try {
      return await this.#run();
    } finally {
      await Promise.all([this.#from, this.#to, this.#writes].map((connection) => connection.close()));
    }
  }

  async #run(): Promise<LaneMoved> {
    const { place, held, isHanded } = this.#source;
    await this.#prepare();
    let rows = 0;
    if (held) {
      await this.#tell("copying");
      for (let pass = 1; pass <= PASSES_MAX; pass++) if ((await this.#carryAll()).parts <= FEW_PARTS) break;
    }
    const frozenAt = performance.now();
    if (held) await this.#freeze();
    this.#isFrozen = true;
    if (isHanded !== true) {
      await this.#tell("frozen");
      rows = (await this.#carryAll()).rows;
      await this.#from.rows(HAND_OVER, this.#lane);
      await this.#tell("handed");
    }
    await this.#write(({ commit }) => commit([{ sql: OPEN_LANE, values: [this.#lane] }]));
    const stoodMs = performance.now() - frozenAt;
    await this.#tell("opened");
    await clear(place, this.#lane);
    await this.#tell("moved");
    return { from: place.name, to: this.#target.name, rows, stoodMs };
  }

  async #prepare(): Promise<void> {
    const format = async (connection: Connection): Promise<number> =>
      factsOf(await connection.rows(READ_META))("format");
    if ((await format(this.#from)) !== (await format(this.#to))) throw formatsDiffer(this.#source.place, this.#target);
    const [lock] = await this.#writes.rows<{ locked: boolean }>(LOCK_MOVE, this.#lockName, this.#lane);
    if (!lock!.locked) throw movedByAnother(this.#lane);
    this.#tables = await tablesOf(this.#from);
    await Promise.all([this.#from, this.#to, this.#writes].map(preferKeys));
  }

  get #lockName(): string {
    return `${this.#to.options.schema} lanes`;
  }

  async #freeze(): Promise<void> {
    const values = [this.#lane];
    await this.#from.transaction(async ({ send, commit }) => {
      const [closed] = await send([
        { sql: CLOSE_LANE, values },
        { sql: BEGIN_MOVE, values: [this.#lane, this.#target.name] },
        { sql: LOCK_LEASES, values },
        { sql: KILL_LEASES, values },
      ]);
      if (closed!.count === 0) throw movedByAnother(this.#lane);
      await commit([
        { sql: FREE_ALL, values: [this.#lane, Date.now()] },
        { sql: FREE_ALL_QUEUES, values },
      ]);
    });
  }

  /** Has the lane's rows at the target; while it works, tables without a key are left for later. */
  async #carryAll(): Promise<{ parts: number; rows: number }> {
    const carried = { parts: 0, rows: 0 };
    for (const table of this.#tables) {
      if (table.keys.length > 0) await this.#carryByKey(table, carried);
      else if (this.#isFrozen) await this.#carry(table, { after: null, to: null }, carried);
    }
    return carried;
  }

  async #carryByKey(table: LaneTable, carried: { parts: number; rows: number }): Promise<void> {
    const under = new Set<Promise<void>>();
    for (let after: readonly string[] | null = null; ;) {
      const to: readonly string[] | null = await endOfPart(this.#from, table, this.#lane, after);
      // The last part goes on for ever: what the target has there, and the source has not, is deleted.
      const carrying: Promise<void> = this.#carry(table, { after, to }, carried);
      under.add(carrying);
      void carrying.then(
        () => under.delete(carrying),
        () => undefined,
      );
      if (under.size >= AT_ONCE) await Promise.race(under);
      if (to === null) break;
      after = to;
    }
    await Promise.all(under);
  }

  /** Compares a part, and replaces it at the target where it differs, until it does not. */
  async #carry(table: LaneTable, range: Range, carried: { parts: number; rows: number }): Promise<void> {
    const lane = this.#lane;
    const sums = () =>
      Promise.all([sumOf(this.#from, table, lane, range), sumOf(this.#to, table, lane, range)] as const);
    const [before, there] = await sums();
    carried.rows += before.rows;
    if (before.rows === there.rows && before.hash === there.hash) return;
    carried.parts++;
    const rows = await readPart(this.#from, table, lane, range);
    await this.#write(({ commit }) => commit([deleteOf(table, lane, range), insertOf(table, rows)]));
    if (!this.#isFrozen) return;
    const [from, to] = await sums();
    if (from.rows !== to.rows || from.hash !== to.hash) throw notEqual(lane, table.name);
  }

  /** A transaction at the target, if this is still the one that moves the lane, and nobody works it there. */
  async #write(act: (transaction: Transaction) => Promise<unknown>): Promise<void> {
    await this.#writes.transaction(async (transaction) => {
      const [held] = await transaction.send([{ sql: HOLDS_MOVE, values: [this.#lockName, this.#lane] }]);
      if (held!.count === 0) throw movedByAnother(this.#lane);
      await act(transaction);
    });
  }
}

/** Deletes what is left of a lane that is worked elsewhere. */
async function clear({ connection }: Place, lane: number): Promise<void> {
  for (const table of await tablesOf(connection)) {
    while ((await deleteSome(connection, table, lane)) > 0);
  }
  await connection.rows(END_MOVE, lane);
}

function notFound({ places }: PostgresServers, lane: number): TenfoldError {
  const away = places.filter((place) => place.away !== null).map(({ name }) => name);
  const way = away.length === 0 ? "Restore the server that held it" : `It may be on ${away.join(", ")}: bring that up`;
  return new TenfoldError(
    "STORE_UNREACHABLE",
    `No server that is reached holds lane ${lane}; nothing was moved. ${way}.`,
  );
}

function movesElsewhere(lane: number, target: string): TenfoldError {
  return new TenfoldError(
    "STORE_BUSY",
    `Lane ${lane} is on its way to ${target}; nothing was done. End that move first: \`tenfold lanes move ${lane} --to <its URL>\`.`,
    { facts: { lane, target } },
  );
}

function movedByAnother(lane: number): TenfoldError {
  return new TenfoldError(
    "STORE_BUSY",
    `Another program moves lane ${lane}, or the connection to its server broke; this one stopped, and what it did can be ` +
      `done again. When no other does, give the same command again.`,
    { facts: { lane } },
  );
}

function formatsDiffer(source: Place, target: Place): TenfoldError {
  return new TenfoldError(
    "STORE_MIXED",
    `The tables of ${source.name} and ${target.name} are of two formats; nothing was moved. Open the store once with this ` +
      `version of tenfold, which brings both to its own.`,
  );
}

function notEqual(lane: number, table: string): TenfoldError {
  return new TenfoldError(
    "INVARIANT_BROKEN",
    `The rows of lane ${lane} in ${table} differ after they were carried over; the lane stays frozen where it is, and ` +
      `nothing is lost. Give the same command again, and report this.`,
    { facts: { lane, table } },
  );
}
