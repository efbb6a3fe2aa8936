/** One file shared by several programs: their writes, their locks, and their deaths. */
import assert from "node:assert/strict";
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { DatabaseSync } from "node:sqlite";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { openSqlite } from "../../src/store/sqlite/sqlite.ts";
import { newFile } from "./files.ts";
import { idMaker, NOW, startOf } from "./sample.ts";

const WRITER = fileURLToPath(new URL("./sqlite-writer.ts", import.meta.url));

/** Starts a writer, which tells `hear` each line that it prints. */
function write(path: string, name: string, batches: number, size: number, hear: (line: string) => void): ChildProcess {
  const writer = spawn(process.execPath, [WRITER, path, name, `${batches}`, `${size}`], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  createInterface({ input: writer.stdout! }).on("line", hear);
  return writer;
}

async function exited(writer: ChildProcess): Promise<unknown> {
  const [code, signal] = (await once(writer, "close")) as [number | null, string | null];
  return code ?? signal;
}

test("three programs that open a new file at once make one store, and write to it at once", async () => {
  const path = newFile();
  const [batches, size] = [20, 30];
  const started: string[] = [];
  const writers = ["a", "b", "c"].map((name) =>
    write(path, name, batches, size, (line) => {
      const [word, , ids = ""] = line.split(" ");
      if (word === "started" && ids !== "") started.push(...ids.split(","));
    }),
  );
  assert.deepEqual(await Promise.all(writers.map(exited)), [0, 0, 0]);
  const withoutKey = 3 * batches * (size / 2);
  const withKey = batches * (size / 2);
  assert.equal(started.length, withoutKey + withKey);
  const store = await openSqlite(path);
  const tallies = await store.tallies(0, null, null);
  assert.deepEqual(tallies, [{ workflow: "lead-intake", status: "completed", runs: started.length }]);
  for (const run of await store.read(0, started)) assert.equal(run?.status, "completed");
  await store.close();
});

test("a writer killed at any time leaves whole commits: all it was answered, and no part of another", async () => {
  for (const killAfter of ["ready", "started 1", "written 2", "started 5"]) {
    const path = newFile();
    const size = 40;
    const told = new Map<string, string>();
    const writer = write(path, "a", 1000, size, (line) => {
      const [word = "", batch = "", ids = ""] = line.split(" ");
      for (const id of ids === "" ? [] : ids.split(",")) told.set(id, word);
      if (`${word} ${batch}`.trim() === killAfter) writer.kill("SIGKILL");
    });
    assert.equal(await exited(writer), "SIGKILL");
    const store = await openSqlite(path);
    const runs = await store.list(0, {}, { before: null, limit: 1e6 });
    assert.equal(runs.length % size, 0);
    for (const id of told.keys()) assert.ok(runs.some((run) => run.id === id));
    for (const { id, status } of runs) {
      const { length } = await store.journal(0, id);
      assert.equal(length, status === "completed" ? 4 : length === 2 ? 2 : 0);
      if (told.get(id) === "written") assert.equal(status, "completed");
    }
    const counts = (await store.tallies(0, null, null)).map((tally) => tally.runs);
    assert.equal(
      counts.reduce((sum, count) => sum + count, 0),
      runs.length,
    );
    await store.close();
  }
});

test("a locked file is tried again from the event loop, so timers turn, and calls stay in order", async () => {
  const path = newFile();
  const make = idMaker();
  const [first, second] = [make(), make()];
  const store = await openSqlite(path);
  const other = new DatabaseSync(path);
  other.exec("begin immediate");
  const done: string[] = [];
  const starts = [first, second].map(async (id) => {
    await store.start(0, [startOf(id)], NOW, null);
    done.push(id);
  });
  assert.deepEqual(await store.read(0, [first]), [undefined], "reads do not wait");
  await new Promise<void>((resolve) => {
    let turns = 0;
    const timer = setInterval(() => {
      if (++turns < 20) return;
      clearInterval(timer);
      resolve();
    }, 1);
  });
  assert.deepEqual(done, []);
  other.exec("commit");
  await Promise.all(starts);
  assert.deepEqual(done, [first, second]);
  other.close();
  await store.close();
});

test("a file that stays locked is busy, and the next call works once it is free", async () => {
  const path = newFile();
  const id = idMaker()();
  const store = await openSqlite(path, { busyMs: 20 });
  const other = new DatabaseSync(path);
  other.exec("begin immediate");
  await assert.rejects(store.start(0, [startOf(id)], NOW, null), { code: "STORE_BUSY" });
  await assert.rejects(openSqlite(path, { busyMs: 20 }), { code: "STORE_BUSY" });
  other.exec("commit");
  assert.deepEqual(await store.read(0, [id]), [undefined]);
  assert.deepEqual(await store.start(0, [startOf(id)], NOW, null), [{ kind: "started" }]);
  other.close();
  await store.close();
});

test("whoever watches hears of another handle's commits", async () => {
  const path = newFile();
  const [watching, writing] = [await openSqlite(path), await openSqlite(path)];
  const heard = new Promise<void>((resolve) => watching.watch("due", resolve));
  await writing.start(0, [startOf(idMaker()())], NOW, null);
  // The poll alone does not keep a program alive.
  const alive = setInterval(() => {}, 1000);
  await heard;
  clearInterval(alive);
  await Promise.all([watching.close(), writing.close()]);
});
