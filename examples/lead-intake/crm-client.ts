/** Talks to a CRM over HTTP; knows which of its refusals are worth another attempt, and which ask for a pause. */
import { RateLimited } from "tenfold";
import { z } from "zod";
import type { Company } from "./company-facts.ts";
import type { Registration } from "./programmes.ts";

/** What makes a call the same call in every attempt. */
export interface CrmCall {
  readonly idempotencyKey: string;
  readonly signal: AbortSignal;
}

/** Both throw RateLimited where the CRM asks for a pause, and CrmRefused for any other answer than the one hoped for. */
export interface Crm {
  lookup(email: string, call: CrmCall): Promise<Company>;
  /** Filed twice under one key, it is still one deal. */
  fileDeal(email: string, registration: Registration, call: CrmCall): Promise<void>;
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

  constructor(asked: string, status: number, body: string) {
    super(`The CRM answered ${status} when asked for ${asked}: ${body.slice(0, 200)}`);
    this.name = "CrmRefused";
    this.status = status;
  }
}

/** True for what asking again cannot mend; a broken CRM (5xx) is mended some day. */
export function isFinalRefusal(error: unknown): boolean {
  return error instanceof CrmRefused && error.status < 500 && error.status !== 408;
}

export function crmAt(url: string): Crm {
  const base = url.endsWith("/") ? url : `${url}/`;

  async function ask(address: URL, asked: string, { idempotencyKey, signal }: CrmCall, filed?: object) {
    const response = await fetch(address, {
      ...(filed === undefined ? {} : { method: "POST", body: JSON.stringify(filed) }),
      headers: { "idempotency-key": idempotencyKey, "content-type": "application/json" },
      signal,
    });
    const body = await response.text();
    if (response.status === 429) throw new RateLimited(pauseMs(response.headers), `The CRM answered 429: ${body}`);
    if (!response.ok) throw new CrmRefused(asked, response.status, body);
    return body;
  }

  return {
    async lookup(email, call) {
      const address = new URL("companies", base);
      address.searchParams.set("email", email);
      return CompanyAnswer.parse(JSON.parse(await ask(address, email, call)));
    },
    async fileDeal(email, { number, validUntil }, call) {
      await ask(new URL("deals", base), `deal ${number}`, call, { email, number, validUntil });
    },
  };
}

/** Retry-After is seconds or a date (RFC 9110, 10.2.3); without one the CRM has not said how long. */
function pauseMs(headers: Headers): number {
  const told = headers.get("retry-after") ?? "";
  return /^\d+$/.test(told) ? Number(told) * 1000 : Date.parse(told) - Date.now();
}
