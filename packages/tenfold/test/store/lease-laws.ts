/** What leases promise: an owner is one incarnation, a dead one writes nothing, and what it owned goes on. */
import assert from "node:assert/strict";
import type { Then } from "../../src/store/store.ts";
import {
  ALL,
  claimAll,
  commitOf,
  COMPLETED,
  idMaker,
  idsOf,
  joined,
  law,
  leaseOf,
  lineOf,
  NOW,
  sendOf,
  startOf,
  type OpenStore,
} from "./sample.ts";

export function leaseLaws(open: OpenStore): void {
  law(
    open,
    "renew adds a beat and answers all leases of the lane",
    async (store) => {
      const a = await joined(store, "a");
      const b = await joined(store, "b");
      await joined(store, "c", 1);
      const holder = (owner: string) => ({ owner, worker: `worker of ${owner}`, host: "host", process: "1" });
      assert.deepEqual(await store.renew(a), [
        { ...holder("a"), beat: 1 },
        { ...holder("b"), beat: 0 },
      ]);
      assert.deepEqual(await store.renew(b), [
        { ...holder("a"), beat: 1 },
        { ...holder("b"), beat: 1 },
      ]);
    },
    2,
  );

  law(open, "an owner that ever was is refused", async (store) => {
    await joined(store, "a");
    await assert.rejects(joined(store, "a"), { name: "LeaseLost" });
    await store.takeOver(0, "a", null, NOW, true);
    await assert.rejects(joined(store, "a"), { name: "LeaseLost" });
  });

  law(open, "an owner that never joined may do nothing", async (store) => {
    const id = idMaker()();
    await assert.rejects(store.renew(leaseOf("a")), { name: "LeaseLost" });
    await assert.rejects(store.start(0, [startOf(id)], NOW, leaseOf("a")), { name: "LeaseLost" });
    assert.deepEqual(await store.read(0, [id]), [undefined]);
  });

  law(open, "a dead lease writes nothing in any verb, claims included", async (store) => {
    const make = idMaker();
    const [waiting, started] = [make(), make()];
    const a = await joined(store, "a");
    await store.start(0, [startOf(waiting)], NOW, null);
    assert.equal(await store.takeOver(0, "a", null, NOW, false), true);
    const lost = { name: "LeaseLost" };
    await assert.rejects(store.renew(a), lost);
    await assert.rejects(store.claim(a, ALL, NOW, 1, 1e9), lost);
    await assert.rejects(store.start(0, [startOf(started)], NOW, a), lost);
    await assert.rejects(store.commit(a, [commitOf(waiting, { then: COMPLETED })], NOW), lost);
    await assert.rejects(store.mail(a, NOW), lost);
    await assert.rejects(store.owned(a), lost);
    await assert.rejects(store.load(a, [waiting]), lost);
    const [run, never] = await store.read(0, [waiting, started]);
    assert.deepEqual([run?.status, run?.owner, never], ["waiting", null, undefined]);
  });

  law(open, "taking over kills the lease, then frees its runs with one death more", async (store) => {
    const make = idMaker();
    const [mine, theirs, parked] = [make(), make(), make()];
    const [a, b] = [await joined(store, "a"), await joined(store, "b")];
    await store.start(0, [startOf(mine), startOf(parked)], NOW, a);
    await store.start(0, [startOf(theirs)], NOW, b);
    await store.commit(a, [commitOf(mine, { lines: [lineOf("x")] })], NOW);
    await store.commit(a, [commitOf(parked, { then: { kind: "park", wakeAt: NOW + 99 } })], NOW);
    assert.equal(await store.takeOver(0, "a", 0, NOW + 7, false), true);
    assert.deepEqual(
      (await store.read(0, [mine, theirs, parked])).map((run) => [run?.status, run?.owner, run?.wakeAt, run?.deaths]),
      [
        ["running", null, NOW + 7, 1],
        ["running", "b", null, 0],
        ["running", null, NOW + 99, 0],
      ],
    );
    assert.deepEqual(
      (await store.renew(b)).map(({ owner }) => owner),
      ["b"],
    );
    const [claimed] = await claimAll(store, b, NOW + 7);
    assert.deepEqual([claimed?.id, claimed?.deaths, claimed?.journal], [mine, 1, [lineOf("x")]]);
  });

  law(open, "one that leaves of its own will gives its runs back without a death", async (store) => {
    const id = idMaker()();
    const a = await joined(store, "a");
    await store.start(0, [startOf(id)], NOW, a);
    assert.equal(await store.takeOver(0, "a", null, NOW, true), true);
    const [run] = await store.read(0, [id]);
    assert.deepEqual([run?.owner, run?.wakeAt, run?.deaths], [null, NOW, 0]);
  });

  law(open, "a lease that has beaten since is not taken over, nor one that is gone", async (store) => {
    const id = idMaker()();
    const a = await joined(store, "a");
    await store.start(0, [startOf(id)], NOW, a);
    await store.renew(a);
    assert.equal(await store.takeOver(0, "a", 0, NOW, false), false);
    assert.deepEqual(await store.owned(a), [id]);
    assert.equal(await store.takeOver(0, "a", 1, NOW, false), true);
    assert.equal(await store.takeOver(0, "a", 1, NOW, false), false);
    assert.equal(await store.takeOver(0, "nobody", null, NOW, false), false);
    assert.equal((await store.read(0, [id]))[0]?.deaths, 1);
  });

  law(open, "deaths add up until new lines clear them", async (store) => {
    const id = idMaker()();
    await store.start(0, [startOf(id)], NOW, await joined(store, "a"));
    await store.takeOver(0, "a", null, NOW, false);
    await claimAll(store, await joined(store, "b"));
    await store.takeOver(0, "b", null, NOW, false);
    const c = await joined(store, "c");
    assert.equal((await claimAll(store, c))[0]?.deaths, 2);
    await store.commit(c, [commitOf(id, { lines: [lineOf("x")], clearsDeaths: true })], NOW);
    assert.equal((await store.read(0, [id]))[0]?.deaths, 0);
  });

  law(open, "whoever watches hears of what makes runs due and of what ends them, until it stops", async (store) => {
    const make = idMaker();
    const [one, two] = [make(), make()];
    const a = await joined(store, "a");
    const heard = { due: 0, ended: 0 };
    const stops = [store.watch("due", () => heard.due++), store.watch("ended", () => heard.ended++)];
    const hears = async (what: "due" | "ended", change: () => Promise<unknown>) => {
      const before = heard[what];
      await change();
      return heard[what] > before;
    };
    const park: Then = { kind: "park", wakeAt: NOW };
    assert.ok(await hears("due", () => store.start(0, [startOf(one), startOf(two)], NOW, null)));
    await claimAll(store, a);
    assert.ok(await hears("ended", () => store.commit(a, [commitOf(one, { then: COMPLETED })], NOW)));
    assert.ok(await hears("due", () => store.commit(a, [commitOf(two, { then: park })], NOW)));
    assert.ok(await hears("due", () => store.send(0, [sendOf(two, "m")], NOW)));
    assert.ok(await hears("due", () => store.takeOver(0, "a", null, NOW, true)));
    for (const stop of stops) stop();
    assert.ok(!(await hears("due", () => store.start(0, [startOf(make())], NOW, null))));
  });

  law(open, "a graph is kept once under its hash", async (store) => {
    const graph = { hash: "g1", workflow: "lead-intake", graph: `{"format":1}` };
    await store.putGraphs(0, [graph]);
    await store.putGraphs(0, [
      { ...graph, graph: "another" },
      { ...graph, hash: "g2" },
    ]);
    assert.deepEqual(await store.graph(0, "g1"), graph);
    assert.deepEqual(await store.graph(0, "g2"), { ...graph, hash: "g2" });
    assert.equal(await store.graph(0, "g3"), undefined);
  });

  law(open, "a run that ended is not in an owner's hands when that dies", async (store) => {
    const id = idMaker()();
    const a = await joined(store, "a");
    await store.start(0, [startOf(id)], NOW, a);
    await store.commit(a, [commitOf(id, { then: COMPLETED })], NOW);
    await store.takeOver(0, "a", null, NOW, false);
    const [run] = await store.read(0, [id]);
    assert.deepEqual([run?.status, run?.wakeAt, run?.deaths], ["completed", null, 0]);
    assert.deepEqual(idsOf(await claimAll(store, await joined(store, "b"))), []);
  });
}
