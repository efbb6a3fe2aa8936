/** From where claims read: never past what may still become visible, and everything now and then. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ClaimCursor } from "../../src/store/postgres/claim-cursor.ts";

test("the first read is of everything, and so is the next once it costs little of the time", () => {
  const cursor = new ClaimCursor();
  const first = cursor.range(0);
  assert.deepEqual(first, { turn: -1, wakeAt: Number.MIN_SAFE_INTEGER, isWhole: true });
  cursor.read(first, 0, 2);
  assert.equal(cursor.range(201).isWhole, false);
  assert.equal(cursor.range(202).isWhole, true);
});

test("a read of everything that took long is rare", () => {
  const cursor = new ClaimCursor();
  cursor.read(cursor.range(0), 0, 1000);
  assert.equal(cursor.range(20_999).isWhole, false);
  assert.equal(cursor.range(21_000).isWhole, true);
});

test("reads begin at the place that was served two seconds ago, and never further back", () => {
  const cursor = new ClaimCursor();
  cursor.read(cursor.range(0), 0, 100_000);
  cursor.claimed(1000, 7, undefined);
  cursor.claimed(2000, 9, 50_000);
  cursor.claimed(2500, 8, 40_000);
  assert.equal(cursor.range(2999).turn, -1);
  assert.equal(cursor.range(3000).turn, 7);
  assert.deepEqual(cursor.range(4499), { turn: 9, wakeAt: 48_000, isWhole: false });
  assert.deepEqual(cursor.range(90_000), { turn: 9, wakeAt: 48_000, isWhole: false });
});

test("the next read is of everything once something is expected late", () => {
  const cursor = new ClaimCursor();
  cursor.read(cursor.range(0), 0, 1000);
  cursor.expectLate();
  assert.equal(cursor.range(1001).isWhole, true);
});
