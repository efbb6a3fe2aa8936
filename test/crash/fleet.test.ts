/**
 * Four workers on one Postgres are killed, stopped past their lease and cut off from the server, and every promise is
 * checked. The same draws again: `npx node test/crash/fleet.test.ts --seed 7`; for an hour: `npm run torture`.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { parseArgs } from "node:util";
import { audit, shortened } from "./audit.ts";
import { fleetRun } from "./fleet-run.ts";
import { summaryOf } from "./fleet-summary.ts";

const [RESTARTS, STOPS] = [1, 1];

const { values } = parseArgs({ options: { seed: { type: "string" }, kills: { type: "string", default: "16" } } });
const seed = Number(values.seed ?? Math.floor(Math.random() * 1_000_000));

test("a fleet whose workers and server are killed, and whose workers are stopped, breaks no promise", async (t) => {
  t.diagnostic(`seed ${seed}; again: npx node test/crash/fleet.test.ts --seed ${seed}`);
  await fleetRun({
    seed,
    hasEnough: ({ kills, restarts, stops }) => kills >= Number(values.kills) && restarts >= RESTARTS && stops >= STOPS,
    judge: (evidence, blows) => {
      const breaches = audit(evidence);
      t.diagnostic(`${summaryOf(evidence, blows)}; ${breaches.length} violations`);
      assert.deepEqual(shortened(breaches), []);
    },
  });
});
