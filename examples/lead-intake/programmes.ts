/** The small print of three paths: documents for regulated customers, grants, and deal registrations of resellers. */
import type { Company } from "./company-facts.ts";
import type { Lead } from "./leads.ts";

const EUROPE = new Set(["DE", "AT", "FR", "ES", "IT", "PL", "SE", "IE"]);

/** What somebody who answers for patients' or citizens' data must be able to read before the first meeting. */
export function documentsFor(lead: Lead): string[] {
  const privacy = EUROPE.has(lead.country) ? "data processing agreement (GDPR, Art. 28)" : "data protection addendum";
  const sector =
    lead.customer_type === "healthcare" ? "statement on patient data" : "list of framework agreements and certificates";
  return [privacy, sector, "security whitepaper"];
}

export interface Grant {
  readonly programme: string;
  readonly discountPercent: number;
}

export function grantFor(lead: Lead, company: Company): Grant {
  if (lead.customer_type === "nonprofit") return { programme: "Licences for Good", discountPercent: 100 };
  return { programme: "Campus", discountPercent: company.size > 1000 ? 60 : 80 };
}

export interface Registration {
  readonly number: string;
  /** The last day of protection, as YYYY-MM-DD. */
  readonly validUntil: string;
}

const PROTECTED_DAYS = 90;

/** `chance` in [0, 1) and `now` come from the step's `ctx`: another attempt registers the deal under the same number. */
export function registerDeal(lead: Lead, chance: number, now: number): Registration {
  const number = `${lead.country}-${Math.floor(chance * 1_000_000)
    .toString()
    .padStart(6, "0")}`;
  const validUntil = new Date(now + PROTECTED_DAYS * 86_400_000).toISOString().slice(0, 10);
  return { number, validUntil };
}
