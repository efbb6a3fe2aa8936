/**
 * Moves all that one store holds into another: nobody goes on in the old one from the moment on that the first row
 * is read, and nobody begins in the new one before both are found to hold the same.
 * Invariant: killed at any point, the same move goes on where it stopped.
 */
import { createHash, randomBytes } from "node:crypto";
import type { Mark, MovedTable, MovingStore, Row } from "../store/moving.ts";
import { MOVED_TABLES, otherMove } from "../store/moving.ts";
import type { LeaseSeen } from "../store/store.ts";
import { TenfoldError } from "../value/error.ts";
import { DEFAULT_SETTINGS } from "./engine.ts";
import { waitFor, type Clock, type Host } from "./ports.ts";

export interface MoveParts {
  readonly clock: Clock;
  readonly host: Host;
  /** How long a worker of another machine may be silent before it is taken for dead. */
  readonly leaseMs?: number;
  readonly tell?: (progress: MoveProgress) => void;
}

export type MoveProgress =
  | { readonly kind: "waiting"; readonly workers: readonly string[]; readonly leaseMs: number }
  | { readonly kind: "copying" | "checking"; readonly table: MovedTable; readonly rows: number };

export interface MovedContent {
  readonly table: MovedTable;
  readonly rows: number;
  /** Of all its rows, in whatever order. */
  readonly hash: string;
}

export interface Moved {
  /** It had been finished before. */
  readonly isOld: boolean;
  readonly tables: readonly MovedContent[];
}

/** Opens a store to move it, or to move another one into it; `lanes` of one that is made now, null: it has to be there. */
export async function openToMove(name: string, lanes: number | null): Promise<MovingStore> {
  if (/^postgres(ql)?:\/\//.test(name)) {
    const { openPostgresToMove } = await import("../store/postgres/moving.ts");
    return openPostgresToMove(name, { lanes: lanes ?? undefined });
  }
  const { openSqliteToMove } = await import("../store/sqlite/moving.ts");
  return openSqliteToMove(name, lanes ?? 1);
}

/** Moves, or goes on with a move that was begun; answers what was moved once both stores are found to hold the same. */
export async function moveStore(source: MovingStore, target: MovingStore, parts: MoveParts): Promise<Moved> {
  const mark = await source.mark();
  const targetMark = await target.mark();
  if (mark !== null) checkPair(mark, source, target);
  if (mark?.isDone === true && targetMark?.move !== mark.move) return { isOld: true, tables: [] };
  const move = mark?.move ?? (await begin(source, target, targetMark, parts));
  if (targetMark?.move !== move) {
    if (targetMark !== null || (await holdsRows(target))) throw notEmpty(target);
    await target.receive(move, source.name);
  }
  const tables = await copyAll(source, target, parts).catch(async (thrown: unknown) => {
    // Another program that has finished the move, or given it up, has taken away what this one goes by.
    for (const store of [source, target]) if ((await store.mark())?.move !== move) throw otherMove(store.name);
    throw thrown;
  });
  // In this order: killed between the two, the next try finds a source that is done, and only this is left to do.
  await source.left(move);
  await target.settle();
  return { isOld: false, tables };
}

/** Gives up a move that was begun and is not finished; answers where it was going to. */
export async function giveUpMove(source: MovingStore): Promise<string> {
  const mark = await source.mark();
  if (mark === null || mark.role === "target" || mark.isDone) {
    const why =
      mark === null
        ? "it is not being moved"
        : mark.isDone
          ? `it has been moved to ${mark.other}, and runs go on there`
          : `it is being filled from ${mark.other}, whose move that is`;
    throw new TenfoldError("USAGE", `There is no move of ${source.name} to give up: ${why}. Nothing was changed.`, {
      facts: { store: source.name },
    });
  }
  await source.stay();
  return mark.other;
}

