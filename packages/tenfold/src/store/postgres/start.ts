/**
 * Makes runs: their rows, keys, attributes, turns and tallies. Whatever a start without a lease inserts comes from its
 * lane's row, so that it is one node's work where tables are distributed.
 */
import { RUNNING, STATUSES, WAITING } from "../status-code.ts";
import type { Lease, RunStart } from "../store.ts";
import type { LastOfKey } from "../verdict.ts";
import { joined, jsons, plain, texts } from "./arrays.ts";
import type { Answer, Statement } from "./connection.ts";
import { FENCE_ALIVE } from "./fence.ts";
import { keyColumns, sameKey, type KeyName } from "./key-columns.ts";
import { LOCK_LANE } from "./lane-row.ts";
import { TallyChanges } from "./tally-changes.ts";

/** The lane's row, if no lease is named or the lease is alive. */
const LANE = `a.lane = $1 and ($2::text is null or exists (
    select from tenfold.leases l where l.lane = $1 and l.owner = $2 and l.is_alive))`;

/**
 * Start-time fair queuing: a tenant's next turn comes after its last, and not before the turn that is served now,
 * which is the one without a tenant.
 */
const NEXT_TURN = `
  greatest(
    coalesce((select max(u.turn) from tenfold.turns u where u.lane = $1 and u.tenant is null), 0),
    coalesce((select max(u.turn) from tenfold.turns u where u.lane = $1 and u.tenant = b.tenant), 0))`;

export const INSERT_RUNS = `
  with bases as (
    select array(select ${NEXT_TURN} from unnest($15::text[]) with ordinality as b (tenant, nth) order by b.nth) as turns)
  insert into tenfold.runs (
    lane, id, workflow, status, owner, wake_at, turn, mail, deaths, tenant, key, generation, graph, input)
  select a.lane, t.id, t.workflow, t.status, t.owner, t.wake_at, b.turns[t.turn_of] + t.nth, 0, 0, t.tenant, t.key,
    t.generation, t.graph, t.input
  from tenfold.lanes a, bases b,
    unnest($3::text[], $4::text[], $5::smallint[], $6::text[], $7::bigint[], $8::integer[], $9::text[], $10::text[],
        $11::integer[], $12::text[], ${jsons("$13")}, $14::integer[])
      as t (id, workflow, status, owner, wake_at, nth, tenant, key, generation, graph, input, turn_of)
  where ${LANE}`;

export const INSERT_KEYS = `
  insert into tenfold.keys (lane, key, workflow, tenant, generation, run, input_hash)
  select a.lane, t.key, t.workflow, t.tenant, t.generation, t.run, t.input_hash
  from tenfold.lanes a,
    unnest($3::text[], $4::text[], $5::text[], $6::integer[], $7::text[], $8::text[])
      as t (key, workflow, tenant, generation, run, input_hash)
  where ${LANE}`;

/** Those of them that are new: another transaction that has one of them is waited for, and harms nothing. */
export const TAKE_KEYS = `${INSERT_KEYS}
  on conflict (lane, key, workflow, tenant, generation) do nothing
  returning run`;

export const INSERT_ATTRIBUTES = `
  insert into tenfold.attributes (lane, name, value, run)
  select a.lane, t.name, t.value, t.run
  from tenfold.lanes a, unnest($3::text[], $4::text[], $5::text[]) as t (name, value, run)
  where ${LANE}`;

export const TAKE_TURNS = `
  insert into tenfold.turns (lane, tenant, turn)
  select a.lane, b.tenant, b.taken + ${NEXT_TURN}
  from tenfold.lanes a, unnest($3::text[], $4::integer[]) as b (tenant, taken)
  where ${LANE}`;

export const COUNT_STARTED = `
  insert into tenfold.tally_changes (lane, minute, workflow, status, runs)
  select a.lane, t.minute, t.workflow, t.status, t.runs
  from tenfold.lanes a, unnest($3::bigint[], $4::text[], $5::smallint[], $6::integer[]) as t (minute, workflow, status, runs)
  where ${LANE}`;

export const KNOWN_STARTS = `select r.id from tenfold.runs r where r.lane = $1 and r.id = any ($2::text[])`;

/** The status of a run that was removed stands with its key. */
export const LAST_OF_KEYS = `
  select t.nth, k.run, k.generation, k.input_hash as "inputHash", coalesce(k.status, r.status) as status, r.mail
  from unnest($2::integer[], $3::text[], $4::text[], $5::text[]) as t (nth, key, workflow, tenant)
    cross join lateral (
      select k.run, k.generation, k.input_hash, k.status
      from tenfold.keys k
      where k.lane = $1 and ${sameKey("k", "t")}
      order by k.generation desc limit 1) as k
    left join tenfold.runs r on r.lane = $1 and r.id = k.run`;

/** The run before a new one of the same key, as long as that is being written: a key is forgotten before, or not at all. */
export const LOCK_LAST_OF_KEYS = `
  select 1 as held
  from tenfold.keys k
    join unnest($2::text[], $3::text[], $4::text[], $5::integer[]) as t (key, workflow, tenant, generation)
      on ${sameKey("k", "t")} and k.generation = t.generation - 1
  where k.lane = $1 for key share of k`;

/** How long (ms) a key is waited for that another transaction has: a batch waits longer than it takes to take it apart. */
export const WAIT_A_LITTLE = "set local lock_timeout = 50";
export const WAIT_HARDLY = "set local lock_timeout = 10";

export interface Starting {
  readonly lease: Lease | null;
  readonly now: number;
}

/** A start that is new, with the generation of its key. */
export interface NewStart {
  readonly start: RunStart;
  readonly generation: number;
}

