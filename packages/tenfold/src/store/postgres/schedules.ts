/**
 * The Postgres store's schedules: each verb is one transaction of one lane, which holds the lane's row while it writes,
 * and locks the rows of schedules in order.
 */
import type { Advance, Reached, ScheduleName, Schedules } from "../schedules.ts";
import { plain, texts } from "./arrays.ts";
import type { Connection } from "./connection.ts";
import { LaneGone, LOCK_LANE } from "./lane-row.ts";

export const READ_REACHED = `
  select t.nth, s.at, s.run
  from unnest($2::text[], $3::text[], $4::integer[]) as t (workflow, schedule, nth)
    join tenfold.schedules s on s.lane = $1 and s.workflow = t.workflow and s.schedule = t.schedule`;

export const LOCK_SCHEDULES = `
  select s.at
  from unnest($2::text[], $3::text[]) as t (workflow, schedule)
    join tenfold.schedules s on s.lane = $1 and s.workflow = t.workflow and s.schedule = t.schedule
  order by s.workflow, s.schedule for update of s`;

export const FIRST_SEEN = `
  insert into tenfold.schedules (lane, workflow, schedule, at, run)
  select a.lane, t.workflow, t.schedule, t.at, t.run
  from tenfold.lanes a,
    unnest($2::text[], $3::text[], $4::bigint[], $5::text[], $6::bigint[], $7::text[])
      as t (workflow, schedule, at_before, run_before, at, run)
  where a.lane = $1 and t.at_before is null
  order by t.workflow collate "C", t.schedule collate "C"
  on conflict (lane, workflow, schedule) do nothing
  returning workflow, schedule`;

export const ADVANCE = `
  update tenfold.schedules s set at = t.at, run = t.run
  from unnest($2::text[], $3::text[], $4::bigint[], $5::text[], $6::bigint[], $7::text[])
    as t (workflow, schedule, at_before, run_before, at, run)
  where s.lane = $1 and s.workflow = t.workflow and s.schedule = t.schedule
    and s.at = t.at_before and s.run is not distinct from t.run_before
  returning s.workflow, s.schedule`;

export interface ScheduleConnections {
  readonly careful: Connection;
  readonly reads: Connection;
}

export class PostgresSchedules implements Schedules {
  readonly #to: ScheduleConnections;
  readonly #store: string;

  /** `store` is its name, as a person would say it. */
  constructor(to: ScheduleConnections, store: string) {
    this.#to = to;
    this.#store = store;
  }

  async reached(lane: number, schedules: readonly ScheduleName[]): Promise<readonly (Reached | null)[]> {
    const places = plain(schedules.map((_, nth) => nth));
    const rows = await this.#to.reads.rows<Reached & { nth: number }>(
      READ_REACHED,
      ...[lane, ...namesOf(schedules), places],
    );
    const reached = new Map(rows.map(({ nth, at, run }) => [nth, { at, run }]));
    return schedules.map((_, nth) => reached.get(nth) ?? null);
  }

  async advance(lane: number, batch: readonly Advance[]): Promise<readonly boolean[]> {
    const values = [
      ...[lane, ...namesOf(batch)],
      plain(batch.map(({ from }) => from?.at ?? null)),
      texts(batch.map(({ from }) => from?.run ?? null)),
      plain(batch.map(({ to }) => to.at)),
      texts(batch.map(({ to }) => to.run)),
    ];
    // What was changed while a lock was waited for is seen by the statements that come after it.
    const [here, , seen, advanced] = await this.#to.careful.send([
      { sql: LOCK_LANE, values: [lane] },
      { sql: LOCK_SCHEDULES, values: [lane, ...namesOf(batch)] },
      { sql: FIRST_SEEN, values },
      { sql: ADVANCE, values },
    ]);
    if (here!.count === 0) throw new LaneGone(lane, this.#store);
    const done = new Set(([...seen!.rows, ...advanced!.rows] as unknown as ScheduleName[]).map(textOf));
    return batch.map((advance) => done.has(textOf(advance)));
  }
}

function namesOf(schedules: readonly ScheduleName[]): [string, string] {
  return [texts(schedules.map(({ workflow }) => workflow)), texts(schedules.map(({ schedule }) => schedule))];
}

function textOf({ workflow, schedule }: ScheduleName): string {
  return `${workflow} ${schedule}`;
}
