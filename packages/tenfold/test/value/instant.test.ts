/** Moments as JSON says them: what is read, and what is none. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { instantMs } from "../../src/value/instant.ts";
import { refuses } from "../flow/refuses.ts";

test("any moment's ISO text, and its milliseconds, are that moment, whatever the offset", () => {
  const times = fc.integer({ min: -30_000_000_000_000, max: 250_000_000_000_000 });
  const offsets = fc.integer({ min: -14 * 60, max: 14 * 60 });
  fc.assert(
    fc.property(times, offsets, (at, offset) => {
      assert.equal(instantMs(at, "it"), at);
      assert.equal(instantMs(new Date(at).toISOString(), "it"), at);
      const two = (value: number) => String(value).padStart(2, "0");
      const zone = `${offset < 0 ? "-" : "+"}${two(Math.floor(Math.abs(offset) / 60))}:${two(Math.abs(offset) % 60)}`;
      const local = new Date(at + offset * 60_000).toISOString().slice(0, -1);
      if (/^[1-9]\d{3}-/.test(local)) assert.equal(instantMs(local + zone, "it"), at);
    }),
  );
});

test("seconds may be left out, and a part of a millisecond is rounded up", () => {
  assert.equal(instantMs("1970-01-01T00:01Z", "it"), 60_000);
  assert.equal(instantMs("1970-01-01T00:00:00.0001Z", "it"), 1);
  assert.equal(instantMs(0.2, "it"), 1);
  assert.equal(instantMs("2024-02-29T00:00Z", "it"), Date.parse("2024-02-29T00:00Z"));
});

const NONE = [
  ...["", "tomorrow", "2026-05-01", "2026-02-29T00:00Z", "2026-02-31T00:00Z", "2026-04-31T00:00Z", "2026-13-01T00:00Z"],
  ...["2026-00-01T00:00Z", "2026-01-00T00:00Z", "2026-01-01T24:00Z", "2026-01-01T00:60Z", "2026-01-01T00:00:60Z"],
  ...["2026-01-01T00:00+24:00", "2026-01-01T00:00+00:60", "0050-01-01T00:00Z", "2026-1-1T0:0Z", "1767312000000"],
  ...[null, undefined, true, NaN, Infinity, 9e15, {}, []],
];

test("what is no moment is refused by what it was given for", () => {
  for (const written of NONE)
    refuses(() => instantMs(written, "the moment of x"), "TIME_INVALID", "the moment of x is");
  refuses(
    () => instantMs("2026-05-01T09:30", "it"),
    "TIME_INVALID",
    "offset from UTC",
    "another moment on each machine",
  );
});
