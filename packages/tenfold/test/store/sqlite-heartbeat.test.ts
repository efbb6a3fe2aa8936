/** The thread that beats for a lease: while the main loop is busy, until it hangs, no longer than the lease lives. */
import assert from "node:assert/strict";
import { EventEmitter, once } from "node:events";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { startHeartbeat, watchTurns } from "../../src/store/heartbeat.ts";
import type { LeaseSeen } from "../../src/store/store.ts";
import { openSqlite } from "../../src/store/sqlite/sqlite.ts";
import { newFile } from "./files.ts";
import { joined, NOW } from "./sample.ts";

function beatIn(file: DatabaseSync): number {
  return file.prepare("select beat from leases where lane = 0 and owner = 'a'").get()!["beat"] as number;
}

test("a lease's beat grows while the main loop is busy", async () => {
  const path = newFile();
  const store = await openSqlite(path);
  const lease = await joined(store, "a");
  const told: (readonly LeaseSeen[] | null)[] = [];
  const stop = store.beat(lease, 5, (seen) => told.push(seen));
  const file = new DatabaseSync(path);
  // This loop never gives way to a timer.
  while (beatIn(file) < 3);
  stop();
  await store.close();
  const last = beatIn(file);
  file.close();
  assert.ok(last >= 3);
});

test("each beat tells of the leases of its lane, and of its own lease's end", async () => {
  const store = await openSqlite(newFile());
  const [lease] = [await joined(store, "a"), await joined(store, "b")];
  const told: (readonly LeaseSeen[] | null)[] = [];
  const tells = new EventEmitter();
  const stop = store.beat(lease, 5, (seen) => {
    told.push(seen);
    tells.emit("told");
  });
  // The thread alone keeps no program alive.
  const alive = setInterval(() => {}, 1000);
  await once(tells, "told");
  assert.deepEqual(
    told[0]!.map(({ owner }) => owner),
    ["a", "b"],
  );
  await store.takeOver(0, "a", null, NOW, false);
  while (told.at(-1) !== null) await once(tells, "told");
  clearInterval(alive);
  stop();
  await store.close();
});

test("the thread ends when its lease is gone", async () => {
  const path = newFile();
  const store = await openSqlite(path);
  const lease = await joined(store, "a");
  const heartbeat = startHeartbeat(
    new URL("../../src/store/sqlite/heartbeat-thread.ts", import.meta.url),
    { store: path, lease, everyMs: 5 },
    () => {},
  );
  await store.takeOver(0, "a", null, NOW, false);
  const alive = setInterval(() => {}, 1000);
  await heartbeat.stopped;
  clearInterval(alive);
  await store.close();
});

test("a main loop has turned if its counter changed within the time", () => {
  const turns = watchTurns(100);
  assert.equal(turns(0, 1000), true);
  assert.equal(turns(0, 1099), true);
  assert.equal(turns(0, 1100), false);
  assert.equal(turns(1, 1200), true);
  assert.equal(turns(1, 1300), false);
});
