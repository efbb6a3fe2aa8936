/** The files of a run for those who are no part of it: listed, and read from the store as they are asked for. */
import type { FileRef, FileView, StoredFile } from "../flow/files.ts";
import { decodedFile } from "../store/codec/encoded-files.ts";
import { laneIn } from "./caller-checks.ts";
import type { Engine } from "./engine.ts";
import { readRun } from "./inspect.ts";
import { findFile, inOrder, knownFile, storedFile, type KnownFile } from "./stored-file.ts";

/** RUN_UNKNOWN if there is no such run. */
export async function filesOf(engine: Engine, run: string): Promise<readonly FileView[]> {
  return (await knownFiles(engine, run)).map(({ view }) => view);
}

/** FILE_UNKNOWN if there is none. */
export async function fileOf(engine: Engine, run: string, file: string | FileRef): Promise<StoredFile> {
  const known = findFile(await knownFiles(engine, run), file, run);
  const { store } = engine;
  return storedFile({ lane: laneIn(store, run), run, read: (...asked) => store.files.read(...asked) }, known);
}

async function knownFiles(engine: Engine, run: string): Promise<readonly KnownFile[]> {
  const { store } = engine;
  await readRun(engine, run);
  const [records] = await store.files.list(laneIn(store, run), [run]);
  const known = records!.map((record) => knownFile(decodedFile(null, run, record)));
  return inOrder(known.filter((file) => file !== undefined));
}
