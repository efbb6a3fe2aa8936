/** Patterns 1 to 8 of docs/reference/patterns.md: sequence, splits and merges. */
import assert from "node:assert/strict";
import test from "node:test";
import { after, each, eq, gte, match, step, when, workflow, type Lifted } from "tenfold";
import { takes } from "tenfold/testing";
import { begins, openTrial } from "./trial.ts";

type Lead = { email: string; tier: "hot" | "cold" };
const kim: Lead = { email: "kim@example.com", tier: "hot" };

const enrich = step("enrich", { run: (email: string) => ({ company: email.split("@")[1]!, size: 40 }) });
const screen = step("screen", { run: (email: string) => email.includes("@") });
const score = step("score", { run: ({ size }: { size: number }) => size * 2 });
const introduce = step("introduce", { run: (email: string) => `introduced ${email}` });
const nurture = step("nurture", { run: (email: string) => `a letter for ${email}` });
const file = step("file", { run: (letter: string) => `filed: ${letter}` });
const segment = step("segment", {
  run: ({ size, isPerson }: { size: number; isPerson: boolean }) => (isPerson ? `of ${size}` : "robot"),
});
const ship = step("ship", { run: (email: string) => `to ${email}` });

const scored = workflow("scored", {
  flow(lead: Lifted<Lead>) {
    const company = enrich(lead.email);
    return score({ size: company.size });
  },
});

test("1 Sequence: what uses a value begins when it is there", async () => {
  await using env = await openTrial(scored);
  env.stub(enrich, takes("20s", enrich.run));
  const run = await env.tenfold.start(scored, kim);
  assert.equal(await env.finish(run), 80);
  assert.deepEqual(env.path(run), ["enrich", "score"]);
  assert.deepEqual([begins(env, "enrich"), begins(env, "score")], [["0s"], ["20s"]]);
});

const split = workflow("split", {
  flow(lead: Lifted<Lead>) {
    const company = enrich(lead.email);
    const isPerson = screen(lead.email); // uses nothing of the line above: both begin at once
    return { company, isPerson };
  },
});

test("2 Parallel Split: what does not use each other begins at once", async () => {
  await using env = await openTrial(split);
  env.stub(enrich, takes("20s", enrich.run));
  const run = await env.tenfold.start(split, kim);
  await env.finish(run);
  assert.deepEqual([begins(env, "enrich"), begins(env, "screen")], [["0s"], ["0s"]]);
  assert.deepEqual(env.path(run), ["screen", "enrich"]);
});

const joined = workflow("joined", {
  flow(lead: Lifted<Lead>) {
    const company = enrich(lead.email);
    const isPerson = screen(lead.email);
    const kind = segment({ size: company.size, isPerson }); // begins when both have ended
    after([company, isPerson], () => ship(lead.email)); // the same without data
    return kind;
  },
});

test("3 Synchronization: what uses both begins when the slower one has ended", async () => {
  await using env = await openTrial(joined);
  env.stub(enrich, takes("20s", enrich.run));
  const run = await env.tenfold.start(joined, kim);
  assert.equal(await env.finish(run), "of 40");
  assert.deepEqual([begins(env, "segment"), begins(env, "ship")], [["20s"], ["20s"]]);
});

const chosen = workflow("chosen", {
  flow(lead: Lifted<Lead>) {
    return match(lead.tier, {
      hot: () => introduce(lead.email),
      cold: () => nurture(lead.email),
    });
  },
});

test("4 Exclusive Choice: one arm runs, by what the data says", async () => {
  await using env = await openTrial(chosen);
  const hot = await env.tenfold.start(chosen, kim);
  const cold = await env.tenfold.start(chosen, { ...kim, tier: "cold" });
  assert.equal(await env.finish(hot), "introduced kim@example.com");
  assert.equal(await env.finish(cold), "a letter for kim@example.com");
  assert.deepEqual(env.path(hot), ["match-tier: hot", "match-tier/hot/introduce"]);
});

