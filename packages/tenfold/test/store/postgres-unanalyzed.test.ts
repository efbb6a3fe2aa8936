/**
 * What the Postgres store reads where the server has not looked at its tables yet: as much, however much is there.
 * A server looks a minute after a table has grown, and until then takes every column for one of two hundred values.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { openPostgres } from "../../src/store/postgres/open.ts";
import type { EmittedEvent, EventName, Settled } from "../../src/store/events.ts";
import type { NewPlace } from "../../src/store/queues.ts";
import type { Lease, RunCommit, Store } from "../../src/store/store.ts";
import { newSchema, onServer, postgresServer } from "./postgres-server.ts";
import { ALL, claimAll, COMPLETED, commitOf, idMaker, joined, keyOf, lineOf, NOW, sendOf, startOf } from "./sample.ts";

const HOUR = 3_600_000;
const ASLEEP = 20_000;
const BATCH = 1000;
const WORKED = 100;
/** Calls of each verb after which a server keeps the plans that it made: more than five. */
const WARMING = 8;
const READ = "runs journal keys attributes inbox outbox received tasks events deliveries".split(" ");
/** Of one table, by all that is done with one run. */
const ROWS_A_RUN_MAX = 50;

test("what is done with some runs reads the rows of those, on a store that was just made, however many others sleep", async () => {
  const { url, schema, open } = await young();
  const store = await open();
  await fillWithSleepers(store);
  // A session tells what it has read when it ends.
  await store.close();
  const before = await rowsRead(url, schema);
  const working = await open();
  await work(working, "b", idsOf(WORKED));
  await working.close();
  await readRowsOfThoseOnly(url, schema, before);
});

test("what is done with some runs reads the rows of those, also by plans that were made when hardly any were there", async () => {
  const { url, schema, open } = await young();
  const working = await open();
  for (let nth = 0; nth < WARMING; nth++) await work(working, `b${nth}`, idsOf(2));
  const store = await open();
  await fillWithSleepers(store);
  await store.close();
  const before = await rowsRead(url, schema);
  await work(working, "b", idsOf(WORKED));
  await working.close();
  await readRowsOfThoseOnly(url, schema, before);
});

/** A store that was just made, on a server that does not look at its tables. */
async function young(): Promise<{ url: string; schema: string; open: () => Promise<Store> }> {
  const { url } = await postgresServer();
  const schema = newSchema();
  const open = () => openPostgres(url, { lanes: 1, schema });
  await (await open()).close();
  const tables = await onServer(url, `select relname from pg_stat_user_tables where schemaname = '${schema}'`);
  for (const { relname } of tables) {
    await onServer(url, `alter table ${schema}.${relname} set (autovacuum_enabled = off)`);
  }
  return { url, schema, open };
}

async function readRowsOfThoseOnly(url: string, schema: string, before: Map<string, number>): Promise<void> {
  const after = await rowsRead(url, schema);
  const most: string[] = [];
  for (const table of READ) {
    const rows = after.get(table)! - before.get(table)!;
    assert.ok(rows > 0, `nothing of ${table} was read`);
    if (rows > ROWS_A_RUN_MAX * WORKED) most.push(`${rows} rows of ${table}`);
  }
  assert.deepEqual(most, []);
}

const make = idMaker();

function idsOf(count: number): string[] {
  return Array.from({ length: count }, () => make());
}

async function fillWithSleepers(store: Store): Promise<void> {
  const sleeping = await joined(store, "a");
  for (let left = ASLEEP; left > 0; left -= BATCH) await sleep(store, sleeping, idsOf(BATCH));
}

/** Runs with a key, an attribute, lines, an early signal and a place in a queue, that sleep. */
async function sleep(store: Store, lease: Lease, ids: readonly string[]): Promise<void> {
  await begin(store, lease, ids);
  await emitOld(store, ids);
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
async function work(store: Store, owner: string, ids: readonly string[]): Promise<void> {
  const lease = await joined(store, owner);
  const commit = (differs: (id: string) => Partial<RunCommit>) =>
    store.commit(
      lease,
      ids.map((id) => commitOf(id, differs(id))),
      NOW,
    );
  await begin(store, null, ids);
  await emit(store, ids);
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
  const other = await joined(store, `${owner} other`);
  assert.equal((await claimAll(store, other)).length, ids.length);
  await store.load(other, ids);
  await store.takeOver(0, `${owner} other`, 0, NOW, true);
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

/** Events that were emitted long ago, and started runs. */
async function emitOld({ events }: Store, ids: readonly string[]): Promise<void> {
  await events.emit(0, ids.map(emitted), NOW - HOUR);
  const then = { kind: "started", run: "a" } as const;
  await events.settle(
    0,
    ids.flatMap((id) => ["one", "two"].map((workflow) => ({ ...nameOf(id), workflow, then }))),
  );
}

/** Every verb of an event's life. */
async function emit({ events }: Store, ids: readonly string[]): Promise<void> {
  assert.ok((await events.emit(0, ids.map(emitted), NOW)).every(Boolean));
  const { deliveries } = await events.take(0, ["one", "two"], NOW, NOW + 1, ids.length);
  assert.equal(deliveries.length, 2 * ids.length);
  await events.settle(
    0,
    deliveries.map(({ id, workflow }) => settled(id, workflow)),
  );
  const refused = ids.map((id) => ({ ...nameOf(id), workflow: "two" }));
  assert.ok((await events.redeliver(0, refused, NOW)).every(Boolean));
  assert.ok((await events.emitted(0, ids.map(nameOf))).every((of) => of?.length === 2));
  assert.equal((await events.deliveries(0, "waiting", null, 1000)).length, ids.length);
  await events.settle(
    0,
    ids.map((id) => settled(id, "two")),
  );
  assert.ok((await events.forgetEvents(0, NOW - HOUR + 1, ids.length)) <= ids.length);
}

function nameOf(id: string): EventName {
  return { event: "lead.created", tenant: "", id };
}

function emitted(id: string): EmittedEvent {
  const to = ["one", "two"].map((workflow) => ({ workflow, input: "{}", startAt: null }));
  return { ...nameOf(id), emission: id, to };
}

function settled(id: string, workflow: string): Settled {
  const then =
    workflow === "one" ? ({ kind: "started", run: id } as const) : ({ kind: "refused", error: "{}" } as const);
  return { ...nameOf(id), workflow, then };
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
  assert.ok(firsts.length > 1);
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
