/**
 * Lists runs, newest first. Every filter is a source of ids in some index; what passes all of them is where the
 * sources agree, so no list reads rows that it does not show.
 */
import { runIdFloor } from "../../value/id.ts";
import type { Page, RunFilter, RunRecord, RunStatus } from "../store.ts";
import type { Connection } from "./connection.ts";
import { digestsOfKey } from "./key-digest.ts";
import { ABOVE_ALL, allOf, anyOf, idsInPieces, type IdSource } from "./id-source.ts";
import { readRun } from "./read.ts";
import { STATUSES, statusCode } from "../status-code.ts";

export const LIST_ALL = "select id from runs where lane = ? and id < ? order by id desc limit ?";

export const LIST_IN_STATUS = `
  select id
  from runs where lane = ? and workflow = ? and status = ? and id < ? order by id desc limit ?`;

export const LIST_OF_TENANT = `
  select id
  from runs where lane = ? and tenant = ? and tenant <> '' and id < ? order by id desc limit ?`;

/** Runs without a tenant have no index: where nobody names tenants they are all runs. */
export const LIST_WITHOUT_TENANT = `
  select id
  from runs where lane = ? and tenant = '' and id < ? order by id desc limit ?`;

export const LIST_WITH_ATTRIBUTE = `
  select run as id
  from attributes where lane = ? and name = ? and value = ? and run < ? order by run desc limit ?`;

/** A key has few runs: its generations, in each workflow and tenant. */
export const LIST_OF_KEY = `
  select run as id
  from keys where lane = ? and digest >= ? and digest < ? and key = ? and run < ? order by run desc limit ?`;

export const KNOWN_KINDS = `
  select workflow, status
  from tallies where lane = ? and grain = 2 and slot = 0`;

/** The last time that a run's id can tell (ms since 1970). */
const TIME_MAX = 32 ** 9 - 1;

export function list(connection: Connection, lane: number, filter: RunFilter, page: Page): RunRecord[] {
  const oldest = filter.from === undefined ? "" : timeFloor(filter.from);
  const newest = filter.until === undefined ? ABOVE_ALL : timeFloor(filter.until);
  let limit = page.before === null || page.before > newest ? newest : page.before;
  const next = allOf(sourcesOf(connection, lane, filter, page.limit));
  const runs: RunRecord[] = [];
  while (runs.length < page.limit) {
    const id = next(limit);
    if (id === undefined || id < oldest) break;
    const run = readRun(connection, lane, id);
    // A key is known on when its run was removed.
    if (run !== undefined) runs.push(run);
    limit = id;
  }
  return runs;
}

function sourcesOf(connection: Connection, lane: number, filter: RunFilter, wanted: number): IdSource[] {
  const { workflow, status, tenant, key, attribute } = filter;
  const ids = (sql: string, ...parameters: (string | number)[]): IdSource =>
    idsInPieces(
      (limit, count) => connection.all<{ id: string }>(sql, lane, ...parameters, limit, count).map(({ id }) => id),
      Math.max(1, wanted),
    );
  const sources: IdSource[] = [];
  if (key !== undefined) sources.push(ids(LIST_OF_KEY, ...digestsOfKey(key), key));
  if (attribute !== undefined) sources.push(ids(LIST_WITH_ATTRIBUTE, attribute.name, attribute.value));
  if (tenant !== undefined) sources.push(tenant === "" ? ids(LIST_WITHOUT_TENANT) : ids(LIST_OF_TENANT, tenant));
  if (workflow !== undefined || status !== undefined) {
    const kinds = kindsOf(connection, lane, workflow, status);
    const first = Math.ceil(wanted / Math.max(1, kinds.length)) + 1;
    sources.push(
      anyOf(
        kinds.map((kind) =>
          idsInPieces(
            (limit, count) =>
              connection
                .all<{ id: string }>(LIST_IN_STATUS, lane, kind.workflow, kind.status, limit, count)
                .map(({ id }) => id),
            first,
          ),
        ),
      ),
    );
  }
  return sources.length === 0 ? [ids(LIST_ALL)] : sources;
}

interface Kind {
  readonly workflow: string;
  readonly status: number;
}

/** The workflows and statuses that runs of the filter may have. */
function kindsOf(connection: Connection, lane: number, workflow?: string, status?: RunStatus): readonly Kind[] {
  if (workflow !== undefined && status !== undefined) return [{ workflow, status: statusCode(status) }];
  if (workflow !== undefined) return STATUSES.map((_, code) => ({ workflow, status: code }));
  const wanted = status === undefined ? undefined : statusCode(status);
  return connection.all<Kind>(KNOWN_KINDS, lane).filter((kind) => kind.status === wanted);
}

function timeFloor(at: number): string {
  return runIdFloor(Math.min(Math.ceil(at), TIME_MAX));
}
