/** Laws of chance and of hashes: the same seed is the same sequence, and both spread evenly. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { contentHash, hash32 } from "../../src/value/hash.ts";
import { seededRandom, uuidFrom } from "../../src/value/random.ts";

const draws = (seed: number | string, count = 20) => {
  const random = seededRandom(seed);
  return Array.from({ length: count }, random);
};

test("the same seed gives the same sequence, another seed another one, all in [0, 1)", () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), (a, b) => {
      assert.deepEqual(draws(a), draws(a));
      assert.equal(JSON.stringify(draws(a)) === JSON.stringify(draws(b)), a === b);
      for (const drawn of draws(a)) assert.ok(drawn >= 0 && drawn < 1);
    }),
  );
});

test("the sequence of a seed is the same in every release", () => {
  assert.deepEqual(
    draws("run/node", 3).map((drawn) => Math.floor(drawn * 1e6)),
    PINNED_DRAWS,
  );
  assert.equal(uuidFrom(seededRandom("run/node")), PINNED_UUID);
});

/** A body that drew these before a deploy has to draw them after it: `ctx.uuid()` is the same in every attempt. */
const PINNED_DRAWS: readonly number[] = [655_552, 990_123, 224_497];
const PINNED_UUID = "a7fd39c0-4291-4a0b-9783-8980032009bf";

test("chance spreads evenly: a hundred thousand draws fill a hundred boxes alike", () => {
  const boxes = Array.from({ length: 100 }, () => 0);
  for (const drawn of draws(7, 100_000)) boxes[Math.floor(drawn * 100)]!++;
  for (const count of boxes) assert.ok(count > 800 && count < 1200, `${count} of about 1000`);
});

test("a uuid is of version 4, and 100,000 keys have as many", () => {
  const uuids = new Set<string>();
  for (let index = 0; index < 100_000; index++) uuids.add(uuidFrom(seededRandom(`run/step[${index}]`)));
  assert.equal(uuids.size, 100_000);
  for (const uuid of [...uuids].slice(0, 1000)) {
    assert.match(uuid, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  }
});

test("hash32 spreads texts that differ in one digit evenly over lanes, whatever their number", () => {
  for (const lanes of [2, 3, 8, 16]) {
    const counts = Array.from({ length: lanes }, () => 0);
    for (let index = 0; index < 40_000; index++) counts[hash32(`lead-intake\n\nlead-${index}@example.com`) % lanes]!++;
    const fair = 40_000 / lanes;
    for (const count of counts) assert.ok(Math.abs(count - fair) < fair * 0.1, `${count} of about ${fair}`);
  }
});

test("hash32 is a whole number of 32 bits, the same in every release", () => {
  fc.assert(fc.property(fc.string(), (text) => hash32(text) === hash32(text) >>> 0));
  assert.deepEqual(["", "a", "lead-intake"].map(hash32), PINNED_HASHES);
});

/** A key's lane is its hash: another hash would start the same key twice. */
const PINNED_HASHES: readonly number[] = [2_872_998_923, 444_641_715, 4_103_412_513];

test("contentHash is 22 characters, the same for the same text and different for another", () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), (a, b) => {
      assert.match(contentHash(a), /^[\w-]{22}$/);
      assert.equal(contentHash(a) === contentHash(b), a === b);
    }),
  );
});
