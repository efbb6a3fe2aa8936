/** Asks a CRM over HTTP; knows which of its refusals are worth another attempt. */
import { z } from "zod";
import type { Company } from "./company-facts.ts";

export interface Crm {
  /** Throws CrmRefused for any answer but the company's facts. */
  lookup(email: string, call: { readonly idempotencyKey: string; readonly signal: AbortSignal }): Promise<Company>;
}

/** The CRM's answer, checked: what another system sends is not trusted to be what its manual says. */
const CompanyAnswer = z.object({
  domain: z.string(),
  size: z.number().int().nonnegative(),
  industry: z.string(),
  revenue: z.number().nonnegative(),
  customer: z.boolean(),
});

export class CrmRefused extends Error {
  readonly status: number;

  constructor(email: string, status: number, body: string) {
    super(`The CRM answered ${status} when asked for ${email}: ${body.slice(0, 200)}`);
    this.name = "CrmRefused";
    this.status = status;
  }
}

/** True for what asking again cannot mend; busy (429) and broken (5xx) pass. */
export function isFinalRefusal(error: unknown): boolean {
  return error instanceof CrmRefused && error.status < 500 && error.status !== 429 && error.status !== 408;
}

export function crmAt(url: string): Crm {
  return {
    async lookup(email, { idempotencyKey, signal }) {
      const address = new URL("companies", url.endsWith("/") ? url : `${url}/`);
      address.searchParams.set("email", email);
      const response = await fetch(address, { headers: { "idempotency-key": idempotencyKey }, signal });
      const body = await response.text();
      if (!response.ok) throw new CrmRefused(email, response.status, body);
      return CompanyAnswer.parse(JSON.parse(body));
    },
  };
}
