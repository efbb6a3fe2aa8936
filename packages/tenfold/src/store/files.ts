/**
 * The files of the runs of a lane: a sub-port of the store, beside its post and its schedules. A file comes in parts, and is
 * there, whole, with its last one. It knows no names, types and limits: what a file is called stands in its `about`.
 */
import type { TenfoldError } from "../value/error.ts";
import type { Lease } from "./lease.ts";

export interface FileName {
  readonly run: string;
  /** Made by the caller: each writing of a file has an id of its own, which is never used again in its run. */
  readonly file: string;
}

export interface FilePart extends FileName {
  /** The path of the node that writes it. */
  readonly node: string;
  /** JSON: what is to be known of the file; that of the last part stays. */
  readonly about: string;
  /** Its place, from 0. */
  readonly seq: number;
  readonly bytes: Uint8Array;
  readonly isLast: boolean;
  /** Other files of the run that this part takes the place of. */
  readonly removes: readonly string[];
}

export type PartAnswer =
  | "written"
  /** The run is not (or no longer) this owner's: nothing was written. */
  | "lost"
  /** The file was removed since it was begun, or a part before this one is missing: it will never be there. */
  | "gone";

export interface FileRecord {
  readonly file: string;
  readonly node: string;
  readonly about: string;
  /** How many parts it has; 0: more of them are to come, or would have, from a worker that died. */
  readonly parts: number;
  /** When its last part came; null: it is not there yet. */
  readonly at: number | null;
  /** Its parts are encoded. */
  readonly isEncoded?: true;
  /** Why `about` could not be decoded: it is `{}` then. */
  readonly unread?: TenfoldError;
}

export interface Files {
  /**
   * Writes parts, in order, each for itself: the part of seq 0 begins its file.
   * LAW: a file can be read from the moment that its last part, and all before it, are written; from the same moment on
   * what that part removes can not. A part sent again is "written" again, and kept once. What is removed stays so,
   * whatever still comes for it. A dead lease writes nothing (LeaseLost).
   */
  write(lease: Lease, parts: readonly FilePart[], now: number): Promise<readonly PartAnswer[]>;
  /** LAW: none of them can be read, or gets a part, from then on; those of runs that are not the owner's stay as they are. */
  remove(lease: Lease, files: readonly FileName[]): Promise<void>;
  /** The files of each run, those that are not whole too, by their ids. */
  list(lane: number, runs: readonly string[]): Promise<readonly (readonly FileRecord[])[]>;
  /** At most `limit` parts of a whole file, as it was listed, from `from` on; none of one that is not there. */
  read(lane: number, run: string, file: FileRecord, from: number, limit: number): Promise<readonly Uint8Array[]>;
  /**
   * Frees what removed files, and those of pruned runs, still take up: about so many parts. Answers how many parts and files it
   * freed: 0, nothing is left to be freed.
   */
  sweep(lane: number, partsMax: number): Promise<number>;
}

/** What is known of a part's file once the part was to be written. */
export interface FileToWrite {
  readonly isOwned: boolean;
  /** The part is kept. */
  readonly hasPart: boolean;
  readonly state: FileState | undefined;
}

export type FileState = "begun" | "whole" | "removed";

export function partAnswer({ isLast }: FilePart, { isOwned, hasPart, state }: FileToWrite): PartAnswer {
  if (!isOwned) return "lost";
  const isThere = hasPart && (state === "whole" || (state === "begun" && !isLast));
  return isThere ? "written" : "gone";
}
