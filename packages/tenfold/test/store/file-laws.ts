/** What the store promises of files: whole or not there, its owner's only, and free of what was removed. */
import assert from "node:assert/strict";
import { LeaseLost } from "../../src/store/store.ts";
import type { FilePart, FileRecord } from "../../src/store/files.ts";
import type { Lease, Store } from "../../src/store/store.ts";
import {
  claimAll,
  commitOf,
  COMPLETED,
  idMaker,
  joined,
  law,
  leaseOf,
  NOW,
  startOf,
  type OpenStore,
} from "./sample.ts";

const ABOUT = `{"name":"réport \\"1\\".csv","type":null}`;

/** A part with bytes of its own: every value of a byte is among those of a long one. */
export function partOf(run: string, file: string, seq: number, differs: Partial<FilePart> = {}): FilePart {
  const bytes = Uint8Array.from({ length: 300 + seq }, (_, at) => (at * 7 + seq) % 256);
  return { run, file, node: "render", about: ABOUT, seq, bytes, isLast: false, removes: [], ...differs };
}

const LAST = { isLast: true } as const;

/** A run in an owner's hands. */
async function owned(store: Store, owner = "a"): Promise<{ lease: Lease; run: string }> {
  const lease = await joined(store, owner, 0);
  const run = idMaker()();
  await store.start(0, [startOf(run)], NOW, lease);
  return { lease, run };
}

/** As they are, encoded or not. */
const listed = async (store: Store, run: string): Promise<readonly FileRecord[]> =>
  (await store.files.list(0, [run]))[0]!.map(({ isEncoded: _isEncoded, ...record }) => record);

async function bytesOf(
  store: Store,
  run: string,
  file: string,
  from = 0,
  limit = 100,
): Promise<number[][] | undefined> {
  const record = (await store.files.list(0, [run]))[0]!.find((each) => each.file === file);
  if (record === undefined) return undefined;
  return (await store.files.read(0, run, record, from, limit)).map((bytes) => [...bytes]);
}

const numbers = (part: FilePart): number[] => [...part.bytes];

