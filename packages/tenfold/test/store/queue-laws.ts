/** What the store promises of queues: one owner each, what that keeps, and what is set and shown of them. */
import assert from "node:assert/strict";
import { parked, shown } from "./placed.ts";
import { ALL, idMaker, joined, law, leaseOf, NOW, startOf, type OpenStore } from "./sample.ts";

const LOST = { name: "LeaseLost" };
const NEVER_OWNED = { wasUsed: false, settings: null, buckets: [] };

export function queueLaws(open: OpenStore): void {
  law(open, "a queue has one owner, and says the same to it when it is asked again", async (store) => {
    const { queues } = store;
    const [a, b] = [await joined(store, "a"), await joined(store, "b")];
    assert.deepEqual(await queues.own(a, ["score", "send"]), [
      { queue: "score", ...NEVER_OWNED },
      { queue: "send", ...NEVER_OWNED },
    ]);
    assert.deepEqual(await queues.own(b, ["score", "mail"]), [{ queue: "mail", ...NEVER_OWNED }]);
    assert.deepEqual(await queues.own(a, ["send", "mail", "score"]), [
      { queue: "send", ...NEVER_OWNED },
      { queue: "score", ...NEVER_OWNED },
    ]);
    assert.deepEqual(await queues.own(a, []), []);
  });

  law(open, "of many that would own a queue at once, one does", async (store) => {
    const leases = await Promise.all(Array.from({ length: 6 }, (_, nth) => joined(store, `w${nth}`)));
    const answers = await Promise.all(leases.map((lease) => store.queues.own(lease, ["score"])));
    assert.equal(answers.flat().length, 1);
  });

  law(open, "a queue that is released, by its owner only, is nobody's, and was used", async (store) => {
    const { queues } = store;
    const [a, b] = [await joined(store, "a"), await joined(store, "b")];
    await queues.own(a, ["score", "send"]);
    await queues.release(b, ["score", "none"]);
    assert.deepEqual(await queues.own(b, ["score"]), []);
    await queues.release(a, ["score"]);
    assert.deepEqual(await queues.own(b, ["score", "send"]), [{ queue: "score", ...NEVER_OWNED, wasUsed: true }]);
    assert.deepEqual(await queues.own(a, ["score"]), []);
  });

  law(open, "taking over from an owner frees its queues, and those of no other", async (store) => {
    const { queues } = store;
    const [a, b, c] = [await joined(store, "a"), await joined(store, "b"), await joined(store, "c")];
    await queues.own(a, ["score"]);
    await queues.own(b, ["send"]);
    await store.takeOver(0, "a", null, NOW, false);
    assert.deepEqual(await queues.own(c, ["score", "send"]), [{ queue: "score", ...NEVER_OWNED, wasUsed: true }]);
  });

  law(open, "a dead lease owns, writes, hears and calls up nothing", async (store) => {
    const { queues } = store;
    const a = await joined(store, "a");
    const [run] = await parked(store, a, [{}]);
    await queues.own(a, ["score"]);
    await store.takeOver(0, "a", null, NOW, false);
    await assert.rejects(queues.own(a, ["score", "send"]), LOST);
    await assert.rejects(queues.release(a, ["score"]), LOST);
    await assert.rejects(queues.keepBuckets(a, "score", [{ scope: "", tat: 1, at: NOW }], []), LOST);
    await assert.rejects(queues.setStats(a, "score", "{}"), LOST);
    await assert.rejects(queues.arrivals(a, "score", 10), LOST);
    await assert.rejects(queues.call(a, ALL, [shown(run!)]), LOST);
    await assert.rejects(queues.own(leaseOf("nobody"), ["score"]), LOST);
    const b = await joined(store, "b");
    assert.deepEqual(await queues.arrivals(b, "score", 10), [shown(run!)]);
    assert.deepEqual(await queues.own(b, ["score"]), [{ queue: "score", ...NEVER_OWNED, wasUsed: true }]);
  });

  law(
    open,
    "buckets are kept by the owner only, the last one of each scope, for whoever owns the queue next",
    async (store) => {
      const { queues } = store;
      const [a, b] = [await joined(store, "a"), await joined(store, "b")];
      await queues.own(a, ["score"]);
      await queues.keepBuckets(
        a,
        "score",
        [
          { scope: "key k", tat: NOW + 0.25, at: NOW },
          { scope: "", tat: NOW + 7, at: NOW },
          { scope: "key l", tat: 1, at: NOW },
        ],
        [],
      );
      await queues.keepBuckets(a, "score", [{ scope: "key k", tat: NOW + 1.5, at: NOW + 1 }], ["key l", "key m"]);
      await queues.keepBuckets(a, "score", [{ scope: "key m", tat: 1, at: NOW }], []);
      await queues.keepBuckets(a, "score", [], ["key m"]);
      await queues.keepBuckets(a, "score", [], []);
      await assert.rejects(queues.keepBuckets(b, "score", [], [""]), LOST);
      await assert.rejects(queues.keepBuckets(b, "score", [{ scope: "", tat: 0, at: 0 }], []), LOST);
      await assert.rejects(queues.keepBuckets(a, "send", [{ scope: "", tat: 0, at: 0 }], []), LOST);
      await queues.release(a, ["score"]);
      await assert.rejects(queues.keepBuckets(a, "score", [{ scope: "", tat: 0, at: 0 }], []), LOST);
      const buckets = [
        { scope: "", tat: NOW + 7, at: NOW },
        { scope: "key k", tat: NOW + 1.5, at: NOW + 1 },
      ];
      assert.deepEqual(await queues.own(b, ["score"]), [{ queue: "score", wasUsed: true, settings: null, buckets }]);
    },
  );

  law(open, "what is set of a queue is told to its owners, and shown with what the owner says", async (store) => {
    const { queues } = store;
    const [a, b] = [await joined(store, "a"), await joined(store, "b")];
    await queues.setSettings(0, "score", `{"rate":"5/s"}`);
    const shownAs = { queue: "score", owner: null, settings: `{"rate":"5/s"}`, stats: null, waiting: 0, oldest: null };
    assert.deepEqual(await queues.list(0), [shownAs]);
    assert.deepEqual(await queues.own(a, ["score"]), [{ queue: "score", ...NEVER_OWNED, settings: `{"rate":"5/s"}` }]);
    await queues.setStats(a, "score", `{"running":3}`);
    await queues.setStats(b, "score", `{"running":9}`);
    await queues.setStats(a, "none", `{}`);
    assert.deepEqual(await queues.list(0), [{ ...shownAs, owner: "a", stats: `{"running":3}` }]);
    await queues.setSettings(0, "score", null);
    assert.deepEqual(await queues.own(a, ["score"]), [{ queue: "score", ...NEVER_OWNED }]);
  });

  law(open, "queues are listed by name, with how many places they have and the least rank of them", async (store) => {
    const { queues } = store;
    const a = await joined(store, "a");
    assert.deepEqual(await queues.list(0), []);
    await parked(store, a, [
      { key: "k", rank: NOW + 5 },
      { key: "l", rank: -3 },
      { queue: "mail", rank: 7 },
    ]);
    await queues.own(a, ["send", "score"]);
    const none = { owner: null, settings: null, stats: null };
    assert.deepEqual(await queues.list(0), [
      { queue: "mail", ...none, waiting: 1, oldest: 7 },
      { queue: "score", ...none, owner: "a", waiting: 2, oldest: -3 },
      { queue: "send", ...none, owner: "a", waiting: 0, oldest: null },
    ]);
  });

  law(open, "the places of a queue are counted up to so many, whatever their keys", async (store) => {
    const { queues } = store;
    const a = await joined(store, "a");
    assert.equal(await queues.count(0, "score", 9), 0);
    const ids = await parked(store, a, [{}, { key: "k" }, { key: "l", rank: -3 }, { queue: "mail" }]);
    assert.deepEqual([await queues.count(0, "score", 9), await queues.count(0, "score", 2)], [3, 2]);
    assert.deepEqual([await queues.count(0, "mail", 9), await queues.count(0, "none", 9)], [1, 0]);
    await queues.call(a, ALL, [shown(ids[1]!, { key: "k" })]);
    assert.equal(await queues.count(0, "score", 9), 2);
  });

  law(open, "runs that nobody has begun are counted up to so many, until they are claimed", async (store) => {
    const { queues } = store;
    const a = await joined(store, "a");
    const make = idMaker();
    const starts = [{}, {}, {}, { at: NOW + 1000 }].map((differs) => startOf(make(), differs));
    const { workflow } = starts[0]!;
    await store.start(0, starts, NOW, null);
    await store.start(0, [startOf(make())], NOW, a);
    assert.deepEqual([await queues.unbegun(0, workflow, 9), await queues.unbegun(0, workflow, 2)], [3, 2]);
    assert.equal(await queues.unbegun(0, "none", 9), 0);
    await store.claim(a, ALL, NOW, 2, 1e9);
    assert.equal(await queues.unbegun(0, workflow, 9), 1);
  });
}
