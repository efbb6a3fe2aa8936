/** The files of a run, as a body sees them: artifacts that are kept beside the journal, and found by name. */

/** What a file is written from; texts are kept as UTF-8. Node's readable streams are such iterables. */
export type FileSource = string | Uint8Array | Blob | ReadableStream<Uint8Array> | AsyncIterable<Uint8Array | string>;

/** Names a file that was written: JSON, so that a step can answer it and another one read it. */
export type FileRef = {
  /** Its id: a file of the same name that is written later has another one. */
  readonly file: string;
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  /** Its media type, if one was told. */
  readonly type: string | null;
  /** Of its bytes, in hex. */
  readonly sha256: string;
};

/** A file that is there. */
export interface FileView extends FileRef {
  /** The path of the node that wrote it. */
  readonly node: string;
  /** When it was whole (ms since 1970). */
  readonly at: number;
}

/** A file to be read: its bytes come from the store as they are asked for, a few parts at a time. */
export interface StoredFile extends FileView, AsyncIterable<Uint8Array> {
  stream(): ReadableStream<Uint8Array>;
  /** All of it, in memory. */
  bytes(): Promise<Uint8Array>;
  /** All of it, as UTF-8. */
  text(): Promise<string>;
}

export interface StepFiles {
  /**
   * Keeps a file of the run, whole or not at all, in the place of what this node has written under the same name. At most 64 MiB:
   * FILE_TOO_LARGE. It stops with the attempt.
   */
  write(name: string, source: FileSource, options?: { readonly type?: string }): Promise<FileRef>;
  /**
   * A file of the run: by what `write` answered, by its name if this node wrote it or one node only did, or by node and name
   * ("render/report.csv"). FILE_UNKNOWN if there is none.
   */
  read(file: string | FileRef): Promise<StoredFile>;
  /** Every file of the run, the first written first. */
  list(): Promise<readonly FileView[]>;
}