/** Looks whether it can be done, and then closes the source to everybody else; answers the move's name. */
async function begin(
  source: MovingStore,
  target: MovingStore,
  targetMark: Mark | null,
  parts: MoveParts,
): Promise<string> {
  if (source.lanes !== target.lanes) {
    const { name, lanes } = source;
    throw new TenfoldError(
      "USAGE",
      `${name} has ${lanes} ${lanes === 1 ? "lane" : "lanes"} and ${target.name} ${target.lanes}; nothing was moved. A run's lane is part of its id, so both need as many: name a store that does not exist yet.`,
      { facts: { source: lanes, target: target.lanes } },
    );
  }
  if (targetMark !== null || (await holdsRows(target))) throw notEmpty(target);
  await buryWorkers(source, parts);
  const move = randomBytes(12).toString("hex");
  if (!(await source.leave(move, target.name))) throw stillWorked(source, await leasesOf(source));
  return move;
}

function checkPair(mark: Mark, source: MovingStore, target: MovingStore): void {
  if (mark.role === "source" && mark.other === target.name) return;
  const says =
    mark.role === "target"
      ? `is being filled from ${mark.other}, and that move is not finished. Finish it first`
      : mark.isDone
        ? `was moved to ${mark.other}, where its runs go on. Move that one`
        : `is being moved to ${mark.other}, and that move is not finished. Finish it, or give it up with \`--undo\``;
  throw new TenfoldError("STORE_MOVED", `The store ${source.name} ${says}. Nothing was moved.`, {
    facts: { store: source.name, other: mark.other },
  });
}

/** Takes over from workers that are dead, as another worker would; throws if one is alive. */
async function buryWorkers(source: MovingStore, { clock, host, leaseMs: given, tell }: MoveParts): Promise<void> {
  const leaseMs = given ?? DEFAULT_SETTINGS.leaseMs;
  const until = clock.elapsed() + leaseMs;
  const beats = new Map<string, number>();
  for (let leases = await leasesOf(source); leases.length > 0; leases = await leasesOf(source)) {
    const isHere = (lease: LeaseSeen): boolean => lease.host === host.host;
    const elsewhere = leases.filter((lease) => !isHere(lease));
    if (beats.size === 0) {
      for (const { owner, beat } of elsewhere) beats.set(owner, beat);
      if (beats.size > 0) tell?.({ kind: "waiting", workers: elsewhere.map(nameOf), leaseMs });
    }
    const alive = leases.filter((lease) =>
      isHere(lease) ? !host.isGone(lease.process) : beats.get(lease.owner) !== lease.beat,
    );
    if (alive.length > 0) throw stillWorked(source, alive);
    const isLate = clock.elapsed() >= until;
    const dead = isLate ? leases : leases.filter(isHere);
    for (const { lane, owner, beat } of dead) await source.takeOver(lane, owner, beat, clock.now());
    if (!isLate) await waitFor(clock, leaseMs / 10);
  }
}

type LaneLease = LeaseSeen & { readonly lane: number };

async function leasesOf(store: MovingStore): Promise<readonly LaneLease[]> {
  const leases: LaneLease[] = [];
  for (let lane = 0; lane < store.lanes; lane++) {
    for (const lease of await store.leases(lane)) leases.push({ ...lease, lane });
  }
  return leases;
}

function nameOf({ worker, process }: LeaseSeen): string {
  return `${worker} (process ${process.split(" ")[0]})`;
}

function stillWorked(source: MovingStore, leases: readonly LaneLease[]): TenfoldError {
  const workers = [...new Set(leases.map(nameOf))];
  return new TenfoldError(
    "STORE_BUSY",
    `${source.name} is being worked by ${workers.join(", ")}; nothing was moved. Stop ${workers.length === 1 ? "it" : "them"} (Ctrl-C or SIGTERM lets what runs finish), and whatever else starts runs there, then try again.`,
    { facts: { store: source.name, workers } },
  );
}

async function holdsRows(store: MovingStore): Promise<boolean> {
  for (let lane = 0; lane < store.lanes; lane++) {
    for (const table of MOVED_TABLES) if ((await store.read(lane, table, null, 1)).rows.length > 0) return true;
  }
  return false;
}

