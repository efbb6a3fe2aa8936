/** The files of a run that is shown or exported: where their key is missing, the rest of the run is told all the same. */
import type { Tenfold } from "../engine/client.ts";
import type { FileView } from "../flow/files.ts";
import { TenfoldError } from "../value/error.ts";
import { fileJson } from "./file-lines.ts";

/** Why they cannot be read, where that is so. */
export async function filesIfRead(tenfold: Tenfold, run: string): Promise<readonly FileView[] | TenfoldError> {
  return tenfold.files(run).catch((thrown: unknown) => {
    if (thrown instanceof TenfoldError && thrown.code.startsWith("CODEC_")) return thrown;
    throw thrown;
  });
}

export function filesJson(files: readonly FileView[] | TenfoldError): Readonly<Record<string, unknown>> {
  if (!(files instanceof TenfoldError)) return { files: files.map(fileJson) };
  return { files: [], filesUnread: { code: files.code, message: files.message } };
}
