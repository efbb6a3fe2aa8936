/**
 * A file as it is read from the store.
 * Invariant: what was read to its end without an error is, byte for byte, what was written.
 */
import { createHash } from "node:crypto";
import { ReadableStream as NodeStream } from "node:stream/web";
import type { FileRef, FileView, StoredFile } from "../flow/files.ts";
import type { FileRecord, Files } from "../store/files.ts";
import { TenfoldError } from "../value/error.ts";

/** Parts that are read at once. */
const PARTS_AT_ONCE = 4;

/** A file that is there, and what the store has to be told to read it. */
export interface KnownFile {
  readonly view: FileView;
  readonly record: FileRecord;
}

/** Where a file is read: `files` answers what the store does, or is asked again until it does. */
export interface FilePlace {
  readonly lane: number;
  readonly run: string;
  readonly read: Files["read"];
}

export function storedFile(place: FilePlace, known: KnownFile): StoredFile {
  const { view } = known;
  const iterate = (): AsyncGenerator<Uint8Array> => readParts(place, known);
  const bytes = async (): Promise<Uint8Array> => {
    const all = new Uint8Array(view.size);
    let length = 0;
    for await (const part of iterate()) {
      all.set(part, length);
      length += part.byteLength;
    }
    return all;
  };
  return {
    ...view,
    [Symbol.asyncIterator]: iterate,
    // Where a program has the types of browsers, those of the global stream do not know `from`.
    stream: () => NodeStream.from(iterate()) as ReadableStream<Uint8Array>,
    bytes,
    text: async () => new TextDecoder().decode(await bytes()),
  };
}

async function* readParts({ lane, run, read }: FilePlace, { view, record }: KnownFile): AsyncGenerator<Uint8Array> {
  const hash = createHash("sha256");
  let size = 0;
  for (let from = 0; from < record.parts; from += PARTS_AT_ONCE) {
    const limit = Math.min(PARTS_AT_ONCE, record.parts - from);
    const parts = await read(lane, run, record, from, limit);
    if (parts.length === 0) throw gone(run, view);
    if (parts.length < limit) throw damaged(run, view, "a part of it is missing");
    for (const part of parts) {
      size += part.byteLength;
      if (size > view.size) throw damaged(run, view, "there is more of it than was written");
      hash.update(part);
      yield part;
    }
  }
  if (size !== view.size) throw damaged(run, view, `${size} of ${view.size} bytes are there`);
  if (hash.digest("hex") !== view.sha256) throw damaged(run, view, "its bytes are not those that were written");
}

function gone(run: string, { node, name }: FileView): TenfoldError {
  return new TenfoldError(
    "FILE_UNKNOWN",
    `${name} of ${node} (run ${run}) was replaced or pruned while it was read; what was read of it is not whole. Read it again: a later attempt may have written it anew.`,
    { facts: { run, node, name } },
  );
}

function damaged(run: string, { node, name }: FileView, why: string): TenfoldError {
  return new TenfoldError(
    "STORE_CORRUPT",
    `${name} of ${node} (run ${run}) cannot be read: ${why}; use nothing of what was read. Bring the store back from a backup, or have the step write it again: \`tenfold retry\`.`,
    { facts: { run, node, name } },
  );
}

/** What a file's row tells; throws what it could not be decoded for. A file that is not whole is none. */
export function knownFile(record: FileRecord): KnownFile | undefined {
  const { file, node, about, at, unread } = record;
  if (unread !== undefined) throw unread;
  if (at === null) return undefined;
  const { name, type, size, sha256 } = JSON.parse(about) as Omit<FileRef, "file">;
  return { view: { file, name, size, type, sha256, node, at }, record };
}

/** The first written first; of one moment, by node and name. */
export function inOrder(files: readonly KnownFile[]): readonly KnownFile[] {
  const nameOf = ({ node, name }: FileView): string => `${node}/${name}`;
  return files.toSorted(({ view: a }, { view: b }) => a.at - b.at || (nameOf(a) < nameOf(b) ? -1 : 1));
}

/** The file that is meant: by id, by node and name, or by a name that one node only has; `own` node's first. */
export function findFile(files: readonly KnownFile[], meant: string | FileRef, run: string, own?: string): KnownFile {
  if (typeof meant === "object" && meant !== null) {
    const found = files.find(({ view }) => view.file === meant.file);
    if (found === undefined)
      throw unknown(
        files,
        run,
        meant.name,
        `does not have that file ${meant.name}: it was replaced since, or is another run's`,
      );
    return found;
  }
  const text = String(meant);
  const named = files.filter(({ view }) => view.name === text);
  const found = named.find(({ view }) => view.node === own) ?? (named.length === 1 ? named[0] : undefined);
  const whole = found ?? files.find(({ view }) => `${view.node}/${view.name}` === text);
  if (whole !== undefined) return whole;
  if (named.length === 0) throw unknown(files, run, text, `has no file ${text}, or not yet`);
  throw unknown(named, run, text, `has ${named.length} files called ${text}`);
}

/** Names that a message lists. */
const LISTED = 5;

function unknown(files: readonly KnownFile[], run: string, name: string, what: string): TenfoldError {
  const names = files.map(({ view }) => `${view.node}/${view.name}`);
  const more = names.length > LISTED ? `, and ${names.length - LISTED} more` : "";
  const way =
    names.length === 0
      ? "It has none at all."
      : `There are ${names.slice(0, LISTED).join(", ")}${more}: name one as it stands here.`;
  return new TenfoldError("FILE_UNKNOWN", `Run ${run} ${what}; nothing was read. ${way}`, { facts: { run, name } });
}
