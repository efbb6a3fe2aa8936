/** Laws of a lane that moves: nothing is lost or done twice, whoever works meanwhile and wherever the move is cut off. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { Tenfold } from "../../src/engine/client.ts";
import { DEFAULT_SETTINGS, Engine } from "../../src/engine/engine.ts";
import { inlineExecutor, systemClock, systemHost } from "../../src/engine/system.ts";
import { step, workflow } from "../../src/index.ts";
import { moveLane, type MoveStage } from "../../src/store/postgres/move-lane.ts";
import { openServers } from "../../src/store/postgres/open-servers.ts";
import type { PostgresServers } from "../../src/store/postgres/servers.ts";
import { laneOfRun } from "../../src/value/id.ts";
import { filesOf, part } from "./interleaved-files.ts";
import { newSchema, newServer, postgresServer } from "./postgres-server.ts";
import {
  claimAll,
  commitOf,
  COMPLETED,
  FAILED,
  idMaker,
  joined,
  keyOf,
  lineOf,
  NOW,
  sendOf,
  startOf,
} from "./sample.ts";

let other: ReturnType<typeof newServer> | undefined;
const opened: { close(): Promise<unknown> }[] = [];
after(() => Promise.all(opened.map((each) => each.close())));

async function openStore(schema: string, lanes: number): Promise<PostgresServers> {
  const servers = [await postgresServer(), await (other ??= newServer())];
  const store = await openServers(
    servers.map(({ url }) => url),
    { lanes, schema },
  );
  opened.push(store);
  return store;
}

const calls = new Map<string, number>();
const note = step("note", {
  run: (n: number, { key }) => {
    calls.set(key, (calls.get(key) ?? 0) + 1);
    return n + 1;
  },
});
const loose = workflow<number, number>("loose", { flow: (n) => note.as("third")(note.as("second")(note(n))) });

async function openEngine(store: PostgresServers, work: boolean): Promise<Tenfold> {
  const log = { write: () => undefined };
  const ports = { clock: systemClock, random: Math.random, executor: inlineExecutor, log };
  const settings = { ...DEFAULT_SETTINGS, work, leaseMs: 3000, beatMs: 1000 };
  const engine = new Engine(store, [loose], ports, systemHost(), settings);
  await engine.open();
  const tenfold = new Tenfold(engine);
  opened.push(tenfold);
  return tenfold;
}

test("a lane moves under load: workers and clients go on with it there, nothing is lost, nothing is called twice", async (t) => {
  const schema = newSchema();
  const [one, two, mover, watched] = await Promise.all([openStore(schema, 2), openStore(schema, 2), openStore(schema, 2), openStore(schema, 2)]); // prettier-ignore
  await Promise.all([openEngine(one, true), openEngine(two, true)]);
  const client = await openEngine(watched, false);
  const accepted: string[] = [];
  const loads = { isOver: false };
  let longestMs = 0;
  const load = async (): Promise<void> => {
    for (let n = 0; !loads.isOver; n++) {
      const from = performance.now();
      accepted.push((await client.start(loose, n)).id);
      longestMs = Math.max(longestMs, performance.now() - from);
    }
  };
  const loading = Promise.all([load(), load(), load(), load()]);
  const until = async (count: number): Promise<void> => {
    while (accepted.length < count) await setTimeout(5);
  };
  await until(400);
  const [a, b] = mover.places;
  const there = await moveLane(mover, 0, b!);
  await until(accepted.length + 200);
  const back = await moveLane(mover, 0, a!);
  await until(accepted.length + 200);
  loads.isOver = true;
  await loading;
  t.diagnostic(`the lane stood still for ${there.stoodMs.toFixed()} and ${back.stoodMs.toFixed()} ms`);
  t.diagnostic(`${accepted.length} starts, the longest ${longestMs.toFixed()} ms`);
  for (const id of accepted) assert.ok(Number(await client.run(id).result()) >= 3);
  const listed = (await Array.fromAsync(client.runs())).map(({ id }) => id);
  assert.deepEqual(listed.toSorted(), accepted.toSorted());
  assert.ok(accepted.some((id) => laneOfRun(id) === 0) && accepted.some((id) => laneOfRun(id) === 1));
  const counted = (await client.counts()).map(({ status, runs }) => [status, runs]);
  assert.deepEqual(counted, [["completed", accepted.length]]);
  for (const id of accepted.slice(0, 300)) assert.equal((await client.show(id)).entries.length, 3);
  // Bodies that were open when the lane's leases died may be called again; those of the other lane are not.
  const again = [...calls].filter(([, count]) => count > 1);
  assert.ok(again.every(([key]) => accepted.some((id) => key.includes(id) && laneOfRun(id) === 0)));
  assert.deepEqual(await leftOf(mover, 1, 0), []);
});

/** The tables of a server that have rows of this lane. */
async function leftOf(store: PostgresServers, place: number, lane: number): Promise<string[]> {
  const { connection } = store.places[place]!;
  const { schema } = connection.options;
  const tables = await connection.rows<{ name: string }>(
    "select table_name::text as name from information_schema.columns where table_schema = $1 and column_name = 'lane'",
    schema,
  );
  const left: string[] = [];
  for (const { name } of tables) {
    const [row] = await connection.rows<{ rows: number }>(
      `select count(*)::integer as rows from tenfold.${name} t where t.lane = $1`,
      lane,
    );
    if (row!.rows > 0) left.push(name);
  }
  return left;
}

