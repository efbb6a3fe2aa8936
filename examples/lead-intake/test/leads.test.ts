/** Reading leads: what a row becomes, what is wrong with a bad one, and which files are refused. */
import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { test } from "node:test";
import { TenfoldError } from "tenfold";
import { Lead, openLeads, openLeadsOf } from "../leads.ts";
import type { LeadRow } from "../leads.ts";

const HEADER = "name,company,email,country,phone,customer_type,employees,budget,currency,source,interest,message";
const GOOD = "Zoë Ñuñez,Nova,Zoe@Nova.example,es,,startup,12,4000,EUR,website,analytics,";

async function rowsOf(...lines: string[]): Promise<LeadRow[]> {
  return await Array.fromAsync(await openLeadsOf(Readable.from([lines.join("\n")]), "test.csv"));
}

test("a good row becomes a lead with a lower-case e-mail, an upper-case country, numbers, and null for what is not told", async () => {
  const [row] = await rowsOf(HEADER, GOOD);
  assert.deepEqual(row, {
    kind: "lead",
    row: 2,
    lead: {
      name: "Zoë Ñuñez",
      company: "Nova",
      email: "zoe@nova.example",
      country: "ES",
      phone: null,
      customer_type: "startup",
      employees: 12,
      budget: 4000,
      currency: "EUR",
      source: "website",
      interest: "analytics",
      message: null,
    },
  });
});

test("a lead that was parsed once parses again to the same lead", async () => {
  const [row] = await rowsOf(HEADER, GOOD);
  assert.ok(row?.kind === "lead");
  assert.deepEqual(Lead.parse(row.lead), row.lead);
});

const BAD_ROWS: readonly (readonly [
  name: string,
  change: readonly [string, string],
  column: string | null,
  reason: RegExp,
])[] = [
  ["a broken e-mail", ["Zoe@Nova.example", "zoe(at)nova.example"], "email", /is not an e-mail address: "zoe\(at\)nova/],
  ["no e-mail", ["Zoe@Nova.example", ""], "email", /is missing/],
  ["no name", ["Zoë Ñuñez", " "], "name", /is missing/],
  ["no company", [",Nova,", ",,"], "company", /is missing/],
  ["an unknown customer type", ["startup", "SME"], "customer_type", /is none of enterprise, .*: "SME"/],
  ["a negative budget", ["4000", "-5000"], "budget", /must not be negative: "-5000"/],
  ["a budget without a currency", ["EUR", ""], "currency", /is missing although there is a budget/],
  ["words for a number", [",12,", ",about 50,"], "employees", /is not a whole number: "about 50"/],
  ["a country in words", [",es,", ",Spain,"], "country", /two letters: "Spain"/],
  ["a cell too many", [",Nova,", ",Nova, Inc.,"], null, /has 13 cells where the header has 12/],
];

for (const [name, [from, to], column, reason] of BAD_ROWS) {
  test(`${name} is told with row, column and reason, and does not stop the rest`, async () => {
    const rows = await rowsOf(HEADER, GOOD.replace(from, to), GOOD);
    assert.equal(rows[1]?.kind, "lead");
    const [bad] = rows;
    assert.ok(bad?.kind === "problem");
    assert.deepEqual([bad.row, bad.column], [2, column]);
    assert.match(bad.reason, reason);
  });
}

test("a row counts as a spreadsheet counts, whatever line breaks its cells hold and blank rows stand between", async () => {
  const rows = await rowsOf(HEADER, `${GOOD}"two\nlines"`, "", GOOD);
  assert.deepEqual(
    rows.map((row) => row.row),
    [2, 4],
  );
});

test("a quote that is never closed is refused with its line, and says that starting again is safe", async () => {
  await assert.rejects(rowsOf(HEADER, GOOD, '"Zoë,Nova'), (error) => {
    assert.ok(error instanceof TenfoldError);
    assert.equal(error.code, "ROWS_INVALID");
    assert.match(error.message, /test\.csv cannot be read as CSV: .*line 3/);
    return true;
  });
});

test("columns may stand in any order, with a byte order mark and others beside them", async () => {
  const turned = (line: string, extra: string) => [...line.split(",").reverse(), extra].join(",");
  const [row] = await rowsOf(`\uFEFF${turned(HEADER, "campaign")}`, turned(GOOD, "spring"));
  assert.equal(row?.kind, "lead");
});

test("a file without the needed columns is refused before its first row, with those missing and those found", async () => {
  await assert.rejects(rowsOf("name,mail,country", "a,b,c"), (error) => {
    assert.ok(error instanceof TenfoldError);
    assert.equal(error.code, "ROWS_INVALID");
    assert.match(
      error.message,
      /lacks the columns email, customer_type, source, interest; .*holds name, mail, country\..*no run started/,
    );
    return true;
  });
});

test("columns that no lead needs may be left out", async () => {
  const [row] = await rowsOf(
    "name,email,country,customer_type,source,interest",
    "Zoë,zoe@nova.example,DE,private,web,analytics",
  );
  assert.ok(row?.kind === "lead");
  assert.deepEqual([row.lead.phone, row.lead.employees, row.lead.budget], [null, null, null]);
});

test("an empty file and one that is not there are refused", async () => {
  await assert.rejects(rowsOf(""), { code: "ROWS_INVALID" });
  await assert.rejects(openLeads("no-such-file.csv"), { code: "ROWS_INVALID" });
});
