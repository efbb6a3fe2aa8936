/** The whole example against a CRM with a quota, which refuses nothing as long as the limits of the steps are inside it. */
import assert from "node:assert/strict";
import path from "node:path";
import { test } from "node:test";
import { open } from "tenfold";
import { crmAt } from "../crm-client.ts";
import { startCrm } from "../crm.ts";
import { finishAll, startLeads } from "../intake.ts";
import { leadIntakeFor } from "../lead-intake.ts";
import { openLeads } from "../leads.ts";
import { messageIdOf, type LetterPost } from "../letters.ts";
import type { CrmLimits } from "../steps.ts";

const rows = await Array.fromAsync(await openLeads(path.join(import.meta.dirname, "../leads.csv")));
const post: LetterPost = {
  send: async ({ to, subject }, { key }) => ({ messageId: messageIdOf(key), to: to.address, subject }),
};

/** A fifth of the time that a real CRM takes, and of the calls at once. */
const LATENCY = 0.2;
const QUOTA = { perSecond: 240, atOnce: 80 };

async function takeIn(count: number, crmLimits: CrmLimits) {
  const crm = await startCrm({ latency: LATENCY, quota: QUOTA });
  const workflow = leadIntakeFor({ crm: crmAt(crm.url), crmLimits, post });
  const tenfold = await open({ store: ":memory:", workflows: [workflow] });
  const { runs } = await startLeads(tenfold, workflow, rows.slice(0, count));
  const { failures } = await finishAll(tenfold, runs);
  await tenfold.close();
  await crm.close();
  return { refusedCalls: crm.refusedCalls, completed: runs.size - failures.length, failures };
}

test("with limits that are inside its quota the CRM never says 429, from the first lead to the last", async () => {
  const { refusedCalls, completed } = await takeIn(rows.length, { rate: "180/s", concurrency: 70 });
  assert.deepEqual([refusedCalls, completed], [0, 463]);
});

test("without limits it does, and the leads are taken in all the same, since the line waits as long as it is told to", async () => {
  const { refusedCalls, failures } = await takeIn(150, { rate: "1000000/s", concurrency: 1_000_000 });
  assert.ok(refusedCalls > 0);
  assert.deepEqual(failures, []);
});
