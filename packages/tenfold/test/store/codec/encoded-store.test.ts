/** A store with a codec keeps the laws of every store, and what it keeps tells nothing. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, test } from "node:test";
import { aes256gcm } from "../../../src/store/codec/aes256gcm.ts";
import { EncodedStore } from "../../../src/store/codec/encoded-store.ts";
import { MemoryStore } from "../../../src/store/memory.ts";
import type { Store } from "../../../src/store/store.ts";
import { simulate } from "../../../src/testing/simulator/simulation.ts";
import { withVerbs } from "../../engine/world.ts";
import { openSqlite } from "../../../src/store/sqlite/sqlite.ts";
import { conformance } from "../conformance.ts";
import { newFile } from "../files.ts";
import { commitOf, COMPLETED, FAILED, idMaker, joined, keyOf, lineOf, NOW, sendOf, startOf } from "../sample.ts";

const key = (name: string): Buffer => createHash("sha256").update(name).digest();
const [old, young] = [key("old"), key("young")];
const beforeRotation = aes256gcm({ keys: { old }, use: "old" });
const rotated = aes256gcm({ keys: { old, young }, use: "young" });
const afterwards = aes256gcm({ keys: { young }, use: "young" });

/** Room for so many plain bytes is room for those that they are encoded as: a claim counts what is kept. */
function claimingEncoded(store: Store): Store {
  const claim: Store["claim"] = (lease, workflows, now, runsMax, bytesMax) =>
    store.claim(lease, workflows, now, runsMax, Math.min(encodedLength(bytesMax), 1e9));
  return withVerbs(store, { claim });
}

function encodedLength(plain: number): number {
  const [nonce, tag] = [24, 16];
  return "enc:aes256gcm:young:".length + Math.ceil(((nonce + plain + tag) * 4) / 3);
}

conformance("memory with a codec", async (lanes) => new EncodedStore(claimingEncoded(new MemoryStore(lanes)), rotated));

conformance(
  "sqlite with a codec",
  async (lanes) => new EncodedStore(claimingEncoded(await openSqlite(newFile(), { lanes })), rotated),
  { sequences: 40 },
);

test("the simulator's workers, crashes and lost answers find no difference behind a codec", async () => {
  const first = 1 + Math.floor(Math.random() * 1_000_000);
  for (let seed = first; seed < first + 60; seed++) {
    const open = async (lanes: number): Promise<Store> =>
      new EncodedStore(claimingEncoded(new MemoryStore(lanes)), rotated);
    const { violation } = await simulate(seed, open);
    assert.equal(violation?.message, undefined, `seed ${seed}`);
  }
});

/** A run with a payload in each place where there may be one, all of them with the word "secret". */
async function withSecrets(store: Store) {
  const make = idMaker();
  const [completed, failed, open] = [make(), make(), make()] as const;
  const a = await joined(store, "a");
  const input = `{"is":"secret"}`;
  await store.start(0, [completed, failed, open].map((id) => startOf(id, { input, key: keyOf(id) })), NOW, a); // prettier-ignore
  const line = { ...lineOf("x"), data: `{"attempt":1,"output":"secret"}` };
  const parcel = {
    ...sendOf(make(), "p", { message: { key: "p", body: { kind: "cancel", reason: "secret" }, at: NOW } }),
  };
  await store.commit(
    a,
    [
      commitOf(completed, {
        lines: [line],
        then: { ...COMPLETED, output: `"secret"` } as typeof COMPLETED,
        parcels: [parcel],
      }),
      commitOf(failed, { lines: [line], then: { ...FAILED, error: `{"message":"secret"}` } as typeof FAILED }),
      commitOf(open, { lines: [line, line] }),
    ],
    NOW,
  );
  await store.send(
    0,
    [sendOf(open, "m", { message: { key: "m", body: { kind: "cancel", reason: "secret" }, at: NOW } })],
    NOW,
  );
  return { a, completed, failed, open, line };
}

