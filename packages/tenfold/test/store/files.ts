/** Files of a test program, in a folder that goes away with it. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";

const folder = mkdtempSync(join(tmpdir(), "tenfold-store-"));
after(() => rmSync(folder, { recursive: true, force: true }));

/** A path where no file is yet, in a folder of its own. */
export function newFile(): string {
  return join(mkdtempSync(join(folder, "f-")), "store.db");
}
