/** The connections that one handle on a database has. */
import type { Connection } from "./connection.ts";

/** Each kind of work has its own connection, opened when it is first needed. */
export interface Connections {
  /** Commits and heartbeats. */
  readonly commits: Connection;
  /** Claims: transactions that look before they write. */
  readonly claims: Connection;
  readonly starts: Connection;
  /** Whatever else looks before it writes. */
  readonly careful: Connection;
  readonly reads: Connection;
  /** Parts of files, which are large. */
  readonly files: Connection;
}
