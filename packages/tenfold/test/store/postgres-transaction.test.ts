/** Runs started in a transaction of the caller's own on Postgres, and what an open one of them holds up. */
import assert from "node:assert/strict";
import { test } from "node:test";
import pg from "pg";
import postgres from "postgres";
import { openPostgres } from "../../src/store/postgres/open.ts";
import type { PostgresStore } from "../../src/store/postgres/postgres.ts";
import type { StartAnswer } from "../../src/store/store.ts";
import type { TenfoldError } from "../../src/value/error.ts";
import { pgCaller, postgresCaller } from "./postgres-callers.ts";
import { newSchema, postgresServer } from "./postgres-server.ts";
import { claimAll, idMaker, idsOf, joined, keyOf, NOW, startOf, WORKFLOW } from "./sample.ts";
import { transactionLaws, undone } from "./transaction-laws.ts";

const STARTED: StartAnswer = { kind: "started" };
const GRAPH = { hash: "g1", workflow: WORKFLOW, graph: "{}" };

async function opened(): Promise<{ url: string; schema: string; store: PostgresStore }> {
  const { url } = await postgresServer();
  const schema = newSchema();
  const store = await openPostgres(url, { schema });
  await store.putGraphs(0, [GRAPH]);
  return { url, schema, store };
}

transactionLaws("a client of pg", async () => {
  const { url, schema, store } = await opened();
  return { store, caller: await pgCaller(url, schema) };
});

transactionLaws("the sql of a transaction of postgres", async () => {
  const { url, schema, store } = await opened();
  return { store, caller: await postgresCaller(url, schema) };
});

transactionLaws("the sql of one that renames columns and knows no arrays", async () => {
  const { url, schema, store } = await opened();
  return { store, caller: await postgresCaller(url, schema, { transform: postgres.pascal, fetch_types: false }) };
});

/** A store with two callers on it, closed in the end. */
function withTwo(
  sentence: string,
  check: (parts: {
    readonly store: PostgresStore;
    readonly url: string;
    readonly one: Awaited<ReturnType<typeof pgCaller>>;
    readonly other: Awaited<ReturnType<typeof pgCaller>>;
  }) => Promise<void>,
): void {
  test(sentence, async () => {
    const { url, schema, store } = await opened();
    const one = await pgCaller(url, schema);
    const other = await pgCaller(url, `${schema} other`);
    try {
      await check({ store, url, one, other });
    } finally {
      await one.close();
      await other.close();
      await store.close();
    }
  });
}

/** Resolves when a statement of `client` waits for a lock. */
async function untilBlocked(url: string, client: pg.Client): Promise<void> {
  const { processID } = client as unknown as { readonly processID: number };
  const looking = new pg.Client(url);
  await looking.connect();
  const blocked = async () => {
    const { rows } = await looking.query<{ blocked: boolean }>("select cardinality(pg_blocking_pids($1)) > 0 as blocked", [processID]); // prettier-ignore
    return rows[0]!.blocked;
  };
  while (!(await blocked()));
  await looking.end();
}

for (const commits of [true, false]) {
  const end = commits ? "commits: it answers its run" : "is rolled back: it starts its own";
  withTwo(
    `a start waits for another transaction that has its key, which ${end}`,
    async ({ store, url, one, other }) => {
      const make = idMaker();
      const [first, second] = [make(), make()];
      const key = keyOf("a");
      let waiting: Promise<readonly StartAnswer[]>;
      const takes = async (client: pg.Client): Promise<void> => {
        await store.startWith(client, 0, [startOf(first, { key })], NOW);
        waiting = other.within((client) => store.startWith(client, 0, [startOf(second, { key })], NOW));
        await untilBlocked(url, other.client);
      };
      if (commits) await one.within(() => takes(one.client));
      else await undone(one, () => takes(one.client));
      const existing: StartAnswer = { kind: "existing", run: first, status: "waiting" };
      assert.deepEqual(await waiting!, [commits ? existing : STARTED]);
      assert.equal((await store.tallies(0, null, null))[0]?.runs, 1);
    },
  );
}

withTwo("it waits no longer than the transaction's own lock_timeout, and the transaction goes on", async (parts) => {
  const { store, one, other } = parts;
  const make = idMaker();
  const key = keyOf("a");
  await one.within(async (client) => {
    await store.startWith(client, 0, [startOf(make(), { key })], NOW);
    await other.within(async (client) => {
      await other.client.query("set local lock_timeout = 1");
      await other.write(client, "before");
      const refused = store.startWith(client, 0, [startOf(make(), { key })], NOW);
      await assert.rejects(refused, { code: "STORE_BUSY", message: /no run was started/ });
      await other.write(client, "after");
      assert.deepEqual(await store.startWith(client, 0, [startOf(make(), { key: keyOf("b") })], NOW), [STARTED]);
    });
  });
  assert.deepEqual(await other.written(), ["before", "after"]);
  assert.equal((await store.tallies(0, null, null))[0]?.runs, 2);
});

