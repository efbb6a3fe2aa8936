/**
 * What `npm test` runs: every `*.test.ts` of the repository, each file in a program of its own, two or more at once.
 * Invariant: it exits with 0 only if at least one test ran and each that ran passed; a file without tests fails it.
 */
import { availableParallelism } from "node:os";
import { globSync } from "node:fs";
import path from "node:path";
import { finished } from "node:stream/promises";
import { run } from "node:test";
import { spec } from "node:test/reporters";
import { parseArgs } from "node:util";

const EXIT_FAILED = 1;
const EXIT_USAGE = 4;

const HELP = `Runs the tests: packages/*/test, examples/*/test and test.

  npm test                            all of them
  npm test -- --only flow             files with "flow" in their path; given twice: with the one or the other
  npm test -- --name "a join fires"   tests whose name has this in it
`;

/** A test that takes longer has hung; the longest takes a minute where two cores have nothing else to do. */
const TEST_MS = 600_000;
/** When nothing has been told of for so long, a program does not come to its end. */
const QUIET_MS = TEST_MS + 60_000;

const ROOT = path.resolve(import.meta.dirname, "..");
const FILES = ["packages/*/test/**/*.test.ts", "examples/*/test/**/*.test.ts", "test/**/*.test.ts"];

const LONGEST = ["test/planted", "test/crash", "packages/tenfold/test/store", "packages/tenfold/test/testing"];

interface Options {
  readonly only: readonly string[];
  readonly name: readonly string[];
  readonly help: boolean;
}

async function main({ only, name, help }: Options): Promise<number> {
  if (help) {
    process.stdout.write(HELP);
    return 0;
  }
  const all = globSync(FILES, { cwd: ROOT }).toSorted((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1));
  const files = all.filter((file) => only.length === 0 || only.some((part) => file.includes(part)));
  if (files.length === 0) {
    say(`None of ${all.length} test files has ${only.join(" or ")} in its path; no test was run.`);
    return EXIT_FAILED;
  }
  return runFiles(files, name);
}

/** Where the longest are, they come first: so no core waits at the end for one that began last. */
function rank(file: string): number {
  const at = LONGEST.findIndex((folder) => file.startsWith(folder));
  return at < 0 ? LONGEST.length : at;
}

async function runFiles(files: readonly string[], names: readonly string[]): Promise<number> {
  const programs = new Set(files.map((file) => path.join(ROOT, file)));
  const unfinished = new Set(files);
  const empty: string[] = [];
  let ran = 0;
  let failed = 0;
  const events = run({
    cwd: ROOT,
    files: [...programs],
    concurrency: Math.max(2, availableParallelism()),
    testNamePatterns: names.map((name) => new RegExp(RegExp.escape(name), "i")),
    timeout: TEST_MS,
  });
  const quiet = setTimeout(() => {
    say(`\nNothing has ended for ${QUIET_MS / 60_000} minutes; one of these hangs:\n  ${[...unfinished].join("\n  ")}`);
    process.exit(EXIT_FAILED);
  }, QUIET_MS);
  events.on("test:complete", () => quiet.refresh());
  events.on("test:fail", () => failed++);
  events.on("test:pass", ({ name, details }) => {
    // A file in which no test ran is told of as one test that passed, of the file's name.
    if (programs.has(name)) empty.push(name);
    else if (details.type !== "suite") ran++;
  });
  let closing = "";
  events.on("test:summary", ({ file, counts, duration_ms: tookMs }) => {
    const { tests, passed } = counts;
    if (file !== undefined) unfinished.delete(path.relative(ROOT, file));
    const took = `${(tookMs / 1000).toFixed(1)} s`;
    if (file === undefined)
      closing = `\n${passed} of ${tests} tests passed, from ${files.length === 1 ? "1 file" : `${files.length} files`}, in ${took}\n`;
  });
  const report = events.compose(spec);
  report.pipe(process.stdout, { end: false });
  await finished(report);
  clearTimeout(quiet);
  // After the failures, which the reporter lists below its counts.
  process.stdout.write(closing);

  if (failed > 0) return EXIT_FAILED;
  if (ran === 0) say("No test was run.");
  if (names.length > 0) return ran > 0 ? 0 : EXIT_FAILED;
  for (const file of empty) say(`${path.relative(ROOT, file)} has no test in it.`);
  return ran > 0 && empty.length === 0 ? 0 : EXIT_FAILED;
}

function readOptions(args: string[]): Options | string {
  const list = { type: "string", multiple: true, default: [] as string[] } as const;
  try {
    return parseArgs({ args, options: { only: list, name: list, help: { type: "boolean", default: false } } }).values;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

const options = readOptions(process.argv.slice(2));
if (typeof options === "string") {
  say(`${options}\nNo test was run. What there is: npm test -- --help`);
  process.exitCode = EXIT_USAGE;
} else {
  process.exitCode = await main(options);
}
