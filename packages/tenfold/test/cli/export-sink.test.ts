/** A file that an export writes is never said to be whole when it is not. */
import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, symlinkSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { openExportFile } from "../../src/cli/export-sink.ts";
import { newFile } from "../store/files.ts";

test("what was written is in the file by its own name once it is finished, and not before", async () => {
  const file = newFile();
  const sink = await openExportFile(path.dirname(file), path.basename(file), false);
  await sink.write("one\n");
  assert.equal(existsSync(file), false);
  await sink.finish();
  assert.equal(readFileSync(file, "utf8"), "one\n");
  assert.equal(existsSync(sink.part!), false);
});

test("a file that is left has all that was written, by its other name", async () => {
  const file = newFile();
  const sink = await openExportFile(path.dirname(file), path.basename(file), false);
  for (let line = 0; line < 3; line++) await sink.write(`${"x".repeat(200_000)}\n`);
  assert.equal(await sink.leave(), true);
  assert.equal(readFileSync(sink.part!, "utf8").length, 600_003);
  assert.equal(existsSync(file), false);
});

test("a disk that is full is told with its code, and what is there is not said to be whole", async () => {
  const file = newFile();
  // Of this device the system says that it is full, whatever is written.
  symlinkSync("/dev/full", `${file}.part`);
  const sink = await openExportFile(path.dirname(file), path.basename(file), true);
  await assert.rejects(sink.write("x".repeat(300_000)), { code: "FILE_NOT_WRITTEN", message: /ENOSPC/ });
  assert.equal(await sink.leave(), false);
  assert.equal(existsSync(file), false);
});

test("a name that a folder has cannot be given, and that is told with its code", async () => {
  const file = newFile();
  const sink = await openExportFile(path.dirname(file), path.basename(file), false);
  mkdirSync(path.join(file, "in the way"), { recursive: true });
  await sink.write("one\n");
  await assert.rejects(sink.finish(), { code: "FILE_NOT_WRITTEN" });
  assert.equal(readFileSync(sink.part!, "utf8"), "one\n");
});
