/**
 * The statements of the Postgres store's queues. Places are found by their keys, or in the order of an index; whoever locks several
 * rows locks queues by their names, runs by their ids, and then places by queue, rank, run, node and key.
 */
import { RUNNING } from "../status-code.ts";

/** An owner whose lease is dead was taken over by a program that knows no queues. */
export const OWN_QUEUES = `
  insert into tenfold.queues as q (lane, queue, owner, was_used)
  select l.lane, t.queue, l.owner, false
  from tenfold.leases l, unnest($3::text[]) as t (queue)
  where l.lane = $1 and l.owner = $2 and l.is_alive
  order by t.queue collate "C"
  on conflict (lane, queue) do update set owner = excluded.owner, was_used = q.was_used or q.owner is not null
  where q.owner is null
    or not exists (select from tenfold.leases d where d.lane = excluded.lane and d.owner = q.owner and d.is_alive)`;

export const OWNED_QUEUES = `
  select q.queue, q.was_used as "wasUsed", q.settings
  from tenfold.queues q where q.lane = $1 and q.owner = $2 and q.queue = any ($3::text[])`;

export const READ_BUCKETS = `
  select b.queue, b.scope, b.tat, b.at
  from tenfold.queues q join tenfold.buckets b on b.lane = $1 and b.queue = q.queue
  where q.lane = $1 and q.owner = $2 and q.queue = any ($3::text[])
  order by b.queue, b.scope`;

export const RELEASE_QUEUES = `
  with freed as materialized (
    select o.queue
    from tenfold.queues o where o.lane = $1 and o.owner = $2 and o.queue = any ($3::text[])
    order by o.queue for update)
  update tenfold.queues q set owner = null, was_used = true
  from freed f
  where q.lane = $1 and q.queue = f.queue and q.owner = $2
    and exists (select from tenfold.leases l where l.lane = $1 and l.owner = $2 and l.is_alive)`;

/** Whoever takes the queue waits for what its owner keeps. */
export const LOCK_OWNED_QUEUE = `
  select 1 as held from tenfold.queues q where q.lane = $1 and q.queue = $3 and q.owner = $2 for update`;

export const KEEP_BUCKETS = `
  insert into tenfold.buckets (lane, queue, scope, tat, at)
  select l.lane, q.queue, t.scope, t.tat, t.at
  from tenfold.leases l, tenfold.queues q, unnest($4::text[], $5::float8[], $6::bigint[]) as t (scope, tat, at)
  where l.lane = $1 and l.owner = $2 and l.is_alive and q.lane = $1 and q.queue = $3 and q.owner = $2
  on conflict (lane, queue, scope) do update set tat = excluded.tat, at = excluded.at`;

export const DROP_BUCKETS = `
  delete from tenfold.buckets b
  using tenfold.leases l, tenfold.queues q
  where l.lane = $1 and l.owner = $2 and l.is_alive and q.lane = $1 and q.queue = $3 and q.owner = $2
    and b.lane = $1 and b.queue = $3 and b.scope = any ($4::text[])`;

/**
 * Materialized: a join may ask a subquery again, which would lock, and answer, more than the limit. The queue comes from it too: by
 * the name alone a server that knows nothing of queues would read all of this one.
 */
export const HEAR_OF_PLACES = `
  with heard as materialized (
    select n.queue, n.key, n.rank, n.run, n.node
    from tenfold.tasks n where n.lane = $1 and n.queue = $3 and n.is_new
    order by n.rank, n.run, n.node, n.key limit $4 for update)
  update tenfold.tasks p set is_new = false
  from heard h
  where p.lane = $1 and p.queue = h.queue and p.key = h.key and p.rank = h.rank and p.run = h.run and p.node = h.node
    and exists (select from tenfold.leases l where l.lane = $1 and l.owner = $2 and l.is_alive)
  returning p.queue, p.key, p.rank, p.run, p.node, p.cost, p.weight`;

/** $3: the least key that may come. From the first place of a key the index leads to that of the next, past all others. */
export const FIRST_PLACES = `
  with recursive firsts as (
    (select p.queue, p.key, p.rank, p.run, p.node, p.cost, p.weight
      from tenfold.tasks p where p.lane = $1 and p.queue = $2 and p.key >= $3
      order by p.key, p.rank, p.run, p.node limit 1)
    union all
    select n.queue, n.key, n.rank, n.run, n.node, n.cost, n.weight
    from firsts f
      cross join lateral (
        select p.queue, p.key, p.rank, p.run, p.node, p.cost, p.weight
        from tenfold.tasks p where p.lane = $1 and p.queue = $2 and p.key > f.key
        order by p.key, p.rank, p.run, p.node limit 1) as n)
  select f.queue, f.key, f.rank, f.run, f.node, f.cost, f.weight from firsts f limit $4`;

