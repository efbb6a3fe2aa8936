/**
 * Has starts take the place of runs that have not begun. Their rows are locked, in order, and looked at once more: a run that was
 * claimed since, or got mail, is left alone.
 */
import type { RunStart } from "../store.ts";
import { STATUSES } from "../status-code.ts";
import { canBePostponed, inPlaceOf, postponedTo } from "../verdict.ts";
import { joined, jsons, plain, texts } from "./arrays.ts";
import type { Statement, Transaction } from "./connection.ts";
import { keyColumns, sameKey } from "./key-columns.ts";
import { DROP_ATTRIBUTES } from "./prune.ts";
import { attributeColumns, attributesOf, INSERT_ATTRIBUTES, type NewStart, type Starting } from "./start.ts";

export const LOCK_TO_POSTPONE = `
  select r.id, r.status, r.mail, r.wake_at as "wakeAt"
  from tenfold.runs r where r.lane = $1 and r.id = any ($2::text[]) order by r.id for update`;

export const POSTPONE_RUNS = `
  update tenfold.runs r
  set wake_at = t.wake_at, graph = t.graph, input = t.input
  from unnest($2::text[], $3::bigint[], $4::text[], ${jsons("$5")}) as t (id, wake_at, graph, input)
  where r.lane = $1 and r.id = t.id`;

export const CHANGE_KEYS = `
  update tenfold.keys k
  set input_hash = t.input_hash
  from unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[]) as t (key, workflow, tenant, run, input_hash)
  where k.lane = $1 and ${sameKey("k", "t")} and k.run = t.run`;

interface Locked {
  readonly id: string;
  readonly status: number;
  readonly mail: number;
  readonly wakeAt: number | null;
}

/** A start that takes the place of one before it in the same batch. */
export function postponedStart({ start: first, generation }: NewStart, last: RunStart, now: number): NewStart {
  const { id, at, key } = first;
  const isDue = at === null || at <= now;
  const { graph, attributes } = last;
  const start = {
    ...{ ...first, graph, attributes, input: inPlaceOf(id, last) },
    key: { ...key!, inputHash: last.key!.inputHash },
    at: isDue ? at : postponedTo(at, id, [last], now),
  };
  return { start, generation };
}

/** The statements that write it, once the runs are locked; `postponed` are starts, in order, by their runs. */
export async function postponeRuns(
  { send }: Transaction,
  lane: number,
  postponed: ReadonlyMap<string, readonly RunStart[]>,
  { lease, now }: Starting,
  patience: string,
): Promise<readonly Statement[] | "again"> {
  if (postponed.size === 0) return [];
  const ids = texts([...postponed.keys()]);
  const [, found] = await send([
    { sql: patience, values: [] },
    { sql: LOCK_TO_POSTPONE, values: [lane, ids] },
  ]);
  const locked = found!.rows as unknown as readonly Locked[];
  const isLeft = (row: Locked): boolean => canBePostponed({ ...row, status: STATUSES[row.status]! });
  if (locked.length < postponed.size || !locked.every(isLeft)) return "again";
  const changes = locked.map(({ id, wakeAt }) => {
    const starts = postponed.get(id)!;
    return { id, wakeAt: postponedTo(wakeAt, id, starts, now), last: starts.at(-1)! };
  });
  const attributes = changes.flatMap(({ id, last }) => attributesOf(id, last));
  const insert = { sql: INSERT_ATTRIBUTES, values: [lane, lease?.owner ?? null, ...attributeColumns(attributes)] };
  return [
    {
      sql: POSTPONE_RUNS,
      values: [
        lane,
        texts(changes.map(({ id }) => id)),
        plain(changes.map(({ wakeAt }) => wakeAt)),
        texts(changes.map(({ last }) => last.graph)),
        joined(changes.map(({ id, last }) => inPlaceOf(id, last))),
      ],
    },
    {
      sql: CHANGE_KEYS,
      values: [
        lane,
        ...keyColumns(changes.map(({ last: { key, workflow, tenant } }) => ({ key: key!.key, workflow, tenant }))),
        texts(changes.map(({ id }) => id)),
        texts(changes.map(({ last }) => last.key!.inputHash)),
      ],
    },
    { sql: DROP_ATTRIBUTES, values: [lane, ids] },
    ...(attributes.length === 0 ? [] : [insert]),
  ];
}
