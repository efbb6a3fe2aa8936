/** What a move does not do, what it leaves closed, and how it is given up. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { test } from "node:test";
import { giveUpMove, moveStore, type MoveProgress } from "../../src/engine/move.ts";
import { systemHost } from "../../src/engine/system.ts";
import type { Store } from "../../src/store/store.ts";
import { part } from "../store/interleaved-files.ts";
import { commitOf, COMPLETED, idMaker, joined, keyOf, NOW, sendOf, startOf, WORKFLOW } from "../store/sample.ts";
import { answersOf, LANES } from "./moved-store.ts";
import { copyOf, filledAt, inFile, inPostgres, move, partsOf, refusal, using, type Place } from "./move-places.ts";

const KINDS: readonly (readonly [string, () => Promise<Place>])[] = [
  ["a file", async () => inFile()],
  ["Postgres", inPostgres],
];

/** Dies with the first piece that is written. */
function dies({ kind }: MoveProgress): void {
  if (kind === "copying") throw new Error("gone");
}

/** Nothing of a move that was refused is to be seen at either end. */
async function isUntouched(place: Place): Promise<void> {
  await using(await place.open(), async () => undefined);
}

for (const [kind, make] of KINDS) {
  test(`a store in ${kind} that a living worker of this machine holds is not moved, and the worker is named`, async (t) => {
    const [from, to] = [await make(), inFile()];
    await filledAt(from);
    const worker = spawn(process.execPath, ["-e", "process.stdin.resume()"]);
    t.after(() => worker.kill("SIGKILL"));
    await once(worker, "spawn");
    const store = await from.open();
    const host = systemHost();
    await using(store, () =>
      store.join({ lane: 0, owner: "alive" }, { worker: "box 7", host: host.host, process: `${worker.pid} ?` }),
    );
    const parts = partsOf({ host });
    await assert.rejects(
      move(from, to, parts),
      refusal("STORE_BUSY", new RegExp(`worked by box 7 \\(process ${worker.pid}\\); nothing was moved. Stop it`)),
    );
    await isUntouched(from);
    await isUntouched(to);
    worker.kill("SIGKILL");
    await once(worker, "exit");
    assert.equal((await move(from, to, parts)).isOld, false);
  });

  test(`a worker of another machine that still beats keeps a store in ${kind} from being moved`, async () => {
    const from = await make();
    const store = await from.open(1);
    await using(store, async () => {
      const lease = await joined(store, "elsewhere");
      const parts = partsOf();
      const wait = parts.clock.at;
      const beating = {
        ...parts.clock,
        at: (at: number, call: () => void) => wait(at, () => void store.renew(lease).then(call)),
      };
      await assert.rejects(
        move(from, inFile(), { ...parts, clock: beating }),
        refusal("STORE_BUSY", /worker of elsewhere/),
      );
      await isUntouched(from);
      assert.equal((await move(from, inFile(), parts)).isOld, false);
    });
  });

  test(`a handle on a store in ${kind} that was open before the move writes nothing any more`, async () => {
    const from = await make();
    const handle = await from.open(1);
    await using(handle, async () => {
      const make = idMaker();
      const [known, later, third] = [make(), make(), make()];
      await handle.start(0, [startOf(known)], NOW, null);
      const lease = await joined(handle, "early");
      const [ended, gone] = [make(), make()];
      await handle.start(0, [ended, gone].map((id) => startOf(id, { key: keyOf(id) })), NOW, lease); // prettier-ignore
      await handle.files.write(lease, [part(gone, "report", 0)], NOW);
      await handle.commit(lease, [ended, gone].map((id) => commitOf(id, { then: COMPLETED })), NOW); // prettier-ignore
      const pruning = { before: NOW + 1, keysForMs: 0, linesMax: 9 };
      assert.deepEqual(await handle.prune(0, [gone], pruning), ["pruned"]);
      await handle.queues.setSettings(0, "score", "{}");
      await handle.takeOver(0, "early", null, NOW, true);
      const source = await from.toMove(null);
      await using(source, async () => {
        assert.equal(await source.leave("m", "elsewhere"), true);
        await assert.rejects(source.leave("n", "there"), refusal("STORE_BUSY", /Another program is moving/));
      });
      const refused = refusal("STORE_MOVED", /moved while it was open here; nothing of this call was written/);
      const writes: Readonly<Record<string, (store: Store) => Promise<unknown>>> = {
        start: (store) => store.start(0, [startOf(later)], NOW, null),
        startMany: (store) => store.start(0, [startOf(later), startOf(third)], NOW, null),
        send: (store) => store.send(0, [sendOf(known, "stop")], NOW),
        join: (store) => joined(store, "late"),
        prune: (store) => store.prune(0, [ended], pruning),
        forgetKeys: (store) => store.forgetKeys(0, NOW + 9, 9),
        sweep: (store) => store.files.sweep(0, 9),
        setSettings: (store) => store.queues.setSettings(0, "new", "{}"),
        changeSettings: (store) => store.queues.setSettings(0, "score", null),
      };
      for (const [verb, write] of Object.entries(writes)) await assert.rejects(write(handle), refused, verb);
      assert.equal((await handle.list(0, {}, { before: null, limit: 9 })).length, 2);
    });
  });

  test(`a start in a caller's own transaction is refused once ${kind} is left, and that transaction can go on`, async () => {
    const from = await make();
    const handle = await from.open(1);
    await handle.putGraphs(0, [{ hash: "g1", workflow: WORKFLOW, graph: "{}" }]);
    const caller = await from.caller();
    await using(caller, () =>
      using(handle, async () => {
        const source = await from.toMove(null);
        await using(source, async () => assert.equal(await source.leave("m", "elsewhere"), true));
        await caller.within(async (client) => {
          await assert.rejects(
            handle.startWith(client, 0, [startOf(idMaker()())], NOW),
            refusal("STORE_MOVED", /moved while it was open here; nothing of this call was written/),
          );
          await caller.write(client, "an order");
        });
        assert.deepEqual(await caller.written(), ["an order"]);
        assert.deepEqual(await handle.list(0, {}, { before: null, limit: 9 }), []);
      }),
    );
  });

  test(`a move from ${kind} that is given up leaves the store as it was`, async () => {
    const [from, twin] = [await make(), inFile()];
    await filledAt(from);
    await filledAt(twin);
    for (const place of [from, twin]) {
      const store = await place.open();
      await using(store, async () => {
        for (let lane = 0; lane < LANES; lane++) await store.takeOver(lane, `gone ${lane}`, null, NOW + 7, false);
      });
    }
    const [source, other] = [await from.toMove(null), await inFile().toMove(LANES)];
    await using(other, () =>
      using(source, async () => {
        await assert.rejects(moveStore(source, other, partsOf({ tell: dies })), /gone/);
        assert.equal(await giveUpMove(source), other.name);
        await assert.rejects(giveUpMove(source), refusal("USAGE", /it is not being moved. Nothing was changed/));
        await assert.rejects(giveUpMove(other), refusal("USAGE", /is being filled from/));
      }),
    );
    const answers = async (place: Place) => {
      const store = await place.open();
      return using(store, () => answersOf(store));
    };
    assert.deepEqual(await answers(from), await answers(twin));
  });

  test(`nothing is moved to where ${kind} holds something already`, async () => {
    const [from, to] = [inFile(), await make()];
    await filledAt(from);
    const store = await to.open(LANES);
    await using(store, () => store.putGraphs(1, [{ hash: "h", workflow: "w", graph: "{}" }]));
    await assert.rejects(move(from, to), refusal("USAGE", /holds something already, so nothing was moved there/));
    await isUntouched(from);
    await isUntouched(to);
  });
}

