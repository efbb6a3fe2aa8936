/**
 * Counts of runs by workflow, status and time of start. Every transaction that changes one appends what it changes;
 * now and then the changes are folded into the counts.
 * Invariant: counts and changes together equal a recount at every commit.
 */
import { BY_DAY, BY_MINUTE, dayOf, IN_ALL, minutesBetween, spansBetween } from "../tally-spans.ts";
import { plain, texts } from "./arrays.ts";
import type { Transaction } from "./connection.ts";
import { LOCK_LANE } from "./lane-row.ts";

/** Rows of one fold. */
export const FOLD_MAX = 20_000;

export const SUM_TALLIES = `
  select t.workflow, t.status, sum(t.runs)::bigint as runs
  from (
    select y.workflow, y.status, y.runs
    from tenfold.tallies y
      join unnest($2::smallint[], $3::bigint[], $4::bigint[]) as s (grain, first, until)
        on y.grain = s.grain and y.slot >= s.first and y.slot < s.until
    where y.lane = $1
    union all
    select c.workflow, c.status, c.runs
    from tenfold.tally_changes c where c.lane = $1 and c.minute >= $5 and c.minute < $6) as t
  group by t.workflow, t.status
  having sum(t.runs) <> 0`;

export const TAKE_CHANGES = `
  with taken as (
    select c.ctid as place
    from tenfold.tally_changes c where c.lane = $1 limit ${FOLD_MAX} for update skip locked)
  delete from tenfold.tally_changes c
  where c.lane = $1 and c.ctid in (select place from taken)
  returning c.minute, c.workflow, c.status, c.runs`;

export const ADD_TO_TALLIES = `
  insert into tenfold.tallies (lane, grain, slot, workflow, status, runs)
  select a.lane, t.grain, t.slot, t.workflow, t.status, t.runs
  from tenfold.lanes a, unnest($2::smallint[], $3::bigint[], $4::text[], $5::smallint[], $6::bigint[])
    as t (grain, slot, workflow, status, runs)
  where a.lane = $1
  on conflict (lane, grain, slot, workflow, status) do update set runs = tallies.runs + excluded.runs`;

/** Counts that came to nothing: a minute's runs all wait, then all run, then have all ended. */
export const DROP_EMPTY_TALLIES = `
  delete from tenfold.tallies y
  using unnest($2::smallint[], $3::bigint[], $4::text[], $5::smallint[]) as t (grain, slot, workflow, status)
  where y.lane = $1 and y.grain = t.grain and y.slot = t.slot and y.workflow = t.workflow and y.status = t.status
    and y.runs = 0`;

/** The turn that is served now is one row again, and turns before it tell nothing any more. */
export const DROP_TURNS = `
  delete from tenfold.turns u
  where u.lane = $1 and u.turn < (select max(s.turn) from tenfold.turns s where s.lane = $1 and s.tenant is null)`;

interface Change {
  readonly minute: number;
  readonly workflow: string;
  readonly status: number;
  readonly runs: number;
}

/** Folds what was appended; answers how many rows there were. */
export async function fold({ send, commit }: Transaction, lane: number): Promise<number> {
  const [here, taken] = await send([
    { sql: LOCK_LANE, values: [lane] },
    { sql: TAKE_CHANGES, values: [lane] },
  ]);
  // Undone: where the counts went, the changes went too.
  if (here!.count === 0) return 0;
  const sums = new Map<string, { grain: number; slot: number; workflow: string; status: number; runs: number }>();
  const add = (grain: number, slot: number, { workflow, status, runs }: Change): void => {
    const name = `${grain} ${slot} ${status} ${workflow}`;
    const sum = sums.get(name);
    if (sum === undefined) sums.set(name, { grain, slot, workflow, status, runs });
    else sum.runs += runs;
  };
  for (const change of taken!.rows as unknown as Change[]) {
    add(BY_MINUTE, change.minute, change);
    add(BY_DAY, dayOf(change.minute), change);
    add(IN_ALL, 0, change);
  }
  // In one order for all who fold at once.
  const rows = [...sums].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, sum]) => sum);
  const names = [
    plain(rows.map(({ grain }) => grain)),
    plain(rows.map(({ slot }) => slot)),
    texts(rows.map(({ workflow }) => workflow)),
    plain(rows.map(({ status }) => status)),
  ];
  await commit([
    { sql: ADD_TO_TALLIES, values: [lane, ...names, plain(rows.map(({ runs }) => runs))] },
    { sql: DROP_EMPTY_TALLIES, values: [lane, ...names] },
    { sql: DROP_TURNS, values: [lane] },
  ]);
  return taken!.count;
}

/** The parameters of `SUM_TALLIES` for runs started in [from, until), both taken to the minute. */
export function spansOf(lane: number, from: number | null, until: number | null): readonly unknown[] {
  const spans = spansBetween(from, until);
  const column = (index: 0 | 1 | 2): string => plain(spans.map((span) => span[index]));
  return [lane, column(0), column(1), column(2), ...minutesBetween(from, until)];
}
