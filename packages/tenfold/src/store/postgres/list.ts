/**
 * Lists runs, newest first, by one statement that has a condition for each part of the filter: so the server plans it
 * for these values, and finds the index that the rarest of them has. By workflow or status, which many runs share, each
 * pair of the two is read from its end of the index, whatever the server believes of the table.
 */
import { runIdFloor } from "../../value/id.ts";
import type { Page, RunFilter } from "../store.ts";
import { STATUSES, statusCode } from "../sqlite/status-code.ts";
import { plain } from "./arrays.ts";
import type { Statement } from "./connection.ts";
import { RUN_COLUMNS } from "./read.ts";

export const LIST_RUNS = `
  select ${RUN_COLUMNS}
  from tenfold.runs r where r.lane = $1`;

/** Every workflow of which there are runs: one look into the index for each. */
export const LIST_BY_PAIR = `
  with recursive names (workflow) as (
    (select r.workflow from tenfold.runs r where r.lane = $1 order by r.workflow limit 1)
    union all
    select (
      select r.workflow from tenfold.runs r where r.lane = $1 and r.workflow > n.workflow order by r.workflow limit 1)
    from names n where n.workflow is not null)
  select ${RUN_COLUMNS}
  from names w
    cross join unnest($2::smallint[]) as s (status)
    cross join lateral (
      select r.*
      from tenfold.runs r where r.lane = $1 and r.workflow = w.workflow and r.status = s.status`;

/** The last time that a run's id can tell (ms since 1970). */
const TIME_MAX = 32 ** 9 - 1;

export function listOf(lane: number, filter: RunFilter, page: Page): Statement {
  const { workflow, status, tenant, key, attribute, from, until } = filter;
  const isByPair = (workflow ?? status) !== undefined && (tenant ?? key ?? attribute) === undefined;
  const statuses = status === undefined ? STATUSES.map((_, code) => code) : [statusCode(status)];
  const values: unknown[] = isByPair ? [lane, plain(statuses)] : [lane];
  const conditions: string[] = [];
  const where = (condition: (...places: string[]) => string, ...given: unknown[]): void => {
    conditions.push(condition(...given.map((value) => `$${values.push(value)}`)));
  };
  if (page.before !== null) where((id) => `r.id < ${id}`, page.before);
  if (from !== undefined) where((id) => `r.id >= ${id}`, timeFloor(from));
  if (until !== undefined) where((id) => `r.id < ${id}`, timeFloor(until));
  if (workflow !== undefined) where((name) => `r.workflow = ${name}`, workflow);
  if (status !== undefined && !isByPair) where((code) => `r.status = ${code}`, statusCode(status));
  if (tenant !== undefined) where((name) => `r.tenant = ${name}`, tenant);
  if (key !== undefined) {
    where((text) => `r.id in (select k.run from tenfold.keys k where k.lane = $1 and k.key = ${text})`, key);
  }
  if (attribute !== undefined) {
    where(
      (name, value) =>
        `exists (select from tenfold.attributes b
          where b.lane = $1 and b.name = ${name} and b.value = ${value} and b.run = r.id)`,
      attribute.name,
      attribute.value,
    );
  }
  const limit = `$${values.push(page.limit)}`;
  const sql = [isByPair ? LIST_BY_PAIR : LIST_RUNS, ...conditions].join("\n    and ");
  const newest = `order by r.id desc limit ${limit}`;
  return { sql: isByPair ? `${sql}\n      ${newest}) r\n  ${newest}` : `${sql}\n  ${newest}`, values };
}

function timeFloor(at: number): string {
  return runIdFloor(Math.min(Math.ceil(at), TIME_MAX));
}
