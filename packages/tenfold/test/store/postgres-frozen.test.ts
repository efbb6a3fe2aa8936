/** A worker that is stopped in the middle of a transaction keeps nobody from taking over, and writes nothing when it goes on. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { LeaseLost } from "../../src/store/store.ts";
import { openPostgres } from "../../src/store/postgres/open.ts";
import { Gate, heldStore } from "./held-connection.ts";
import { newSchema, postgresServer } from "./postgres-server.ts";
import { workOf } from "./transacting.ts";
import { claimAll, commitOf, idMaker, idsOf, joined, lineOf, NOW, startOf } from "./sample.ts";

/** How long both wait for an answer. */
const PATIENCE_MS = 2000;

/** A store whose verbs stop at a gate, with a lease, and another one on the same rows. */
async function opened() {
  const schema = newSchema();
  const { url } = await postgresServer();
  const other = await openPostgres(url, { schema, patienceMs: PATIENCE_MS });
  const gate = new Gate();
  const stopped = heldStore(url, schema, 1, gate, PATIENCE_MS);
  return { gate, stopped, lease: await joined(stopped, "a"), other };
}

for (const share of [0, 1]) {
  const where = share === 0 ? "has only looked" : "has sent all but its commit";
  test(`a lease is taken over from a worker that stands still where its transaction ${where}`, async () => {
    const { gate, stopped, lease, other } = await opened();
    const id = idMaker()();
    await other.start(0, [startOf(id)], NOW, lease);

    const hold = gate.arm(share);
    const unanswered = stopped.commit(lease, [commitOf(id, { lines: [lineOf("x")] })], NOW);
    const refused = assert.rejects(unanswered);
    await hold.reached;
    assert.equal(await other.takeOver(0, "a", null, NOW, false), true);
    await hold.release();
    await refused;

    assert.deepEqual(await other.journal(0, id), []);
    await assert.rejects(stopped.commit(lease, [commitOf(id, { lines: [lineOf("x")] })], NOW), LeaseLost);
    assert.deepEqual(idsOf(await claimAll(other, await joined(other, "b"))), [id]);
    await stopped.close();
    await other.close();
  });
}

test("a lease is taken over from a worker that stands still before it commits what a body wrote", async () => {
  const { gate, stopped, lease, other } = await opened();

  const hold = gate.arm(1);
  const unanswered = stopped.transactions.transact(lease, workOf("r", "1"));
  const refused = assert.rejects(unanswered, { code: "STORE_UNREACHABLE" }, "it is asked again, and is no failure");
  await hold.reached;
  assert.equal(await other.takeOver(0, "a", null, NOW, false), true);
  await hold.release();
  await refused;

  await assert.rejects(stopped.transactions.transact(lease, workOf("r", "1")), LeaseLost);
  const heir = await joined(other, "b");
  assert.deepEqual(await other.transactions.transact(heir, workOf("r", "2")), { kind: "written" });
  await stopped.close();
  await other.close();
});
