/**
 * The files of an encoded store: their bytes are encoded, and what is known of them, their names among it.
 * Invariant: a part is decoded at its own place in its own file only.
 */
import { TenfoldError } from "../../value/error.ts";
import type { FileName, FilePart, FileRecord, Files, PartAnswer } from "../files.ts";
import type { Lease } from "../store.ts";
import type { Codec, TextPlace } from "./codec.ts";
import { decodeBytes, encodeBytes } from "./encoded-bytes.ts";
import { decodeText, encodeText, isPlain } from "./encoded-text.ts";

export class EncodedFiles implements Files {
  readonly #files: Files;
  readonly #codec: Codec;

  constructor(files: Files, codec: Codec) {
    this.#files = files;
    this.#codec = codec;
  }

  write(lease: Lease, parts: readonly FilePart[], now: number): Promise<readonly PartAnswer[]> {
    const encoded = parts.map((part) => {
      const { run, file, seq, about, bytes } = part;
      return {
        ...part,
        about: encodeText(this.#codec, about, aboutPlace(run, file)),
        bytes: encodeBytes(this.#codec, bytes, partPlace(run, file, seq)),
      };
    });
    return this.#files.write(lease, encoded, now);
  }

  remove(lease: Lease, files: readonly FileName[]): Promise<void> {
    return this.#files.remove(lease, files);
  }

  async list(lane: number, runs: readonly string[]): Promise<readonly (readonly FileRecord[])[]> {
    const listed = await this.#files.list(lane, runs);
    return listed.map((records, nth) => records.map((record) => decodedFile(this.#codec, runs[nth]!, record)));
  }

  async read(
    lane: number,
    run: string,
    record: FileRecord,
    from: number,
    limit: number,
  ): Promise<readonly Uint8Array[]> {
    const parts = await this.#files.read(lane, run, record, from, limit);
    if (record.isEncoded !== true) return parts;
    return parts.map((bytes, nth) => decodeBytes(this.#codec, bytes, partPlace(run, record.file, from + nth)));
  }

  sweep(lane: number, partsMax: number): Promise<number> {
    return this.#files.sweep(lane, partsMax);
  }
}

/** Null for a codec: none, and what is encoded cannot be read. A file of the time before the codec is as it was. */
export function decodedFile(codec: Codec | null, run: string, record: FileRecord): FileRecord {
  if (record.unread !== undefined || isPlain(record.about)) return record;
  const about = decodeText(codec, record.about, aboutPlace(run, record.file));
  if (about instanceof TenfoldError) return { ...record, isEncoded: true, about: "{}", unread: about };
  return { ...record, isEncoded: true, about };
}

function aboutPlace(run: string, file: string): TextPlace {
  return { run, what: "file", which: file };
}

function partPlace(run: string, file: string, seq: number): TextPlace {
  return { run, what: "part", which: `${file} ${seq}` };
}