const merged = workflow("merged", {
  flow(lead: Lifted<Lead>) {
    const letter = match(lead.tier, {
      hot: () => introduce(lead.email),
      cold: () => nurture(lead.email),
    });
    return file(letter); // whichever arm was taken; there is nothing to wait for in the other one
  },
});

test("5 Simple Merge: what follows runs once, behind the arm that was taken", async () => {
  await using env = await openTrial(merged);
  const run = await env.tenfold.start(merged, { ...kim, tier: "cold" });
  assert.equal(await env.finish(run), "filed: a letter for kim@example.com");
  assert.deepEqual(env.path(run), ["match-tier: cold", "match-tier/cold/nurture", "file"]);
});

type Accident = { injured: number; onFire: boolean };
const send = step("send", { run: (vehicle: string) => vehicle });
const report = step("report", { run: (sent: Record<string, string | undefined>) => Object.values(sent).join(", ") });

const dispatched = workflow("dispatched", {
  flow(accident: Lifted<Accident>) {
    const ambulance = when(gte(accident.injured, 1), () => send.as("ambulance")("ambulance"));
    const brigade = when(eq(accident.onFire, true), () => send.as("brigade")("fire brigade"));
    return { ambulance, brigade };
  },
});

test("6 Multi-Choice: each branch by a condition of its own, none, one or all", async () => {
  await using env = await openTrial(dispatched);
  const sentTo = async (accident: Accident) => {
    const run = await env.tenfold.start(dispatched, accident);
    await env.finish(run);
    return env.path(run).filter((node) => !node.includes(":"));
  };
  assert.deepEqual(await sentTo({ injured: 0, onFire: false }), []);
  assert.deepEqual(await sentTo({ injured: 1, onFire: false }), ["when-injured/then/ambulance"]);
  assert.deepEqual(await sentTo({ injured: 2, onFire: true }), [
    "when-injured/then/ambulance",
    "when-onFire/then/brigade",
  ]);
});

const reported = workflow("reported", {
  flow(accident: Lifted<Accident>) {
    const ambulance = when(gte(accident.injured, 1), () => send.as("ambulance")("ambulance"));
    const brigade = when(eq(accident.onFire, true), () => send.as("brigade")("fire brigade"));
    return report({ ambulance, brigade }); // waits for those that were sent
  },
});

test("7 Structured Synchronizing Merge: waits for the branches that were taken, and for no other", async () => {
  await using env = await openTrial(reported);
  env.stub(send, ({ length }, ctx) => ctx.wait(`${length}s`).then(() => "arrived"), {
    node: "when-injured/then/ambulance",
  });
  env.stub(send, takes("1h", send.run), { node: "when-onFire/then/brigade" });
  const one = await env.tenfold.start(reported, { injured: 1, onFire: false });
  assert.equal(await env.finish(one), "arrived");
  const both = await env.tenfold.start(reported, { injured: 1, onFire: true });
  assert.equal(await env.finish(both), "arrived, fire brigade");
  assert.deepEqual(begins(env, "report"), ["9s", "1h"]);
});

const lay = step("lay", { run: (house: string) => `foundations of ${house}` });
const buy = step("buy", { run: (house: string) => `bricks for ${house}` });
const book = step("book", { run: (house: string) => `a crane for ${house}` });
const review = step("review", { run: (done: string) => `seen: ${done}` });

const house = workflow("house", {
  flow(house: Lifted<string>) {
    return each(["lay", "buy", "book"], (task) => {
      const done = match(task, { lay: () => lay(house), buy: () => buy(house), book: () => book(house) });
      return review(done); // once for each branch, as soon as that has ended
    });
  },
});

test("8 Multi-Merge: what follows runs once for each branch that comes, and waits for none", async () => {
  await using env = await openTrial(house);
  env.stub(lay, takes("3 days", lay.run));
  env.stub(book, takes("1 day", book.run));
  const run = await env.tenfold.start(house, "No. 7");
  await env.finish(run);
  const reviews = env.calls(review).map(({ after, input }) => [after, input]);
  assert.deepEqual(reviews, [
    ["0s", "bricks for No. 7"],
    ["1d", "a crane for No. 7"],
    ["3d", "foundations of No. 7"],
  ]);
});
