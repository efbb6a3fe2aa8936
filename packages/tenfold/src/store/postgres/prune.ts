/**
 * Removes finished runs with all that belongs to them, and keeps their keys for a while; their rows are locked, in order,
 * before it decides.
 */
import { REMOVED } from "../file-state-code.ts";
import { STATUSES } from "../status-code.ts";
import type { PruneAnswer, Pruning } from "../store.ts";
import { pruneVerdicts } from "../verdict.ts";
import { plain, texts } from "./arrays.ts";
import { JOURNAL_LENGTHS, lengthsOf } from "./commit-carefully.ts";
import type { Statement, Transaction } from "./connection.ts";
import { keyColumns, sameKey, type KeyName } from "./key-columns.ts";
import { LOCK_LANE } from "./lane-row.ts";
import { TallyChanges } from "./tally-changes.ts";

/** Those that may be removed; nobody who works is waited for. */
export const LOCK_RUNS_TO_PRUNE = `
  select r.id, r.workflow, r.status, r.tenant, r.key, r.generation, r.ended_at as "endedAt"
  from tenfold.runs r
  where r.lane = $1 and r.id = any ($2::text[]) and r.ended_at < $3 order by r.id for update`;

export const RUNS_WITH_PARCELS = `
  select distinct o.run
  from tenfold.outbox o where o.lane = $1 and o.run = any ($2::text[])`;

export const KEEP_KEYS = `
  update tenfold.keys k set status = t.status, until = t.until
  from unnest($2::text[], $3::text[], $4::text[], $5::integer[], $6::smallint[], $7::bigint[])
    as t (key, workflow, tenant, generation, status, until)
  where k.lane = $1 and ${sameKey("k", "t")} and k.generation = t.generation`;

export const DROP_LINES = "delete from tenfold.journal j where j.lane = $1 and j.run = any ($2::text[])";

export const DROP_MAIL = "delete from tenfold.inbox i where i.lane = $1 and i.run = any ($2::text[])";

export const DROP_ATTRIBUTES = "delete from tenfold.attributes b where b.lane = $1 and b.run = any ($2::text[])";

/** Their parts are many, and are freed a few at a time. */
export const DROP_FILES = `
  update tenfold.files f set state = ${REMOVED}
  where f.lane = $1 and f.run = any ($2::text[]) and f.state <> ${REMOVED}`;

export const DROP_RESULTS = "delete from tenfold.tx_results x where x.lane = $1 and x.run = any ($2::text[])";

export const DROP_RUNS = "delete from tenfold.runs r where r.lane = $1 and r.id = any ($2::text[])";

/** The last run of each key whose time is over for all of its runs; past those that somebody begins again now. */
export const LOCK_KEYS_TO_FORGET = `
  select f.key, f.workflow, f.tenant
  from tenfold.keys f
  where f.lane = $1 and f.until < $2
    and not exists (
      select from tenfold.keys o
      where o.lane = $1 and ${sameKey("o", "f")}
        and (o.generation > f.generation or o.until is null or o.until >= $2))
  order by f.until, f.run limit $3 for update of f skip locked`;

/** A statement of its own: its snapshot is newer than the locks, and shows a key that was begun again before them. */
export const FORGET_KEYS = `
  delete from tenfold.keys k
  using unnest($3::text[], $4::text[], $5::text[]) as t (key, workflow, tenant)
  where k.lane = $1 and ${sameKey("k", "t")}
    and not exists (
      select from tenfold.keys o
      where o.lane = $1 and ${sameKey("o", "t")} and (o.until is null or o.until >= $2))`;

interface RowToPrune {
  readonly id: string;
  readonly workflow: string;
  readonly status: number;
  readonly tenant: string;
  readonly key: string | null;
  readonly generation: number;
  readonly endedAt: number;
}

/** Null: the lane is not here. */
export async function pruneRuns(
  { send, commit }: Transaction,
  lane: number,
  runs: readonly string[],
  pruning: Pruning,
): Promise<PruneAnswer[] | null> {
  const ids = texts(runs);
  // Parcels are looked for by a statement of its own: its snapshot has to be newer than the locks.
  const [here, locked, senders, lengths] = await send([
    { sql: LOCK_LANE, values: [lane] },
    { sql: LOCK_RUNS_TO_PRUNE, values: [lane, ids, pruning.before] },
    { sql: RUNS_WITH_PARCELS, values: [lane, ids] },
    { sql: JOURNAL_LENGTHS, values: [lane, ids] },
  ]);
  if (here!.count === 0) return null;
  const rows = new Map((locked!.rows as unknown as RowToPrune[]).map((row) => [row.id, row]));
  const parcels = new Set((senders!.rows as { run: string }[]).map(({ run }) => run));
  const lengthOf = lengthsOf(lengths!);
  const answers = pruneVerdicts(
    runs,
    (run) => {
      const row = rows.get(run);
      const [hasParcels, length] = [parcels.has(run), lengthOf.get(run) ?? 0];
      return row && { status: STATUSES[row.status]!, endedAt: row.endedAt, hasParcels, length };
    },
    pruning,
  );
  const gone = runs.filter((_, place) => answers[place] === "pruned").map((run) => rows.get(run)!);
  if (gone.length > 0) await commit(removalsOf(lane, gone, pruning));
  return answers;
}

function removalsOf(lane: number, gone: readonly RowToPrune[], { keysForMs }: Pruning): Statement[] {
  const statements: Statement[] = [];
  const keyed = gone.filter((row): row is RowToPrune & KeyName => row.key !== null);
  if (keyed.length > 0) {
    const columns = [
      ...keyColumns(keyed),
      plain(keyed.map(({ generation }) => generation)),
      plain(keyed.map(({ status }) => status)),
      plain(keyed.map(({ endedAt }) => endedAt + keysForMs)),
    ];
    statements.push({ sql: KEEP_KEYS, values: [lane, ...columns] });
  }
  const ids = texts(gone.map(({ id }) => id));
  for (const sql of [DROP_LINES, DROP_MAIL, DROP_ATTRIBUTES, DROP_FILES, DROP_RESULTS, DROP_RUNS]) {
    statements.push({ sql, values: [lane, ids] });
  }
  const changes = new TallyChanges();
  for (const { id, workflow, status } of gone) changes.add(id, workflow, status, -1);
  return [...statements, ...changes.writes(lane)];
}

/** Null: the lane is not here; "moved": a move has closed the store, which `hasMark` tells. */
export async function forgetKeys(
  { send, commit }: Transaction,
  lane: number,
  now: number,
  limit: number,
  hasMark: Statement,
): Promise<number | "moved" | null> {
  const [here, locked, mark] = await send([
    { sql: LOCK_LANE, values: [lane] },
    { sql: LOCK_KEYS_TO_FORGET, values: [lane, now, limit] },
    hasMark,
  ]);
  if (here!.count === 0) return null;
  if ((mark!.rows[0] as { there: boolean }).there) return "moved";
  const keys = locked!.rows as unknown as KeyName[];
  if (keys.length === 0) return 0;
  const [forgotten] = await commit([{ sql: FORGET_KEYS, values: [lane, now, ...keyColumns(keys)] }]);
  return forgotten!.count;
}
