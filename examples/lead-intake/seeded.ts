/** Chance that repeats: the same seed draws the same sequence, so that the leads and the CRM's faults can be told again. */

/** Answers a number in [0, 1), another one each time. */
export type Chance = () => number;

/** mulberry32 (public domain, T. Ettinger), seeded with any text. */
export function seeded(seed: string): Chance {
  let state = hashOf(seed);
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** FNV-1a over UTF-16 units, stirred once more so that texts that differ in one letter draw unlike sequences. */
export function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  return (hash ^ (hash >>> 13)) >>> 0;
}

export function pick<T>(chance: Chance, items: readonly T[]): T {
  const item = items[Math.floor(chance() * items.length)];
  if (item === undefined) throw new RangeError("There is nothing to pick from an empty list.");
  return item;
}

/** A whole number from `least` to `most`, both included. */
export function whole(chance: Chance, least: number, most: number): number {
  return least + Math.floor(chance() * (most - least + 1));
}

/** A number from `least` to `most` that is as likely to fall between 10 and 100 as between 100 and 1000. */
export function logUniform(chance: Chance, least: number, most: number): number {
  return least * (most / least) ** chance();
}

/** A log-normal number around `median`, kept within [least, most]: how long a remote system takes to answer. */
export function logNormal(chance: Chance, median: number, spread: number, least: number, most: number): number {
  const normal = Math.sqrt(-2 * Math.log(1 - chance())) * Math.cos(2 * Math.PI * chance());
  return Math.min(most, Math.max(least, median * Math.exp(spread * normal)));
}
