/** What the store promises of places in queues: there when their run is parked, told of once, and called up once. */
import assert from "node:assert/strict";
import type { NewPlace } from "../../src/store/queues.ts";
import type { RunCommit } from "../../src/store/store.ts";
import { LATER, parked, placeOf, shown } from "./placed.ts";
import {
  ALL,
  claimAll,
  commitOf,
  COMPLETED,
  HELD,
  idMaker,
  idsOf,
  joined,
  law,
  lineOf,
  NOW,
  sendOf,
  startOf,
  WORKFLOW,
  type OpenStore,
} from "./sample.ts";

const NEVER_OWNED = { wasUsed: false, settings: null, buckets: [] };

export function placeLaws(open: OpenStore): void {
  law(open, "places are written if their run is parked with them, and only then", async (store) => {
    const { queues } = store;
    const make = idMaker();
    const a = await joined(store, "a");
    const ids = [make(), make(), make(), make(), make()];
    const [kept, ended, mailed, lost, parks] = ids as [string, string, string, string, string];
    await store.start(
      0,
      ids.map((id) => startOf(id)),
      NOW,
      a,
    );
    await store.send(0, [sendOf(mailed, "m")], NOW);
    const places = [placeOf()];
    const commits = [
      commitOf(kept, { lines: [lineOf("x")], places }),
      commitOf(ended, { then: COMPLETED, places }),
      commitOf(mailed, { then: LATER, places }),
      commitOf(lost, { from: 7, then: LATER, places }),
      commitOf(parks, { lines: [lineOf("x")], then: LATER, places }),
    ];
    assert.deepEqual(await store.commit(a, commits, NOW), ["written", "written", "mail", "lost", "written"]);
    assert.deepEqual(await queues.firsts(0, "score", null, 9), [shown(parks)]);
    assert.equal((await queues.list(0))[0]?.waiting, 1);
  });

  law(open, "a place that is there stays as it is, and is new again or not as the commit says", async (store) => {
    const { queues } = store;
    const a = await joined(store, "a");
    const [run] = await parked(store, a, [{ cost: 0.5, weight: 3 }]);
    const again = async (length: number, differs: Partial<NewPlace>) => {
      await claimAll(store, a, NOW + 1000);
      const commit: RunCommit = commitOf(run!, {
        from: length,
        lines: [lineOf("x")],
        then: LATER,
        places: [placeOf(differs)],
      });
      await store.commit(a, [commit], NOW);
      // The same lines sent again change nothing any more.
      assert.deepEqual(await store.commit(a, [{ ...commit, places: [placeOf({ key: "other" })] }], NOW), ["written"]);
    };
    const place = shown(run!, { cost: 0.5, weight: 3 });
    assert.deepEqual(await queues.arrivals(a, "score", 9), [place]);
    await again(0, { cost: 9, weight: 9, isNew: false });
    assert.deepEqual(await queues.arrivals(a, "score", 9), []);
    await again(1, { cost: 9, weight: 9 });
    assert.deepEqual(await queues.arrivals(a, "score", 9), [place]);
    assert.equal((await queues.list(0))[0]?.waiting, 1);
  });

  law(
    open,
    "arrivals are answered once, by rank, so many as are asked for, and not what the owner wrote itself",
    async (store) => {
      const { queues } = store;
      const a = await joined(store, "a");
      const ids = await parked(store, a, [
        { rank: 30, key: "k" },
        { rank: 20, key: "l" },
        { rank: 10, isNew: false },
        { rank: 20, key: "a" },
        { queue: "send", rank: 1 },
      ]);
      assert.deepEqual(await queues.arrivals(a, "none", 9), []);
      assert.deepEqual(await queues.arrivals(a, "score", 2), [
        shown(ids[1]!, { rank: 20, key: queues.keyOf("l") }),
        shown(ids[3]!, { rank: 20, key: queues.keyOf("a") }),
      ]);
      assert.deepEqual(await queues.arrivals(a, "score", 2), [shown(ids[0]!, { rank: 30, key: queues.keyOf("k") })]);
      assert.deepEqual(await queues.arrivals(a, "score", 2), []);
      assert.deepEqual(await queues.arrivals(a, "send", 2), [shown(ids[4]!, { queue: "send", rank: 1 })]);
    },
  );

  law(
    open,
    "the first places are one of each key, by key; behind one come those of its key, by rank, run and node",
    async (store) => {
      const { queues } = store;
      const a = await joined(store, "a");
      const ids = await parked(store, a, [
        { key: "k", rank: 30 },
        { key: "k", rank: -10 },
        { key: "k", rank: 20, cost: 0.125, weight: 2 },
        { key: "k", rank: 20 },
        { key: "", rank: 99 },
        { key: "m", rank: 5 },
        { queue: "send", key: "k", rank: 1 },
      ]);
      const key = queues.keyOf("k");
      const none = shown(ids[4]!, { rank: 99 });
      const k = shown(ids[1]!, { key, rank: -10 });
      const m = shown(ids[5]!, { key: queues.keyOf("m"), rank: 5 });
      const [second, third] = k.key < m.key ? [k, m] : [m, k];
      assert.deepEqual(await queues.firsts(0, "score", null, 9), [none, second, third]);
      assert.deepEqual(await queues.firsts(0, "score", null, 2), [none, second]);
      assert.deepEqual(await queues.firsts(0, "score", "", 1), [second]);
      assert.deepEqual(await queues.firsts(0, "score", second.key, 2), [third]);
      assert.deepEqual(await queues.firsts(0, "score", third.key, 9), []);
      const behind = [
        shown(ids[2]!, { key, rank: 20, cost: 0.125, weight: 2 }),
        shown(ids[3]!, { key, rank: 20 }),
        shown(ids[0]!, { key, rank: 30 }),
      ];
      assert.deepEqual(await queues.behind(0, "score", k, 9), behind);
      assert.deepEqual(await queues.behind(0, "score", { ...k, key: "k" }, 2), behind.slice(0, 2));
      assert.deepEqual(await queues.behind(0, "score", behind[0]!, 9), behind.slice(1));
      assert.deepEqual(await queues.behind(0, "score", m, 9), []);
    },
  );

  law(open, "a key stands in a store in one way, which is short, however often it is asked for", async ({ queues }) => {
    const given = ["", "k", "ann@example.com", "é".repeat(5000), "a \0 b", "half of a pair \ud800"];
    const kept = given.map((key) => queues.keyOf(key));
    assert.deepEqual(
      kept.map((key) => queues.keyOf(key)),
      kept,
    );
    assert.deepEqual(
      given.map((key) => queues.keyOf(key)),
      kept,
    );
    assert.equal(new Set(kept).size, given.length);
    assert.ok(kept.every((key) => key.length <= 256 && !key.includes("\0") && key.isWellFormed()));
  });

  law(open, "whoever watches hears of places that are new to their queue's owner", async (store) => {
    const a = await joined(store, "a");
    let heard = 0;
    const stop = store.watch("place", () => heard++);
    await parked(store, a, [{}]);
    stop();
    assert.ok(heard > 0);
  });

  law(open, "who is called up is its caller's, with its journal and mail, and its place is gone", async (store) => {
    const { queues } = store;
    const [a, b] = [await joined(store, "a"), await joined(store, "b")];
    const id = idMaker()();
    await store.start(0, [startOf(id)], NOW, a);
    const park = commitOf(id, { lines: [lineOf("x")], then: LATER, places: [placeOf(), placeOf({ queue: "send" })] });
    await store.commit(a, [park], NOW);
    await store.send(0, [sendOf(id, "m")], NOW);
    const [called, ...rest] = await queues.call(b, ALL, [shown(id), shown(id, { rank: 1 }), shown(id)]);
    assert.deepEqual(rest, []);
    assert.deepEqual(await store.load(b, [id]), [called]);
    assert.deepEqual([called?.journal, called?.deaths], [[lineOf("x")], 0]);
    assert.deepEqual([called?.mail.count, called?.mail.messages.map(({ key }) => key)], [1, ["m"]]);
    const [record] = await store.read(0, [id]);
    assert.deepEqual([record?.status, record?.owner, record?.wakeAt], ["running", "b", null]);
    assert.deepEqual(await queues.firsts(0, "score", null, 9), []);
    assert.deepEqual(await queues.firsts(0, "send", null, 9), [shown(id, { queue: "send" })]);
    assert.deepEqual(await queues.call(b, ALL, [shown(id, { queue: "send" })]), []);
    assert.deepEqual(await queues.firsts(0, "send", null, 9), []);
    const end = commitOf(id, { from: 1, absorbed: ["m"], mailSeen: 1, then: COMPLETED });
    assert.deepEqual(await store.commit(b, [end], NOW), ["written"]);
  });

  law(open, "those that are called up come in the order of their places", async (store) => {
    const a = await joined(store, "a");
    const ids = await parked(store, a, [{}, {}, {}]);
    const places = [ids[2]!, ids[0]!, ids[2]!, ids[1]!].map((run) => shown(run));
    assert.deepEqual(idsOf(await store.queues.call(a, ALL, places)), [ids[2], ids[0], ids[1]]);
    assert.deepEqual(await store.queues.call(a, ALL, []), []);
  });

  law(
    open,
    "nobody is called up who is in an owner's hands, has ended, is held, has not begun, or is of another workflow",
    async (store) => {
      const { queues } = store;
      const make = idMaker();
      const a = await joined(store, "a");
      const [owned, ended, held, waiting, later, mailed, other] = Array.from({ length: 7 }, () => make()) as string[];
      await store.start(0, [startOf(owned!), startOf(ended!), startOf(held!)], NOW, a);
      await store.start(0, [startOf(waiting!), startOf(later!, { at: NOW + 9 }), startOf(mailed!)], NOW, null);
      await store.send(0, [sendOf(mailed!, "m")], NOW);
      await store.commit(a, [commitOf(ended!, { then: COMPLETED }), commitOf(held!, { then: HELD })], NOW);
      await store.start(0, [startOf(other!, { workflow: "invoice" })], NOW, a);
      await store.commit(a, [commitOf(other!, { then: LATER, places: [placeOf()] })], NOW);
      const all = [owned, ended, held, waiting, later, mailed, other, "nobody"];
      assert.deepEqual(
        await queues.call(
          a,
          ALL,
          all.map((run) => shown(run!)),
        ),
        [],
      );
      const owners = (await store.read(0, all.slice(1, -1) as string[])).map((run) => run?.owner);
      assert.deepEqual(owners, [null, null, null, null, null, null]);
      assert.deepEqual(await queues.firsts(0, "score", null, 9), [shown(other!)], "whoever knows it calls it up");
      assert.deepEqual(idsOf(await queues.call(a, ["invoice", WORKFLOW], [shown(other!)])), [other]);
      assert.deepEqual(await queues.firsts(0, "score", null, 9), []);
    },
  );

  law(open, "of many that call up a run at once, one has it", async (store) => {
    const leases = await Promise.all(Array.from({ length: 6 }, (_, nth) => joined(store, `w${nth}`)));
    const ids = await parked(store, leases[0]!, [{}, {}, {}]);
    const places = ids.map((run) => shown(run));
    const called = await Promise.all(
      leases.map((lease, nth) => store.queues.call(lease, ALL, nth % 2 === 0 ? places : places.toReversed())),
    );
    assert.deepEqual(idsOf(called.flat()).sort(), ids);
  });

  law(
    open,
    "lanes have queues and places of their own",
    async (store) => {
      const { queues } = store;
      const [a, b] = [await joined(store, "a"), await joined(store, "b", 1)];
      const [run] = await parked(store, a, [{}]);
      await queues.own(a, ["score"]);
      assert.deepEqual(await queues.list(1), []);
      assert.deepEqual(await queues.own(b, ["score"]), [{ queue: "score", ...NEVER_OWNED }]);
      assert.deepEqual(await queues.arrivals(b, "score", 9), []);
      assert.deepEqual(await queues.firsts(1, "score", null, 9), []);
      assert.deepEqual(await queues.call(b, ALL, [shown(run!)]), []);
      assert.deepEqual(await queues.firsts(0, "score", null, 9), [shown(run!)]);
    },
    2,
  );

  law(open, "places outlive a run that is removed, and call up nobody then", async (store) => {
    const a = await joined(store, "a");
    const [run] = await parked(store, a, [{}]);
    await claimAll(store, a, NOW + 1000);
    await store.commit(a, [commitOf(run!, { then: COMPLETED })], NOW);
    assert.deepEqual(await store.prune(0, [run!], { before: NOW + 1, keysForMs: 0, linesMax: 9 }), ["pruned"]);
    assert.deepEqual(await store.queues.firsts(0, "score", null, 9), [shown(run!)]);
    assert.deepEqual(await store.queues.call(a, ALL, [shown(run!)]), []);
    assert.deepEqual(await store.queues.firsts(0, "score", null, 9), []);
  });
}
