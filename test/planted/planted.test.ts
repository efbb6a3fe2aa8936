/** Bugs that were planted on purpose: a simulator that does not find them proves nothing by finding none. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { cp, mkdtemp, readdir, rm, symlink } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { promisify } from "node:util";

const run = promisify(execFile);
const folder = import.meta.dirname;
const sources = join(folder, "../../packages/tenfold/src");
/** What the sources import by name. */
const packages = join(folder, "../../node_modules");
const SEEDS = 1000;

const patches = (await readdir(folder)).filter((name) => name.endsWith(".patch")).sort();

interface Found {
  readonly seed: number | null;
  readonly violation: string | null;
}

describe(
  "the simulator, with a bug planted in the engine or the store",
  { concurrency: availableParallelism() },
  () => {
    assert.ok(patches.length >= 10, "the patches are there");
    for (const patch of patches) {
      test(`finds ${patch.replace(/\.patch$/, "").replaceAll("-", " ")} within ${SEEDS} seeds`, async (t) => {
        const copy = await mkdtemp(join(tmpdir(), "tenfold-planted-"));
        t.after(() => rm(copy, { recursive: true, force: true }));
        await cp(sources, copy, { recursive: true });
        await symlink(packages, join(copy, "node_modules"), "dir");
        await run("git", ["apply", "--whitespace=nowarn", join(folder, patch)], { cwd: copy });
        const found = await simulate(copy);
        assert.notEqual(found.violation, null, `${SEEDS} seeds did not find it`);
        t.diagnostic(`seed ${found.seed}: ${found.violation?.slice(0, 120)}`);
      });
    }
  },
);

async function simulate(copy: string): Promise<Found> {
  const args = [join(copy, "testing/simulate.ts"), "--seeds", String(SEEDS), "--json"];
  const { stdout } = await run(process.execPath, args).catch((thrown: { stdout?: string }) => {
    if (thrown.stdout === undefined || thrown.stdout === "") throw thrown;
    return { stdout: thrown.stdout };
  });
  return JSON.parse(stdout) as Found;
}
