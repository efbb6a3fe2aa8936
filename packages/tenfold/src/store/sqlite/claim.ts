/**
 * Gives due runs to a lease: those that continue first, then those that begin, by turn.
 * Rows are read in the order of an index, in pieces that are as long as what is still to be taken; all that are
 * taken are marked by one statement.
 */
import type { ClaimedRun, Due } from "../store.ts";
import type { Connection } from "./connection.ts";
import { loadRun, type RunToLoad } from "./load.ts";
import { hold, type LiveLease } from "./held-runs.ts";
import { inPieces, merged } from "./merge.ts";
import { RUNNING, WAITING } from "../status-code.ts";
import { minuteOf } from "../tally-spans.ts";
import { TallyChanges } from "./tally.ts";

export const NEXT_DUE = `
  select number, id, wake_at as place, workflow, graph, status, tenant, key, input, deaths, mail
  from runs where lane = ? and workflow = ? and owner is null and wake_at is not null and wake_at <= ?
    and (wake_at, id) > (?, ?)
  order by wake_at, id limit ?`;

export const NEXT_BEGINNING = `
  select number, id, turn as place, workflow, graph, status, tenant, key, input, deaths, mail
  from runs where lane = ? and workflow = ? and turn is not null and (turn, id) > (?, ?)
  order by turn, id limit ?`;

/** `+lane`: the rows are found by their numbers, never by an index on the lane, which may hold a million of them. */
export const CLAIM_RUNS = `
  update runs set owner = ?2, status = ?3, turn = null, wake_at = null
  where number in (select value from json_each(?4)) and +lane = ?1`;

export const SERVE_TURN = `
  insert into turns_served (lane, turn) values (?, ?)
  on conflict (lane) do update set turn = max(turn, excluded.turn)`;

export const FIRST_BEGINNING = `
  select 1
  from runs where lane = ? and workflow = ? and turn is not null limit 1`;

export const FIRST_DUE = `
  select wake_at as wakeAt
  from runs where lane = ? and workflow = ? and owner is null and wake_at is not null
  order by wake_at limit 1`;

export const NEXT_WAKE = `
  select wake_at as wakeAt
  from runs where lane = ? and workflow = ? and owner is null and wake_at is not null and wake_at > ?
  order by wake_at limit 1`;

export const FIRST_PARCEL = "select 1 from outbox where lane = ? limit 1";

export const FIRST_MAIL = `
  select 1
  from runs where lane = ? and owner = ? and wake_at <= ? limit 1`;

/** Rows of a first piece: not many, because nothing is known of their size yet. */
const FIRST_PIECE = 16;
const PIECE_MAX = 1024;

interface Candidate extends RunToLoad {
  /** When it was due, or its turn. */
  readonly place: number;
}

export interface Claim {
  readonly lane: number;
  readonly workflows: readonly string[];
  readonly now: number;
  readonly runsMax: number;
  readonly bytesMax: number;
}

export function claim(connection: Connection, lease: LiveLease, what: Claim): ClaimedRun[] {
  const { lane, runsMax, bytesMax } = what;
  const tallies = new TallyChanges(connection, lane);
  const claimed: ClaimedRun[] = [];
  let bytes = 0;
  let turnServed = -1;
  /** Runs that may still be taken, as far as those that were taken tell. */
  const most = () => {
    const fitting = claimed.length === 0 ? FIRST_PIECE : Math.ceil((bytesMax - bytes) / (bytes / claimed.length + 1));
    return Math.min(runsMax - claimed.length, fitting, PIECE_MAX);
  };
  const hasRoom = () => claimed.length < runsMax && (claimed.length === 0 || bytes < bytesMax);
  const numbers: number[] = [];
  const take = (row: Candidate): void => {
    const run = loadRun(connection, lane, row);
    claimed.push(run);
    numbers.push(row.number);
    bytes += run.input.length;
    for (const line of run.journal) bytes += line.data.length;
    const minute = minuteOf(run.id);
    if (row.status === WAITING) {
      tallies.add(run.workflow, WAITING, minute, -1);
      tallies.add(run.workflow, RUNNING, minute, 1);
    }
    hold(lease, run.id, { number: row.number, workflow: run.workflow, minute, length: run.journal.length });
  };
  if (hasRoom()) {
    for (const candidate of continuing(connection, what, most)) {
      take(candidate);
      if (!hasRoom()) break;
    }
  }
  if (hasRoom()) {
    for (const candidate of beginning(connection, what, most)) {
      take(candidate);
      turnServed = Math.max(turnServed, candidate.place);
      if (!hasRoom()) break;
    }
  }
  if (numbers.length > 0) connection.run(CLAIM_RUNS, lane, lease.number, RUNNING, JSON.stringify(numbers));
  if (turnServed >= 0) connection.run(SERVE_TURN, lane, turnServed);
  tallies.flush();
  return claimed;
}

/** What a claim and a look for mail would find now, and when the next parked run is due. */
export function look(
  connection: Connection,
  lease: LiveLease,
  { lane, workflows, now }: Pick<Claim, "lane" | "workflows" | "now">,
): Due {
  let runs = false;
  let next = Infinity;
  for (const workflow of workflows) {
    const first = connection.get<{ wakeAt: number }>(FIRST_DUE, lane, workflow)?.wakeAt ?? Infinity;
    runs ||= first <= now || connection.get(FIRST_BEGINNING, lane, workflow) !== undefined;
    const later = first > now ? first : connection.get<{ wakeAt: number }>(NEXT_WAKE, lane, workflow, now)?.wakeAt;
    next = Math.min(next, later ?? Infinity);
  }
  const mail = connection.get(FIRST_MAIL, lane, lease.number, now) !== undefined;
  const parcels = connection.get(FIRST_PARCEL, lane) !== undefined;
  return { runs, parcels, mail, next: next === Infinity ? null : next };
}

function continuing(connection: Connection, { lane, workflows, now }: Claim, most: () => number): Iterable<Candidate> {
  return inOrder(workflows, most, (workflow, last, count) =>
    connection.all<Candidate>(NEXT_DUE, lane, workflow, now, last?.place ?? -1e15, last?.id ?? "", count),
  );
}

function beginning(connection: Connection, { lane, workflows }: Claim, most: () => number): Iterable<Candidate> {
  return inOrder(workflows, most, (workflow, last, count) =>
    connection.all<Candidate>(NEXT_BEGINNING, lane, workflow, last?.place ?? -1, last?.id ?? "", count),
  );
}

function inOrder(
  workflows: readonly string[],
  most: () => number,
  read: (workflow: string, last: Candidate | undefined, count: number) => readonly Candidate[],
): Iterable<Candidate> {
  const names = [...new Set(workflows)];
  const first = Math.max(1, Math.min(FIRST_PIECE, most()));
  const sources = names.map((workflow) =>
    inPieces<Candidate>((last, count) => read(workflow, last, count), first, most),
  );
  return merged(sources, (a, b) => a.place - b.place || (a.id < b.id ? -1 : 1));
}
