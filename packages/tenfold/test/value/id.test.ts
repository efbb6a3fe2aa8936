/** Laws of run ids: they sort by start, tell their lane, and are never made twice. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { laneOfRun, LANES_MAX, runIdFloor, runIdMaker, startedAtOfRun } from "../../src/value/id.ts";
import { seededRandom } from "../../src/value/random.ts";

const NOW = 1_760_000_000_000;
const lane = fc.integer({ min: 0, max: LANES_MAX - 1 });
const time = fc.integer({ min: 0, max: 2 * NOW });

test("an id tells its lane and its start, and has 24 characters of lower-case base 32", () => {
  fc.assert(
    fc.property(lane, time, (lane, at) => {
      const id = runIdMaker(Math.random)(at, lane);
      assert.match(id, /^[0-9a-hjkmnp-tv-z]{24}$/);
      assert.equal(laneOfRun(id), lane);
      assert.equal(startedAtOfRun(id), at);
    }),
  );
});

test("ids sort by start time, whoever made them, and runIdFloor sorts at or before all of its time", () => {
  fc.assert(
    fc.property(fc.uniqueArray(time, { minLength: 2, maxLength: 20 }), lane, (times, lane) => {
      const ids = times.map((at) => runIdMaker(Math.random)(at, lane));
      const byTime = times.map((at, index) => ({ at, id: ids[index]! })).sort((a, b) => a.at - b.at);
      assert.deepEqual(
        byTime.map(({ id }) => id),
        [...ids].sort(),
      );
      for (const { at, id } of byTime) {
        assert.ok(runIdFloor(at) <= id);
        assert.ok(runIdFloor(at + 1) > id);
      }
    }),
  );
});

test("one maker's ids within a millisecond sort in the order they were made, and a clock set back does not disturb that", () => {
  const make = runIdMaker(seededRandom(1));
  let before = "";
  for (let index = 0; index < 2000; index++) {
    const id = make(NOW - (index % 7) * 1000, index % 32);
    assert.ok(id > before, `${id} comes after ${before}`);
    before = id;
  }
});

test("a million ids of ten makers at the same moments are all different", () => {
  const makers = Array.from({ length: 10 }, (_, seed) => runIdMaker(seededRandom(seed)));
  const ids = new Set<string>();
  for (let index = 0; index < 100_000; index++) {
    for (const make of makers) ids.add(make(NOW + Math.floor(index / 1000), 0));
  }
  assert.equal(ids.size, 1_000_000);
});

test("what is no run's id has no lane", () => {
  const id = runIdMaker(seededRandom(1))(NOW, 5);
  for (const other of ["", "x", id.slice(1), `${id}0`, id.toUpperCase(), `u${id.slice(1)}`, `${id.slice(0, -1)}!`]) {
    assert.equal(laneOfRun(other), undefined, other);
  }
});
