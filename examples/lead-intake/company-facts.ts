/** What the local CRM knows of a company: made up from the domain of an e-mail address, always the same for one domain. */
import { hashOf, logUniform, pick, seeded } from "./seeded.ts";

export interface Company {
  readonly domain: string;
  /** People employed. */
  readonly size: number;
  readonly industry: string;
  /** EUR a year. */
  readonly revenue: number;
  /** Buys from us already. */
  readonly customer: boolean;
}

/** The word in a domain that tells the trade, with the industry and the least and most people such a firm has. */
const TRADES: readonly (readonly [word: RegExp, industry: string, least: number, most: number])[] = [
  [/group|holding|global/, "conglomerate", 2000, 80_000],
  [/logistics|foods|tools/, "industry", 150, 2500],
  [/bakery|joinery|print/, "crafts", 2, 120],
  [/labs|robotics|cloud/, "technology", 2, 90],
  [/studio|media|design/, "creative", 2, 150],
  [/systems|trading|it(?=-|$)/, "it-trade", 6, 600],
  [/city|transit|water/, "public", 80, 12_000],
  [/university|school|academy/, "education", 25, 6000],
  [/clinic|care|diagnostics/, "health", 20, 9000],
  [/relief|foundation|rivers/, "charity", 3, 400],
];

const MAILBOX = /^(post|inbox|mail|briefkasten)\b/;

export function companyOf(email: string): Company {
  const domain = email.slice(email.lastIndexOf("@") + 1).toLowerCase();
  if (MAILBOX.test(domain)) return { domain, size: 1, industry: "unknown", revenue: 0, customer: false };
  const chance = seeded(`company ${domain}`);
  const [, industry, least, most] = TRADES.find(([word]) => word.test(firstLabel(domain))) ?? [/./, "other", 1, 50];
  const size = Math.round(logUniform(chance, least, most));
  const revenuePerHead = pick(chance, [60_000, 110_000, 190_000]);
  return { domain, size, industry, revenue: size * revenuePerHead, customer: hashOf(`customer ${domain}`) % 16 === 0 };
}

function firstLabel(domain: string): string {
  return domain.slice(0, domain.indexOf("."));
}
