/**
 * Writes leads.csv: 500 rows as a real web form leaves them behind, with duplicates, bad rows and spam among them.
 * Invariant: the same seed gives the same bytes. Every address lies in a domain that is reserved for examples.
 */
import { writeFileSync } from "node:fs";
import { CUSTOMER_TYPES } from "./customer-types.ts";
import type { CustomerType } from "./customer-types.ts";
import {
  COUNTRIES,
  DISPOSABLE_HOSTS,
  FIRM_NAMES,
  FULL_NAMES,
  INTERESTS,
  LOCAL_MESSAGES,
  MAILBOX_HOSTS,
  MESSAGES,
  SOURCES,
  SPAM_MESSAGES,
  TYPE_WORDS,
} from "./lead-words.ts";
import type { Country } from "./lead-words.ts";
import { logUniform, pick, seeded, whole } from "./seeded.ts";
import type { Chance } from "./seeded.ts";

const COLUMNS = [
  "name",
  "company",
  "email",
  "country",
  "phone",
  "customer_type",
  "employees",
  "budget",
  "currency",
  "source",
  "interest",
  "message",
] as const;

type Row = Record<(typeof COLUMNS)[number], string>;

const ROWS = 500;
const DUPLICATES = 25;
/** Of the duplicates: the same person writing again with another request. */
const CHANGED_DUPLICATES = 4;
const SPAM = 24;

/** What goes wrong in a row, one row for each. */
const FAULTS: readonly ((row: Row) => Row)[] = [
  (row) => ({ ...row, email: row.email.replace("@", "(at)") }),
  (row) => ({ ...row, email: row.email.split("@")[0] + "@" }),
  (row) => ({ ...row, email: row.email.replace(".example", "") }),
  (row) => ({ ...row, email: row.email.replace("@", " @ ") }),
  (row) => ({ ...row, email: "" }),
  (row) => ({ ...row, name: "" }),
  (row) => ({ ...row, country: "" }),
  (row) => ({ ...row, customer_type: "" }),
  (row) => ({ ...row, customer_type: "SME" }),
  (row) => ({ ...row, customer_type: "governement" }),
  (row) => ({ ...row, budget: "-5000" }),
  (row) => ({ ...row, employees: "about 50" }),
];

export function makeLeads(seed: string): string {
  const chance = seeded(seed);
  const logins = new Set<string>();
  const good = Array.from({ length: ROWS - DUPLICATES - FAULTS.length }, (_, index) => {
    // The first leads go through the types in turn, so that each of the twelve is certainly there.
    const type = CUSTOMER_TYPES[index] ?? weighted(chance, CUSTOMER_TYPES, (name) => TYPE_WORDS[name].weight);
    const row = makeRow(chance, type, logins);
    return index >= CUSTOMER_TYPES.length && index < CUSTOMER_TYPES.length + SPAM ? asSpam(chance, row, logins) : row;
  });
  const rows = shuffled(chance, good);
  for (const row of FAULTS.map((fault) => fault(makeRow(chance, "mid-market", logins)))) {
    rows.splice(whole(chance, 5, rows.length), 0, row);
  }
  for (let count = 0; count < DUPLICATES; count++) addDuplicate(chance, rows, good, count < CHANGED_DUPLICATES);
  return (
    [COLUMNS.join(","), ...rows.map((row) => COLUMNS.map((column) => cell(row[column])).join(","))].join("\n") + "\n"
  );
}

function makeRow(chance: Chance, type: CustomerType, logins: Set<string>): Row {
  const country = weighted(chance, COUNTRIES, (item) => item.weight);
  const person = makePerson(chance, country);
  const firm = type === "private" ? "" : makeFirm(chance, type, country);
  const ownHost = firm !== "" && (type !== "freelancer" || chance() < 0.5);
  const host = ownHost ? `${latin(firm.replace(/"/g, ""))}.example` : pick(chance, MAILBOX_HOSTS);
  const interest = pick(chance, INTERESTS);
  const company = firm === "" ? "" : withLegalForm(chance, type, firm, country);
  const messages = chance() < 0.5 ? (LOCAL_MESSAGES[country.code] ?? MESSAGES) : MESSAGES;
  return {
    name: person.name,
    company,
    email: unique(logins, person.login, host),
    country: country.code,
    phone: chance() < 0.8 ? `${country.dial} 555 01${whole(chance, 0, 99).toString().padStart(2, "0")}` : "",
    customer_type: type,
    employees: firm === "" ? "" : String(Math.round(logUniform(chance, ...TYPE_WORDS[type].employees))),
    ...makeBudget(chance, type, country),
    source: pick(chance, SOURCES),
    interest,
    message: pick(chance, messages)
      .replace("{interest}", interest)
      .replace("{firm}", company || person.name),
  };
}

