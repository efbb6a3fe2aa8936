/** What `start` promises: one run for each "started", one run for a key and generation. */
import assert from "node:assert/strict";
import {
  ALL,
  claimAll,
  commitOf,
  COMPLETED,
  idMaker,
  idsOf,
  joined,
  keyOf,
  law,
  NOW,
  startOf,
  type OpenStore,
} from "./sample.ts";

export function startLaws(open: OpenStore): void {
  law(open, "a run that was started can be read", async (store) => {
    const id = idMaker()(NOW + 5);
    const key = keyOf("kim@example.com");
    assert.deepEqual(await store.start(0, [startOf(id, { key, tenant: "acme" })], NOW, null), [{ kind: "started" }]);
    assert.deepEqual(await store.read(0, [id, "nobody"]), [
      {
        id,
        workflow: "lead-intake",
        graph: "g1",
        status: "waiting",
        tenant: "acme",
        key: "kim@example.com",
        generation: 1,
        owner: null,
        wakeAt: null,
        deaths: 0,
        input: `{"lead":"${id}"}`,
        output: null,
        error: null,
        startedAt: NOW + 5,
        endedAt: null,
      },
      undefined,
    ]);
  });

  law(open, "the same start sent again is started again, and is one run", async (store) => {
    const make = idMaker();
    const [keyed, plain, other] = [make(), make(), make()];
    const starts = [startOf(keyed, { key: keyOf("a") }), startOf(plain), startOf(plain)];
    const started = { kind: "started" };
    assert.deepEqual(await store.start(0, starts, NOW, null), [started, started, started]);
    assert.deepEqual(await store.start(0, [...starts, startOf(other)], NOW, null), [
      started,
      started,
      started,
      started,
    ]);
    assert.deepEqual(await store.tallies(0, null, null), [{ workflow: "lead-intake", status: "waiting", runs: 3 }]);
    const lease = await joined(store, "a");
    assert.deepEqual(idsOf(await claimAll(store, lease)), [keyed, plain, other]);
  });

  law(open, "a key that is known answers its run, and another input under it is a conflict", async (store) => {
    const make = idMaker();
    const [first, second] = [make(), make()];
    await store.start(0, [startOf(first, { key: keyOf("a") })], NOW, null);
    const starts = [
      startOf(make(), { key: keyOf("a") }),
      startOf(make(), { key: keyOf("a", { inputHash: "h2" }) }),
      startOf(second, { key: keyOf("b") }),
      startOf(make(), { key: keyOf("b") }),
    ];
    assert.deepEqual(await store.start(0, starts, NOW, null), [
      { kind: "existing", run: first, status: "waiting" },
      { kind: "conflict", run: first },
      { kind: "started" },
      { kind: "existing", run: second, status: "waiting" },
    ]);
  });

  law(open, "a key is one of a workflow and a tenant", async (store) => {
    const make = idMaker();
    const starts = [
      startOf(make(), { key: keyOf("a") }),
      startOf(make(), { key: keyOf("a"), tenant: "acme" }),
      startOf(make(), { key: keyOf("a"), workflow: "invoice" }),
    ];
    const answers = await store.start(0, starts, NOW, null);
    assert.deepEqual(
      answers.map(({ kind }) => kind),
      ["started", "started", "started"],
    );
  });

  law(open, "again starts the next generation once the last has ended, and not before", async (store) => {
    const make = idMaker();
    const [first, second, third] = [make(), make(), make()];
    const again = keyOf("a", { inputHash: "h2", again: true });
    const same = keyOf("a", { again: true });
    const lease = await joined(store, "a");
    await store.start(0, [startOf(first, { key: keyOf("a") })], NOW, lease);
    assert.deepEqual(await store.start(0, [startOf(second, { key: same })], NOW, lease), [
      { kind: "existing", run: first, status: "running" },
    ]);
    assert.deepEqual(await store.start(0, [startOf(second, { key: again })], NOW, lease), [
      { kind: "conflict", run: first },
    ]);
    await store.commit(lease, [commitOf(first, { then: COMPLETED })], NOW);
    assert.deepEqual(await store.start(0, [startOf(second, { key: again })], NOW, lease), [{ kind: "started" }]);
    assert.equal((await store.read(0, [second]))[0]?.generation, 2);
    assert.deepEqual(await store.start(0, [startOf(third, { key: keyOf("a") })], NOW, lease), [
      { kind: "conflict", run: second },
    ]);
  });

  law(open, "the same input by a hash that it had formerly is no conflict", async (store) => {
    const make = idMaker();
    const first = make();
    await store.start(0, [startOf(first, { key: keyOf("a") })], NOW, null);
    const starts = [
      startOf(make(), { key: keyOf("a", { inputHash: "h2", formerHashes: ["h0", "h1"] }) }),
      startOf(make(), { key: keyOf("a", { inputHash: "h2", formerHashes: ["h0"] }) }),
      startOf(make(), { key: keyOf("b", { inputHash: "h2", formerHashes: ["h1"] }) }),
      startOf(make(), { key: keyOf("b", { inputHash: "h2" }) }),
    ];
    assert.deepEqual(await store.start(0, starts, NOW, null), [
      { kind: "existing", run: first, status: "waiting" },
      { kind: "conflict", run: first },
      { kind: "started" },
      { kind: "existing", run: starts[2]!.id, status: "waiting" },
    ]);
  });

  law(open, "a known key answers its run whatever its status", async (store) => {
    const make = idMaker();
    const first = make();
    const lease = await joined(store, "a");
    await store.start(0, [startOf(first, { key: keyOf("a") })], NOW, lease);
    await store.commit(lease, [commitOf(first, { then: COMPLETED })], NOW);
    assert.deepEqual(await store.start(0, [startOf(make(), { key: keyOf("a") })], NOW, null), [
      { kind: "existing", run: first, status: "completed" },
    ]);
  });

  law(open, "a run started with a lease is its own from the start, if it is due", async (store) => {
    const make = idMaker();
    const [due, past, later] = [make(), make(), make()];
    const lease = await joined(store, "a");
    await store.start(0, [startOf(due), startOf(past, { at: NOW }), startOf(later, { at: NOW + 1 })], NOW, lease);
    assert.deepEqual([...(await store.owned(lease))].sort(), [due, past]);
    assert.deepEqual(await claimAll(store, lease), []);
    const [owned, , waiting] = await store.read(0, [due, past, later]);
    assert.deepEqual([owned?.status, owned?.owner, owned?.wakeAt], ["running", "a", null]);
    assert.deepEqual([waiting?.status, waiting?.owner, waiting?.wakeAt], ["waiting", null, NOW + 1]);
  });

  law(open, "a run with a time waits for it", async (store) => {
    const id = idMaker()();
    const lease = await joined(store, "a");
    await store.start(0, [startOf(id, { at: NOW + 1000 })], NOW, null);
    assert.deepEqual(await claimAll(store, lease, NOW + 999), []);
    assert.equal((await store.look(lease, ALL, NOW)).next, NOW + 1000);
    assert.deepEqual(idsOf(await claimAll(store, lease, NOW + 1000)), [id]);
  });

  law(
    open,
    "a verb touches one lane",
    async (store) => {
      const make = idMaker();
      const [here, there] = [make(NOW, 0), make(NOW, 1)];
      const lease = await joined(store, "a", 1);
      await store.start(0, [startOf(here, { key: keyOf("a") })], NOW, null);
      assert.deepEqual(await store.start(1, [startOf(there, { key: keyOf("a") })], NOW, null), [{ kind: "started" }]);
      assert.deepEqual(idsOf(await claimAll(store, lease)), [there]);
      assert.deepEqual(await store.read(1, [here]), [undefined]);
      assert.deepEqual(idsOf(await store.list(0, {}, { before: null, limit: 10 })), [here]);
      assert.equal((await store.tallies(0, null, null))[0]?.runs, 1);
      await assert.rejects(store.start(2, [], NOW, null), { code: "INVARIANT_BROKEN" });
    },
    2,
  );

  law(open, "large batches keep every answer in its place", async (store) => {
    const make = idMaker();
    const ids = Array.from({ length: 1003 }, () => make());
    const lease = await joined(store, "a");
    const starts = ids.map((id, index) =>
      startOf(id, { key: keyOf(`k${index}`), attributes: [{ name: "place", value: `p${index % 7}` }] }),
    );
    const answers = await store.start(0, starts, NOW, lease);
    assert.ok(answers.every(({ kind }) => kind === "started"));
    const again = await store.start(
      0,
      starts.map((start) => ({ ...start, id: make() })),
      NOW,
      lease,
    );
    assert.deepEqual(
      again.map((answer) => answer.kind === "existing" && answer.run),
      ids,
    );
    assert.deepEqual([...(await store.owned(lease))].sort(), ids);
  });
}
