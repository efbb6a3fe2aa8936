/** What an SQLite error means to a person: a code, what was not done, and the way out. */
import { TenfoldError } from "../../value/error.ts";
import { isClosedByMove, movedMeanwhile } from "../moving.ts";

const BUSY = 5;
const LOCKED = 6;
const READ_ONLY = 8;
const IO_ERROR = 10;
const CORRUPT = 11;
const FULL = 13;
const CANNOT_OPEN = 14;
const CONSTRAINT = 19;
const NOT_A_DATABASE = 26;

/** SQLite's primary result code, or `undefined` if the error is not SQLite's. */
function resultCode(error: unknown): number | undefined {
  const { code, errcode } = error as { code?: unknown; errcode?: unknown };
  return code === "ERR_SQLITE_ERROR" && typeof errcode === "number" ? errcode & 0xff : undefined;
}

/** Another connection holds the lock: nothing is wrong, it only takes another try. */
export function isBusy(error: unknown): boolean {
  const code = resultCode(error);
  return code === BUSY || code === LOCKED;
}

/** A row with the same key is there already. */
export function isConflict(error: unknown): boolean {
  return resultCode(error) === CONSTRAINT;
}

/** The disk is full, or does not answer. */
export function isOfDisk(error: unknown): boolean {
  const code = resultCode(error);
  return code === FULL || code === IO_ERROR;
}

export function busyTooLong(path: string, waitedMs: number, cause: unknown): TenfoldError {
  return new TenfoldError(
    "STORE_BUSY",
    `The store ${path} was locked by somebody else for ${Math.round(waitedMs / 1000)} s; nothing of this call was ` +
      `written. Look for a program that keeps a transaction open on the file (a database browser, a backup), end it, ` +
      `and try again.`,
    { facts: { path, waitedMs }, cause },
  );
}

export function storeClosed(path: string): TenfoldError {
  return new TenfoldError("CLOSED", `The store ${path} was closed; nothing was written. Open it again to go on.`, {
    facts: { path },
  });
}

/** The error to give to a caller; what is not SQLite's is given as it is. */
export function failureOf(error: unknown, path: string): unknown {
  const options = { facts: { path }, cause: error };
  const said = error instanceof Error ? error.message : String(error);
  if (isClosedByMove(error)) return movedMeanwhile(path, error);
  switch (resultCode(error)) {
    case undefined:
      return error;
    case READ_ONLY:
      return new TenfoldError(
        "STORE_READ_ONLY",
        `The store ${path} cannot be written to (${said}); nothing of this call was written. Give this user the right ` +
          `to write to the file and to its folder, where SQLite keeps two files beside it.`,
        options,
      );
    case FULL:
      return new TenfoldError(
        "STORE_FULL",
        `The disk of the store ${path} is full; nothing of this call was written, and what was answered before is ` +
          `safe. Free some space on it, then try again.`,
        options,
      );
    case NOT_A_DATABASE:
      return new TenfoldError(
        "STORE_FOREIGN",
        `${path} is no SQLite database; it was left as it is. Name another file, or one that does not exist yet.`,
        options,
      );
    case CORRUPT:
      return new TenfoldError(
        "STORE_CORRUPT",
        `The store ${path} is damaged (${said}); nothing of this call was written. Stop the workers, keep a copy of ` +
          `the file, and bring back a backup, or save what can be read with the sqlite3 command ".recover".`,
        options,
      );
    case CANNOT_OPEN:
    case IO_ERROR:
      return new TenfoldError(
        "STORE_UNREACHABLE",
        `The disk did not let SQLite read or write the store ${path} (${said}); nothing of this call was written. ` +
          `Check the folder, its rights and its disk, then try again.`,
        options,
      );
    default:
      return new TenfoldError(
        "INVARIANT_BROKEN",
        `SQLite refused a statement of the store ${path} (${said}); nothing of this call was written. This is a bug ` +
          `of tenfold: please report it.`,
        options,
      );
  }
}
