/** What cannot be a store is refused with its code, and left as it was. */
import assert from "node:assert/strict";
import { chmodSync, mkdirSync, readFileSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { networkMount, networkType } from "../../src/store/sqlite/file-system.ts";
import { openSqlite } from "../../src/store/sqlite/sqlite.ts";
import { newFile } from "./files.ts";
import { commitOf, idMaker, idsOf, joined, lineOf, NOW, startOf } from "./sample.ts";

/** A store with 300 runs, closed. */
async function madeStore(): Promise<{ readonly path: string; readonly ids: readonly string[] }> {
  const path = newFile();
  const make = idMaker();
  const ids = Array.from({ length: 300 }, () => make());
  const store = await openSqlite(path);
  await store.start(
    0,
    ids.map((id) => startOf(id)),
    NOW,
    null,
  );
  await store.close();
  return { path, ids };
}

/** Refused with `code`, by a message that names the file, says what was not done, and leaves the file as it was. */
async function refused(path: string, code: string, options = {}): Promise<void> {
  const before = statSync(path, { throwIfNoEntry: false })?.isFile() ? readFileSync(path) : undefined;
  await assert.rejects(openSqlite(path, options), (error: Error & { code?: string }) => {
    assert.equal(error.code, code, error.message);
    assert.ok(error.message.includes(path), error.message);
    assert.match(error.message, /nothing|left as it|left the file/);
    return true;
  });
  if (before !== undefined) assert.deepEqual(readFileSync(path), before);
}

/** Calls `act` as a user to whom the rights of files apply, which they do not to root. */
async function asOrdinaryUser(act: () => Promise<void>): Promise<void> {
  const isRoot = process.getuid?.() === 0;
  if (isRoot) process.seteuid!(65_534);
  try {
    await act();
  } finally {
    if (isRoot) process.seteuid!(0);
  }
}

test("a file that is no database is foreign", async () => {
  const path = newFile();
  writeFileSync(path, "email,company\nkim@example.com,Example GmbH\n".repeat(50));
  await refused(path, "STORE_FOREIGN");
});

test("another program's database is foreign, marked or not", async () => {
  for (const mark of ["create table contacts (name text)", "pragma application_id = 252006675"]) {
    const path = newFile();
    const other = new DatabaseSync(path);
    other.exec(mark);
    other.close();
    await refused(path, "STORE_FOREIGN");
  }
});

test("an empty file becomes a store", async () => {
  const path = newFile();
  writeFileSync(path, "");
  const store = await openSqlite(path);
  assert.deepEqual([store.name, store.lanes], [path, 1]);
  await store.close();
});

test("a store of a newer version is refused", async () => {
  const { path } = await madeStore();
  const file = new DatabaseSync(path);
  file.exec("update meta set value = 999 where name = 'format'; pragma wal_checkpoint(truncate)");
  file.close();
  await refused(path, "STORE_NEWER");
});

test("a damaged file is corrupt", async () => {
  const { path } = await madeStore();
  const bytes = readFileSync(path);
  writeFileSync(path, bytes.fill(0xaa, 4096));
  await refused(path, "STORE_CORRUPT");
});

test("a file that was cut off is corrupt, found when it is opened or when it is read", async () => {
  const { path, ids } = await madeStore();
  truncateSync(path, 4096 * Math.floor(statSync(path).size / 4096 / 2));
  await assert.rejects(
    async () => {
      const store = await openSqlite(path);
      await store.read(0, ids).finally(() => store.close());
    },
    { code: "STORE_CORRUPT" },
  );
});

test("a folder that is not there, or no folder, is unreachable", async () => {
  await refused(join(dirname(newFile()), "missing", "store.db"), "STORE_UNREACHABLE");
  const file = newFile();
  writeFileSync(file, "");
  await refused(join(file, "store.db"), "STORE_UNREACHABLE");
  const folder = newFile();
  mkdirSync(folder);
  await refused(folder, "STORE_UNREACHABLE");
});

test("a read-only file, a read-only folder with and without a store, and an unreadable file are told apart", async () => {
  const [file, folder, unreadable] = [await madeStore(), await madeStore(), await madeStore()];
  const empty = newFile();
  for (const path of [file.path, folder.path, unreadable.path, empty]) {
    chmodSync(dirname(dirname(path)), 0o755);
    chmodSync(dirname(path), 0o755);
  }
  chmodSync(file.path, 0o444);
  chmodSync(folder.path, 0o666);
  chmodSync(dirname(folder.path), 0o555);
  chmodSync(dirname(empty), 0o555);
  chmodSync(unreadable.path, 0o000);
  await asOrdinaryUser(async () => {
    await refused(file.path, "STORE_READ_ONLY");
    await refused(folder.path, "STORE_READ_ONLY");
    await refused(empty, "STORE_READ_ONLY");
    await assert.rejects(openSqlite(unreadable.path), { code: "STORE_UNREACHABLE" });
  });
  for (const path of [folder.path, empty]) chmodSync(dirname(path), 0o755);
});

test("a full disk refuses a write whole, and keeps all that was answered before", async () => {
  const path = newFile();
  const make = idMaker();
  const store = await openSqlite(path, { pagesMax: 100 });
  const kept: string[] = [];
  const batch = () => Array.from({ length: 10 }, () => startOf(make(), { input: `"${"x".repeat(2000)}"` }));
  const startUntilFull = async () => {
    for (;;) {
      const starts = batch();
      await store.start(0, starts, NOW, null);
      kept.push(...idsOf(starts));
    }
  };
  await assert.rejects(startUntilFull(), { code: "STORE_FULL" });
  await assert.rejects(store.start(0, batch(), NOW, null), { code: "STORE_FULL" });
  assert.deepEqual(idsOf(await store.list(0, {}, { before: null, limit: 1000 })), [...kept].reverse());
  assert.equal((await store.tallies(0, null, null))[0]?.runs, kept.length);
  await store.close();
  const roomy = await openSqlite(path);
  assert.deepEqual((await roomy.start(0, batch(), NOW, null)).length, 10);
  assert.equal((await roomy.list(0, {}, { before: null, limit: 1000 })).length, kept.length + 10);
  await roomy.close();
});

test("what a write that found the disk full would have owned is not owned", async () => {
  const make = idMaker();
  const store = await openSqlite(newFile(), { pagesMax: 60 });
  const a = await joined(store, "a");
  const id = make();
  const tooLarge = startOf(make(), { input: `"${"x".repeat(1e6)}"` });
  await assert.rejects(store.start(0, [startOf(id), tooLarge], NOW, a), { code: "STORE_FULL" });
  assert.deepEqual(await store.commit(a, [commitOf(id, { lines: [lineOf("x")] })], NOW), ["lost"]);
  assert.deepEqual(await store.start(0, [startOf(id)], NOW, a), [{ kind: "started" }]);
  assert.deepEqual(await store.commit(a, [commitOf(id, { lines: [lineOf("x")] })], NOW), ["written"]);
  await store.close();
});

test("a disk too full for an empty store is full, and can be tried again", async () => {
  const path = newFile();
  await assert.rejects(openSqlite(path, { pagesMax: 5 }), { code: "STORE_FULL" });
  await (await openSqlite(path)).close();
});

test("a network file system is refused by name", async () => {
  const path = newFile();
  await refused(path, "STORE_NETWORK", { networkFileSystem: async () => "NFS" });
  assert.equal(statSync(path, { throwIfNoEntry: false }), undefined);
  assert.equal(networkType(0x6969), "NFS");
  assert.equal(networkType(0xff534d42), "CIFS");
  assert.equal(networkType(0xef53), null);
});

test("of FUSE mounts the innermost around the folder says whether it is remote", () => {
  const mounts = [
    "/dev/sda1 / ext4 rw 0 0",
    "kim@host:/ /mnt/remote fuse.sshfs rw 0 0",
    "/dev/sdb1 /mnt/remote/disk fuseblk rw 0 0",
    "bucket /mnt/with\\040blank fuse.s3fs rw 0 0",
  ].join("\n");
  assert.equal(networkMount(mounts, "/mnt/remote/a"), "fuse.sshfs");
  assert.equal(networkMount(mounts, "/mnt/remote/disk/a"), null);
  assert.equal(networkMount(mounts, "/mnt/remoter"), null);
  assert.equal(networkMount(mounts, "/mnt/with blank"), "fuse.s3fs");
});

test("the number of lanes is the one that the store was made with", async () => {
  const path = newFile();
  await (await openSqlite(path, { lanes: 4 })).close();
  const store = await openSqlite(path);
  assert.equal(store.lanes, 4);
  await store.close();
  await refused(path, "CONFIG_INVALID", { lanes: 2 });
  await assert.rejects(openSqlite(newFile(), { lanes: 0 }), { code: "CONFIG_INVALID" });
});
