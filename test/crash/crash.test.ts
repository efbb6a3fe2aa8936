/**
 * Real workers on one file are killed by SIGKILL, at random and at chosen moments, and every promise is checked.
 * A part of the plan again: `npx node test/crash/crash.test.ts --seed 7 --kills 40`.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { parseArgs } from "node:util";
import { audit, shortened } from "./audit.ts";
import { crashRun } from "./crash-run.ts";
import { deathsOf, PHASES, tableOf } from "./deaths.ts";

const KILLS = 300;
const IN_FLIGHT_MIN = 50;

const { values } = parseArgs({ options: { seed: { type: "string" }, kills: { type: "string" } } });
const seed = Number(values.seed ?? Math.floor(Math.random() * 1_000_000));
const kills = Number(values.kills ?? KILLS);

test("workers killed at any moment lose no accepted run, repeat no recorded result, and break no other promise", async (t) => {
  t.diagnostic(`seed ${seed}; again: npx node test/crash/crash.test.ts --seed ${seed} --kills ${kills}`);
  await crashRun(seed, kills, (evidence) => {
    const deaths = deathsOf(evidence);
    const calls = evidence.marks.filter(({ kind }) => kind === "before").length;
    const inFlight = deaths.filter((death) => death.inFlight >= IN_FLIGHT_MIN).length;
    const bySurvivor = deaths.filter((death) => death.isTakenOverBySurvivor).length;
    const breaches = audit(evidence);
    t.diagnostic(tableOf(deaths));
    t.diagnostic(
      `${deaths.length} kills, ${inFlight} of them with ${IN_FLIGHT_MIN} or more runs in the victim's hands; ` +
        `${bySurvivor} taken over by a worker that was at work beside it; ` +
        `${evidence.runs.length} runs, ${calls} calls of bodies, ${breaches.length} violations`,
    );
    assert.deepEqual(shortened(breaches), []);
    assert.equal(deaths.length, kills);
    if (kills < KILLS) return;
    assert.ok(inFlight >= 0.9 * kills, `${inFlight} kills hit a worker with ${IN_FLIGHT_MIN} runs in flight`);
    assert.ok(bySurvivor >= kills / 20, `${bySurvivor} kills were followed by a takeover by a survivor`);
    for (const phase of PHASES) {
      const here = deaths.filter((death) => death.phase === phase).length;
      assert.ok(here >= kills / 15, `${here} kills hit the phase "${phase}"`);
    }
  });
});