function makePerson(chance: Chance, country: Country): { name: string; login: string } {
  const full = FULL_NAMES[country.code];
  if (full !== undefined) {
    const [name, login] = pick(chance, full);
    return { name, login };
  }
  const given = pick(chance, country.given);
  const family = pick(chance, country.family);
  return { name: `${given} ${family}`, login: `${latin(given)}.${latin(family)}` };
}

function makeFirm(chance: Chance, type: CustomerType, country: Country): string {
  const noun = pick(chance, TYPE_WORDS[type].nouns);
  const name = pick(chance, FIRM_NAMES);
  if (type === "agency" && chance() < 0.3) return `${noun} "${name}"`;
  return `${name} ${noun} ${country.code}`.replace(/ (DE|US)$/, "");
}

function withLegalForm(chance: Chance, type: CustomerType, firm: string, country: Country): string {
  const bare = firm.replace(/ [A-Z]{2}$/, "");
  if (type === "public-sector" || type === "education" || type === "freelancer") return bare;
  const form = pick(chance, country.legalForms);
  return form.startsWith(",") ? `${bare}${form}` : `${bare} ${form}`;
}

/** A budget is told by two leads in three, as a round sum of the country's own money. */
function makeBudget(chance: Chance, type: CustomerType, country: Country): { budget: string; currency: string } {
  const eur = logUniform(chance, ...TYPE_WORDS[type].budgetEur);
  if (chance() < 0.33) return { budget: "", currency: "" };
  const amount = eur * (country.currency === "JPY" ? 160 : country.currency === "INR" ? 90 : 1);
  const unit = 10 ** Math.max(0, Math.floor(Math.log10(amount)) - 1);
  return { budget: String(Math.round(amount / unit) * unit), currency: country.currency };
}

function asSpam(chance: Chance, row: Row, logins: Set<string>): Row {
  const login = row.email.split("@")[0]!;
  const email = chance() < 0.6 ? unique(logins, login, pick(chance, DISPOSABLE_HOSTS)) : row.email;
  return { ...row, email, message: pick(chance, SPAM_MESSAGES), phone: "" };
}

/** Puts a second copy of a lead somewhere behind the first; forms are sent twice, and people type in capitals. */
function addDuplicate(chance: Chance, rows: Row[], originals: readonly Row[], changed: boolean): void {
  const original = pick(chance, originals);
  const behind = whole(chance, rows.indexOf(original) + 1, rows.length);
  const typed = chance();
  const email = typed < 0.35 ? original.email.toUpperCase() : typed < 0.5 ? ` ${original.email} ` : original.email;
  const message = changed ? "I wrote before: please count me in for the training as well." : original.message;
  rows.splice(behind, 0, { ...original, email, message });
}

/** "Jürgen Größer" → "jurgen-grosser": what is left of a text in an address. */
function latin(text: string): string {
  const special: Readonly<Record<string, string>> = { ł: "l", ß: "ss", ø: "o", ı: "i" };
  return text
    .toLowerCase()
    .replace(/[łßøı]/g, (letter) => special[letter] ?? letter)
    .normalize("NFD")
    .replace(/[^a-z0-9 -]/g, "")
    .trim()
    .replace(/[ -]+/g, "-");
}

function unique(taken: Set<string>, login: string, host: string): string {
  let email = `${login}@${host}`;
  for (let number = 2; taken.has(email); number++) email = `${login}${number}@${host}`;
  taken.add(email);
  return email;
}

function weighted<T>(chance: Chance, items: readonly T[], weightOf: (item: T) => number): T {
  let left = chance() * items.reduce((sum, item) => sum + weightOf(item), 0);
  for (const item of items) {
    left -= weightOf(item);
    if (left < 0) return item;
  }
  return pick(chance, items);
}

function shuffled<T>(chance: Chance, items: readonly T[]): T[] {
  const result = [...items];
  for (let index = result.length - 1; index > 0; index--) {
    const other = whole(chance, 0, index);
    [result[index], result[other]] = [result[other]!, result[index]!];
  }
  return result;
}

function cell(text: string): string {
  return /[",\n]|^ | $/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

if (import.meta.main) {
  writeFileSync(new URL("leads.csv", import.meta.url), makeLeads("lead-intake"));
}
