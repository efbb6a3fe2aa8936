/**
 * A small CRM that runs on this machine, as slow and as moody as a real one: about 2 s an answer, now and then a 429
 * or a 500. Invariants: what happens to a call depends on luck, e-mail and number only; no lookup fails three times.
 */
import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { companyOf } from "./company-facts.ts";
import type { Company } from "./company-facts.ts";
import { logNormal, seeded } from "./seeded.ts";

export interface CrmOptions {
  /** 1 is as slow as a real CRM; 0 answers at once. */
  readonly latency?: number;
  /** The seed of its moods. The CRM forgets its calls when it ends: with the same luck, the same calls would fail again. */
  readonly luck?: string;
}

export interface LocalCrm {
  /** Its address: a setting of the workflow, as a real CRM's would be. */
  readonly url: string;
  /** How often each key was asked for, whatever was answered. */
  readonly calls: ReadonlyMap<string, number>;
  close(): Promise<void>;
}

/** What happens to one call; `attempt` counts from 1. */
export type Fate = { readonly kind: "answer" | "busy" | "broken"; readonly latencyMs: number };

const BUSY_SHARE = 0.06;
const BROKEN_SHARE = 0.04;
const NEVER_FAILS_FROM_ATTEMPT = 3;
const RETRY_AFTER_SECONDS = 1;

export function fateOf(email: string, attempt: number, luck = ""): Fate {
  const chance = seeded(`${luck} ${email} ${attempt}`);
  const latencyMs = logNormal(chance, 2000, 0.25, 1200, 3500);
  const drawn = attempt < NEVER_FAILS_FROM_ATTEMPT ? chance() : 1;
  // A server that is too busy says so quickly; one that breaks does so after having tried.
  if (drawn < BUSY_SHARE) return { kind: "busy", latencyMs: latencyMs / 20 };
  return { kind: drawn < BUSY_SHARE + BROKEN_SHARE ? "broken" : "answer", latencyMs };
}

export async function startCrm(options: CrmOptions = {}): Promise<LocalCrm> {
  const calls = new Map<string, number>();
  const answered = new Map<string, Company>();

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const asked = new URL(request.url ?? "/", "http://crm.example");
    const email = asked.searchParams.get("email");
    if (request.method !== "GET" || asked.pathname !== "/companies" || email === null) {
      return reply(response, 404, { error: "Ask GET /companies?email=someone@company.example" });
    }
    const key = request.headers["idempotency-key"]?.toString() ?? email;
    const attempt = (calls.get(key) ?? 0) + 1;
    calls.set(key, attempt);

    // A key that was answered before gets the same answer, and costs nothing.
    const known = answered.get(key);
    if (known !== undefined) return reply(response, 200, known, { "idempotent-replayed": "true" });

    const fate = fateOf(email, attempt, options.luck);
    await pauseOrHangUp(fate.latencyMs * (options.latency ?? 1), response);
    if (response.destroyed) return;
    switch (fate.kind) {
      case "busy":
        return reply(response, 429, { error: "Too many lookups" }, { "retry-after": String(RETRY_AFTER_SECONDS) });
      case "broken":
        return reply(response, 500, { error: "The CRM tripped over itself" });
      case "answer":
        answered.set(key, companyOf(email));
        return reply(response, 200, companyOf(email));
    }
  }

  const server = createServer((request, response) => void answer(request, response));
  // Every lead may ask at once: the line of connections not yet accepted must hold them all.
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen({ port: 0, host: "127.0.0.1", backlog: 2048 }, resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    calls,
    close() {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

/** Resolves when the time is over, or at once when the caller has hung up. */
function pauseOrHangUp(ms: number, response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    response.once("close", () => {
      clearTimeout(timer);
      resolve();
    });
  });
}

function reply(response: ServerResponse, status: number, body: object, headers: Record<string, string> = {}): void {
  response.writeHead(status, { "content-type": "application/json", ...headers }).end(JSON.stringify(body));
}
