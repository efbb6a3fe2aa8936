/**
 * The Postgres store's files, on a connection of their own: each verb is one transaction of one lane, of which the callers
 * keep the size.
 * Invariant: the rows of the runs that parts belong to are held while parts are written, so that each part is written before its
 * run leaves its owner, or not at all.
 */
import { BEGUN, FILE_STATES, REMOVED, WHOLE } from "../file-state-code.ts";
import { partAnswer, type FileName, type FilePart, type FileRecord, type Files, type PartAnswer } from "../files.ts";
import { movedMeanwhile } from "../moving.ts";
import type { Lease, LeaseLost } from "../store.ts";
import { joined, jsons, plain, texts } from "./arrays.ts";
import type { Connection, Statement } from "./connection.ts";
import { FENCE_ALIVE } from "./fence.ts";
import { LaneGone, LOCK_LANE } from "./lane-row.ts";
import { hasMark } from "./move-mark.ts";

export const LOCK_OWNED_RUNS = `
  select r.id
  from tenfold.runs r where r.lane = $1 and r.owner = $2 and r.id = any ($3::text[]) order by r.id for share`;

export const BEGIN_FILES = `
  insert into tenfold.files (lane, run, file, node, about, parts, state, at)
  select l.lane, t.run, t.file, t.node, t.about, 0, ${BEGUN}, null
  from tenfold.leases l, tenfold.runs r,
    unnest($3::text[], $4::text[], $5::text[], ${jsons("$6")}) as t (run, file, node, about)
  where l.lane = $1 and l.owner = $2 and l.is_alive and r.lane = $1 and r.id = t.run and r.owner = $2
  on conflict (lane, run, file) do nothing`;

export const KEEP_PARTS = `
  insert into tenfold.file_parts (lane, run, file, seq, bytes)
  select l.lane, t.run, t.file, t.seq, decode(t.bytes, 'base64')
  from tenfold.leases l, tenfold.runs r, tenfold.files f,
    unnest($3::text[], $4::text[], $5::integer[], $6::text[]) as t (run, file, seq, bytes)
  where l.lane = $1 and l.owner = $2 and l.is_alive and r.lane = $1 and r.id = t.run and r.owner = $2
    and f.lane = $1 and f.run = t.run and f.file = t.file and f.state = ${BEGUN}
  on conflict (lane, run, file, seq) do nothing`;

export const END_FILES = `
  update tenfold.files f set about = t.about, parts = t.seq + 1, state = ${WHOLE}, at = $7
  from unnest($3::text[], $4::text[], $5::integer[], ${jsons("$6")}) as t (run, file, seq, about)
  where f.lane = $1 and f.run = t.run and f.file = t.file and f.state = ${BEGUN}
    and exists (select from tenfold.leases l where l.lane = $1 and l.owner = $2 and l.is_alive)
    and exists (select from tenfold.runs r where r.lane = $1 and r.id = t.run and r.owner = $2)
    and t.seq + 1 = (select count(*) from tenfold.file_parts p where p.lane = $1 and p.run = t.run and p.file = t.file)`;

/** What a part takes the place of, if that is there. */
export const REPLACE_FILES = `
  update tenfold.files f set state = ${REMOVED}
  from unnest($3::text[], $4::text[], $5::text[], $6::smallint[]) as t (run, file, by_file, least)
  where f.lane = $1 and f.run = t.run and f.file = t.file and f.state <> ${REMOVED}
    and exists (select from tenfold.leases l where l.lane = $1 and l.owner = $2 and l.is_alive)
    and exists (select from tenfold.runs r where r.lane = $1 and r.id = t.run and r.owner = $2)
    and exists (
      select from tenfold.files b
      where b.lane = $1 and b.run = t.run and b.file = t.by_file and b.state between t.least and ${WHOLE})`;

export const REMOVE_FILES = `
  update tenfold.files f set state = ${REMOVED}
  from unnest($3::text[], $4::text[]) as t (run, file)
  where f.lane = $1 and f.run = t.run and f.file = t.file and f.state <> ${REMOVED}
    and exists (select from tenfold.leases l where l.lane = $1 and l.owner = $2 and l.is_alive)
    and exists (select from tenfold.runs r where r.lane = $1 and r.id = t.run and r.owner = $2)`;

