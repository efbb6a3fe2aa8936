/** Moves of whole stores, both ways: what arrives, and what becomes of a move that dies. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import path from "node:path";
import { DatabaseSync } from "node:sqlite";
import { createInterface } from "node:readline";
import { test } from "node:test";
import pg from "pg";
import { contentOf, moveStore, type Moved } from "../../src/engine/move.ts";
import { MemoryStore } from "../../src/store/memory.ts";
import { MOVED, MOVED_TABLES, type MovingStore } from "../../src/store/moving.ts";
import { seededRandom } from "../../src/value/random.ts";
import { commitOf, COMPLETED, idMaker, joined, keyOf, lineOf, NOW, sendOf, startOf } from "../store/sample.ts";
import { answersOf, fill, LANES } from "./moved-store.ts";
import { copyOf, filledAt, inFile, inPostgres, move, partsOf, refusal, using, type Place } from "./move-places.ts";

const WAYS: readonly (readonly [string, () => Promise<readonly Place[]>])[] = [
  ["from a file to Postgres", async () => [inFile(), await inPostgres()]],
  ["from Postgres to a file", async () => [await inPostgres(), inFile()]],
  ["to Postgres and back", async () => [inFile(), await inPostgres(), inFile()]],
];

for (const [way, places] of WAYS) {
  test(`a store moved ${way} answers all as one that has stayed`, async () => {
    const stayed = new MemoryStore(LANES);
    await fill(stayed);
    for (let lane = 0; lane < LANES; lane++) await stayed.takeOver(lane, `gone ${lane}`, null, NOW + 7, false);
    const [first, ...others] = await places();
    await filledAt(first!);
    let from = first!;
    for (const to of others) {
      const { tables } = await move(from, to);
      assert.deepEqual(
        tables.map(({ table }) => table),
        MOVED_TABLES,
      );
      assert.ok(
        tables.every(({ rows }) => rows > 0),
        "one of everything",
      );
      await assert.rejects(async () => from.open(), refusal("STORE_MOVED", /was moved to .*nothing was opened/));
      from = to;
    }
    const moved = await from.open();
    await using(moved, async () => assert.deepEqual(await answersOf(moved), await answersOf(stayed)));
  });
}

test("what is read of a store is the same from a file and from Postgres, cell by cell", async () => {
  const rows = async (place: Place): Promise<unknown> => {
    const store = await place.toMove(null);
    return using(store, async () => {
      const tables = MOVED_TABLES.map(async (table) => {
        const piece = await store.read(1, table, null, 1000);
        for (const row of piece.rows) assert.equal(row.length, MOVED[table].length, table);
        return [table, piece.rows.map((row) => JSON.stringify(row)).sort()];
      });
      return Promise.all(tables);
    });
  };
  const [file, database] = [inFile(), await inPostgres()];
  await filledAt(file);
  await move(file, database);
  assert.deepEqual(await rows(database), await rows(file));
});

/** What the stores keep and a move does not carry: what is theirs alone, or follows from what is carried. */
const LEFT: Readonly<Record<string, readonly string[]>> = {
  meta: ["name", "value"],
  lanes: [],
  leases: ["owner", "worker", "host", "process", "beat", "is_alive", "outside_commits", "number"],
  // Moves of lanes between servers.
  moves: ["target", "is_handed"],
  // Counts that were not folded yet are folded before they are read.
  tally_changes: ["minute", "workflow", "status", "runs"],
  turns_served: ["turn"],
  runs: ["number", "owner"],
  queues: ["owner"],
  // Each counts messages, and a key's digest, by itself.
  inbox: ["ordinal"],
  keys: ["digest"],
  tallies: ["grain", "slot"],
};

const COLUMNS_OF_FILE =
  "select t.name as tab, c.name as col from sqlite_schema t, pragma_table_info(t.name) c where t.type = 'table'";
const COLUMNS_OF_POSTGRES =
  "select table_name as tab, column_name as col from information_schema.columns where table_schema = 'tenfold'";

test("every column that a store keeps is carried, or known not to be", async () => {
  const [file, database] = [inFile(), await inPostgres()];
  for (const place of [file, database]) await using(await place.open(), async () => undefined);
  const inFileNow = new DatabaseSync(file.name);
  const ofFile = inFileNow.prepare(COLUMNS_OF_FILE).all();
  inFileNow.close();
  const client = new pg.Client(database.name);
  await client.connect();
  const { rows: ofPostgres } = await client.query(COLUMNS_OF_POSTGRES);
  await client.end();
  for (const { tab, col } of [...ofFile, ...ofPostgres] as { tab: string; col: string }[]) {
    const cell = col.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
    const carried: readonly string[] = MOVED[tab as keyof typeof MOVED] ?? [];
    const isKnown = col === "lane" || carried.includes(cell) || LEFT[tab]?.includes(col) === true;
    assert.ok(isKnown, `${tab}.${col}: carry it (store/moving.ts), or say here why not`);
  }
});

test("a table is read in pieces of any size, each row once", async () => {
  for (const place of [inFile(), await inPostgres()]) {
    await filledAt(place);
    const store = await place.toMove(null);
    await using(store, async () => {
      for (const table of MOVED_TABLES) {
        const { rows: whole } = await store.read(0, table, null, 1000);
        const read: unknown[] = [];
        let piece = await store.read(0, table, null, 1);
        read.push(...piece.rows);
        while (piece.next !== null) read.push(...(piece = await store.read(0, table, piece.next, 2)).rows);
        assert.deepEqual(read, whole, table);
      }
    });
  }
});

