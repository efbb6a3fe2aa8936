/** The local CRM and its client: what it answers, when it refuses, and that asking again helps. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import fc from "fast-check";
import { RateLimited } from "tenfold";
import { companyOf } from "../company-facts.ts";
import { CrmRefused, crmAt, isFinalRefusal } from "../crm-client.ts";
import { turnstileOf } from "../crm-quota.ts";
import { fateOf, startCrm } from "../crm.ts";

const crm = await startCrm({ latency: 0, quota: { perSecond: 1e6, atOnce: 1e6 } });
const client = crmAt(crm.url);
after(() => crm.close());

const EMAILS = Array.from({ length: 400 }, (_, index) => `person${index}@firm${index}.example`);

function call(key: string) {
  return { idempotencyKey: key, signal: AbortSignal.timeout(30_000) };
}

async function statusOf(address: string, key: string): Promise<[status: number, headers: Headers]> {
  const response = await fetch(address, { headers: { "idempotency-key": key } });
  await response.body?.cancel();
  return [response.status, response.headers];
}

test("the facts of a company depend on the domain alone", async () => {
  const [one, other] = await Promise.all(["facts-1", "facts-2"].map((key) => client.lookup(EMAILS[0]!, call(key))));
  assert.deepEqual(one, other);
  assert.deepEqual(companyOf("a@nova-labs.example"), companyOf("b@NOVA-labs.example"));
});

test("several hundred callers at once all get an answer within three attempts each", async () => {
  const attempts = await Promise.all(
    EMAILS.map(async (email) => {
      for (let attempt = 1; ; attempt++) {
        const refused = await client.lookup(email, call(`crowd ${email}`)).then(
          () => undefined,
          (error: unknown) => error,
        );
        if (refused === undefined) return attempt;
        assert.ok(refused instanceof CrmRefused && !isFinalRefusal(refused), String(refused));
      }
    }),
  );
  assert.ok(Math.max(...attempts) <= 3);
  assert.ok(
    attempts.some((count) => count > 1),
    "a CRM that never fails would show nothing",
  );
});

test("a broken CRM answers 500", async () => {
  const email = EMAILS.find((address) => fateOf(address, 1).kind === "broken")!;
  const [status] = await statusOf(`${crm.url}/companies?email=${email}`, "broken");
  assert.equal(status, 500);
});

test("beyond its quota a CRM answers 429 with Retry-After at once, which is a pause to the client, and counts it", async () => {
  const strict = await startCrm({ latency: 0, quota: { perSecond: 1, atOnce: 9 } });
  const address = `${strict.url}/companies?email=${EMAILS[0]!}`;
  await statusOf(address, "first");
  const [status, headers] = await statusOf(address, "second");
  assert.deepEqual([status, headers.get("retry-after"), strict.refusedCalls], [429, "1", 1]);
  const paused = await crmAt(strict.url)
    .lookup(EMAILS[0]!, call("third"))
    .catch((error: unknown) => error);
  assert.ok(paused instanceof RateLimited && !isFinalRefusal(paused));
  assert.equal(paused.retryAfterMs, 1000);
  assert.equal(strict.refusedCalls, 2);
  await strict.close();
});

test("in no second a quota takes more calls than it says, nor works on more at once, and it refuses none that fits", () => {
  const steps = fc.array(fc.record({ afterMs: fc.nat(400), leaves: fc.nat(3) }), { maxLength: 80 });
  const sizes = fc.record({ perSecond: fc.integer({ min: 1, max: 6 }), atOnce: fc.integer({ min: 1, max: 6 }) });
  fc.assert(
    fc.property(sizes, steps, (quota, calls) => {
      const turnstile = turnstileOf(quota);
      const taken: number[] = [];
      let now = 0;
      let inside = 0;
      for (const { afterMs, leaves } of calls) {
        now += afterMs;
        for (let left = Math.min(leaves, inside); left > 0; left--, inside--) turnstile.leave();
        const lately = taken.filter((at) => at > now - 1000).length;
        const isTaken = turnstile.enter(now);
        assert.equal(isTaken, lately < quota.perSecond && inside < quota.atOnce);
        if (!isTaken) continue;
        taken.push(now);
        inside++;
      }
    }),
  );
});

test("a caller who hangs up makes room for another", async () => {
  const narrow = await startCrm({ quota: { perSecond: 1e6, atOnce: 1 } });
  const hangUp = new AbortController();
  const first = fetch(`${narrow.url}/companies?email=${EMAILS[0]!}`, { signal: hangUp.signal });
  // Whoever comes second is refused as long as the first one is inside; so the first one is.
  while ((await statusOf(`${narrow.url}/nowhere`, "probe"))[0] !== 429);
  hangUp.abort();
  await assert.rejects(first, { name: "AbortError" });
  while ((await statusOf(`${narrow.url}/nowhere`, "probe"))[0] === 429);
  await narrow.close();
});

test("a deal that is filed twice under one key is one deal", async () => {
  const deal = { number: "DE-000001", validUntil: "2026-04-15" };
  await client.fileDeal(EMAILS[0]!, deal, call("deal"));
  await client.fileDeal(EMAILS[0]!, deal, call("deal"));
  assert.deepEqual(crm.deals, ["DE-000001"]);
});

test("a key that was answered is answered alike again, and the calls of a key are counted", async () => {
  const email = EMAILS.find((address) => fateOf(address, 1).kind === "answer")!;
  await client.lookup(email, call("again"));
  const [status, headers] = await statusOf(`${crm.url}/companies?email=${email}`, "again");
  assert.equal(status, 200);
  assert.equal(headers.get("idempotent-replayed"), "true");
  assert.equal(crm.calls.get("again"), 2);
});

test("a question that the CRM does not know is a final refusal", async () => {
  const lost = await crmAt(`${crm.url}/nowhere`)
    .lookup(EMAILS[0]!, call("lost"))
    .catch((error: unknown) => error);
  assert.ok(lost instanceof CrmRefused);
  assert.equal(lost.status, 404);
  assert.ok(isFinalRefusal(lost));
});

test("latency lies between 1.2 and 3.5 seconds, around 2, for every call that is answered", () => {
  const worked = EMAILS.map((email) => fateOf(email, 1)).filter((fate) => fate.kind === "answer");
  const latencies = worked.map((fate) => fate.latencyMs).sort((one, other) => one - other);
  assert.ok(latencies[0]! >= 1200 && latencies.at(-1)! <= 3500);
  const median = latencies[latencies.length >> 1]!;
  assert.ok(median > 1800 && median < 2200, `the median is ${median}`);
});

test("a caller who gives up is let go", async () => {
  const slow = await startCrm();
  const hangUp = new AbortController();
  const waiting = crmAt(slow.url).lookup(EMAILS[0]!, { idempotencyKey: "gone", signal: hangUp.signal });
  hangUp.abort();
  await assert.rejects(waiting, { name: "AbortError" });
  await slow.close();
});
