/** What `prune` and `forgetKeys` promise: what goes, goes whole; what stays, stays whole; keys outlive their runs. */
import assert from "node:assert/strict";
import type { Lease, PruneAnswer, Pruning, RunStart, Store } from "../../src/store/store.ts";
import {
  commitOf,
  COMPLETED,
  FAILED,
  HELD,
  idMaker,
  idsOf,
  joined,
  keyOf,
  law,
  lineOf,
  NOW,
  sendOf,
  startOf,
  WORKFLOW,
  type OpenStore,
} from "./sample.ts";

const YEAR = 365 * 86_400_000;
const AFTER: Pruning = { before: NOW + 1, keysForMs: YEAR, linesMax: 1000 };
const PAGE = { before: null, limit: 100 };

export function pruneLaws(open: OpenStore): void {
  law(open, "a run that is pruned is gone with all that belongs to it", async (store) => {
    const lease = await joined(store, "a");
    const make = idMaker();
    const facts = { attributes: [{ name: "region", value: "eu" }], tenant: "acme", key: keyOf("k") };
    const [gone, stays] = [make(), make()];
    await ended(store, lease, startOf(gone, facts));
    await ended(store, lease, startOf(stays, { ...facts, key: keyOf("l") }));
    assert.deepEqual(await store.prune(0, [gone], AFTER), ["pruned"]);
    assert.deepEqual(idsOf((await store.read(0, [gone, stays])).filter((run) => run !== undefined)), [stays]);
    assert.deepEqual(await store.journal(0, gone), []);
    assert.equal((await store.journal(0, stays)).length, 2);
    for (const filter of [{}, { attribute: facts.attributes[0]! }, { tenant: "acme" }, { workflow: WORKFLOW }]) {
      assert.deepEqual(idsOf(await store.list(0, filter, PAGE)), [stays]);
    }
    assert.deepEqual(await store.list(0, { key: "k" }, PAGE), []);
    assert.deepEqual(idsOf(await store.list(0, { key: "l" }, PAGE)), [stays]);
    const completed = { workflow: WORKFLOW, status: "completed" } as const;
    assert.deepEqual(await store.tallies(0, null, null), [{ ...completed, runs: 1 }]);
    assert.deepEqual(await store.tallies(0, NOW, NOW + 60_000), [{ ...completed, runs: 1 }]);
    assert.deepEqual(await store.send(0, [sendOf(gone, "m", { reopens: true })], NOW), [{ kind: "unknown" }]);
    assert.deepEqual(await store.commit(lease, [commitOf(gone, { lines: [lineOf("z")] })], NOW), ["lost"]);
    assert.deepEqual(await store.prune(0, [gone], AFTER), ["kept"]);
  });

  law(open, "a run that has not finished, or not before that time, or is not there, stays as it is", async (store) => {
    const lease = await joined(store, "a");
    const make = idMaker();
    const [waiting, running, held, parked, failed] = [make(), make(), make(), make(), make()];
    await store.start(0, [startOf(waiting)], NOW, null);
    await store.start(
      0,
      [running, held, parked, failed].map((id) => startOf(id, { key: keyOf(id) })),
      NOW,
      lease,
    );
    await store.commit(
      lease,
      [
        commitOf(held, { then: HELD }),
        commitOf(parked, { then: { kind: "park", wakeAt: NOW - 5 } }),
        commitOf(failed, { lines: [lineOf("x")], then: FAILED }),
      ],
      NOW,
    );
    const all = [waiting, running, held, parked, failed];
    const before = await everything(store, all);
    const early = { ...AFTER, before: NOW };
    assert.deepEqual(
      await store.prune(0, [...all, make()], early),
      all.concat("").map(() => "kept"),
    );
    assert.deepEqual(await everything(store, all), before);
    assert.deepEqual(await store.prune(0, all, AFTER), ["kept", "kept", "kept", "kept", "pruned"]);
  });

  law(open, "a run that goes on again is not pruned by when it ended first", async (store) => {
    const lease = await joined(store, "a");
    const id = idMaker()();
    await ended(store, lease, startOf(id), FAILED);
    await store.send(0, [sendOf(id, "m", { reopens: true })], NOW);
    assert.deepEqual(await store.prune(0, [id], AFTER), ["kept"]);
    assert.equal((await store.read(0, [id]))[0]?.status, "running");
  });

  law(
    open,
    "a run with a parcel that is on its way stays until it has arrived",
    async (store) => {
      const lease = await joined(store, "a");
      const make = idMaker();
      const [id, other] = [make(), make(NOW, 1)];
      await store.start(0, [startOf(id)], NOW, lease);
      await store.commit(lease, [commitOf(id, { parcels: [sendOf(other, "m")], then: COMPLETED })], NOW);
      assert.deepEqual(await store.prune(0, [id], AFTER), ["kept"]);
      await store.post.remove(0, [{ from: id, key: "m" }]);
      assert.deepEqual(await store.prune(0, [id], AFTER), ["pruned"]);
    },
    2,
  );

  law(open, "once there are too many lines, the next runs are left for another time", async (store) => {
    const lease = await joined(store, "a");
    const make = idMaker();
    const ids = [make(), make(), make(), make()];
    for (const id of ids) await ended(store, lease, startOf(id));
    const running = make();
    await store.start(0, [startOf(running)], NOW, lease);
    const few = { ...AFTER, linesMax: 3 };
    const answers: PruneAnswer[] = ["pruned", "kept", "pruned", "kept", "left", "left"];
    const asked = [ids[0]!, ids[0]!, ids[1]!, running, ids[2]!, ids[3]!];
    assert.deepEqual(await store.prune(0, asked, few), answers);
    assert.deepEqual(await store.prune(0, [running, ids[3]!, ids[2]!], { ...few, linesMax: 0 }), [
      "kept",
      "pruned",
      "left",
    ]);
    assert.deepEqual(await store.prune(0, ids, few), ["kept", "kept", "pruned", "kept"]);
    assert.deepEqual(await store.prune(0, [], few), []);
  });

  law(open, "the key of a pruned run is known on: it starts no second run", async (store) => {
    const lease = await joined(store, "a");
    const make = idMaker();
    const [completed, failed] = [make(), make()];
    await ended(store, lease, startOf(completed, { key: keyOf("c") }));
    await ended(store, lease, startOf(failed, { key: keyOf("f"), tenant: "acme" }), FAILED);
    await store.prune(0, [completed, failed], AFTER);
    const again = [
      startOf(make(), { key: keyOf("c") }),
      startOf(make(), { key: keyOf("c", { inputHash: "h2" }) }),
      startOf(make(), { key: keyOf("f"), tenant: "acme" }),
      startOf(make(), { key: keyOf("f") }),
    ];
    assert.deepEqual(await store.start(0, again, NOW + 5, null), [
      { kind: "existing", run: completed, status: "completed" },
      { kind: "conflict", run: completed },
      { kind: "existing", run: failed, status: "failed" },
      { kind: "started" },
    ]);
  });

  law(open, "the key of a pruned run starts its next generation where that is asked for", async (store) => {
    const lease = await joined(store, "a");
    const make = idMaker();
    const [first, second] = [make(), make()];
    await ended(store, lease, startOf(first, { key: keyOf("c") }));
    await store.prune(0, [first], AFTER);
    const again = { key: keyOf("c", { again: true }) };
    assert.deepEqual(await store.start(0, [startOf(second, again)], NOW, lease), [{ kind: "started" }]);
    assert.equal((await store.read(0, [second]))[0]?.generation, 2);
    const [answer] = await store.start(0, [startOf(make(), again)], NOW, null);
    assert.deepEqual(answer, { kind: "existing", run: second, status: "running" });
    assert.equal(await store.forgetKeys(0, NOW + YEAR + 1, 10), 0);
    assert.deepEqual(idsOf(await store.list(0, { key: "c" }, PAGE)), [second]);
    const existing = { kind: "existing", run: second, status: "running" };
    assert.deepEqual(await store.start(0, [startOf(make(), { key: keyOf("c") })], NOW, null), [existing]);
  });

  law(open, "a key is forgotten as a whole, once the time of its last run is over", async (store) => {
    const lease = await joined(store, "a");
    const make = idMaker();
    const ids = [make(), make(), make()];
    for (const [nth, id] of ids.entries()) {
      await ended(store, lease, startOf(id, { key: keyOf("c", { again: true }) }), COMPLETED, NOW + 1000 * nth);
    }
    await store.prune(0, ids, { ...AFTER, before: NOW + 9000, keysForMs: 100 });
    const plain = async () => (await store.start(0, [startOf(make(), { key: keyOf("c") })], NOW, null))[0];
    for (const at of [NOW + 101, NOW + 1101, NOW + 2100]) {
      assert.equal(await store.forgetKeys(0, at, 10), 0);
      assert.deepEqual(await plain(), { kind: "existing", run: ids[2], status: "completed" });
    }
    assert.equal(await store.forgetKeys(0, NOW + 2101, 1), 3);
    assert.deepEqual(await plain(), { kind: "started" });
  });

  law(
    open,
    "keys are forgotten once their time is over, the oldest first, and never that of a run that is there",
    async (store) => {
      const lease = await joined(store, "a");
      const make = idMaker();
      const ids = [make(), make(), make(), make()];
      for (const [nth, id] of ids.entries())
        await ended(store, lease, startOf(id, { key: keyOf(`k${nth}`) }), COMPLETED, NOW + nth);
      await store.prune(0, ids.slice(0, 3), { before: NOW + 9, keysForMs: 100, linesMax: 1000 });
      assert.equal(await store.forgetKeys(0, NOW + 100, 10), 0);
      assert.equal(await store.forgetKeys(0, NOW + 9000, 1), 1);
      const start = (nth: number) => startOf(make(), { key: keyOf(`k${nth}`) });
      const kinds = async (...nths: number[]) =>
        (await store.start(0, nths.map(start), NOW, null)).map(({ kind }) => kind);
      assert.deepEqual(await kinds(0, 1, 2, 3), ["started", "existing", "existing", "existing"]);
      assert.equal(await store.forgetKeys(0, NOW + 9000, 10), 2);
      assert.equal(await store.forgetKeys(0, NOW + 9000, 10), 0);
      assert.deepEqual(await kinds(0, 1, 2, 3), ["existing", "started", "started", "existing"]);
    },
  );

  law(
    open,
    "another lane has nothing of it",
    async (store) => {
      const make = idMaker();
      const [here, there] = [make(NOW, 0), make(NOW, 1)];
      await ended(store, await joined(store, "a", 0), startOf(here, { key: keyOf("k") }));
      await ended(store, await joined(store, "b", 1), startOf(there, { key: keyOf("k") }));
      assert.deepEqual(await store.prune(0, [there, here], AFTER), ["kept", "pruned"]);
      assert.equal(await store.forgetKeys(1, NOW + 2 * YEAR, 10), 0);
      assert.equal((await store.read(1, [there]))[0]?.status, "completed");
      assert.equal(await store.forgetKeys(0, NOW + 2 * YEAR, 10), 1);
    },
    2,
  );
}

/** A run of `lease` with two lines that has ended at `now`. */
async function ended(store: Store, lease: Lease, start: RunStart, then = COMPLETED, now = NOW): Promise<void> {
  await store.start(lease.lane, [start], now, lease);
  await store.commit(lease, [commitOf(start.id, { lines: [lineOf("x"), lineOf("y")], then })], now);
}

async function everything(store: Store, runs: readonly string[]): Promise<unknown> {
  const journals = await Promise.all(runs.map((run) => store.journal(0, run)));
  return [await store.read(0, runs), journals, await store.tallies(0, null, null)];
}