/** A lane with runs in every state, mail, keys, attributes, places in queues, and leases. */
async function fill(store: PostgresServers): Promise<readonly string[]> {
  const make = idMaker();
  const ids = Array.from({ length: 40 }, (_, index) => make(NOW + index));
  await store.putGraphs(0, [{ hash: "g1", workflow: "lead-intake", graph: '{"a":"…"}' }]);
  const a = await joined(store, "a");
  const attributes = [{ name: "country", value: "DE" }];
  await store.start(0, ids.slice(0, 30).map((id) => startOf(id, { key: keyOf(id), attributes })), NOW, a); // prettier-ignore
  await store.start(0, ids.slice(30, 36).map((id) => startOf(id, { tenant: "acme" })), NOW, null); // prettier-ignore
  await store.start(0, ids.slice(36).map((id) => startOf(id, { at: NOW + 5000 })), NOW, null); // prettier-ignore
  const then = [COMPLETED, FAILED, { kind: "park", wakeAt: NOW + 1000 }, { kind: "keep" }] as const;
  const commits = ids.slice(0, 28).map((id, n) => commitOf(id, { lines: [lineOf('"x" \\ …'), lineOf("y")], then: then[n % 4]!, places: [{ ...PLACE, rank: n }] })); // prettier-ignore
  await store.commit(a, commits, NOW);
  await store.queues.own(a, ["score"]);
  await store.queues.keepBuckets(a, "score", [{ scope: '"é"', tat: NOW + 0.125, at: NOW }], []);
  await store.queues.setStats(a, "score", '{"running":"…"}');
  await store.send(0, [sendOf(ids[3]!, "m"), sendOf(ids[31]!, "m"), sendOf(ids[1]!, "r", { reopens: true })], NOW);
  // More parts than are carried at once.
  const [mine, parts] = [
    ids[3]!,
    Array.from({ length: 40 }, (_, seq) => part(ids[3]!, "f1", seq, { isLast: seq === 39 })),
  ];
  await store.files.write(a, [...parts, part(mine, "f2", 0, { isLast: false }), part(mine, "f3", 0)], NOW);
  return ids;
}

const PLACE = { queue: "score", key: '"é"', node: "score", cost: 0.1, weight: 1, isNew: true };

