/** What `missed` means: which ticks are started, which passed over, and where the schedule stands then. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { dueTicks } from "../../src/core/due-ticks.ts";
import { schedule } from "../../src/flow/index.ts";
import { ticksOf } from "../../src/flow/ticks.ts";
import type { Missed } from "../../src/flow/trigger.ts";

const [MINUTE, HOUR] = [60_000, 3_600_000];
const ticks = ticksOf(schedule("0 * * * *", { timeZone: "UTC" }));
const NOON = Date.UTC(2026, 0, 1, 12);

const due = (missed: Missed, settled: number, now: number, limit = 100) => dueTicks(ticks, missed, settled, now, limit);

test("nothing is due before the next tick, nor when the clock was set back", () => {
  for (const missed of ["skip", "once", "all"] as const) {
    assert.equal(due(missed, NOON, NOON + HOUR - 1), null);
    assert.equal(due(missed, NOON, NOON - 5 * HOUR), null);
  }
});

test("a tick that is up to a minute late is in time, whatever becomes of missed ones", () => {
  for (const missed of ["skip", "once", "all"] as const) {
    for (const late of [0, 1, MINUTE]) {
      const expected = { start: [NOON + HOUR], to: NOON + HOUR, passedFrom: null };
      assert.deepEqual(due(missed, NOON, NOON + HOUR + late), expected, `${missed} ${late}`);
    }
  }
});

test("of missed ticks none, the last, or all are started", () => {
  const now = NOON + 3 * HOUR + 20 * MINUTE;
  const last = NOON + 3 * HOUR;
  assert.deepEqual(due("skip", NOON, now), { start: [], to: last, passedFrom: NOON + HOUR });
  assert.deepEqual(due("once", NOON, now), { start: [last], to: last, passedFrom: NOON + HOUR });
  const all = [1, 2, 3].map((hours) => NOON + hours * HOUR);
  assert.deepEqual(due("all", NOON, now), { start: all, to: last, passedFrom: null });
  assert.deepEqual(due("all", NOON, now, 2), { start: all.slice(0, 2), to: all[1], passedFrom: null });
});

test("a tick that is in time stands for those that were missed before it", () => {
  const now = NOON + 3 * HOUR;
  for (const missed of ["skip", "once"] as const) {
    assert.deepEqual(due(missed, NOON, now), { start: [now], to: now, passedFrom: NOON + HOUR });
  }
});

test("one missed tick is started once, and nothing is passed over", () => {
  const late = NOON + HOUR + 5 * MINUTE;
  assert.deepEqual(due("once", NOON, late), { start: [NOON + HOUR], to: NOON + HOUR, passedFrom: null });
  assert.deepEqual(due("skip", NOON, late), { start: [], to: NOON + HOUR, passedFrom: NOON + HOUR });
});
