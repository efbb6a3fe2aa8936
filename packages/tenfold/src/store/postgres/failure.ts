/**
 * What an error of Postgres, or on the way to it, means to a person: a code, what was not done, and the way out.
 * Invariant: no message has a password in it; what Postgres says has none, and URLs are told by their names.
 */
import { TenfoldError, type ErrorCode } from "../../value/error.ts";
import { isClosedByMove, movedMeanwhile } from "../moving.ts";

/** A code, and what is said after the store's name. */
type Refusal = readonly [code: ErrorCode, says: string];

const LOGIN =
  "refuses this user or password. Correct them in the URL, where `@ : / ? #` in a password are written as " +
  "%40 %3A %2F %3F %23.";

const PREPARED =
  "gives each transaction another session, which does not know the statements that were prepared in the last one. Use " +
  "PgBouncer 1.21 or newer with `max_prepared_statements` above 0 (docs/operate/postgres.md), pools of sessions, or " +
  "no pool at all.";

const CONFLICT = "ended this transaction in favour of others, again and again. Try again when there is less at once.";

const CORRUPT =
  "has found damage in its files. Stop the workers, keep a copy of the server's data, and bring back a backup.";

/** By the first of its SQLSTATEs. */
const BY_STATE: Readonly<Record<string, Refusal>> = {
  "28P01": ["STORE_LOGIN_REFUSED", LOGIN],
  "28000": [
    "STORE_LOGIN_REFUSED",
    "does not let this user in from here. Give the role the right to log in (`alter role <user> login`), have a line " +
      "added for it to the server's pg_hba.conf, or use another user.",
  ],
  "3D000": [
    "STORE_UNKNOWN",
    "is a database that the server does not have. Create it (`createdb <name>`), or correct the name in the URL.",
  ],
  "42501": [
    "STORE_PERMISSION",
    "does not allow this user to do that. Have the schema's owner run `tenfold migrate`, and give the user its rights " +
      "(docs/operate/postgres.md has the grants); or let it make the schema itself (`grant create on database <name> " +
      "to <user>`).",
  ],
  "25006": [
    "STORE_READ_ONLY",
    "only reads: it is a replica, or set to read-only. Name the primary server in the URL, by an address that follows it " +
      "when it changes.",
  ],
  "53300": [
    "STORE_FULL",
    "has no connection left for this user. A worker has seven, and one for each lane: raise the server's max_connections " +
      "or the limit of the role or database, end other clients, or put PgBouncer before it.",
  ],
  "53100": ["STORE_FULL", "has no disk space left. Free some; what was answered before is safe."],
  "53200": ["STORE_FULL", "is out of memory. Give it more, or lower its work_mem."],
  "55P03": [
    "STORE_BUSY",
    "has a row or table locked by a transaction that is left open elsewhere. End that transaction, and try again.",
  ],
  "57014": [
    "STORE_BUSY",
    "did not come to the end of a statement in time, or somebody cancelled it. Look in pg_stat_activity for what locks " +
      "its rows or takes the machine, and try again.",
  ],
  "40001": ["STORE_BUSY", CONFLICT],
  "40P01": ["STORE_BUSY", CONFLICT],
  "42P07": [
    "STORE_FOREIGN",
    "has tables of another program in this schema. Name one that is empty or not there yet, with `?tenfold_schema=<name>`.",
  ],
  "26000": ["STORE_UNSUITABLE", PREPARED],
  "42P05": ["STORE_UNSUITABLE", PREPARED],
  XX001: ["STORE_CORRUPT", CORRUPT],
  XX002: ["STORE_CORRUPT", CORRUPT],
};

/** Errors that pass when the server, or the way to it, is back: classes of SQLSTATEs, and codes of the network. */
const UNREACHABLE = /^(?:08...|25P03|57P0.|ECONN\w+|EPIPE|ENOTFOUND|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|EAI_AGAIN)$/;

/** Errors of the driver, which have no codes. */
const LOST = /Connection terminated|timeout expired|Query read timeout|not queryable|establishing an SSL/;

const NO_TLS = "The server does not support SSL connections";