function notEmpty({ name }: MovingStore): TenfoldError {
  const way = name.includes("://")
    ? "Name another database, or make this one empty: `drop schema tenfold cascade`."
    : "Name a file that does not exist yet.";
  return new TenfoldError("USAGE", `${name} holds something already, so nothing was moved there. ${way}`, {
    facts: { store: name },
  });
}

/** How much is read and written at once. */
const ROWS_FIRST = 16;
const ROWS_MAX = 1000;
const BYTES_AIM = 4 * 1024 * 1024;

async function copyAll(source: MovingStore, target: MovingStore, parts: MoveParts): Promise<readonly MovedContent[]> {
  for (const table of MOVED_TABLES) {
    for (let lane = 0; lane < source.lanes; lane++) await copy(source, target, lane, table, parts);
  }
  return compare(source, target, parts);
}

async function copy(
  source: MovingStore,
  target: MovingStore,
  lane: number,
  table: MovedTable,
  { tell }: MoveParts,
): Promise<void> {
  let arrived = await target.arrived(lane, table);
  for (let limit = ROWS_FIRST; arrived === undefined || arrived.next !== null;) {
    const before = arrived?.rows ?? 0;
    const piece = await source.read(lane, table, arrived?.next ?? null, limit);
    await target.write(lane, table, piece, before);
    arrived = { rows: before + piece.rows.length, next: piece.next };
    limit = nextLimit(piece.rows, limit);
    tell?.({ kind: "copying", table, rows: arrived.rows });
  }
}

/** Rows of the next piece: as many as the bytes of this one's promise room for, and not many more than before. */
function nextLimit(rows: readonly Row[], limit: number): number {
  const bytes = rows.reduce((sum, row) => sum + sizeOf(row), 0);
  const fitting = Math.floor((BYTES_AIM * rows.length) / Math.max(1, bytes));
  return Math.max(1, Math.min(fitting, 4 * limit, ROWS_MAX));
}

function sizeOf(row: Row): number {
  return row.reduce<number>((sum, cell) => sum + (typeof cell === "string" ? cell.length : 8), 0);
}

/** Reads both stores whole; throws if a table differs. */
async function compare(source: MovingStore, target: MovingStore, parts: MoveParts): Promise<readonly MovedContent[]> {
  const tables: MovedContent[] = [];
  for (const table of MOVED_TABLES) {
    const sent = await contentOf(source, table, parts);
    const found = await contentOf(target, table, parts);
    if (sent.rows !== found.rows || sent.hash !== found.hash) throw differs(source, target, sent, found);
    tables.push(found);
  }
  return tables;
}

/** Counts and hashes a table's rows of all lanes: the sum of the rows' hashes, so their order is of no account. */
export async function contentOf(store: MovingStore, table: MovedTable, { tell }: MoveParts): Promise<MovedContent> {
  const sum = new Uint32Array(4);
  let rows = 0;
  for (let lane = 0; lane < store.lanes; lane++) {
    let next: Row | null = null;
    let limit = ROWS_FIRST;
    do {
      const piece = await store.read(lane, table, next, limit);
      for (const row of piece.rows) {
        const hash = createHash("sha256")
          .update(JSON.stringify([lane, ...row]))
          .digest();
        for (let word = 0; word < sum.length; word++) sum[word] = sum[word]! + hash.readUInt32LE(word * 4);
      }
      rows += piece.rows.length;
      next = piece.next;
      limit = nextLimit(piece.rows, limit);
      tell?.({ kind: "checking", table, rows });
    } while (next !== null);
  }
  return { table, rows, hash: Buffer.from(sum.buffer).toString("hex") };
}

function differs(source: MovingStore, target: MovingStore, sent: MovedContent, found: MovedContent): TenfoldError {
  const what = sent.rows === found.rows ? "other rows" : `${found.rows} rows`;
  return new TenfoldError(
    "STORE_CORRUPT",
    `${target.name} has ${what} in ${sent.table}, where ${source.name} has ${sent.rows}: somebody else wrote to it, or a row was changed on the way. The old store is whole, and nobody goes on in either. Give the move up (\`--undo\`), empty ${target.name}, and move again.`,
    { facts: { table: sent.table, source: sent, target: found } },
  );
}