/** The verbs that change a store: what a move that is killed has done is all up to one of them. */
const CHANGES: readonly unknown[] = ["takeOver", "leave", "receive", "write", "left", "settle"];

class Killed extends Error {}

/** `store` as a program sees it that `dies` before or after a change. */
function deadly(store: MovingStore, dies: () => "before" | "after" | undefined): MovingStore {
  return new Proxy(store, {
    get(_, name) {
      const value: unknown = Reflect.get(store, name);
      if (typeof value !== "function") return value;
      if (!CHANGES.includes(name)) return value.bind(store) as unknown;
      return async (...given: unknown[]) => {
        const death = dies();
        if (death === "before") throw new Killed();
        const answer: unknown = await Reflect.apply(value, store, given);
        if (death === "after") throw new Killed();
        return answer;
      };
    },
  });
}

test("a move that dies before or after any change goes on where it stopped, and ends as if it had not", async () => {
  const whole = inFile();
  await filledAt(whole);
  const attempt = async (from: Place, to: Place, dies: () => "before" | "after" | undefined): Promise<Moved> => {
    const [source, target] = [await from.toMove(null), await to.toMove(LANES)];
    return using(source, () => using(target, () => moveStore(deadly(source, dies), deadly(target, dies), partsOf())));
  };
  let changes = 0;
  const undisturbed = await attempt(copyOf(whole), inFile(), () => void changes++);
  assert.ok(changes > 20, `${changes} of them`);
  for (let at = 1; at <= changes; at++) {
    for (const when of ["before", "after"] as const) {
      const [from, to] = [copyOf(whole), inFile()];
      let seen = 0;
      await assert.rejects(
        attempt(from, to, () => (++seen === at ? when : undefined)),
        Killed,
      );
      const ended = await attempt(from, to, () => undefined);
      // After the last change of all nothing is left to do.
      const isOver = at === changes && when === "after";
      assert.deepEqual(ended, isOver ? { isOld: true, tables: [] } : undisturbed, `died ${when} change ${at}`);
      await using(await to.open(), async () => undefined);
      await assert.rejects(async () => from.open(), refusal("STORE_MOVED", /was moved to/));
    }
  }
});

const PROGRAM = path.resolve(import.meta.dirname, "mover.ts");
const RUNS = 1500;
const KILLS = 4;

/** A store of one lane with more in it than is moved at once. */
async function fillMuch(place: Place): Promise<void> {
  const store = await place.open(1);
  await using(store, async () => {
    const make = idMaker();
    const lease = await joined(store, "gone");
    const starts = Array.from({ length: RUNS }, (_, nth) => {
      return startOf(make(NOW + nth), { key: keyOf(`${nth}`), attributes: [{ name: "nth", value: `${nth % 7}` }] });
    });
    await store.start(0, starts, NOW + RUNS, lease);
    const lines = [1, 2, 3, 4].map((nth) => lineOf(`line ${nth} ${"x".repeat(200)}`));
    const ended = starts.slice(100).map(({ id }) => commitOf(id, { lines, then: COMPLETED }));
    await store.commit(lease, ended, NOW);
    await store.send(
      0,
      starts.slice(0, 50).map(({ id }) => sendOf(id, "stop")),
      NOW,
    );
  });
}

/** Runs the mover; kills it somewhere behind so many things that it tells. Answers what it moved, if it came to its end. */
async function moves(from: Place, to: Place, things: number): Promise<Moved | undefined> {
  const child = spawn(process.execPath, [PROGRAM, from.name, to.name], { stdio: ["pipe", "pipe", "inherit"] });
  child.stdin.on("error", () => undefined);
  let told = 0;
  let last: { readonly kind: string } | undefined;
  for await (const line of createInterface(child.stdout)) {
    last = JSON.parse(line) as { kind: string };
    child.stdin.write("\n");
    if (++told === things) child.kill("SIGKILL");
  }
  return last?.kind === "moved" ? (last as unknown as Moved) : undefined;
}

for (const [way, places] of WAYS.slice(0, 2)) {
  test(`a program that moves a store ${way} is killed now and then, and the store arrives whole`, async () => {
    const [from, to] = (await places()) as [Place, Place];
    await fillMuch(from);
    const random = seededRandom(way);
    for (let kills = 0; kills < KILLS; kills++) {
      assert.equal(await moves(from, to, 2 + Math.floor(random() * 20)), undefined);
      await assert.rejects(async () => from.open(), refusal("STORE_MOVED", /not finished; nothing was opened/));
      await assert.rejects(async () => to.open(), refusal("STORE_MOVED", /is being filled/));
    }
    const moved = (await moves(from, to, Infinity))!;
    const [source, target] = [await from.toMove(null), await to.toMove(null)];
    for (const each of moved.tables) {
      assert.deepEqual(await contentOf(source, each.table, partsOf()), each);
      assert.deepEqual(await contentOf(target, each.table, partsOf()), each);
    }
    await Promise.all([source.close(), target.close()]);
    assert.equal(moved.tables.find(({ table }) => table === "journal")!.rows, (RUNS - 100) * 4);
  });
}