export function fileLaws(open: OpenStore): void {
  law(open, "a file is there with its last part, whole, and not before", async (store) => {
    const { lease, run } = await owned(store);
    const parts = [0, 1, 2].map((seq) => partOf(run, "f1", seq, { isLast: seq === 2, about: `{"size":${seq}}` }));
    assert.deepEqual(await listed(store, run), []);
    assert.deepEqual(await store.files.write(lease, parts.slice(0, 2), NOW), ["written", "written"]);
    assert.deepEqual(await listed(store, run), [
      { file: "f1", node: "render", about: `{"size":0}`, parts: 0, at: null },
    ]);
    assert.deepEqual(await bytesOf(store, run, "f1"), []);
    assert.deepEqual(await store.files.write(lease, parts.slice(2), NOW + 5), ["written"]);
    assert.deepEqual(await listed(store, run), [
      { file: "f1", node: "render", about: `{"size":2}`, parts: 3, at: NOW + 5 },
    ]);
    assert.deepEqual(await bytesOf(store, run, "f1"), parts.map(numbers));
    assert.deepEqual(await bytesOf(store, run, "f1", 1, 1), [numbers(parts[1]!)]);
    assert.deepEqual(await bytesOf(store, run, "f1", 3), []);
  });

  law(open, "an empty file, and one of every byte, in one part", async (store) => {
    const { lease, run } = await owned(store);
    const empty = partOf(run, "f1", 0, { ...LAST, bytes: new Uint8Array() });
    const full = partOf(run, "f2", 0, { ...LAST, bytes: Uint8Array.from({ length: 256 }, (_, byte) => byte) });
    assert.deepEqual(await store.files.write(lease, [empty, full], NOW), ["written", "written"]);
    assert.deepEqual(await bytesOf(store, run, "f1"), [[]]);
    assert.deepEqual(await bytesOf(store, run, "f2"), [numbers(full)]);
  });

  law(open, "a part that is sent again is written again, and kept once", async (store) => {
    const { lease, run } = await owned(store);
    const parts = [partOf(run, "f1", 0), partOf(run, "f1", 1, LAST)];
    for (const part of [parts[0]!, parts[0]!, parts[1]!, parts[1]!, parts[0]!]) {
      assert.deepEqual(await store.files.write(lease, [part], NOW), ["written"]);
    }
    assert.deepEqual(await bytesOf(store, run, "f1"), parts.map(numbers));
    const late = partOf(run, "f1", 2);
    assert.deepEqual(await store.files.write(lease, [late], NOW), ["gone"]);
    assert.equal((await bytesOf(store, run, "f1"))!.length, 2);
  });

  law(open, "a file of which a part is missing is never there", async (store) => {
    const { lease, run } = await owned(store);
    assert.deepEqual(await store.files.write(lease, [partOf(run, "f1", 1)], NOW), ["gone"]);
    await store.files.write(lease, [partOf(run, "f1", 0)], NOW);
    assert.deepEqual(await store.files.write(lease, [partOf(run, "f1", 2, LAST)], NOW), ["gone"]);
    assert.deepEqual(await bytesOf(store, run, "f1"), []);
    assert.equal((await listed(store, run))[0]!.at, null);
  });

  law(open, "what a part removes is gone when the part is written, and only then", async (store) => {
    const { lease, run } = await owned(store);
    await store.files.write(lease, [partOf(run, "old", 0, LAST), partOf(run, "left", 0)], NOW);
    await store.files.write(lease, [partOf(run, "new", 0, { removes: ["left"] })], NOW);
    assert.deepEqual(
      (await listed(store, run)).map(({ file }) => file),
      ["new", "old"],
    );
    assert.deepEqual(await store.files.write(lease, [partOf(run, "left", 1, LAST)], NOW), ["gone"]);
    assert.deepEqual(await store.files.write(lease, [partOf(run, "new", 2, { ...LAST, removes: ["old"] })], NOW), [
      "gone",
    ]);
    assert.equal((await bytesOf(store, run, "old"))!.length, 1);
    await store.files.write(lease, [partOf(run, "next", 0)], NOW);
    assert.deepEqual(await store.files.write(lease, [partOf(run, "next", 1, { ...LAST, removes: ["old", "new", "none"] })], NOW), ["written"]); // prettier-ignore
    assert.deepEqual(
      (await listed(store, run)).map(({ file }) => file),
      ["next"],
    );
    assert.equal(await bytesOf(store, run, "old"), undefined);
  });

  law(open, "only the owner of a run writes and removes its files; a dead lease does nothing", async (store) => {
    const { lease, run } = await owned(store);
    const other = await joined(store, "b");
    await store.files.write(lease, [partOf(run, "f1", 0, LAST)], NOW);
    assert.deepEqual(await store.files.write(other, [partOf(run, "f2", 0, LAST)], NOW), ["lost"]);
    await store.files.remove(other, [{ run, file: "f1" }]);
    const nobody = idMaker()(NOW + 9);
    assert.deepEqual(await store.files.write(lease, [partOf(nobody, "f2", 0), partOf(run, "f3", 0)], NOW), [
      "lost",
      "written",
    ]);
    assert.deepEqual(
      (await listed(store, run)).map(({ file }) => file),
      ["f1", "f3"],
    );
    await store.takeOver(0, "a", null, NOW, false);
    await assert.rejects(store.files.write(lease, [partOf(run, "f3", 1, LAST)], NOW), LeaseLost);
    await assert.rejects(store.files.remove(lease, [{ run, file: "f1" }]), LeaseLost);
    await assert.rejects(store.files.write(leaseOf("never"), [partOf(run, "f4", 0, LAST)], NOW), LeaseLost);
    await claimAll(store, other);
    assert.deepEqual(await store.files.write(other, [partOf(run, "f5", 0, { ...LAST, removes: ["f3"] })], NOW), [
      "written",
    ]);
    assert.deepEqual(
      (await listed(store, run)).map(({ file }) => file),
      ["f1", "f5"],
    );
  });

  law(open, "a run that has parked or ended has no owner, and takes no part", async (store) => {
    const { lease, run } = await owned(store);
    await store.files.write(lease, [partOf(run, "f1", 0)], NOW);
    await store.commit(lease, [commitOf(run, { then: COMPLETED })], NOW);
    assert.deepEqual(await store.files.write(lease, [partOf(run, "f1", 1, LAST)], NOW), ["lost"]);
    assert.equal((await listed(store, run))[0]!.at, null);
  });

  law(open, "what was removed is freed, a bounded part of it at a time, and nothing else is", async (store) => {
    const { lease, run } = await owned(store);
    const parts = Array.from({ length: 10 }, (_, seq) => partOf(run, "f1", seq));
    await store.files.write(lease, [...parts, partOf(run, "f2", 0, LAST), partOf(run, "f3", 0)], NOW);
    assert.equal(await store.files.sweep(0, 100), 0);
    await store.files.remove(lease, [{ run, file: "f1" }]);
    assert.deepEqual(
      (await listed(store, run)).map(({ file }) => file),
      ["f2", "f3"],
    );
    assert.deepEqual(await store.files.write(lease, [partOf(run, "f1", 10, LAST)], NOW), ["gone"]);
    let freed = 0;
    for (let last = -1; last !== 0; freed += last) last = await store.files.sweep(0, 4);
    assert.equal(freed, 11);
    assert.deepEqual(
      (await listed(store, run)).map(({ file }) => file),
      ["f2", "f3"],
    );
    assert.equal((await bytesOf(store, run, "f2"))!.length, 1);
  });

  law(open, "the files of a run that is pruned go with it, those of another stay", async (store) => {
    const { lease, run } = await owned(store);
    const other = idMaker()(NOW + 1);
    await store.start(0, [startOf(other)], NOW, lease);
    const parts = [run, other].flatMap((each) => [
      partOf(each, "f1", 0),
      partOf(each, "f1", 1, LAST),
      partOf(each, "f2", 0),
    ]);
    await store.files.write(lease, parts, NOW);
    await store.commit(
      lease,
      [run, other].map((each) => commitOf(each, { then: COMPLETED })),
      NOW,
    );
    assert.equal((await listed(store, run)).length, 2);
    const record = (await listed(store, run))[0]!;
    assert.deepEqual(await store.prune(0, [run], { before: NOW + 1, keysForMs: 1, linesMax: 10 }), ["pruned"]);
    assert.deepEqual(await listed(store, run), []);
    assert.deepEqual(await store.files.read(0, run, record, 0, 9), []);
    let freed = 0;
    for (let last = -1; last !== 0; freed += last) last = await store.files.sweep(0, 100);
    assert.equal(freed, 5);
    assert.deepEqual(await bytesOf(store, other, "f1"), [partOf(other, "f1", 0), partOf(other, "f1", 1)].map(numbers));
  });

  law(
    open,
    "lanes, runs and files of the same names are apart, and a batch is answered in order",
    async (store) => {
      const { lease, run } = await owned(store);
      const make = idMaker();
      const [far, near] = [make(NOW, 1), make(NOW + 1, 0)];
      const there = await joined(store, "a", 1);
      await store.start(1, [startOf(far)], NOW, there);
      await store.start(0, [startOf(near)], NOW, lease);
      await store.files.write(there, [partOf(far, "f", 0, LAST)], NOW);
      await store.files.write(
        lease,
        [partOf(run, "f", 0, { ...LAST, bytes: Uint8Array.of(1) }), partOf(near, "f", 0)],
        NOW,
      );
      const lists = await store.files.list(0, [near, far, run]);
      assert.deepEqual(
        lists.map((files) => files.map(({ at }) => at)),
        [[null], [], [NOW]],
      );
      await store.files.remove(lease, [{ run: near, file: "f" }]);
      assert.deepEqual(await bytesOf(store, run, "f"), [[1]]);
      assert.equal(await store.files.sweep(1, 10), 0);
      assert.deepEqual(await store.files.write(lease, [], NOW), []);
      assert.deepEqual(await store.files.list(0, []), []);
    },
    2,
  );

  law(open, "many parts that are written at once are all kept", async (store) => {
    const { lease, run } = await owned(store);
    const ids = Array.from({ length: 8 }, (_, nth) => `f${nth}`);
    await Promise.all(ids.map((file) => store.files.write(lease, [partOf(run, file, 0), partOf(run, file, 1)], NOW)));
    const ends = await Promise.all(ids.map((file) => store.files.write(lease, [partOf(run, file, 2, LAST)], NOW)));
    assert.deepEqual(
      ends.flat(),
      ids.map(() => "written"),
    );
    for (const file of ids) assert.equal((await bytesOf(store, run, file))!.length, 3);
  });
}
