/** Files of runs on the command line: listed, shown, written out, exported. */
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { test, type TestContext } from "node:test";
import { pathToFileURL } from "node:url";
import { placeAmongMany, placeFor } from "../../src/cli/file-sink.ts";
import { project, type Project } from "./project.ts";

const SOURCES = pathToFileURL(path.resolve(import.meta.dirname, "../../src/index.ts")).href;

const FLOWS = `
import { step, workflow } from ${JSON.stringify(SOURCES)};

const render = step("render", {
  timeout: "20s",
  async run(rows: number, ctx) {
    await ctx.files.write("report.csv", "n\\n" + "1\\n".repeat(rows), { type: "text/csv" });
    return ctx.files.write("blob.bin", new Uint8Array(300_000).fill(7));
  },
});
const check = step("check", { timeout: "20s", run: (_: unknown, ctx) => ctx.files.write("report.csv", "checked\\n") });
export const report = workflow<number>("report", { flow: (rows) => check(render(rows)) });
export const none = workflow<number>("none", { flow: (n) => step("s", { timeout: "1s", run: (m: number) => m })(n) });
`;

async function withFiles(t: TestContext): Promise<Project & { readonly run: string }> {
  const one = project(t);
  one.write("reports.ts", FLOWS);
  one.write("tenfold.config.ts", `import { none, report } from "./reports.ts";\nexport default { store: "runs.db", workflows: [none, report] };\n`); // prettier-ignore
  await one.call("run", "none", "1");
  const { code, stderr } = await one.call("run", "report", "3");
  assert.equal(code, 0, stderr);
  const { runs } = JSON.parse((await one.call("runs", "--workflow", "report", "--json")).stdout) as { runs: readonly { id: string }[] }; // prettier-ignore
  return { ...one, run: runs[0]!.id };
}

test("files are listed with size, type and node, by `files` and by `show`", async (t) => {
  const one = await withFiles(t);
  const listed = await one.call("files", one.run);
  assert.equal(listed.code, 0);
  assert.match(listed.stdout, /report\.csv +8 B +text\/csv +render /);
  assert.match(listed.stdout, /blob\.bin +293 KiB +render /);
  assert.match(listed.stdout, /report\.csv +8 B +check /);
  const json = JSON.parse((await one.call("files", one.run, "--json")).stdout) as { files: readonly Record<string, unknown>[] }; // prettier-ignore
  assert.deepEqual(json.files.map(({ name, node, size }) => [name, node, size]), [["report.csv", "render", 8], ["blob.bin", "render", 300_000], ["report.csv", "check", 8]]); // prettier-ignore
  const shown = await one.call("show", one.run);
  assert.match(shown.stdout, /\nFiles\n {2}file .*\n {2}report\.csv +8 B +text\/csv +render/);
  assert.match(shown.stderr, /`tenfold files .* --out \.` writes one out/);
  assert.deepEqual(
    (JSON.parse((await one.call("show", one.run, "--json")).stdout) as { files: unknown }).files,
    json.files,
  );
  const { runs } = JSON.parse((await one.call("runs", "--workflow", "none", "--json")).stdout) as { runs: readonly { id: string }[] }; // prettier-ignore
  assert.match((await one.call("files", runs[0]!.id)).stderr, /It has no files/);
  assert.doesNotMatch((await one.call("show", runs[0]!.id)).stdout, /Files/);
});

test("one file goes into a pipe, a file or a folder, and replaces nothing unless told to", async (t) => {
  const one = await withFiles(t);
  assert.equal((await one.call("files", one.run, "render/report.csv")).stdout, "n\n1\n1\n1\n");
  const written = await one.call("files", one.run, "blob.bin", "--out", "copy.bin");
  assert.equal(written.code, 0);
  assert.match(written.stderr, /^293 KiB written to .*copy\.bin\.\n$/);
  const bytes = readFileSync(path.join(one.folder, "copy.bin"));
  assert.ok(bytes.length === 300_000 && bytes.every((byte) => byte === 7));
  const json = JSON.parse((await one.call("files", one.run, "check/report.csv", "--out", ".", "--json")).stdout) as { out: string; size: number }; // prettier-ignore
  assert.deepEqual([path.basename(json.out), json.size, one.read("report.csv")], ["report.csv", 8, "checked\n"]);
  const again = await one.call("files", one.run, "render/report.csv", "--out", "report.csv");
  assert.equal(again.code, 4);
  assert.match(again.stderr, /There is a file .*report\.csv already; nothing was written\..*--force/);
  assert.equal((await one.call("files", one.run, "render/report.csv", "--out", "report.csv", "--force")).code, 0);
  assert.equal(one.read("report.csv"), "n\n1\n1\n1\n");
  assert.deepEqual(readdirSync(one.folder).filter((name) => name.endsWith(".part")), []); // prettier-ignore
});

