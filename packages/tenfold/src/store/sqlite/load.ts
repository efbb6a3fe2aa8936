/** Reads what a driver needs to go on with a run: its row, journal and mail. */
import type { JournalLine } from "../../core/journal-line.ts";
import type { ClaimedRun, Mail, Message, MessageBody } from "../store.ts";
import type { Connection } from "./connection.ts";
import { hold, type LiveLease } from "./held-runs.ts";
import { WAITING } from "../status-code.ts";
import { minuteOf } from "../tally-spans.ts";

export const READ_JOURNAL = `
  select kind, node, data, at
  from journal where lane = ? and run = ? and seq >= ? order by seq`;

export const LAST_LINE = "select seq from journal where lane = ? and run = ? order by seq desc limit 1";

/** In the order of arrival: rows get ascending row ids. */
export const READ_INBOX = "select key, body, at from inbox where lane = ? and run = ? order by rowid";

export const OWNED_RUN = `
  select number, id, workflow, graph, status, tenant, key, input, deaths, mail
  from runs where lane = ? and id = ? and owner = ?`;

export const OWNED_RUNS = "select id from runs where lane = ? and owner = ?";

export const RUNS_WITH_MAIL = `
  select number, id, mail
  from runs where lane = ? and owner = ? and wake_at <= ?`;

/** The columns of a run that is handed to a driver. */
export interface RunToLoad {
  readonly number: number;
  readonly id: string;
  readonly workflow: string;
  readonly graph: string;
  readonly status: number;
  readonly tenant: string;
  readonly key: string | null;
  readonly input: string;
  readonly deaths: number;
  readonly mail: number;
}

export function loadRun(connection: Connection, lane: number, row: RunToLoad): ClaimedRun {
  const { id, workflow, graph, tenant, key, input, deaths } = row;
  // A run that nobody ever owned has no journal: most runs that are claimed.
  const journal = row.status === WAITING ? [] : readJournal(connection, lane, row.number, 0);
  return { id, workflow, graph, tenant, key, input, deaths, journal, mail: readMail(connection, lane, row) };
}

export function readJournal(connection: Connection, lane: number, run: number, from: number): JournalLine[] {
  return connection
    .all<JournalLine>(READ_JOURNAL, lane, run, from)
    .map(({ kind, node, data, at }) => ({ kind, node, data, at }));
}

/** The length of a run's journal. */
export function journalLength(connection: Connection, lane: number, run: number): number {
  const last = connection.get<{ seq: number }>(LAST_LINE, lane, run);
  return last === undefined ? 0 : last.seq + 1;
}

function readMail(connection: Connection, lane: number, run: { number: number; id: string; mail: number }): Mail {
  if (run.mail === 0) return { run: run.id, messages: [], count: 0 };
  const messages = connection
    .all<{ key: string; body: string; at: number }>(READ_INBOX, lane, run.number)
    .map(({ key, body, at }): Message => ({ key, body: JSON.parse(body) as MessageBody, at }));
  return { run: run.id, messages, count: run.mail };
}

/** The mail of every run of `lease` that is due for it. */
export function mailOf(connection: Connection, lane: number, lease: LiveLease, now: number): Mail[] {
  return connection
    .all<{ number: number; id: string; mail: number }>(RUNS_WITH_MAIL, lane, lease.number, now)
    .map((row) => readMail(connection, lane, row));
}

export function ownedRuns(connection: Connection, lane: number, lease: LiveLease): string[] {
  return connection.all<{ id: string }>(OWNED_RUNS, lane, lease.number).map(({ id }) => id);
}

/** Those of `runs` that are owned by `lease`, as a claim would answer them. */
export function loadRuns(
  connection: Connection,
  lane: number,
  lease: LiveLease,
  runs: readonly string[],
): ClaimedRun[] {
  const loaded: ClaimedRun[] = [];
  for (const id of runs) {
    const row = connection.get<RunToLoad>(OWNED_RUN, lane, id, lease.number);
    if (row === undefined) continue;
    const run = loadRun(connection, lane, row);
    const { number, workflow } = row;
    hold(lease, id, { number, workflow, minute: minuteOf(id), length: run.journal.length });
    loaded.push(run);
  }
  return loaded;
}
