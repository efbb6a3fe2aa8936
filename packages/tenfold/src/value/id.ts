/**
 * Run ids: 9 characters of start time (ms), 12 of chance, or of a hash where the id is derived, 3 of lane, in Crockford's base 32, lower case.
 * Invariants: ids sort by start time; one maker's ids within a millisecond sort by the order they were made in;
 * the lane of a run can be read off its id.
 */
import { createHash } from "node:crypto";
import type { Random } from "./random.ts";

const DIGITS = "0123456789abcdefghjkmnpqrstvwxyz";
const TIME_LENGTH = 9;
const CHANCE_LENGTH = 12;
const LANE_LENGTH = 3;
const ID_LENGTH = 24;
const COUNTER_LIMIT = 32 ** 5;

export const LANES_MAX = 32 ** LANE_LENGTH;

function encode(value: number, length: number): string {
  let text = "";
  let rest = value;
  for (let index = 0; index < length; index++) {
    text = DIGITS[rest % 32]! + text;
    rest = Math.floor(rest / 32);
  }
  return text;
}

function decode(text: string): number {
  let value = 0;
  for (const digit of text) {
    const found = DIGITS.indexOf(digit);
    if (found < 0) return NaN;
    value = value * 32 + found;
  }
  return value;
}

/** Makes run ids: 35 bits of chance a maker, and a counter of 25 bits that starts anew each millisecond. */
export function runIdMaker(random: Random): (now: number, lane: number) => string {
  const maker = encode(Math.floor(random() * 32 ** 7), 7);
  let lastMs = -1;
  let timeText = "";
  let counter = 0;
  return (now, lane) => {
    const ms = Math.max(Math.floor(now), lastMs);
    if (ms !== lastMs) {
      lastMs = ms;
      timeText = encode(ms, TIME_LENGTH);
      counter = 0;
    }
    if (counter >= COUNTER_LIMIT) {
      lastMs = ms + 1;
      timeText = encode(lastMs, TIME_LENGTH);
      counter = 0;
    }
    return timeText + encode(counter++, 5) + maker + encode(lane, LANE_LENGTH);
  };
}

/** The id that `name` gives a run of `lane` which is started at `at`: the same each time. */
export function derivedRunId(name: string, at: number, lane: number): string {
  const chance = [...createHash("sha256").update(name).digest().subarray(0, CHANCE_LENGTH)];
  return (
    encode(Math.floor(at), TIME_LENGTH) + chance.map((byte) => DIGITS[byte % 32]).join("") + encode(lane, LANE_LENGTH)
  );
}

/** The lane in a run's id, or `undefined` if `id` is no run's id. */
export function laneOfRun(id: string): number | undefined {
  if (id.length !== ID_LENGTH) return undefined;
  const lane = decode(id.slice(-LANE_LENGTH));
  return Number.isNaN(decode(id)) ? undefined : lane;
}

/** When the run with this id was started (ms since 1970). */
export function startedAtOfRun(id: string): number {
  return decode(id.slice(0, TIME_LENGTH));
}

/** The smallest text that sorts at or before every id of a run started at `at`. */
export function runIdFloor(at: number): string {
  return encode(Math.max(0, Math.floor(at)), TIME_LENGTH);
}
