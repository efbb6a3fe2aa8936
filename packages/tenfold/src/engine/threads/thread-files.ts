/** The files of a run, as a body on a thread has them: its worker writes and reads them, and what they hold is sent whole. */
import { ReadableStream as NodeStream } from "node:stream/web";
import type { FileRef, FileView, StepFiles, StoredFile } from "../../flow/files.ts";
import { FILE_BYTES_MAX } from "../attempt-files.ts";
import { partsOf } from "../file-source.ts";

/** What a thread asks its worker to do with files. */
export type FileAsk =
  | { readonly verb: "write"; readonly name: string; readonly bytes: Uint8Array; readonly options: object }
  | { readonly verb: "read"; readonly file: string | FileRef }
  | { readonly verb: "bytes"; readonly file: FileRef }
  | { readonly verb: "list" };

export type AskFiles = (ask: FileAsk) => Promise<unknown>;

/** In a thread: files that `ask` the worker. */
export function threadFiles(signal: AbortSignal, ask: AskFiles): StepFiles {
  return {
    write(name, source, options = {}) {
      const type = source instanceof Blob && source.type !== "" ? { type: source.type } : {};
      const writing = wholeOf(source, name, signal).then((bytes) =>
        ask({ verb: "write", name, bytes, options: { ...type, ...options } }),
      );
      // A body that does not wait for it is told by the log of its worker.
      writing.catch(() => {});
      return writing as Promise<FileRef>;
    },
    read: async (file) => readable((await ask({ verb: "read", file })) as FileView, ask),
    list: () => ask({ verb: "list" }) as Promise<readonly FileView[]>,
  };
}

/** In the worker: does what a thread asks with the files of the body's own context. */
export async function answerFiles(files: StepFiles, ask: FileAsk): Promise<unknown> {
  switch (ask.verb) {
    case "write":
      return files.write(ask.name, ask.bytes, ask.options);
    case "read":
      return viewOf(await files.read(ask.file));
    case "bytes":
      return (await files.read(ask.file)).bytes();
    case "list":
      return files.list();
  }
}

/** All bytes; of what is too large only so many that the worker refuses it. */
async function wholeOf(source: Parameters<typeof partsOf>[0], name: string, signal: AbortSignal): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const { bytes } of partsOf(source, name, signal)) {
    parts.push(bytes.slice());
    size += bytes.byteLength;
    if (size > FILE_BYTES_MAX) break;
  }
  const whole = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.byteLength;
  }
  return whole;
}

function viewOf({ file, name, size, type, sha256, node, at }: StoredFile): FileView {
  return { file, name, size, type, sha256, node, at };
}

function readable(view: FileView, ask: AskFiles): StoredFile {
  const bytes = (): Promise<Uint8Array> => ask({ verb: "bytes", file: view }) as Promise<Uint8Array>;
  const iterate = async function* (): AsyncGenerator<Uint8Array> {
    yield await bytes();
  };
  return {
    ...view,
    [Symbol.asyncIterator]: iterate,
    stream: () => NodeStream.from(iterate()) as ReadableStream<Uint8Array>,
    bytes,
    text: async () => new TextDecoder().decode(await bytes()),
  };
}
