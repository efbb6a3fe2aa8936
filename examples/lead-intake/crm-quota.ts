/**
 * How much the local CRM lets its callers do. Invariants: in any second it takes at most `perSecond` calls, and it works
 * on at most `atOnce` of them at the same time; what it refuses counts as neither.
 */

export interface Quota {
  /** In any second, wherever that begins. */
  readonly perSecond: number;
  readonly atOnce: number;
}

export interface Turnstile {
  /** True: the call is taken, and is given back by `leave`. `now` in ms. */
  enter(now: number): boolean;
  leave(): void;
}

const SECOND_MS = 1000;

export function turnstileOf({ perSecond, atOnce }: Quota): Turnstile {
  /** When those were taken that are less than a second old, the oldest first. */
  const lately: number[] = [];
  let inside = 0;
  return {
    enter(now) {
      while (lately.length > 0 && lately[0]! <= now - SECOND_MS) lately.shift();
      if (lately.length >= perSecond || inside >= atOnce) return false;
      lately.push(now);
      inside++;
      return true;
    },
    leave() {
      inside--;
    },
  };
}
