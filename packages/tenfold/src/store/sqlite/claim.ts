/**
 * Gives due runs to a lease: those that continue first, then those that begin, by turn.
 * Candidates come from indexes alone, a few at a time of each workflow; only a run that is taken is read whole.
 */
import type { ClaimedRun } from "../store.ts";
import type { Connection } from "./connection.ts";
import { loadRun, type RunToLoad } from "./load.ts";
import { hold, type LiveLease } from "./held-runs.ts";
import { inPieces, merged } from "./merge.ts";
import { RUNNING, WAITING } from "./status-code.ts";
import { minuteOf } from "./start.ts";
import { TallyChanges } from "./tally.ts";

export const NEXT_DUE = `
  select number, id, wake_at as place
  from runs where lane = ? and workflow = ? and owner is null and wake_at is not null and wake_at <= ?
    and (wake_at, id) > (?, ?)
  order by wake_at, id limit ?`;

export const NEXT_BEGINNING = `
  select number, id, turn as place
  from runs where lane = ? and workflow = ? and turn is not null and (turn, id) > (?, ?)
  order by turn, id limit ?`;

export const RUN_TO_CLAIM = `
  select number, id, workflow, graph, status, tenant, key, input, deaths, mail
  from runs where lane = ? and number = ?`;

export const CLAIM_RUN = `
  update runs set owner = ?3, status = ?4, turn = null, wake_at = null
  where lane = ?1 and number = ?2`;

export const SERVE_TURN = `
  insert into turns_served (lane, turn) values (?, ?)
  on conflict (lane) do update set turn = max(turn, excluded.turn)`;

export const NEXT_WAKE = `
  select wake_at as wakeAt
  from runs where lane = ? and workflow = ? and owner is null and wake_at is not null
  order by wake_at limit 1`;

interface Candidate {
  readonly number: number;
  readonly id: string;
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
  const hasRoom = () => claimed.length < runsMax && (claimed.length === 0 || bytes < bytesMax);
  const take = (candidate: Candidate): void => {
    const row = connection.get<RunToLoad>(RUN_TO_CLAIM, lane, candidate.number)!;
    const run = loadRun(connection, lane, row);
    claimed.push(run);
    bytes += run.input.length + run.journal.reduce((sum, line) => sum + line.data.length, 0);
    connection.run(CLAIM_RUN, lane, row.number, lease.number, RUNNING);
    const minute = minuteOf(run.id);
    if (row.status === WAITING) {
      tallies.add(run.workflow, WAITING, minute, -1);
      tallies.add(run.workflow, RUNNING, minute, 1);
    }
    hold(lease, run.id, { number: row.number, workflow: run.workflow, minute, length: run.journal.length });
  };
  if (hasRoom()) {
    for (const candidate of continuing(connection, what)) {
      take(candidate);
      if (!hasRoom()) break;
    }
  }
  if (hasRoom()) {
    for (const candidate of beginning(connection, what)) {
      take(candidate);
      turnServed = Math.max(turnServed, candidate.place);
      if (!hasRoom()) break;
    }
  }
  if (turnServed >= 0) connection.run(SERVE_TURN, lane, turnServed);
  tallies.flush();
  return claimed;
}

/** When the next parked run is due; null: none is parked until a time. */
export function nextDue(connection: Connection, lane: number, workflows: readonly string[]): number | null {
  const times = workflows
    .map((workflow) => connection.get<{ wakeAt: number }>(NEXT_WAKE, lane, workflow)?.wakeAt)
    .filter((time) => time !== undefined);
  return times.length === 0 ? null : Math.min(...times);
}

function continuing(connection: Connection, { lane, workflows, now, runsMax }: Claim): Iterable<Candidate> {
  return inOrder(workflows, runsMax, (workflow, last, count) =>
    connection.all<Candidate>(NEXT_DUE, lane, workflow, now, last?.place ?? -1e15, last?.id ?? "", count),
  );
}

function beginning(connection: Connection, { lane, workflows, runsMax }: Claim): Iterable<Candidate> {
  return inOrder(workflows, runsMax, (workflow, last, count) =>
    connection.all<Candidate>(NEXT_BEGINNING, lane, workflow, last?.place ?? -1, last?.id ?? "", count),
  );
}

function inOrder(
  workflows: readonly string[],
  runsMax: number,
  read: (workflow: string, last: Candidate | undefined, count: number) => readonly Candidate[],
): Iterable<Candidate> {
  const names = [...new Set(workflows)];
  const first = Math.max(1, Math.min(64, Math.ceil(runsMax / names.length)));
  const sources = names.map((workflow) => inPieces<Candidate>((last, count) => read(workflow, last, count), first));
  return merged(sources, (a, b) => a.place - b.place || (a.id < b.id ? -1 : 1));
}
