/** The checker of traces tells good ones from bad ones, and the program that is traced writes what it looks for. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { checkTrace } from "./check-trace.ts";

const TRACED = fileURLToPath(new URL("traced.ts", import.meta.url));

/** Lines of a trace, as short words. */
const LINES: Readonly<Record<string, string>> = {
  "ask 1": `71 write(1</tmp/out>, "asked start 1\\n", 14) = 14`,
  "answer 1": `71 write(1</tmp/out>, "answered start 1\\n", 17) = 17`,
  "ask 2": `71 write(1<pipe:[99]>, "asked commit 2\\n", 15) = 15`,
  "answer 2": `71 write(1<pipe:[99]>, "answered commit 2\\n", 18) = 18`,
  write: `71 pwrite64(20</tmp/s.db-wal>, "\\0\\1\\"\\2"..., 4096, 32) = 4096`,
  sync: "71 fdatasync(20</tmp/s.db-wal>)      = 0",
  fsync: "71 fsync(20</tmp/s.db-wal>)          = 0",
  "failed sync": "71 fdatasync(20</tmp/s.db-wal>)      = -1 EIO (Input/output error)",
  "sync of another file": "71 fdatasync(19</tmp/s.db>)          = 0",
  "sync of a thread": "75 fdatasync(23</tmp/s.db-wal>)      = 0",
  "write of a thread": `75 pwrite64(23</tmp/s.db-wal>, "x", 1, 0) = 1`,
  "sync begins": "71 fdatasync(20</tmp/s.db-wal> <unfinished ...>",
  "sync ends": "71 <... fdatasync resumed>)            = 0",
  noise: "71 +++ exited with 0 +++",
};

function breachesOf(...words: string[]): readonly string[] {
  return checkTrace(words.map((word) => LINES[word]!).join("\n")).breaches.map((text) => text.replace(/.*, and /, ""));
}

const START = ["ask 1", "write", "sync", "answer 1"];
const COMMIT = ["ask 2", "write", "write", "sync", "answer 2"];
const UNWRITTEN = "since it was asked for nothing was written to the log and synced";

test("a log that is synced before each answer is good, whatever else happens meanwhile", () => {
  assert.deepEqual(breachesOf(...START, ...COMMIT, "noise"), []);
  assert.deepEqual(breachesOf("ask 1", "write", "fsync", "answer 1", ...COMMIT), []);
  assert.deepEqual(
    breachesOf("ask 1", "write", "sync begins", "write of a thread", "sync ends", "answer 1", ...COMMIT),
    [],
  );
  assert.deepEqual(breachesOf(...START, "ask 2", "write", "sync", "write of a thread", "answer 2"), []);
  const together = breachesOf("ask 1", "ask 2", "write", "sync", "write", "sync", "answer 1", "answer 2");
  assert.deepEqual(together, []);
});

test("an answer before the sync, or after the sync of something else, is found", () => {
  const late = "what was written to the log in line 2 is not synced";
  assert.deepEqual(breachesOf("ask 1", "write", "answer 1", "sync", ...COMMIT), [late, UNWRITTEN]);
  for (const other of ["failed sync", "sync of another file", "sync of a thread", "sync begins"]) {
    assert.deepEqual(breachesOf("ask 1", "write", other, "answer 1"), [
      late,
      UNWRITTEN,
      "no start, or no commit, was acknowledged in this trace",
    ]);
  }
  const torn = breachesOf(...COMMIT, "ask 1", "write", "sync", "write", "answer 1");
  assert.deepEqual(torn, ["what was written to the log in line 9 is not synced"]);
});

test("an answer to what was never written is found, and a sync counts for one answer only", () => {
  assert.deepEqual(breachesOf(...START, "ask 2", "sync", "answer 2"), [UNWRITTEN]);
  assert.deepEqual(breachesOf(...START, "ask 2", "answer 2"), [UNWRITTEN]);
  assert.deepEqual(breachesOf("ask 1", "ask 2", "write", "sync", "answer 1", "answer 2"), [UNWRITTEN]);
});

test("a trace without an answered start and commit proves nothing", () => {
  assert.equal(breachesOf("write", "sync").length, 1);
  assert.equal(breachesOf().length, 1);
  assert.equal(breachesOf(...START).length, 1);
});

test("the traced program asks for starts and commits one at a time, and tells each of them", () => {
  const folder = mkdtempSync(join(tmpdir(), "tenfold-trace-"));
  const { status, stdout } = spawnSync(process.execPath, [TRACED, join(folder, "traced.db"), "5"], {
    encoding: "utf8",
  });
  rmSync(folder, { recursive: true });
  assert.equal(status, 0);
  const lines = stdout.trimEnd().split("\n");
  assert.equal(lines.filter((line) => line.startsWith("answered start")).length, 5);
  assert.equal(lines.filter((line) => line.startsWith("answered commit")).length, 10);
  lines.forEach((line, index) => {
    assert.equal(line.replace(/^\w+/, ""), lines[index - (index % 2)]!.replace(/^\w+/, ""));
  });
});
