/** What the store promises of transactions: of all who commit a node's result one does, and what it wrote with it. */
import assert from "node:assert/strict";
import { LeaseLost, type Store } from "../../src/store/store.ts";
import type { TransactedWork } from "../../src/store/transactions.ts";
import { claimAll, COMPLETED, commitOf, idMaker, joined, law, NOW, startOf, type OpenStore } from "./sample.ts";
import { effectsOf, keptOf, makeEffects, writing } from "./transacting.ts";

async function opened(store: Store, lane = 0) {
  const lease = await joined(store, "a", lane);
  await makeEffects(store, lease);
  const transact = (work: TransactedWork, of = lease) => store.transactions.transact(of, work);
  return { lease, transact, effects: () => effectsOf(store, lease) };
}

export function transactLaws(open: OpenStore): void {
  law(
    open,
    "what a body wrote is there with its result; a second one of that name is answered the first",
    async (store) => {
      const { transact, effects } = await opened(store);
      assert.deepEqual(await transact(writing(store, "r", "one")), { kind: "written" });
      let calls = 0;
      const again = writing(store, "r", "two", keptOf(`"two"`, 2), { body: () => (calls++, null) });
      assert.deepEqual(await transact(again), { kind: "known", result: keptOf(`"one"`) });
      assert.equal(calls, 0, "no body is called");
      assert.deepEqual(await effects(), ["one"]);
    },
  );

  law(open, "what keeps nothing leaves nothing, and may keep something the next time", async (store) => {
    const { transact, effects } = await opened(store);
    assert.deepEqual(await transact(writing(store, "r", "one", null)), { kind: "undone" });
    assert.deepEqual(await effects(), []);
    assert.deepEqual(await transact(writing(store, "r", "two", keptOf(null, 2))), { kind: "written" });
    assert.deepEqual(await transact(writing(store, "r", "three")), { kind: "known", result: keptOf(null, 2) });
    assert.deepEqual(await effects(), ["two"]);
  });

  law(open, "of many that commit the same name at once one is written, whoever they are", async (store) => {
    const { transact, effects } = await opened(store);
    const others = [await joined(store, "b"), await joined(store, "c")];
    const leases = [undefined, ...others];
    const answers = await Promise.all(
      Array.from({ length: 9 }, (_, n) => transact(writing(store, "r", `t${n}`), leases[n % 3])),
    );
    assert.equal(answers.filter(({ kind }) => kind === "written").length, 1);
    const known = answers.flatMap((answer) => (answer.kind === "known" ? [answer.result.output] : []));
    assert.equal(new Set(known).size, 1);
    assert.deepEqual(
      [...new Set(known)],
      (await effects()).map((text) => `"${text}"`),
    );
  });

  law(open, "runs, and works of a run, are apart; many at once are each their own", async (store) => {
    const { transact, effects } = await opened(store);
    const works = ["p", "q"].flatMap((run) => [
      writing(store, run, `${run} pay`),
      writing(store, run, `${run} ship`, keptOf("1"), { key: "ship" }),
      writing(store, run, `${run} none`, null, { key: "none" }),
    ]);
    const answers = await Promise.all(works.map((work) => transact(work)));
    assert.deepEqual(answers.map(({ kind }) => kind), ["written", "written", "undone", "written", "written", "undone"]); // prettier-ignore
    assert.deepEqual(
      await effects(),
      ["p pay", "p ship", "q pay", "q ship"].filter((text) => text !== ""),
    );
  });

  law(open, "a dead lease keeps nothing, also of a body that was called while it was alive", async (store) => {
    const { transact, effects } = await opened(store);
    const lost = await joined(store, "lost");
    await store.takeOver(0, "lost", null, NOW, false);
    const isLost = (error: unknown) => error instanceof LeaseLost;
    await assert.rejects(transact(writing(store, "r", "one"), lost), isLost);
    if (store.transactions.kind !== "sqlite") {
      const late = await joined(store, "late");
      const { promise: called, resolve } = Promise.withResolvers<void>();
      const { promise: gate, resolve: go } = Promise.withResolvers<void>();
      const body: TransactedWork["body"] = async (transaction) => {
        resolve();
        await gate;
        return writing(store, "r", "two").body(transaction);
      };
      const transacted = transact(writing(store, "r", "two", null, { body }), late);
      await called;
      await store.takeOver(0, "late", null, NOW, false);
      go();
      await assert.rejects(transacted, isLost);
    }
    assert.deepEqual(await effects(), []);
    assert.deepEqual(await transact(writing(store, "r", "three")), { kind: "written" });
  });

  law(open, "a work that is stopped keeps nothing, and calls nobody if it was stopped before", async (store) => {
    const { transact, effects } = await opened(store);
    let calls = 0;
    const stopped = { signal: AbortSignal.abort(), body: () => (calls++, keptOf("1")) };
    assert.deepEqual(await transact(writing(store, "r", "one", null, stopped)), { kind: "undone" });
    assert.equal(calls, 0);
    if (store.transactions.kind !== "sqlite") {
      const controller = new AbortController();
      const body: TransactedWork["body"] = async (transaction) => {
        const kept = await writing(store, "r", "two").body(transaction);
        controller.abort();
        return kept;
      };
      const { signal } = controller;
      assert.deepEqual(await transact(writing(store, "r", "two", null, { body, signal })), { kind: "undone" });
    }
    assert.deepEqual(await effects(), []);
  });

  law(open, "a result is known as long as its run is there", async (store) => {
    const { lease, transact } = await opened(store);
    const [run, other] = [idMaker()(), idMaker()(NOW + 1)];
    await store.start(0, [startOf(run), startOf(other)], NOW, null);
    await claimAll(store, lease);
    await transact(writing(store, run, "one"));
    await transact(writing(store, other, "two"));
    await store.commit(lease, [commitOf(run, { then: COMPLETED })], NOW);
    assert.equal((await transact(writing(store, run, "again"))).kind, "known");
    assert.deepEqual(await store.prune(0, [run], { before: NOW + 1, keysForMs: 0, linesMax: 10 }), ["pruned"]);
    assert.equal((await transact(writing(store, run, "after"))).kind, "written");
    assert.equal((await transact(writing(store, other, "still"))).kind, "known");
  });

  law(
    open,
    "lanes are apart",
    async (store) => {
      const { transact } = await opened(store, 0);
      const other = await joined(store, "b", 1);
      // It may be on another server.
      await makeEffects(store, other);
      assert.equal((await transact(writing(store, "r", "one"))).kind, "written");
      assert.equal((await transact(writing(store, "r", "two"), other)).kind, "written");
    },
    2,
  );
}
