/** Laws of steps whose writes commit with their results, on both databases: what they wrote is there exactly once. */
import assert from "node:assert/strict";
import { after, describe, test } from "node:test";
import { DatabaseSync } from "node:sqlite";
import pg from "pg";
import { open, step, workflow, type Lifted, type Tenfold } from "../../src/index.ts";
import { openTest } from "../../src/testing/index.ts";
import { aes256gcm } from "../../src/store/codec/aes256gcm.ts";
import { newFile } from "../store/files.ts";
import { newDatabase } from "../store/postgres-server.ts";
import { rejects } from "./world.ts";

interface Transfer {
  readonly id: string;
  readonly amount: number;
}

const MAKE = "create table transfers (id text not null, attempt integer not null)";

/** One of the two databases: how a body writes to it, and what is there. */
interface Base {
  readonly store: string;
  readonly kind: "sqlite" | "postgres";
  rows(): Promise<readonly string[]>;
  execute(sql: string): Promise<void>;
}

async function sqliteBase(): Promise<Base> {
  const store = newFile();
  const execute = async (sql: string): Promise<void> => {
    const database = new DatabaseSync(store, { timeout: 5000 });
    database.exec(sql);
    database.close();
  };
  const rows = async (): Promise<readonly string[]> => {
    const database = new DatabaseSync(store, { timeout: 5000 });
    const found = database.prepare("select id, attempt from transfers order by id").all();
    database.close();
    return found.map(({ id, attempt }) => `${String(id)} ${String(attempt)}`);
  };
  return { store, kind: "sqlite", rows, execute };
}

async function postgresBase(): Promise<Base> {
  const store = await newDatabase();
  const pool = new pg.Pool({ connectionString: store, max: 2 });
  after(() => pool.end());
  const rows = async (): Promise<readonly string[]> => {
    const found = await pool.query<{ id: string; attempt: number }>("select id, attempt from transfers order by id");
    return found.rows.map(({ id, attempt }) => `${id} ${attempt}`);
  };
  return { store, kind: "postgres", rows, execute: async (sql) => void (await pool.query(sql)) };
}

type Act = (attempt: number) => void;

/** The step in the words of the base; `act` is called when it has written. */
function transferOn(kind: Base["kind"], act: Act = () => {}) {
  const retry = { attempts: 3, first: "1ms" } as const;
  if (kind === "sqlite") {
    return step("transfer", {
      tx: "sqlite",
      retry,
      run({ id, amount }: Transfer, ctx) {
        ctx.tx.run("insert into transfers (id, attempt) values (?, ?)", id, ctx.attempt);
        act(ctx.attempt);
        return { id, left: 100 - amount };
      },
    });
  }
  return step("transfer", {
    tx: "postgres",
    retry,
    async run({ id, amount }: Transfer, ctx) {
      await ctx.tx.query("insert into transfers (id, attempt) values ($1, $2)", [id, ctx.attempt]);
      act(ctx.attempt);
      return { id, left: 100 - amount };
    },
  });
}

function flowOn(kind: Base["kind"], act?: Act) {
  const transfer = transferOn(kind, act);
  return workflow("transfers", { flow: (input: Lifted<Transfer>) => transfer(input) });
}

async function withStore<T>(opened: Promise<Tenfold>, act: (tenfold: Tenfold) => Promise<T>): Promise<T> {
  const tenfold = await opened;
  try {
    return await act(tenfold);
  } finally {
    await tenfold.close();
  }
}

