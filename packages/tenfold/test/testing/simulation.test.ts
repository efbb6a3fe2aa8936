/** The engine under the seeded simulator: every promise holds, and a seed is one story. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { simulate } from "../../src/testing/simulator/simulation.ts";

const SEEDS = 200;

describe("the simulator", () => {
  test(`every promise holds on ${SEEDS} seeds of crashes, pauses, lost answers and lost messages`, async () => {
    let bodies = 0;
    let crashes = 0;
    for (let seed = 1; seed <= SEEDS; seed++) {
      const result = await simulate(seed);
      const again = `npm run simulate -- --seed ${seed}`;
      assert.equal(result.violation?.message, undefined, `seed ${seed} broke a promise; again: ${again}`);
      bodies += result.bodies;
      crashes += result.crashes;
    }
    assert.ok(bodies > 10 * SEEDS, "bodies were called");
    assert.ok(crashes > SEEDS, "workers died");
  });

  test("the same seed is the same story, to the millisecond", async () => {
    for (const seed of [3, 14, 159]) assert.deepEqual(await simulate(seed), await simulate(seed));
  });
});
