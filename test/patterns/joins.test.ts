/** Patterns 9 and 28 to 32 of docs/reference/patterns.md: joins that wait for some of the branches. */
import assert from "node:assert/strict";
import test from "node:test";
import { derive, each, eq, gte, match, repeat, step, workflow, type Lifted } from "tenfold";
import { takes } from "tenfold/testing";
import { begins, openTrial } from "./trial.ts";

type Found = readonly (string | null)[];

const checkBreathing = step("check-breathing", { run: (patient: string) => `${patient} breathes` });
const checkPulse = step("check-pulse", { run: (patient: string) => `${patient} has a pulse` });
const triage = step("triage", { run: (found: Found) => `triaged: ${found.filter((one) => one !== null).join(", ")}` });

const emergency = workflow("emergency", {
  flow(kim: Lifted<string>) {
    const found = each(
      ["breathing", "pulse"],
      (what) => match(what, { breathing: () => checkBreathing(kim), pulse: () => checkPulse(kim) }),
      { enough: 1, rest: "finish" },
    );
    return triage(found); // [null, "Kim has a pulse"], if that was the first
  },
});

test("9 Structured Discriminator: the first branch to end triggers what follows, once", async () => {
  await using env = await openTrial(emergency);
  env.stub(checkBreathing, takes("5m", checkBreathing.run));
  env.stub(checkPulse, takes("1m", checkPulse.run));
  const run = await env.tenfold.start(emergency, "Kim");
  assert.equal(await env.finish(run), "triaged: Kim has a pulse");
  assert.deepEqual(begins(env, "triage"), ["1m"]);
  assert.deepEqual(env.path(run).at(-1), "each-items[0]/match-item/breathing/check-breathing"); // unheard
});

const rounds = workflow("rounds", {
  flow(kim: Lifted<string>) {
    return repeat(
      0,
      (round: Lifted<number>) => {
        const found = each(
          ["breathing", "pulse"],
          (what) => match(what, { breathing: () => checkBreathing(kim), pulse: () => checkPulse(kim) }),
          { enough: 1, rest: "finish" },
        );
        return derive(round, triage(found), (round) => round + 1);
      },
      { until: (round) => gte(round, 2), max: 10 },
    );
  },
});

test("28 Blocking Discriminator: no branch begins anew before each has come once", async () => {
  await using env = await openTrial(rounds);
  env.stub(checkBreathing, takes("5m", checkBreathing.run));
  env.stub(checkPulse, takes("1m", checkPulse.run));
  await env.finish(await env.tenfold.start(rounds, "Kim"));
  assert.deepEqual(begins(env, "triage"), ["1m", "6m"]);
  assert.deepEqual(begins(env, "check-pulse"), ["0s", "5m"]);
});

const examine = step("examine", { run: (lab: string) => `${lab}: oil` });
const review = step("review", { run: (found: Found) => `seen: ${found.filter((one) => one !== null).join(", ")}` });

/** Labs that take some days, and stop when they are told. */
async function openLabs(flow: typeof firstLab) {
  const env = await openTrial(flow);
  const days: Record<string, number> = { north: 3, south: 1, west: 2 };
  const stopped: string[] = [];
  env.stub(examine, (lab, ctx) => {
    ctx.signal.addEventListener("abort", () => stopped.push(lab));
    return ctx.wait(`${days[lab]!} days`).then(() => `${lab}: oil`);
  });
  return Object.assign(env, { stopped });
}

const firstLab = workflow("first-lab", {
  flow(_drilling: Lifted<string>) {
    return review(each(["north", "south", "west"], (lab) => examine(lab), { enough: 1, rest: "stop" }));
  },
});

test("29 Cancelling Discriminator: the first branch to end stops the others", async () => {
  await using env = await openLabs(firstLab);
  const run = await env.tenfold.start(firstLab, "D-1");
  assert.equal(await env.finish(run), "seen: south: oil");
  assert.deepEqual(begins(env, "review"), ["1d"]);
  assert.deepEqual(env.stopped, ["north", "west"]);
});

const someLabs = workflow("some-labs", {
  flow(_drilling: Lifted<string>) {
    return review(each(["north", "south", "west"], (lab) => examine(lab), { enough: 2, rest: "finish" }));
  },
});

test("30 Structured Partial Join: two of three branches trigger what follows, once", async () => {
  await using env = await openLabs(someLabs);
  const run = await env.tenfold.start(someLabs, "D-1");
  assert.equal(await env.finish(run), "seen: south: oil, west: oil");
  assert.deepEqual(begins(env, "review"), ["2d"]);
  assert.deepEqual(env.path(run).slice(-2), ["review", "each-items[0]/examine"]);
  assert.deepEqual(env.stopped, []);
});

const weekly = workflow("weekly", {
  flow(_drilling: Lifted<string>) {
    return repeat(
      "",
      (_week: Lifted<string>) =>
        review(each(["north", "south", "west"], (lab) => examine(lab), { enough: 2, rest: "finish" })),
      { until: (seen) => eq(seen, "enough"), max: 2, onMax: "last" },
    );
  },
});

test("31 Blocking Partial Join: no branch begins anew before all have come", async () => {
  await using env = await openLabs(weekly);
  await env.finish(await env.tenfold.start(weekly, "D-1"));
  assert.deepEqual(begins(env, "review"), ["2d", "5d"]);
  assert.deepEqual(begins(env, "examine"), ["0s", "0s", "0s", "3d", "3d", "3d"]);
});

const twoLabs = workflow("two-labs", {
  flow(_drilling: Lifted<string>) {
    return review(each(["north", "south", "west"], (lab) => examine(lab), { enough: 2, rest: "stop" }));
  },
});

test("32 Cancelling Partial Join: two of three trigger what follows and stop the third", async () => {
  await using env = await openLabs(twoLabs);
  const run = await env.tenfold.start(twoLabs, "D-1");
  assert.equal(await env.finish(run), "seen: south: oil, west: oil");
  assert.deepEqual(begins(env, "review"), ["2d"]);
  assert.deepEqual(env.stopped, ["north"]);
});
