/** Laws of runs that a worker claims again while it does not know yet that it has parked them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { StepContext } from "../../src/flow/definition.ts";
import { TenfoldError } from "../../src/value/error.ts";
import { Gate, MINUTE, stepOf, withVerbs, workflowOf, World } from "./world.ts";

test("a run that its own worker claims again before it knows that it was parked goes on at once", async () => {
  const world = new World();
  const gate = new Gate();
  let parks = 0;
  const slow = withVerbs(world.store, {
    commit: async (lease, batch, now) => {
      const answers = await world.store.commit(lease, batch, now);
      if (batch.some(({ then }) => then.kind === "park") && parks++ === 0) await gate.pass();
      return answers;
    },
    claim: async (...given) => {
      const claimed = await world.store.claim(...given);
      if (parks === 1 && claimed.length > 0) world.time.at(world.time.now + 5, () => gate.open());
      return claimed;
    },
  });
  const flaky = stepOf(
    "flaky",
    (_: unknown, { attempt }: { attempt: number }) => {
      if (attempt === 1) throw new Error("once");
      return attempt;
    },
    { retry: { first: "1s", jitter: "none" } },
  );
  const flow = workflowOf("retried", (given) => flaky(given));
  const options = { limits: { parkAfterMs: 10 }, reconcileMs: 60 * MINUTE };
  const opened = await world.open([flow], options, slow);
  const run = await world.happens(opened.tenfold.start(flow, {}));
  await world.until("it is completed", () => world.record(run.id).status === "completed", MINUTE);
  assert.equal(parks, 1);
  assert.equal(opened.attempts.length, 2);
});

test("a park that is written twice, since it was not answered, takes no run from the worker that claimed it in between", async () => {
  const world = new World();
  const gate = new Gate();
  let parks = 0;
  const slow = withVerbs(world.store, {
    commit: async (lease, batch, now) => {
      const answers = await world.store.commit(lease, batch, now);
      if (!batch.some(({ then }) => then.kind === "park") || parks++ > 0) return answers;
      await gate.pass();
      throw new TenfoldError("STORE_UNREACHABLE", "no answer");
    },
    claim: async (...given) => {
      const claimed = await world.store.claim(...given);
      if (parks === 1 && claimed.length > 0 && gate.entered > 0) {
        gate.open();
        await world.time.wait(100);
      }
      return claimed;
    },
  });
  const owners: (string | null)[] = [];
  const step = stepOf("s", (_: unknown, { attempt, run: { id } }: StepContext) => {
    owners.push(world.record(id).owner);
    if (attempt === 1) throw new Error("once");
  }, { retry: { first: "10m", jitter: "none" } }); // prettier-ignore
  const flow = workflowOf("w", (given) => step(given));
  const first = await world.open([flow], { limits: { parkAfterMs: Infinity } });
  const run = await world.happens(first.tenfold.start(flow, {}));
  await world.passes(1000);
  first.clock.die();
  // It has nothing to write of a run that waits: what has lines is not written twice.
  await world.open([flow], { limits: { parkAfterMs: 10 } }, slow);
  await world.untilStatus(run.id, "completed", 20 * MINUTE);
  assert.equal(parks, 2);
  assert.deepEqual(owners.map((owner) => owner !== null), [true, true]); // prettier-ignore
});
