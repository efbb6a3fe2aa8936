/** The store on Citus keeps the laws, if CITUS_URL names a cluster's coordinator; and its page distributes every table. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { Connection } from "../../src/store/postgres/connection.ts";
import { MIGRATIONS } from "../../src/store/postgres/migrations.ts";
import { openPostgres } from "../../src/store/postgres/open.ts";
import { conformance } from "./conformance.ts";
import { newSchema } from "./postgres-server.ts";

const PAGE = readFileSync(new URL("../../../../docs/operate/citus.md", import.meta.url), "utf8");
const DISTRIBUTES = /^(?:set citus|select create_)[^;]*;$/gm;
const statements = [...PAGE.matchAll(DISTRIBUTES)].map(([statement]) => statement);

test("the page on Citus distributes every table that has lanes, and no other", () => {
  const sql = MIGRATIONS.map((migration) => migration.sql).join("\n");
  const made = [...sql.matchAll(/create table tenfold\.(\w+) \(\s*lane\b/g)].map(([, name]) => name!);
  const distributed = statements.flatMap(
    (statement) => /create_distributed_table\('tenfold\.(\w+)'/.exec(statement)?.[1] ?? [],
  );
  assert.deepEqual(distributed.toSorted(), made.filter((name) => name !== "moves").toSorted());
  assert.equal(distributed[0], "lanes");
});

const url = process.env["CITUS_URL"];

if (url === undefined) {
  test("citus: not run", (t) => {
    t.diagnostic("citus: not run, as CITUS_URL names no cluster");
  });
} else {
  conformance("citus", (lanes) => openDistributed(url, lanes), { sequences: 20 });
}

async function openDistributed(coordinator: string, lanes: number): ReturnType<typeof openPostgres> {
  const schema = newSchema();
  const store = await openPostgres(coordinator, { lanes, schema });
  const connection = new Connection(coordinator, { name: "the coordinator", schema, purpose: "tests", patienceMs: 60_000 }); // prettier-ignore
  try {
    // One connection, so that what is set for its session holds for all of them; few shards, as stores are many here.
    for (const statement of statements) {
      const sql = statement.replaceAll("tenfold.", `${schema}.`).replace(/shard_count = \d+/, "shard_count = 4");
      await connection.send([{ sql }]);
    }
  } finally {
    await connection.close();
  }
  return store;
}
