/**
 * The code in the pages runs: every fenced block labelled `ts run` of README.md and docs/ is type-checked and run as
 * it stands. A block `text output` right below it is what it prints.
 */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import test from "node:test";
import { promisify } from "node:util";
import { fencesOf } from "./tidy/pages.ts";
import { readPages, ROOT, type Page } from "./tidy/repository.ts";

interface Block {
  /** Where it stands, as `path:line`. */
  readonly at: string;
  readonly code: string;
  /** What it has to print; undefined: whatever it likes. */
  readonly output: string | undefined;
}

function blocksOf(pages: readonly Page[]): readonly Block[] {
  return pages.flatMap((page) => {
    const fences = fencesOf(page);
    return fences.flatMap(({ label, code, at }, index) => {
      if (label !== "ts run") return [];
      const next = fences[index + 1];
      return [{ at, code, output: next?.label === "text output" ? next.code : undefined }];
    });
  });
}

/** Inside of the repository, so that `tenfold` is this one; a folder that git and the linters pass over. */
function folderFor(block: Block): string {
  mkdirSync(path.join(ROOT, ".tenfold"), { recursive: true });
  const folder = mkdtempSync(path.join(ROOT, ".tenfold", "page-"));
  writeFileSync(path.join(folder, "block.ts"), block.code);
  const options = { extends: path.join(ROOT, "tsconfig.json"), include: ["block.ts"] };
  writeFileSync(path.join(folder, "tsconfig.json"), JSON.stringify(options));
  return folder;
}

interface Ended {
  readonly stdout: string;
  readonly stderr: string;
  readonly code: number;
}

async function ran(program: readonly string[], cwd: string): Promise<Ended> {
  const ended = promisify(execFile)(process.execPath, program, { cwd, timeout: 60_000 });
  return ended.then(
    (output) => ({ ...output, code: 0 }),
    (error: Ended) => ({ stdout: error.stdout, stderr: error.stderr, code: error.code }),
  );
}

/** Why the block is no good, or undefined. */
async function problemOf(block: Block): Promise<string | undefined> {
  const folder = folderFor(block);
  try {
    const tsc = path.join(ROOT, "node_modules/typescript/bin/tsc");
    const types = await ran([tsc, "-p", folder, "--pretty", "false"], folder);
    const refused = types.stdout.split("\n").filter((line) => line.startsWith("block.ts"));
    if (refused.length > 0) return `it does not compile: ${refused.join("\n")}`;
    const { stdout, stderr, code } = await ran(["block.ts"], folder);
    if (code !== 0) return `it ended with ${code}: ${stderr}`;
    if (block.output !== undefined && block.output.trim() !== stdout.trim()) return `it printed: ${stdout}`;
    return undefined;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const pages = readPages().filter((page) => page.path === "README.md" || page.path.startsWith("docs/"));

for (const block of blocksOf(pages)) {
  test(`the code at ${block.at} compiles, runs, and prints what the page says`, async () => {
    assert.equal(await problemOf(block), undefined);
  });
}

test("a block that fails, does not compile, or prints something else is found", async () => {
  const text = [
    "```ts run\nthrow new Error('no');\n```",
    '```ts run\nexport const one: string = 1;\n```\n```ts\nconst not = "labelled";\n```',
    "```ts run\nimport { step } from 'tenfold';\nconsole.log(typeof step);\n```\n\n```text output\nstring\n```",
    "```ts run\nimport { step } from 'tenfold';\nconsole.log(typeof step);\n```\n\n```text output\nfunction\n```",
  ].join("\n\n");
  const problems = await Promise.all(blocksOf([{ path: "a.md", text }]).map(problemOf));
  assert.match(problems[0]!, /^it ended with 1: [^]*no/);
  assert.match(problems[1]!, /^it does not compile: block\.ts/);
  assert.match(problems[2]!, /^it printed: function/);
  assert.deepEqual(problems.slice(3), [undefined]);
});

test("the README's first workflow is short, and is among the blocks that run", () => {
  const [first] = blocksOf(pages.filter((page) => page.path === "README.md"));
  assert.ok(first !== undefined && first.code.trim().split("\n").length <= 25, "25 lines at most");
});
