/** Opens a SQLite store: refuses what cannot be one, with the reason and the way out, before anything is changed. */
import { open as openFile, stat } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { pathToFileURL } from "node:url";
import { LANES_MAX } from "../../value/id.ts";
import { TenfoldError } from "../../value/error.ts";
import { Connection } from "./connection.ts";
import { failureOf, isBusy } from "./failure.ts";
import { networkFileSystem } from "./file-system.ts";
import { formatOf, migrate } from "./migrations.ts";
import { refuseMoved } from "./move-mark.ts";

export interface SqliteOptions {
  /** The number of lanes of a new store, 1 by default; for one that exists it must be its own, if it is given. */
  readonly lanes?: number;
  /** How long a file that somebody else has locked is tried again; `BUSY_MS` by default. */
  readonly busyMs?: number;
  /** The size that the file may grow to, in pages; by default what the disk holds. */
  readonly pagesMax?: number;
  /** Says which network file system a folder is on, or null: the machine's answer by default. */
  readonly networkFileSystem?: (folder: string) => Promise<string | null>;
  /** Opened by a move, which alone opens a store that a move has touched. */
  readonly moves?: boolean;
}

/** How long a file that somebody else has locked is tried again, unless told otherwise. */
export const BUSY_MS = 30_000;

/** A connection to the store's file, made or brought to this version's format, and its number of lanes. */
export async function openConnection(
  file: string,
  options: SqliteOptions,
): Promise<{ readonly connection: Connection; readonly lanes: number }> {
  const path = resolve(file);
  checkLanes(options.lanes);
  await refuseNetwork(path, options.networkFileSystem ?? networkFileSystem);
  await touch(path);
  const limits = { busyMs: options.busyMs ?? BUSY_MS, pagesMax: options.pagesMax ?? null };
  let connection: Connection | undefined;
  try {
    const opened = (connection = new Connection(path, limits));
    await opened.configure();
    await opened.bare(() => formatOf(opened));
    if (options.moves !== true) await opened.bare(() => refuseMoved(opened));
    await opened.bare(() => useLog(opened));
    const lanes = await opened.write(() => migrate(opened, options.lanes ?? 1));
    if (options.lanes !== undefined && options.lanes !== lanes) throw otherLanes(path, lanes, options.lanes);
    return { connection: opened, lanes };
  } catch (error) {
    await connection?.close();
    throw unwritableFolder(failureOf(error, path), path);
  }
}

/** Whether somebody keeps the store's file locked now, so that nobody else can write to it. */
export function isLocked(file: string): boolean {
  const uri = pathToFileURL(resolve(file));
  // Not to make it where it is not there.
  uri.search = "?mode=rw";
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(uri, { timeout: 0 });
    database.exec("begin immediate; rollback");
    return false;
  } catch (error) {
    return isBusy(error);
  } finally {
    database?.close();
  }
}

function checkLanes(lanes: number | undefined): void {
  if (lanes === undefined || (Number.isInteger(lanes) && lanes >= 1 && lanes <= LANES_MAX)) return;
  throw new TenfoldError(
    "CONFIG_INVALID",
    `A store was asked for with ${lanes} lanes; nothing was opened. Give a whole number from 1 to ${LANES_MAX}.`,
    { facts: { lanes } },
  );
}

function otherLanes(path: string, lanes: number, asked: number): TenfoldError {
  return new TenfoldError(
    "CONFIG_INVALID",
    `The store ${path} has ${lanes} lanes, and was asked for with ${asked}; nothing was changed. The number of lanes ` +
      `is fixed when a store is made: leave the option out, or make a new store.`,
    { facts: { path, lanes, asked } },
  );
}

async function refuseNetwork(path: string, kindOf: (folder: string) => Promise<string | null>): Promise<void> {
  let kind: string | null;
  try {
    kind = await kindOf(dirname(path));
  } catch (error) {
    throw unreachable(path, error);
  }
  if (kind === null) return;
  throw new TenfoldError(
    "STORE_NETWORK",
    `${path} is on a network file system (${kind}), whose locks can lose runs; nothing was opened. Put the file on a ` +
      `local disk, or use a Postgres store for several machines.`,
    { facts: { path, fileSystem: kind } },
  );
}

/** Makes sure of a file that can be read and written; a new one is empty. */
async function touch(path: string): Promise<void> {
  const known = await stat(path).catch(() => undefined);
  if (known !== undefined && !known.isFile()) throw unreachable(path, undefined, "it is no file");
  try {
    await (await openFile(path, known === undefined ? "a" : "r+")).close();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOSPC" || code === "EDQUOT") {
      throw new TenfoldError(
        "STORE_FULL",
        `There is no room on the disk for the store ${path}; nothing was written. Free some space on it, then try again.`,
        { facts: { path }, cause: error },
      );
    }
    if (code === "EROFS" || (code === "EACCES" && (await canRead(known === undefined ? dirname(path) : path)))) {
      throw readOnly(path, known === undefined ? "its folder is read-only" : "the file is read-only", error);
    }
    throw unreachable(path, error);
  }
}

async function canRead(path: string): Promise<boolean> {
  try {
    await (await openFile(path, "r")).close();
    return true;
  } catch {
    return false;
  }
}

/** WAL: readers and the one writer do not wait for each other, and a commit is one sync of the log. */
function useLog(connection: Connection): void {
  const mode = connection.get<{ journal_mode: string }>("pragma journal_mode = wal")?.journal_mode;
  if (mode === "wal") return;
  throw new TenfoldError(
    "STORE_UNREACHABLE",
    `SQLite cannot keep a write-ahead log beside ${connection.path} (it answered "${mode}"); nothing was written. Put ` +
      `the file on a local disk.`,
    { facts: { path: connection.path, mode } },
  );
}

/** The file itself was found writable: what SQLite then cannot open is one of the two that it keeps beside it. */
function unwritableFolder(error: unknown, path: string): unknown {
  const isCannotOpen = error instanceof TenfoldError && error.code === "STORE_UNREACHABLE" && error.cause !== undefined;
  return isCannotOpen ? readOnly(path, "its folder is read-only, and SQLite keeps two files beside it", error) : error;
}

function readOnly(path: string, reason: string, cause: unknown): TenfoldError {
  return new TenfoldError(
    "STORE_READ_ONLY",
    `The store ${path} cannot be written to: ${reason}; nothing was written. Give this user the right to write to the ` +
      `file and its folder, or name another file.`,
    { facts: { path }, cause },
  );
}

function unreachable(path: string, cause: unknown, reason?: string): TenfoldError {
  const said = reason ?? (cause instanceof Error ? cause.message : String(cause));
  return new TenfoldError(
    "STORE_UNREACHABLE",
    `The store ${path} cannot be reached (${said}); nothing was written. Make its folder, check the path and the ` +
      `rights on it, then try again.`,
    { facts: { path }, ...(cause === undefined ? {} : { cause }) },
  );
}
