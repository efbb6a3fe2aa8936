/** A workflow that tests of the test environment share, and what they ask of errors. */
import assert from "node:assert/strict";
import { after, match, sleep, step, workflow, type Lifted } from "../../src/flow/index.ts";
import { TenfoldError, type ErrorCode } from "../../src/value/error.ts";

export interface Lead {
  readonly email: string;
  readonly size: number;
}

export const enrich = step("enrich", {
  retry: { attempts: 3, first: "1s", jitter: "none" },
  timeout: "10s",
  run: async (lead: Lead): Promise<{ readonly tier: "hot" | "cold" }> => ({ tier: lead.size > 100 ? "hot" : "cold" }),
});
export const call = step("call", { run: (email: string) => `called ${email}` });
export const remind = step("remind", { run: (email: string) => `reminded ${email}` });

/** Enriches, calls at once or reminds three days later. */
export const trial = workflow("trial", {
  flow(lead: Lifted<Lead>) {
    const { tier } = enrich(lead);
    return match(tier, {
      hot: () => call(lead.email),
      cold: () => after(sleep("3 days"), () => remind(lead.email)),
    });
  },
});

export const HOT: Lead = { email: "kim@example.com", size: 500 };
export const COLD: Lead = { email: "sam@example.com", size: 5 };

/** Asserts that `act` is refused with `code`, and that the message has all `parts`. */
export async function refuses(act: () => unknown, code: ErrorCode, ...parts: readonly string[]): Promise<void> {
  const error = await (async () => act())().then(
    () => assert.fail(`expected ${code}, and nothing was refused`),
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof TenfoldError)) throw error;
  assert.equal(error.code, code, error.message);
  for (const part of parts) assert.ok(error.message.includes(part), `${part} is missing in: ${error.message}`);
}

export function realMs(ms: number): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, ms));
}
