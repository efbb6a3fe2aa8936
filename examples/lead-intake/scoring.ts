/** How promising a lead is, from 0 to 100 points; each customer type weighs size, budget and source in its own way. */
import type { Company } from "./company-facts.ts";
import type { CustomerType } from "./customer-types.ts";
import type { Lead } from "./leads.ts";

export interface Scoring {
  /** Points that every lead of this type begins with. */
  readonly base: number;
  /** Most points for the company's size, given in full from `fullSize` people on. */
  readonly size: number;
  readonly fullSize: number;
  /** Most points for the budget, given in full from `fullBudget` EUR on. */
  readonly budget: number;
  readonly fullBudget: number;
  /** Points for having come through one of these sources. */
  readonly source: number;
  readonly goodSources: readonly string[];
  /** From how many points on a lead is hot, and from how many it is warm. */
  readonly hot: number;
  readonly warm: number;
}

export type Tier = "hot" | "warm" | "cold" | "spam";

const PERSONAL = ["referral", "partner", "trade-fair"];
const ONLINE = ["website", "webinar", "search-ad", "newsletter"];

export const SCORING: Readonly<Record<CustomerType, Scoring>> = {
  enterprise: scoring({ base: 30, size: 30, fullSize: 20_000, budget: 25, fullBudget: 500_000, hot: 80, warm: 45 }),
  "mid-market": scoring({ base: 20, size: 30, fullSize: 1500, budget: 35, fullBudget: 120_000, hot: 72, warm: 40 }),
  "small-business": scoring({ base: 15, size: 20, fullSize: 80, budget: 45, fullBudget: 15_000, hot: 62, warm: 35 }),
  startup: scoring({ base: 25, size: 15, fullSize: 60, budget: 40, fullBudget: 30_000, hot: 65, warm: 38 }),
  agency: scoring({ base: 20, size: 25, fullSize: 100, budget: 35, fullBudget: 45_000, hot: 60, warm: 38 }),
  reseller: scoring({ base: 25, size: 35, fullSize: 300, budget: 25, fullBudget: 100_000, hot: 72, warm: 40 }),
  "public-sector": scoring({ base: 20, size: 25, fullSize: 8000, budget: 40, fullBudget: 300_000, hot: 68, warm: 42 }),
  education: scoring({ base: 20, size: 40, fullSize: 4000, budget: 25, fullBudget: 60_000, hot: 65, warm: 40 }),
  healthcare: scoring({ base: 25, size: 30, fullSize: 5000, budget: 30, fullBudget: 200_000, hot: 66, warm: 42 }),
  nonprofit: scoring({ base: 30, size: 30, fullSize: 250, budget: 20, fullBudget: 15_000, hot: 68, warm: 44 }),
  freelancer: scoring({ base: 15, budget: 55, fullBudget: 3000, goodSources: ONLINE, hot: 68, warm: 35 }),
  private: scoring({ base: 10, budget: 60, fullBudget: 800, goodSources: ONLINE, hot: 70, warm: 30 }),
};

/** Rough rates, enough to compare budgets; a currency that is not listed counts as the euro. */
const EUR_PER_UNIT: Readonly<Record<string, number>> = {
  EUR: 1,
  USD: 0.9,
  GBP: 1.17,
  CHF: 1.05,
  PLN: 0.23,
  SEK: 0.09,
  CAD: 0.65,
  BRL: 0.16,
  INR: 0.011,
  CNY: 0.13,
  JPY: 0.0062,
};

export function scoreLead(lead: Lead, company: Company): number {
  const weights = SCORING[lead.customer_type];
  const people = Math.max(company.size, lead.employees ?? 0);
  const budgetEur = (lead.budget ?? 0) * (EUR_PER_UNIT[lead.currency ?? "EUR"] ?? 1);
  const points =
    weights.base +
    weights.size * share(people, weights.fullSize) +
    weights.budget * share(budgetEur, weights.fullBudget) +
    (weights.goodSources.includes(lead.source) ? weights.source : 0);
  return Math.round(Math.min(100, points));
}

export function tierOf(type: CustomerType, points: number): Exclude<Tier, "spam"> {
  const { hot, warm } = SCORING[type];
  return points >= hot ? "hot" : points >= warm ? "warm" : "cold";
}

/** 1 from `full` on, half of it at a tenth, nothing at a hundredth: what counts is the order of magnitude. */
function share(amount: number, full: number): number {
  if (amount <= 0) return 0;
  return Math.min(1, Math.max(0, 1 + Math.log10(amount / full) / 2));
}

function scoring(weights: Partial<Scoring> & Pick<Scoring, "base" | "hot" | "warm">): Scoring {
  return {
    size: 0,
    fullSize: 1,
    budget: 0,
    fullBudget: 1,
    source: 15,
    goodSources: PERSONAL,
    ...weights,
  };
}
