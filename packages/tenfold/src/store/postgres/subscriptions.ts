/** The statements of subscriptions, and how a batch of them is written and answered. */
import type { Subscribe } from "../events.ts";
import { joined, jsons, plain, texts } from "./arrays.ts";
import type { Answer, Statement } from "./connection.ts";

export const READ_SUBSCRIPTIONS = `
  select s.event, s.workflow, s.version, s.spec, s.former, s.at
  from tenfold.subscriptions s where s.lane = $1 order by s.event, s.workflow`;

export const READ_SUBSCRIPTIONS_TO = `
  select s.event, s.workflow, s.version, s.spec, s.former, s.at
  from tenfold.subscriptions s where s.lane = $1 and s.event = any ($2::text[]) order by s.event, s.workflow`;

export const LOCK_SUBSCRIPTIONS = `
  select s.at
  from unnest($2::text[], $3::text[]) as t (event, workflow)
    join tenfold.subscriptions s on s.lane = $1 and s.event = t.event and s.workflow = t.workflow
  order by s.event, s.workflow for update of s`;

export const FIRST_SUBSCRIBED = `
  insert into tenfold.subscriptions (lane, event, workflow, version, spec, former, at)
  select a.lane, t.event, t.workflow, t.version, t.spec, t.former, t.at
  from tenfold.lanes a,
    unnest($2::text[], $3::text[], $4::text[], $5::bigint[], $6::text[], ${jsons("$7")}, ${jsons("$8")}, $9::bigint[])
      as t (event, workflow, version_before, at_before, version, spec, former, at)
  where a.lane = $1 and t.version_before is null
  order by t.event collate "C", t.workflow collate "C"
  on conflict (lane, event, workflow) do nothing
  returning event, workflow`;

export const SUBSCRIBE = `
  update tenfold.subscriptions s set version = t.version, spec = t.spec, former = t.former, at = t.at
  from unnest($2::text[], $3::text[], $4::text[], $5::bigint[], $6::text[], ${jsons("$7")}, ${jsons("$8")}, $9::bigint[])
    as t (event, workflow, version_before, at_before, version, spec, former, at)
  where s.lane = $1 and s.event = t.event and s.workflow = t.workflow
    and s.version = t.version_before and s.at = t.at_before
  returning s.event, s.workflow`;

export interface SubscriptionRow {
  readonly event: string;
  readonly workflow: string;
  readonly version: string;
  readonly spec: string | null;
  readonly former: string;
  readonly at: number;
}

export function subscribesOf(lane: number, batch: readonly Subscribe[]): Statement[] {
  const names = [lane, texts(batch.map(({ to }) => to.event)), texts(batch.map(({ to }) => to.workflow))];
  const values = [
    ...names,
    texts(batch.map(({ from }) => from?.version ?? null)),
    plain(batch.map(({ from }) => from?.at ?? null)),
    texts(batch.map(({ to }) => to.version)),
    joined(batch.map(({ to }) => to.spec)),
    joined(batch.map(({ to }) => JSON.stringify(to.former))),
    plain(batch.map(({ to }) => to.at)),
  ];
  // What was changed while a lock was waited for is seen by the statements that come after it.
  return [
    { sql: LOCK_SUBSCRIPTIONS, values: names },
    { sql: FIRST_SUBSCRIBED, values },
    { sql: SUBSCRIBE, values },
  ];
}

/** Which of the batch was done, by the answers to its statements. */
export function subscribed(batch: readonly Subscribe[], answers: readonly Answer[]): boolean[] {
  const [, first, changed] = answers;
  const done = new Set(
    [...first!.rows, ...changed!.rows].map((row) => textOf(row as { event: string; workflow: string })),
  );
  return batch.map(({ to }) => done.has(textOf(to)));
}

function textOf({ event, workflow }: { readonly event: string; readonly workflow: string }): string {
  return `${event} ${workflow}`;
}
