/** Rows of a CSV: the first names the columns, each other is an object of them; cells are text, as in the file. */
import { parse } from "csv-parse";
import { Readable } from "node:stream";
import { TenfoldError } from "../value/error.ts";
import type { Row, Rows } from "./row.ts";

/** Opens the CSV in `text`: comma, semicolon or tab, whichever its first line has most of. */
export async function readCsv(text: AsyncIterable<string>, name: string): Promise<Rows> {
  const pieces = text[Symbol.asyncIterator]();
  const head = await firstLine(pieces);
  const whole = Readable.from(joined(head, pieces));
  const cells = parse({ bom: true, delimiter: delimiterOf(head), relax_column_count: true, skip_empty_lines: true });
  whole.on("error", (error) => cells.destroy(error));
  const records = whole.pipe(cells)[Symbol.asyncIterator]() as AsyncIterator<readonly string[]>;
  try {
    const first = await records.next();
    const header = (first.done === true ? [] : first.value).map((column) => column.trim());
    checkHeader(header, name);
    return { header, rows: rowsBelow(header, records, name) };
  } catch (thrown) {
    cells.destroy();
    throw unreadable(thrown, name);
  }
}

async function firstLine(pieces: AsyncIterator<string>): Promise<string> {
  let head = "";
  while (!head.includes("\n")) {
    const piece = await pieces.next();
    if (piece.done === true) break;
    head += piece.value;
  }
  return head;
}

async function* joined(head: string, pieces: AsyncIterator<string>): AsyncGenerator<string> {
  if (head !== "") yield head;
  for (let piece = await pieces.next(); piece.done !== true; piece = await pieces.next()) yield piece.value;
}

function delimiterOf(head: string): string {
  const line = head.split("\n", 1)[0]!.replaceAll(/"[^"]*"/g, "");
  const count = (delimiter: string): number => line.split(delimiter).length;
  return [",", ";", "\t"].reduce((best, next) => (count(next) > count(best) ? next : best));
}

function checkHeader(header: readonly string[], name: string): void {
  const twice = header.find((column, index) => header.indexOf(column) !== index);
  const reason =
    header.length === 0
      ? "is empty"
      : twice === undefined
        ? undefined
        : `has ${twice === "" ? "two columns without a name" : `the column "${twice}" twice`}`;
  if (reason === undefined) return;
  throw new TenfoldError(
    "ROWS_INVALID",
    `${name} ${reason}; no run was started. Its first row has to name the columns, each once.`,
    {
      facts: { file: name },
    },
  );
}

async function* rowsBelow(
  header: readonly string[],
  records: AsyncIterator<readonly string[]>,
  name: string,
): AsyncGenerator<Row> {
  try {
    for (let row = 2; ; row++) {
      const record = await records.next();
      if (record.done === true) return;
      const cells = record.value;
      if (cells.length === header.length) {
        yield { kind: "row", row, input: Object.fromEntries(header.map((column, index) => [column, cells[index]!])) };
      } else {
        const reason = `has ${cells.length} cells where the header has ${header.length}; is a separator outside of quotes?`;
        yield { kind: "bad", row, reason };
      }
    }
  } catch (thrown) {
    throw unreadable(thrown, name);
  } finally {
    await records.return?.();
  }
}

function unreadable(thrown: unknown, name: string): TenfoldError {
  if (thrown instanceof TenfoldError) return thrown;
  return new TenfoldError(
    "ROWS_INVALID",
    `${name} cannot be read as CSV: ${(thrown as Error).message}. Rows after that place were not read. Correct it and start it again.`,
    { facts: { file: name }, cause: thrown },
  );
}
