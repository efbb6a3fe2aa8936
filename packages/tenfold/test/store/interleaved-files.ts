/** The files of a small store in which verbs meet: of two runs of one owner, and of one of another's. */
import type { FilePart } from "../../src/store/files.ts";
import type { Store } from "../../src/store/store.ts";

/** A part that ends its file, unless told otherwise. */
export function part(run: string, file: string, seq: number, differs: Partial<FilePart> = {}): FilePart {
  const bytes = Uint8Array.of(seq, file.length);
  return { run, file, node: "render", about: `{"seq":${seq}}`, seq, bytes, isLast: true, removes: [], ...differs };
}

const MORE = { isLast: false } as const;

/** One that is whole and one that is not, of each of `runs`; and one that is to be freed. */
export function filesAtFirst([one, other]: readonly [string, string]): readonly FilePart[] {
  return [
    part(one, "f-whole", 0),
    part(one, "f-begun", 0, MORE),
    part(one, "f-gone", 0),
    part(one, "f-then", 0, { removes: ["f-gone"] }),
    part(other, "f-whole", 0),
    part(other, "f-begun", 0, MORE),
  ];
}

/** All that can be read of the files of `runs`. */
export async function filesOf(store: Store, lane: number, runs: readonly string[]): Promise<unknown> {
  const lists = await store.files.list(lane, runs);
  return Promise.all(
    lists.map(async (files, nth) =>
      Promise.all(
        files.map(async (file) => {
          const bytes = await store.files.read(lane, runs[nth]!, file, 0, 100);
          return { ...file, bytes: bytes.map((each) => [...each]) };
        }),
      ),
    ),
  );
}

/** Frees all that is to be freed; answers how much that was. */
export async function sweepAll(store: Store, lane: number): Promise<number> {
  let freed = 0;
  for (let last = -1; last !== 0; freed += last) last = await store.files.sweep(lane, 2);
  return freed;
}
