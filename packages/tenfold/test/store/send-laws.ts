/** What `send` and `mail` promise: a message that was sent is absorbed once, whoever owns the run. */
import assert from "node:assert/strict";
import type { RunStatus, Store, Then } from "../../src/store/store.ts";
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
  lineOf,
  NOW,
  sendOf,
  startOf,
  type OpenStore,
} from "./sample.ts";

const CANCELLED: Then = { kind: "end", status: "cancelled", output: null, error: `{"code":"RUN_CANCELLED"}` };

export function sendLaws(open: OpenStore): void {
  law(open, "a message to a run that does not exist is unknown", async (store) => {
    assert.deepEqual(await store.send(0, [sendOf("nobody", "m")], NOW), [{ kind: "unknown" }]);
  });

  law(open, "mail of an owned run reaches its owner until it is absorbed", async (store) => {
    const { id, a } = await ownedRun(store);
    const b = await joined(store, "b");
    assert.deepEqual(await store.mail(a, NOW), []);
    const { message } = sendOf(id, "m1");
    assert.deepEqual(await store.send(0, [sendOf(id, "m1")], NOW), [{ kind: "sent" }]);
    assert.deepEqual(await store.mail(a, NOW - 1), []);
    assert.deepEqual(await store.mail(a, NOW), [{ run: id, messages: [message], count: 1 }]);
    assert.deepEqual(await store.mail(b, NOW), []);
    await store.commit(a, [commitOf(id, { lines: [lineOf("x")], absorbed: ["m1"], mailSeen: 1 })], NOW);
    assert.deepEqual(await store.mail(a, NOW), []);
    assert.deepEqual((await store.load(a, [id]))[0]?.mail, { run: id, messages: [], count: 1 });
  });

  law(
    open,
    "a run that was started for later begins then with what is patient, at once with what is not",
    async (store) => {
      const [patient, hasty] = [idMaker()(), idMaker()(NOW + 1)];
      const a = await joined(store, "a");
      await store.start(0, [startOf(patient, { at: NOW + 100 }), startOf(hasty, { at: NOW + 100 })], NOW, null);
      await store.send(0, [sendOf(patient, "m1", { isPatient: true }), sendOf(hasty, "m1", { isPatient: true }), sendOf(hasty, "m2")], NOW); // prettier-ignore
      assert.deepEqual(idsOf(await claimAll(store, a, NOW)), [hasty]);
      assert.deepEqual((await store.look(a, ALL, NOW)).next, NOW + 100);
      const [claimed] = await claimAll(store, a, NOW + 100);
      assert.deepEqual([claimed?.id, claimed?.mail], [patient, { run: patient, messages: [sendOf(patient, "m1").message], count: 1 }]); // prettier-ignore
      await store.commit(a, [commitOf(patient, { absorbed: ["m1"], mailSeen: 1, then: { kind: "park", wakeAt: NOW + 500 } })], NOW); // prettier-ignore
      await store.send(0, [sendOf(patient, "m2", { isPatient: true })], NOW + 200);
      assert.deepEqual(idsOf(await claimAll(store, a, NOW + 200)), [patient], "it has begun");
    },
  );

  law(open, "a message that came after the ones absorbed is still mail", async (store) => {
    const { id, a } = await ownedRun(store);
    await store.send(0, [sendOf(id, "m1"), sendOf(id, "m2")], NOW);
    await store.commit(a, [commitOf(id, { absorbed: ["m1"], mailSeen: 1 })], NOW);
    const mail = [{ run: id, messages: [sendOf(id, "m2").message], count: 2 }];
    assert.deepEqual(await store.mail(a, NOW), mail);
  });

  law(open, "a message whose key is in the mail already is kept once", async (store) => {
    const { id, a } = await ownedRun(store);
    await store.send(0, [sendOf(id, "m"), sendOf(id, "m")], NOW);
    await store.send(0, [sendOf(id, "m")], NOW);
    assert.deepEqual(await store.mail(a, NOW), [{ run: id, messages: [sendOf(id, "m").message], count: 1 }]);
  });

  law(open, "messages are in the order they came in", async (store) => {
    const { id, a } = await ownedRun(store);
    const sends = ["z", "a", "m"].map((key) => sendOf(id, key));
    await store.send(0, sends, NOW);
    assert.deepEqual(
      (await store.mail(a, NOW))[0]?.messages,
      sends.map(({ message }) => message),
    );
  });

  law(open, "mail makes a waiting, a later, a parked and a held run due at once", async (store) => {
    const make = idMaker();
    const [waiting, later, parked, held] = [make(), make(), make(), make()];
    const a = await joined(store, "a");
    await store.start(0, [startOf(waiting), startOf(later, { at: NOW + 1e6 })], NOW, null);
    await store.start(0, [startOf(parked), startOf(held)], NOW, a);
    const park = commitOf(parked, { then: { kind: "park", wakeAt: NOW + 1e6 } });
    await store.commit(a, [park, commitOf(held, { then: HELD })], NOW);
    const all = [waiting, later, parked, held];
    const answers = await store.send(
      0,
      all.map((id) => sendOf(id, "m")),
      NOW + 5,
    );
    assert.deepEqual(
      answers.map(({ kind }) => kind),
      ["sent", "sent", "sent", "sent"],
    );
    assert.deepEqual(
      (await store.read(0, all)).map((run) => [run?.status, run?.wakeAt]),
      [
        ["waiting", NOW + 5],
        ["waiting", NOW + 5],
        ["running", NOW + 5],
        ["running", NOW + 5],
      ],
    );
    assert.deepEqual(await claimAll(store, a, NOW + 4), []);
    const claimed = await claimAll(store, a, NOW + 5);
    assert.deepEqual(idsOf(claimed), all);
    assert.deepEqual(
      claimed.map(({ mail }) => mail.messages.length),
      [1, 1, 1, 1],
    );
  });

  law(open, "a parked run that was due earlier stays so", async (store) => {
    const { id, a } = await ownedRun(store);
    await store.commit(a, [commitOf(id, { then: { kind: "park", wakeAt: NOW - 9 } })], NOW);
    await store.send(0, [sendOf(id, "m")], NOW);
    assert.equal((await store.read(0, [id]))[0]?.wakeAt, NOW - 9);
  });

  const ends: readonly [Then, RunStatus][] = [
    [COMPLETED, "completed"],
    [FAILED, "failed"],
    [CANCELLED, "cancelled"],
  ];
  for (const [then, status] of ends) {
    law(open, `a message to a ${status} run is answered so and not kept`, async (store) => {
      const { id, a } = await ownedRun(store);
      await store.commit(a, [commitOf(id, { then })], NOW);
      assert.deepEqual(await store.send(0, [sendOf(id, "m")], NOW), [{ kind: "finished", status }]);
      assert.equal((await store.read(0, [id]))[0]?.wakeAt, null);
    });
  }

  for (const [then, status] of ends.slice(1)) {
    law(open, `a message that reopens has a ${status} run go on`, async (store) => {
      const { id, a } = await ownedRun(store);
      await store.commit(a, [commitOf(id, { lines: [lineOf("x")], then })], NOW);
      assert.deepEqual(await store.send(0, [sendOf(id, "r", { reopens: true })], NOW + 3), [{ kind: "sent" }]);
      const [run] = await store.read(0, [id]);
      assert.deepEqual([run?.status, run?.wakeAt, run?.endedAt, run?.error], ["running", NOW + 3, null, null]);
      const [claimed] = await claimAll(store, a, NOW + 3);
      assert.deepEqual([claimed?.journal, claimed?.mail.count], [[lineOf("x")], 1]);
    });
  }

  law(open, "a completed run is not reopened", async (store) => {
    const { id, a } = await ownedRun(store);
    await store.commit(a, [commitOf(id, { then: COMPLETED })], NOW);
    const answer = [{ kind: "finished", status: "completed" }];
    assert.deepEqual(await store.send(0, [sendOf(id, "r", { reopens: true })], NOW), answer);
  });

  law(open, "a parked run whose mail was seen but not absorbed keeps the messages", async (store) => {
    const { id, a } = await ownedRun(store);
    await store.send(0, [sendOf(id, "m")], NOW);
    await store.commit(a, [commitOf(id, { mailSeen: 1, then: { kind: "park", wakeAt: NOW + 5 } })], NOW);
    const [claimed] = await claimAll(store, a, NOW + 5);
    assert.deepEqual(claimed?.mail, { run: id, messages: [sendOf(id, "m").message], count: 1 });
  });
}

async function ownedRun(store: Store) {
  const id = idMaker()();
  const a = await joined(store, "a");
  await store.start(0, [startOf(id)], NOW, a);
  return { id, a };
}
