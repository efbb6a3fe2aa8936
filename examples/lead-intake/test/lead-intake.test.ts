/** The whole workflow on a virtual clock, against a CRM and a post that are made up here: ways, retries, and a crash. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { RateLimited, RunFailed } from "tenfold";
import { failsFirst, openTest } from "tenfold/testing";
import type { Company } from "../company-facts.ts";
import { CrmRefused } from "../crm-client.ts";
import { leadIntakeFor } from "../lead-intake.ts";
import { LEAD } from "./wang-wei.ts";
import { messageIdOf, type Letter } from "../letters.ts";
import type { Systems } from "../steps.ts";

const COMPANY: Company = {
  domain: "nova-labs.example",
  size: 12,
  industry: "technology",
  revenue: 720_000,
  customer: false,
};
/** Systems that answer at once, and the letters that they were given. */
function systemsOf(company: Company) {
  const letters: (Letter & { readonly messageId: string; readonly at: number })[] = [];
  const systems: Systems = {
    crm: { lookup: async () => company, fileDeal: async () => {} },
    crmLimits: { rate: "100/s", concurrency: 10 },
    post: {
      async send(letter, { key, now }) {
        const messageId = messageIdOf(key);
        letters.push({ ...letter, messageId, at: now() });
        return { messageId, to: letter.to.address, subject: letter.subject };
      },
    },
  };
  return { intake: leadIntakeFor(systems), letters };
}

test("a reseller's deal is registered and confirmed, one who buys already is handed over", async () => {
  const { intake, letters } = systemsOf(COMPANY);
  await using env = await openTest({ workflows: [intake] });
  const run = await env.tenfold.start(intake, LEAD);
  const { path, owner } = await env.finish(run);
  assert.equal(path, "channel");
  assert.deepEqual(env.path(run).slice(-4), [
    "match-path: channel",
    "match-path/channel/assign",
    "match-path/channel/register",
    "match-path/channel/confirm",
  ]);
  assert.match(letters[0]!.subject, /^Deal registration CN-\d+$/);

  const known = systemsOf({ ...COMPANY, customer: true });
  await using other = await openTest({ workflows: [known.intake] });
  const handedOver = await other.finish(await other.tenfold.start(known.intake, LEAD));
  assert.equal(handedOver.path, "customer");
  assert.notEqual(handedOver.owner, owner);
});

test("a worker that dies once a letter is out sends the same letter again, byte for byte", async () => {
  const { intake, letters } = systemsOf(COMPANY);
  await using env = await openTest({ workflows: [intake] });
  env.crashAfter("confirm", { downFor: "2 days" });
  await env.finish(await env.tenfold.start(intake, LEAD));
  assert.equal(letters.length, 2);
  assert.deepEqual(letters[1], letters[0]);
  assert.equal(env.calls("enrich").length, 1, "what was recorded is not asked again");
});

test("a busy CRM is asked up to five times, one that knows no such address once", async () => {
  const { intake } = systemsOf(COMPANY);
  await using env = await openTest({ workflows: [intake] });
  const busy = new RateLimited(1000);
  env.stub(
    "enrich",
    failsFirst(4, () => COMPANY, busy),
  );
  await env.finish(await env.tenfold.start(intake, LEAD));
  assert.equal(env.calls("enrich").length, 5);

  env.stub("enrich", () => Promise.reject(new CrmRefused("x", 404, "unknown")));
  const failed = await env.tenfold.start(intake, { ...LEAD, email: "x@nova-labs.example" });
  await assert.rejects(env.finish(failed), (error) => error instanceof RunFailed && error.error.node === "enrich");
  assert.equal(env.calls("enrich").length, 6);
});
