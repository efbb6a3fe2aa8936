/**
 * Rows of a file or stream as inputs of runs: CSV, JSON lines, or one JSON document.
 * Invariant: a row that cannot be read is answered as a bad row, with its number, and the rest goes on; only what
 * spoils the whole file (no UTF-8, an unclosed quote) throws ROWS_INVALID.
 */
import type { Readable } from "node:stream";
import { TenfoldError } from "../value/error.ts";
import type { Json } from "../value/json.ts";
import type { Row, Rows } from "./row.ts";

export const FORMATS = ["csv", "jsonl", "json"] as const;
export type Format = (typeof FORMATS)[number];

/** Opens the rows of `source`; `name` is what messages call it. */
export async function readRows(source: Readable, format: "csv" | "jsonl", name: string): Promise<Rows> {
  const text = decoded(source, name);
  if (format === "csv") return (await import("./rows-csv.ts")).readCsv(text, name);
  return { header: null, rows: readLines(text) };
}

/** The one JSON document in `source`. */
export async function readDocument(source: Readable, name: string): Promise<Json> {
  let whole = "";
  for await (const piece of decoded(source, name)) whole += piece;
  try {
    return JSON.parse(whole) as Json;
  } catch (thrown) {
    throw new TenfoldError(
      "ROWS_INVALID",
      `${name} is no JSON: ${(thrown as Error).message}. No run was started. If each line is a document of its own, write \`--format jsonl\`.`,
      { facts: { file: name }, cause: thrown },
    );
  }
}

/** The items of a list as rows. */
export function rowsOf(items: readonly Json[]): Rows {
  return { header: null, rows: generate() };

  async function* generate(): AsyncGenerator<Row> {
    for (const [index, input] of items.entries()) yield { kind: "row", row: index + 1, input };
  }
}

/** The text of `source` in pieces; what is not UTF-8 is refused rather than stored with holes. */
async function* decoded(source: Readable, name: string): AsyncGenerator<string> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  try {
    for await (const chunk of source) {
      const text = typeof chunk === "string" ? chunk : decoder.decode(chunk as Uint8Array, { stream: true });
      if (text !== "") yield text;
    }
    const rest = decoder.decode();
    if (rest !== "") yield rest;
  } catch (thrown) {
    const isCoding = thrown instanceof TypeError && (thrown as NodeJS.ErrnoException).code !== undefined;
    const reason = isCoding ? "it is not UTF-8" : (thrown as Error).message;
    throw new TenfoldError(
      "ROWS_INVALID",
      `${name} cannot be read: ${reason}. Rows after that place were not read. Save it as UTF-8${/csv$/i.test(name) ? ` (in a spreadsheet: "CSV UTF-8")` : ""} and start it again.`,
      { facts: { file: name }, cause: thrown },
    );
  }
}

async function* readLines(text: AsyncIterable<string>): AsyncGenerator<Row> {
  let rest = "";
  let row = 0;
  for await (const piece of text) {
    const lines = (rest + piece).split("\n");
    rest = lines.pop()!;
    for (const line of lines) {
      row++;
      if (line.trim() !== "") yield rowOf(line, row);
    }
  }
  if (rest.trim() !== "") yield rowOf(rest, row + 1);
}

function rowOf(line: string, row: number): Row {
  try {
    return { kind: "row", row, input: JSON.parse(line) as Json };
  } catch (thrown) {
    return { kind: "bad", row, reason: `is no JSON (${(thrown as Error).message})` };
  }
}
