/**
 * Where exported lines go: standard output, or a file that has its name once it is whole.
 * Invariants: whoever reads slowly is waited for; a file that is there is replaced as a whole, or not at all.
 */
import { existsSync } from "node:fs";
import { open, rename } from "node:fs/promises";
import path from "node:path";
import { TenfoldError } from "../value/error.ts";
import { usageError } from "./command.ts";
import { writeOut } from "./standard-output.ts";

export interface LineSink {
  /** Null: standard output. */
  readonly file: string | null;
  /** The file's name until it is whole. */
  readonly part: string | null;
  /** Resolves when more may be written. */
  write(text: string): Promise<void>;
  /** All is written. */
  finish(): Promise<void>;
  /** No more will be written. False: what was is not all there, or ends in half a line. */
  leave(): Promise<boolean>;
}

export function standardOutput(): LineSink {
  let isWhole = true;
  return {
    file: null,
    part: null,
    async write(text) {
      isWhole = false;
      await writeOut(text);
      isWhole = true;
    },
    finish: () => Promise.resolve(),
    leave: () => Promise.resolve(isWhole),
  };
}

/** Characters that are written to a file at once. */
const CHUNK = 256 * 1024;

/** Refuses a file that is there, unless told to replace it, and one that another export is writing. */
export async function openExportFile(folder: string, name: string, isForced: boolean): Promise<LineSink> {
  const file = path.resolve(folder, name);
  const part = `${file}.part`;
  if (existsSync(file) && !isForced) {
    throw usageError(`There is a file ${file} already; nothing was written. Name another one, or add \`--force\` to replace it.`); // prettier-ignore
  }
  const handle = await open(part, isForced ? "w" : "wx").catch((thrown: NodeJS.ErrnoException) => {
    if (thrown.code === "EEXIST") {
      throw usageError(`There is a file ${part}, of an export that was interrupted or still goes on; nothing was written. Name another file, remove that one, or add \`--force\` to replace it.`); // prettier-ignore
    }
    throw notWritten(part, thrown);
  });
  let waiting: string[] = [];
  let length = 0;
  let isWhole = true;
  const act = async (acting: () => Promise<void>): Promise<void> => {
    try {
      await acting();
    } catch (thrown) {
      isWhole = false;
      throw notWritten(part, thrown);
    }
  };
  const flush = (): Promise<void> => {
    const text = waiting.join("");
    waiting = [];
    length = 0;
    return act(() => handle.appendFile(text));
  };
  return {
    file,
    part,
    async write(text) {
      waiting.push(text);
      length += text.length;
      if (length >= CHUNK) await flush();
    },
    async finish() {
      await flush();
      await act(async () => {
        await handle.sync();
        await handle.close();
        await rename(part, file);
      });
    },
    async leave() {
      if (isWhole) await flush().catch(() => undefined);
      await handle.close();
      return isWhole;
    },
  };
}

function notWritten(file: string, cause: unknown): TenfoldError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new TenfoldError(
    "FILE_NOT_WRITTEN",
    `${file} cannot be written: ${reason}; the rest was not exported. Make room, or name another place.`,
    { facts: { file }, cause },
  );
}