describe("what is kept by a store with a codec", () => {
  test("tells nothing of inputs, outputs, errors, lines, messages and parcels, and no hash of an input", async () => {
    const kept = new MemoryStore();
    const { a, completed, failed, open, line } = await withSecrets(new EncodedStore(kept, rotated));
    const rows = JSON.stringify([
      await kept.read(0, [completed, failed, open]),
      await kept.journal(0, completed),
      await kept.journal(0, open),
      await kept.mail(a, NOW),
      await kept.post.outgoing(0, null, 10),
      await kept.load(a, [open]),
    ]);
    assert.doesNotMatch(rows, /secret/);
    assert.equal(rows.match(/enc:aes256gcm:young:/g)?.length, 3 + 1 + 1 + 1 + 2 + 1 + 1 + (1 + 2 + 1));
    const other = startOf(idMaker()(NOW + 9), { key: keyOf(open) });
    assert.deepEqual(await kept.start(0, [other], NOW, null), [{ kind: "conflict", run: open }]);
    const store = new EncodedStore(kept, rotated);
    assert.deepEqual(await store.journal(0, open), [line, line]);
    const [run] = await store.load(a, [open]);
    assert.deepEqual(
      [run!.input, run!.mail.messages[0]!.body],
      [`{"is":"secret"}`, { kind: "cancel", reason: "secret" }],
    );
  });

  test("tells no key of a queue, which stays the same for equal keys, and is called up by after a rotation", async () => {
    const kept = new MemoryStore();
    const a = await joined(kept, "a");
    const make = idMaker();
    const ids = [make(), make(), make()];
    const store = new EncodedStore(kept, beforeRotation);
    await store.start(0, ids.map((id) => startOf(id)), NOW, a); // prettier-ignore
    const place = { queue: "score", rank: 1, node: "n", cost: 1, weight: 1, isNew: true };
    const park = { kind: "park", wakeAt: NOW + 9 } as const;
    const keys = ["secret", store.queues.keyOf("secret"), ""];
    const commits = ids.map((id, nth) => commitOf(id, { then: park, places: [{ ...place, key: keys[nth]! }] }));
    await store.commit(a, commits, NOW);
    const firsts = await kept.queues.firsts(0, "score", null, 9);
    assert.deepEqual(firsts.map(({ key: of }) => of), ["", keys[1]]); // prettier-ignore
    assert.doesNotMatch(JSON.stringify([firsts, await kept.queues.behind(0, "score", firsts[1]!, 9)]), /secret/);
    const now = new EncodedStore(kept, rotated);
    assert.notEqual(now.queues.keyOf("secret"), keys[1]);
    const [, first] = await now.queues.firsts(0, "score", null, 9);
    const places = [first!, ...(await now.queues.behind(0, "score", first!, 9))];
    const called = await now.queues.call(a, [startOf("").workflow], places);
    assert.deepEqual(called.map(({ id, input }) => [id, input]), [ids[0]!, ids[1]!].map((id) => [id, startOf(id).input])); // prettier-ignore
    assert.equal((await kept.queues.list(0))[0]?.waiting, 1);
  });

  test("is read with the old key after a rotation, beside what was written plain", async () => {
    const kept = new MemoryStore();
    const { a, line } = await withSecrets(new EncodedStore(kept, beforeRotation));
    const make = idMaker();
    const plain = make(NOW + 5);
    await kept.start(0, [startOf(plain)], NOW, a);
    const store = new EncodedStore(kept, rotated);
    await store.commit(a, [commitOf(plain, { lines: [line] })], NOW);
    const records = await store.list(0, {}, { before: null, limit: 9 });
    assert.deepEqual(records.map(({ unread }) => unread), [undefined, undefined, undefined, undefined]); // prettier-ignore
    assert.deepEqual(await store.journal(0, plain), [line]);
    assert.equal((await store.load(a, [plain]))[0]!.input, startOf(plain).input);
  });

  test("is named where its key is gone, and everything else is answered", async () => {
    const kept = new MemoryStore();
    const { a, completed, failed, open } = await withSecrets(new EncodedStore(kept, beforeRotation));
    const store = new EncodedStore(kept, afterwards);
    const make = idMaker();
    const readable = make(NOW + 5);
    await store.start(0, [startOf(readable)], NOW, a);
    const [one, two, three] = await store.load(a, [open, readable]);
    assert.equal(one!.unread?.code, "CODEC_KEY_MISSING");
    assert.match(one!.unread!.message, /The key "old".*the input of run/);
    assert.equal(one!.mail.unread?.code, "CODEC_KEY_MISSING");
    assert.deepEqual([one!.mail.messages, one!.mail.count], [[], 1]);
    assert.deepEqual([two!.input, two!.unread, three], [startOf(readable).input, undefined, undefined]);
    const [first, second] = await store.read(0, [completed, failed]);
    const unread = (record: typeof first) => record!.unread?.map(({ what, error }) => `${what} ${error.code}`);
    assert.deepEqual(unread(first), ["input CODEC_KEY_MISSING", "output CODEC_KEY_MISSING"]);
    assert.deepEqual([first!.input, first!.output, first!.status], ["null", null, "completed"]);
    assert.deepEqual(unread(second), ["input CODEC_KEY_MISSING", "error CODEC_KEY_MISSING"]);
    const [line] = await store.journal(0, completed);
    assert.deepEqual([line!.kind, line!.node, line!.unread?.code], ["done", "x", "CODEC_KEY_MISSING"]);
    const [parcel] = await store.post.outgoing(0, null, 9);
    assert.deepEqual(await kept.post.outgoing(0, null, 9), [parcel], "it is carried as it is");
  });

  test("is refused where a row was moved, or its beginning was changed", async () => {
    const kept = new MemoryStore();
    const { completed, failed, open } = await withSecrets(new EncodedStore(kept, rotated));
    const row = async (run: string) => (await kept.read(0, [run]))[0]!;
    const input = (await row(completed)).input;
    const cases = [
      ["another run's", { ...(await row(open)), input }],
      ["an input as an output", { ...(await row(completed)), output: input }],
      ["a letter of the prefix", { ...(await row(failed)), input: `t${(await row(failed)).input.slice(1)}` }],
      ["half of the prefix", { ...(await row(failed)), input: (await row(failed)).input.slice(2) }],
    ] as const;
    for (const [what, moved] of cases) {
      const store = new EncodedStore(withVerbs(kept, { read: async () => [moved] }), rotated);
      const [read] = await store.read(0, [moved.id]);
      assert.equal(read!.unread?.[0]?.error.code, "CODEC_DAMAGED", what);
    }
    const lines = await kept.journal(0, open);
    const swapped = withVerbs(kept, { journal: async () => lines.toReversed() });
    const read = await new EncodedStore(swapped, rotated).journal(0, open);
    assert.deepEqual(read.map(({ unread }) => unread?.code), ["CODEC_DAMAGED", "CODEC_DAMAGED"]); // prettier-ignore
  });

  test("knows a key's input by its hash under every key that was in use, and from before the codec", async () => {
    for (const earlier of ["plain", "old", "young"] as const) {
      const kept = new MemoryStore();
      const make = idMaker();
      const codecThen = { plain: null, old: beforeRotation, young: rotated }[earlier];
      const then = codecThen === null ? kept : new EncodedStore(kept, codecThen);
      const [first] = [make()];
      await then.start(0, [startOf(first, { key: keyOf("k") })], NOW, null);
      const now = new EncodedStore(kept, rotated);
      const [same, other, fresh] = [make(), make(), make()] as const;
      const answers = await now.start(
        0,
        [
          startOf(same, { key: keyOf("k") }),
          startOf(other, { key: keyOf("k", { inputHash: "h2" }) }),
          startOf(fresh, { key: keyOf("k2") }),
        ],
        NOW,
        null,
      );
      const existing = { kind: "existing", run: first, status: "waiting" };
      assert.deepEqual(answers, [existing, { kind: "conflict", run: first }, { kind: "started" }], earlier);
    }
  });

  test("has no verb that the other store has not", async () => {
    const kept = new MemoryStore();
    assert.equal("beat" in new EncodedStore(kept, rotated), false);
    const beating = withVerbs(kept, { beat: () => () => undefined });
    assert.equal(typeof new EncodedStore(beating, rotated).beat, "function");
    const away = [{ lanes: [0], server: "b", reason: "gone" }];
    assert.deepEqual(new EncodedStore(withVerbs(kept, { missing: away }), rotated).missing, away);
    assert.equal(new EncodedStore(kept, rotated).missing, undefined);
  });
});
