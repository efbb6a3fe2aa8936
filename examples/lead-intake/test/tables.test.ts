/** The tables of scoring, routing and letters: each of the twelve customer types has its line, and the lines differ. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { companyOf } from "../company-facts.ts";
import { CUSTOMER_TYPES } from "../customer-types.ts";
import type { CustomerType } from "../customer-types.ts";
import { introduction, newsletter, TYPE_TEXTS } from "../letter-texts.ts";
import type { Lead } from "../leads.ts";
import { ownerOf, pathOf, ROUTES, TEAMS } from "../routing.ts";
import { scoreLead, SCORING, tierOf } from "../scoring.ts";
import { screenLead } from "../screening.ts";

const TIERS = ["hot", "warm", "cold"] as const;

function leadOf(customer_type: CustomerType, more: Partial<Lead> = {}): Lead {
  return {
    name: "Zoë Ñuñez",
    company: "Nova",
    email: "zoe@nova.example",
    country: "ES",
    phone: null,
    customer_type,
    employees: 12,
    budget: 4000,
    currency: "EUR",
    source: "website",
    interest: "analytics",
    message: null,
    ...more,
  };
}

test("every customer type has weights, routes and words of its own", () => {
  for (const table of [SCORING, ROUTES, TYPE_TEXTS]) assert.deepEqual(Object.keys(table), [...CUSTOMER_TYPES]);
  for (const table of [SCORING, TYPE_TEXTS]) {
    assert.equal(new Set(Object.values(table).map((line) => JSON.stringify(line))).size, CUSTOMER_TYPES.length);
  }
});

test("the twelve types take at least six different ways, and spam and customers two more", () => {
  const ways = new Set(CUSTOMER_TYPES.flatMap((type) => TIERS.map((tier) => pathOf(type, tier, false))));
  assert.ok(ways.size >= 6, [...ways].join());
  for (const type of CUSTOMER_TYPES) {
    assert.equal(pathOf(type, "spam", true), "spam");
    assert.equal(pathOf(type, "cold", true), "customer");
  }
});

test("points lie between 0 and 100, and more budget or more people never cost points", () => {
  for (const type of CUSTOMER_TYPES) {
    let last = 0;
    for (const budget of [0, 100, 10_000, 1e6, 1e9]) {
      const points = scoreLead(leadOf(type, { budget }), { ...companyOf("a@nova.example"), size: budget / 100 });
      assert.ok(points >= last && points <= 100, `${type} ${budget}: ${points} after ${last}`);
      last = points;
    }
    assert.equal(tierOf(type, 100), "hot");
    assert.equal(tierOf(type, 0), "cold");
  }
});

test("a budget counts by its worth, not by its number", () => {
  const company = companyOf("a@nova.example");
  const yen = scoreLead(leadOf("mid-market", { budget: 10_000, currency: "JPY" }), company);
  const euro = scoreLead(leadOf("mid-market", { budget: 10_000, currency: "EUR" }), company);
  assert.ok(yen < euro);
});

test("every team has an owner for every country, and the same lead always gets the same", () => {
  for (const team of TEAMS) {
    for (const country of ["DE", "GB", "PL", "US", "CN", "ZZ"]) {
      const lead = leadOf("startup", { country });
      assert.deepEqual(ownerOf(lead, team), ownerOf(lead, team));
      assert.match(ownerOf(lead, team).email, /^[a-z.]+@tenfold\.example$/);
    }
  }
});

test("a letter speaks to the person in the greeting of the country and of the type's own offer", () => {
  for (const type of CUSTOMER_TYPES) {
    const lead = leadOf(type);
    for (const letter of [newsletter(lead), introduction(lead, ownerOf(lead, "sales"), ["whitepaper"])]) {
      assert.match(letter.text, /^Hola Zoë Ñuñez,/);
      assert.ok(letter.text.includes(TYPE_TEXTS[type].offer));
      assert.equal(letter.to.address, "zoe@nova.example");
    }
  }
});

test("a disposable mailbox or several links are spam; one link alone is not", () => {
  assert.ok(screenLead(leadOf("private", { email: "zoe@trashbox.example" })).spam);
  assert.ok(screenLead(leadOf("private", { message: "https://a.example https://b.example" })).spam);
  const linked = screenLead(leadOf("private", { message: "Our site is https://nova.example" }));
  assert.deepEqual(linked, { spam: false, reasons: ["one link"] });
});
