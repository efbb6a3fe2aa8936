/** Standard output as commands write much to it: whoever reads slowly is waited for, and what fails is told. */
import { TenfoldError } from "../value/error.ts";

/** Resolves when more may be written; rejects with FILE_NOT_WRITTEN where no more can be, such as on a full disk. */
export function writeOut(chunk: string | Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    const isTaken = process.stdout.write(chunk, (error?: NodeJS.ErrnoException | null) => {
      if (error === null || error === undefined) resolve();
      // Where nobody reads any more the whole program ends.
      else if (error.code !== "EPIPE") reject(outputFailed(error));
    });
    if (isTaken) resolve();
  });
}

export function outputFailed(cause: Error): TenfoldError {
  return new TenfoldError(
    "FILE_NOT_WRITTEN",
    `Standard output cannot be written: ${cause.message}; what is there is not all, and may end in half a line. Make room, or write it elsewhere.`,
    { cause },
  );
}