async function contentsOf(store: PostgresServers, ids: readonly string[]): Promise<unknown> {
  const runs = await store.read(0, ids);
  return {
    runs: runs.map((run) => ({ ...run, owner: null, wakeAt: null })),
    journals: await Promise.all(ids.map((id) => store.journal(0, id))),
    graph: await store.graph(0, "g1"),
    queues: (await store.queues.list(0)).map((queue) => ({ ...queue, owner: null })),
    places: await store.queues.behind(0, "score", { ...PLACE, rank: -1, run: "" }, 99),
    files: await filesOf(store, 0, [ids[3]!]),
    listed: (await store.list(0, { attribute: { name: "country", value: "DE" } }, { before: null, limit: 99 })).map(({ id }) => id), // prettier-ignore
    tallies: [...(await store.tallies(0, null, null))].sort((x, y) => (x.status < y.status ? -1 : 1)),
  };
}

const STAGES: readonly MoveStage[] = ["copying", "frozen", "handed", "opened", "moved"];

for (const stage of STAGES) {
  test(`a move that is cut off when it is ${stage} is ended by the same call, and all is there`, async () => {
    const schema = newSchema();
    const store = await openStore(schema, 1);
    const ids = await fill(store);
    const before = await contentsOf(store, ids);
    const cut = new Error("cut off");
    const target = store.places[1]!;
    const stop = (reached: MoveStage): void => {
      if (reached === stage) throw cut;
    };
    await assert.rejects(moveLane(store, 0, target, stop), cut);
    const again = await openStore(schema, 1);
    if (stage === "copying" || stage === "frozen" || stage === "opened" || stage === "moved") {
      assert.deepEqual(await contentsOf(again, ids), before, "it is read meanwhile");
    }
    await moveLane(again, 0, again.places[1]!);
    const later = await openStore(schema, 1);
    assert.deepEqual(await contentsOf(later, ids), before);
    assert.deepEqual(await leftOf(later, 0, 0), []);
    assert.equal(later.placeOf(0), later.places[1]);
    // A handle with the old map finds it, the old lease is dead, its owner is not taken again, and mail has stayed.
    await assert.rejects(store.commit({ lane: 0, owner: "a" }, [], NOW), { name: "LeaseLost" });
    await assert.rejects(joined(store, "a"), { name: "LeaseLost" });
    const b = await joined(store, "b");
    assert.deepEqual(await contentsOf(store, ids), before);
    const start = startOf("x".repeat(24), { key: keyOf(ids[0]!) });
    assert.deepEqual(await store.start(0, [start], NOW, null), [
      { kind: "existing", run: ids[0], status: "completed" },
    ]);
    // A message makes a parked run due; runs that were owned are due, and with no death.
    const [owned] = await store.queues.own(b, ["score"]);
    const buckets = [{ scope: '"é"', tat: NOW + 0.125, at: NOW }];
    assert.deepEqual(owned, { queue: "score", wasUsed: true, settings: null, buckets });
    assert.equal((await store.queues.arrivals(b, "score", 99)).length, 7);
    const due = await claimAll(store, b, Date.now() + 10_000);
    assert.ok(due.length > 10 && due.every(({ deaths }) => deaths === 0));
    assert.equal(due.find(({ id }) => id === ids[3])?.mail.messages.length, 1);
  });
}

test("a second program that moves the same lane is refused, and so is another target", async () => {
  const schema = newSchema();
  const [one, two] = await Promise.all([openStore(schema, 1), openStore(schema, 1)]);
  await fill(one);
  const second = async (stage: MoveStage): Promise<void> => {
    if (stage !== "frozen") return;
    await assert.rejects(moveLane(two, 0, two.places[1]!), { code: "STORE_BUSY" });
    await assert.rejects(moveLane(two, 0, two.places[0]!), { code: "STORE_BUSY" });
  };
  const { rows, from, to } = await moveLane(one, 0, one.places[1]!, second);
  assert.ok(rows > 100);
  assert.deepEqual([from, to], one.places.map(({ name }) => name)); // prettier-ignore
  const still = await moveLane(one, 0, one.places[1]!);
  assert.deepEqual([still.from, still.rows], [still.to, 0]);
});
