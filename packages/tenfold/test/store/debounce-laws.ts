/** What `start` promises of starts with a debounce: one run, as the last of them says, until it has begun. */
import assert from "node:assert/strict";
import type { RunStart, Store } from "../../src/store/store.ts";
import {
  ALL,
  claimAll,
  commitOf,
  COMPLETED,
  idMaker,
  idsOf,
  joined,
  keyOf,
  law,
  NOW,
  sendOf,
  startOf,
  type OpenStore,
} from "./sample.ts";

const STARTED = { kind: "started" };
const postponed = (run: string) => ({ kind: "existing", run, status: "waiting" });

/** A start of the key "a" that waits 100 ms, and with others 300 ms at most. */
function soon(id: string, now: number, differs: Partial<RunStart> = {}): RunStart {
  const key = keyOf("a", { inputHash: `hash of ${id}`, debounce: { maxMs: 300 } });
  return startOf(id, { key, at: now + 100, attributes: [{ name: "of", value: id }], ...differs });
}

async function startOne(store: Store, start: RunStart, now: number) {
  return (await store.start(0, [start], now, null))[0];
}

export function debounceLaws(open: OpenStore): void {
  law(open, "a debounced start takes the place of the one before, as long as its run has not begun", async (store) => {
    const make = idMaker();
    const [first, second] = [make(), make()];
    const lease = await joined(store, "a");
    assert.deepEqual(await startOne(store, soon(first, NOW), NOW), STARTED);
    const next = soon(second, NOW + 50, { graph: "g2", input: `{"n":2}` });
    assert.deepEqual(await startOne(store, next, NOW + 50), postponed(first));
    const [run, none] = await store.read(0, [first, second]);
    const { status, input, graph, wakeAt, generation, owner } = run!;
    assert.deepEqual([status, input, graph, wakeAt], ["waiting", `{"n":2}`, "g2", NOW + 150]);
    assert.deepEqual([generation, owner, none], [1, null, undefined]);
    const found = async (value: string) =>
      idsOf(await store.list(0, { attribute: { name: "of", value } }, { before: null, limit: 9 }));
    assert.deepEqual([await found(first), await found(second)], [[], [first]]);
    assert.deepEqual(await store.tallies(0, null, null), [{ workflow: ALL[0], status: "waiting", runs: 1 }]);
    assert.deepEqual(await claimAll(store, lease, NOW + 149), []);
    const [claimed] = await claimAll(store, lease, NOW + 150);
    assert.deepEqual([claimed?.id, claimed?.input, claimed?.graph], [first, `{"n":2}`, "g2"]);
  });

  law(open, "however often it is postponed, its run is due when the first start says", async (store) => {
    const make = idMaker();
    const first = make();
    await startOne(store, soon(first, NOW), NOW);
    for (let now = NOW + 90; now <= NOW + 270; now += 90) {
      assert.deepEqual(await startOne(store, soon(make(), now), now), postponed(first));
    }
    assert.equal((await store.read(0, [first]))[0]?.wakeAt, NOW + 300);
  });

  law(open, "a run that is due, and not begun, stays due, and begins on the last input", async (store) => {
    const make = idMaker();
    const first = make();
    const lease = await joined(store, "a");
    await startOne(store, soon(first, NOW), NOW);
    const last = soon(make(), NOW + 101);
    assert.deepEqual(await startOne(store, last, NOW + 101), postponed(first));
    const [claimed] = await claimAll(store, lease, NOW + 101);
    assert.deepEqual([claimed?.id, claimed?.input], [first, last.input]);
  });

  law(open, "once its run has begun, or has ended, the next start is the next run", async (store) => {
    const make = idMaker();
    const [first, second, third] = [make(), make(), make()];
    const lease = await joined(store, "a");
    await startOne(store, soon(first, NOW), NOW);
    await claimAll(store, lease, NOW + 100);
    assert.deepEqual(await startOne(store, soon(second, NOW + 100), NOW + 100), STARTED);
    await claimAll(store, lease, NOW + 200);
    await store.commit(lease, [commitOf(second, { then: COMPLETED })], NOW + 200);
    assert.deepEqual(await startOne(store, soon(third, NOW + 200), NOW + 200), STARTED);
    assert.deepEqual(await startOne(store, soon(make(), NOW + 201), NOW + 201), postponed(third));
    const runs = await store.read(0, [first, second, third]);
    assert.deepEqual(
      runs.map((run) => [run?.generation, run?.status]),
      [
        [1, "running"],
        [2, "completed"],
        [3, "waiting"],
      ],
    );
    assert.equal(runs[0]?.input, startOf(first).input);
  });

  law(open, "what a run was sent is meant for it as it was: the next start is the next run", async (store) => {
    const make = idMaker();
    const [first, second] = [make(), make()];
    const lease = await joined(store, "a");
    await startOne(store, soon(first, NOW), NOW);
    await store.send(0, [sendOf(first, "cancel")], NOW + 1);
    assert.deepEqual(await startOne(store, soon(second, NOW + 2), NOW + 2), STARTED);
    assert.deepEqual(idsOf(await claimAll(store, lease, NOW + 2)), [first]);
    assert.deepEqual(idsOf(await claimAll(store, lease, NOW + 102)), [second]);
  });

  law(open, "of several in one batch the last one counts, and each has its answer", async (store) => {
    const make = idMaker();
    const [there, here, plain] = [make(), make(), make()];
    await startOne(store, soon(there, NOW), NOW);
    const of = (key: string, id: string, now: number) =>
      soon(id, now, { key: keyOf(key, { inputHash: `hash of ${id}`, debounce: { maxMs: 300 } }) });
    const starts = [
      soon(make(), NOW + 1),
      of("b", here, NOW + 1),
      startOf(plain),
      of("b", make(), NOW + 2),
      soon(make(), NOW + 3),
      of("b", make(), NOW + 4),
    ];
    const lease = await joined(store, "a");
    const answers = await store.start(0, starts, NOW + 1, lease);
    const [a, b] = [postponed(there), postponed(here)];
    assert.deepEqual(answers, [a, STARTED, STARTED, b, a, b]);
    const [first, second] = await store.read(0, [there, here]);
    assert.deepEqual([first?.input, first?.wakeAt], [starts[4]!.input, NOW + 103]);
    assert.deepEqual([second?.input, second?.wakeAt], [starts[5]!.input, NOW + 104]);
    const found = await store.list(0, { attribute: { name: "of", value: starts[5]!.id } }, { before: null, limit: 9 });
    assert.deepEqual(idsOf(found), [here]);
    assert.deepEqual(await store.owned(lease), [plain]);
  });

  law(open, "a debounced start that is sent again is harmless, and the key has the last input", async (store) => {
    const make = idMaker();
    const first = make();
    const starts = [soon(first, NOW), soon(make(), NOW + 10)];
    for (const start of [...starts, ...starts]) await store.start(0, [start], NOW + 10, null);
    const [run] = await store.read(0, [first]);
    assert.deepEqual([run?.input, run?.wakeAt], [starts[1]!.input, NOW + 110]);
    const plain = (inputHash: string) => startOf(make(), { key: keyOf("a", { inputHash }) });
    assert.deepEqual(await startOne(store, plain(starts[1]!.key!.inputHash), NOW + 10), postponed(first));
    assert.deepEqual(await startOne(store, plain(starts[0]!.key!.inputHash), NOW + 10), {
      kind: "conflict",
      run: first,
    });
    assert.equal((await store.tallies(0, null, null))[0]?.runs, 1);
  });

  law(open, "a pruned run is as one that has ended", async (store) => {
    const make = idMaker();
    const [first, second] = [make(), make()];
    const lease = await joined(store, "a");
    await startOne(store, soon(first, NOW), NOW);
    await claimAll(store, lease, NOW + 100);
    await store.commit(lease, [commitOf(first, { then: COMPLETED })], NOW + 100);
    await store.prune(0, [first], { before: NOW + 200, keysForMs: 1000, linesMax: 9 });
    assert.deepEqual(await startOne(store, soon(second, NOW + 300), NOW + 300), STARTED);
    assert.equal((await store.read(0, [second]))[0]?.generation, 2);
  });
}
