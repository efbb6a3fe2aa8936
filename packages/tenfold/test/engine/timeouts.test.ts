/** Laws of timeouts and slots: an attempt ends in time, its slot is free when its body has settled. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { each } from "../../src/flow/index.ts";
import { Gate, MINUTE, NOW, rejects, stepOf, workflowOf, World, type OpenedEngine } from "./world.ts";

const startsOf = ({ attempts }: OpenedEngine) => attempts.map(({ startedAt }) => startedAt - NOW);

test("a timeout fails the attempt at once; its late result is ignored, and its slot is held until the body settles", async () => {
  const world = new World();
  const gate = new Gate();
  const step = stepOf("slow", async () => { await gate.pass(); return "late"; }, { timeout: "5s", retry: { attempts: 1 } }); // prettier-ignore
  const quick = stepOf("quick", () => "quick");
  const slowly = workflowOf("slowly", (n) => step(n));
  const quickly = workflowOf("quickly", (n) => quick(n));
  const { tenfold, attempts } = await world.open([slowly, quickly], { slots: 1 });
  const run = await world.happens(tenfold.start(slowly, 1));
  const error = await rejects(world.happens(run.result()), "RUN_FAILED", "5000 ms");
  assert.equal((error.facts["error"] as { code: string }).code, "STEP_TIMED_OUT");
  assert.equal(world.time.now - NOW, 5000);
  const next = await world.happens(tenfold.start(quickly, 1));
  await world.passes(MINUTE);
  assert.deepEqual(
    attempts.map(({ outcome }) => outcome),
    ["timed-out"],
  );
  gate.open();
  assert.equal(await world.happens(next.result()), "quick");
  assert.deepEqual(world.journal(run.id), ["failed slow"]);
});

test("a timed-out attempt is made again, while the body that ignores its signal may still run", async () => {
  const world = new World();
  const step = stepOf("s", (_n, { attempt }) => (attempt === 1 ? new Promise(() => {}) : "second"), {
    timeout: "5s",
    retry: { first: "1s", jitter: "none" },
  });
  const flow = workflowOf("w", (n) => step(n));
  const opened = await world.open([flow]);
  const run = await world.happens(opened.tenfold.start(flow, 1));
  assert.equal(await world.happens(run.result()), "second");
  assert.deepEqual(startsOf(opened), [0, 6000]);
});

test("a step that is done in time never times out afterwards", async () => {
  const world = new World();
  const flow = workflowOf("w", (n) => stepOf("s", () => world.time.wait(4000), { timeout: "5s" })(n));
  const { tenfold, attempts } = await world.open([flow]);
  const run = await world.happens(tenfold.start(flow, 1));
  await world.happens(run.result());
  await world.passes(MINUTE);
  assert.deepEqual(
    attempts.map(({ outcome }) => outcome),
    ["done"],
  );
});

test("no more bodies run than there are slots, and those of the oldest run go first", async () => {
  const world = new World();
  const order: string[] = [];
  let running = 0;
  let most = 0;
  const step = stepOf("s", async (_item, { run }) => {
    order.push(run.id);
    most = Math.max(most, ++running);
    await world.time.wait(100 + (order.length % 3) * 50);
    running--;
    return null;
  });
  const flow = workflowOf("w", (list) => each(list, () => step(1)));
  const { tenfold } = await world.open([flow], { slots: 4 });
  const runs: string[] = [];
  for (let index = 0; index < 5; index++) {
    const run = await world.happens(
      tenfold.start(
        flow,
        Array.from({ length: 10 }, (_, n) => n),
      ),
    );
    runs.push(run.id);
  }
  await world.until("all are completed", () => world.records.every(({ status }) => status === "completed"));
  assert.equal(most, 4);
  assert.equal(order.length, 50);
  const ranks = order.map((run) => runs.indexOf(run));
  assert.deepEqual(ranks, [...ranks].sort(), "an older run's bodies are called before a younger one's");
});