for (const [name, baseOf] of [
  ["sqlite", sqliteBase],
  ["postgres", postgresBase],
] as const) {
  describe(`steps with tx on ${name}`, () => {
    test("what a body writes is there once, with its result", async () => {
      const base = await baseOf();
      const flow = flowOn(base.kind);
      await withStore(open({ store: base.store, workflows: [flow] }), async (tenfold) => {
        await base.execute(MAKE);
        const runs = await Promise.all(
          Array.from({ length: 50 }, (_, n) => tenfold.start(flow, { id: `t${10 + n}`, amount: n })),
        );
        const results = await Promise.all(runs.map((run) => run.result()));
        assert.deepEqual(results.at(-1), { id: "t59", left: 51 });
        assert.deepEqual(
          await base.rows(),
          Array.from({ length: 50 }, (_, n) => `t${10 + n} 1`),
        );
      });
    });

    test("a body that throws leaves nothing of it, and others that write at the same time all of theirs", async () => {
      const base = await baseOf();
      const flow = flowOn(base.kind, (attempt) => {
        if (attempt < 3) throw new Error("not yet");
      });
      const other = workflow("others", {
        flow: (input: Lifted<Transfer>) => transferOn(base.kind).as("transfer")(input),
      });
      await withStore(open({ store: base.store, workflows: [flow, other] }), async (tenfold) => {
        await base.execute(MAKE);
        const run = await tenfold.start(flow, { id: "a", amount: 1 });
        const beside = await tenfold.start(other, { id: "b", amount: 1 });
        assert.equal((await run.result()).left, 99);
        assert.equal((await beside.result()).left, 99);
        assert.deepEqual(await base.rows(), ["a 3", "b 1"]);
      });
    });

    test("a constraint that refuses the write is a failed attempt, told as the database says it", async () => {
      const base = await baseOf();
      const flow = flowOn(base.kind);
      await withStore(open({ store: base.store, workflows: [flow] }), async (tenfold) => {
        await base.execute("create table transfers (id text not null check (id <> 'bad'), attempt integer not null)");
        const run = await tenfold.start(flow, { id: "bad", amount: 1 });
        const good = await tenfold.start(flow, { id: "good", amount: 1 });
        await rejects(run.result(), "RUN_FAILED", name === "sqlite" ? "CHECK constraint" : "check constraint");
        await good.result();
        assert.deepEqual(await base.rows(), ["good 1"]);
      });
    });

    test("a result that was committed before its worker died is taken into the journal, and no body is called", async () => {
      const base = await baseOf();
      let calls = 0;
      const flow = flowOn(base.kind, () => void calls++);
      const id = await withStore(open({ store: base.store, workflows: [flow], work: false }), async (tenfold) => {
        await base.execute(MAKE);
        const { id: run } = await tenfold.start(flow, { id: "a", amount: 1 });
        const output = JSON.stringify({ id: "a", left: "as it was committed" });
        const schema = name === "postgres" ? "tenfold." : "";
        await base.execute(
          `insert into ${schema}tx_results (lane, run, key, attempt, output, at) values (0, '${run}', '${run}/transfer', 1, '${output}', 1)`,
        );
        return run;
      });
      await withStore(open({ store: base.store, workflows: [flow] }), async (tenfold) => {
        const result = (await tenfold.run(id).result()) as { readonly left: unknown };
        assert.equal(result.left, "as it was committed");
        assert.equal(calls, 0);
        assert.deepEqual(await base.rows(), []);
      });
    });

    test("an output that is too large undoes the write", async () => {
      const base = await baseOf();
      const sql = "insert into transfers (id, attempt) values ('a', 1)";
      const long = "x".repeat(50);
      const large =
        base.kind === "sqlite"
          ? step("large", { tx: "sqlite", run: (_: null, ctx) => (ctx.tx.run(sql), long) })
          : step("large", { tx: "postgres", run: async (_: null, ctx) => (await ctx.tx.query(sql), long) });
      const flow = workflow("large", { flow: (input: Lifted<null>) => large(input) });
      await withStore(open({ store: base.store, workflows: [flow], payload: 20 }), async (tenfold) => {
        await base.execute(MAKE);
        const run = await tenfold.start(flow, null);
        await rejects(run.result(), "RUN_FAILED", "at most 20");
        assert.deepEqual(await base.rows(), []);
      });
    });

    test("neither begin nor commit is a body's to say", async () => {
      const base = await baseOf();
      for (const statement of ["commit", "/* now */ ROLLBACK", "begin"]) {
        const ends =
          base.kind === "sqlite"
            ? step("ends", { tx: "sqlite", run: (_: null, ctx) => ctx.tx.run(statement).changes as number })
            : step("ends", { tx: "postgres", run: async (_: null, ctx) => (await ctx.tx.query(statement)).rowCount });
        const flow = workflow("ends", { flow: (input: Lifted<null>) => ends(input) });
        await withStore(open({ store: base.store, workflows: [flow] }), async (tenfold) => {
          const run = await tenfold.start(flow, null);
          const { error } = await rejects(run.result(), "RUN_FAILED").then(() => tenfold.show(run.id));
          assert.equal(error?.code, "TX_ENDED");
        });
      }
    });

    test("with a codec the result is not kept plain, and is read again", async () => {
      const base = await baseOf();
      const flow = flowOn(base.kind);
      const codec = aes256gcm({ keys: { one: Buffer.alloc(32, 7) }, use: "one" });
      await withStore(open({ store: base.store, workflows: [flow], codec }), async (tenfold) => {
        await base.execute(MAKE);
        const run = await tenfold.start(flow, { id: "a", amount: 1 });
        assert.deepEqual(await run.result(), { id: "a", left: 99 });
        const schema = name === "postgres" ? "tenfold." : "";
        await base.execute(
          `insert into transfers (id, attempt) select substr(output, 1, 4), 0 from ${schema}tx_results`,
        );
        assert.deepEqual(await base.rows(), ["a 1", "enc: 0"]);
      });
    });
  });
}

