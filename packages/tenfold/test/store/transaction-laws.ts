/** What `startWith` promises, for each kind of client: a run exists if and only if the caller's transaction commits. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { CallerClient } from "../../src/store/caller-client.ts";
import type { RunStart, StartAnswer, Store } from "../../src/store/store.ts";
import { claimAll, commitOf, COMPLETED, idMaker, idsOf, joined, keyOf, NOW, startOf, WORKFLOW } from "./sample.ts";

/** Somebody who has a client, and a table, of their own on the store's database. */
export interface Caller {
  /** Commits when `act` resolves, and rolls back when it rejects. */
  within<T>(act: (client: CallerClient) => Promise<T>): Promise<T>;
  /** Writes a row of the caller's own in the transaction that `client` has open. */
  write(client: CallerClient, text: string): Promise<void>;
  /** The caller's own rows, as others see them. */
  written(): Promise<readonly string[]>;
  close(): Promise<void>;
}

export interface Together {
  readonly store: Store;
  readonly caller: Caller;
}

class RolledBack extends Error {}

/** What is answered in a transaction that is then rolled back. */
export async function undone<T>(caller: Caller, act: (client: CallerClient) => Promise<T>): Promise<T> {
  let answer: T;
  const rolledBack = caller.within(async (client) => {
    answer = await act(client);
    throw new RolledBack();
  });
  await assert.rejects(rolledBack, RolledBack);
  return answer!;
}

const GRAPH = { hash: "g1", workflow: WORKFLOW, graph: "{}" };
const STARTED: StartAnswer = { kind: "started" };

