/**
 * The port of a move: what one store holds, as plain rows that another one takes in.
 * Invariants: a row has the same cells whichever store it is read from, so that two stores can be compared; nobody
 * owns a run and nobody writes to a store that is being left; a store that a move has left, or has not finished to
 * fill, is opened by nobody but that move.
 */
import { TenfoldError } from "../value/error.ts";
import type { LeaseSeen } from "./store.ts";

/**
 * What is moved, in the order in which it is written, with the cells of a row. A run's `turn` and those of `turns`
 * count from the one in `served`; tallies are by minute; leases stay behind, as they belong to workers.
 */
export const MOVED = {
  graphs: ["hash", "workflow", "graph"],
  runs: [
    ...["id", "workflow", "status", "wakeAt", "turn", "mail", "deaths", "tenant", "key", "generation", "endedAt"],
    ...["graph", "input", "output", "error"],
  ],
  journal: ["run", "seq", "kind", "node", "data", "at"],
  /** `nth`: the place among the messages that wait for the same run. */
  inbox: ["run", "nth", "key", "body", "at"],
  outbox: ["run", "key", "send"],
  received: ["run", "key", "at"],
  /** `status` and `until`: of one whose run was removed. */
  keys: ["key", "workflow", "tenant", "generation", "run", "inputHash", "status", "until"],
  attributes: ["name", "value", "run"],
  turns: ["tenant", "turn"],
  served: ["turn"],
  tallies: ["minute", "workflow", "status", "runs"],
  schedules: ["workflow", "schedule", "at", "run"],
  files: ["run", "file", "node", "about", "parts", "state", "at"],
  /** `bytes`: as base64. */
  file_parts: ["run", "file", "seq", "bytes"],
  subscriptions: ["event", "workflow", "version", "spec", "former", "at"],
  events: ["event", "tenant", "id", "emission", "at"],
  deliveries: [...["event", "tenant", "id", "workflow", "emittedAt", "dueAt", "startAt", "run", "error", "input"]],
  tx_results: ["run", "key", "attempt", "output", "at"],
  /** `isNew`, `wasUsed`: 1 or 0. */
  tasks: ["queue", "key", "rank", "run", "node", "cost", "weight", "isNew"],
  queues: ["queue", "wasUsed", "settings", "stats"],
  buckets: ["queue", "scope", "tat", "at"],
} as const;

export type MovedTable = keyof typeof MOVED;
export const MOVED_TABLES = Object.keys(MOVED) as readonly MovedTable[];

export type Cell = string | number | null;
export type Row = readonly Cell[];

/** Where a store's next piece begins: for that store to read, for others to keep. */
export type Cursor = readonly Cell[];

export interface Piece {
  readonly rows: readonly Row[];
  /** Null: these were the last. */
  readonly next: Cursor | null;
}

/** What has arrived of a table; `next` is the other store's. */
export interface Arrived {
  readonly rows: number;
  readonly next: Cursor | null;
}

/** What a store knows of a move that it is part of. */
export interface Mark {
  /** Names the move, in both stores. */
  readonly move: string;
  readonly role: "source" | "target";
  /** The name of the other store. */
  readonly other: string;
  /** Of a source: all of it has arrived, and was compared. */
  readonly isDone: boolean;
}

export interface MovingStore {
  readonly name: string;
  readonly lanes: number;

  mark(): Promise<Mark | null>;

  /** The leases that are alive. */
  leases(lane: number): Promise<readonly LeaseSeen[]>;
  /** As `Store.takeOver`, of a worker that is dead. */
  takeOver(lane: number, owner: string, beat: number, now: number): Promise<boolean>;

  /** LAW: after true no other handle adds or changes a run, a lease, a schedule, an event or a queue; false: a lease is alive, nothing was changed. */
  leave(move: string, to: string): Promise<boolean>;
  /** The move is finished: the mark says so. LAW: rejects if it was given up. */
  left(move: string): Promise<void>;
  /** Gives up a move that is not finished: the store is again as it was before. */
  stay(): Promise<void>;

  /** From now on this store is filled by that move. */
  receive(move: string, from: string): Promise<void>;
  /** What has arrived of a table; undefined: nothing yet. */
  arrived(lane: number, table: MovedTable): Promise<Arrived | undefined>;
  /** LAW: written whole and once; rejects if more or less than `before` rows have arrived before these. */
  write(lane: number, table: MovedTable, piece: Piece, before: number): Promise<void>;
  /** The move is finished: this is a store as any other. */
  settle(): Promise<void>;

  /** At most `limit` rows from `after` on (null: the first). LAW: pieces that follow each other have each row once. */
  read(lane: number, table: MovedTable, after: Cursor | null, limit: number): Promise<Piece>;

  close(): Promise<void>;
}

/** Where a table's rows are read from, and the cells that lead a row that was read: those of its cursor. */
export interface ReadForm {
  readonly read: string;
  readonly first: Cursor;
}

/** The piece that `rows` are, each led by the cells of its cursor. */
export function pieceOf(rows: readonly Row[], { first }: ReadForm, limit: number): Piece {
  const keys = first.length;
  return {
    rows: rows.map((row) => row.slice(keys)),
    next: rows.length < limit ? null : rows.at(-1)!.slice(0, keys),
  };
}

/** A second program moves the same stores, or the move was given up. */
export function otherMove(name: string): TenfoldError {
  return new TenfoldError(
    "STORE_BUSY",
    `Another program is moving ${name} too, or has given the move up; this one has stopped. Wait for that one to end, then try again.`,
    { facts: { store: name } },
  );
}

/** Why a store that bears this mark is not opened. */
export function storeMoved(name: string, { role, other, isDone }: Mark): TenfoldError {
  const again = "`tenfold move <from> <to>` with the same two stores goes on where it stopped; `--undo` gives it up.";
  const says =
    role === "target"
      ? `is being filled from ${other}, and that move is not finished; nothing was opened. ${again}`
      : isDone
        ? `was moved to ${other}; nothing was opened. Open that one: name it in the config's \`store\`, or in DATABASE_URL.`
        : `is being moved to ${other}, and the move is not finished; nothing was opened. ${again}`;
  return new TenfoldError("STORE_MOVED", `The store ${name} ${says}`, { facts: { store: name, role, other, isDone } });
}

/** By this name a database says that a move has closed it, whatever else of the caller's own refuses a row. */
export const CLOSED_BY_MOVE = "tenfold_moved";

export function isClosedByMove(error: unknown): boolean {
  return error instanceof Error && error.message.includes(CLOSED_BY_MOVE);
}

/** What a handle that was open before the move is told. */
export function movedMeanwhile(name: string, cause: unknown): TenfoldError {
  return new TenfoldError(
    "STORE_MOVED",
    `The store ${name} has been moved while it was open here; nothing of this call was written. Open it again: that says where it went.`,
    { facts: { store: name }, cause },
  );
}
