/** Tells spam from leads by what stands in the form alone: no network, so it runs while the CRM is still thinking. */
import type { Lead } from "./leads.ts";

export interface Screening {
  readonly spam: boolean;
  /** What spoke against the lead, in words; also where it was let through. */
  readonly reasons: string[];
}

const DISPOSABLE_HOSTS = new Set(["trashbox.example", "ten-minutes.example", "throwaway.example"]);

/** Each sign weighs; a lead is spam from 2 on, so that a single link or one loud word condemns nobody. */
const SIGNS: readonly { readonly reason: string; readonly weight: number; applies(lead: Lead): boolean }[] = [
  { reason: "disposable mailbox", weight: 2, applies: (lead) => DISPOSABLE_HOSTS.has(lead.email.split("@")[1] ?? "") },
  { reason: "several links", weight: 2, applies: (lead) => count(lead.message, /https?:\/\//g) >= 2 },
  { reason: "one link", weight: 1, applies: (lead) => count(lead.message, /https?:\/\//g) === 1 },
  {
    reason: "words of spam",
    weight: 1,
    applies: (lead) => count(lead.message, /casino|backlinks|crypto|followers|your prize|guaranteed/gi) > 0,
  },
  { reason: "repeats itself", weight: 1, applies: (lead) => count(lead.message, /best price/gi) >= 2 },
];

const SPAM_FROM = 2;

export function screenLead(lead: Lead): Screening {
  const found = SIGNS.filter((sign) => sign.applies(lead));
  const weight = found.reduce((sum, sign) => sum + sign.weight, 0);
  return { spam: weight >= SPAM_FROM, reasons: found.map((sign) => sign.reason) };
}

function count(text: string | null, pattern: RegExp): number {
  return text?.match(pattern)?.length ?? 0;
}