export function transactionLaws(kind: string, open: () => Promise<Together>): void {
  const law = (sentence: string, check: (together: Together) => Promise<void>): void => {
    test(`${kind}: ${sentence}`, async () => {
      const together = await open();
      try {
        await together.store.putGraphs(0, [GRAPH]);
        await check(together);
      } finally {
        await together.caller.close();
        await together.store.close();
      }
    });
  };

  law("a run started in a transaction is there when it commits, and not before", async ({ store, caller }) => {
    const id = idMaker()();
    const start = startOf(id, { key: keyOf("a"), tenant: "acme", attributes: [{ name: "region", value: "eu" }] });
    const lease = await joined(store, "a");
    await caller.within(async (client) => {
      await caller.write(client, "an order");
      assert.deepEqual(await store.startWith(client, 0, [start], NOW), [STARTED]);
      assert.deepEqual(await store.read(0, [id]), [undefined]);
    });
    const [run] = await store.read(0, [id]);
    const { status, tenant, key, generation, owner, input } = run!;
    assert.deepEqual([status, tenant, key, generation, owner], ["waiting", "acme", "a", 1, null]);
    assert.equal(input, start.input);
    assert.deepEqual(await caller.written(), ["an order"]);
    assert.deepEqual(await store.tallies(0, null, null), [{ workflow: WORKFLOW, status: "waiting", runs: 1 }]);
    const found = await store.list(0, { attribute: { name: "region", value: "eu" } }, { before: null, limit: 9 });
    assert.deepEqual(idsOf(found), [id]);
    assert.deepEqual(idsOf(await claimAll(store, lease)), [id]);
  });

  law("nothing is left of a transaction that is rolled back, and its key is free", async ({ store, caller }) => {
    const make = idMaker();
    const [never, run] = [make(), make()];
    const attributes = [{ name: "region", value: "eu" }];
    const lease = await joined(store, "a");
    await undone(caller, (client) =>
      store.startWith(client, 0, [startOf(never, { key: keyOf("a"), attributes })], NOW),
    );
    assert.deepEqual(await store.read(0, [never]), [undefined]);
    assert.deepEqual(await store.tallies(0, null, null), []);
    assert.deepEqual(await store.list(0, { attribute: attributes[0]! }, { before: null, limit: 9 }), []);
    assert.deepEqual(await claimAll(store, lease), []);
    assert.deepEqual(await store.start(0, [startOf(run, { key: keyOf("a") })], NOW, null), [STARTED]);
    assert.equal((await store.read(0, [run]))[0]!.generation, 1);
  });

  law("a run without a key, one for a time, and one of a tenant that waits take their turn", async (together) => {
    const { store, caller } = together;
    const make = idMaker();
    const [first, second, later] = [make(), make(), make()];
    const lease = await joined(store, "a");
    await store.start(0, [startOf(first)], NOW, null);
    await caller.within((client) =>
      store.startWith(client, 0, [startOf(second), startOf(later, { at: NOW + 5 })], NOW),
    );
    assert.deepEqual(idsOf(await claimAll(store, lease)), [first, second]);
    assert.deepEqual(idsOf(await claimAll(store, lease, NOW + 5)), [later]);
  });

  law("a known key is answered, and the transaction goes on", async ({ store, caller }) => {
    const make = idMaker();
    const [known, other] = [make(), make()];
    await store.start(0, [startOf(known, { key: keyOf("a") })], NOW, null);
    const answers = await caller.within(async (client) => {
      const starts = [startOf(make(), { key: keyOf("a") }), startOf(make(), { key: keyOf("a", { inputHash: "h2" }) })];
      const answers = [
        ...(await store.startWith(client, 0, [starts[0]!], NOW)),
        ...(await store.startWith(client, 0, [starts[1]!], NOW)),
        ...(await store.startWith(client, 0, [startOf(other, { key: keyOf("b") })], NOW)),
      ];
      await caller.write(client, "after them");
      return answers;
    });
    assert.deepEqual(answers, [
      { kind: "existing", run: known, status: "waiting" },
      { kind: "conflict", run: known },
      STARTED,
    ]);
    assert.deepEqual(await caller.written(), ["after them"]);
    assert.deepEqual((await store.tallies(0, null, null))[0]?.runs, 2);
  });

  law("a transaction sees the runs that it has started itself", async ({ store, caller }) => {
    const make = idMaker();
    const id = make();
    const starts = (key: RunStart["key"]) => [startOf(make(), { key })];
    const answers = await caller.within(async (client) => [
      ...(await store.startWith(client, 0, [startOf(id, { key: keyOf("a") }), ...starts(keyOf("a"))], NOW)),
      ...(await store.startWith(client, 0, starts(keyOf("a", { again: true })), NOW)),
    ]);
    const existing: StartAnswer = { kind: "existing", run: id, status: "waiting" };
    assert.deepEqual(answers, [STARTED, existing, existing]);
  });

  law("again starts the next generation once the last has ended", async ({ store, caller }) => {
    const make = idMaker();
    const [first, never, second] = [make(), make(), make()];
    const again = { key: keyOf("a", { inputHash: "h2", again: true }) };
    const lease = await joined(store, "a");
    await store.start(0, [startOf(first, { key: keyOf("a") })], NOW, lease);
    await store.commit(lease, [commitOf(first, { then: COMPLETED })], NOW);
    await undone(caller, (client) => store.startWith(client, 0, [startOf(never, again)], NOW));
    const answers = await caller.within((client) => store.startWith(client, 0, [startOf(second, again)], NOW));
    assert.deepEqual(answers, [STARTED]);
    assert.equal((await store.read(0, [second]))[0]!.generation, 2);
  });

  law("starts that are sent at once on one client are answered each for itself", async ({ store, caller }) => {
    const make = idMaker();
    const ids = Array.from({ length: 5 }, () => make());
    const keyOfPlace = (place: number) => keyOf(`k${place % 4}`);
    const answers = await caller.within((client) =>
      Promise.all(ids.map((id, n) => store.startWith(client, 0, [startOf(id, { key: keyOfPlace(n) })], NOW))),
    );
    const existing: StartAnswer = { kind: "existing", run: ids[0]!, status: "waiting" };
    assert.deepEqual(answers.flat(), [STARTED, STARTED, STARTED, STARTED, existing]);
    assert.equal((await store.tallies(0, null, null))[0]?.runs, 4);
  });

  law("those who watch hear of it when it commits", async ({ store, caller }) => {
    const lease = await joined(store, "a");
    const make = idMaker();
    let claimed: (ids: readonly string[]) => void;
    store.watch("due", () => {
      claimAll(store, lease).then(
        (runs) => runs.length > 0 && claimed(idsOf(runs)),
        () => undefined,
      );
    });
    // Whoever begins to watch may be called for nothing: the second one is heard of for its own sake.
    for (const id of [make(), make()]) {
      const heard = new Promise<readonly string[]>((resolve) => (claimed = resolve));
      await caller.within((client) => store.startWith(client, 0, [startOf(id)], NOW));
      assert.deepEqual(await heard, [id]);
    }
  });
}
