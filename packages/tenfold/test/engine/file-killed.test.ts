/** A process that is killed in the middle of a file leaves nothing of it, on a file and on Postgres. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { open } from "../../src/index.ts";
import { PART_BYTES } from "../../src/engine/file-source.ts";
import { openPostgres } from "../../src/store/postgres/open.ts";
import { openSqlite } from "../../src/store/sqlite/sqlite.ts";
import type { Store } from "../../src/store/store.ts";
import { newFile } from "../store/files.ts";
import { newDatabase } from "../store/postgres-server.ts";
import { PARTS, reportOf } from "./file-report.ts";

const PROGRAM = fileURLToPath(new URL("./file-writing.ts", import.meta.url));

/** Works the store in a process of its own until it hangs in the middle of a file, and kills it there. */
async function killInTheMiddle(store: string): Promise<void> {
  const program = spawn(process.execPath, [PROGRAM, store], { stdio: ["ignore", "pipe", "inherit"] });
  const [line] = await once(createInterface(program.stdout), "line");
  assert.equal(line, "hangs");
  program.kill("SIGKILL");
  await once(program, "exit");
}

for (const [kind, place, openStore] of [
  ["a file", async () => newFile(), openSqlite],
  ["Postgres", newDatabase, openPostgres],
] as const) {
  test(`a worker on ${kind} that is killed in the middle of a file: it is not there, then whole, and nothing is left`, async () => {
    const store = await place();
    await killInTheMiddle(store);
    const report = reportOf(async () => {});
    const client = await open({ store, workflows: [report], work: false });
    const [run] = await Array.fromAsync(client.runs());
    assert.deepEqual(await client.files(run!.id), []);
    await client.close();
    const tenfold = await open({ store, workflows: [report], lease: "2s", log: { write: () => {} } });
    await tenfold.run(run!.id).result();
    const bytes = await (await tenfold.file(run!.id, "report.bin")).bytes();
    assert.equal(bytes.length, PARTS * PART_BYTES);
    for (let n = 0; n < PARTS; n++)
      assert.ok(bytes.subarray(n * PART_BYTES, (n + 1) * PART_BYTES).every((byte) => byte === n));
    await tenfold.close();
    const opened: Store = await openStore(store);
    assert.equal((await opened.files.list(0, [run!.id]))[0]!.length, 1);
    await opened.files.sweep(0, 1000);
    assert.equal(await opened.files.sweep(0, 1000), 0);
    await opened.close();
  });
}
