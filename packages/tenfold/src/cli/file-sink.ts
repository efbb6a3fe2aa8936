/**
 * Writes a file of a run to where a person wants it: standard output, or a file of the disk that has its name once it is whole.
 * Invariant: what a step has called its file leads out of no folder.
 */
import { createWriteStream, existsSync, statSync } from "node:fs";
import { mkdir, rename, rm } from "node:fs/promises";
import path from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { FileView, StoredFile } from "../flow/files.ts";
import { TenfoldError } from "../value/error.ts";
import { checkFileName } from "../value/file-name.ts";
import { contentHash } from "../value/hash.ts";
import { usageError } from "./command.ts";
import { writeOut } from "./standard-output.ts";

export async function printFile(file: StoredFile): Promise<void> {
  for await (const part of file) await writeOut(part);
}

/** Where `--out` is: a file, or a folder that is there, in which it has its own name. Refuses a file that is there. */
export function placeFor(folder: string, out: string, { name }: FileView, isForced: boolean): string {
  const named = path.resolve(folder, out);
  const isFolder = existsSync(named) && statSync(named).isDirectory();
  const place = isFolder ? path.join(named, checkFileName(name)) : named;
  if (!existsSync(place) || isForced) return place;
  throw usageError(
    `There is a file ${place} already; nothing was written. Name another one, or add \`--force\` to replace it.`,
  );
}

/** Of a file in a folder that has the files of many runs. */
export function placeAmongMany(run: string, { node, name }: FileView): string {
  return path.join(run.replaceAll(/[^\da-z]/g, "_"), folderOf(node), checkFileName(name));
}

/** Characters of a folder's name: no file system takes more than 255 bytes, and a node may lie deep in its graph. */
const FOLDER_MAX = 200;

function folderOf(node: string): string {
  const name = encodeURIComponent(node).replaceAll(".", "%2E");
  if (name.length <= FOLDER_MAX) return name;
  const hash = contentHash(node);
  return `${name.slice(0, FOLDER_MAX - hash.length - 1)}~${hash}`;
}

/** Replaces what is there as a whole, or not at all. */
export async function writeFile(file: StoredFile, place: string): Promise<void> {
  // A name of its own: the file's may be as long as a name can be.
  const part = path.join(path.dirname(place), `${contentHash(place)}.part`);
  try {
    await mkdir(path.dirname(place), { recursive: true });
    await pipeline(Readable.from(file), createWriteStream(part, { flush: true }));
    await rename(part, place);
  } catch (thrown) {
    await rm(part, { force: true }).catch(() => {});
    // What is wrong with the store's copy says so itself.
    throw thrown instanceof TenfoldError ? thrown : notWritten(place, thrown);
  }
}

function notWritten(file: string, cause: unknown): TenfoldError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new TenfoldError(
    "FILE_NOT_WRITTEN",
    `${file} cannot be written: ${reason}; nothing is there. Make room, or name another place.`,
    { facts: { file }, cause },
  );
}
