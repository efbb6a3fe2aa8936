/** Chance from a seed: the same seed gives the same sequence, in the simulator as in `ctx.random()`. */
import { createHash } from "node:crypto";

/** Answers a number in [0, 1), another one each time. */
export type Random = () => number;

/**
 * sfc32 (C. Doty-Humphrey, PractRand; public domain): 128 bits of state, seeded from SHA-256 of the seed, so that
 * two keys draw the same UUID no more often than two keys have the same hash.
 */
export function seededRandom(seed: number | string): Random {
  const digest = createHash("sha256").update(String(seed)).digest();
  let a = digest.readInt32LE(0);
  let b = digest.readInt32LE(4);
  let c = digest.readInt32LE(8);
  let counter = digest.readInt32LE(12);
  return () => {
    const sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + sum) | 0;
    return (sum >>> 0) / 4_294_967_296;
  };
}

/** A version 4 UUID drawn from `random`. */
export function uuidFrom(random: Random): string {
  const hex: string[] = [];
  for (let index = 0; index < 16; index++) {
    let byte = Math.floor(random() * 256);
    if (index === 6) byte = (byte & 0x0f) | 0x40;
    if (index === 8) byte = (byte & 0x3f) | 0x80;
    hex.push(byte.toString(16).padStart(2, "0"));
  }
  const text = hex.join("");
  return `${text.slice(0, 8)}-${text.slice(8, 12)}-${text.slice(12, 16)}-${text.slice(16, 20)}-${text.slice(20)}`;
}
