/** Laws of `ctx.files`: what is written is found whole, by name, node and reference; what cannot be is refused. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import { test } from "node:test";
import { PART_BYTES } from "../../src/engine/file-source.ts";
import { FILES_MAX } from "../../src/engine/run-files.ts";
import type { TenfoldError } from "../../src/value/error.ts";
import { flowOf, numbered, ran, watched } from "./file-runs.ts";
import { MINUTE, rejects, stepOf, withVerbs, workflowOf, World } from "./world.ts";

const MIB = 1024 * 1024;

test("a file that a step writes is found by later steps, by clients, and by what write answered", async () => {
  const world = new World();
  const texts: string[] = [];
  const render = stepOf("render", async (rows: number, { files }) => {
    const ref = await files.write("report.csv", `rows\n${rows}\n`, { type: "text/csv" });
    return { ref, rows };
  });
  const send = stepOf("send", async ({ ref }: any, { files }) => {
    for (const meant of [ref, "report.csv", "render/report.csv"]) texts.push(await (await files.read(meant)).text());
    await files.write("receipt.txt", "sent");
    return (await files.list()).map((file) => `${file.node}/${file.name}`);
  });
  const { tenfold, id } = await ran(
    world,
    workflowOf("w", (rows) => send(render(rows))),
    7,
  );
  assert.deepEqual(texts, ["rows\n7\n", "rows\n7\n", "rows\n7\n"]);
  const run = await tenfold.show(id);
  assert.deepEqual(run.output, ["render/report.csv", "send/receipt.txt"]);
  const { at, file, ...view } = (await tenfold.files(id))[0]!;
  const sha256 = createHash("sha256").update("rows\n7\n").digest("hex");
  assert.deepEqual(view, { name: "report.csv", size: 7, type: "text/csv", sha256, node: "render" });
  assert.ok(at >= run.startedAt && file.length > 0);
  assert.equal(await (await tenfold.file(id, "receipt.txt")).text(), "sent");
});

const SOURCES: Readonly<Record<string, () => any>> = {
  "a text": () => "grüße\n".repeat(100_000),
  bytes: () => Buffer.from("grüße\n".repeat(100_000)),
  "a Blob": () => new Blob(["grüße\n".repeat(100_000)], { type: "text/plain" }),
  "a ReadableStream": () => new Blob(["grüße\n".repeat(100_000)]).stream(),
  "a Node readable": () => Readable.from(Array.from({ length: 1000 }, () => Buffer.from("grüße\n".repeat(100)))),
  async *"a generator of texts"() {
    for (let n = 0; n < 100_000; n++) yield "grüße\n";
  },
};

for (const [name, source] of Object.entries(SOURCES)) {
  test(`a file is written from ${name}, and read whole as bytes, as text and as a stream`, async () => {
    const world = new World();
    const { tenfold, id } = await ran(
      world,
      flowOf((_, { files }) => files.write("f.txt", source()) as any),
    );
    const file = await tenfold.file(id, "f.txt");
    const expected = Buffer.from("grüße\n".repeat(100_000));
    assert.equal(file.size, expected.length);
    assert.equal(file.type, name === "a Blob" ? "text/plain" : null);
    assert.ok(expected.equals(await file.bytes()));
    assert.equal(await file.text(), expected.toString());
    assert.ok(expected.equals(Buffer.concat(await Array.fromAsync(file.stream()))));
    const sizes = (await Array.fromAsync(file)).map(({ length }) => length);
    assert.deepEqual(sizes, [PART_BYTES, PART_BYTES, PART_BYTES, expected.length - 3 * PART_BYTES]);
  });
}

test("empty files, and those of exactly one part or two, are whole", async () => {
  const world = new World();
  const sizes = [0, 1, PART_BYTES - 1, PART_BYTES, PART_BYTES + 1, 2 * PART_BYTES];
  const flow = flowOf(async (_, { files }) => {
    await Promise.all(sizes.map((size) => files.write(`f${size}`, numbered(size))));
    return null;
  });
  const { tenfold, id } = await ran(world, flow);
  for (const size of sizes) assert.deepEqual(await (await tenfold.file(id, `f${size}`)).bytes(), numbered(size));
});

test("a character that a stream of texts tears apart is whole in the file", async () => {
  const world = new World();
  const torn = async function* () {
    for (const unit of "a😀b\ud83d".split("")) yield unit;
  };
  const { tenfold, id } = await ran(
    world,
    flowOf((_, { files }) => files.write("f", torn()) as any),
  );
  assert.equal(await (await tenfold.file(id, "f")).text(), "a😀b\ufffd");
});

test("64 MiB go through with two parts in memory at most, and no more is asked of the source than was taken", async () => {
  const world = new World();
  let given = 0;
  let kept = 0;
  let apart = 0;
  const piece = numbered(64 * 1024);
  const store = watched(world, {
    write: async (lease, parts, now) => {
      await world.time.wait(5);
      for (const { bytes } of parts) kept += bytes.byteLength;
      return world.store.files.write(lease, parts, now);
    },
  });
  const source = async function* () {
    for (; given < 64 * MIB; given += piece.length) {
      apart = Math.max(apart, given - kept);
      yield piece;
    }
  };
  const { tenfold, id } = await ran(
    world,
    flowOf((_, { files }) => files.write("big", source()) as any),
    1,
    {},
    store,
  );
  assert.equal(world.record(id).status, "completed", world.record(id).error ?? "");
  assert.ok(apart <= 2 * PART_BYTES + 2 * piece.length, `${apart} bytes were asked for and not kept`);
  let size = 0;
  for await (const part of await tenfold.file(id, "big")) size += part.length;
  assert.equal(size, 64 * MIB);
});

test("a file of more than 64 MiB is refused while it is streamed, and nothing of it is kept", async () => {
  const world = new World();
  let isStopped = false;
  const endless = async function* () {
    try {
      for (;;) yield numbered(MIB);
    } finally {
      isStopped = true;
    }
  };
  const { tenfold, id } = await ran(
    world,
    flowOf((_, { files }) => files.write("big", endless()) as any),
  );
  assert.equal((await tenfold.show(id)).error?.code, "FILE_TOO_LARGE");
  assert.ok(isStopped);
  assert.deepEqual(await tenfold.files(id), []);
  await world.passes(MINUTE);
  assert.equal(world.store.files.held(0), 0);
  const known = flowOf((_, { files }) => files.write("big", new Uint8Array(64 * MIB + 1)) as any);
  const { tenfold: other, id: second } = await ran(new World(), known);
  assert.equal((await other.show(second)).error?.code, "FILE_TOO_LARGE");
});

test("a later attempt's file takes the place of an earlier one's, and another node's of the same name stays", async () => {
  const world = new World();
  const body = async (_: unknown, { files, attempt, node }: any) => {
    await files.write("f.txt", `${node} ${attempt}`);
    if (attempt < 3 && node === "render") throw new Error("again");
    return null;
  };
  const step = stepOf("render", body, { retry: { attempts: 3, first: "1s" } });
  const { tenfold, id } = await ran(
    world,
    workflowOf("w", (n) => [step(n), step.as("other")(n)]),
  );
  assert.equal(world.record(id).status, "completed");
  assert.equal((await tenfold.files(id)).length, 2);
  assert.equal(await (await tenfold.file(id, "render/f.txt")).text(), "render 3");
  assert.equal(await (await tenfold.file(id, "other/f.txt")).text(), "other 1");
  await rejects(tenfold.file(id, "f.txt"), "FILE_UNKNOWN", "2 files called f.txt", "other/f.txt", "render/f.txt");
  await world.passes(MINUTE);
  assert.equal(world.store.files.held(0), 2);
});

const NAMES = ["", ".", "..", "../x", "a/b", "a\\b", "/etc/passwd", "c:x", "a\u0000b", ".env", "a ", "a.", " a", "x".repeat(201), "con", "NUL.txt", "\ud800", "a\nb", "😀".repeat(80), 7, null]; // prettier-ignore

test("what is no file's name is refused, and what is one in any language is not", async () => {
  const refused: unknown[] = [];
  const flow = flowOf(async (_, { files }) => {
    for (const name of NAMES) {
      await files.write(name as string, "x").catch((thrown: unknown) => refused.push((thrown as TenfoldError).code));
    }
    for (const type of ["text", "a/b/c", 7, "text/csv\n"]) {
      await files
        .write("f", "x", { type: type as string })
        .catch((thrown: unknown) => refused.push((thrown as TenfoldError).code));
    }
    for (const name of ["report.csv", "Größe 1 (alt).xlsx", "报告.pdf", "a..b", "x".repeat(200)])
      await files.write(name, "x");
    await files
      .write("f", "x", { tipe: "text/csv" } as never)
      .catch((thrown: unknown) => refused.push((thrown as TenfoldError).code));
    return null;
  });
  const { tenfold, id } = await ran(new World(), flow);
  assert.deepEqual(refused, [...Array.from({ length: NAMES.length + 4 }, () => "FILE_INVALID"), "OPTION_UNSUPPORTED"]);
  assert.equal((await tenfold.files(id)).length, 5);
});

test("a run has a bounded number of files, and one name of a node is written by one at a time", async () => {
  const world = new World();
  const codes: string[] = [];
  const note = (thrown: unknown) => void codes.push((thrown as TenfoldError).code);
  const flow = flowOf(async (_, { files }) => {
    await Promise.all([files.write("f0", "a"), files.write("f0", "b").catch(note)]);
    for (let n = 1; n < FILES_MAX; n++) await files.write(`f${n}`, "x");
    await files.write("one more", "x").catch(note);
    await files.write("f7", "again");
    return null;
  });
  const { tenfold, id } = await ran(world, flow);
  assert.deepEqual(codes, ["FILE_NOT_KEPT", "FILES_TOO_MANY"]);
  assert.equal((await tenfold.files(id)).length, FILES_MAX);
  assert.equal(await (await tenfold.file(id, "f7")).text(), "again");
});

test("steps that touch no files ask the store nothing about them", async () => {
  const world = new World();
  const asked: string[] = [];
  const store = withVerbs(world.store, {
    files: new Proxy(world.store.files, {
      get(target, name) {
        asked.push(String(name));
        const verb: unknown = Reflect.get(target, name, target);
        return typeof verb === "function" ? (verb.bind(target) as unknown) : verb;
      },
    }),
  });
  await ran(
    world,
    flowOf((n) => n),
    1,
    {},
    store,
  );
  assert.deepEqual(asked, []);
});
