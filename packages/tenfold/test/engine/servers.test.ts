/** Laws of a store on three servers, one of which dies by SIGKILL: the others go on, and nothing is lost or done twice. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { open, step, workflow } from "../../src/index.ts";
import type { Tenfold } from "../../src/engine/client.ts";
import type { OpenOptions } from "../../src/engine/open.ts";
import { laneOfRun } from "../../src/value/id.ts";
import type { OwnPostgres } from "../store/own-postgres.ts";
import { newServer } from "../store/postgres-server.ts";
import { rejects, type LogLine } from "./world.ts";

const LANES = 3;
const calls = new Map<string, number>();

const note = step("note", {
  run: (n: number, { key }) => {
    calls.set(key, (calls.get(key) ?? 0) + 1);
    return n + 1;
  },
});
const pair = workflow<{ n: number; key?: string }, number>("pair", {
  key: ({ key }) => key!,
  flow: ({ n }) => note.as("second")(note(n)),
});
const loose = workflow<number, number>("loose", { flow: (n) => note.as("second")(note(n)) });

let servers: OwnPostgres[] = [];
const log: LogLine[] = [];

async function opened(options: Partial<OpenOptions> = {}): Promise<Tenfold> {
  const write = (level: string, message: string, facts: LogLine["facts"]) => void log.push({ level, message, facts });
  const store = servers.map(({ url }) => url);
  return open({ store, workflows: [pair, loose], lease: "3s", log: { write }, ...options });
}

/** A key whose run is in `lane`. */
async function keyIn(tenfold: Tenfold, lane: number, prefix: string): Promise<string> {
  for (let n = 0; ; n++) {
    const run = await tenfold.start(pair, { n, key: `${prefix}${n}` });
    if (laneOfRun(run.id) === lane) return `${prefix}${n}`;
  }
}

/** Waits until it holds, however long that takes: the runner ends a test that hangs. */
async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await setTimeout(20);
}

async function ids(tenfold: Tenfold): Promise<string[]> {
  return (await Array.fromAsync(tenfold.runs())).map(({ id }) => id);
}

