/** Every error code has its paragraph, every paragraph its code, and no code is there without being used. */
import assert from "node:assert/strict";
import test from "node:test";
import { read, readSources } from "./tidy/repository.ts";

const CODES = "packages/tenfold/src/value/error.ts";
const PAGE = "docs/reference/errors.md";

interface Entry {
  readonly group: string;
  readonly name: string;
  readonly text: string;
}

/** The codes of the union, each with the comment above its group. */
function codesOf(source: string): readonly Entry[] {
  const union = /export type ErrorCode =([^]*?);/.exec(source)![1]!;
  return grouped(union, /^ *\/\/ (.+)$|^ *\| "([A-Z_]+)"$/gm);
}

/** The paragraphs of the page, each with the heading of its group. */
function paragraphsOf(page: string): readonly Entry[] {
  return grouped(page, /^## (.+)$|^### (.+)\n([^]*?)(?=^##|(?![^]))/gm);
}

function grouped(text: string, pattern: RegExp): readonly Entry[] {
  let group = "";
  return [...text.matchAll(pattern)].flatMap(([, heading, name, paragraph = ""]) => {
    group = heading?.toLowerCase() ?? group;
    return name === undefined ? [] : [{ group, name, text: paragraph }];
  });
}

const codes = codesOf(read(CODES));
const paragraphs = paragraphsOf(read(PAGE));
const placed = (entries: readonly Entry[]): readonly string[] => entries.map(({ group, name }) => `${group}: ${name}`);

test("every error code has its paragraph and every paragraph its code, in the same groups and order", () => {
  assert.ok(codes.length > 40 && codes.every(({ group }) => group !== ""));
  assert.deepEqual(placed(paragraphs), placed(codes));
});

test("every paragraph says what happened, what was not done, and the way out", () => {
  for (const { name, text } of paragraphs) {
    assert.match(text, /^\n\S[^]{20,}?\*\*Not done:\*\* \S[^]+\*\*Way out:\*\* \S/, name);
  }
});

test("every error code is used", () => {
  const sources = readSources().filter(({ path }) => path.startsWith("packages/tenfold/src/") && path !== CODES);
  const used = new Set(sources.flatMap(({ text }) => text.match(/(?<=")[A-Z]+(?:_[A-Z]+)*(?=")/g) ?? []));
  for (const own of read(CODES).matchAll(/new TenfoldError\("([A-Z_]+)"/g)) used.add(own[1]!);
  assert.deepEqual(
    codes.map(({ name }) => name).filter((name) => !used.has(name)),
    [],
  );
});

test("a code and its paragraph are read with their group", () => {
  const union = 'export type ErrorCode =\n  // what comes in\n  | "A"\n  // the store\n  | "B_C";\n';
  assert.deepEqual(placed(codesOf(union)), ["what comes in: A", "the store: B_C"]);
  const page = "# Errors\n\n## What comes in\n\n### A\n\nIt came.\n\n## The store\n\n### B_C\n\nIt fell.\n";
  assert.deepEqual(paragraphsOf(page), [
    { group: "what comes in", name: "A", text: "\nIt came.\n\n" },
    { group: "the store", name: "B_C", text: "\nIt fell.\n" },
  ]);
});
