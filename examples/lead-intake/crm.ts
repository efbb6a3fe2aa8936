/**
 * A small CRM that runs on this machine, as slow and as moody as a real one: about 2 s an answer, now and then a 500, and
 * 429 for all that is beyond its quota. Invariants: what happens to a call within the quota depends on luck, subject and
 * number only; no subject fails three times; a deal that is filed twice under one key is one deal.
 */
import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { z } from "zod";
import { companyOf } from "./company-facts.ts";
import { turnstileOf } from "./crm-quota.ts";
import type { Quota } from "./crm-quota.ts";
import { logNormal, seeded } from "./seeded.ts";

export interface CrmOptions {
  /** 1 is as slow as a real CRM; 0 answers at once. */
  readonly latency?: number;
  /** The seed of its moods. The CRM forgets its calls when it ends: with the same luck, the same calls would fail again. */
  readonly luck?: string;
  readonly quota?: Quota;
}

export interface LocalCrm {
  /** Its address: a setting of the workflow, as a real CRM's would be. */
  readonly url: string;
  /** How often each key was asked for, whatever was answered. */
  readonly calls: ReadonlyMap<string, number>;
  /** How many calls were answered 429. */
  readonly refusedCalls: number;
  /** The numbers of the deals that were filed, the first first. */
  readonly deals: readonly string[];
  close(): Promise<void>;
}

/** What happens to one call; `attempt` counts from 1. */
export type Fate = { readonly kind: "answer" | "broken"; readonly latencyMs: number };

const LOCAL_QUOTA: Quota = { perSecond: 240, atOnce: 350 };
/** How long it takes to file a deal, beside looking somebody up, which has to be gathered from many places. */
const FILING_SHARE = 0.25;
const BROKEN_SHARE = 0.04;
const NEVER_FAILS_FROM_ATTEMPT = 3;
/** Whatever was refused for, a second later there is room again, or nearly. */
const RETRY_AFTER_SECONDS = 1;

const Filed = z.object({ email: z.string(), number: z.string(), validUntil: z.string() });

/** `subject` is the e-mail that is looked up, or the deal that is filed. */
export function fateOf(subject: string, attempt: number, luck = ""): Fate {
  const chance = seeded(`${luck} ${subject} ${attempt}`);
  const latencyMs = logNormal(chance, 2000, 0.25, 1200, 3500);
  const isBroken = attempt < NEVER_FAILS_FROM_ATTEMPT && chance() < BROKEN_SHARE;
  // What breaks does so in the middle of the work.
  return isBroken ? { kind: "broken", latencyMs: latencyMs / 2 } : { kind: "answer", latencyMs };
}

/** A call that the CRM understands. */
interface Question {
  readonly subject: string;
  /** How long it takes, as a share of what a lookup does. */
  readonly effort: number;
  /** What it answers, when it does; called once a key. */
  answer(): { readonly status: number; readonly body: object };
}

export async function startCrm({ latency = 1, luck, quota = LOCAL_QUOTA }: CrmOptions = {}): Promise<LocalCrm> {
  const calls = new Map<string, number>();
  const answered = new Map<string, ReturnType<Question["answer"]>>();
  const deals: string[] = [];
  const turnstile = turnstileOf(quota);
  let refusedCalls = 0;

  async function receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
    // Who is beyond the quota is told so at once, before anything is read or looked for.
    if (!turnstile.enter(performance.now())) {
      refusedCalls++;
      const headers = { "retry-after": String(RETRY_AFTER_SECONDS) };
      return reply(response, 429, { error: "Too many calls" }, headers);
    }
    try {
      await respond(request, response);
    } finally {
      turnstile.leave();
    }
  }

  async function respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const question = await questionOf(request);
    if (question === undefined) {
      const error =
        "Ask GET /companies?email=someone@company.example, or POST /deals with email, number and validUntil";
      return reply(response, 404, { error });
    }
    const key = request.headers["idempotency-key"]?.toString() ?? question.subject;
    const attempt = (calls.get(key) ?? 0) + 1;
    calls.set(key, attempt);

    // A key that was answered before gets the same answer, and at once.
    const known = answered.get(key);
    if (known !== undefined) return reply(response, known.status, known.body, { "idempotent-replayed": "true" });

    const fate = fateOf(question.subject, attempt, luck);
    await pauseOrHangUp(fate.latencyMs * question.effort * latency, response);
    if (response.destroyed) return;
    if (fate.kind === "broken") return reply(response, 500, { error: "The CRM tripped over itself" });
    const { status, body } = answered.get(key) ?? question.answer();
    answered.set(key, { status, body });
    reply(response, status, body);
  }

  async function questionOf(request: IncomingMessage): Promise<Question | undefined> {
    const asked = new URL(request.url ?? "/", "http://crm.example");
    const email = asked.searchParams.get("email");
    if (request.method === "GET" && asked.pathname === "/companies" && email !== null) {
      return { subject: email, effort: 1, answer: () => ({ status: 200, body: companyOf(email) }) };
    }
    if (request.method !== "POST" || asked.pathname !== "/deals") return undefined;
    const { number } = Filed.parse(JSON.parse(await text(request)));
    const answer = () => {
      deals.push(number);
      return { status: 201, body: { number } };
    };
    return { subject: `deal ${number}`, effort: FILING_SHARE, answer };
  }

  const server = createServer((request, response) => {
    // What is no deal, or ends in the middle of one, is hung up on.
    receive(request, response).catch(() => response.destroy());
  });
  // Every lead may ask at once: the line of connections not yet accepted must hold them all.
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen({ port: 0, host: "127.0.0.1", backlog: 2048 }, resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    calls,
    get refusedCalls() {
      return refusedCalls;
    },
    deals,
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
