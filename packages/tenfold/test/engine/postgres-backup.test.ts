/**
 * A store that is copied while it is worked, as `pg_dump` copies it: every table as it was in one moment. Restored into
 * another database it goes on from there, and the one that was copied from goes on as if nothing had been.
 */
import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import pg from "pg";
import type { Tenfold } from "../../src/engine/client.ts";
import { open } from "../../src/engine/open.ts";
import { step, workflow, type StepContext } from "../../src/flow/index.ts";
import { migratePostgres } from "../../src/store/postgres/open.ts";
import { newSchema, onServer, postgresServer } from "../store/postgres-server.ts";

interface Call {
  readonly run: string;
  readonly node: string;
}

const UNDER_WAY = -1;

/** Three steps in a row; each result is the number of the call of a body that made it. */
class Load {
  readonly calls: Call[] = [];
  readonly orders = workflow<{ readonly order: number }>("orders", {
    key: ({ order }) => `order ${order}`,
    flow: (input) => this.#step("ship")(this.#step("pack")(this.#step("pick")(input.order))),
  });
  /** Until then the order that is under way when it is copied stays so. */
  readonly copied = Promise.withResolvers<void>();
  readonly #progress: (() => void)[] = [];

  #step(name: string) {
    return step(name, {
      run: async (from: number, { run, node }: StepContext) => {
        if (from === UNDER_WAY) await this.copied.promise;
        const call = this.calls.push({ run: run.id, node }) - 1;
        for (const resolve of this.#progress.splice(0)) resolve();
        await pause(50);
        return call;
      },
    });
  }

  async goesOn(calls: number): Promise<void> {
    for (const until = this.calls.length + calls; this.calls.length < until;)
      await new Promise<void>((resolve) => this.#progress.push(resolve));
  }

  async worker(t: TestContext, store: string): Promise<Tenfold> {
    const tenfold = await open({ store, workflows: [this.orders], lease: "1s", log: { write: () => undefined } });
    t.after(() => tenfold.close());
    return tenfold;
  }
}

interface Result {
  readonly node: string;
  readonly output: unknown;
}

/** The recorded results of each run. */
async function resultsOf(worker: Tenfold): Promise<ReadonlyMap<string, readonly Result[]>> {
  const results = new Map<string, readonly Result[]>();
  for await (const { id } of worker.runs()) {
    const { entries } = await worker.show(id);
    const done = entries.filter((entry) => entry.kind === "done");
    results.set(
      id,
      done.map(({ node, output }) => ({ node, output })),
    );
  }
  return results;
}

/** Copies every table of the schema as it is in one moment. */
async function copy(from: string, to: string, schema: string): Promise<void> {
  const [source, target] = [new pg.Client(from), new pg.Client(to)];
  await Promise.all([source.connect(), target.connect()]);
  await source.query("begin isolation level repeatable read read only");
  const { rows: tables } = await source.query<{ name: string }>(
    "select tablename as name from pg_tables where schemaname = $1 order by 1",
    [schema],
  );
  for (const { name } of tables) {
    const table = `"${schema}"."${name}"`;
    const { rows } = await source.query<{ all: string | null }>(`select json_agg(r)::text as all from ${table} r`);
    await target.query(`truncate ${table}`);
    await target.query(`insert into ${table} select * from json_populate_recordset(null::${table}, $1::json)`, [
      rows[0]!.all ?? "[]",
    ]);
  }
  await Promise.all([source.end(), target.end()]);
}

test("a store that was copied while workers worked goes on where the copy was made; nothing recorded is done again", async (t) => {
  const { url } = await postgresServer();
  const [schema, database] = [newSchema(), `copy_${newSchema()}`];
  const store = `${url}?tenfold_schema=${schema}`;
  const load = new Load();
  const worker = await load.worker(t, store);
  const enough = new AbortController();
  const started = new Map<number, string>();
  const startSome = async (): Promise<void> => {
    while (!enough.signal.aborted) {
      const order = started.size - 1;
      started.set(order, "");
      const run = await worker.start(load.orders, { order });
      started.set(order, run.id);
      await run.result();
    }
  };
  started.set(UNDER_WAY, (await worker.start(load.orders, { order: UNDER_WAY })).id);
  const starting = Promise.all(Array.from({ length: 20 }, startSome));
  await load.goesOn(200);
  const accepted = [...started.values()].filter((id) => id !== "");
  await onServer(url, `create database ${database} template template0`);
  const copied = `${url.replace(/postgres$/, database)}?tenfold_schema=${schema}`;
  await migratePostgres(copied, { isDry: false });
  await copy(url, copied.replace(/\?.*/, ""), schema);
  load.copied.resolve();
  await load.goesOn(200);
  enough.abort();
  await starting;

  // What the copy has recorded, before anybody works it.
  const looker = await open({ store: copied, workflows: [load.orders], work: false });
  const recorded = await resultsOf(looker);
  const unfinished = (await looker.counts()).filter(({ status }) => status !== "completed");
  await looker.close();
  assert.ok(unfinished.length > 0, "it was copied while there was work under way");
  for (const id of accepted) assert.ok(recorded.has(id), "what was accepted before the copy is in it");

  const callsBefore = load.calls.length;
  const restored = await load.worker(t, copied);
  await Promise.all([...recorded.keys()].map((id) => restored.run(id).result()));
  const after = await resultsOf(restored);
  assert.deepEqual([...after.keys()].toSorted(), [...recorded.keys()].toSorted());
  for (const [id, results] of after) {
    assert.deepEqual(results.map(({ node }) => node).toSorted(), ["pack", "pick", "ship"]);
    for (const was of recorded.get(id)!)
      assert.deepEqual(
        results.find(({ node }) => node === was.node),
        was,
      );
  }
  const again = load.calls
    .slice(callsBefore)
    .filter(({ run, node }) => recorded.get(run)?.some((result) => result.node === node));
  assert.deepEqual(again, [], "no recorded result is computed again");
  const known = await restored.start(load.orders, { order: 0 });
  assert.equal(known.existing, true, "its keys are known");

  // The store that was copied has all of its runs, and its workers did not notice.
  await Promise.all([...started.values()].map((id) => worker.run(id).result()));
  assert.deepEqual(await worker.counts(), [{ workflow: "orders", status: "completed", runs: started.size }]);
});