test("waiting for a connection is no part of a step's timeout, and a deadlock no failure of its body", async () => {
  const base = await postgresBase();
  let inside = 0;
  const uuids = new Map<string, string[]>();
  const { promise: both, resolve } = Promise.withResolvers<void>();
  const transfer = step("transfer", {
    tx: "postgres",
    retry: { attempts: 1 },
    timeout: "2s",
    async run({ id, amount }: Transfer, { tx, key, uuid }) {
      uuids.set(key, [...(uuids.get(key) ?? []), uuid()]);
      if (amount > 0) await tx.query("select pg_sleep($1)", [amount]);
      if (amount > 0) return id;
      const order = [id, id === "a" ? "b" : "a"];
      await tx.query("update transfers set attempt = attempt + 1 where id = $1", [order[0]]);
      if (++inside === 2) resolve();
      await both;
      await tx.query("update transfers set attempt = attempt + 1 where id = $1", [order[1]]);
      return id;
    },
  });
  const flow = workflow("transfers", { flow: (input: Lifted<Transfer>) => transfer(input) });
  await withStore(open({ store: `${base.store}?tenfold_tx=2`, workflows: [flow] }), async (tenfold) => {
    await base.execute(MAKE);
    await base.execute("insert into transfers values ('a', 0), ('b', 0)");
    const deadlocked = await Promise.all(["a", "b"].map((id) => tenfold.start(flow, { id, amount: 0 })));
    await Promise.all(deadlocked.map((run) => run.result()));
    assert.deepEqual(await base.rows(), ["a 2", "b 2"]);
    const calls = [...uuids.values()];
    assert.deepEqual(calls.map(({ length }) => length).toSorted(), [1, 2]); // prettier-ignore
    assert.ok(calls.every((all) => new Set(all).size === 1), "each call of an attempt has the same chance"); // prettier-ignore
    const slow = await Promise.all(
      Array.from({ length: 8 }, (_, n) => tenfold.start(flow, { id: `${n}`, amount: 0.7 })),
    );
    assert.deepEqual(
      await Promise.all(slow.map((run) => run.result())),
      Array.from({ length: 8 }, (_, n) => `${n}`),
    );
  });
});

test("a body whose transaction the database ends each time, as if for others, has failed after a few times", async () => {
  const base = await postgresBase();
  let calls = 0;
  const locked = step("locked", {
    tx: "postgres",
    retry: { attempts: 1 },
    async run(_: null, { tx }) {
      calls++;
      await tx.query("do $$ begin raise 'somebody was first' using errcode = '40001'; end $$");
      return 1;
    },
  });
  const flow = workflow("locked", { flow: (input: Lifted<null>) => locked(input) });
  await withStore(open({ store: base.store, workflows: [flow] }), async (tenfold) => {
    await rejects((await tenfold.start(flow, null)).result(), "RUN_FAILED", "somebody was first");
    assert.equal(calls, 5);
  });
});

test("a step is refused on a store of another kind, and on one in memory, before anything runs", async () => {
  const [sqlite, postgres] = [flowOn("sqlite"), flowOn("postgres")];
  await rejects(
    open({ store: ":memory:", workflows: [sqlite] }),
    "OPTION_UNSUPPORTED",
    "in memory",
    "nothing was opened",
  );
  await rejects(
    open({ store: newFile(), workflows: [postgres] }),
    "OPTION_UNSUPPORTED",
    'tx: "postgres"',
    "SQLite file",
  );
  await rejects(open({ store: await newDatabase(), workflows: [sqlite] }), "OPTION_UNSUPPORTED", "Postgres database");
});

test("in a test it wants a stub, and a crash before its commit has it called again", async () => {
  const flow = flowOn("sqlite");
  await using bare = await openTest({ workflows: [flow] });
  const refused = await bare.tenfold.start(flow, { id: "a", amount: 1 });
  await rejects(bare.finish(refused), "STUB_MISSING", "in memory");
  await using env = await openTest({ workflows: [flow] });
  env.stub("transfer", () => ({ id: "a", left: 1 }));
  env.crashAfter("transfer");
  const run = await env.tenfold.start(flow, { id: "a", amount: 1 });
  assert.deepEqual(await env.finish(run), { id: "a", left: 1 });
  assert.equal(env.calls("transfer").length, 2);
});
