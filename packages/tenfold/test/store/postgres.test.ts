/** The Postgres store keeps the laws, also beside programs that know less of it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { openPostgres } from "../../src/store/postgres/open.ts";
import { conformance } from "./conformance.ts";
import { newSchema, onServer, postgresServer } from "./postgres-server.ts";
import { joined } from "./sample.ts";

conformance("postgres", async (lanes) => openPostgres((await postgresServer()).url, { lanes, schema: newSchema() }), {
  sequences: 80,
});

test("a queue is owned by whoever asks, if a program that knows no queues took over from its owner", async () => {
  const [{ url }, schema] = [await postgresServer(), newSchema()];
  const store = await openPostgres(url, { lanes: 1, schema });
  const [a, b] = [await joined(store, "a"), await joined(store, "b")];
  await store.queues.own(a, ["score"]);
  await onServer(url, `update ${schema}.leases set is_alive = false where owner = 'a'`);
  const owned = { queue: "score", wasUsed: true, settings: null, buckets: [] };
  assert.deepEqual(await store.queues.own(b, ["score"]), [owned]);
  await store.close();
});
