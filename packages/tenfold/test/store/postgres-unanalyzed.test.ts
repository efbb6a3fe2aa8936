/**
 * What the Postgres store reads where the server has not looked at its tables yet: as much, however much is there.
 * A server looks a minute after a table has grown, and until then takes every column for one of two hundred values.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { openPostgres } from "../../src/store/postgres/open.ts";
import type { NewPlace } from "../../src/store/queues.ts";
import type { Lease, RunCommit, Store } from "../../src/store/store.ts";
import { newSchema, onServer, postgresServer } from "./postgres-server.ts";
import { ALL, claimAll, COMPLETED, commitOf, idMaker, joined, keyOf, lineOf, NOW, sendOf, startOf } from "./sample.ts";

const HOUR = 3_600_000;
const ASLEEP = 40_000;
const BATCH = 1000;
const WORKED = 100;
/** Of one table, by all that is done with one run. */
const ROWS_A_RUN_MAX = 50;

test("what is done with some runs reads the rows of those, on a store that was just made, however many others sleep", async () => {
  const { url } = await postgresServer();
  const schema = newSchema();
  const open = () => openPostgres(url, { lanes: 1, schema });
  const store = await open();
  const tables = await onServer(url, `select relname from pg_stat_user_tables where schemaname = '${schema}'`);
  for (const { relname } of tables) {
    await onServer(url, `alter table ${schema}.${relname} set (autovacuum_enabled = off)`);
  }
  const make = idMaker();
  const idsOf = (count: number) => Array.from({ length: count }, () => make());
  const sleeping = await joined(store, "a");
  for (let left = ASLEEP; left > 0; left -= BATCH) await sleep(store, sleeping, idsOf(BATCH));
  // A session tells what it has read when it ends.
  await store.close();
  const before = await rowsRead(url, schema);
  const working = await open();
  await work(working, idsOf(WORKED));
  await working.close();
  const after = await rowsRead(url, schema);
  for (const table of ["runs", "journal", "keys", "attributes", "inbox", "outbox", "received", "tasks"]) {
    const rows = after.get(table)! - before.get(table)!;
    assert.ok(rows > 0, `nothing of ${table} was read`);
    assert.ok(rows <= ROWS_A_RUN_MAX * WORKED, `${rows} rows of ${table}`);
  }
});

/** Runs with a key, an attribute, lines, an early signal and a place in a queue, that sleep. */
async function sleep(store: Store, lease: Lease, ids: readonly string[]): Promise<void> {
  await begin(store, lease, ids);
  const lines = [lineOf("one"), lineOf("two")];
  await store.send(
    0,
    ids.map((id) => sendOf(id, "early")),
    NOW,
  );
  const then = { kind: "park", wakeAt: NOW + HOUR } as const;
  await store.commit(
    lease,
    ids.map((id, nth) => commitOf(id, { lines, mailSeen: 1, then, places: [placeOf(`k${nth % 5}`, nth)] })),
    NOW,
  );
}

/** Every verb of a run's life, of runs that come while the others sleep. */
async function work(store: Store, ids: readonly string[]): Promise<void> {
  const lease = await joined(store, "b");
  const commit = (differs: (id: string) => Partial<RunCommit>) =>
    store.commit(
      lease,
      ids.map((id) => commitOf(id, differs(id))),
      NOW,
    );
  await begin(store, null, ids);
  assert.equal((await claimAll(store, lease)).length, ids.length);
  const facts = [{ name: "company", value: "other" }];
  await commit((id) => ({ lines: [lineOf("one")], facts, parcels: [sendOf(id, "parcel")], clearsDeaths: true }));
  const parcels = await store.post.outgoing(0, null, 1000);
  const names = parcels.map(({ from, send }) => ({ from, key: send.message.key }));
  await store.post.deliver(0, parcels, NOW);
  await store.post.remove(0, names);
  await store.post.release(0, names);
  await store.look(lease, ALL, NOW);
  const mail = await store.mail(lease, NOW);
  const mailSeen = (id: string) => mail.find(({ run }) => run === id)?.count ?? 0;
  const absorbed = (id: string) => mail.find(({ run }) => run === id)?.messages.map(({ key }) => key) ?? [];
  const park = { kind: "park", wakeAt: NOW } as const;
  await commit((id) => ({
    from: 1,
    lines: [lineOf("two")],
    absorbed: absorbed(id),
    mailSeen: mailSeen(id),
    then: park,
  }));
  const other = await joined(store, "c");
  assert.equal((await claimAll(store, other)).length, ids.length);
  await store.load(other, ids);
  await store.takeOver(0, "c", 0, NOW, true);
  assert.equal((await claimAll(store, lease)).length, ids.length);
  const later = { kind: "park", wakeAt: NOW + HOUR } as const;
  const [place, early] = [placeOf("k1", 7), placeOf("k", -1)];
  await commit((id) => ({
    from: 2,
    lines: [lineOf("three")],
    mailSeen: mailSeen(id),
    then: later,
    places: [place, early],
  }));
  await callUp(store, lease, [place, early], ids);
  await commit((id) => ({ from: 3, lines: [lineOf("four")], mailSeen: mailSeen(id), then: COMPLETED }));
  await store.read(0, ids);
  for (const id of ids.slice(0, 10)) await store.journal(0, id);
  await store.list(0, { attribute: facts[0]! }, { limit: 100, before: null });
  const pruning = { before: NOW + 1, keysForMs: 0, linesMax: 10_000 };
  assert.ok((await store.prune(0, ids, pruning)).every((answer) => answer === "pruned"));
  assert.equal(await store.forgetKeys(0, NOW + 1, 1000), ids.length);
}

function placeOf(key: string, rank: number): NewPlace {
  return { queue: "score", key, rank, node: "score", cost: 1, weight: 1, isNew: true };
}

/** What the owner of a queue asks, and calls up, of runs that have these places. */
async function callUp(store: Store, lease: Lease, of: readonly NewPlace[], ids: readonly string[]): Promise<void> {
  const { queues } = store;
  await queues.own(lease, ["score"]);
  assert.equal((await queues.arrivals(lease, "score", ids.length)).length, ids.length);
  const firsts = await queues.firsts(0, "score", null, 10);
  assert.equal(firsts.length, 6);
  for (const first of firsts) await queues.behind(0, "score", first, 10);
  const places = ids.flatMap((run) => of.map(({ isNew: _isNew, ...place }) => ({ ...place, run })));
  assert.equal((await queues.call(lease, ALL, places)).length, ids.length);
}

function begin(store: Store, lease: Lease | null, ids: readonly string[]): Promise<unknown> {
  const attributes = [{ name: "company", value: "acme" }];
  return store.start(
    0,
    ids.map((id) => startOf(id, { key: keyOf(id), attributes })),
    NOW,
    lease,
  );
}

/** Rows that were read of each table so far, by whatever way. */
async function rowsRead(url: string, schema: string): Promise<Map<string, number>> {
  const rows = await onServer(
    url,
    `select relname, (seq_tup_read + coalesce(idx_tup_fetch, 0))::integer as rows
    from pg_stat_user_tables where schemaname = '${schema}'`,
  );
  return new Map(rows.map(({ relname, rows: count }) => [relname, count]));
}