function stateOf(error: unknown): string {
  const code = (error as { code?: unknown } | null | undefined)?.code;
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

/** The transaction had failed before: nothing is executed in it any more. */
export function isOverBefore(error: unknown): boolean {
  return isState(error, "25P02");
}

/** Postgres ended the transaction for the sake of another one. */
export function isForOthers(error: unknown): boolean {
  return ["40001", "40P01"].includes(stateOf(error));
}

/** The transaction was idle, or open, for longer than its session lets it. */
export function isTimedOut(error: unknown): boolean {
  return isState(error, "25P03") || isState(error, "25P04");
}

/** A row or a key is held by another transaction, for longer than was to be waited. */
export function isLocked(error: unknown): boolean {
  return isState(error, "55P03");
}

/**
 * Nothing is wrong, it only takes another try: Postgres ended the transaction for the sake of another one, or the call
 * ahead of this one failed before it had prepared a statement that both use.
 */
export function isWorthAnotherTry(error: unknown): boolean {
  return isForOthers(error) || stateOf(error) === "26000";
}

export function isReadOnly(error: unknown): boolean {
  return stateOf(error) === "25006";
}

export function storeClosed(name: string): TenfoldError {
  return new TenfoldError("CLOSED", `The store ${name} was closed; nothing was written. Open it again to go on.`, {
    facts: { store: name },
  });
}

/** What the driver cannot make a client of. */
export function badUrl(name: string, error: unknown): TenfoldError {
  return new TenfoldError(
    "STORE_UNKNOWN",
    `The URL of the store ${name} cannot be used (${saidBy(error)}); nothing was opened. Correct its parameters.`,
    { facts: { store: name } },
  );
}

/** The error to give to a caller; what comes neither from Postgres nor from the network is given as it is. */
export function failureOf(error: unknown, name: string): unknown {
  if (error instanceof TenfoldError || !(error instanceof Error)) return error;
  const state = stateOf(error);
  const said = saidBy(error);
  const failure = (code: ErrorCode, message: string): TenfoldError =>
    new TenfoldError(code, `The store ${name} ${message}`, { facts: { store: name, state }, cause: error });
  const known = BY_STATE[state] ?? refusalWithoutState(error);
  if (known !== undefined) {
    const [code, says] = known;
    return failure(code, `${says} Nothing of this call was written (${said}).`);
  }
  if (isClosedByMove(error)) return movedMeanwhile(name, error);
  if (UNREACHABLE.test(state) || LOST.test(said)) {
    return failure(
      "STORE_UNREACHABLE",
      `is not reached, or the connection to it broke (${said}); what this call was to write is written or not, and ` +
        `sending it again is safe. Check that the server runs, and that this machine gets to it.`,
    );
  }
  if (!/^[0-9A-Z]{5}$/.test(state)) return error;
  return new TenfoldError(
    "INVARIANT_BROKEN",
    `Postgres refused a statement of the store ${name} (${state}: ${said}); nothing of this call was written. This is ` +
      `a bug of tenfold: please report it.`,
    { facts: { store: name, state }, cause: error },
  );
}

/** What the driver, or TLS below it, refuses before the server is asked. */
function refusalWithoutState(error: Error): Refusal | undefined {
  if (error.message.startsWith("SASL")) return ["STORE_LOGIN_REFUSED", LOGIN];
  if (error.message.startsWith(NO_TLS)) {
    return [
      "STORE_LOGIN_REFUSED",
      "does not speak TLS, which the URL asks for. Turn it on in the server (`ssl = on`), or write `sslmode=disable`.",
    ];
  }
  if (/CERT|TLS|SSL|UNABLE_TO_/.test(stateOf(error))) {
    return [
      "STORE_LOGIN_REFUSED",
      "shows a certificate that is not trusted here. Name the authority that signed it (`sslrootcert=<file>`), or do " +
        "without that protection (`sslmode=no-verify`).",
    ];
  }
  return undefined;
}

/** An address that was tried in several ways has an error without words around theirs. */
function saidBy(error: unknown): string {
  if (error instanceof AggregateError && error.message === "") return error.errors.map(saidBy).join("; ");
  return error instanceof Error ? error.message : String(error);
}
