/**
 * The page docs/reference/patterns.md and the examples beside this file say the same. The page has all 43 patterns in order, each
 * with a verdict; its counts are those of its entries; its code stands in the test of its pattern as it stands on the page.
 */
import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import path from "node:path";
import test from "node:test";
import { fencesOf } from "../tidy/pages.ts";
import { readPages } from "../tidy/repository.ts";

const VERDICTS = ["native", "composed", "restricted", "not"];

interface Entry {
  readonly number: number;
  readonly name: string;
  /** Undefined where it has none, or an unknown one. */
  readonly verdict: string | undefined;
  readonly code: readonly string[];
}

interface Example {
  readonly number: number;
  readonly name: string;
  /** What stands between the test before it and its own. */
  readonly before: string;
  /** Its own test. */
  readonly body: string;
}

function entriesOf(text: string): readonly Entry[] {
  return text
    .split(/^## (?=\d)/m)
    .slice(1)
    .map((section) => {
      const [, number, name] = /^(\d+)\. (.+)/.exec(section)!;
      const verdict = VERDICTS.find((verdict) => section.includes(`\n\n**${verdict}**: `));
      const code = fencesOf({ path: "", text: section }).map((fence) => fence.code);
      return { number: Number(number), name: name!, verdict, code };
    });
}

function examplesOf(source: string): readonly Example[] {
  const starts = [...source.matchAll(/^test\("(\d+) ([^:]+): .*$/gm)];
  let end = 0;
  return starts.map(({ 1: number, 2: name, index }) => {
    const before = source.slice(end, index);
    end = source.indexOf("\n});\n", index) + "\n});\n".length;
    return { number: Number(number), name: name!, before, body: source.slice(index, end) };
  });
}

/** Lines without what they are indented by, so that code may be quoted from the inside of something. */
function linesOf(code: string): string {
  return code
    .trim()
    .split("\n")
    .map((line) => line.trim())
    .join("\n");
}

const page = readPages().find(({ path }) => path === "docs/reference/patterns.md")!;
const introduction = page.text.split(/^## 1\. /m)[0]!;
const entries = entriesOf(page.text);
const sources = globSync("*.ts", { cwd: import.meta.dirname })
  .filter((file) => file !== "page.test.ts")
  .map((file) => readFileSync(path.join(import.meta.dirname, file), "utf8"));
const examples = sources.flatMap(examplesOf);

test("the page has all 43 patterns, in order, each with a verdict and with code", () => {
  assert.deepEqual(
    entries.map(({ number }) => number),
    Array.from({ length: 43 }, (_, index) => index + 1),
  );
  assert.deepEqual(
    entries.filter(({ verdict, code }) => verdict === undefined || code.length === 0),
    [],
  );
});

test("its counts, and the verdicts of its list, are those of its entries", () => {
  const counts = VERDICTS.map((verdict) => {
    const row = new RegExp(`^\\| ${verdict} +\\| .+ \\| +(\\d+) \\|$`, "m").exec(introduction);
    return [verdict, Number(row?.[1])];
  });
  assert.deepEqual(
    counts,
    VERDICTS.map((verdict) => [verdict, entries.filter((entry) => entry.verdict === verdict).length]),
  );
  const rows = [...introduction.matchAll(/^\| +(\d+) \| \[(.+?)\]\(#[^)]+\) +\| (\w+) +\|$/gm)];
  assert.deepEqual(
    rows.map(([, number, name, verdict]) => [Number(number), name, verdict]),
    entries.map(({ number, name, verdict }) => [number, name, verdict]),
  );
});

test("each pattern has one example, under its number and name", () => {
  assert.deepEqual(
    examples.map(({ number, name }) => `${number} ${name}`).toSorted(),
    entries.map(({ number, name }) => `${number} ${name}`).toSorted(),
  );
});

test("an example asserts something of the run of its own workflow", () => {
  for (const { number, before, body } of examples) {
    const [, started] = /tenfold\.start\((\w+)/.exec(body) ?? /of \[(\w+)/.exec(body) ?? [];
    assert.ok(
      started !== undefined && /\bassert\b/.test(body),
      `${number} runs something, and asserts something of it`,
    );
    assert.ok(new RegExp(`^const \\w+ = workflow\\(|: Workflow<`, "m").test(before), `${number} has its own workflow`);
  }
});

for (const { number, name, code } of entries) {
  test(`the code of ${number}, ${name}, is that of its example`, () => {
    const example = examples.find((example) => example.number === number)!;
    const source = linesOf(example.before + example.body);
    for (const fence of code) assert.ok(`\n${source}\n`.includes(`\n${linesOf(fence)}\n`), fence);
  });
}

test("the code before the patterns is that of the examples", () => {
  for (const { code } of fencesOf({ path: "", text: introduction })) {
    assert.ok(
      sources.some((source) => linesOf(source).includes(linesOf(code))),
      code,
    );
  }
});

test("a page that leaves out a pattern, miscounts or changes its code would be found", () => {
  const changed = entriesOf("## 1. Sequence\n\nOne after the other.\n\n**nativ**: a value.\n\n```ts\nno();\n```\n");
  assert.deepEqual(changed, [{ number: 1, name: "Sequence", verdict: undefined, code: ["no();\n"] }]);
  const [first] = examplesOf(
    'const a = 1;\ntest("1 Sequence: x", () => {\n  yes();\n});\n\ntest("2 Split: y", () => {\n});\n',
  );
  assert.deepEqual([first!.before, first!.body], ["const a = 1;\n", 'test("1 Sequence: x", () => {\n  yes();\n});\n']);
});
