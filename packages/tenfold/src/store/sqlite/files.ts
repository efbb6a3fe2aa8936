/** The SQLite store's files: each verb is one transaction, of which the callers keep the size. */
import { partAnswer, type FileName, type FilePart, type FileRecord, type Files, type PartAnswer } from "../files.ts";
import { BEGUN, FILE_STATES, REMOVED, WHOLE } from "../file-state-code.ts";
import type { Lease } from "../store.ts";
import type { Connection } from "./connection.ts";
import type { LiveLease } from "./held-runs.ts";

export const RUN_IS_OWNED = "select 1 from runs where lane = ? and id = ? and owner = ?";

export const BEGIN_FILE = `
  insert into files (lane, run, file, node, about, parts, state, at) values (?, ?, ?, ?, ?, 0, ${BEGUN}, null)
  on conflict (lane, run, file) do nothing`;

export const FILE_STATE = "select state from files where lane = ? and run = ? and file = ?";

export const KEEP_PART = `
  insert into file_parts (lane, run, file, seq, bytes) values (?, ?, ?, ?, ?)
  on conflict (lane, run, file, seq) do nothing`;

export const HAS_PART = "select 1 from file_parts where lane = ? and run = ? and file = ? and seq = ?";

export const END_FILE = `
  update files set about = ?4, parts = ?5, state = ${WHOLE}, at = ?6
  where lane = ?1 and run = ?2 and file = ?3 and state = ${BEGUN}
    and ?5 = (select count(*) from file_parts p where p.lane = ?1 and p.run = ?2 and p.file = ?3)`;

export const REMOVE_FILE = `
  update files set state = ${REMOVED} where lane = ? and run = ? and file = ? and state <> ${REMOVED}`;

export const FILES_OF_RUN = `
  select file, node, about, parts, at
  from files where lane = ? and run = ? and state <> ${REMOVED} order by file`;

export const READ_PARTS = `
  select p.bytes
  from files f join file_parts p on p.lane = f.lane and p.run = f.run and p.file = f.file
  where f.lane = ? and f.run = ? and f.file = ? and f.state = ${WHOLE} and p.seq >= ? order by p.seq limit ?`;

export const FILES_TO_SWEEP = `
  select run, file from files where lane = ? and state = ${REMOVED} order by run, file limit ?`;

export const SWEEP_PARTS = `
  delete from file_parts where rowid in (
    select p.rowid from file_parts p where p.lane = ? and p.run = ? and p.file = ? limit ?)`;

export const SWEEP_FILE = "delete from files where lane = ? and run = ? and file = ?";

/** How a lane's files are read and written. */
export interface FileAccess {
  readonly read: <T>(lane: number, act: (connection: Connection) => T) => Promise<T>;
  readonly write: <T>(lane: number, act: (connection: Connection) => T) => Promise<T>;
  readonly live: (lease: Lease) => LiveLease;
}

export class SqliteFiles implements Files {
  readonly #access: FileAccess;

  constructor(access: FileAccess) {
    this.#access = access;
  }

  async write(lease: Lease, parts: readonly FilePart[], now: number): Promise<readonly PartAnswer[]> {
    const { lane } = lease;
    return this.#access.write(lane, (connection) => {
      const { number } = this.#access.live(lease);
      return parts.map((part) => writePart(connection, lane, number, part, now));
    });
  }

  async remove(lease: Lease, files: readonly FileName[]): Promise<void> {
    const { lane } = lease;
    await this.#access.write(lane, (connection) => {
      const { number } = this.#access.live(lease);
      for (const { run, file } of files) {
        if (connection.get(RUN_IS_OWNED, lane, run, number) !== undefined) connection.run(REMOVE_FILE, lane, run, file);
      }
    });
  }

  async list(lane: number, runs: readonly string[]): Promise<readonly (readonly FileRecord[])[]> {
    return this.#access.read(lane, (connection) =>
      runs.map((run) => connection.objects<FileRecord>(FILES_OF_RUN, lane, run)),
    );
  }

  async read(
    lane: number,
    run: string,
    { file }: FileRecord,
    from: number,
    limit: number,
  ): Promise<readonly Uint8Array[]> {
    return this.#access.read(lane, (connection) =>
      connection.all<{ bytes: Uint8Array }>(READ_PARTS, lane, run, file, from, limit).map(({ bytes }) => bytes),
    );
  }

  async sweep(lane: number, partsMax: number): Promise<number> {
    return this.#access.write(lane, (connection) => {
      let freed = 0;
      for (const { run, file } of connection.all<FileName>(FILES_TO_SWEEP, lane, partsMax)) {
        const left = partsMax - freed;
        if (left <= 0) break;
        const parts = connection.run(SWEEP_PARTS, lane, run, file, left);
        freed += parts;
        if (parts < left) freed += connection.run(SWEEP_FILE, lane, run, file);
      }
      return freed;
    });
  }
}

function writePart(connection: Connection, lane: number, owner: number, part: FilePart, now: number): PartAnswer {
  const { run, file, node, about, seq, bytes, isLast, removes } = part;
  const isOwned = connection.get(RUN_IS_OWNED, lane, run, owner) !== undefined;
  if (!isOwned) return "lost";
  const stateOf = (): number | undefined => connection.get<{ state: number }>(FILE_STATE, lane, run, file)?.state;
  if (seq === 0) connection.run(BEGIN_FILE, lane, run, file, node, about);
  if (stateOf() === BEGUN) {
    connection.run(KEEP_PART, lane, run, file, seq, bytes);
    if (isLast) connection.run(END_FILE, lane, run, file, about, seq + 1, now);
  }
  const hasPart = connection.get(HAS_PART, lane, run, file, seq) !== undefined;
  const answer = partAnswer(part, { isOwned, hasPart, state: FILE_STATES[stateOf() ?? -1] });
  if (answer === "written") for (const other of removes) connection.run(REMOVE_FILE, lane, run, other);
  return answer;
}
