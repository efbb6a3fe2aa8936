/**
 * What a file is written from, as parts of one size.
 * Invariants: however large the source, little more than a part of it is held here; it is asked for more only when the part
 * before was taken; once it is not wanted any more it is told so.
 */
import type { FileSource } from "../flow/files.ts";
import { describe } from "../value/describe.ts";
import { TenfoldError } from "../value/error.ts";

/** Bytes of a part; the last one may have fewer. */
export const PART_BYTES = 256 * 1024;

export interface SourcePart {
  readonly bytes: Uint8Array;
  readonly isLast: boolean;
}

/** How many bytes it has, where that is known before it is read. */
export function sizeOfSource(source: FileSource): number | null {
  if (typeof source === "string") return Buffer.byteLength(source);
  if (source instanceof Uint8Array) return source.byteLength;
  return source instanceof Blob ? source.size : null;
}

/**
 * Rejects with the signal's reason as soon as it aborts, whatever the source does. An empty source has one part. Pieces are copied,
 * since many sources fill the same memory again.
 */
export async function* partsOf(source: FileSource, name: string, signal: AbortSignal): AsyncGenerator<SourcePart> {
  let part = new Gathered();
  for await (const piece of piecesOf(source, name, signal)) {
    for (let left = piece; left.byteLength > 0;) {
      // A full one is kept back until more comes: it may be the last.
      if (part.length === PART_BYTES) {
        yield { bytes: part.bytes, isLast: false };
        part = new Gathered();
      }
      left = left.subarray(part.add(left));
    }
  }
  yield { bytes: part.bytes, isLast: true };
}

/** Bytes of one part, in memory that grows with them. */
class Gathered {
  #memory = new Uint8Array(0);
  length = 0;

  get bytes(): Uint8Array {
    return this.#memory.subarray(0, this.length);
  }

  /** Takes as many as there is room for; answers how many. */
  add(piece: Uint8Array): number {
    const taken = Math.min(piece.byteLength, PART_BYTES - this.length);
    const length = this.length + taken;
    if (length > this.#memory.length) {
      const larger = new Uint8Array(Math.min(PART_BYTES, Math.max(length, 2 * this.#memory.length)));
      larger.set(this.bytes);
      this.#memory = larger;
    }
    this.#memory.set(piece.subarray(0, taken), this.length);
    this.length = length;
    return taken;
  }
}

async function* piecesOf(source: FileSource, name: string, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  signal.throwIfAborted();
  if (typeof source === "string") return yield Buffer.from(source);
  if (source instanceof Uint8Array) return yield source;
  const iterator = iteratorOf(source, name);
  let fail: (reason: unknown) => void = () => {};
  const abort = (): void => fail(signal.reason);
  const nextPiece = (): Promise<IteratorResult<unknown>> =>
    new Promise((resolve, reject) => {
      fail = reject;
      iterator.next().then(resolve, reject);
    });
  signal.addEventListener("abort", abort, { once: true });
  let isAtEnd = false;
  // A text may end between the two halves of a character.
  let half = "";
  try {
    for (;;) {
      const next = await nextPiece();
      signal.throwIfAborted();
      if (next.done === true) break;
      const piece: unknown = next.value;
      if (typeof piece === "string") {
        const text = half + piece;
        half = /[\ud800-\udbff]$/.test(text) ? text.slice(-1) : "";
        yield Buffer.from(half === "" ? text : text.slice(0, -1));
      } else if (piece instanceof Uint8Array) yield piece;
      else throw notBytes(name, `a source that gave ${describe(piece)} where bytes belong`);
    }
    isAtEnd = true;
    if (half !== "") yield Buffer.from(half);
  } finally {
    signal.removeEventListener("abort", abort);
    // One that hangs is not waited for, and what it throws now is nobody's any more.
    if (!isAtEnd) void Promise.resolve(iterator.return?.()).catch(() => {});
  }
}

function iteratorOf(source: Exclude<FileSource, string | Uint8Array>, name: string): AsyncIterator<unknown> {
  const given: unknown = source instanceof Blob ? source.stream() : source;
  if (typeof given === "object" && given !== null && Symbol.asyncIterator in given) {
    return (given as AsyncIterable<unknown>)[Symbol.asyncIterator]();
  }
  throw notBytes(name, describe(source));
}

function notBytes(name: string, found: string): TenfoldError {
  return new TenfoldError(
    "FILE_INVALID",
    `${name} was to be written from ${found}; it was not kept. Give a text, a Uint8Array, a Blob, or a stream of them: a Node readable, a ReadableStream, an async iterable.`,
  );
}