export const FILES_WRITTEN = `
  select t.nth, r.id is not null as "isOwned", f.state, p.seq is not null as "hasPart"
  from unnest($3::text[], $4::text[], $5::integer[], $6::integer[]) as t (run, file, seq, nth)
    left join tenfold.runs r on r.lane = $1 and r.id = t.run and r.owner = $2
    left join tenfold.files f on f.lane = $1 and f.run = t.run and f.file = t.file
    left join tenfold.file_parts p on p.lane = $1 and p.run = t.run and p.file = t.file and p.seq = t.seq`;

export const FILES_OF_RUNS = `
  select f.run, f.file, f.node, f.about, f.parts, f.at
  from tenfold.files f where f.lane = $1 and f.run = any ($2::text[]) and f.state <> ${REMOVED} order by f.run, f.file`;

export const READ_PARTS = `
  select encode(p.bytes, 'base64') as bytes
  from tenfold.files f join tenfold.file_parts p on p.lane = $1 and p.run = f.run and p.file = f.file
  where f.lane = $1 and f.run = $2 and f.file = $3 and f.state = ${WHOLE} and p.seq >= $4 order by p.seq limit $5`;

export const LOCK_FILES_TO_SWEEP = `
  select f.run, f.file
  from tenfold.files f where f.lane = $1 and f.state = ${REMOVED} order by f.run, f.file limit $2 for update skip locked`;

export const PARTS_TO_SWEEP = `
  select p.run, p.file, p.seq
  from unnest($2::text[], $3::text[]) as t (run, file)
    join tenfold.file_parts p on p.lane = $1 and p.run = t.run and p.file = t.file
  order by p.run, p.file, p.seq limit $4`;

export const SWEEP_PARTS = `
  delete from tenfold.file_parts p
  using unnest($2::text[], $3::text[], $4::integer[]) as t (run, file, seq)
  where p.lane = $1 and p.run = t.run and p.file = t.file and p.seq = t.seq`;

/** Those of which no part is left. */
export const SWEEP_FILES = `
  delete from tenfold.files f
  using unnest($2::text[], $3::text[]) as t (run, file)
  where f.lane = $1 and f.run = t.run and f.file = t.file and f.state = ${REMOVED}
    and not exists (select from tenfold.file_parts p where p.lane = $1 and p.run = t.run and p.file = t.file)`;

/** Files that are looked at in one sweep. */
const FILES_PER_SWEEP = 100;

export class PostgresFiles implements Files {
  readonly #connection: Connection;
  readonly #store: string;
  readonly #lost: (lease: Lease) => LeaseLost;

  /** `store` is its name, as a person would say it; `lost` is told that a lease is dead. */
  constructor(connection: Connection, store: string, lost: (lease: Lease) => LeaseLost) {
    this.#connection = connection;
    this.#store = store;
    this.#lost = lost;
  }