test("a move to a store with another number of lanes is refused, as a run's lane is part of its id", async () => {
  const [from, to] = [inFile(), inFile()];
  await filledAt(from);
  await using(await to.open(3), async () => undefined);
  await assert.rejects(
    move(from, to),
    refusal("USAGE", /has 2 lanes and .* 3; nothing was moved. A run's lane is part of its id/),
  );
  await isUntouched(from);
});

test("a move that is begun is finished with the same two stores, or not at all", async () => {
  const [from, to, third] = [inFile(), inFile(), inFile()];
  await filledAt(from);
  await assert.rejects(move(from, to, partsOf({ tell: dies })), /gone/);
  await assert.rejects(
    move(from, third),
    refusal("STORE_MOVED", /is being moved to .*not finished. Finish it, or give it up/),
  );
  await assert.rejects(move(to, third), refusal("STORE_MOVED", /is being filled from .*Finish it first/));
  await move(from, to);
  assert.deepEqual(await move(from, to), { isOld: true, tables: [] });
  await assert.rejects(move(from, third), refusal("STORE_MOVED", /was moved to .*where its runs go on. Move that one/));
  await assert.rejects(move(to, from), refusal("USAGE", /holds something already/));
});

test("two programs that move the same store do not write the same rows twice", async () => {
  const from = inFile();
  await filledAt(from);
  for (const to of [inFile(), await inPostgres()]) {
    const one = copyOf(from);
    const stores = [await one.toMove(null), await to.toMove(LANES)] as const;
    let other: Promise<unknown> | undefined;
    const tell = ({ kind }: MoveProgress): void => {
      if (kind === "copying") other ??= move(one, to).catch((thrown: unknown) => thrown);
    };
    const ended = await moveStore(...stores, partsOf({ tell })).catch((thrown: unknown) => thrown);
    for (const store of stores) await store.close();
    const failed = [ended, await other].filter((answer) => answer instanceof Error);
    for (const error of failed) refusal("STORE_BUSY", /Another program is moving/)(error);
    await move(one, to);
    const moved = await to.open();
    await using(moved, async () => assert.equal((await moved.list(0, {}, { before: null, limit: 99 })).length, 15));
  }
});

test("what a client writes to the new store before it is whole is found, and the move can be given up", async () => {
  const [from, to] = [inFile(), await inPostgres()];
  await filledAt(from);
  const handle = await to.open(LANES);
  await using(handle, async () => {
    const [source, target] = [await from.toMove(null), await to.toMove(LANES)];
    const writing = new Proxy(target, {
      get(_, name) {
        const value: unknown = Reflect.get(target, name);
        if (typeof value !== "function") return value;
        if (name !== "receive") return value.bind(target) as unknown;
        return async (...given: readonly [string, string]) => {
          await target.receive(...given);
          await handle.start(0, [startOf(idMaker()(NOW + 999))], NOW, null);
        };
      },
    });
    await using(source, () =>
      using(target, async () => {
        await assert.rejects(
          moveStore(source, writing, partsOf()),
          refusal("STORE_CORRUPT", /has 31 rows in runs, where .* has 30: somebody else wrote to it/),
        );
        await giveUpMove(source);
      }),
    );
  });
  await isUntouched(from);
});
