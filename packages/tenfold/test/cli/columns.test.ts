/** Columns of text: widths, cuts, tables, and text from anywhere made harmless. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { brief, cut, oneLine, pad, shortened, tableLines, widthOf, wrapped } from "../../src/cli/columns.ts";

test("a cut text is never wider than asked for, and a text that fits is left alone", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme" }), fc.integer({ min: 0, max: 40 }), (text, width) => {
      assert.ok(widthOf(cut(text, width)) <= width || text === cut(text, width));
      if (widthOf(text) <= width) assert.equal(cut(text, width), text);
    }),
  );
});

test("Chinese takes two columns a character, accents none, colours none", () => {
  assert.deepEqual([widthOf("李娜"), widthOf("e\u0301"), widthOf("\u001b[31mred\u001b[39m")], [4, 1, 3]);
  assert.equal(pad("李", 4), "李  ");
});

test("text from anywhere stays on its line and moves no cursor", () => {
  assert.equal(oneLine("a\n\tb\u001b[2J\u0007\u202ec"), "a bc");
});

test("of a message that is very long both ends are left, with the count of what lies between them", () => {
  const message = `begin ${"x".repeat(5_000_000)} end`;
  for (const [told, most] of [
    [shortened(message), 1100],
    [brief(message), 400],
  ] as const) {
    const [begin, count, end] = told.split(/ … \(([\d,]+) more characters with --json\) … /);
    assert.ok(begin!.startsWith("begin x") && end!.endsWith("x end"));
    assert.equal(begin!.length + Number(count!.replaceAll(",", "")) + end!.length, message.length);
    assert.ok(told.length < most);
  }
  assert.equal(shortened("a short one"), "a short one");
  for (const shift of ["", "a"]) assert.ok(shortened(shift + "😀".repeat(5000) + shift).isWellFormed());
});

test("a table is as wide as the terminal where its columns can give way", () => {
  const columns = [{ title: "run" }, { title: "key", gives: true }, { title: "error", gives: true }];
  const lines = tableLines(columns, [["r1", "k".repeat(50), "e".repeat(90)]], 60);
  assert.deepEqual(
    lines.map(widthOf).map((width) => width <= 60),
    [true, true],
  );
  assert.equal(tableLines(columns, [["r1", "k", "e"]], 60)[1], "r1   k    e");
});

test("wrapped text loses no word", () => {
  fc.assert(
    fc.property(fc.array(fc.stringMatching(/^[a-z]{1,12}$/)), (words) => {
      const lines = wrapped(words.join(" "), 14);
      assert.equal(lines.join(" "), words.join(" "));
      for (const line of lines) assert.ok(line.length <= 14);
    }),
  );
});
