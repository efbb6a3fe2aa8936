/**
 * The files of runs beside their exported lines: told in the line, and written into a folder if one is named.
 * Invariant: a file that cannot be read stops nothing else, and is named where the others are.
 */
import path from "node:path";
import type { Tenfold } from "../engine/client.ts";
import type { FileView } from "../flow/files.ts";
import { TenfoldError } from "../value/error.ts";
import { fileJson } from "./file-lines.ts";
import { placeAmongMany, writeFile } from "./file-sink.ts";
import { filesIfRead, filesJson } from "./run-files.ts";

export interface ExportedFiles {
  /** What the run's line says of them. */
  readonly told: Readonly<Record<string, unknown>>;
  readonly isRead: boolean;
}

/** `folder`: where their content goes, if it is wanted. Undefined: the run was pruned meanwhile. */
export async function exportFiles(
  tenfold: Tenfold,
  run: string,
  folder: string | undefined,
): Promise<ExportedFiles | undefined> {
  const files = await unlessGone(filesIfRead(tenfold, run), "RUN_UNKNOWN");
  if (files === undefined) return undefined;
  if (files instanceof TenfoldError) return { told: filesJson(files), isRead: false };
  if (folder === undefined) return { told: filesJson(files), isRead: true };
  const told: Readonly<Record<string, unknown>>[] = [];
  for (const file of files) told.push({ ...fileJson(file), ...(await exportFile(tenfold, run, file, folder)) });
  return { told: { files: told }, isRead: told.every(({ unread }) => unread === undefined) };
}

/** Where it is now, from `folder` on; or why it is not. */
async function exportFile(
  tenfold: Tenfold,
  run: string,
  view: FileView,
  folder: string,
): Promise<{ readonly path: string } | { readonly unread: { readonly code: string; readonly message: string } }> {
  const place = placeAmongMany(run, view);
  try {
    await writeFile(await tenfold.file(run, view), path.join(folder, place));
    return { path: place };
  } catch (thrown) {
    if (!(thrown instanceof TenfoldError) || !UNREAD.has(thrown.code)) throw thrown;
    return { unread: { code: thrown.code, message: thrown.message } };
  }
}

const UNREAD: ReadonlySet<string> = new Set(["FILE_UNKNOWN", "RUN_UNKNOWN", "STORE_CORRUPT", "CODEC_KEY_MISSING", "CODEC_DAMAGED"]); // prettier-ignore

async function unlessGone<T>(asked: Promise<T>, code: string): Promise<T | undefined> {
  return asked.catch((thrown: unknown) => {
    if (thrown instanceof TenfoldError && thrown.code === code) return undefined;
    throw thrown;
  });
}
