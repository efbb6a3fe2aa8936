/** What a test sees of files: those of a run, written by real bodies and by stubs; and files for a body that is called by itself. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { step, workflow } from "../../src/index.ts";
import { memoryFiles, openTest } from "../../src/testing/index.ts";
import { TenfoldError } from "../../src/value/error.ts";

const render = step("render", {
  retry: { attempts: 2 },
  async run(rows: number, ctx) {
    return ctx.files.write("report.csv", `rows\n${rows}\n`, { type: "text/csv" });
  },
});
const send = step("send", {
  async run(report: { file: string; name: string; size: number; type: string | null; sha256: string }, ctx) {
    const lines = (await (await ctx.files.read(report)).text()).split("\n");
    return lines.length;
  },
});
const reports = workflow<number, number>("reports", { flow: (rows) => send(render(rows)) });

test("the files of a run are compared whole, and have the virtual time", async () => {
  await using env = await openTest({ workflows: [reports], now: "2026-03-01T09:00:00Z" });
  const run = await env.tenfold.start(reports, 3);
  assert.equal(await env.finish(run), 3);
  const [file, ...more] = env.files(run);
  assert.deepEqual(more, []);
  assert.equal(file!.text, "rows\n3\n");
  assert.deepEqual([...file!.bytes], [...Buffer.from("rows\n3\n")]);
  const { node, name, type, size, at } = file!;
  assert.deepEqual({ node, name, type, size, at }, { node: "render", name: "report.csv", type: "text/csv", size: 7, at: Date.parse("2026-03-01T09:00:00Z") }); // prettier-ignore
  assert.equal(await (await env.tenfold.file(run.id, "report.csv")).text(), "rows\n3\n");
  assert.throws(() => env.files("none"), { code: "RUN_UNKNOWN" });
});

test("a stub writes and reads files as a body does, and a crash behind a file leaves one", async () => {
  await using env = await openTest({ workflows: [reports] });
  env.stub(render, async (rows, ctx) => {
    await ctx.files.write("draft.txt", "x");
    const { files } = { ...ctx };
    return files.write("report.csv", `stub ${rows}`);
  });
  env.crashAfter(render);
  const run = await env.tenfold.start(reports, 3);
  assert.equal(await env.finish(run), 1);
  assert.deepEqual(env.calls(render).length, 2);
  assert.deepEqual(env.files(run).map(({ name, text }) => [name, text]), [["draft.txt", "x"], ["report.csv", "stub 3"]]); // prettier-ignore
});

test("a body that is called by itself has the files that it is given, and without them says what to do", async () => {
  const files = memoryFiles();
  const ref = await render.run(5, { files });
  assert.equal(ref.size, 7);
  assert.equal(await send.run(ref, { files }), 3);
  assert.deepEqual(
    (await files.list()).map(({ name }) => name),
    ["report.csv"],
  );
  await render.run(6, { files });
  assert.equal(await (await files.read("report.csv")).text(), "rows\n6\n");
  await assert.rejects(async () => files.write("../x", ""), { code: "FILE_INVALID" });
  await assert.rejects(
    async () => render.run(5),
    (thrown: unknown) => {
      assert.ok(thrown instanceof TenfoldError);
      assert.equal(thrown.code, "FILE_NOT_KEPT");
      assert.match(thrown.message, /render.run\(input, \{ files: memoryFiles\(\) \}\)/);
      return true;
    },
  );
});
