/** The steps that the flow tests draw with. */
import { step } from "../../src/flow/index.ts";

export interface Lead {
  readonly email: string;
  readonly tier: "hot" | "warm" | "spam";
  readonly points: number;
  readonly vip: boolean;
  readonly name?: string;
  readonly orders: readonly Order[];
  readonly payment: Payment;
}

export interface Order {
  readonly id: string;
  readonly total: number;
}

export type Payment =
  { readonly kind: "card"; readonly last4: string } | { readonly kind: "transfer"; readonly iban: string };

export interface Company {
  readonly size: number;
}

export const enrich = step("enrich", { run: (lead: Lead): Company => ({ size: lead.points }) });
export const screen = step("screen", { run: (lead: Lead) => lead.vip });
export const score = step("score", { run: (given: { lead: Lead; company: Company }) => given.company.size });
export const segment = step("segment", { run: (points: number) => (points > 80 ? "hot" : "warm") });
export const introduce = step("introduce", { run: (lead: Lead) => `Dear ${lead.email}` });
export const nurture = step("nurture", { run: (lead: Lead) => `News for ${lead.email}` });
export const discard = step("discard", { run(_lead: Lead) {} });
export const price = step("price", { run: (order: Order) => order.total });
export const greet = step("greet", { run: (name: string) => `Dear ${name}` });
export const ping = step("ping", { run() {} });