/** The statements that write these, none of which is known; the first is the fence. */
export function insertsOf(
  lane: number,
  starts: readonly NewStart[],
  starting: Starting,
  patience: string,
): Statement[] {
  const statements = [fenceOf(lane, starting.lease)];
  if (starts.length === 0) return statements;
  const keys = keysOf(lane, starts, starting.lease);
  if (keys !== null) statements.push({ sql: patience, values: [] }, { sql: INSERT_KEYS, values: keys });
  return [...statements, ...rowsOf(lane, starts, starting)];
}

/** Those that begin a key again, and the statement that answers as many rows while none of their keys was forgotten. */
export function lockBefore(
  lane: number,
  starts: readonly NewStart[],
): { readonly again: readonly NewStart[]; readonly lock: Statement } {
  const again = starts.filter(({ generation }) => generation > 1);
  const columns = [...keyColumns(again.map(keyNameOf)), plain(again.map(({ generation }) => generation))];
  return { again, lock: { sql: LOCK_LAST_OF_KEYS, values: [lane, ...columns] } };
}

function keyNameOf({ start: { key, workflow, tenant } }: NewStart): KeyName {
  return { key: key!.key, workflow, tenant };
}

/** The values of INSERT_KEYS and TAKE_KEYS; null: no start has a key. */
export function keysOf(lane: number, starts: readonly NewStart[], lease: Lease | null): unknown[] | null {
  const keyed = starts.filter(({ start }) => start.key !== null);
  if (keyed.length === 0) return null;
  return [
    lane,
    lease?.owner ?? null,
    ...keyColumns(keyed.map(keyNameOf)),
    plain(keyed.map(({ generation }) => generation)),
    texts(keyed.map(({ start }) => start.id)),
    texts(keyed.map(({ start }) => start.key!.inputHash)),
  ];
}

/** The statements that write all but the keys. */
export function rowsOf(lane: number, starts: readonly NewStart[], { lease, now }: Starting): Statement[] {
  const statements: Statement[] = [];
  const add = (sql: string, ...columns: string[]): void =>
    void statements.push({ sql, values: [lane, lease?.owner ?? null, ...columns] });
  const taken = new Map<string, number>();
  const rows = starts.map(({ start, generation }) => {
    const isDue = start.at === null || start.at <= now;
    const isOwned = isDue && lease !== null;
    const isInLine = isDue && !isOwned;
    const nth = isInLine ? (taken.get(start.tenant) ?? 0) : null;
    if (nth !== null) taken.set(start.tenant, nth + 1);
    return { start, generation, nth, isOwned, wakeAt: isDue ? null : start.at };
  });
  const placeOf = new Map([...taken.keys()].map((tenant, index) => [tenant, index + 1]));
  add(
    INSERT_RUNS,
    texts(rows.map(({ start }) => start.id)),
    texts(rows.map(({ start }) => start.workflow)),
    plain(rows.map(({ isOwned }) => (isOwned ? RUNNING : WAITING))),
    texts(rows.map(({ isOwned }) => (isOwned ? lease!.owner : null))),
    plain(rows.map(({ wakeAt }) => wakeAt)),
    plain(rows.map(({ nth }) => nth)),
    texts(rows.map(({ start }) => start.tenant)),
    texts(rows.map(({ start }) => start.key?.key ?? null)),
    plain(rows.map(({ generation }) => generation)),
    texts(rows.map(({ start }) => start.graph)),
    joined(rows.map(({ start }) => start.input)),
    plain(rows.map(({ start, nth }) => (nth === null ? null : placeOf.get(start.tenant)!))),
    texts([...taken.keys()]),
  );
  const attributes = starts.flatMap(({ start }) => attributesOf(start.id, start));
  if (attributes.length > 0) add(INSERT_ATTRIBUTES, ...attributeColumns(attributes));
  if (taken.size > 0) add(TAKE_TURNS, texts([...taken.keys()]), plain([...taken.values()]));
  const counts = new TallyChanges();
  for (const { start, isOwned } of rows) counts.add(start.id, start.workflow, isOwned ? RUNNING : WAITING, 1);
  add(COUNT_STARTED, ...counts.columns());
  return statements;
}

interface RunAttribute {
  readonly name: string;
  readonly value: string;
  readonly run: string;
}

/** Those that a run gets with a start, each name once. */
export function attributesOf(run: string, { attributes }: RunStart): readonly RunAttribute[] {
  return [...new Map(attributes.map(({ name, value }) => [name, { name, value, run }])).values()];
}

/** The columns of INSERT_ATTRIBUTES. */
export function attributeColumns(attributes: readonly RunAttribute[]): [string, string, string] {
  return [
    texts(attributes.map(({ name }) => name)),
    texts(attributes.map(({ value }) => value)),
    texts(attributes.map(({ run }) => run)),
  ];
}

/** What the other statements depend on: the lease, or the lane itself. */
export function fenceOf(lane: number, lease: Lease | null): Statement {
  return lease === null ? { sql: LOCK_LANE, values: [lane] } : { sql: FENCE_ALIVE, values: [lane, lease.owner] };
}

/** Whether a transaction found the lease that fences it, or the lane. */
export function foundFence(answers: readonly Answer[]): boolean {
  return answers[0]!.count > 0;
}

/** What `LAST_OF_KEYS` answers of one. */
export interface LastOfKeyRow extends Omit<LastOfKey, "status"> {
  readonly status: number;
}

export function lastOfKey(row: LastOfKeyRow): LastOfKey {
  return { ...row, status: STATUSES[row.status]! };
}