withTwo(
  "one of several starts at once on one client that is refused takes none of the others with it",
  async (parts) => {
    const { store, one, other } = parts;
    const make = idMaker();
    const ids = Array.from({ length: 5 }, () => make());
    await one.within(async (client) => {
      await store.startWith(client, 0, [startOf(make(), { key: keyOf("k2") })], NOW);
      const kinds = await other.within(async (client) => {
        await other.client.query("set local lock_timeout = 1");
        const starts = ids.map((id, n) => store.startWith(client, 0, [startOf(id, { key: keyOf(`k${n}`) })], NOW));
        return (await Promise.allSettled(starts)).map(({ status }) => status);
      });
      assert.deepEqual(kinds, ["fulfilled", "fulfilled", "rejected", "fulfilled", "fulfilled"]);
    });
    const runs = await store.read(0, ids);
    assert.deepEqual(runs.map((run) => run?.id), [ids[0], ids[1], undefined, ids[3], ids[4]]); // prettier-ignore
  },
);

test("a key that a later transaction took is told to one of an older snapshot as Postgres tells it", async () => {
  const { url, schema, store } = await opened();
  const make = idMaker();
  const one = await pgCaller(url, schema, "begin isolation level repeatable read");
  await undone(one, async (client) => {
    await one.client.query("select 1");
    await store.start(0, [startOf(make(), { key: keyOf("a") })], NOW, null);
    const refused = store.startWith(client, 0, [startOf(make(), { key: keyOf("a") })], NOW);
    await assert.rejects(refused, { code: "40001" });
  });
  await one.close();
  await store.close();
});