  async write(lease: Lease, parts: readonly FilePart[], now: number): Promise<readonly PartAnswer[]> {
    if (parts.length === 0) return [];
    const by = [lease.lane, lease.owner];
    // Each by a statement of its own: its snapshot shows what those before it have written.
    const [alive, , ...answers] = await this.#connection.send([
      { sql: FENCE_ALIVE, values: by },
      { sql: LOCK_OWNED_RUNS, values: [...by, texts([...new Set(parts.map(({ run }) => run))])] },
      ...writesOf(by, parts, now),
    ]);
    if (alive!.count === 0) throw this.#lost(lease);
    const rows = answers.at(-1)!.rows as unknown as {
      nth: number;
      isOwned: boolean;
      state: number;
      hasPart: boolean;
    }[];
    const byPlace = new Map(rows.map((row) => [row.nth, row]));
    return parts.map((part, nth) => {
      const { isOwned, hasPart, state } = byPlace.get(nth)!;
      return partAnswer(part, { isOwned, hasPart, state: FILE_STATES[state] });
    });
  }

  async remove(lease: Lease, files: readonly FileName[]): Promise<void> {
    const by = [lease.lane, lease.owner];
    const [alive] = await this.#connection.send([
      { sql: FENCE_ALIVE, values: by },
      { sql: REMOVE_FILES, values: [...by, ...namesOf(files)] },
    ]);
    if (alive!.count === 0) throw this.#lost(lease);
  }

  async list(lane: number, runs: readonly string[]): Promise<readonly (readonly FileRecord[])[]> {
    const rows = await this.#connection.rows<FileRecord & { run: string }>(FILES_OF_RUNS, lane, texts(runs));
    const byRun = Map.groupBy(rows, ({ run }) => run);
    return runs.map((run) => (byRun.get(run) ?? []).map(({ run: _run, ...record }) => record));
  }

  async read(
    lane: number,
    run: string,
    { file }: FileRecord,
    from: number,
    limit: number,
  ): Promise<readonly Uint8Array[]> {
    const rows = await this.#connection.rows<{ bytes: string }>(READ_PARTS, lane, run, file, from, limit);
    return rows.map(({ bytes }) => new Uint8Array(Buffer.from(bytes, "base64")));
  }

  async sweep(lane: number, partsMax: number): Promise<number> {
    const mark = hasMark(this.#connection);
    const swept = await this.#connection.transaction(async ({ send, commit }) => {
      const [here, locked, moved] = await send([
        { sql: LOCK_LANE, values: [lane] },
        { sql: LOCK_FILES_TO_SWEEP, values: [lane, FILES_PER_SWEEP] },
        mark,
      ]);
      if (here!.count === 0) throw new LaneGone(lane, this.#store);
      if ((moved!.rows[0] as { there: boolean }).there) throw movedMeanwhile(this.#store, undefined);
      const names = namesOf(locked!.rows as unknown as FileName[]);
      if (locked!.count === 0) return 0;
      const [found] = await send([{ sql: PARTS_TO_SWEEP, values: [lane, ...names, partsMax] }]);
      const parts = found!.rows as unknown as (FileName & { seq: number })[];
      const swept = { sql: SWEEP_PARTS, values: [lane, ...namesOf(parts), plain(parts.map(({ seq }) => seq))] };
      const [freed, files] = await commit([swept, { sql: SWEEP_FILES, values: [lane, ...names] }]);
      return freed!.count + files!.count;
    });
    return swept;
  }
}

/** What writes the parts; the last statement answers what has become of each. */
function writesOf(by: readonly unknown[], parts: readonly FilePart[], now: number): Statement[] {
  const statements: Statement[] = [];
  const begun = parts.filter(({ seq }) => seq === 0);
  if (begun.length > 0) {
    const values = [...namesOf(begun), texts(begun.map(({ node }) => node)), aboutOf(begun)];
    statements.push({ sql: BEGIN_FILES, values: [...by, ...values] });
  }
  const places = plain(parts.map(({ seq }) => seq));
  const bytes = texts(parts.map((part) => base64Of(part.bytes)));
  statements.push({ sql: KEEP_PARTS, values: [...by, ...namesOf(parts), places, bytes] });
  const last = parts.filter(({ isLast }) => isLast);
  if (last.length > 0) {
    const values = [...namesOf(last), plain(last.map(({ seq }) => seq)), aboutOf(last), now];
    statements.push({ sql: END_FILES, values: [...by, ...values] });
  }
  const removed = parts.flatMap(({ run, file: writer, isLast, removes }) =>
    removes.map((file) => ({ run, file, writer, least: isLast ? WHOLE : BEGUN })),
  );
  if (removed.length > 0) {
    const values = [texts(removed.map(({ writer }) => writer)), plain(removed.map(({ least }) => least))];
    statements.push({ sql: REPLACE_FILES, values: [...by, ...namesOf(removed), ...values] });
  }
  const nth = plain(parts.map((_, place) => place));
  return [...statements, { sql: FILES_WRITTEN, values: [...by, ...namesOf(parts), places, nth] }];
}

function namesOf(files: readonly FileName[]): [string, string] {
  return [texts(files.map(({ run }) => run)), texts(files.map(({ file }) => file))];
}

function aboutOf(parts: readonly FilePart[]): string {
  return joined(parts.map(({ about }) => about));
}

function base64Of(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("base64");
}
