/** What the letters say: a paragraph for each of the twelve customer types, a letter for each thing that can happen. */
import type { Company } from "./company-facts.ts";
import type { CustomerType } from "./customer-types.ts";
import type { Lead } from "./leads.ts";
import type { Letter } from "./letters.ts";
import type { Owner } from "./routing.ts";

interface TypeText {
  /** Ends the sentence "What we do for …". */
  readonly whom: string;
  readonly offer: string;
  /** What we suggest as the next step. */
  readonly next: string;
}

export const TYPE_TEXTS: Readonly<Record<CustomerType, TypeText>> = {
  enterprise: {
    whom: "large groups",
    offer: "We bring an architect, a security review and a rollout plan for each of your countries.",
    next: "May I invite your architects and your procurement to a first hour together?",
  },
  "mid-market": {
    whom: "companies that grow faster than their systems",
    offer: "Most firms of your size are live in six weeks, at a fixed price.",
    next: "Which day next week suits you for thirty minutes on screen?",
  },
  "small-business": {
    whom: "small firms",
    offer: "One price a month, no contract for years, and somebody who answers the phone.",
    next: "Reply with a telephone number and the best time to call.",
  },
  startup: {
    whom: "startups",
    offer: "Founders start free, and pay once they have customers of their own.",
    next: "Tell us your stage, and we send the credits that belong to it.",
  },
  agency: {
    whom: "agencies and their clients",
    offer: "You keep the client and the margin; we keep the platform running under your name.",
    next: "Send us one client's brief, and we answer with a joint offer.",
  },
  reseller: {
    whom: "resellers",
    offer: "A registered deal is protected for ninety days, with a discount that grows with your sales.",
    next: "Please tell us the end customer and the expected date of the order.",
  },
  "public-sector": {
    whom: "public bodies",
    offer: "We are listed in the framework agreements, host in your country and answer tenders in your language.",
    next: "Please send the file number of your procurement, if there is one already.",
  },
  education: {
    whom: "schools and universities",
    offer: "Teaching and research get the full product at a fraction of its price.",
    next: "An address of your institution is enough as proof; a letterhead will do, too.",
  },
  healthcare: {
    whom: "hospitals and practices",
    offer: "Patient data stays in your country, encrypted with your keys, and every access is on record.",
    next: "Our data protection officer would like to meet yours; whom should we write to?",
  },
  nonprofit: {
    whom: "charities",
    offer: "Registered charities pay for support only; the licences are our donation.",
    next: "Send us your registration, and we enrol you for this year's programme.",
  },
  freelancer: {
    whom: "people who work for themselves",
    offer: "Everything that large firms use, for one seat, cancelled with one click.",
    next: "The trial needs no credit card: open it, and import your last invoice.",
  },
  private: {
    whom: "private people",
    offer: "The personal edition is free for as long as you like.",
    next: "Download it, look around, and write to us if something is in your way.",
  },
};

const GREETINGS: Readonly<Record<string, string>> = {
  DE: "Guten Tag",
  AT: "Grüß Gott",
  CH: "Grüezi",
  FR: "Bonjour",
  ES: "Hola",
  PL: "Dzień dobry",
  IT: "Buongiorno",
  SE: "Hej",
  BR: "Olá",
  CN: "您好",
  JP: "こんにちは",
};

export function introduction(lead: Lead, owner: Owner, documents: readonly string[] = []): Letter {
  const enclosed = documents.length === 0 ? [] : [`Ready for you to read: ${documents.join("; ")}.`];
  return toLead(lead, `${owner.name} looks after your request about ${lead.interest}`, [
    `my name is ${owner.name}, and from now on I am the one to turn to. ${TYPE_TEXTS[lead.customer_type].offer}`,
    ...enclosed,
    TYPE_TEXTS[lead.customer_type].next,
    `${owner.name}\n${owner.email}`,
  ]);
}

export function invitation(lead: Lead, owner: Owner): Letter {
  return toLead(lead, "An invitation to our partner programme", [
    `you asked about ${lead.interest}; we think that there is more in it for both of us.`,
    TYPE_TEXTS[lead.customer_type].offer,
    TYPE_TEXTS[lead.customer_type].next,
    `${owner.name}, ${owner.team}\n${owner.email}`,
  ]);
}

export function confirmation(lead: Lead, owner: Owner, registration: { number: string; validUntil: string }): Letter {
  return toLead(lead, `Deal registration ${registration.number}`, [
    `your deal about ${lead.interest} is registered as ${registration.number}, protected until ${registration.validUntil}.`,
    TYPE_TEXTS[lead.customer_type].offer,
    TYPE_TEXTS[lead.customer_type].next,
    `${owner.name}, ${owner.team}\n${owner.email}`,
  ]);
}

export function enrolment(lead: Lead, grant: { programme: string; discountPercent: number }): Letter {
  return toLead(lead, `${grant.programme}: ${grant.discountPercent} % off`, [
    `you qualify for our programme "${grant.programme}", with ${grant.discountPercent} % off the list price.`,
    TYPE_TEXTS[lead.customer_type].offer,
    TYPE_TEXTS[lead.customer_type].next,
  ]);
}

/** The first of a series that keeps in touch without a person behind it. */
export function newsletter(lead: Lead): Letter {
  return toLead(lead, `Getting started with ${lead.interest}`, [
    `thank you for asking about ${lead.interest}. What we do for ${TYPE_TEXTS[lead.customer_type].whom}, in short:`,
    TYPE_TEXTS[lead.customer_type].offer,
    TYPE_TEXTS[lead.customer_type].next,
  ]);
}

/** Not to the lead but to our own person, who should know before the telephone rings. */
export function handoverNote(lead: Lead, owner: Owner, company: Company, points: number): Letter {
  const bought = company.customer ? "buys from us already" : "new to us";
  return {
    to: { name: owner.name, address: owner.email },
    subject: `New lead: ${lead.name}, ${lead.company ?? lead.customer_type} (${points} points)`,
    text: [
      `${lead.name} <${lead.email}>, ${lead.country}${lead.phone === null ? "" : `, ${lead.phone}`}`,
      `${lead.company ?? "no company"}: ${company.size} people, ${company.industry}, ${bought}`,
      `${lead.customer_type}, wants ${lead.interest}, ${budgetText(lead)}, came by ${lead.source}`,
      "",
      lead.message ?? "(no message)",
    ].join("\n"),
  };
}

function toLead(lead: Lead, subject: string, paragraphs: readonly string[]): Letter {
  const greeting = `${GREETINGS[lead.country] ?? "Hello"} ${lead.name},`;
  return { to: { name: lead.name, address: lead.email }, subject, text: [greeting, ...paragraphs].join("\n\n") };
}

function budgetText(lead: Lead): string {
  return lead.budget === null ? "budget not told" : `budget ${lead.budget} ${lead.currency}`;
}
