/** The SQLite store keeps the laws, over restarts too, and whatever another handle does with its lease. */
import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { openSqlite } from "../../src/store/sqlite/sqlite.ts";
import { conformance } from "./conformance.ts";
import { newFile } from "./files.ts";
import { claimAll, commitOf, COMPLETED, idMaker, joined, keyOf, lineOf, NOW, sendOf, startOf } from "./sample.ts";

conformance("sqlite", (lanes) => openSqlite(newFile(), { lanes }));

test("reopening keeps everything", async () => {
  const path = newFile();
  const make = idMaker();
  const ids = Array.from({ length: 40 }, () => make());
  const first = await openSqlite(path, { lanes: 3 });
  const a = await joined(first, "a");
  await first.putGraphs(0, [{ hash: "g1", workflow: "lead-intake", graph: "{}" }]);
  await first.start(
    0,
    ids.slice(0, 20).map((id) => startOf(id, { key: keyOf(id) })),
    NOW,
    a,
  );
  await first.start(
    0,
    ids.slice(20).map((id) => startOf(id, { tenant: "acme" })),
    NOW,
    null,
  );
  const then = (index: number) => (index % 2 === 0 ? COMPLETED : ({ kind: "park", wakeAt: NOW } as const));
  await first.commit(
    a,
    ids.slice(0, 10).map((id, index) => commitOf(id, { lines: [lineOf("x")], then: then(index) })),
    NOW,
  );
  await first.send(0, [sendOf(ids[1]!, "m"), sendOf(ids[11]!, "m")], NOW);
  const seen = async (store: typeof first) => ({
    lanes: store.lanes,
    graph: await store.graph(0, "g1"),
    runs: await store.read(0, ids),
    journals: await Promise.all(ids.map((id) => store.journal(0, id))),
    mail: await store.mail(a, NOW),
    owned: await store.owned(a),
    tallies: await store.tallies(0, null, null),
  });
  const before = await seen(first);
  await first.close();
  const second = await openSqlite(path);
  assert.deepEqual(await seen(second), before);
  assert.deepEqual(await second.commit(a, [commitOf(ids[12]!, { lines: [lineOf("y")] })], NOW), ["written"]);
  assert.equal((await claimAll(second, a)).length, 5 + 20);
  await second.close();
});

test("what a handle remembers of its runs is forgotten when another one commits for the same lease", async () => {
  const path = newFile();
  const id = idMaker()();
  const [one, two] = [await openSqlite(path), await openSqlite(path)];
  const a = await joined(one, "a");
  const b = await joined(one, "b");
  await one.start(0, [startOf(id)], NOW, a);
  assert.deepEqual(await two.commit(a, [commitOf(id, { then: { kind: "park", wakeAt: NOW } })], NOW), ["written"]);
  assert.equal((await claimAll(two, b)).length, 1);
  assert.deepEqual(await one.commit(a, [commitOf(id, { lines: [lineOf("x")] })], NOW), ["lost"]);
  assert.deepEqual(await two.commit(b, [commitOf(id, { lines: [lineOf("y")] })], NOW), ["written"]);
  assert.deepEqual(await one.journal(0, id), [lineOf("y")]);
  await Promise.all([one.close(), two.close()]);
});

test("a queue is owned by whoever asks, if a program that knows no queues took over from its owner", async () => {
  const path = newFile();
  const store = await openSqlite(path);
  const [a, b] = [await joined(store, "a"), await joined(store, "b")];
  await store.queues.own(a, ["score"]);
  const other = new DatabaseSync(path);
  other.exec("update leases set is_alive = 0 where owner = 'a'");
  other.close();
  const owned = { queue: "score", wasUsed: true, settings: null, buckets: [] };
  assert.deepEqual(await store.queues.own(b, ["score"]), [owned]);
  await store.close();
});

test("a closed store says so", async () => {
  const store = await openSqlite(newFile());
  await store.close();
  await store.close();
  await assert.rejects(store.start(0, [], NOW, null), { code: "CLOSED" });
  await assert.rejects(store.read(0, []), { code: "CLOSED" });
});
