/** Rows of files: numbers, separators, quotes and what cannot be read. */
import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { test } from "node:test";
import fc from "fast-check";
import type { Row } from "../../src/cli/row.ts";
import { readDocument, readRows } from "../../src/cli/rows.ts";

async function rowsIn(text: string | readonly Buffer[], format: "csv" | "jsonl"): Promise<readonly Row[]> {
  const pieces = typeof text === "string" ? [Buffer.from(text)] : text;
  const { rows } = await readRows(Readable.from(pieces), format, `leads.${format}`);
  return Array.fromAsync(rows);
}

const inputs = (rows: readonly Row[]) => rows.map((row) => (row.kind === "row" ? row.input : row.reason));

test("commas, semicolons and tabs are told by the first line; quotes keep them in a cell", async () => {
  for (const separator of [",", ";", "\t"]) {
    const text = `\ufeffname${separator}note\nÅsa${separator}"a${separator}""b""\nc"\n`;
    assert.deepEqual(inputs(await rowsIn(text, "csv")), [{ name: "Åsa", note: `a${separator}"b"\nc` }]);
  }
});

test("the first row below the header is row 2, and a bad one keeps its number", async () => {
  const rows = await rowsIn("a,b\n1,2\n3\n4,5\n", "csv");
  assert.deepEqual(
    rows.map(({ kind, row }) => [kind, row]),
    [
      ["row", 2],
      ["bad", 3],
      ["row", 4],
    ],
  );
});

test("a header that names a column twice, or none, is refused", async () => {
  await assert.rejects(rowsIn("a,a\n1,2\n", "csv"), { code: "ROWS_INVALID" });
  await assert.rejects(rowsIn("", "csv"), { code: "ROWS_INVALID" });
});

test("an unclosed quote is told after the rows before it", async () => {
  const { rows } = await readRows(Readable.from([Buffer.from(`a\n1\n"2\n3\n`)]), "csv", "leads.csv");
  const iterator = rows[Symbol.asyncIterator]();
  assert.equal((await iterator.next()).value?.row, 2);
  await assert.rejects(iterator.next(), { code: "ROWS_INVALID" });
});

test("JSON lines come out as they went in, wherever the stream was cut", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.jsonValue(), { minLength: 1 }),
      fc.integer({ min: 1, max: 7 }),
      async (values, size) => {
        const text = Buffer.from(values.map((value) => JSON.stringify(value)).join("\n"));
        const pieces = Array.from({ length: Math.ceil(text.length / size) }, (_, index) =>
          text.subarray(index * size, (index + 1) * size),
        );
        assert.deepEqual(inputs(await rowsIn(pieces, "jsonl")), JSON.parse(JSON.stringify(values)));
      },
    ),
    { numRuns: 50 },
  );
});

test("a document that is no JSON names the other format", async () => {
  await assert.rejects(readDocument(Readable.from([Buffer.from(`{"a":1}\n{"a":2}`)]), "x.json"), /--format jsonl/);
});