export const PLACES_BEHIND = `
  select p.queue, p.key, p.rank, p.run, p.node, p.cost, p.weight
  from tenfold.tasks p
  where p.lane = $1 and p.queue = $2 and p.key = $3 and (p.rank, p.run, p.node) > ($4, $5, $6)
  order by p.rank, p.run, p.node limit $7`;

/** Whoever they belong to: one that is being parked at this moment is called up once it is, and not passed by. */
export const LOCK_RUNS_TO_CALL = `
  select 1 as held
  from tenfold.runs r where r.lane = $1 and r.id = any ($2::text[]) order by r.id for update`;

export const DROP_PLACES = `
  with called as materialized (
    select n.queue, n.key, n.rank, n.run, n.node
    from unnest($3::text[], $4::text[], $5::bigint[], $6::text[], $7::text[]) as t (queue, key, rank, run, node)
      join tenfold.tasks n
        on n.lane = $1 and n.queue = t.queue and n.key = t.key and n.rank = t.rank and n.run = t.run and n.node = t.node
    order by n.queue, n.rank, n.run, n.node, n.key for update of n)
  delete from tenfold.tasks p
  using called d
  where p.lane = $1 and p.queue = d.queue and p.key = d.key and p.rank = d.rank and p.run = d.run and p.node = d.node
    and not exists (
      select from tenfold.runs r
      where r.lane = $1 and r.id = p.run and r.status = ${RUNNING} and not r.workflow = any ($8::text[]))
    and exists (select from tenfold.leases l where l.lane = $1 and l.owner = $2 and l.is_alive)`;

export const CALL_RUNS = `
  update tenfold.runs r set owner = $2, wake_at = null
  where r.lane = $1 and r.id = any ($3::text[]) and r.owner is null and r.status = ${RUNNING}
    and r.workflow = any ($4::text[])
    and exists (select from tenfold.leases l where l.lane = $1 and l.owner = $2 and l.is_alive)
  returning r.id, r.workflow, r.graph, r.tenant, r.key, r.input, r.deaths, r.mail`;

export const SET_SETTINGS = `
  insert into tenfold.queues (lane, queue, was_used, settings)
  select a.lane, $2, false, $3
  from tenfold.lanes a where a.lane = $1
  on conflict (lane, queue) do update set settings = excluded.settings`;

export const SET_STATS = `
  update tenfold.queues q set stats = $4
  where q.lane = $1 and q.queue = $3 and q.owner = $2
    and exists (select from tenfold.leases l where l.lane = $1 and l.owner = $2 and l.is_alive)`;

export const READ_QUEUES = `
  select q.queue, q.owner, q.settings, q.stats
  from tenfold.queues q where q.lane = $1 and q.queue = any ($2::text[]) order by q.queue`;

export const COUNT_PLACES_AHEAD = `
  select count(*) as ahead
  from (
    select 1 from tenfold.tasks p
    where p.lane = $1 and p.queue = $2 and p.key = $3 and (p.rank, p.run, p.node) < ($4, $5, $6)
    limit $7) as b`;

export const COUNT_PLACES = `
  select count(*) as counted
  from (select 1 from tenfold.tasks p where p.lane = $1 and p.queue = $2 limit $3) as b`;

export const COUNT_BEGINNING = `
  select count(*) as counted
  from (
    select 1 from tenfold.runs r
    where r.lane = $1 and r.workflow = $2 and r.turn is not null
    limit $3) as b`;

/** All places that there are: the least rank is found while they are counted. */
export const LIST_QUEUES = `
  select coalesce(q.queue, p.queue) as queue, q.owner, q.settings, q.stats, coalesce(p.waiting, 0) as waiting, p.oldest
  from (select o.queue, o.owner, o.settings, o.stats from tenfold.queues o where o.lane = $1) as q
    full join (
      select t.queue, count(*) as waiting, min(t.rank) as oldest from tenfold.tasks t where t.lane = $1 group by t.queue
    ) as p on p.queue = q.queue
  order by coalesce(q.queue, p.queue)`;
