/** The statements of events and their deliveries. */
import { jsons } from "./arrays.ts";

/** One that is there is locked: nobody forgets it before this is over. */
export const PUT_EVENTS = `
  insert into tenfold.events (lane, event, tenant, id, emission, at)
  select a.lane, t.event, t.tenant, t.id, t.emission, $6
  from tenfold.lanes a, unnest($2::text[], $3::text[], $4::text[], $5::text[]) as t (event, tenant, id, emission)
  where a.lane = $1
  order by t.event collate "C", t.tenant collate "C", t.id collate "C"
  on conflict (lane, event, tenant, id) do update set at = events.at`;

/** Of the emissions that were taken in; one that is sent again has them. */
export const PUT_DELIVERIES = `
  insert into tenfold.deliveries (lane, event, tenant, id, workflow, emitted_at, due_at, start_at, input)
  select a.lane, t.event, t.tenant, t.id, t.workflow, $9, $9, t.start_at, t.input
  from tenfold.lanes a,
    unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bigint[], ${jsons("$8")})
      as t (event, tenant, id, emission, workflow, start_at, input)
    join tenfold.events e on e.lane = $1 and e.event = t.event and e.tenant = t.tenant and e.id = t.id
      and e.emission = t.emission
  where a.lane = $1
  order by t.event collate "C", t.tenant collate "C", t.id collate "C", t.workflow collate "C"
  on conflict (lane, event, tenant, id, workflow) do nothing`;

export const TAKEN_IN = `
  select t.nth
  from unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::integer[]) as t (event, tenant, id, emission, nth)
    join tenfold.events e on e.lane = $1 and e.event = t.event and e.tenant = t.tenant and e.id = t.id
      and e.emission = t.emission`;

export const NEXT_DELIVERY = `
  select min(d.due_at) as at
  from unnest($2::text[]) as w (workflow),
    lateral (
      select d.due_at from tenfold.deliveries d
      where d.lane = $1 and d.workflow = w.workflow and d.due_at > $3 order by d.due_at limit 1
    ) d`;

export const TAKE_DELIVERIES = `
  with due as (
    select w.nth, d.event, d.tenant, d.id, d.workflow, d.due_at
    from unnest($2::text[], $6::integer[]) as w (workflow, nth),
      lateral (
        select d.event, d.tenant, d.id, d.workflow, d.due_at from tenfold.deliveries d
        where d.lane = $1 and d.workflow = w.workflow and d.due_at <= $3
        order by d.due_at, d.event, d.tenant, d.id limit $5
        for update skip locked
      ) d
  )
  update tenfold.deliveries d set due_at = $4
  from due
  where d.lane = $1 and d.event = due.event and d.tenant = due.tenant and d.id = due.id and d.workflow = due.workflow
  returning due.nth, due.due_at as was, d.event, d.tenant, d.id, d.workflow, d.input, d.start_at as "startAt"`;

export const LOCK_DELIVERIES = `
  select d.due_at
  from unnest($2::text[], $3::text[], $4::text[], $5::text[]) as t (event, tenant, id, workflow)
    join tenfold.deliveries d on d.lane = $1 and d.event = t.event and d.tenant = t.tenant and d.id = t.id
      and d.workflow = t.workflow
  order by d.event, d.tenant, d.id, d.workflow for update of d`;

export const SETTLE = `
  update tenfold.deliveries d
  set due_at = null, run = t.run, error = t.error, input = case when t.run is null then d.input end
  from unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[], ${jsons("$7")})
    as t (event, tenant, id, workflow, run, error)
  where d.lane = $1 and d.event = t.event and d.tenant = t.tenant and d.id = t.id and d.workflow = t.workflow
    and d.due_at is not null`;

export const REDELIVER = `
  update tenfold.deliveries d set due_at = $7, error = null
  from unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::integer[]) as t (event, tenant, id, workflow, nth)
  where d.lane = $1 and d.event = t.event and d.tenant = t.tenant and d.id = t.id and d.workflow = t.workflow
    and d.error is not null
  returning t.nth`;

/** With a row for each event that is known; one that has no delivery has one without a workflow. */
export const READ_DELIVERIES = `
  select t.nth, e.event, e.tenant, e.id, d.workflow, d.emitted_at as "emittedAt", d.due_at as "dueAt", d.run, d.error
  from unnest($2::text[], $3::text[], $4::text[], $5::integer[]) as t (event, tenant, id, nth)
    join tenfold.events e on e.lane = $1 and e.event = t.event and e.tenant = t.tenant and e.id = t.id
    left join tenfold.deliveries d on d.lane = $1 and d.event = e.event and d.tenant = e.tenant and d.id = e.id
  order by t.nth, d.workflow`;

export const WAITING_DELIVERIES = `
  select d.event, d.tenant, d.id, d.workflow, d.emitted_at as "emittedAt", d.due_at as "dueAt", d.run, d.error
  from tenfold.deliveries d
  where d.lane = $1 and d.run is null and d.due_at is not null
    and (d.workflow, d.event, d.tenant, d.id) > ($2, $3, $4, $5)
  order by d.workflow, d.event, d.tenant, d.id limit $6`;

export const REFUSED_DELIVERIES = `
  select d.event, d.tenant, d.id, d.workflow, d.emitted_at as "emittedAt", d.due_at as "dueAt", d.run, d.error
  from tenfold.deliveries d
  where d.lane = $1 and d.run is null and d.error is not null
    and (d.workflow, d.event, d.tenant, d.id) > ($2, $3, $4, $5)
  order by d.workflow, d.event, d.tenant, d.id limit $6`;

export const OLD_EVENTS = `
  select e.event, e.tenant, e.id
  from tenfold.events e
  where e.lane = $1 and e.at < $2 and not exists (
    select from tenfold.deliveries d
    where d.lane = $1 and d.event = e.event and d.tenant = e.tenant and d.id = e.id and d.due_at is not null)
  order by e.at, e.event, e.tenant, e.id limit $3`;

/** Those of them that are still there, and as old. */
export const LOCK_EVENTS = `
  select e.event, e.tenant, e.id
  from unnest($2::text[], $3::text[], $4::text[]) as t (event, tenant, id)
    join tenfold.events e on e.lane = $1 and e.event = t.event and e.tenant = t.tenant and e.id = t.id
  where e.at < $5
  order by e.event, e.tenant, e.id for update of e`;

export const LOCK_DELIVERIES_OF = `
  select d.event, d.tenant, d.id, d.due_at as "dueAt"
  from unnest($2::text[], $3::text[], $4::text[]) as t (event, tenant, id)
    join tenfold.deliveries d on d.lane = $1 and d.event = t.event and d.tenant = t.tenant and d.id = t.id
  order by d.event, d.tenant, d.id, d.workflow for update of d`;

export const FORGET_DELIVERIES = `
  delete from tenfold.deliveries d
  using unnest($2::text[], $3::text[], $4::text[]) as t (event, tenant, id)
  where d.lane = $1 and d.event = t.event and d.tenant = t.tenant and d.id = t.id`;

export const FORGET_EVENTS = `
  delete from tenfold.events e
  using unnest($2::text[], $3::text[], $4::text[]) as t (event, tenant, id)
  where e.lane = $1 and e.event = t.event and e.tenant = t.tenant and e.id = t.id`;
