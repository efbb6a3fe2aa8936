/**
 * Chance that belongs to what it is drawn for: the run, its node, the attempt, and the purpose, hashed.
 * Invariant: a draw depends on its identity alone, not on what was drawn before it; so the same run has the same luck in every
 * simulation of one seed, whatever limits it is simulated with (common random numbers).
 */

/** What a draw is for: another purpose is another draw of the same attempt. */
export const PURPOSE = {
  takes: 1,
  fails: 2,
  backoff: 3,
  arm: 4,
  items: 5,
  rounds: 6,
  waits: 7,
  key: 8,
  cost: 9,
  priority: 10,
  arrival: 11,
  stall: 12,
} as const;

export type Purpose = (typeof PURPOSE)[keyof typeof PURPOSE];

/**
 * The identity that is `part` of `whole` (32 bits). Source: the integer hash with the constants 0x21f0aaad and 0x735a2d97 of
 * C. Wellons and T. Ettinger, "hash-prospector" (bias 0.107).
 */
export function identity(whole: number, part: number): number {
  let hash = (whole + Math.imul(part + 1, 0x9e3779b1)) | 0;
  hash = Math.imul(hash ^ (hash >>> 16), 0x21f0aaad);
  hash = Math.imul(hash ^ (hash >>> 15), 0x735a2d97);
  return hash ^ (hash >>> 15);
}

/** The draw of `what` for a purpose, in (0, 1). */
export function drawn(what: number, purpose: Purpose): number {
  return ((identity(what, purpose) >>> 0) + 0.5) / 4_294_967_296;
}
