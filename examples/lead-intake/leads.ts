/** A lead: its schema, and reading a CSV of leads row by row, each row a lead or a problem with row, column and reason. */
import { createReadStream } from "node:fs";
import type { Readable } from "node:stream";
import { parse } from "csv-parse";
import { TenfoldError } from "tenfold";
import { z } from "zod";
import { CUSTOMER_TYPES } from "./customer-types.ts";

const text = z.string("is missing").trim();
const requiredText = text.min(1, "is missing");
const optionalText = text.nullish().transform((value) => value || null);

/** A number, also as a CSV cell holds it: "" is none, "1200" is 1200, "about 50" is refused. */
function numberCell<S extends z.ZodType>(schema: S) {
  return z.preprocess((cell) => {
    if (typeof cell !== "string") return cell ?? null;
    return cell.trim() === "" ? null : Number(cell);
  }, schema);
}

/**
 * One lead. Its properties are the CSV's columns, and it parses cells as well as what it has itself parsed before:
 * a lead may come from a file, from a web form, or from the store.
 */
export const Lead = z
  .object({
    name: requiredText,
    company: optionalText,
    email: requiredText.toLowerCase().pipe(z.email("is not an e-mail address")),
    country: requiredText.toUpperCase().regex(/^[A-Z]{2}$/, "is not a country code of two letters"),
    phone: optionalText,
    customer_type: requiredText.pipe(z.enum(CUSTOMER_TYPES, `is none of ${CUSTOMER_TYPES.join(", ")}`)),
    employees: numberCell(z.int("is not a whole number").positive("must be at least 1").nullable()),
    budget: numberCell(z.number("is not a number").nonnegative("must not be negative").nullable()),
    currency: optionalText,
    source: requiredText,
    interest: requiredText,
    message: optionalText,
  })
  .refine((lead) => lead.company !== null || lead.customer_type === "private" || lead.customer_type === "freelancer", {
    path: ["company"],
    message: "is missing, and only private people and freelancers need none",
  })
  .refine((lead) => lead.budget === null || lead.currency !== null, {
    path: ["currency"],
    message: "is missing although there is a budget",
  });

export type Lead = z.infer<typeof Lead>;

/** A row of the file: `row` counts as a spreadsheet does, where the header is row 1. */
export type LeadRow =
  { readonly kind: "lead"; readonly row: number; readonly lead: Lead } | ({ readonly kind: "problem" } & RowProblem);

/** Why a row is no lead; `column` is null where the fault is the row's own, as with a cell too many. */
export interface RowProblem {
  readonly row: number;
  readonly column: string | null;
  readonly reason: string;
}

/** Columns without which no row could be a lead; the others may be left out of a file. */
const NEEDED_COLUMNS = Object.entries(Lead.shape)
  .filter(([, cell]) => !cell.safeParse(undefined).success)
  .map(([column]) => column);

/** Opens the CSV file at `file` and checks its header; its rows follow one by one. Throws ROWS_INVALID. */
export function openLeads(file: string): Promise<AsyncGenerator<LeadRow, void, undefined>> {
  return openLeadsOf(createReadStream(file), file);
}

/** Opens the CSV text that `source` streams; `name` is what messages call it. */
export async function openLeadsOf(source: Readable, name: string): Promise<AsyncGenerator<LeadRow, void, undefined>> {
  const cells = parse({ bom: true, relax_column_count: true });
  source.on("error", (error) => cells.destroy(error));
  cells.on("close", () => source.destroy());
  const records: AsyncIterator<readonly string[]> = source.pipe(cells)[Symbol.asyncIterator]();
  try {
    const first = await records.next();
    const header = checkHeader(first.done ? [] : first.value, name);
    return rowsBelow(header, records, name);
  } catch (error) {
    cells.destroy();
    throw error instanceof TenfoldError ? error : unreadable(error, name);
  }
}

async function* rowsBelow(header: readonly string[], records: AsyncIterator<readonly string[]>, name: string) {
  try {
    for (let row = 2; ; row++) {
      const record = await records.next();
      if (record.done) return;
      const isBlank = record.value.length === 1 && record.value[0]!.trim() === "";
      if (!isBlank) yield leadOf(record.value, header, row);
    }
  } catch (error) {
    throw unreadable(error, name);
  } finally {
    await records.return?.();
  }
}

function checkHeader(found: readonly string[], name: string): readonly string[] {
  const header = found.map((column) => column.trim().toLowerCase());
  const missing = NEEDED_COLUMNS.filter((column) => !header.includes(column));
  if (missing.length === 0) return header;
  throw new TenfoldError(
    "ROWS_INVALID",
    `${name} lacks ${missing.length === 1 ? "the column" : "the columns"} ${missing.join(", ")}; ` +
      `its first row holds ${found.length === 0 ? "nothing" : found.join(", ")}. No lead was read and no run started. ` +
      `Name the columns in the first row, separated by commas; needed are ${NEEDED_COLUMNS.join(", ")}.`,
    { facts: { file: name, missing, found } },
  );
}

function leadOf(record: readonly string[], header: readonly string[], row: number): LeadRow {
  if (record.length !== header.length) {
    const reason = `has ${record.length} cells where the header has ${header.length}; is a comma outside quotes?`;
    return { kind: "problem", row, column: null, reason };
  }
  const parsed = Lead.safeParse(Object.fromEntries(header.map((column, index) => [column, record[index]])));
  if (parsed.success) return { kind: "lead", row, lead: parsed.data };
  const issue = parsed.error.issues[0];
  const column = issue?.path[0];
  const cell = typeof column === "string" ? record[header.indexOf(column)]?.trim() : undefined;
  const reason = `${issue?.message ?? "is no lead"}${cell ? `: ${JSON.stringify(cell)}` : ""}`;
  return { kind: "problem", row, column: typeof column === "string" ? column : null, reason };
}

/** Whatever follows an unclosed quote is one endless cell, so the file is given back as a whole. */
function unreadable(error: unknown, name: string): TenfoldError {
  const reason = error instanceof Error ? error.message : String(error);
  return new TenfoldError(
    "ROWS_INVALID",
    `${name} cannot be read as CSV: ${reason}. What follows was not read. Mend the file and start again: ` +
      "a lead that was taken in before is not taken in twice.",
    { facts: { file: name }, cause: error },
  );
}
