/** What an error of Postgres, or on the way to it, means to a person: a code, what was not done, and the way out. */
import { TenfoldError, type ErrorCode } from "../../value/error.ts";
import { isClosedByMove, movedMeanwhile } from "../moving.ts";

interface Refusal {
  readonly code: ErrorCode;
  /** After the store's name. */
  readonly says: string;
}

const BY_STATE: Readonly<Record<string, Refusal>> = {
  "28P01": {
    code: "STORE_LOGIN_REFUSED",
    says: "refuses this user or password. Correct them in the URL, where `@ : / ?` in a password are written as %40 %3A %2F %3F.",
  },
  "28000": {
    code: "STORE_LOGIN_REFUSED",
    says: "does not let this user in from here. Have a line added for it to the server's pg_hba.conf, or use another user.",
  },
  "3D000": {
    code: "STORE_UNKNOWN",
    says: "is a database that the server does not have. Create it (`createdb <name>`), or correct the name in the URL.",
  },
  "42501": {
    code: "STORE_PERMISSION",
    says: "does not allow this user to do that. Give it the right to create a schema in the database (`grant create on database <name> to <user>`), or have its owner run `tenfold migrate`.",
  },
  "25006": {
    code: "STORE_READ_ONLY",
    says: "is a read-only replica, or set to read-only. Name the primary server in the URL (several hosts and `target_session_attrs=read-write` find it).",
  },
  "53300": {
    code: "STORE_FULL",
    says: "has no connection left. Raise its max_connections, end other clients, or put PgBouncer before it.",
  },
  "53100": { code: "STORE_FULL", says: "has no disk space left. Free some; what was answered before is safe." },
  "53200": { code: "STORE_FULL", says: "is out of memory. Give it more, or lower its work_mem." },
  "55P03": {
    code: "STORE_BUSY",
    says: "has a row locked by a transaction that is left open elsewhere. End that transaction, and try again.",
  },
};

/** Classes of errors that pass when the server, or the way to it, is back. */
const UNREACHABLE = /^(?:08|57P0[123]|ECONN|EPIPE|ENOTFOUND|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|EAI_AGAIN)/;

function stateOf(error: unknown): string {
  const { code } = error as { code?: unknown };
  return typeof code === "string" ? code : "";
}

/** Whether it is this error of Postgres, or was told as one of ours. */
function isState(error: unknown, state: string): boolean {
  return stateOf(error) === state || (error instanceof TenfoldError && stateOf(error.cause) === state);
}

/** A row with the same key is there already. */
export function isConflict(error: unknown): boolean {
  return isState(error, "23505");
}

/** A row or a key is held by another transaction, for longer than was to be waited. */
export function isLocked(error: unknown): boolean {
  return isState(error, "55P03");
}

/** Postgres ended the transaction for the sake of another one: nothing is wrong, it only takes another try. */
export function isWorthAnotherTry(error: unknown): boolean {
  return ["40001", "40P01"].includes(stateOf(error));
}

export function storeClosed(name: string): TenfoldError {
  return new TenfoldError("CLOSED", `The store ${name} was closed; nothing was written. Open it again to go on.`, {
    facts: { store: name },
  });
}

/** The error to give to a caller; what comes neither from Postgres nor from the network is given as it is. */
export function failureOf(error: unknown, name: string): unknown {
  if (error instanceof TenfoldError || !(error instanceof Error)) return error;
  const state = stateOf(error);
  const options = { facts: { store: name, state }, cause: error };
  const known = BY_STATE[state];
  if (known !== undefined) {
    return new TenfoldError(
      known.code,
      `The store ${name} ${known.says} Nothing of this call was written (${error.message}).`,
      options,
    );
  }
  if (isClosedByMove(error)) return movedMeanwhile(name, error);
  if (UNREACHABLE.test(state) || isConnectionLost(error)) {
    return new TenfoldError(
      "STORE_UNREACHABLE",
      `The store ${name} is not reached, or the connection to it broke (${messageOf(error)}); what this call was to write is ` +
        `written or not, and sending it again is safe. Check that the server runs, and that this machine gets to it.`,
      options,
    );
  }
  if (!/^[0-9A-Z]{5}$/.test(state)) return error;
  return new TenfoldError(
    "INVARIANT_BROKEN",
    `Postgres refused a statement of the store ${name} (${state}: ${error.message}); nothing of this call was written. ` +
      `This is a bug of tenfold: please report it.`,
    options,
  );
}

/** Errors of the driver have no codes. */
function isConnectionLost({ message }: Error): boolean {
  return /Connection terminated|connection is closed|timeout expired|Query read timeout|not queryable|server closed/i.test(
    message,
  );
}

/** An address that was tried in several ways has an error without words around theirs. */
function messageOf(error: Error): string {
  if (error.message !== "" || !(error instanceof AggregateError)) return error.message;
  return error.errors.map((each: unknown) => (each instanceof Error ? each.message : String(each))).join("; ");
}
