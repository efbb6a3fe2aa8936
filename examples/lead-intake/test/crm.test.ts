/** The local CRM and its client: what it answers, when it refuses, and that asking again helps. */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { companyOf } from "../company-facts.ts";
import { CrmRefused, crmAt, isFinalRefusal } from "../crm-client.ts";
import { fateOf, startCrm } from "../crm.ts";

const crm = await startCrm({ latency: 0 });
const client = crmAt(crm.url);
after(() => crm.close());

const EMAILS = Array.from({ length: 400 }, (_, index) => `person${index}@firm${index}.example`);

/** The first address whose first call meets this fate. */
function emailWhere(kind: "busy" | "broken"): string {
  return EMAILS.find((email) => fateOf(email, 1).kind === kind)!;
}

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

test("a busy CRM answers 429 with Retry-After, a broken one 500", async () => {
  const [busy, headers] = await statusOf(`${crm.url}/companies?email=${emailWhere("busy")}`, "busy");
  assert.equal(busy, 429);
  assert.equal(headers.get("retry-after"), "1");
  const [broken] = await statusOf(`${crm.url}/companies?email=${emailWhere("broken")}`, "broken");
  assert.equal(broken, 500);
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

test("latency lies between 1.2 and 3.5 seconds, around 2, for every call that is worked on", () => {
  const worked = EMAILS.map((email) => fateOf(email, 1)).filter((fate) => fate.kind !== "busy");
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
