/** Laws of slots: never more than there are, the oldest run first, none while paused, and none is leaked. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Slots } from "../../src/engine/slots.ts";
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

test("while paused none is called; then those that wait are, oldest first", () => {
  const slots = new Slots(2);
  const called: string[] = [];
  const take = (id: string) => slots.take({ id, call: () => called.push(id) });
  take("1");
  slots.pause();
  for (const id of ["9", "3", "5"]) take(id);
  slots.release();
  assert.deepEqual(called, ["1"]);
  slots.proceed();
  assert.deepEqual(called, ["1", "3", "5"]);
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
