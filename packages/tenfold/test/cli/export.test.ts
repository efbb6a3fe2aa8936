/** `tenfold export`, the real program: whole lines, a slow reader, a closed pipe, an interruption, a file. */
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { closeSync, createReadStream, existsSync, mkdirSync, openSync, readdirSync } from "node:fs";
import path from "node:path";
import { finished } from "node:stream/promises";
import { test, type TestContext } from "node:test";
import { openSqlite } from "../../src/store/sqlite/sqlite.ts";
import { commitOf, COMPLETED, idMaker, joined, lineOf, startOf } from "../store/sample.ts";
import { answerOf, PROGRAM, project, type Project } from "./project.ts";

interface Line {
  readonly id: string;
  readonly status: string;
  readonly input: unknown;
  readonly output: unknown;
  readonly entries?: readonly { readonly kind: string; readonly node: string; readonly output: unknown }[];
}

function linesOf(text: string): Line[] {
  assert.ok(text === "" || text.endsWith("\n"), "the last line is whole");
  return text.split("\n").slice(0, -1).map((line) => JSON.parse(line) as Line); // prettier-ignore
}

/** So many runs that have ended, each with an input of this size. */
async function withRuns(
  t: TestContext,
  count: number,
  size = 10,
): Promise<Project & { readonly ids: readonly string[] }> {
  const one = project(t);
  const store = await openSqlite(path.join(one.folder, "runs.db"));
  const lease = await joined(store, "a");
  const make = idMaker();
  const at = Date.now() - 1e6;
  const ids = Array.from({ length: count }, (_, nth) => make(at + nth));
  const input = JSON.stringify({ text: "x".repeat(size) });
  for (let from = 0; from < count; from += 1000) {
    const some = ids.slice(from, from + 1000);
    await store.start(0, some.map((id) => startOf(id, { input })), at, lease); // prettier-ignore
    await store.commit(lease, some.map((id) => commitOf(id, { lines: [lineOf("x")], then: COMPLETED })), at); // prettier-ignore
  }
  await store.close();
  return { ...one, ids: ids.toReversed() };
}

test("each run is one line, newest first, with what `show --json` has; --journal adds its entries", async (t) => {
  const one = project(t);
  one.write("leads.csv", "email,country\na@example.com,DE\nb@example.com,FR\nc@example.com,XX\n");
  await one.call("run", "leads", "leads.csv");
  const { code, stdout, stderr } = await one.call("export");
  assert.equal(code, 0);
  assert.match(stderr, /^3 runs exported, newest first\.\n$/);
  const lines = linesOf(stdout);
  assert.deepEqual(lines.map(({ status }) => status), ["failed", "completed", "completed"]); // prettier-ignore
  const { runs } = JSON.parse((await one.call("runs", "--json")).stdout) as { runs: readonly Line[] };
  assert.deepEqual(lines, runs);
  const [journal] = linesOf(
    (await one.call("export", "--journal", "--status", "completed", "--attribute", "country=DE")).stdout,
  );
  const { timeline: _timeline, ...shown } = JSON.parse(
    (await one.call("show", journal!.id, "--json")).stdout,
  ) as Line & {
    timeline: unknown;
  };
  assert.deepEqual(journal, shown);
  assert.deepEqual(journal!.entries?.map(({ kind }) => kind), ["done", "chose", "done"]); // prettier-ignore
});

test("no run is no line, and says so", async (t) => {
  const one = await withRuns(t, 1);
  const { code, stdout, stderr } = await one.call("export", "--workflow", "other");
  assert.deepEqual([code, stdout, stderr], [0, "", "There are no such runs; nothing was exported.\n"]);
});

test("thousands of runs come in order, each once, and --before goes on behind one", async (t) => {
  const one = await withRuns(t, 3000);
  const lines = linesOf((await one.call("export")).stdout);
  assert.deepEqual(lines.map(({ id }) => id), one.ids); // prettier-ignore
  const rest = linesOf((await one.call("export", "--before", one.ids[1999]!, "--journal")).stdout);
  assert.deepEqual(rest.map(({ id }) => id), one.ids.slice(2000)); // prettier-ignore
});

test("--out writes a file that is there once it is whole, and replaces none unless told to", async (t) => {
  const one = await withRuns(t, 20);
  const { code, stdout, stderr } = await one.call("export", "--out", "runs.jsonl");
  assert.deepEqual([code, stdout], [0, ""]);
  assert.match(stderr, /^20 runs exported to .*runs\.jsonl, newest first\.\n$/);
  assert.equal(linesOf(one.read("runs.jsonl")).length, 20);
  assert.deepEqual(readdirSync(one.folder).filter((name) => name.endsWith(".part")), []); // prettier-ignore
  const again = await one.call("export", "--out", "runs.jsonl");
  assert.equal(again.code, 4);
  assert.match(again.stderr, /There is a file .*runs\.jsonl already; nothing was written\. .*`--force`/);
  const json = await one.call("export", "--out", "runs.jsonl", "--force", "--json", "--before", one.ids[9]!);
  assert.deepEqual(JSON.parse(json.stdout), {
    runs: 10,
    file: path.join(one.folder, "runs.jsonl"),
    unread: 0,
    complete: true,
  });
  assert.equal(linesOf(one.read("runs.jsonl")).length, 10);
  one.write("other.jsonl.part", "");
  const parted = await one.call("export", "--out", "other.jsonl");
  assert.match(
    parted.stderr,
    /other\.jsonl\.part, of an export that was interrupted or still goes on; nothing was written/,
  );
  assert.equal(existsSync(path.join(one.folder, "other.jsonl")), false);
});

