/** Laws of slots: never more than there are, the oldest run first, none while paused, and none is leaked. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { LaneSlots, Slots } from "../../src/engine/slots.ts";
import { stepOf, workflowOf, World } from "./world.ts";

const ids = fc.array(fc.integer({ min: 0, max: 50 }), { maxLength: 60 });
const idOf = (age: number) => String(age).padStart(3, "0");

test("whatever order they came in, those that wait are called oldest first, never more at once than there are slots", () => {
  fc.assert(
    fc.property(ids, fc.integer({ min: 1, max: 5 }), (ages, size) => {
      const slots = new Slots(size);
      const called: string[] = [];
      for (const age of ages) slots.take({ id: idOf(age), call: () => called.push(idOf(age)) });
      assert.deepEqual(called, ages.slice(0, size).map(idOf));
      assert.equal(slots.waiting, Math.max(0, ages.length - size));
      while (slots.used > 0) {
        assert.ok(slots.used <= size);
        slots.release();
      }
      assert.deepEqual(called.slice(size), ages.slice(size).map(idOf).sort());
      assert.deepEqual([slots.used, slots.waiting], [0, 0]);
    }),
  );
});

test("while paused none of a lane is called; then those that wait are, oldest first, and other lanes never waited", () => {
  const shared = new Slots(2);
  const [lane, other] = [new LaneSlots(shared, new Slots(1)), new LaneSlots(shared, new Slots(1))];
  const called: string[] = [];
  const take = (slots: LaneSlots, id: string) => {
    const waiting = { id, call: () => void (slots.isPaused ? slots.setAside(waiting) : called.push(id)) };
    slots.take(waiting);
  };
  take(lane, "1");
  take(other, "2");
  for (const id of ["9", "3"]) take(lane, id);
  lane.pause();
  take(lane, "5");
  take(other, "7");
  lane.release();
  other.release();
  assert.deepEqual(called, ["1", "2", "7"]);
  assert.equal(shared.used, 1);
  other.release();
  lane.proceed();
  assert.deepEqual(called.slice(3), ["3", "5"]);
  lane.release();
  assert.deepEqual([called.at(-1), shared.used], ["9", 2]);
});

test("bodies that settle at once serve a long line without exhausting the stack", () => {
  const slots = new Slots(1);
  let calls = 0;
  slots.take({ id: "0", call: () => {} });
  for (let index = 0; index < 50_000; index++) {
    slots.take({ id: "1", call: () => { calls++; slots.release(); } }); // prettier-ignore
  }
  slots.release();
  assert.deepEqual([calls, slots.used, slots.waiting], [50_000, 0, 0]);
});

test("an older run's next step goes before a younger run's first", async () => {
  const world = new World();
  const order: string[] = [];
  const step = stepOf("s", async (n, { node, run }) => {
    order.push(`${node} ${run.key}`);
    await world.time.wait(1000);
    return n;
  });
  const flow = workflowOf("w", (n) => step.as("second")(step.as("first")(n)));
  const { tenfold } = await world.open([flow], { slots: 2 });
  for (const key of ["a", "b", "c", "d", "e", "f"]) await world.happens(tenfold.start(flow, 1, { key }));
  await world.until("all are completed", () => world.records.every(({ status }) => status === "completed"));
  assert.deepEqual(order.slice(0, 2), ["first a", "first b"]);
  const place = (text: string) => order.indexOf(text);
  assert.ok(place("second a") < place("first e"), order.join(", "));
  assert.ok(place("second b") < place("first e"), order.join(", "));
});
