/** Leases: joining a lane, showing that one is alive, and taking over from one that is not. */
import type { Statement } from "./connection.ts";

export const JOIN = `
  insert into tenfold.leases (lane, owner, worker, host, process, beat, is_alive, outside_commits)
  select a.lane, $2, $3, $4, $5, 0, true, 0
  from tenfold.lanes a
  where a.lane = $1
  on conflict (lane, owner) do nothing`;

/** Changes no key, so it waits for no commit, and no commit waits for it. */
export const BEAT = `
  update tenfold.leases set beat = beat + 1
  where lane = $1 and owner = $2 and is_alive`;

export const SEE_LEASES = `
  select owner, worker, host, process, beat
  from tenfold.leases where lane = $1 and is_alive order by owner`;

/** A beat and what there is to see, as one statement: idle workers send it again and again. */
export const BEAT_AND_SEE = `
  with beaten as (
    update tenfold.leases set beat = beat + 1
    where lane = $1 and owner = $2 and is_alive
    returning 1)
  select l.owner, l.worker, l.host, l.process, l.beat, exists (select from beaten) as beaten
  from tenfold.leases l where l.lane = $1 and l.is_alive order by l.owner`;

/** Waits for the commits in flight, which hold the row; those that come later wait, and then find it dead. */
export const LOCK_LEASE = `
  select 1 as held
  from tenfold.leases
  where lane = $1 and owner = $2 and is_alive and ($3::bigint is null or beat = $3) for update`;

export const KILL_LEASE = `
  update tenfold.leases set is_alive = false
  where lane = $1 and owner = $2 and is_alive and ($3::bigint is null or beat = $3)`;

/** A statement of its own: its snapshot is newer than the lease's death, and shows all that the owner wrote. */
export const FREE_RUNS = `
  update tenfold.runs r set owner = null, wake_at = $3, deaths = r.deaths + $4
  where r.lane = $1 and r.owner = $2
    and exists (select from tenfold.leases l where l.lane = $1 and l.owner = $2 and not l.is_alive)`;

/** Locked in the order in which whoever would own them locks them. */
export const FREE_QUEUES = `
  with freed as materialized (
    select o.queue
    from tenfold.queues o where o.lane = $1 and o.owner = $2 order by o.queue for update)
  update tenfold.queues q set owner = null, was_used = true
  from freed f
  where q.lane = $1 and q.queue = f.queue and q.owner = $2
    and exists (select from tenfold.leases l where l.lane = $1 and l.owner = $2 and not l.is_alive)`;

export function renewOf(lane: number, owner: string): Statement[] {
  return [
    { sql: BEAT, values: [lane, owner] },
    { sql: SEE_LEASES, values: [lane] },
  ];
}

export function takeOverOf(
  lane: number,
  owner: string,
  beat: number | null,
  now: number,
  leaves: boolean,
): Statement[] {
  return [
    { sql: LOCK_LEASE, values: [lane, owner, beat] },
    { sql: KILL_LEASE, values: [lane, owner, beat] },
    { sql: FREE_RUNS, values: [lane, owner, now, leaves ? 0 : 1] },
    { sql: FREE_QUEUES, values: [lane, owner] },
  ];
}
