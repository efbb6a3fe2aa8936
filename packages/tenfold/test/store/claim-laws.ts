/** What `claim` promises: one owner for a due run, an order that is fair, bounds that leave one at least. */
import assert from "node:assert/strict";
import {
  ALL,
  claimAll,
  commitOf,
  idMaker,
  idsOf,
  joined,
  law,
  leaseOf,
  lineOf,
  NOW,
  sendOf,
  startOf,
  WORKFLOW,
  type OpenStore,
} from "./sample.ts";

export function claimLaws(open: OpenStore): void {
  law(open, "a claimed run brings all that is needed to go on", async (store) => {
    const id = idMaker()();
    const [a, b] = [await joined(store, "a"), await joined(store, "b")];
    await store.start(0, [startOf(id, { tenant: "acme" })], NOW, null);
    const fresh = { id, workflow: WORKFLOW, graph: "g1", tenant: "acme", key: null, input: `{"lead":"${id}"}` };
    const noMail = { run: id, messages: [], count: 0 };
    assert.deepEqual(await claimAll(store, a), [{ ...fresh, deaths: 0, journal: [], mail: noMail }]);
    const lines = [lineOf("x"), lineOf("y")];
    await store.commit(a, [commitOf(id, { lines, then: { kind: "park", wakeAt: NOW + 10 } })], NOW);
    const { message } = sendOf(id, "m1");
    await store.send(0, [sendOf(id, "m1")], NOW);
    const mail = { run: id, messages: [message], count: 1 };
    assert.deepEqual(await claimAll(store, b), [{ ...fresh, deaths: 0, journal: lines, mail }]);
  });

  law(open, "a due run has one owner", async (store) => {
    const make = idMaker();
    const ids = [make(), make(), make()];
    const [a, b] = [await joined(store, "a"), await joined(store, "b")];
    await store.start(
      0,
      ids.map((id) => startOf(id)),
      NOW,
      null,
    );
    const first = idsOf(await store.claim(a, ALL, NOW, 2, 1e9));
    const second = idsOf(await claimAll(store, b));
    assert.deepEqual([first, second], [ids.slice(0, 2), ids.slice(2)]);
    assert.deepEqual(await claimAll(store, a), []);
    assert.deepEqual([...(await store.owned(a))].sort(), first);
    assert.deepEqual(
      (await store.read(0, ids)).map((run) => run?.owner),
      ["a", "a", "b"],
    );
  });

  law(open, "runs that continue come before runs that begin, the longest due first", async (store) => {
    const make = idMaker();
    const [fresh, first, second, third] = [make(), make(), make(), make()];
    const a = await joined(store, "a");
    await store.start(0, [startOf(first), startOf(second), startOf(third)], NOW, a);
    await store.start(0, [startOf(fresh)], NOW, null);
    const park = (run: string, wakeAt: number) => commitOf(run, { then: { kind: "park", wakeAt } });
    await store.commit(a, [park(first, NOW + 2), park(second, NOW + 1), park(third, NOW + 2)], NOW);
    assert.deepEqual(idsOf(await claimAll(store, a, NOW + 2)), [second, first, third, fresh]);
  });

  law(open, "one tenant's many do not delay another's few", async (store) => {
    const make = idMaker();
    const a = await joined(store, "a");
    const many = Array.from({ length: 50 }, () => make());
    await store.start(
      0,
      many.map((id) => startOf(id, { tenant: "large" })),
      NOW,
      null,
    );
    assert.deepEqual(idsOf(await store.claim(a, ALL, NOW, 3, 1e9)), many.slice(0, 3));
    const few = [make(), make()];
    await store.start(
      0,
      few.map((id) => startOf(id, { tenant: "small" })),
      NOW,
      null,
    );
    const next = idsOf(await store.claim(a, ALL, NOW, 4, 1e9));
    assert.deepEqual(next, [few[0], many[3], few[1], many[4]]);
  });

  law(open, "a tenant that was away earns no credit", async (store) => {
    const make = idMaker();
    const a = await joined(store, "a");
    await store.start(0, [startOf(make(), { tenant: "small" })], NOW, null);
    const many = Array.from({ length: 6 }, () => make());
    await store.start(
      0,
      many.map((id) => startOf(id, { tenant: "large" })),
      NOW,
      null,
    );
    await store.claim(a, ALL, NOW, 6, 1e9);
    const few = [make(), make(), make()];
    await store.start(
      0,
      few.map((id) => startOf(id, { tenant: "small" })),
      NOW,
      null,
    );
    assert.deepEqual(idsOf(await claimAll(store, a)), [few[0], many[5], few[1], few[2]]);
  });

  law(open, "a workflow that is behind gives no credit to tenants of another", async (store) => {
    const make = idMaker();
    const a = await joined(store, "a");
    const many = Array.from({ length: 6 }, () => make());
    await store.start(
      0,
      many.map((id) => startOf(id, { tenant: "large" })),
      NOW,
      null,
    );
    await store.start(0, [startOf(make(), { workflow: "invoice", tenant: "other" })], NOW, null);
    await store.claim(a, ALL, NOW, 5, 1e9);
    await store.claim(a, ["invoice"], NOW, 1, 1e9);
    const few = [make(), make()];
    await store.start(
      0,
      few.map((id) => startOf(id, { tenant: "small" })),
      NOW,
      null,
    );
    assert.deepEqual(idsOf(await claimAll(store, a)), [few[0], many[5], few[1]]);
  });

  law(open, "a claim takes as many runs as it asks for, and none if it asks for none", async (store) => {
    const make = idMaker();
    const a = await joined(store, "a");
    const ids = Array.from({ length: 200 }, () => make());
    await store.start(
      0,
      ids.map((id) => startOf(id)),
      NOW,
      null,
    );
    assert.deepEqual(await store.claim(a, ALL, NOW, 0, 1e9), []);
    assert.deepEqual(idsOf(await store.claim(a, ALL, NOW, 150, 1e9)), ids.slice(0, 150));
    assert.deepEqual(idsOf(await store.claim(a, ALL, NOW, 150, 1e9)), ids.slice(150));
  });

  law(open, "a claim stops at its bytes of inputs and journals, but takes one at least", async (store) => {
    const make = idMaker();
    const a = await joined(store, "a");
    const ids = [make(), make(), make(), make()];
    await store.start(
      0,
      ids.map((id) => startOf(id, { input: "x".repeat(100) })),
      NOW,
      null,
    );
    assert.deepEqual(idsOf(await store.claim(a, ALL, NOW, 10, 0)), ids.slice(0, 1));
    assert.deepEqual(idsOf(await store.claim(a, ALL, NOW, 10, 150)), ids.slice(1, 3));
    const lines = [{ ...lineOf("x"), data: "y".repeat(200) }];
    const park = { kind: "park", wakeAt: NOW } as const;
    await store.commit(a, [commitOf(ids[0]!, { lines, then: park }), commitOf(ids[1]!, { then: park })], NOW);
    assert.deepEqual(idsOf(await store.claim(a, ALL, NOW, 10, 300)), ids.slice(0, 1));
  });

  law(open, "a claim takes runs of its workflows only, in one order over all of them", async (store) => {
    const make = idMaker();
    const a = await joined(store, "a");
    const ids = Array.from({ length: 9 }, () => make());
    const starts = ids.map((id, index) => startOf(id, { workflow: `w${index % 3}`, tenant: `t${index}` }));
    await store.start(0, starts, NOW, null);
    assert.deepEqual(await store.claim(a, [], NOW, 10, 1e9), []);
    assert.deepEqual(await store.claim(a, ["w7"], NOW, 10, 1e9), []);
    const expected = ids.filter((_, index) => index % 3 !== 1);
    assert.deepEqual(idsOf(await store.claim(a, ["w2", "w0", "w2"], NOW, 4, 1e9)), expected.slice(0, 4));
    assert.deepEqual(idsOf(await store.claim(a, ["w0", "w2"], NOW, 10, 1e9)), expected.slice(4));
  });

  law(open, "a look tells of runs that are due, and when the next of the workflows is", async (store) => {
    const make = idMaker();
    const [early, late] = [make(), make()];
    const a = await joined(store, "a");
    assert.deepEqual(await store.look(a, ALL, NOW), { runs: false, parcels: false, mail: false, next: null });
    const starts = [startOf(late, { at: NOW + 20 }), startOf(early, { at: NOW + 10, workflow: "invoice" })];
    await store.start(0, starts, NOW, null);
    assert.deepEqual(await store.look(a, ALL, NOW), { runs: false, parcels: false, mail: false, next: NOW + 20 });
    assert.deepEqual(await store.look(a, [WORKFLOW, "invoice"], NOW), {
      runs: false,
      parcels: false,
      mail: false,
      next: NOW + 10,
    });
    assert.deepEqual(await store.look(a, [WORKFLOW, "invoice"], NOW + 10), {
      runs: true,
      parcels: false,
      mail: false,
      next: NOW + 20,
    });
    assert.deepEqual(await store.look(a, [], NOW + 30), { runs: false, parcels: false, mail: false, next: null });
    await store.start(0, [startOf(make())], NOW, null);
    assert.deepEqual(await store.look(a, ["invoice"], NOW), {
      runs: false,
      parcels: false,
      mail: false,
      next: NOW + 10,
    });
    assert.deepEqual(await store.look(a, ALL, NOW), { runs: true, parcels: false, mail: false, next: NOW + 20 });
    await claimAll(store, a, NOW + 20);
    assert.deepEqual(await store.look(a, ALL, NOW + 20), { runs: false, parcels: false, mail: false, next: null });
  });

  law(open, "a look tells of the owner's own mail, and not to a dead lease", async (store) => {
    const make = idMaker();
    const [a, b] = [await joined(store, "a"), await joined(store, "b")];
    const id = make();
    await store.start(0, [startOf(id)], NOW, a);
    await store.send(0, [sendOf(id, "m")], NOW);
    assert.deepEqual(await store.look(a, ALL, NOW), { runs: false, parcels: false, mail: true, next: null });
    assert.deepEqual(await store.look(b, ALL, NOW), { runs: false, parcels: false, mail: false, next: null });
    await store.takeOver(0, "a", null, NOW, false);
    await assert.rejects(store.look(a, ALL, NOW), { name: "LeaseLost" });
    assert.deepEqual(await store.look(b, ALL, NOW), { runs: true, parcels: false, mail: false, next: null });
  });

  law(open, "load answers the runs of an owner as the claim did, and no others", async (store) => {
    const make = idMaker();
    const [mine, begun, theirs] = [make(), make(), make()];
    const [a, b] = [await joined(store, "a"), await joined(store, "b")];
    await store.start(0, [startOf(theirs)], NOW, b);
    await store.start(0, [startOf(begun)], NOW, a);
    await store.commit(a, [commitOf(begun, { lines: [lineOf("x")] })], NOW);
    await store.start(0, [startOf(mine)], NOW, null);
    const claimed = await claimAll(store, a);
    assert.deepEqual(await store.load(a, [mine, theirs, "nobody"]), claimed);
    const [again] = await store.load(a, [begun]);
    assert.deepEqual(again?.journal, [lineOf("x")]);
    assert.deepEqual(await store.commit(a, [commitOf(begun, { from: 1, lines: [lineOf("y")] })], NOW), ["written"]);
    await assert.rejects(store.load(leaseOf("nobody"), []), { name: "LeaseLost" });
  });
}
