/** What `commit` promises: one commit for each length of a journal, by the owner, who has seen the mail. */
import assert from "node:assert/strict";
import type { RunCommit, Store, Then } from "../../src/store/store.ts";
import {
  ALL,
  claimAll,
  commitOf,
  COMPLETED,
  FAILED,
  HELD,
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

const [x, y, z] = [lineOf("x"), lineOf("y"), lineOf("z")];
const PARK: Then = { kind: "park", wakeAt: NOW + 50 };
const ENDS: readonly [sentence: string, then: Then][] = [
  ["park", PARK],
  ["fail", FAILED],
  ["hold", HELD],
];

export function commitLaws(open: OpenStore): void {
  law(open, "lines are kept in order, and the run stays its owner's", async (store) => {
    const { id, a } = await ownedRun(store);
    const first = commitOf(id, { lines: [x] });
    const second = commitOf(id, { from: 1, lines: [y, z] });
    assert.deepEqual(await store.commit(a, [first], NOW), ["written"]);
    assert.deepEqual(await store.commit(a, [second], NOW), ["written"]);
    assert.deepEqual(await store.journal(0, id), [x, y, z]);
    assert.deepEqual(await store.owned(a), [id]);
    assert.deepEqual(await store.journal(0, "nobody"), []);
  });

  law(open, "several commits of one run in a batch are written one after the other", async (store) => {
    const { id, a } = await ownedRun(store);
    const batch = [
      commitOf(id, { lines: [x] }),
      commitOf(id, { from: 1, lines: [y] }),
      commitOf(id, { from: 2, lines: [z], then: COMPLETED }),
      commitOf(id, { from: 3, lines: [x] }),
    ];
    assert.deepEqual(await store.commit(a, batch, NOW), ["written", "written", "written", "lost"]);
    assert.deepEqual(await store.journal(0, id), [x, y, z]);
  });

  law(open, "the same lines sent again are written again, and kept once", async (store) => {
    const { id, a } = await ownedRun(store);
    const first = commitOf(id, { lines: [x, y] });
    const last = commitOf(id, { from: 2, lines: [z], then: PARK });
    assert.deepEqual(await store.commit(a, [first, first], NOW), ["written", "written"]);
    assert.deepEqual(await store.commit(a, [first], NOW), ["written"]);
    assert.deepEqual(await store.commit(a, [last], NOW), ["written"]);
    assert.deepEqual(await store.commit(a, [last], NOW), ["written"]);
    assert.deepEqual(await store.journal(0, id), [x, y, z]);
    assert.equal((await store.read(0, [id]))[0]?.wakeAt, NOW + 50);
  });

  law(open, "the same lines sent again are lost once somebody else owns the run", async (store) => {
    const { id, a } = await ownedRun(store);
    const b = await joined(store, "b");
    const parking = commitOf(id, { lines: [x], then: { kind: "park", wakeAt: NOW } });
    await store.commit(a, [parking], NOW);
    await claimAll(store, b);
    assert.deepEqual(await store.commit(a, [parking], NOW), ["lost"]);
    assert.deepEqual(await store.owned(b), [id]);
  });

  law(open, "other lines at the same place are lost", async (store) => {
    const { id, a } = await ownedRun(store);
    await store.commit(a, [commitOf(id, { lines: [x] })], NOW);
    assert.deepEqual(await store.commit(a, [commitOf(id, { lines: [y] })], NOW), ["lost"]);
    assert.deepEqual(await store.commit(a, [commitOf(id, { lines: [x, y] })], NOW), ["lost"]);
    assert.deepEqual(await store.journal(0, id), [x]);
  });

  for (const from of [0, 1, 3, 9]) {
    law(
      open,
      `a commit at length ${from} of a journal with two lines is lost, alone or among others`,
      async (store) => {
        const { id, a, make } = await ownedRun(store);
        const other = make();
        await store.start(0, [startOf(other)], NOW, a);
        await store.commit(a, [commitOf(id, { lines: [x, y] })], NOW);
        const wrong: RunCommit[] = [
          commitOf(id, { from, lines: [z, z, z, z], absorbed: ["m"], then: COMPLETED }),
          commitOf(id, { from, then: PARK }),
          commitOf(id, { from, lines: [z], clearsDeaths: true }),
        ];
        const right = commitOf(other, { lines: [x] });
        assert.deepEqual(await store.commit(a, [wrong[0]!, right, ...wrong.slice(1)], NOW), [
          "lost",
          "written",
          "lost",
          "lost",
        ]);
        assert.deepEqual(await store.journal(0, id), [x, y]);
        assert.deepEqual(await store.journal(0, other), [x]);
        assert.equal((await store.read(0, [id]))[0]?.owner, "a");
        assert.deepEqual(await store.commit(a, [commitOf(id, { from: 2, lines: [z] })], NOW), ["written"]);
      },
    );
  }

  law(open, "a run that is another's, or nobody's, or unknown is lost", async (store) => {
    const { id, a, make } = await ownedRun(store);
    const b = await joined(store, "b");
    const waiting = make();
    await store.start(0, [startOf(waiting)], NOW, null);
    const lines = [x];
    assert.deepEqual(await store.commit(b, [commitOf(id, { lines }), commitOf(waiting, { lines })], NOW), [
      "lost",
      "lost",
    ]);
    assert.deepEqual(await store.commit(a, [commitOf("nobody", { lines })], NOW), ["lost"]);
    await store.commit(a, [commitOf(id, { then: { kind: "park", wakeAt: NOW } })], NOW);
    assert.deepEqual(idsOf(await store.claim(b, ALL, NOW, 1, 1e9)), [id]);
    assert.deepEqual(await store.commit(a, [commitOf(id, { lines }), commitOf(id, { then: PARK })], NOW), [
      "lost",
      "lost",
    ]);
    assert.deepEqual(await store.journal(0, id), []);
  });

  law(open, "a parked run is nobody's until it is due, and then goes on where it was", async (store) => {
    const { id, a } = await ownedRun(store);
    await store.commit(a, [commitOf(id, { lines: [x], then: PARK })], NOW);
    assert.deepEqual(await store.owned(a), []);
    assert.deepEqual(await store.commit(a, [commitOf(id, { from: 1, lines: [y] })], NOW), ["lost"]);
    assert.deepEqual(await claimAll(store, a, NOW + 49), []);
    const [claimed] = await claimAll(store, a, NOW + 50);
    assert.deepEqual(claimed?.journal, [x]);
    assert.deepEqual(await store.commit(a, [commitOf(id, { from: 1, lines: [y] })], NOW), ["written"]);
  });

  law(open, "an ended run has its outcome and no owner", async (store) => {
    const { id, a } = await ownedRun(store);
    await store.commit(a, [commitOf(id, { lines: [x], then: COMPLETED })], NOW + 7);
    const [run] = await store.read(0, [id]);
    assert.deepEqual(
      [run?.status, run?.owner, run?.wakeAt, run?.output, run?.error, run?.endedAt],
      ["completed", null, null, `"out"`, null, NOW + 7],
    );
    assert.deepEqual(await store.owned(a), []);
    assert.deepEqual(await claimAll(store, a, NOW + 1e9), []);
  });

  law(open, "a held run has no end, and waits for mail", async (store) => {
    const { id, a } = await ownedRun(store);
    await store.commit(a, [commitOf(id, { then: HELD })], NOW);
    const [run] = await store.read(0, [id]);
    assert.deepEqual([run?.status, run?.owner, run?.endedAt, run?.error], ["held", null, null, `{"code":"RUN_HELD"}`]);
    assert.deepEqual(await claimAll(store, a, NOW + 1e9), []);
  });

  for (const [sentence, then] of [...ENDS, ["complete", COMPLETED] as const]) {
    law(open, `unseen mail refuses to ${sentence}, and nothing of that run is written`, async (store) => {
      const { id, a, make } = await ownedRun(store);
      const other = make();
      await store.start(0, [startOf(other)], NOW, a);
      await store.send(0, [sendOf(id, "m1")], NOW);
      const refused = commitOf(id, { lines: [x], absorbed: ["m1"], clearsDeaths: true, then });
      assert.deepEqual(await store.commit(a, [refused, commitOf(other, { lines: [y] })], NOW), ["mail", "written"]);
      assert.deepEqual(await store.journal(0, id), []);
      assert.deepEqual(idsOf(await store.load(a, [id])), [id]);
      assert.equal((await store.mail(a, NOW))[0]?.messages.length, 1);
      assert.deepEqual(await store.commit(a, [{ ...refused, mailSeen: 1 }], NOW), ["written"]);
      assert.deepEqual(await store.journal(0, id), [x]);
    });
  }

  for (const [sentence, then] of ENDS) {
    law(open, `to ${sentence} absorbs as well`, async (store) => {
      const { id, a } = await ownedRun(store);
      await store.send(0, [sendOf(id, "m1"), sendOf(id, "m2")], NOW);
      await store.commit(a, [commitOf(id, { absorbed: ["m1"], mailSeen: 2, then })], NOW);
      await store.send(0, [sendOf(id, "m3", { reopens: true })], NOW);
      const [claimed] = await claimAll(store, a, NOW + 50);
      assert.deepEqual(
        claimed?.mail.messages.map(({ key }) => key),
        ["m2", "m3"],
      );
    });
  }

  law(open, "keep is written whatever mail came", async (store) => {
    const { id, a } = await ownedRun(store);
    await store.send(0, [sendOf(id, "m1")], NOW);
    assert.deepEqual(await store.commit(a, [commitOf(id, { lines: [x] })], NOW), ["written"]);
    assert.equal((await store.mail(a, NOW)).length, 1);
  });

  law(open, "a commit of a dead lease writes nothing of any run", async (store) => {
    const { id, a } = await ownedRun(store);
    await store.commit(a, [commitOf(id, { lines: [x] })], NOW);
    await store.takeOver(0, "a", null, NOW, false);
    for (const then of [{ kind: "keep" } as const, PARK, COMPLETED]) {
      await assert.rejects(store.commit(a, [commitOf(id, { from: 1, lines: [y], then })], NOW), { name: "LeaseLost" });
    }
    await assert.rejects(store.commit(leaseOf("nobody"), [], NOW), { name: "LeaseLost" });
    assert.deepEqual(await store.journal(0, id), [x]);
  });

  law(
    open,
    "a run is found by the facts of its commits, once they are written, and by those of its start",
    async (store) => {
      const { id, a, make } = await ownedRun(store);
      const other = make();
      await store.start(0, [startOf(other, { attributes: [{ name: "region", value: "eu" }] })], NOW, a);
      const found = async (name: string, value: string): Promise<string[]> =>
        (await store.list(0, { attribute: { name, value } }, { before: null, limit: 9 })).map((run) => run.id);
      const asked = [{ name: "asked", value: "kim" }, { name: "region", value: "us" }]; // prettier-ignore
      const lost = commitOf(id, { from: 3, lines: [x], facts: asked });
      assert.deepEqual(await store.commit(a, [lost], NOW), ["lost"]);
      assert.deepEqual(await found("asked", "kim"), []);
      const both = [commitOf(id, { lines: [x], facts: asked }), commitOf(other, { lines: [x], facts: asked })];
      assert.deepEqual(await store.commit(a, both, NOW), ["written", "written"]);
      assert.deepEqual(await store.commit(a, both, NOW), ["written", "written"]);
      assert.deepEqual(await found("asked", "kim"), [other, id]);
      assert.deepEqual(await found("region", "us"), [other, id]);
      assert.deepEqual(await found("region", "eu"), []);
      await store.send(0, [sendOf(other, "m")], NOW);
      const gone = [{ name: "asked", value: null }];
      const ends = [
        commitOf(id, { from: 1, lines: [y], facts: gone, then: COMPLETED }),
        commitOf(other, { from: 1, lines: [y], facts: gone, then: COMPLETED }),
      ];
      assert.deepEqual(await store.commit(a, ends, NOW), ["written", "mail"]);
      assert.deepEqual(await found("asked", "kim"), [other]);
      const parks = commitOf(other, { from: 1, lines: [y], facts: gone, then: PARK, mailSeen: 1 });
      assert.deepEqual(await store.commit(a, [parks], NOW), ["written"]);
      assert.deepEqual(await found("asked", "kim"), []);
      assert.deepEqual(await found("region", "us"), [other, id]);
    },
  );

  law(open, "a run is on the graph of its last commit that names one, once that is written", async (store) => {
    const { id, a, make } = await ownedRun(store);
    const other = make();
    await store.start(0, [startOf(other)], NOW, a);
    const graphs = async () => (await store.read(0, [id, other])).map((run) => run?.graph);
    const lost = commitOf(id, { from: 3, lines: [x], graph: "g2" });
    assert.deepEqual(await store.commit(a, [lost, commitOf(other, { lines: [x] })], NOW), ["lost", "written"]);
    assert.deepEqual(await graphs(), ["g1", "g1"]);
    const moves = commitOf(id, { lines: [x], graph: "g2" });
    assert.deepEqual(await store.commit(a, [moves, moves], NOW), ["written", "written"]);
    assert.deepEqual(await graphs(), ["g2", "g1"]);
    assert.equal((await store.load(a, [id]))[0]?.graph, "g2");
    await store.send(0, [sendOf(id, "m")], NOW);
    const parks = commitOf(id, { from: 1, lines: [y], graph: "g3", then: PARK });
    const ends = commitOf(other, { from: 1, lines: [y], graph: "g3", then: HELD });
    assert.deepEqual(await store.commit(a, [parks, ends], NOW), ["mail", "written"]);
    assert.deepEqual(await graphs(), ["g2", "g3"]);
    assert.deepEqual(await store.commit(a, [{ ...parks, mailSeen: 1 }], NOW), ["written"]);
    assert.deepEqual(await graphs(), ["g3", "g3"]);
    assert.equal((await claimAll(store, a, NOW + 50))[0]?.graph, "g3");
  });

  law(open, "a batch of thousands is answered run by run", async (store) => {
    const a = await joined(store, "a");
    const make = idMaker();
    const ids = Array.from({ length: 2000 }, () => make());
    await store.start(
      0,
      ids.map((id) => startOf(id)),
      NOW,
      a,
    );
    await store.send(
      0,
      ids.filter((_, index) => index % 5 === 1).map((id) => sendOf(id, "m")),
      NOW,
    );
    const batch = ids.map((id, index) =>
      commitOf(id, { from: index % 5 === 2 ? 1 : 0, lines: [x, y], then: index % 2 === 0 ? COMPLETED : PARK }),
    );
    const answers = ids.map((_, index) => (index % 5 === 1 ? "mail" : index % 5 === 2 ? "lost" : "written"));
    assert.deepEqual(await store.commit(a, batch, NOW), answers);
    for (const index of [0, 1, 2, 3, 1996, 1997, 1998, 1999]) {
      assert.equal((await store.journal(0, ids[index]!)).length, answers[index] === "written" ? 2 : 0);
    }
  });
}

/** A run that the lease "a" owns. */
async function ownedRun(store: Store) {
  const make = idMaker();
  const id = make();
  const a = await joined(store, "a");
  await store.start(0, [startOf(id)], NOW, a);
  return { id, a, make };
}
