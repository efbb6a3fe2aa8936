/** The memory store's files: each verb takes effect in one piece, in one lane. */
import { partAnswer, type FileName, type FilePart, type FileRecord, type Files, type PartAnswer } from "./files.ts";
import type { KeptFile, Lane } from "./memory-lane.ts";
import type { Lease } from "./store.ts";

export class MemoryFiles implements Files {
  readonly #lane: (lane: number) => Lane;
  readonly #fenced: (lease: Lease) => Lane;

  constructor(lane: (lane: number) => Lane, fenced: (lease: Lease) => Lane) {
    this.#lane = lane;
    this.#fenced = fenced;
  }

  async write(lease: Lease, parts: readonly FilePart[], now: number): Promise<readonly PartAnswer[]> {
    const lane = this.#fenced(lease);
    return parts.map((part) => writePart(lane, lease, part, now));
  }

  async remove(lease: Lease, files: readonly FileName[]): Promise<void> {
    const lane = this.#fenced(lease);
    for (const { run, file } of files) if (isOwned(lane, lease, run)) removeFile(lane, run, file);
  }

  async list(lane: number, runs: readonly string[]): Promise<readonly (readonly FileRecord[])[]> {
    return runs.map((run) =>
      this.peek(lane, run).map(({ file, node, about, parts, at }) => ({ file, node, about, parts, at })),
    );
  }

  /** The files of a run right now, for those who look from outside of time. */
  peek(lane: number, run: string): readonly KeptFile[] {
    return [...this.#lane(lane).files.values()]
      .filter((file) => file.run === run && file.state !== "removed")
      .sort((a, b) => (a.file < b.file ? -1 : 1));
  }

  /** How many parts the lane has, of whatever files. */
  held(lane: number): number {
    return [...this.#lane(lane).files.values()].reduce((sum, { bytes }) => sum + bytes.size, 0);
  }

  async read(
    lane: number,
    run: string,
    { file }: FileRecord,
    from: number,
    limit: number,
  ): Promise<readonly Uint8Array[]> {
    const kept = this.#lane(lane).files.get(keyOf(run, file));
    if (kept?.state !== "whole") return [];
    return [...kept.bytes.keys()]
      .filter((seq) => seq >= from)
      .sort((a, b) => a - b)
      .slice(0, limit)
      .map((seq) => new Uint8Array(kept.bytes.get(seq)!));
  }

  async sweep(laneNumber: number, partsMax: number): Promise<number> {
    const { files } = this.#lane(laneNumber);
    let freed = 0;
    for (const [key, { state, bytes }] of files) {
      if (state !== "removed" || freed >= partsMax) continue;
      files.delete(key);
      freed += bytes.size + 1;
    }
    return freed;
  }
}

function writePart(lane: Lane, lease: Lease, part: FilePart, now: number): PartAnswer {
  const { run, file, node, about, seq, bytes, isLast } = part;
  if (!isOwned(lane, lease, run)) return "lost";
  const key = keyOf(run, file);
  if (seq === 0 && !lane.files.has(key)) {
    lane.files.set(key, { run, file, node, about, parts: 0, at: null, state: "begun", bytes: new Map() });
  }
  const kept = lane.files.get(key);
  if (kept?.state === "begun") {
    if (!kept.bytes.has(seq)) kept.bytes.set(seq, new Uint8Array(bytes));
    if (isLast && kept.bytes.size === seq + 1) Object.assign(kept, { about, parts: seq + 1, at: now, state: "whole" });
  }
  const answer = partAnswer(part, { isOwned: true, hasPart: kept?.bytes.has(seq) === true, state: kept?.state });
  if (answer === "written") for (const other of part.removes) removeFile(lane, run, other);
  return answer;
}

function removeFile(lane: Lane, run: string, file: string): void {
  const kept = lane.files.get(keyOf(run, file));
  if (kept !== undefined) kept.state = "removed";
}

function isOwned(lane: Lane, { owner }: Lease, run: string): boolean {
  return lane.runs.get(run)?.owner === owner;
}

function keyOf(run: string, file: string): string {
  return `${run} ${file}`;
}
