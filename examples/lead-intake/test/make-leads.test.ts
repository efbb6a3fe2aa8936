/** The generator: the committed leads.csv is what it writes, and holds every kind of row that the example promises. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { test } from "node:test";
import { CUSTOMER_TYPES } from "../customer-types.ts";
import { openLeads } from "../leads.ts";
import type { Lead, LeadRow } from "../leads.ts";
import { makeLeads } from "../make-leads.ts";
import { screenLead } from "../screening.ts";

const file = path.join(import.meta.dirname, "../leads.csv");

async function committedRows(): Promise<LeadRow[]> {
  return await Array.fromAsync(await openLeads(file));
}

function leadsIn(rows: readonly LeadRow[]): Lead[] {
  return rows.flatMap((row) => (row.kind === "lead" ? [row.lead] : []));
}

test("the same seed makes the same bytes, and they are the committed file", async () => {
  assert.equal(makeLeads("lead-intake"), makeLeads("lead-intake"));
  assert.equal(makeLeads("lead-intake"), await readFile(file, "utf8"));
  assert.notEqual(makeLeads("lead-intake"), makeLeads("another seed"));
});

test("there are 500 rows, twelve of them bad", async () => {
  const rows = await committedRows();
  assert.equal(rows.length, 500);
  assert.equal(rows.filter((row) => row.kind === "problem").length, 12);
});

test("25 rows repeat the e-mail of an earlier row, most of them word for word", async () => {
  const leads = leadsIn(await committedRows());
  const first = new Map<string, string>();
  const repeats = leads.filter((lead) => first.has(lead.email) || !first.set(lead.email, JSON.stringify(lead)));
  assert.equal(repeats.length, 25);
  assert.equal(repeats.filter((lead) => first.get(lead.email) !== JSON.stringify(lead)).length, 4);
});

test("all twelve customer types, a dozen countries, UTF-8 names, quotes, line breaks and spam are there", async () => {
  const leads = leadsIn(await committedRows());
  assert.deepEqual(new Set(leads.map((lead) => lead.customer_type)), new Set(CUSTOMER_TYPES));
  assert.ok(new Set(leads.map((lead) => lead.country)).size >= 12);
  for (const name of ["Łukasz", "Zoë", "王伟", "Ñuñez"]) assert.ok(leads.some((lead) => lead.name.includes(name)));
  assert.ok(leads.some((lead) => lead.company?.includes(",")));
  assert.ok(leads.some((lead) => lead.company?.includes('"')));
  assert.ok(leads.some((lead) => lead.message?.includes("\n")));
  assert.ok(leads.filter((lead) => screenLead(lead).spam).length >= 20);
});

test("every address lies in a domain that is reserved for examples", async () => {
  for (const lead of leadsIn(await committedRows()))
    assert.match(lead.email, /(@|\.)example(\.com|\.org)?$|\.example$/);
});
