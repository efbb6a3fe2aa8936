/** The fluid arithmetic of a line says what a line that is counted minute by minute comes to. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { judgePeaks, judgeVolume, type Share } from "../../../src/core/load/expected-load.ts";
import { objectiveOf } from "../../../src/flow/expect.ts";
import type { Expect } from "../../../src/index.ts";

const MINUTE_MS = 60_000;

function share(expect: Expect, calls: number): Share {
  return { workflow: "w", objective: objectiveOf(expect), calls: { least: calls, most: calls, open: [] } };
}

test("after a peak a line is empty when the arithmetic says so", () => {
  const count = fc.integer({ min: 1, max: 1000 });
  fc.assert(
    fc.property(count, count, count, fc.integer({ min: 1, max: 30 }), (usual, more, most, calls) => {
      const goes = usual * calls + most;
      const peak = usual + most + more;
      const found = judgePeaks([share({ volume: `${usual}/min`, peak: `${peak}/min` }, calls)], goes / MINUTE_MS);
      let line = 0;
      for (let minute = 0; minute < 10; minute++) line = Math.max(0, line + peak * calls - goes);
      if (line === 0) return void assert.deepEqual(found, []);
      const [{ backlog, drainMs }] = found as [(typeof found)[0]];
      assert.ok(Math.abs(backlog - line) < 1e-6 * line, `${backlog} wait, and ${line} were counted`);
      let minutes = 0;
      for (; line > 0 && minutes < 1e5; minutes++) line += usual * calls - goes;
      if (minutes < 1e5) assert.ok(Math.abs(drainMs / MINUTE_MS - minutes) < 1.001);
    }),
  );
});

test("what comes as fast as it goes is borne, and a little more is not", () => {
  const day = (runs: number) => judgeVolume([share({ volume: `${runs}/day` }, 3)], 1 / MINUTE_MS).kind;
  assert.equal(day(480), "bears");
  assert.equal(day(481), "grows");
});

test("an objective is read as it is written", () => {
  const { volume, peak, finish, drain } = objectiveOf({
    volume: " 5_000/day ",
    peak: "0.5/s",
    finish: "p99.9 < 1h 30m",
    drain: "< 15m after 10m",
  });
  assert.deepEqual([volume!.count, volume!.perMs, volume!.text], [5000, 86_400_000, "5_000/day"]);
  assert.deepEqual([peak!.count, peak!.perMs], [0.5, 1000]);
  assert.deepEqual([finish!.percent, finish!.withinMs], [99.9, 5_400_000]);
  assert.deepEqual([drain!.withinMs, drain!.afterMs], [900_000, 600_000]);
  assert.equal(objectiveOf({ volume: "12/year" }).volume!.perMs, 12 * objectiveOf({ volume: "1/month" }).volume!.perMs);
  assert.deepEqual(objectiveOf(), { volume: null, peak: null, finish: null, drain: null });
});