describe("a store on three servers", () => {
  let tenfold: Tenfold;

  before(async () => {
    servers = await Promise.all([newServer(), newServer(), newServer()]);
  });
  after(() => tenfold?.close());

  test("a new store has one lane a server, and each runs what is started in it", async () => {
    tenfold = await opened();
    const runs = await Promise.all(Array.from({ length: 30 }, (_, n) => tenfold.start(loose, n)));
    assert.deepEqual(await Promise.all(runs.map((run) => run.result())), Array.from({ length: 30 }, (_, n) => n + 2)); // prettier-ignore
    const lanes = Map.groupBy(runs, ({ id }) => laneOfRun(id));
    assert.deepEqual([...lanes.values()].map((each) => each.length), [10, 10, 10]); // prettier-ignore
    assert.deepEqual(tenfold.missing, []);
    assert.equal((await ids(tenfold)).length, 30);
  });

  test("the same server twice, another store's server, and a server alone are each refused", async () => {
    const [a, b] = servers.map(({ url }) => url);
    await rejects(opened({ store: [a!, b!, b!.replace("127.0.0.1", "localhost")] }), "STORE_MIXED", "the same lanes");
    await rejects(opened({ store: a! }), "STORE_MIXED", "1 of the 3 lanes");
    const stranger = await newServer();
    await (await opened({ store: stranger.url, lanes: LANES })).close();
    await rejects(opened({ store: [a!, b!, stranger.url] }), "STORE_MIXED", "another store");
  });

  test("one dies: the other lanes go on, and listings and counts say what is missing", async () => {
    const before = await ids(tenfold);
    const key = await keyIn(tenfold, 1, "early");
    const lost = (await ids(tenfold)).filter((id) => laneOfRun(id) === 1);
    await servers[1]!.kill();
    await until(async () => {
      await ids(tenfold);
      return tenfold.missing.length > 0;
    });
    const [missing] = tenfold.missing;
    assert.deepEqual([tenfold.missing.length, missing!.lanes], [1, [1]]);
    assert.ok(missing!.server.includes(String(servers[1]!.port)) && !missing!.server.includes(":tenfold@"));
    const runs = await Promise.all(Array.from({ length: 20 }, (_, n) => tenfold.start(loose, n)));
    assert.deepEqual(await Promise.all(runs.map((run) => run.result())), Array.from({ length: 20 }, (_, n) => n + 2)); // prettier-ignore
    assert.ok(runs.every(({ id }) => laneOfRun(id) !== 1));
    const seen = await ids(tenfold);
    assert.ok(seen.every((id) => laneOfRun(id) !== 1) && seen.length >= before.length - lost.length);
    const counted = (await tenfold.counts()).reduce((sum, { runs }) => sum + runs, 0);
    assert.equal(counted, seen.length);
    await rejects(tenfold.start(pair, { n: 0, key }), "STORE_UNREACHABLE", "Lane 1", "nothing of this call was sent");
    const many = await Array.fromAsync(tenfold.startMany(pair, [{ n: 0, key }, { n: 1, key: "x1" }, { n: 2, key: "x2" }, { n: 3, key: "x3" }])); // prettier-ignore
    assert.deepEqual([many[0]!.kind, many.some(({ kind }) => kind === "started")], ["refused", true]);
  });

  test("a worker opens while one is dead, warns of it, and works its lane when it is back", async () => {
    log.length = 0;
    const second = await opened();
    const warning = log.find(({ message }) => message.includes("not reached"));
    assert.equal(warning?.facts["lanes"], "1");
    const run = await second.start(loose, 1);
    assert.equal(await run.result(), 3);
    await tenfold.close();
    await servers[1]!.restart();
    await until(() => second.missing.length === 0);
    const key = await keyIn(second, 1, "late");
    const again = await second.start(pair, { n: Number(key.slice(4)), key });
    assert.equal(laneOfRun(again.id), 1);
    assert.equal(await again.result(), Number(key.slice(4)) + 2);
    tenfold = second;
  });

  test("a server dies and comes back under load: nothing is lost, and no recorded result is computed again", async () => {
    calls.clear();
    const accepted: string[] = [];
    const loads = { isOver: false };
    const load = async (): Promise<void> => {
      for (let n = 0; !loads.isOver; n++) {
        const run = await tenfold.start(loose, n).catch((thrown: { code?: string }) => {
          assert.equal(thrown.code, "STORE_UNREACHABLE");
          return null;
        });
        if (run !== null) accepted.push(run.id);
      }
    };
    const loading = Promise.all([load(), load(), load()]);
    await until(() => accepted.length > 300);
    await servers[2]!.kill();
    await until(() => tenfold.missing.length > 0);
    const others = accepted.length;
    await until(() => accepted.length > others + 300);
    await servers[2]!.restart();
    await until(() => tenfold.missing.length === 0);
    const later = accepted.length;
    await until(() => accepted.slice(later).filter((id) => laneOfRun(id) === 2).length > 20);
    loads.isOver = true;
    await loading;
    for (const id of accepted) assert.ok(Number(await tenfold.run(id).result()) >= 2);
    const known = new Set(await ids(tenfold));
    assert.deepEqual(accepted.filter((id) => !known.has(id)), []); // prettier-ignore
    const details = await Promise.all(accepted.slice(0, 400).map((id) => tenfold.show(id)));
    for (const { entries } of details) assert.equal(entries.length, 2);
    // Only what was open when the server died may have been called twice.
    const twice = [...calls].filter(([, count]) => count > 1);
    assert.ok(twice.every(([key]) => accepted.some((id) => key.includes(id) && laneOfRun(id) === 2)));
  });
});
