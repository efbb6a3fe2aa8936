/**
 * Gives due runs to a lease: those that continue first, then those that begin, by turn.
 * Candidates are read in the order of an index, for each workflow for itself, and then locked in that order, past
 * those that another worker is taking at this moment: so there are a few more of them than are wanted.
 */
import type { ClaimedRun } from "../store.ts";
import { RUNNING, WAITING } from "../status-code.ts";
import { texts } from "./arrays.ts";
import type { Range } from "./claim-cursor.ts";
import type { Statement, Transaction } from "./connection.ts";
import { FENCE_ALIVE } from "./fence.ts";
import { claimedRuns, READ_JOURNALS, READ_MAIL, type LineRow, type MailRow, type RunToLoad } from "./load.ts";
import { TallyChanges } from "./tally-changes.ts";

/** What continues (0) comes before what begins (1). */
export const CLAIM_RUNS = `
  with candidates as (
    select c.id
    from unnest($4::text[]) as w (workflow)
      cross join lateral (
        (select r.id, 0 as kind, r.wake_at as place
          from tenfold.runs r
          where r.lane = $1 and r.workflow = w.workflow and r.owner is null and r.wake_at is not null
            and r.wake_at between $9 and $3
          order by r.wake_at, r.id limit $7)
        union all
        (select r.id, 1, r.turn
          from tenfold.runs r
          where r.lane = $1 and r.workflow = w.workflow and r.turn >= $8
          order by r.turn, r.id limit $7)) as c
    order by c.kind, c.place, c.id limit $7),
  locked as (
    select r.id, r.status, r.wake_at, r.turn,
      length(r.input) + case when r.status = 0 then 0 else coalesce((
        select sum(length(j.data)) from tenfold.journal j where j.lane = $1 and j.run = r.id), 0) end as bytes
    from tenfold.runs r
    where r.lane = $1 and r.id in (select id from candidates)
      and r.owner is null and (r.turn is not null or r.wake_at <= $3)
    order by (r.turn is not null), coalesce(r.turn, r.wake_at), r.id
    limit $5 for update of r skip locked),
  chosen as (
    select l.id, l.status, (l.turn is not null) as begins, coalesce(l.turn, l.wake_at) as place,
      sum(l.bytes) over (order by (l.turn is not null), coalesce(l.turn, l.wake_at), l.id) - l.bytes as before,
      row_number() over (order by (l.turn is not null), coalesce(l.turn, l.wake_at), l.id) as nth
    from locked l)
  update tenfold.runs r
  set owner = $2, status = ${RUNNING}, turn = null, wake_at = null
  from chosen c
  where r.lane = $1 and r.id = c.id and (c.nth = 1 or c.before < $6)
    and exists (select from tenfold.leases l where l.lane = $1 and l.owner = $2 and l.is_alive)
  returning r.id, r.workflow, r.graph, c.status as "was", r.tenant, r.key, r.input, r.deaths, r.mail, c.begins, c.place,
    c.nth`;

/** The turn that is served now has no tenant. */
export const SERVE_TURN = `
  insert into tenfold.turns (lane, tenant, turn)
  select a.lane, null, $2::bigint
  from tenfold.lanes a
  where a.lane = $1`;

/**
 * One statement, because idle workers send nothing else; no row: the lease is gone. Whether there is one is asked for as the
 * first in the order of an index: to `exists` the server may answer by reading the table from its beginning.
 */
export const LOOK = `
  select
    (select r.wake_at
      from tenfold.runs r
      where r.lane = $1 and r.owner = $2 and r.wake_at <= $3
      order by r.wake_at limit 1) is not null as mail,
    exists (select from tenfold.outbox o where o.lane = $1) as parcels,
    coalesce(bool_or(c.turn is not null or c.first <= $3), false) as runs,
    min(case when c.first > $3 then c.first else c.later end) as next
  from tenfold.leases l
    left join lateral (
      select
        (select r.turn
          from tenfold.runs r
          where r.lane = $1 and r.workflow = w.workflow and r.turn >= $5
          order by r.turn limit 1) as turn,
        (select r.wake_at
          from tenfold.runs r
          where r.lane = $1 and r.workflow = w.workflow and r.owner is null and r.wake_at >= $6
          order by r.wake_at limit 1) as first,
        (select r.wake_at
          from tenfold.runs r
          where r.lane = $1 and r.workflow = w.workflow and r.owner is null and r.wake_at > $3
          order by r.wake_at limit 1) as later
      from unnest($4::text[]) as w (workflow)) as c on true
  where l.lane = $1 and l.owner = $2 and l.is_alive
  group by l.owner`;

interface ClaimedRow extends RunToLoad {
  /** Its status before. */
  readonly was: number;
  readonly mail: number;
  readonly begins: boolean;
  readonly place: number;
  readonly nth: number;
}

export interface Claim {
  readonly lane: number;
  readonly owner: string;
  readonly workflows: readonly string[];
  readonly now: number;
  readonly runsMax: number;
  readonly bytesMax: number;
  readonly range: Range;
}

export interface Claimed {
  readonly runs: ClaimedRun[];
  /** The last turn that was served, and the last due time. */
  readonly turn: number | undefined;
  readonly wakeAt: number | undefined;
}

/** Claims, and reads what a driver needs once the rows are locked; null: the lease is gone. */
export async function claim({ send, commit }: Transaction, what: Claim): Promise<Claimed | null> {
  const { lane, owner, workflows, now, runsMax, bytesMax, range } = what;
  // A few more candidates than are wanted: others may be taking the first ones now.
  const candidates = Math.ceil(runsMax * 1.5) + 10;
  const names = texts([...new Set(workflows)]);
  const [alive, taken] = await send([
    { sql: FENCE_ALIVE, values: [lane, owner] },
    { sql: CLAIM_RUNS, values: [lane, owner, now, names, runsMax, bytesMax, candidates, range.turn, range.wakeAt] },
  ]);
  if (alive!.count === 0) return null;
  const rows = [...(taken!.rows as unknown as ClaimedRow[])].sort((a, b) => a.nth - b.nth);
  const [lines, mail] = await commit([
    { sql: READ_JOURNALS, values: [lane, texts(rows.filter(({ was }) => was !== WAITING).map(({ id }) => id))] },
    { sql: READ_MAIL, values: [lane, texts(rows.filter(({ mail }) => mail > 0).map(({ id }) => id))] },
    ...countsOf(lane, rows),
  ]);
  return {
    runs: claimedRuns(rows, lines!.rows as unknown as LineRow[], mail!.rows as unknown as MailRow[]),
    turn: lastPlace(rows.filter(({ begins }) => begins)),
    wakeAt: lastPlace(rows.filter(({ begins }) => !begins)),
  };
}

/** Rows are in the order of their places. */
function lastPlace(rows: readonly ClaimedRow[]): number | undefined {
  return rows.at(-1)?.place;
}

/** The turn that is served from now on, and the runs that wait no more. */
function countsOf(lane: number, rows: readonly ClaimedRow[]): Statement[] {
  const statements: Statement[] = [];
  const turn = lastPlace(rows.filter(({ begins }) => begins));
  if (turn !== undefined) statements.push({ sql: SERVE_TURN, values: [lane, turn] });
  const changes = new TallyChanges();
  for (const { id, workflow, was } of rows) if (was === WAITING) changes.move(id, workflow, WAITING, RUNNING);
  return [...statements, ...changes.writes(lane)];
}