test("a file that cannot be written is told with its code", async (t) => {
  const one = await withRuns(t, 2);
  const nowhere = await one.call("export", "--out", "no/such/folder.jsonl");
  assert.equal(nowhere.code, 1);
  assert.match(
    nowhere.stderr,
    /error FILE_NOT_WRITTEN: .*folder\.jsonl\.part cannot be written: ENOENT.*name another place/,
  );
  mkdirSync(path.join(one.folder, "taken.jsonl.part"));
  const taken = await one.call("export", "--out", "taken.jsonl", "--force");
  assert.match(taken.stderr, /FILE_NOT_WRITTEN.*EISDIR/);
});

test("standard output that takes no more is told with its code, by whatever command, and nothing is thrown", async (t) => {
  const one = await withRuns(t, 3);
  // Opened to be read: writing on it fails, as on a full disk.
  const closed = openSync(path.join(one.folder, "flows.ts"), "r");
  t.after(() => closeSync(closed));
  for (const words of [["export"], ["runs"], ["runs", "--json"]]) {
    const stdio = ["ignore", closed, "pipe"] as const;
    const { status, stderr } = spawnSync(process.execPath, [PROGRAM, ...words], { cwd: one.folder, encoding: "utf8", stdio: [...stdio] }); // prettier-ignore
    assert.equal(status, 1, stderr);
    assert.match(stderr, /error FILE_NOT_WRITTEN: Standard output cannot be written: EBADF.*may end in half a line/);
    assert.doesNotMatch(stderr, /exported|\n +at /);
  }
});

const REFUSED: readonly (readonly [readonly string[], RegExp])[] = [
  [["--force"], /`--force` is for a file, and none is named; nothing was written\. Add `--out runs\.jsonl`/],
  [["--before", "yesterday"], /`--before yesterday` is no run's id; nothing was written/],
  [["--jurnal"], /Did you mean `--journal`\?/],
  [["--status", "done"], /There is no status "done"/],
];

test("what cannot be meant is refused, and nothing is written", async (t) => {
  const one = await withRuns(t, 1);
  for (const [flags, says] of REFUSED) {
    const { code, stdout, stderr } = await one.call("export", ...flags);
    assert.deepEqual([code, stdout], [4, ""]);
    assert.match(stderr, says, flags.join(" "));
  }
});

test("a reader that has seen enough ends it, without an error", async (t) => {
  const one = await withRuns(t, 2000, 1000);
  const child = one.begin("export");
  child.stdout.once("data", () => child.stdout.destroy());
  const { code, stderr } = await answerOf(child);
  assert.deepEqual([code, stderr], [0, ""]);
});

test("a slow reader gets every line", async (t) => {
  const one = await withRuns(t, 4000, 10_000);
  const child = one.begin("export");
  let text = "";
  for await (const chunk of child.stdout) {
    text += String(chunk);
    if (text.length < 1_000_000) await new Promise((resolve) => setImmediate(resolve));
  }
  assert.deepEqual(linesOf(text).map(({ id }) => id), one.ids); // prettier-ignore
});

for (const [where, flags] of [
  ["on standard output", []],
  ["in a file", ["--out", "runs.jsonl", "--force"]],
] as const) {
  test(`Ctrl-C leaves whole lines ${where}, and the command that it names writes the rest`, async (t) => {
    const one = await withRuns(t, 6000, 2000);
    // A pipe by the file's name: no more is written than somebody reads.
    const part = path.join(one.folder, "runs.jsonl.part");
    if (flags.length > 0) execFileSync("mkfifo", [part]);
    const child = one.begin("export", "--workflow", "lead-intake", ...flags);
    const written = flags.length > 0 ? createReadStream(part, "utf8") : child.stdout;
    let text = "";
    written.on("data", (chunk: string | Buffer) => {
      if (text === "") child.kill("SIGINT");
      text += String(chunk);
    });
    const isRead = finished(written);
    const { code, stderr } = await answerOf(child);
    await isRead;
    assert.equal(code, 130, stderr);
    const [, next] = /The rest: tenfold (export [^<\n]*?)( --out <another file>)?\n/.exec(stderr)!;
    const first = linesOf(text);
    assert.ok(first.length > 0 && first.length < one.ids.length, `${first.length}`);
    assert.match(stderr, new RegExp(`Stopped: ${first.length.toLocaleString("en")} runs? w`));
    assert.equal(existsSync(path.join(one.folder, "runs.jsonl")), false);
    const rest = linesOf((await one.call(...next!.trim().split(" "))).stdout);
    assert.deepEqual([...first, ...rest].map(({ id }) => id), one.ids); // prettier-ignore
  });
}
