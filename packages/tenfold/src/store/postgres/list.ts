/**
 * Lists runs, newest first, by one statement that has a condition for each part of the filter: so the server plans it
 * for these values, and finds the index that the rarest of them has. By workflow or status, which many runs share, each
 * pair of the two is read from its end of the index, whatever the server believes of the table.
 */
import { runIdFloor } from "../../value/id.ts";
import type { Page, RunFilter } from "../store.ts";
import { STATUSES, statusCode } from "../status-code.ts";
import { plain } from "./arrays.ts";
import type { Statement } from "./connection.ts";
import { RUN_COLUMNS } from "./read.ts";

export const LIST_RUNS = `
  select ${RUN_COLUMNS}
  from tenfold.runs r where r.lane = $1`;

/**
 * Every workflow of which there are runs: one look into the index for each. The bounds of a pair are bounds of rows, and
 * its order names all of them, so that no other index can seem to serve it.
 */
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
      from tenfold.runs r where r.lane = $1
        and (r.workflow, r.status, r.id) >= (w.workflow, s.status, $3) and (r.workflow, r.status, r.id) < (w.workflow, s.status, $4)
      order by r.workflow desc, r.status desc, r.id desc limit $5) r
  where ($6::text is null or w.workflow = $6)
  order by r.id desc limit $5`;

/** Behind every id. */
const ID_MAX = "~";

/** The last time that a run's id can tell (ms since 1970). */
const TIME_MAX = 32 ** 9 - 1;

export function listOf(lane: number, filter: RunFilter, page: Page): Statement {
  const { workflow, status, tenant, key, attribute, from, until } = filter;
  if ((workflow ?? status) !== undefined && (tenant ?? key ?? attribute) === undefined) {
    return listByPair(lane, filter, page);
  }
  const values: unknown[] = [lane];
  const conditions: string[] = [];
  const where = (condition: (...places: string[]) => string, ...given: unknown[]): void => {
    conditions.push(condition(...given.map((value) => `$${values.push(value)}`)));
  };
  if (page.before !== null) where((id) => `r.id < ${id}`, page.before);
  if (from !== undefined) where((id) => `r.id >= ${id}`, timeFloor(from));
  if (until !== undefined) where((id) => `r.id < ${id}`, timeFloor(until));
  if (workflow !== undefined) where((name) => `r.workflow = ${name}`, workflow);
  if (status !== undefined) where((code) => `r.status = ${code}`, statusCode(status));
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
  const sql = [LIST_RUNS, ...conditions].join("\n    and ");
  return { sql: `${sql}\n  order by r.id desc limit ${limit}`, values };
}

function listByPair(lane: number, { workflow, status, from, until }: RunFilter, { before, limit }: Page): Statement {
  const statuses = status === undefined ? STATUSES.map((_, code) => code) : [statusCode(status)];
  const bounds = [before ?? ID_MAX, until === undefined ? ID_MAX : timeFloor(until)].sort();
  const least = from === undefined ? "" : timeFloor(from);
  return { sql: LIST_BY_PAIR, values: [lane, plain(statuses), least, bounds[0], limit, workflow ?? null] };
}

function timeFloor(at: number): string {
  return runIdFloor(Math.min(Math.ceil(at), TIME_MAX));
}