const REFUSED: readonly (readonly [(run: string) => string[], number, RegExp])[] = [
  [(run) => [run, "report.csv"], 1, /FILE_UNKNOWN: .*has 2 files called report\.csv.*render\/report\.csv/],
  [(run) => [run, "../../etc/passwd", "--out", "."], 1, /has no file \.\.\/\.\.\/etc\/passwd, or not yet/],
  [(run) => [run, "none.csv"], 1, /has no file none\.csv.*There are render\/report\.csv/],
  [(run) => [run, "--out", "x"], 4, /Which file is not said/],
  [(run) => [run, "blob.bin", "--json"], 4, /do not belong on the one JSON document.*--out/],
  [() => ["01m4qk0v6b7x3c9r5t8w2000"], 1, /There is no run/],
  [(run) => [run, "blob.bin", "--out", "runs.db/x"], 1, /cannot be written/],
  [() => [], 4, /files/],
];

test("what cannot be meant is told with the way out, and nothing is written", async (t) => {
  const one = await withFiles(t);
  const before = readdirSync(one.folder).length;
  for (const [words, code, says] of REFUSED) {
    const answer = await one.call("files", ...words(one.run));
    assert.match(answer.stderr, says);
    assert.equal(answer.code, code, answer.stderr);
    assert.equal(answer.stdout.length < 400, true);
  }
  assert.equal(readdirSync(one.folder).length, before);
});

test("an export tells of files, and writes them into a folder of their own", async (t) => {
  const one = await withFiles(t);
  const lineOf = (text: string) => JSON.parse(text.split("\n")[0]!) as { files?: readonly Record<string, unknown>[] };
  assert.equal(lineOf((await one.call("export")).stdout).files, undefined);
  assert.equal(lineOf((await one.call("export", "--journal")).stdout).files!.length, 3);
  const exported = await one.call("export", "--files", "artifacts");
  assert.equal(exported.code, 0, exported.stderr);
  const { files } = lineOf(exported.stdout);
  assert.deepEqual(files!.map(({ path: place }) => place), ["render/report.csv", "render/blob.bin", "check/report.csv"].map((name) => `${one.run}/${name}`)); // prettier-ignore
  assert.equal(one.read(`artifacts/${one.run}/check/report.csv`), "checked\n");
  assert.equal(existsSync(path.join(one.folder, "artifacts", one.run, "render", "blob.bin")), true);
  writeFileSync(path.join(one.folder, "artifacts", one.run, "check", "report.csv"), "old");
  await one.call("export", "--files", "artifacts");
  assert.equal(one.read(`artifacts/${one.run}/check/report.csv`), "checked\n");
});

test("files of the longest names, and of nodes deep in their graph, are written as all others", async (t) => {
  const one = project(t);
  const name = "報".repeat(85);
  const nodes = ["a", "b"].map((letter) => `${letter}-of-the-last-quarter`.padStart(100, "render-"));
  one.write("deep.ts", `
import { each, step, workflow } from ${JSON.stringify(SOURCES)};
const write = (name: string) => step(name, { timeout: "20s", run: (text: string, ctx) => ctx.files.write(${JSON.stringify(name)}, text) });
const [a, b] = [write(${JSON.stringify(nodes[0])}), write(${JSON.stringify(nodes[1])})];
const eachOf = (items: any, depth: number): any => each(items, (item: any) => (depth === 0 ? [a(item), b(item)] : eachOf(item, depth - 1)));
export const deep = workflow<any>("deep", { flow: (items) => eachOf(items, 7) });
`); // prettier-ignore
  one.write("tenfold.config.ts", `import { deep } from "./deep.ts";\nexport default { store: "runs.db", workflows: [deep] };\n`); // prettier-ignore
  const ran = await one.call("run", "deep", JSON.stringify([[[[[[[["x", "y"]]]]]]]]));
  assert.equal(ran.code, 0, ran.stderr);
  const exported = await one.call("export", "--files", "artifacts");
  assert.equal(exported.code, 0, exported.stderr);
  const { files } = JSON.parse(exported.stdout) as { files: readonly { path: string; node: string }[] };
  const texts = files.map((file) => one.read(`artifacts/${file.path}`));
  assert.deepEqual(texts.toSorted(), ["x", "x", "y", "y"]);
  assert.equal((await one.call("export", "--files", "artifacts")).stdout, exported.stdout);
});

test("what a step has called its file, or its node, leads out of no folder", () => {
  const view = { file: "f", name: "report.csv", size: 0, type: null, sha256: "", node: "render", at: 0 };
  for (const node of ["..", ".", "../..", "/etc", "each-leads[0]/render", "a\\..\\b"]) {
    const parts = placeAmongMany("01m4qk0v6b7x3c9r5t8w2000", { ...view, node }).split(path.sep);
    assert.equal(parts.length, 3, node);
    assert.ok(
      parts.every((part) => part !== ".." && part !== "." && !/[/\\]/.test(part)),
      node,
    );
  }
  for (const name of ["..", "../x", "/etc/passwd", "a/b"]) {
    assert.throws(() => placeAmongMany("run", { ...view, name }), { code: "FILE_INVALID" });
    assert.throws(() => placeFor(tmpdir(), ".", { ...view, name }, true), { code: "FILE_INVALID" });
  }
});
