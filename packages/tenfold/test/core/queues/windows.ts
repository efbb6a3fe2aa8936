/** Whether more was taken in some window than a rate lets be taken: computed with whole numbers, so that nothing is rounded. */
import type { Rate } from "../../../src/value/rate.ts";

export interface Take {
  readonly at: number;
  readonly cost: number;
}

const SCALE = 64;

/** No number that is looked at here has more binary places. */
function exact(value: number): bigint {
  return BigInt(value * 2 ** SCALE);
}

/** The window, if there is one, from one take to another in which more was taken than burst + time * count / perMs. */
export function overrun(takes: readonly Take[], { count, perMs, burst }: Rate): string | null {
  const [countX, perX] = [exact(count), exact(perMs)];
  const most = exact(burst) * perX;
  let total = 0n;
  let lowest: bigint | null = null;
  for (const { at, cost } of takes) {
    const elapsed = exact(at) * countX;
    const before = total * perX - elapsed;
    if (lowest === null || before < lowest) lowest = before;
    total += exact(cost);
    if (total * perX - elapsed - lowest > most) return `${cost} taken at ${at} is too much`;
  }
  return null;
}
