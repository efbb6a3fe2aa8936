/** Laws of files at rest: what is kept of them tells nothing, and comes back as it was or as an error. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { aes256gcm, open, step, workflow, type Codec } from "../../src/index.ts";
import { PART_BYTES } from "../../src/engine/file-source.ts";
import { EncodedStore } from "../../src/store/codec/encoded-store.ts";
import type { Store } from "../../src/store/store.ts";
import { newFile } from "../store/files.ts";
import { flowOf, numbered, ran } from "./file-runs.ts";
import { rejects, World } from "./world.ts";

const key = (name: string): Buffer => createHash("sha256").update(name).digest();
const [old, young] = [key("old"), key("young")];
const withOld = aes256gcm({ keys: { old }, use: "old" });
const withBoth = aes256gcm({ keys: { old, young }, use: "young" });
const withYoung = aes256gcm({ keys: { young }, use: "young" });

/** One of a user's own, that knows texts only. */
const ofTexts: Codec = {
  encode: (text) => Buffer.from(text).reverse().toString("hex"),
  decode: (text) => Buffer.from(text, "hex").reverse().toString(),
  digests: (text) => [`digest ${text.length}`],
};

const CONTENT = Buffer.from("Kim owes us 700 EUR. ".repeat(30_000));
const write = flowOf((_, { files }) => files.write("kim@example.com.txt", CONTENT, { type: "text/plain" }));

for (const [name, codec] of [
  ["aes256gcm", withBoth],
  ["a codec of texts", ofTexts],
] as const) {
  test(`with ${name} a file and its name come back as they were, and stand nowhere as they are`, async () => {
    const store = newFile();
    const render = step("render", {
      run: (_: number, ctx) => ctx.files.write("kim@example.com.txt", CONTENT),
    });
    const flow = workflow<number>("w", { flow: (n) => render(n) });
    const tenfold = await open({ store, workflows: [flow], codec, log: { write: () => {} } });
    const run = await tenfold.start(flow, 1);
    const ref = (await run.result()) as { sha256: string };
    assert.deepEqual(Buffer.from(await (await tenfold.file(run.id, "kim@example.com.txt")).bytes()), CONTENT);
    await tenfold.close();
    const folder = path.dirname(store);
    const kept = Buffer.concat(readdirSync(folder).map((each) => readFileSync(path.join(folder, each))));
    assert.ok(kept.length > CONTENT.length);
    for (const secret of ["kim@example.com", "700 EUR", ref.sha256]) assert.equal(kept.includes(secret), false, secret);
    const again = await open({ store, workflows: [flow], codec, work: false });
    assert.equal(await (await again.file(run.id, "kim@example.com.txt")).text(), CONTENT.toString());
    await again.close();
  });
}

const encoded = (world: World, codec: Codec | null): Store =>
  codec === null ? world.store : new EncodedStore(world.store, codec);

async function clientOf(world: World, codec: Codec | null) {
  return (await world.open([], { work: false }, encoded(world, codec))).tenfold;
}

test("a file is read with the key it was written with, beside those of other keys and of none", async () => {
  for (const codec of [null, withOld, withYoung]) {
    const world = new World();
    const { id } = await ran(world, write, 1, {}, encoded(world, codec));
    const tenfold = await clientOf(world, withBoth);
    assert.equal((await tenfold.files(id))[0]!.name, "kim@example.com.txt");
    assert.deepEqual(Buffer.from(await (await tenfold.file(id, "kim@example.com.txt")).bytes()), CONTENT);
  }
});

test("a file whose key is gone, or for which there is no codec, is an error that says so, never other bytes", async () => {
  for (const [codec, says] of [
    [withYoung, 'The key "old"'],
    [null, "without a codec"],
  ] as const) {
    const world = new World();
    const { id } = await ran(world, write, 1, {}, encoded(world, withOld));
    const tenfold = await clientOf(world, codec);
    await rejects(tenfold.files(id), "CODEC_KEY_MISSING", says, "the file");
    await rejects(tenfold.file(id, "kim@example.com.txt"), "CODEC_KEY_MISSING", says);
  }
});

test("bytes that were changed, cut off or brought from another place are an error", async () => {
  const world = new World();
  const flow = flowOf((_, { files }) => files.write("f", numbered(3 * PART_BYTES)));
  const { id } = await ran(world, flow, 1, {}, encoded(world, withBoth));
  const tenfold = await clientOf(world, withBoth);
  const { bytes } = world.store.files.peek(0, id)[0]!;
  const kept = bytes.get(1)!;
  // Its head names the codec and the key: "aes256gcm:young:".
  const changed = [0, 9, 15, 20, 60, kept.length - 1].map((at) => kept.with(at, kept[at]! ^ 1));
  for (const other of [...changed, bytes.get(0)!, kept.slice(0, 30), kept.slice(1), new Uint8Array()]) {
    bytes.set(1, other);
    const read = async () => (await tenfold.file(id, "f")).bytes();
    await rejects(read(), "CODEC_DAMAGED", "of the file", "cannot be decoded");
  }
  bytes.set(1, kept.with(10, kept[10]! ^ 1));
  await rejects((async () => (await tenfold.file(id, "f")).bytes())(), "CODEC_KEY_MISSING", 'The key "xoung"');
  bytes.set(1, kept);
  assert.deepEqual(await (await tenfold.file(id, "f")).bytes(), numbered(3 * PART_BYTES));
});
