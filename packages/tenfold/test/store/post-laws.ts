/** What the post promises: a parcel is there if its commit is, and its message comes once, however often it is carried. */
import assert from "node:assert/strict";
import type { Lease, Parcel, ParcelName, Store } from "../../src/store/store.ts";
import { commitOf, COMPLETED, idMaker, joined, law, lineOf, NOW, sendOf, startOf, type OpenStore } from "./sample.ts";

export function postLaws(open: OpenStore): void {
  law(
    open,
    "a parcel lies in the outbox of its lane once its commit is written, and only then",
    async (store) => {
      const { from, to, lease } = await twoRuns(store);
      const parcels = [sendOf(to, "m")];
      const lost = commitOf(from, { from: 7, lines: [lineOf("x")], parcels });
      assert.deepEqual(await store.commit(lease, [lost], NOW), ["lost"]);
      assert.deepEqual(await outgoing(store), []);
      assert.equal((await store.look(lease, [], NOW)).parcels, false);
      const written = commitOf(from, { lines: [lineOf("x")], parcels });
      assert.deepEqual(await store.commit(lease, [written], NOW), ["written"]);
      assert.deepEqual(await outgoing(store), [{ from, send: sendOf(to, "m") }]);
      assert.deepEqual(await outgoing(store, 1), []);
      assert.equal((await store.look(lease, [], NOW)).parcels, true);
    },
    2,
  );

  law(
    open,
    "a parcel whose name is in the outbox already, or twice in a commit, is there once, as it was first",
    async (store) => {
      const { from, to, lease } = await twoRuns(store);
      const later = { ...sendOf(to, "m"), reopens: true };
      const first = commitOf(from, { lines: [lineOf("x")], parcels: [sendOf(to, "m"), later] });
      const second = commitOf(from, { from: 1, lines: [lineOf("y")], parcels: [later, sendOf(to, "n")] });
      assert.deepEqual(await store.commit(lease, [first], NOW), ["written"]);
      assert.deepEqual(await store.commit(lease, [second], NOW), ["written"]);
      assert.deepEqual(await outgoing(store), [
        { from, send: sendOf(to, "m") },
        { from, send: sendOf(to, "n") },
      ]);
    },
    2,
  );

  law(
    open,
    "a commit that is sent again, when its parcel was carried, does not send it again",
    async (store) => {
      const { from, to, lease } = await twoRuns(store);
      const commit = commitOf(from, { lines: [lineOf("x")], parcels: [sendOf(to, "m")] });
      await store.commit(lease, [commit], NOW);
      await store.post.remove(0, [{ from, key: "m" }]);
      assert.deepEqual(await store.commit(lease, [commit], NOW), ["written"]);
      assert.deepEqual(await outgoing(store), []);
    },
    2,
  );

  law(
    open,
    "a run that ends or parks in a commit sends what is in it, unless mail came",
    async (store) => {
      const { from, to, lease } = await twoRuns(store);
      await store.send(0, [sendOf(from, "mail")], NOW);
      const ends = commitOf(from, { lines: [lineOf("x")], then: COMPLETED, parcels: [sendOf(to, "m")] });
      assert.deepEqual(await store.commit(lease, [ends], NOW), ["mail"]);
      assert.deepEqual(await outgoing(store), []);
      assert.deepEqual(await store.commit(lease, [{ ...ends, mailSeen: 1 }], NOW), ["written"]);
      assert.deepEqual(await outgoing(store), [{ from, send: sendOf(to, "m") }]);
    },
    2,
  );

  law(
    open,
    "a handle that did not join the lease sends its commit's parcels too",
    async (store) => {
      const { from, to } = await twoRuns(store);
      const other = await joined(store, "b");
      await store.takeOver(0, "a", null, NOW, true);
      const [claimed] = await store.claim(other, ["lead-intake"], NOW, 1, 1e6);
      assert.equal(claimed?.id, from);
      const commit = commitOf(from, { lines: [lineOf("x")], parcels: [sendOf(to, "m1"), sendOf(to, "m2")] });
      assert.deepEqual(await store.commit(other, [commit], NOW), ["written"]);
      assert.deepEqual(
        (await outgoing(store)).map(({ send }) => send.message.key),
        ["m1", "m2"],
      );
    },
    2,
  );

  law(
    open,
    "a message comes once until it is released, absorbed or not",
    async (store) => {
      const { from, to } = await twoRuns(store);
      const receiver: Lease = { lane: 1, owner: "r" };
      const parcel: Parcel = { from, send: sendOf(to, "m") };
      assert.deepEqual(await store.post.deliver(1, [parcel, parcel], NOW), [{ kind: "sent" }, { kind: "sent" }]);
      assert.deepEqual(await store.post.deliver(1, [parcel], NOW + 1), [{ kind: "sent" }]);
      const [mail] = await store.mail(receiver, NOW);
      assert.deepEqual([mail?.messages.length, mail?.count], [1, 1]);
      const absorb = commitOf(to, { lines: [lineOf("m")], absorbed: ["m"], mailSeen: 1 });
      assert.deepEqual(await store.commit(receiver, [absorb], NOW), ["written"]);
      await store.post.deliver(1, [parcel], NOW + 2);
      assert.deepEqual(await store.mail(receiver, NOW + 2), []);
      await store.post.release(1, [{ from, key: "m" }]);
      await store.post.deliver(1, [parcel], NOW + 3);
      assert.equal((await store.mail(receiver, NOW + 3))[0]?.count, 2);
    },
    2,
  );

  law(
    open,
    "parcels of two runs with the same key are two",
    async (store) => {
      const { from, other, to } = await twoRuns(store);
      const parcels = [
        { from, send: sendOf(to, "m") },
        { from: other, send: sendOf(to, "n") },
      ];
      const same = [
        { from, send: sendOf(to, "k") },
        { from: other, send: sendOf(other, "k") },
      ];
      await store.post.deliver(1, parcels, NOW);
      await store.post.deliver(1, same, NOW);
      assert.equal((await received(store, NOW + 1)).length, 4);
    },
    2,
  );

  law(
    open,
    "what cannot be delivered is answered so, and is known as received",
    async (store) => {
      const { from, to } = await twoRuns(store);
      const end = commitOf(to, { lines: [lineOf("x")], then: COMPLETED });
      await store.commit({ lane: 1, owner: "r" }, [end], NOW);
      const late = { from, send: sendOf(to, "late") };
      const nobody = { from, send: sendOf("nobody", "m") };
      assert.deepEqual(await store.post.deliver(1, [late, nobody], NOW), [
        { kind: "finished", status: "completed" },
        { kind: "unknown" },
      ]);
      assert.equal((await received(store, NOW + 1)).length, 2);
    },
    2,
  );

  law(
    open,
    "received parcels are told by the time they came last, and not once released",
    async (store) => {
      const { from, to } = await twoRuns(store);
      const parcels = ["m1", "m2", "m3"].map((key) => ({ from, send: sendOf(to, key) }));
      await store.post.deliver(1, parcels.slice(0, 2), NOW);
      await store.post.deliver(1, parcels.slice(2), NOW + 10);
      await store.post.deliver(1, parcels.slice(0, 1), NOW + 20);
      assert.deepEqual(await received(store, NOW), []);
      assert.deepEqual(keysOf(await received(store, NOW + 1)), ["m2"]);
      assert.deepEqual(keysOf(await received(store, NOW + 11)), ["m2", "m3"]);
      assert.deepEqual(keysOf(await received(store, NOW + 21)), ["m1", "m2", "m3"]);
      await store.post.release(1, [{ from, key: "m2" }]);
      assert.deepEqual(keysOf(await received(store, NOW + 21)), ["m1", "m3"]);
      assert.deepEqual(await store.post.received(1, NOW + 21, 1).then(({ length }) => length), 1);
    },
    2,
  );

  law(
    open,
    "an outbox is read in pages, and tells what it holds",
    async (store) => {
      const { from, to, lease } = await twoRuns(store);
      const keys = Array.from({ length: 10 }, (_, n) => `m${n}`);
      await store.commit(
        lease,
        [commitOf(from, { lines: [lineOf("x")], parcels: keys.map((key) => sendOf(to, key)) })],
        NOW,
      );
      const first = await store.post.outgoing(0, null, 4);
      const rest = await store.post.outgoing(0, { from, key: first.at(-1)!.send.message.key }, 100);
      assert.deepEqual(
        [...first, ...rest].map(({ send }) => send.message.key),
        keys,
      );
      await store.post.remove(0, [
        { from, key: "m3" },
        { from, key: "none" },
      ]);
      const names = ["m2", "m3", "m4"].map((key) => ({ from, key }));
      assert.deepEqual(await store.post.holds(0, names), [true, false, true]);
      assert.deepEqual(await store.post.holds(1, names), [false, false, false]);
      assert.equal((await outgoing(store)).length, 9);
    },
    2,
  );
}

/** Two runs of lane 0, owned by "a", and one of lane 1, owned by "r". */
async function twoRuns(store: Store) {
  const make = idMaker();
  const [from, other, to] = [make(), make(), make(NOW, 1)];
  const lease = await joined(store, "a");
  const receiver = await joined(store, "r", 1);
  await store.start(0, [startOf(from), startOf(other)], NOW, lease);
  await store.start(1, [startOf(to)], NOW, receiver);
  return { from, other, to, lease };
}

function outgoing(store: Store, lane = 0): Promise<readonly Parcel[]> {
  return store.post.outgoing(lane, null, 100);
}

function received(store: Store, before: number): Promise<readonly ParcelName[]> {
  return store.post.received(1, before, 100);
}

function keysOf(names: readonly ParcelName[]): string[] {
  return names.map(({ key }) => key).sort();
}
