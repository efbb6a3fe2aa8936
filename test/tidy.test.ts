/**
 * The laws of the house hold in this repository. Invariant: each is shown a breach first, and has to find it.
 */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import path from "node:path";
import test from "node:test";
import { codeOf } from "./tidy/code-of.ts";
import { filesToSplit } from "./tidy/form.ts";
import { LAWS, planted } from "./tidy/laws.ts";
import { brokenLinks, misnumberedDecisions } from "./tidy/pages.ts";
import { readPages, readSources, ROOT } from "./tidy/repository.ts";

const sources = readSources();
const pages = readPages();

test("the laws look at the sources, the tests, the example and the pages", () => {
  const seen = new Set([...sources, ...pages].map((file) => file.path));
  for (const known of [
    "packages/tenfold/src/index.ts",
    "packages/tenfold/src/store/sqlite/connection.ts",
    "examples/lead-intake/main.ts",
    "test/tidy.test.ts",
    "README.md",
    "docs/reference/errors.md",
  ]) {
    assert.ok(seen.has(known), known);
  }
});

for (const { says, finds, breaches, kept } of LAWS) {
  test(says, () => {
    for (const breach of breaches)
      assert.notDeepEqual(finds(planted(breach)), [], `not found: ${JSON.stringify(breach)}`);
    assert.deepEqual(finds(planted(kept)), []);
    assert.deepEqual(finds(sources), []);
  });
}

test("files of more than 250 lines are told of", (t) => {
  assert.equal(filesToSplit(planted({ "core/a.ts": "x;\n".repeat(251) })).length, 1);
  for (const told of filesToSplit(sources)) t.diagnostic(told);
});

test("every link between pages leads to a page, and to a heading that it has", () => {
  const page = (text: string) => [
    { path: "docs/a.md", text },
    { path: "docs/b.md", text: "# The `b` page\n\n## Once\n\n## Once\n" },
  ];
  const exists = (at: string): boolean => existsSync(path.join(ROOT, at));
  for (const broken of ["[c](c.md)", "[b](b.md#never)", "[b](#here)", "[b](/docs/b.md)", "[b][1]\n\n[1]: c.md"]) {
    assert.equal(brokenLinks(page(broken), () => false).length, 1, broken);
  }
  const whole =
    "# Here\n[b](b.md#the-b-page) [b](b.md#once-1) [h](#here) [x](https://x.example/) `[c](c.md)`\n```\n[c](c.md)\n```\n";
  assert.deepEqual(
    brokenLinks(page(whole), () => false),
    [],
  );
  assert.deepEqual(brokenLinks(pages, exists), []);
});

test("decisions are numbered from 1 without a gap, and say context, decision, consequences and what would change it", () => {
  const text = "# 1. A\n\n## Context\n\n## Decision\n\n## Consequences\n\n## What would change it\n";
  assert.deepEqual(misnumberedDecisions([{ path: "docs/decisions/0001-a.md", text }]), []);
  assert.notDeepEqual(misnumberedDecisions([{ path: "docs/decisions/0002-a.md", text }]), []);
  assert.notDeepEqual(misnumberedDecisions([{ path: "docs/decisions/0001-a.md", text: text.replace("1.", "2.") }]), []);
  assert.notDeepEqual(misnumberedDecisions([{ path: "docs/decisions/0001-a.md", text: "# 1. A\n" }]), []);
  assert.deepEqual(misnumberedDecisions(pages), []);
});

test("code is told from comments, strings, templates and regular expressions", () => {
  const blanked = (text: string): string => codeOf(text).replace(/ +/g, " ").trim();
  assert.equal(blanked("a // b\nc /* d\n */ e"), "a \nc \n e");
  assert.equal(blanked(`a("b\\"c", 'd')`), `a(" ", ' ')`);
  assert.equal(blanked("a(`b ${c + `d ${e}`} f`)"), "a(` ${c + ` ${e}`} `)");
  assert.equal(blanked("a(`b ${{ c: 1 }} d`); e"), "a(` ${{ c: 1 }} `); e");
  assert.equal(blanked("a = /b[/'\"]/g; c / d / 'e'"), "a = / /g; c / d / ' '");
  assert.equal(blanked("return /b`/.test(c)"), "return / /.test(c)");
  assert.equal(codeOf("a\n/* b\n */ c").length, "a\n/* b\n */ c".length);
});
