/** What the store promises of schedules: of several that have one go on from the same place, one does. */
import assert from "node:assert/strict";
import type { Advance } from "../../src/store/schedules.ts";
import { law, NOW, WORKFLOW, type OpenStore } from "./sample.ts";

const NIGHTLY = { workflow: WORKFLOW, schedule: "nightly" };
const HOURLY = { workflow: WORKFLOW, schedule: "hourly" };

type Place = number | readonly [number, string | null] | null;

/** From a time, or from a time and a run, to another. */
const step = (from: Place, at: number, run: string | null = null, name = NIGHTLY): Advance => {
  const [wasAt, wasRun] = typeof from === "number" ? [from, null] : (from ?? []);
  return { ...name, from: wasAt === undefined ? null : { at: wasAt, run: wasRun ?? null }, to: { at, run } };
};

export function scheduleLaws(open: OpenStore): void {
  law(open, "a schedule that was never seen is nowhere, and is seen first once", async ({ schedules }) => {
    assert.deepEqual(await schedules.reached(0, [NIGHTLY]), [null]);
    assert.deepEqual(await schedules.advance(0, [step(null, NOW)]), [true]);
    assert.deepEqual(await schedules.advance(0, [step(null, NOW + 1)]), [false]);
    assert.deepEqual(await schedules.reached(0, [NIGHTLY]), [{ at: NOW, run: null }]);
  });

  law(open, "a schedule goes on from where it is, and from nowhere else", async ({ schedules }) => {
    assert.deepEqual(await schedules.advance(0, [step(NOW, NOW + 5)]), [false]);
    assert.deepEqual(await schedules.reached(0, [NIGHTLY]), [null]);
    await schedules.advance(0, [step(null, NOW)]);
    assert.deepEqual(await schedules.advance(0, [step(NOW, NOW + 5, "r1")]), [true]);
    assert.deepEqual(await schedules.advance(0, [step(NOW, NOW + 9, "r2")]), [false]);
    assert.deepEqual(await schedules.reached(0, [NIGHTLY]), [{ at: NOW + 5, run: "r1" }]);
    for (const from of [NOW + 5, [NOW + 5, "r2"], [NOW, "r1"]] as const) {
      assert.deepEqual(await schedules.advance(0, [step(from, NOW + 9)]), [false]);
    }
    assert.deepEqual(await schedules.advance(0, [step([NOW + 5, "r1"], NOW + 5, "r3")]), [true]);
    assert.deepEqual(await schedules.advance(0, [step([NOW + 5, "r1"], NOW + 5, "r4")]), [false]);
    assert.deepEqual(await schedules.advance(0, [step([NOW + 5, "r3"], NOW + 9)]), [true]);
    assert.deepEqual(await schedules.reached(0, [NIGHTLY]), [{ at: NOW + 9, run: null }]);
  });

  law(open, "of many that have it go on at once, one does", async ({ schedules }) => {
    for (const from of [null, NOW + 1]) {
      const many = Array.from({ length: 8 }, () => schedules.advance(0, [step(from, NOW + (from === null ? 1 : 2))]));
      const answers = (await Promise.all(many)).flat();
      assert.equal(answers.filter((isDone) => isDone).length, 1);
    }
  });

  law(open, "a batch is answered in order, each schedule for itself", async ({ schedules }) => {
    await schedules.advance(0, [step(null, NOW, null, HOURLY)]);
    const batch = [step(null, NOW + 1), step(NOW + 9, NOW + 10, null, HOURLY)];
    assert.deepEqual(await schedules.advance(0, batch), [true, false]);
    assert.deepEqual(await schedules.advance(0, [step(NOW, NOW + 2, "r", HOURLY), step(NOW, NOW + 2)]), [true, false]);
    assert.deepEqual(await schedules.reached(0, [HOURLY, { ...NIGHTLY, schedule: "none" }, NIGHTLY]), [
      { at: NOW + 2, run: "r" },
      null,
      { at: NOW + 1, run: null },
    ]);
    assert.deepEqual(await schedules.advance(0, []), []);
    assert.deepEqual(await schedules.reached(0, []), []);
  });

  law(
    open,
    "lanes, workflows and schedules of the same names are apart",
    async ({ schedules }) => {
      const others = [{ ...NIGHTLY, workflow: "other" }, HOURLY];
      await schedules.advance(0, [step(null, NOW)]);
      assert.deepEqual(await schedules.reached(0, others), [null, null]);
      assert.deepEqual(await schedules.reached(1, [NIGHTLY]), [null]);
      assert.deepEqual(await schedules.advance(1, [step(null, NOW + 7)]), [true]);
      assert.deepEqual(await schedules.reached(0, [NIGHTLY]), [{ at: NOW, run: null }]);
    },
    2,
  );
}
