/**
 * Real workers are killed by SIGKILL, by themselves before and after what their bodies do and by the test at any moment: what
 * is called at most once was never done twice, and what commits with its result was done exactly once, on both databases.
 */
import assert from "node:assert/strict";
import { spawn, type ChildProcess } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { after, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import pg from "pg";
import { open, TenfoldError, type Tenfold } from "../../packages/tenfold/src/index.ts";
import { newDatabase } from "../../packages/tenfold/test/store/postgres-server.ts";
import { MAKE_TABLE, promisingWorkflow } from "./promising.ts";

const RUNS = 30;
const DEATHS_MIN = 5;
const WORKER = join(import.meta.dirname, "promising-worker.ts");

const folder = mkdtempSync(join(tmpdir(), "tenfold-promises-"));
after(() => rmSync(folder, { recursive: true, force: true }));

interface Base {
  readonly store: string;
  readonly log: string;
  execute(sql: string): Promise<void>;
  booked(): Promise<readonly string[]>;
}

function sqliteBase(): Base {
  const store = join(folder, "store.db");
  const using = <T>(act: (database: DatabaseSync) => T): T => {
    const database = new DatabaseSync(store, { timeout: 10_000 });
    try {
      return act(database);
    } finally {
      database.close();
    }
  };
  return {
    store,
    log: join(folder, "sqlite.log"),
    execute: async (sql) => using((database) => database.exec(sql)),
    booked: async () => using((database) => database.prepare("select key from booked").all().map(({ key }) => String(key))), // prettier-ignore
  };
}

async function postgresBase(): Promise<Base> {
  const store = await newDatabase();
  const query = async (sql: string): Promise<readonly { readonly key: string }[]> => {
    const client = new pg.Client(store);
    await client.connect();
    const { rows } = await client.query<{ key: string }>(sql);
    await client.end();
    return rows;
  };
  return {
    store,
    log: join(folder, "postgres.log"),
    execute: async (sql) => void (await query(sql)),
    booked: async () => (await query("select key from booked")).map(({ key }) => key),
  };
}

/** Two workers at a time, each replaced when it is dead; answers how many died. */
class Workers {
  deaths = 0;
  readonly #base: Base;
  readonly #seed: number;
  readonly #running = new Set<ChildProcess>();
  #isOver = false;
  #lives = 0;

  constructor(base: Base, seed: number) {
    this.#base = base;
    this.#seed = seed;
    for (let place = 0; place < 2; place++) this.#launch();
  }

  killOne(): void {
    const [one] = this.#running;
    one?.kill("SIGKILL");
  }

  async close(): Promise<void> {
    this.#isOver = true;
    await Promise.all(
      [...this.#running].map((one) => {
        const gone = new Promise((resolve) => one.once("exit", resolve));
        one.kill("SIGKILL");
        return gone;
      }),
    );
  }

  #launch(): void {
    const seed = `${this.#seed} ${++this.#lives}`;
    const child = spawn(process.execPath, [WORKER, this.#base.store, this.#base.log, seed], {
      stdio: ["pipe", "ignore", "inherit"],
    });
    this.#running.add(child);
    child.once("exit", () => {
      this.#running.delete(child);
      if (this.#isOver) return;
      this.deaths++;
      this.#launch();
    });
  }
}

function effectsOf({ log }: Base): readonly string[] {
  return readFileSync(log, "utf8").split("\n").filter((line) => line !== ""); // prettier-ignore
}

function unlessAnswered(thrown: unknown): void {
  const isAnswered = thrown instanceof TenfoldError && ["UNSURE_UNKNOWN", "RUN_FINISHED"].includes(thrown.code);
  if (!isAnswered) throw thrown;
}

/** Somebody looks whether it happened, and says so. Answers of how many they did. */
async function answerDoubts(tenfold: Tenfold, base: Base): Promise<number> {
  let answered = 0;
  for await (const { token, idempotencyKey } of tenfold.unsure()) {
    const happened = effectsOf(base).includes(idempotencyKey);
    const said = happened ? { happened, output: "charged, as the log says" } : { happened };
    const resolution = { ...said, by: "the test" } as Parameters<Tenfold["resolve"]>[1];
    // What was said a moment ago may have arrived meanwhile.
    await tenfold.resolve(token, resolution).catch(unlessAnswered);
    answered++;
  }
  return answered;
}

for (const [name, baseOf] of [
  ["sqlite", async () => sqliteBase()],
  ["postgres", postgresBase],
] as const) {
  test(
    `killed before and after effects on ${name}: at most once, and exactly once`,
    { timeout: 300_000 },
    async (t) => {
      const seed = Math.floor(Math.random() * 1_000_000);
      t.diagnostic(`seed ${seed}`);
      const base = await baseOf();
      writeFileSync(base.log, "");
      const flow = promisingWorkflow(name, { effect: () => assert.fail("the client works"), mayDie: () => {} });
      const tenfold = await open({ store: base.store, workflows: [flow], work: false });
      t.after(() => tenfold.close());
      await base.execute(MAKE_TABLE);
      for await (const { kind } of tenfold.startMany(
        flow,
        Array.from({ length: RUNS }, (_, n) => n),
      )) {
        assert.equal(kind, "started");
      }
      const workers = new Workers(base, seed);
      t.after(() => workers.close());
      let doubts = 0;
      for (let round = 1; ; round++) {
        await pause(100);
        if (round % 8 === 0 && workers.deaths < 3 * DEATHS_MIN) workers.killOne();
        doubts += await answerDoubts(tenfold, base);
        const counts = await tenfold.counts();
        assert.ok(counts.every(({ status }) => status !== "failed"), JSON.stringify(counts)); // prettier-ignore
        for await (const { id } of tenfold.runs({ status: "held" })) await tenfold.retry(id);
        if (counts.reduce((sum, { status, runs }) => sum + (status === "completed" ? runs : 0), 0) === RUNS) break;
      }
      await workers.close();
      const [charged, booked] = [effectsOf(base), await base.booked()];
      t.diagnostic(`${workers.deaths} deaths, ${doubts} answers of people`);
      const ids = await Array.fromAsync(tenfold.runs({}), ({ id }) => id);
      assert.deepEqual(charged.toSorted(), ids.map((id) => `${id}/charge`).toSorted(), "no charge was made twice");
      const keys = ids.flatMap((id) => [`${id}/first`, `${id}/last`]);
      assert.deepEqual(booked.toSorted(), keys.toSorted(), "every booking is there once");
      assert.ok(workers.deaths >= DEATHS_MIN, `${workers.deaths} deaths`);
      assert.ok(doubts > 0, "people were asked");
      await tenfold.close();
    },
  );
}