withTwo("what a start cannot be made with is refused by what it is, and nothing is written", async (parts) => {
  const { store, url, one } = parts;
  const pool = new pg.Pool({ connectionString: url });
  const sql = postgres(url, { onnotice: () => undefined });
  const starts = [startOf(idMaker()(), { key: keyOf("a") })];
  const refused: readonly (readonly [unknown, RegExp])[] = [
    [undefined, /undefined.*sql\.begin/],
    ["postgres://localhost", /"postgres:.*a client of `pg`/],
    [new Map(), /a Map/],
    [pool, /a pool.*pool\.connect\(\)/],
    [sql, /whole pool.*sql\.begin\(/],
    [one.client, /no transaction open.*`begin`/],
    [{ query: async () => [] }, /does not answer `\{ rows \}`/],
  ];
  for (const [client, message] of refused) {
    await assert.rejects(store.startWith(client as never, 0, starts, NOW), { code: "OPTION_UNSUPPORTED", message });
  }
  assert.deepEqual(await store.tallies(0, null, null), []);
  assert.deepEqual(await store.start(0, starts, NOW, null), [STARTED]);
  await pool.end();
  await sql.end();
});

withTwo(
  "a client of another store, or of a database without one, is refused, and its transaction goes on",
  async ({ store, url, one }) => {
    const elsewhere = await openPostgres(url, { schema: newSchema() });
    await one.client.query("create database elsewhere");
    const away = await pgCaller(url.replace(/postgres$/, "elsewhere"), "away");
    const starts = [startOf(idMaker()())];
    await one.within(async (client) => {
      const refused = { code: "OPTION_UNSUPPORTED", message: /another store.*the store's own database/ };
      await assert.rejects(elsewhere.startWith(client, 0, starts, NOW), refused);
      await one.write(client, "after");
    });
    await away.within(async (client) => {
      const refused = { code: "OPTION_UNSUPPORTED", message: /without the tables.*the store's own database/ };
      await assert.rejects(store.startWith(client, 0, starts, NOW), refused);
      await away.write(client, "after");
    });
    assert.deepEqual([await one.written(), await away.written()], [["after"], ["after"]]);
    assert.deepEqual(await elsewhere.tallies(0, null, null), []);
    await away.close();
    await elsewhere.close();
  },
);

withTwo("a user who may not write to the store's tables is told what to have granted", async ({ store, one }) => {
  const role = `role_${process.pid}`;
  await one.client.query(`create role ${role}; grant all on table orders to ${role}`);
  await one.within(async (client) => {
    await one.client.query(`set local role ${role}`);
    const refused = store.startWith(client, 0, [startOf(idMaker()())], NOW);
    const { message } = await refused.then(
      () => assert.fail("it was started"),
      (error: unknown) => error as TenfoldError,
    );
    assert.match(message, /grant usage on schema/);
    await one.write(client, "after");
    await one.client.query("reset role");
    await one.client.query(/`(grant .*)`/.exec(message)![1]!.replaceAll("<user>", role));
    await one.client.query(`set local role ${role}`);
    assert.deepEqual(await store.startWith(client, 0, [startOf(idMaker()(), { key: keyOf("k") })], NOW), [STARTED]);
  });
  assert.deepEqual(await one.written(), ["after"]);
});

withTwo(
  "an open transaction locks the starts of its key, and no other start of their batch",
  async ({ store, one }) => {
    const make = idMaker();
    const lease = await joined(store, "a");
    const known = make();
    await store.start(0, [startOf(known, { key: keyOf("known") })], NOW, null);
    const held = make();
    const place = 37;
    const ids = Array.from({ length: 100 }, () => make());
    const starts = ids.map((id, n) => startOf(id, n % 3 === 0 ? {} : { key: keyOf(`k${n}`) }));
    starts[place] = startOf(ids[place]!, { key: keyOf("held") });
    starts[80] = startOf(ids[80]!, { key: keyOf("held") });
    starts[50] = startOf(ids[50]!, { key: keyOf("known") });
    await one.within(async (client) => {
      await store.startWith(client, 0, [startOf(held, { key: keyOf("held") })], NOW);
      const answers = await store.start(0, starts, NOW, lease);
      const existing: StartAnswer = { kind: "existing", run: known, status: "waiting" };
      const expected = starts.map((_, n) =>
        n === place || n === 80 ? { kind: "locked" } : n === 50 ? existing : STARTED,
      );
      assert.deepEqual(answers, expected);
      assert.deepEqual(await store.read(0, [ids[place]!, ids[80]!, held]), [undefined, undefined, undefined]);
      assert.equal((await store.owned(lease)).length, 97);
      assert.deepEqual(await store.start(0, [starts[place]!], NOW, null), [{ kind: "locked" }]);
    });
    const existing: StartAnswer = { kind: "existing", run: held, status: "waiting" };
    assert.deepEqual(await store.start(0, [starts[place]!], NOW, lease), [existing]);
  },
);

withTwo(
  "a batch of which many keys are held ends all the same, and nothing that has no key is locked",
  async (parts) => {
    const { store, one } = parts;
    const make = idMaker();
    const keys = Array.from({ length: 90 }, (_, n) => keyOf(`k${n}`));
    const startsOf = () => keys.map((key, n) => startOf(make(), n % 3 === 0 ? {} : { key }));
    await one.within(async (client) => {
      const odd = keys.filter((_, n) => n % 2 === 1);
      for (const key of odd) await store.startWith(client, 0, [startOf(make(), { key })], NOW);
      const starts = startsOf();
      const answers = await store.start(0, starts, NOW, null);
      for (const [n, { kind }] of answers.entries()) {
        if (n % 3 === 0) assert.equal(kind, "started");
        else if (n % 2 === 1) assert.equal(kind, "locked");
        else assert.ok(kind === "started" || kind === "locked");
      }
      const left = starts.filter((_, n) => answers[n]!.kind === "locked");
      const alone: string[] = [];
      for (const start of left) alone.push((await store.start(0, [start], NOW, null))[0]!.kind);
      const held = new Set(odd.map(({ key }) => key));
      assert.deepEqual(alone, left.map(({ key }) => (held.has(key!.key) ? "locked" : "started"))); // prettier-ignore
    });
  },
);

withTwo(
  "a run whose transaction commits long after others that were started later were claimed is claimed too",
  async (parts) => {
    const { store, one } = parts;
    const make = idMaker();
    const lease = await joined(store, "a");
    const early = make();
    await one.within(async (client) => {
      await store.startWith(client, 0, [startOf(early)], NOW);
      for (let round = 0; round < 3; round++) {
        await store.start(0, Array.from({ length: 50 }, () => startOf(make())), NOW, null); // prettier-ignore
        assert.equal((await claimAll(store, lease)).length, 50);
      }
    });
    // A store may look behind the place that it serves now and then only.
    let claimed: readonly string[] = [];
    while (claimed.length === 0) claimed = idsOf(await claimAll(store, lease));
    assert.deepEqual(claimed, [early]);
  },
);

withTwo("a key whose transaction is rolled back is free for those that were locked", async ({ store, one }) => {
  const make = idMaker();
  const start = startOf(make(), { key: keyOf("held") });
  await undone(one, async (client) => {
    await store.startWith(client, 0, [startOf(make(), { key: keyOf("held") })], NOW);
    assert.deepEqual(await store.start(0, [start], NOW, null), [{ kind: "locked" }]);
  });
  assert.deepEqual(await store.start(0, [start], NOW, null), [STARTED]);
});
