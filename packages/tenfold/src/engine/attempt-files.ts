/**
 * The files of a run as the body of one attempt has them.
 * Invariants: what is not whole when the attempt is over, or told to stop, is not kept; of a file that is written at most one
 * part is on its way while the next is gathered.
 */
import { createHash } from "node:crypto";
import type { FileRef, FileSource, FileView, StepFiles, StoredFile } from "../flow/files.ts";
import type { PartAnswer } from "../store/files.ts";
import { TenfoldError } from "../value/error.ts";
import { checkFileName, checkFileType } from "../value/file-name.ts";
import { checkOptions, CHECKED_APART } from "./caller-checks.ts";
import { partsOf, sizeOfSource } from "./file-source.ts";
import type { RunFiles, Writing } from "./run-files.ts";
import { findFile, storedFile } from "./stored-file.ts";

/** Bytes of one file. */
export const FILE_BYTES_MAX = 64 * 1024 * 1024;

interface WriteOptions {
  readonly type?: string;
}

export class AttemptFiles implements StepFiles {
  readonly #files: RunFiles;
  readonly #run: string;
  readonly #node: string;
  readonly #settled = new AbortController();
  readonly #signal: AbortSignal;
  /** Names of those that are being written. */
  readonly #open = new Set<string>();
  /** Names of those that could not be. */
  readonly #failed = new Set<string>();

  constructor(files: RunFiles, { run, node, signal }: { run: string; node: string; signal: AbortSignal }) {
    this.#files = files;
    this.#run = run;
    this.#node = node;
    this.#signal = AbortSignal.any([signal, this.#settled.signal]);
  }

  // Functions of their own, so that a body may take them apart: `const { write } = ctx.files`.

  readonly write = (name: string, source: FileSource, options: WriteOptions = {}): Promise<FileRef> => {
    // A body that does not wait for it is told by the log, from here on: nobody else would hear of it.
    this.#open.add(String(name));
    const writing = this.#write(name, source, options);
    writing.then(
      () => this.#failed.delete(name),
      () => {
        this.#open.delete(String(name));
        this.#failed.add(String(name));
      },
    );
    return writing;
  };

  readonly read = async (file: string | FileRef): Promise<StoredFile> => {
    const known = findFile(await this.#files.list(this.#signal), file, this.#run, this.#node);
    return storedFile(this.#files.placeOf(this.#signal), known);
  };

  readonly list = async (): Promise<readonly FileView[]> => {
    return (await this.#files.list(this.#signal)).map(({ view }) => view);
  };

  /** The body has settled; answers the names of files that are not kept: it did not wait for them, or they failed. */
  close(): readonly string[] {
    const open = [...this.#open];
    this.#settled.abort(overAlready(this.#node, open));
    return [...open, ...this.#failed];
  }

  async #write(given: string, source: FileSource, options: WriteOptions): Promise<FileRef> {
    const name = checkFileName(given);
    checkOptions("`ctx.files.write`", options, { type: CHECKED_APART }, "nothing was written");
    const type = checkFileType(options.type ?? (source instanceof Blob ? source.type : null), name);
    if ((sizeOfSource(source) ?? 0) > FILE_BYTES_MAX) throw tooLarge(this.#node, name);
    this.#signal.throwIfAborted();
    await this.#unlessStopped(this.#files.loaded());
    const writing = this.#files.begin(this.#node, name);
    this.#open.add(name);
    let sent: Promise<PartAnswer> | null = null;
    try {
      const ref = await this.#send(writing, source, type, (answer) => (sent = answer));
      this.#files.kept(writing);
      return ref;
    } catch (thrown) {
      this.#files.dropped(writing, sent);
      throw thrown;
    } finally {
      this.#open.delete(name);
    }
  }

  async #send(
    writing: Writing,
    source: FileSource,
    type: string | null,
    sends: (answer: Promise<PartAnswer>) => void,
  ): Promise<FileRef> {
    const { file, node, name, left } = writing;
    const hash = createHash("sha256");
    let size = 0;
    let seq = 0;
    let sha256 = "";
    let sending: Promise<void> = Promise.resolve();
    for await (const { bytes, isLast } of partsOf(source, name, this.#signal)) {
      size += bytes.byteLength;
      if (size > FILE_BYTES_MAX) throw tooLarge(node, name);
      hash.update(bytes);
      await sending;
      if (isLast) sha256 = hash.digest("hex");
      const about = JSON.stringify(isLast ? { name, type, size, sha256 } : { name, type });
      const removes = [...(seq === 0 ? left : []), ...(isLast ? this.#files.replacedBy(writing) : [])];
      const answer = this.#files.send({ file, node, about, seq: seq++, bytes, isLast, removes }, this.#signal);
      sends(answer);
      sending = this.#unlessStopped(answer).then((told) => {
        if (told !== "written") throw notKept(node, name, told);
      });
      // Its failure is found where it is waited for.
      sending.catch(() => {});
    }
    await sending;
    return { file, name, size, type, sha256 };
  }

  /** What is on its way is not waited for once the attempt is to stop. */
  async #unlessStopped<T>(answer: Promise<T>): Promise<T> {
    const stopped = Promise.withResolvers<never>();
    const stop = (): void => stopped.reject(this.#signal.reason);
    this.#signal.addEventListener("abort", stop, { once: true });
    if (this.#signal.aborted) stop();
    try {
      return await Promise.race([answer, stopped.promise]);
    } finally {
      this.#signal.removeEventListener("abort", stop);
    }
  }
}

function tooLarge(node: string, name: string): TenfoldError {
  return new TenfoldError(
    "FILE_TOO_LARGE",
    `${name} of ${node} is larger than ${FILE_BYTES_MAX / 1024 / 1024} MiB; nothing of it was kept. Write it in several files, compress it, or store it elsewhere and answer where it is.`,
    { facts: { node, name, max: FILE_BYTES_MAX } },
  );
}

function notKept(node: string, name: string, answer: PartAnswer): TenfoldError {
  const why =
    answer === "lost"
      ? "its run is another worker's by now, which calls this step again"
      : "another attempt of this step writes it, or has";
  return new TenfoldError(
    "FILE_NOT_KEPT",
    `${name} of ${node} was not kept: ${why}. There is nothing to do but to stop, as \`ctx.signal\` says.`,
    { facts: { node, name } },
  );
}

function overAlready(node: string, open: readonly string[]): TenfoldError {
  const which = open.length === 0 ? "What it writes now is" : `${open.join(", ")} ${open.length === 1 ? "is" : "are"}`;
  return new TenfoldError(
    "FILE_NOT_KEPT",
    `The attempt of ${node} is over. ${which} not kept: \`await ctx.files.write(…)\` before the step answers.`,
    { facts: { node, files: open } },
  );
}
