/** The steps, called as plain functions against a local CRM and a local mail sink. */
import assert from "node:assert/strict";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, test } from "node:test";
import { companyOf } from "../company-facts.ts";
import { CrmRefused, crmAt, isFinalRefusal } from "../crm-client.ts";
import { fateOf, startCrm } from "../crm.ts";
import { leadIntakeFor } from "../lead-intake.ts";
import { LEAD } from "./wang-wei.ts";
import { letterPostAt } from "../letters.ts";
import { lettersIn, startMailSink } from "../mail-sink.ts";
import { ownerOf } from "../routing.ts";
import { leadIntakeSteps } from "../steps.ts";

const folder = await mkdtemp(path.join(tmpdir(), "outbox-"));
const crm = await startCrm({ latency: 0 });
const sink = await startMailSink(folder);
const post = letterPostAt(sink.url);
const crmLimits = { rate: "100/s", concurrency: 10 };
const systems = { crm: crmAt(crm.url), crmLimits, post };
const steps = leadIntakeSteps(systems);
after(async () => {
  post.close();
  await Promise.all([crm.close(), sink.close()]);
  await rm(folder, { recursive: true });
});

test("enrich asks the CRM under the key of its node, and a refused attempt succeeds when repeated", async () => {
  const unlucky = Array.from({ length: 100 }, (_, index) => `a@firm${index}.example`);
  const email = unlucky.find(
    (address) => fateOf(address, 1).kind === "broken" && fateOf(address, 2).kind === "answer",
  )!;
  const ctx = { key: "run-1/enrich" };
  await assert.rejects(
    async () => steps.enrich.run({ ...LEAD, email }, ctx),
    (error) => error instanceof CrmRefused && error.status === 500 && !isFinalRefusal(error),
  );
  assert.deepEqual(await steps.enrich.run({ ...LEAD, email }, { ...ctx, attempt: 2 }), companyOf(email));
  assert.equal(crm.calls.get("run-1/enrich"), 2);
});

test("screen, score and segment put a lead on its way", async () => {
  const company = { ...companyOf(LEAD.email), customer: false };
  const screening = await steps.screen.run(LEAD);
  const points = await steps.score.run({ lead: LEAD, company });
  assert.deepEqual(await steps.segment.run({ lead: LEAD, company, points, screening }), {
    tier: "warm",
    path: "channel",
  });
});

test("a repeated attempt files the deal under the same number, which is one deal, and sends the same letter", async () => {
  const owner = ownerOf(LEAD, "channel");
  const registered = { key: "run-1/register", random: () => 0.25, now: () => Date.UTC(2026, 0, 15) };
  const registration = await steps.register.run(LEAD, registered);
  assert.deepEqual(registration, { number: "CN-250000", validUntil: "2026-04-15" });
  assert.deepEqual(await steps.register.run(LEAD, { ...registered, attempt: 2 }), registration);
  assert.deepEqual(crm.deals, ["CN-250000"]);

  const ctx = { key: "run-1/confirm", now: registered.now };
  const first = await steps.confirm.run({ lead: LEAD, owner, registration }, ctx);
  assert.equal(await steps.confirm.run({ lead: LEAD, owner, registration }, { ...ctx, attempt: 2 }), first);
  const letters = await lettersIn(folder);
  assert.equal(letters.length, 1);
  const letter = await readFile(path.join(folder, letters[0]!), "utf8");
  assert.match(letter, /^Subject: Deal registration CN-250000\r$/m);
  assert.ok(letter.includes(first));
});

test("discard answers nobody and keeps the reasons", async () => {
  const screening = { spam: true, reasons: ["several links"] };
  const discarded = await steps.discard.run({ lead: LEAD, screening });
  assert.deepEqual(discarded, { owner: null, letters: [], reasons: ["several links"] });
});

test("the graph draws nine paths, and enrich and screen wait for the lead alone", () => {
  const { graph, warnings } = leadIntakeFor(systems);
  assert.deepEqual(warnings, []);
  const fork = graph.nodes.find((node) => node.kind === "match" && node.scope === 0);
  assert.ok(fork?.kind === "match");
  assert.equal(fork.arms.length, 9);
  for (const name of ["enrich", "screen"]) {
    const node = graph.nodes.find((one) => one.id === name);
    assert.ok(node?.kind === "step");
    assert.deepEqual(node.input, { kind: "ref", node: 0, path: [] });
  }
});
